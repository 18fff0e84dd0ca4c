r"""Barracuda Email Security Gateway (Spam Firewall): its mail syslog, one line a recipient.

``<syslog header> <process>[pid]: <client ip> <message id> <start> <end> <service> <info>``, times in seconds since the
epoch:

- ``RECV <sender> <recipient> <action> <reason> <details>`` refused or accepted before the content
- ``SCAN <ENC or -> <sender> <recipient> <score> <action> <reason> <details> SUBJ:<subject>``
- ``SEND <ENC or -> <action> <queue id> <reply>`` names nobody
- action 0 allowed, 1 aborted, 2 blocked, 3 quarantined, 4 tagged, 5 deferred, 6 quarantined per user, 7 whitelisted,
  8 encrypted, 9 redirected, 10 attachments stripped; ``-`` where nobody is named

The client is the connecting host, also where its name stands before the address in brackets.

``Feb 27 10:00:00 bsf inbound/pass1[42]: 192.0.2.7 1582797600-05a6fb3f0d1042-01 1582797600 1582797603 SCAN …``
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Envelope, Kind, LogFormat, Zone, stamps
from detector.events.envelope import peel
from detector.grammars import mail, rendering, values
from detector.grammars.moments import at_of

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_LINE = re.compile(
    r"(?:([\w/.-]{1,40})(?:\[\d{1,10}\])?: )?(?:\S{0,255}\[([0-9A-Fa-f.:]{2,45})\]|([0-9A-Fa-f.:]{2,45})) "
    r"(\d{6,12}-[0-9A-Za-z-]{4,60}) (\d{1,11}) (\d{1,11}) (RECV|SCAN|SEND) (.*)",
    re.DOTALL,
)
_RECV = re.compile(r"(\S+) (\S+) (\d{1,2}) .*", re.DOTALL)
_SCAN = re.compile(r"(?:ENC|-) (\S+) (\S+) \S+ (\d{1,2}) \S+ ?(.*)", re.DOTALL)
_SUBJECT = re.compile(r"(?:^| )SUBJ:(.*)", re.DOTALL)
_REFUSED = frozenset({1, 2, 3, 6})
_WAITING = 5


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line to one event."""
    if not line or line.isspace():
        return None
    found = _LINE.match(line)
    if found is None and not dialect.envelope and (header := peel(line, Envelope.SYSLOG)) is not None:
        found = _LINE.match(header.body)
    if found is None:
        if dialect.envelope:
            return None
        raise RefusedLine("no line of the mail syslog")
    scanned = found[7] == "SCAN"
    told = None if found[7] == "SEND" else (_SCAN if scanned else _RECV).match(found[8])
    if told is None:
        return None
    subject = _SUBJECT.search(told[4]) if scanned else None
    action = int(told[3])
    row = values.row_of(
        {
            Col.SOURCE_IP: values.address(found[2] or found[3]),
            Col.SENDER: mail.address(told[1]),
            Col.TO: mail.addresses(told[2]) or None,
            Col.SUBJECT: mail.decode_subject(subject[1]) if subject else None,
            Col.ACTION: Action.DENIED if action in _REFUSED else None if action == _WAITING else Action.ALLOWED,
            Col.DIRECTION: {"inbound": "inbound", "outbound": "outbound"}.get((found[1] or "").partition("/")[0]),
            Col.AT: stamps.epoch(found[5]) if len(found[5]) > 8 else None,
        }
    )
    return row if Col.SENDER in row or Col.TO in row else None


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The mail's start."""
    return at_of(parse(line, dialect))


def example(row: Row) -> str:
    """The scanner's line."""
    seconds = (at_of(row) or 0) // MICROSECONDS
    to = row.get(Col.TO)
    recipient = to[0] if isinstance(to, list) and to else "-"
    way = "outbound" if row.get(Col.DIRECTION) == "outbound" else "inbound"
    verdict = "2 71" if row.get(Col.ACTION) == Action.DENIED else "0 0"
    names = f"{row.get(Col.SENDER) or row.get(Col.FROM) or '-'} {recipient}"
    at = rendering.written_at(row, "%Y-%m-%dT%H:%M:%SZ")
    return (
        f"{at} bsf {way}/pass1[4242]: {row.get(Col.SOURCE_IP, '192.0.2.1')} {seconds}-05a6fb3f0d4242-0001 {seconds} "
        f"{seconds + 1} SCAN - {names} 0.100 {verdict} - SZ:4242 SUBJ:{row.get(Col.SUBJECT, '')}"
    )


FORMAT = LogFormat(
    name="barracuda_esg",
    kind=Kind.MAIL,
    title="Barracuda Email Security Gateway (mail syslog)",
    reference="unverified: https://campus.barracuda.com/product/emailsecuritygateway/doc/12193950/syslog-and-the-barracuda-email-security-gateway/",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({Col.AT, Col.SOURCE_IP, Col.SENDER, Col.TO, Col.SUBJECT, Col.DIRECTION, Col.ACTION}),
    zone=Zone.UTC,
)
