r"""Sophos UTM (Astaro Security Gateway, SG series): the web filter's and the mail proxy's lines in key=value.

``2020:02:27-10:00:00 utm1 httpproxy[811]: id="0001" severity="info" sys="SecureWeb" sub="http" name="http access"
action="pass" method="GET" srcip="10.0.0.7" dstip="192.0.2.1" user="u1042" group="" ad_domain="EXAMPLE"
statuscode="200" cached="0" … size="900" request="0x1" url="https://www.example.com/a" … ua="Mozilla/5.0" …``

- the device's own stamp, local, colons between the parts of the date; a syslog priority or header may stand before it,
  or a relay has written its own header instead
- ``srcip`` the client, ``user`` who; ``size`` bytes of the reply, never an upload
- ``action`` ``pass`` let through, ``block`` not; ``statuscode`` 407 asks for a login

``2020:02:27-10:00:00 utm1 smtpd[811]: SCANNER[811]: id="1000" severity="info" sys="SecureMail" sub="smtp"
name="email passed" srcip="192.0.2.7" from="no-reply@clearview.ai" to="u1042@example.org" subject="…" queueid="…"``

- a mail: ``from`` the envelope's sender, ``to`` its recipients; ``name`` ``email passed``, or ``quarantined``,
  ``blocked``, ``rejected`` …: refused

Lines of the other daemons, and what the web filter says of itself, are no events.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Taken, Zone, stamps
from detector.grammars import kv, mail, moments, records, rendering, shapes, spellings, values, verdicts
from detector.grammars.layouts import Drawing, Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_HEAD = re.compile(
    r"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?:\S{1,255} )?)?"
    r"(\d{4}:\d\d:\d\d-\d\d:\d\d:\d\d) (?:\S{1,255} )?([a-z][\w.-]{0,40})(?:\[\d{1,10}\])?: "
)
_RELAYED = re.compile(r'(?:[a-z][\w-]{0,40}(?:\[\d{1,10}\])?: )?(?=id="\d{4}" )')
"""What is left of a head that a relay has written anew, once that is peeled."""
_MAIL = ' sys="SecureMail"'
_REFUSED = ("quarantin", "block", "reject", "drop", "delet", "blackhol")
_NAMES = {
    Col.SOURCE_IP: "srcip",
    Col.SOURCE_MAC: "srcmac",
    Col.USER: "user",
    Col.METHOD: "method",
    Col.URL: "url",
    Col.STATUS: "statuscode",
    Col.BYTES_RECEIVED: "size",
    Col.USER_AGENT: "ua",
}
_AT = "at"
_PLAIN_HEAD = r" (?:[^\s:\[\]]{1,255} )?httpproxy(?:\[\d{1,10}\])?: "


def _instant(text: str, dialect: Dialect) -> int | None:
    return stamps.known_iso(f"{text[:10].replace(':', '-')} {text[11:]}", dialect.zone)


_TABLE = records.table(
    _NAMES,
    when=spellings.spelled(_AT, _instant),
    verdict=verdicts.verdict("action", denied="block drop deny reject", allowed="pass allow warn"),
    needs=(Col.URL,),
)


def _record(line: str, _dialect: Dialect) -> Cells | None:
    """The fields of a request."""
    found = _HEAD.match(line)
    if found is None:
        return _relayed(line)
    at, program = found.groups()
    if program != "httpproxy" or ' url="' not in line:
        return None
    cells: dict[str, str] = kv.quoted(line[found.end() :])
    cells[_AT] = at
    return cells


def _relayed(line: str) -> Cells | None:
    """The fields of a request whose time only the peeled header tells."""
    found = _RELAYED.match(line)
    if found is None:
        raise RefusedLine("no line of the UTM")
    return kv.quoted(line[found.end() :]) if ' sub="http"' in line and ' url="' in line else None


def _shape(line: str) -> Drawing | None:
    """The layout of a line without a syslog header before its own stamp."""
    found = _HEAD.match(line)
    drawing = None if found is None else shapes.quoted()(line[found.end() :])
    if drawing is None:
        return None
    (before, cell), *rest = drawing.pieces
    pieces = [(r"(?:<\d{1,3}>)?", r"\d{4}:\d\d:\d\d-\d\d:\d\d:\d\d"), (_PLAIN_HEAD + before, cell), *rest]
    return Drawing(pieces, [_AT, *drawing.names], drawing.end, unescape=drawing.unescape)


def _mail(line: str, dialect: Dialect) -> Row | None:
    """The mail of a line of the mail proxy, ``None`` where it tells of none."""
    if (found := _HEAD.match(line)) is None:
        raise RefusedLine("no line of the UTM")
    cells = kv.quoted(line[found.end() :])
    said = cells.get("name", "").lower()
    if not said.startswith("email") or not ("from" in cells or "to" in cells):
        return None
    return values.row_of({
        Col.KIND: Kind.MAIL.value,
        Col.AT: _instant(found[1], dialect),
        Col.SOURCE_IP: values.address(cells.get("srcip")),
        Col.SENDER: mail.address(cells.get("from", "")),
        Col.TO: mail.addresses(cells.get("to", "")) or None,
        Col.SUBJECT: mail.decode_subject(cells.get("subject", "")),
        Col.ACTION: Action.DENIED if any(map(said.__contains__, _REFUSED)) else Action.ALLOWED,
    })  # fmt: skip


_READER = Reader(_record, _TABLE, Layouts((_shape,)))


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line to one request or mail."""
    return _mail(line, dialect) if _MAIL in line else _READER.parse(line, dialect)


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The device's own stamp."""
    return moments.at_of(_mail(line, dialect)) if _MAIL in line else _READER.timestamp(line, dialect)


