r"""Retarus Email Security: events of mails as JSON (Retarus' "SIEM integration", one object a line).

- ``ts`` local time with an offset; the day may have one digit: ``2020-02-7 10:00:00 +0100``
- ``sender`` the envelope's, ``metaData.header.from`` and ``.subject`` the header's; ``recipient``; ``mimeId`` in angle
  brackets
- ``sourceIp`` who brought the mail
- ``direction`` INBOUND, OUTBOUND; ``subtype`` INCOMING or OUTGOING is the transport's view
- ``status`` ACCEPTED, DELIVERED, REJECTED, QUARANTINED, BLOCKED, DELETED, INFECTED …

``{"class":"EVENT","type":"MTA","ts":"2020-02-27 10:00:00 +0100","sender":"no-reply@clearview.ai",…}``
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

from detector.events import Action, Col, Zone
from detector.grammars import mailformat, mailtable, moments, rendering, verdicts

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_STAMP = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})([T ].+)")


def _when(cells: Cells, dialect: Dialect) -> int | None:
    cell = cells.get("ts")
    found = _STAMP.fullmatch(cell) if isinstance(cell, str) else None
    if found is None:
        return moments.instant(cell, UTC) if cell else None
    return moments.instant(f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}{found[4]}", dialect.zone)


def _written(row: Row) -> dict[str, object]:
    return {
        "class": "EVENT",
        "rmxId": "4242",
        "ts": rendering.written_at(row, "%Y-%m-%d %H:%M:%S +0000"),
        "direction": str(row.get(Col.DIRECTION, "inbound")).upper(),
        "status": "REJECTED" if row.get(Col.ACTION) == Action.DENIED else "ACCEPTED",
    }


FORMAT = mailformat.mail_format(
    "retarus",
    "Retarus Email Security (JSON events)",
    reference="unverified: https://www.retarus.com/services/email-security/",
    zone=Zone.OFFSET,
    mails=mailtable.table(
        {
            Col.SOURCE_IP: "sourceIp",
            Col.SENDER: "sender",
            Col.FROM: "metaData.header.from",
            Col.FROM_NAME: "metaData.header.from",
            Col.TO: "recipient metaData.header.to",
            Col.SUBJECT: "metaData.header.subject",
            Col.MESSAGE_ID: "mimeId",
        },
        when=_when,
        verdict=verdicts.verdict(
            "status", denied="reject quarantin block delet infect bounc drop fail", allowed="accept deliver sent clean"
        ),
        direction=mailtable.word("direction subtype", mailtable.DIRECTIONS),
    ),
    shape=mailformat.Shape(own="class ts|rmxId ts|mimeId ts sender", written=_written),
)
