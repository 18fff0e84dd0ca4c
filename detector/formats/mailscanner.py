r"""MailScanner: its syslog lines, each of which tells sender and recipient or verdict by itself.

``<syslog header> MailScanner[pid]: <text>``:

- ``Message <id> from <ip> (<sender>) to <domains> is [not] spam, …`` who brought a mail; the recipients' domains only,
  and a verdict of which the action is told elsewhere; so are mails ``too big for spam checks``, and without recipients
  those of whom the sender ``is whitelisted`` or ``is blacklisted``
- ``Delivery of nonspam: message <id> from <sender> to <a>,<b> with subject <text>`` (``Log Delivery And Non-Delivery``)
  delivered; ``Non-delivery of spam: …``, ``Silent … Non-delivery`` refused

``Feb 27 10:00:00 mx1 MailScanner[42]: Delivery of nonspam: message 4F3 from help@clearview.ai to …``
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Envelope, Kind, LogFormat, Zone
from detector.events.envelope import known_instant, peel
from detector.grammars import mail, rendering, values

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_TAG = re.compile(r"MailScanner(?:\[\d{1,10}\])?: (.*)", re.DOTALL)
_MESSAGE = re.compile(
    r"Message \S{1,80} from (\S{2,60}) \((.{0,600}?)\)"
    r"(?: to (.{1,4000}?) is (?:(?:not )?spam|too big for spam checks)| is (?:white|black)listed)",
    re.DOTALL,
)
_DELIVERY = re.compile(
    r"(?:.{0,60}?)(Non-delivery|Delivery) of \S{1,40}(?: \S{1,40})?: message \S{1,80} from (\S{0,600}) to "
    r"(.{1,8000}?)(?: with subject (.*)|$)",
    re.DOTALL | re.IGNORECASE,
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line to one event."""
    if not line or line.isspace():
        return None
    if dialect.envelope is Envelope.TAGGED:
        return _row(line)
    tag = _TAG.match(line)
    if tag or dialect.envelope:
        return _row(tag[1]) if tag else None
    header = peel(line, Envelope.SYSLOG)
    if header is None:
        raise RefusedLine("neither a syslog header nor MailScanner's tag")
    tag = _TAG.match(header.body)
    row = _row(tag[1]) if tag else None
    if row is not None and (at := known_instant(header, dialect)) is not None:
        row[Col.AT] = at
    return row


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The syslog header's, where it is still there."""
    header = None if dialect.envelope else peel(line, Envelope.SYSLOG)
    return None if header is None else known_instant(header, dialect)


def example(row: Row) -> str:
    """The line of one delivery."""
    at = rendering.written_at(row, "%Y-%m-%dT%H:%M:%SZ")
    word = "Non-delivery of spam" if row.get(Col.ACTION) == Action.DENIED else "Delivery of nonspam"
    to = row.get(Col.TO)
    sender = row.get(Col.SENDER) or row.get(Col.FROM) or ""
    recipients = ",".join(to) if isinstance(to, list) else ""
    subject = f" with subject {row[Col.SUBJECT]}" if Col.SUBJECT in row else ""
    return f"{at} mx1 MailScanner[4242]: {word}: message 4F3A.B1C2 from {sender} to {recipients}{subject}"


def _row(told: str) -> Row | None:
    if found := _DELIVERY.match(told):
        return values.row_of(
            {
                Col.SENDER: mail.address(found[2]),
                Col.TO: mail.addresses(found[3]) or None,
                Col.SUBJECT: mail.decode_subject(found[4] or ""),
                Col.ACTION: Action.ALLOWED if found[1].lower() == "delivery" else Action.DENIED,
            }
        )
    if found := _MESSAGE.match(told):
        cells = {Col.SOURCE_IP: values.address(found[1]), Col.SENDER: mail.address(found[2])}
        row = values.row_of({**cells, Col.TO: mail.addresses(found[3] or "") or None})
        return row if Col.SENDER in row or Col.TO in row else None
    return None


FORMAT = LogFormat(
    name="mailscanner",
    kind=Kind.MAIL,
    title="MailScanner (syslog)",
    reference="unverified: https://www.mailscanner.info/MailScanner.conf.index.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({Col.AT, Col.SOURCE_IP, Col.SENDER, Col.TO, Col.SUBJECT, Col.ACTION}),
    zone=Zone.LOCAL,
)
