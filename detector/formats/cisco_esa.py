r"""Cisco Secure Email Gateway (ESA, IronPort): consolidated event logs (CEF) and text mail logs, joined by mail.

CEF, one line a mail: ``CEF:0|Cisco|C300V …|14.2.0|ESA_CONSOLIDATED_LOG_EVENT|Consolidated Log Event|5|key=value …``:

- ``startTime`` local time without a zone; ``ESAMID`` the mail's number
- ``suser`` the envelope's, ``ESAFriendlyFrom`` the header's sender; ``duser`` recipients, apart by ``;``
- ``msg`` the subject, ``cs4`` (``ExternalMsgID``) the message id in quotes, ``sourceAddress`` who brought the mail
- ``deviceDirection`` 0 in, 1 out; ``act`` DELIVERED; DQ (quarantined), DROPPED, BOUNCED, ABORTED are refused
- ``ESADMARCVerdict`` Success, PermFailure; Skipped and None say nothing

Text, ``<time> Info: <told>`` or behind a syslog header and the log's name (``mail_logs: Info: …``), where one mail is
many lines with one ``MID``:

- ``Start MID 4242 ICID 91``; ``MID 4242 ICID 91 From: <sender>``, ``… RID 0 To: <recipient>``
- ``MID 4242 Message-ID '<id>'``, ``MID 4242 Subject 'text'`` (bytes that are no ASCII written ``\xc3\xa9``)
- ``MID 4242 matched all recipients for per-recipient policy DEFAULT in the inbound table`` the direction
- ``Message done DCID 857 MID 4242 to RID [0]`` allowed; ``Bounced: …``, ``Dropped by``, ``quarantined to`` … refused
- ``Message finished MID 4242 done`` ends the mail

The client's address stands only in lines of the connection (``ICID``), which have no key in common with those of the
mail; a mail that was rewritten by a filter (``rewritten to MID 4243``) is delivered under its second number.

``Thu Feb 27 10:00:00 2020 Info: MID 4242 ICID 91 From: <no-reply@clearview.ai>``
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Envelope, Kind, LogFormat, Zone, stamps
from detector.events.envelope import instant, peel
from detector.grammars import (
    cef,
    mail,
    mailqueue,
    mailsession,
    mailtable,
    rendering,
    shapes,
    spellings,
    values,
    verdicts,
)
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.layouts import Drawing
    from detector.grammars.records import Cells

_CONSOLIDATED = "ESA_CONSOLIDATED_LOG_EVENT"
_LEVEL = re.compile(r"(?<![^ ])(?:Info|Warning|Critical|Debug|Trace): {1,2}")
_MID = re.compile(r"(?:.{0,80}?\b)?MID:? (\d{1,19})\b(.*)", re.DOTALL)
_CTIME = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d \d{4}")
_PARTY = re.compile(r"(?: ICID \d+)?(?: RID \d+)? (From|To): (?:<([^>]*)>|(\S+))(.*)", re.DOTALL)
_HEADER = re.compile(r" (Subject|Message-ID) (?:'(.*)'|\"(.*)\"|(.*))\s*", re.DOTALL)
_ESCAPED = re.compile(r"((?:\\x[0-9a-f]{2})+)|\\([\\'\"nrt])")
"""Bytes that are no ASCII; a quote is escaped only where a subject holds both kinds."""
_DKIM = re.compile(r" DKIM: (pass|permfail|hardfail|fail)\b.*?(?:\(d=([^\s)]+))?", re.DOTALL)
_DMARC = re.compile(r" DMARC: (?:Message from domain .*?,? ?(?:DMARC )?|Verification )(pass|fail)", re.DOTALL)
_TABLE = re.compile(r" matched all recipients for per-recipient policy .* in the (inbound|outbound) table", re.DOTALL)
_REFUSED = re.compile(
    r"Bounced: |Message aborted MID"
    r"|ISQ: (?:Tagging|Quarantined) MID"
    r"|(?i:\bdropped by\b|\bdropped\b.* due to|quarantined to|to centralized quarantine|- bounced by)"
)
_HEAD_LIMIT = 300


def _ctime(text: str, dialect: Dialect) -> int | None:
    try:
        return stamps.ctime(text, dialect.zone)
    except (ValueError, OverflowError):  # a line whose time alone is broken is kept
        return None


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == "'" == text[-1] else text


def _unescaped(text: str) -> str:
    r"""A subject's escapes undone, which are Python's; bytes that are no UTF-8 are left."""
    return _ESCAPED.sub(_letter, text) if "\\" in text else text


def _letter(found: re.Match[str]) -> str:
    if not found[1]:
        return {"n": " ", "r": " ", "t": " "}.get(found[2], found[2])
    try:
        return bytes.fromhex(found[1].replace("\\x", "")).decode()
    except UnicodeDecodeError:
        return found[1]


_MAILS = mailtable.table(
    {
        Col.SOURCE_IP: "sourceAddress src",
        Col.SENDER: "suser",
        Col.FROM: "ESAFriendlyFrom",
        Col.FROM_NAME: "ESAFriendlyFrom",
        Col.TO: "duser",
        Col.SUBJECT: "msg",
        Col.MESSAGE_ID: "cs4 ExternalMsgID",
        Col.TRANSACTION: "ESAMID",
    },
    when=spellings.spelled("startTime start endTime EndTime", _ctime),
    verdict=verdicts.verdict("act", denied="dq drop bounce quarantin abort reject", allowed="deliver"),
    direction=mailtable.word("deviceDirection", {"0": "inbound", "1": "outbound"}),
    authentication=mailtable.word("ESADMARCVerdict", {"success": "pass", "pass": "pass", "permfailure": "fail"}),
    readers={
        Col.SUBJECT: lambda text: mail.decode_subject(_unquoted(text)),
        Col.FROM_NAME: mailtable.name,
        Col.TRANSACTION: lambda text: f"consolidated: {text}" if text.isdecimal() else None,
    },
    derived={Col.TRANSACTION: lambda _: f"consolidated: {_CONSOLIDATED}"},
)


def _record(line: str, _dialect: Dialect) -> Cells | None:
    """The fields of a consolidated event; other lines are none."""
    if _CONSOLIDATED not in line:
        return None
    message = cef.find(line)
    if message is None or message.event != _CONSOLIDATED:
        raise RefusedLine("not a consolidated event of ESA")
    return message.fields


def _shape(line: str) -> Drawing | None:
    return shapes.cef_message(line) if _CONSOLIDATED in line else None


_READER = Reader(_record, _MAILS, Layouts((_shape,)))


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line to an event (CEF) or to a fragment of a mail; a fragment that holds its number alone ends the mail."""
    if not line or line.isspace():
        return None
    if (cells := _record(line, dialect)) is not None:
        return _MAILS.row(cells, dialect)
    level = _LEVEL.search(line, 0, _HEAD_LIMIT)
    if level is None and (dialect.envelope or peel(line, Envelope.SYSLOG) is not None):
        return None
    if level is None:
        raise RefusedLine("neither a consolidated event nor a level behind a time")
    row = _fragment(line[level.end() :])
    at = None if row is None else _instant(line, level.start(), dialect)
    if row is None:
        if not (dialect.envelope or _CTIME.search(line, 0, level.start()) or peel(line, Envelope.SYSLOG)):
            raise RefusedLine("no time before the level")
        return None
    return row if at is None else {**row, Col.AT: at}


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The start of a consolidated event, the line's own time, else the syslog header's."""
    if (cells := _record(line, dialect)) is not None:
        return _MAILS.when(cells, dialect)
    level = _LEVEL.search(line, 0, _HEAD_LIMIT)
    return None if level is None else _instant(line, level.start(), dialect)


def example(row: Row) -> str:
    """A consolidated event."""
    denied = row.get(Col.ACTION) == Action.DENIED
    to = row.get(Col.TO)
    cells = {
        "deviceExternalId": "42-4242",
        "ESAMID": str(zlib.crc32(repr(sorted(row.items())).encode())),
        "startTime": rendering.written_at(row, "%a %b %d %H:%M:%S %Y"),
        "ESAFriendlyFrom": str(row.get(Col.FROM, "")),
        "deviceDirection": "1" if row.get(Col.DIRECTION) == "outbound" else "0",
        "suser": str(row.get(Col.SENDER) or row.get(Col.FROM) or ""),
        "act": "DROPPED" if denied else "DELIVERED",
        "cs4Label": "ExternalMsgID",
        "cs4": f"'<{row.get(Col.MESSAGE_ID, '')}>'",
        "duser": ";".join(to) if isinstance(to, list) else "",
        "sourceAddress": str(row.get(Col.SOURCE_IP, "")),
        "msg": f"'{row.get(Col.SUBJECT, '')}'",
    }
    product = "Cisco|C300V Email Security Virtual Appliance|14.2.0-620"
    return cef.join(f"{product}|{_CONSOLIDATED}|Consolidated Log Event|5", cells)


def _fragment(told: str) -> Row | None:
    found = _MID.match(told)
    if found is None:
        return None
    row = _told(told, found[2])
    return None if row is None else {Col.TRANSACTION: found[1], **row}


def _told(told: str, rest: str) -> Row | None:
    """What a line says of a mail; ``rest`` stands behind the mail's number."""
    if told.startswith(("Start MID", "Message finished MID")):
        return {}
    if told.startswith("Message done"):
        return {Col.ACTION: Action.ALLOWED}
    if found := _PARTY.match(rest):
        address = mail.address(found[2] or found[3] or "")
        if found[1] == "From":
            return {Col.SENDER: address} if address else None
        refused = "reject" in found[4].lower()
        return (
            values.row_of({Col.TO: [address] if address else None, Col.ACTION: Action.DENIED if refused else None})
            or None
        )
    if found := _HEADER.fullmatch(rest):
        text = found[2] or found[3] or found[4] or ""
        is_subject = found[1] == "Subject"
        value = mail.decode_subject(_unescaped(text)) if is_subject else mailtable.message_id(text)
        return {Col.SUBJECT if is_subject else Col.MESSAGE_ID: value} if value else None
    return _ruled(told, rest)


