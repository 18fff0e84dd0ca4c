r"""Google Admin console: downloads of Email Log Search and of Gmail log events in the security investigation tool, CSV.

Columns by name, in any order:

- Email Log Search: ``Message ID,Start date,End date,Sender,Message size,Subject,Direction,Attachments,``
  ``Recipient address,Event target,Event date,Event status,Event target IP address,…``: one row is one event of one
  recipient. ``Start date`` is when Google got the mail, ``2020/02/27 10:00:00 UTC``, or with the administrator's zone
  (``PST``, ``America/Edmonton``); ``Event status`` Delivered, Inserted, Received are allowed, Bounced, Dropped,
  Rejected, Quarantined refused
- Gmail log events: ``Date,Message ID,Subject,Event,From (Header address),From (Header name),From (Envelope),``
  ``To (Envelope),IP address,…``; ``Event`` Receive, Send, Deliver …, ``Date`` ISO 8601 with an offset

The ``Event target IP address`` is the server that the mail was given to: no source.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from detector.events import Action, Col, Zone
from detector.grammars import csvexport, leef, mailformat, mailtable, moments, rendering, verdicts

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_CSV = {
    "messageid": "messageid", "startdate": "startdate", "date": "startdate", "eventdate": "eventdate",
    "sender": "sender", "fromenvelope": "sender", "fromheaderaddress": "from",
    "fromheadername": "fromname", "subject": "subject", "direction": "direction", "recipientaddress": "recipient",
    "recipient": "recipient", "toenvelope": "recipient", "eventstatus": "status", "event": "status",
    "ipaddress": "client", "clientip": "client", "trafficsource": "direction",
}  # fmt: skip
_UNIVERSAL = re.compile(r" (?:UTC|GMT|Z)$")
_ZONE = re.compile(r" ([A-Z]{3,4}|[A-Z][A-Za-z]{1,20}(?:/[A-Za-z_-]{1,30}){1,2})$")
_STATUS = verdicts.verdict(
    "status", denied="bounce drop reject quarantin fail den", allowed="deliver insert receiv accept send sent"
)


def _when(cells: Cells, dialect: Dialect) -> int | None:
    for name in ("startdate", "eventdate"):
        cell = cells.get(name)
        if not isinstance(cell, str) or not cell:
            continue
        at = csvexport.instant(cell, dialect.zone, dialect.date_order)
        if at is None and ":" in cell:
            at = _zoned(cell, dialect)
        if at is not None:
            return at
    return None


def _zoned(cell: str, dialect: Dialect) -> int | None:
    """A time behind which a zone may stand by its name."""
    named = _ZONE.search(cell)
    if named is None or _UNIVERSAL.search(cell):
        return moments.instant(_UNIVERSAL.sub("Z", cell), dialect.zone)
    try:
        zone = leef.zone_named(named[1]) or ZoneInfo(named[1])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return csvexport.instant(cell[: named.start()], zone, dialect.date_order)


_MAILS = mailtable.table(
    {
        Col.SOURCE_IP: "client",
        Col.SENDER: "sender",
        Col.FROM: "from",
        Col.FROM_NAME: "fromname",
        Col.TO: "recipient",
        Col.SUBJECT: "subject",
        Col.MESSAGE_ID: "messageid",
    },
    when=_when,
    verdict=_STATUS,
    direction=mailtable.word("direction", mailtable.DIRECTIONS),
    readers={Col.FROM_NAME: mailtable.name},
)
_PREAMBLE = "Message ID,Start date,Sender,Subject,Direction,Recipient address,Event status"


def example(row: Row) -> str:
    """A row of Email Log Search."""
    to = row.get(Col.TO)
    cells = (
        f"<{row.get(Col.MESSAGE_ID, '')}>",
        rendering.written_at(row, "%Y/%m/%d %H:%M:%S UTC"),
        row.get(Col.SENDER) or row.get(Col.FROM) or "",
        row.get(Col.SUBJECT, ""),
        "Sent" if row.get(Col.DIRECTION) == "outbound" else "Received",
        ", ".join(to) if isinstance(to, list) else "",
        "Bounced" if row.get(Col.ACTION) == Action.DENIED else "Delivered",
    )
    return ",".join('"' + str(cell).replace('"', '""') + '"' for cell in cells)


FORMAT = replace(
    mailformat.mail_format(
        "google_email_log_search",
        "Google Admin console: Email Log Search, Gmail log events (CSV)",
        reference="unverified: https://support.google.com/a/answer/2618874",
        zone=Zone.OFFSET,
        mails=_MAILS,
        shape=mailformat.Shape(
            own="messageid sender recipient|messageid startdate sender status",
            written=lambda _: {},
            csv=_CSV,
            head_literals=(b"Message ID", b"Message Id"),
        ),
    ),
    example=example,
    preamble=_PREAMBLE,
)