def block(lines: Sequence[str], dialect: Dialect) -> Taken | None:
    """Many requests at once; mails are read one by one."""
    return None if any(_MAIL in line for line in lines) else _READER.block(lines, dialect)


def example(row: Row) -> str:
    """A request or a mail that was let through or blocked."""
    at = rendering.written_at(row, "%Y:%m:%d-%H:%M:%S")
    if row.get(Col.KIND) == Kind.MAIL:
        said = "email blocked" if row.get(Col.ACTION) == Action.DENIED else "email passed"
        to = row.get(Col.TO)
        mails = {
            "name": said, "srcip": str(row.get(Col.SOURCE_IP, "")),
            "from": str(row.get(Col.SENDER) or row.get(Col.FROM) or ""),
            "to": ", ".join(to) if isinstance(to, list) else "", "subject": str(row.get(Col.SUBJECT, "")),
        }  # fmt: skip
        told = " ".join(f'{name}="{_written(cell)}"' for name, cell in mails.items())
        return f'{at} utm1 smtpd[811]: SCANNER[811]: id="1000" severity="info"{_MAIL} sub="smtp" {told}'
    status = rendering.choice(row, allowed=str(row.get(Col.STATUS, 200)), denied="403", challenge="407")
    action = rendering.choice(row, allowed="pass", denied="block")
    cells = {"action": action, **rendering.texts(row, _NAMES), "statuscode": status}
    pairs = " ".join(f'{name}="{_written(cell)}"' for name, cell in cells.items())
    return f'{at} utm1 httpproxy[811]: id="0001" sys="SecureWeb" sub="http" name="http access" {pairs}'


def _written(cell: str) -> str:
    return kv.one_line(cell).replace("\\", "\\\\").replace('"', '\\"')


FORMAT = LogFormat(
    name="sophos_utm",
    kind=Kind.PROXY,
    title="Sophos UTM (SG), web filter and mail proxy",
    reference="unverified: https://docs.sophos.com/nsg/sophos-utm/utm/9.7/help/en-us/Content/utm/LogfilesExplained.htm",
    parse=parse,
    timestamp=timestamp,
    block=block,
    example=example,
    columns=_TABLE.columns | {Col.KIND, Col.SENDER, Col.TO, Col.SUBJECT},
    zone=Zone.LOCAL,
)
