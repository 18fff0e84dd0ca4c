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
from detector.events.envelope import CLASSIC, peel
from detector.grammars import mailtable, rendering, sheets, spellings, values, verdicts
from detector.grammars.moments import at_of
from detector.grammars.reader import Reader
from detector.grammars.together import together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells
    from detector.grammars.sheets import Sheet

_HEAD = (
    r"(?:(?P<process>[\w/.-]{1,40})(?:\[\d{1,10}\])?: )?"
    r"(?P<named>\S{0,255}\[)?(?P<client>[0-9A-Fa-f.:]{2,45})(?(named)\]) "
    r"\d{6,12}-[0-9A-Za-z-]{4,60} (?P<start>\d{1,11}) \d{1,11} "
)
"""The process, the client, perhaps behind its name, the mail and its times."""
_MAIL = (
    rf"{_HEAD}(?:RECV|(?P<scan>SCAN) (?:ENC|-)) (?P<sender>\S+) (?P<recipients>\S+) (?(scan)\S+ )(?P<action>\d{{1,2}}) "
    r"(?(scan)\S+ ?(?:(?:|.*? )SUBJ:(?P<subject>.*)|.*)|.*)"
)
"""A line that names somebody."""
_LINE, _NAMING = re.compile(rf"{_HEAD}(?:RECV|SCAN|SEND) "), re.compile(_MAIL, re.DOTALL)
_BODIES, _LINES = (re.compile(rf"^{head}{_MAIL}$", re.MULTILINE) for head in ("", f"(?:{CLASSIC})?"))
_REFUSED = frozenset({1, 2, 3, 6})
_WAITING = 5
_WAYS = ("inbound", "outbound")
_FEWEST = 8
"""Digits of a count of seconds that is cut off."""


def _start(text: str, _dialect: Dialect) -> int | None:
    return stamps.epoch(text) if len(text) > _FEWEST else None


def _action(text: str) -> Action | None:
    action = int(text)
    return Action.DENIED if action in _REFUSED else None if action == _WAITING else Action.ALLOWED


def _way(process: str) -> str | None:
    way, _, _ = process.partition("/")
    return way if way in _WAYS else None


_MAILS = mailtable.table(
    {Col.SOURCE_IP: "client", Col.SENDER: "sender", Col.TO: "recipients", Col.SUBJECT: "subject"},
    when=spellings.Spelled(("start",), _start, counts=True),
    verdict=verdicts.told("action", _action),
    direction=together("process", _way),
    readers={Col.SOURCE_IP: values.address, Col.SUBJECT: mailtable.subject},
)


def _record(line: str, dialect: Dialect) -> Cells | None:
    """The fields of a line that names somebody."""
    header = None if dialect.envelope else peel(line, Envelope.SYSLOG)
    body = line if header is None else header.body
    if (found := _NAMING.match(body)) is not None:
        return found.groupdict("")
    if dialect.envelope or _LINE.match(body):
        return None
    raise RefusedLine("no line of the mail syslog")


def _records(lines: Sequence[str], dialect: Dialect) -> Sheet | None:
    """Of lines that all name somebody."""
    return sheets.found(_BODIES if dialect.envelope else _LINES, lines)


_READER = Reader(_record, _MAILS, records=_records)


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
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_MAILS.columns,
    zone=Zone.UTC,
)
