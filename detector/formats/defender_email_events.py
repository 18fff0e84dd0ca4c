r"""Microsoft Defender XDR, table EmailEvents: JSON of the streaming API, of hunting queries and of Sentinel, and CSV.

One record is one recipient. The streaming API puts it into
``{"category":"AdvancedHunting-EmailEvents","properties":{…}}``.

- ``Timestamp`` (in Sentinel ``TimeGenerated``, in its CSV ``TimeGenerated [UTC]``) UTC; in the portal's CSV
  ``Feb 27, 2020 10:00:00 AM``
- ``SenderFromAddress``, ``SenderDisplayName`` the header's sender, ``SenderMailFromAddress`` the envelope's
- ``RecipientEmailAddress``, ``Subject``, ``InternetMessageId`` in angle brackets
- ``SenderIPv4``, ``SenderIPv6`` the last server that is not Microsoft's
- ``EmailDirection`` Inbound, Outbound, Intra-org
- ``DeliveryAction`` Delivered, Junked (the user has it in his junk folder: allowed), Replaced, Blocked
- ``AuthenticationDetails`` a JSON text: ``{"SPF":"pass","DKIM":"none","DMARC":"pass","CompAuth":"pass"}``; DMARC counts

``{"Timestamp":"2020-02-27T10:00:00Z","NetworkMessageId":"4f1c…","SenderFromAddress":"no-reply@clearview.ai",…}``
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Zone, stamps
from detector.grammars import csvexport, mailformat, mailtable, rendering, spellings, verdicts

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_DMARC = re.compile(r'\bDMARC\\?"?\s*[:=]\s*\\?"?(pass|bestguesspass|fail)', re.IGNORECASE)
_PORTAL = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}) (\d{1,2}:\d\d:\d\d(?: [AP]M)?)")
_ACTIONS = verdicts.verdict("DeliveryAction LatestDeliveryAction", denied="block", allowed="deliver junk replace")
_PLACES = verdicts.verdict("DeliveryLocation", denied="quarantine dropped failed")
_NAMES = {
    Col.SOURCE_IP: "SenderIPv4 SenderIPv6",
    Col.FROM: "SenderFromAddress",
    Col.FROM_NAME: "SenderDisplayName",
    Col.SENDER: "SenderMailFromAddress",
    Col.TO: "RecipientEmailAddress",
    Col.SUBJECT: "Subject",
    Col.MESSAGE_ID: "InternetMessageId",
}
_OTHERS = (
    "NetworkMessageId", "EmailDirection", "DeliveryAction", "DeliveryLocation", "AuthenticationDetails", "Timestamp",
    "TimeGenerated",
)  # fmt: skip
_CSV = {csvexport.normal(name): name for name in (*" ".join(_NAMES.values()).split(), *_OTHERS)} | {
    "timestamputc": "Timestamp",
    "timegeneratedutc": "TimeGenerated",
}


def _instant(text: str, dialect: Dialect) -> int | None:
    """A time of the table, or as the portal shows it."""
    if (at := csvexport.instant(text, dialect.zone, dialect.date_order)) is not None:
        return at
    if found := _PORTAL.fullmatch(text):
        with suppress(RefusedLine):
            return stamps.civil(int(found[3]), stamps.month_number(found[1]), int(found[2]), found[4], dialect.zone)
    return None


def _authentication(cells: Cells) -> str | None:
    cell = cells.get("AuthenticationDetails")
    if isinstance(cell, dict):
        return mailtable.PASSED.get(str(cell.get("DMARC", "")).lower())
    found = _DMARC.search(cell) if isinstance(cell, str) else None
    return None if found is None or found[1].lower() == "bestguesspass" else found[1].lower()


def _unwrap(record: dict[str, object]) -> Cells | None:
    inner = record.get("properties")
    category = record.get("category")
    if isinstance(category, str) and isinstance(inner, dict):
        return inner if category.endswith("EmailEvents") else None
    return record


def _written(row: Row) -> dict[str, object]:
    direction = {"outbound": "Outbound", "internal": "Intra-org"}.get(str(row.get(Col.DIRECTION, "")), "Inbound")
    return {
        "Timestamp": rendering.written_at(row, "%Y-%m-%dT%H:%M:%S.%fZ"),
        "NetworkMessageId": "4f1c2d3e-0000-4000-8000-000000004242",
        "EmailDirection": direction,
        "DeliveryAction": "Blocked" if row.get(Col.ACTION) == Action.DENIED else "Delivered",
    }


FORMAT = mailformat.mail_format(
    "defender_email_events",
    "Microsoft Defender XDR, EmailEvents (streaming API, hunting, Sentinel; JSON and CSV)",
    reference="unverified: https://learn.microsoft.com/en-us/defender-xdr/advanced-hunting-emailevents-table",
    zone=Zone.UTC,
    mails=mailtable.table(
        _NAMES,
        when=spellings.spelled("Timestamp TimeGenerated timestamp time", _instant, iso=True),
        verdict=verdicts.either(_PLACES, _ACTIONS),
        direction=mailtable.word("EmailDirection", mailtable.DIRECTIONS),
        authentication=_authentication,
        readers={Col.FROM_NAME: mailtable.name},
    ),
    shape=mailformat.Shape(
        own="SenderFromAddress RecipientEmailAddress|SenderMailFromAddress NetworkMessageId",
        written=_written,
        unwrap=_unwrap,
        csv=_CSV,
        head_literals=(b"RecipientEmailAddress",),
    ),
)
