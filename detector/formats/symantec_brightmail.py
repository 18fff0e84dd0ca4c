r"""Symantec Messaging Gateway (Brightmail): its message audit log, joined by audit id.

``<syslog header> <program>: <epoch>|<audit id>|<EVENT>|<values apart by |>``, also without a header; one mail is many
lines:

- ``ACCEPT|ip:port`` who brought it; ``SENDER|a@b``; ``ORCPTS|c@d|e@f`` the recipients as they were told;
  ``SUBJECT|text``; ``MSGID|<id>``; ``SOURCE|external`` or ``internal``
- ``DELIVER|ip:port|recipients`` delivered; ``REJECT``, ``DROP``, ``DELETE``, ``QUARANTINE`` refused
- ``VERDICT|recipient|spam|…`` a class, no action

Other lines of the same programs (``conduit: [Brightmail] (NOTICE:…): …``) are passed over.

``Feb 27 10:00:00 smg1 ecelerity: 1582797600|0a000007-b7f6c6d000001042-01-5e5793a0c0de|SENDER|no-reply@clearview.ai``
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Envelope, Kind, LogFormat, Zone, stamps
from detector.events.envelope import peel
from detector.grammars import mail, mailsession, mailtable, values
from detector.grammars.moments import at_of

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_RECORD = re.compile(
    r"(?:[\w./-]{1,40}(?:\[\d{1,10}\])?: )?(\d{9,10})(?:\.\d{1,6})?\|([0-9a-fA-F]{8}-[0-9a-fA-F-]{12,60})\|"
    r"([A-Z_]{3,30})(?:\|(.*))?",
    re.DOTALL,
)
_PROGRAM = re.compile(r"\[Brightmail\]|(?:ecelerity|bmserver|conduit|brightmail-engine|jlu-controller)\b")
_REFUSED = frozenset({"REJECT", "DROP", "DELETE", "QUARANTINE", "BOUNCE"})


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line to a fragment of its mail."""
    if not line or line.isspace():
        return None
    found = _RECORD.fullmatch(line)
    if found is None and not dialect.envelope:
        header = peel(line, Envelope.SYSLOG)
        if header is None or not _PROGRAM.search(line):
            found = None if header is None else _RECORD.fullmatch(header.body)
            if found is None:
                raise RefusedLine("no record of the message audit log")
        else:
            found = _RECORD.fullmatch(header.body)
    row = None if found is None else _told(found[3], (found[4] or "").split("|"))
    if row is None or found is None:
        return None
    return {Col.TRANSACTION: found[2], Col.AT: stamps.epoch(found[1]), **row}


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The record's own time."""
    return at_of(parse(line, dialect))


def example(row: Row) -> str:
    """The lines of one mail."""
    seconds = (at_of(row) or 0) // MICROSECONDS
    key = f"0a000007-b7f6c6d0{zlib.crc32(repr(sorted(row.items())).encode()):08x}-01-5e5793a0c0de"
    to = row.get(Col.TO)
    recipients = "|".join(to) if isinstance(to, list) else ""
    told = [
        f"ACCEPT|{row.get(Col.SOURCE_IP, '192.0.2.1')}:4242",
        f"SENDER|{row.get(Col.SENDER) or row.get(Col.FROM) or ''}",
        f"ORCPTS|{recipients}",
        f"MSGID|<{row.get(Col.MESSAGE_ID, '')}>",
        f"SUBJECT|{row.get(Col.SUBJECT, '')}",
        "REJECT|" if row.get(Col.ACTION) == Action.DENIED else f"DELIVER|10.0.0.25:25|{recipients}",
    ]
    return "\n".join(f"{seconds}|{key}|{text}" for text in told)


def _told(event: str, cells: list[str]) -> Row | None:
    text = "|".join(cells)
    if event in ("ACCEPT", "CONNECT"):
        return values.row_of({Col.SOURCE_IP: values.address(values.host(cells[0]))}) or None
    if event == "SENDER":
        return values.row_of({Col.SENDER: mail.address(text)}) or None
    if event == "ORCPTS":
        return values.row_of({Col.TO: mail.addresses(", ".join(cells)) or None}) or None
    if event == "SUBJECT":
        return values.row_of({Col.SUBJECT: mail.decode_subject(text)}) or None
    if event == "MSGID":
        return values.row_of({Col.MESSAGE_ID: mailtable.message_id(text)}) or None
    if event == "SOURCE":
        direction = {"external": "inbound", "internal": "outbound"}.get(text.lower())
        return {Col.DIRECTION: direction} if direction else None
    if event == "DELIVER":
        return {Col.ACTION: Action.ALLOWED}
    return {Col.ACTION: Action.DENIED} if event in _REFUSED else None


FORMAT = LogFormat(
    name="symantec_brightmail",
    kind=Kind.MAIL,
    title="Symantec Messaging Gateway (message audit log, joined by audit id)",
    reference="unverified: https://techdocs.broadcom.com/us/en/symantec-security-software/email-security/"
    "symantec-messaging-gateway.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({
        Col.AT, Col.SOURCE_IP, Col.SENDER, Col.TO, Col.SUBJECT, Col.MESSAGE_ID, Col.DIRECTION, Col.ACTION,
    }),
    zone=Zone.UTC,
    join=mailsession.join,
)  # fmt: skip