def _ruled(told: str, rest: str) -> Row | None:
    """What was decided on a mail."""
    if _REFUSED.search(told):
        return {Col.ACTION: Action.DENIED}
    if found := _TABLE.match(rest):
        return {Col.DIRECTION: found[1]}
    if found := _DMARC.match(rest):
        return {Col.AUTHENTICATION: found[1]}
    if found := _DKIM.match(rest):
        if found[1] != "pass":
            return {Col.AUTHENTICATION: mailqueue.DKIM_FAIL}
        domain = re.search(r"\(d=([^\s)]+)", rest)
        return {Col.AUTHENTICATION: mailqueue.PASSED_BY + values.lower(domain[1])} if domain else None
    return None


def _instant(line: str, stop: int, dialect: Dialect) -> int | None:
    """The line's own time before its level, else the syslog header's."""
    found = _CTIME.search(line, 0, stop)
    if found is not None:
        return _ctime(found[0], dialect)
    header = None if dialect.envelope else peel(line, Envelope.SYSLOG)
    try:
        return None if header is None else instant(header, dialect)
    except (ValueError, OverflowError):
        return None


FORMAT = LogFormat(
    name="cisco_esa",
    kind=Kind.MAIL,
    title="Cisco Secure Email Gateway (consolidated events as CEF, text mail logs joined by MID)",
    reference="unverified: https://www.cisco.com/c/en/us/support/security/email-security-appliance/"
    "products-user-guide-list.html",
    parse=parse,
    timestamp=timestamp,
    block=_READER.block,
    example=example,
    columns=_MAILS.columns,
    zone=Zone.LOCAL,
    join=mailsession.join,
)
