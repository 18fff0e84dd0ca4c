r"""EfficientIP SOLIDserver: queries and answers of its BIND in syslog.

``named[2121]: client @0x7ee2 10.0.0.7#39897 (www.example.com): query: www.example.com IN A +E(0)K (192.0.2.53)``

``named[2121]: client @0x7ee2 10.0.0.7#39897 (www.example.com): answer: www.example.com IN A (192.0.2.53) -> NOERROR …``

- the syslog header has the time; before ``client`` it may stand in BIND's own spelling, local
- an ``answer`` repeats its ``query`` and is no event, but for ``REFUSED``, which is denied

Everything that it writes of clients beside is BIND's; format ``bind_querylog`` reads more of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import moments, namedlike

if TYPE_CHECKING:
    from detector.events import Dialect, Row


def parse(line: str, dialect: Dialect) -> Row | None:
    """One question to one event."""
    if not line or line.isspace():
        return None
    said = namedlike.read(line, dialect)
    if said is None or said.kind == "response":
        if said is None and namedlike.is_other(line):
            return None
        raise RefusedLine("not a query or answer of the server")
    return said.row if said.kind == "query" or Col.ACTION in said.row else None


def example(row: Row) -> str:
    """A question, or the refusal of one."""
    text = namedlike.written(row)
    if row.get(Col.ACTION) == Action.DENIED:
        return text.replace(": query: ", ": answer: ").replace(" + (192.0.2.53)", " (192.0.2.53) -> REFUSED")
    return text


FORMAT = LogFormat(
    name="efficientip_dns",
    kind=Kind.DNS,
    title="EfficientIP SOLIDserver DNS",
    reference="unverified: https://www.efficientip.com/",
    parse=parse,
    timestamp=lambda line, dialect: moments.at_of(parse(line, dialect)),
    example=example,
    columns=frozenset({Col.AT, Col.SOURCE_IP, Col.QUESTION, Col.QUESTION_TYPE, Col.ACTION}),
    zone=Zone.LOCAL,
)
