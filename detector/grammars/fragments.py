"""Lines behind syslog headers that are fragments of transactions, one by one or many at once.

What a format still says itself is what a line without its header tells of which queue id or session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from detector.errors import RefusedLine
from detector.events import UNREADABLE, Col, Envelope, Row, Taken
from detector.events.envelope import known_instant, peel
from detector.events.envelopes import known_instants, peel_all, with_hosts

if TYPE_CHECKING:
    from detector.events import Dialect, Value
    from detector.events.envelope import Header

Told: TypeAlias = "Callable[[str, Dialect], Row | None]"
"""The fragment of a line without its header, ``None`` where it is no event; raises ``RefusedLine`` for broken ones."""

_AT, _TRANSACTION, _SYSLOG = Col.AT, Col.TRANSACTION, Envelope.SYSLOG  # looking a member up on its class costs 70 ns


def headed(header: Header, row: Row | None, dialect: Dialect) -> Row | None:
    """A fragment with the host and the time of the header before it."""
    if row is None:
        return None
    if header.host:
        row[_TRANSACTION] = f"{header.host} {row[_TRANSACTION]}"
    if (at := known_instant(header, dialect)) is not None:
        row[_AT] = at
    return row


@dataclass(frozen=True, slots=True)
class Fragments:
    """A format's way from lines to fragments; an id of a transaction has the host of its header before it.

    Attributes:
        told: the fragment of a line without its header.
        is_own: whether a line that has none is the format's all the same.
        refusal: why other lines without one are refused.
    """

    told: Told
    is_own: Callable[[str], object]
    refusal: str

    def parse(self, line: str, dialect: Dialect) -> Row | None:
        """One line to a fragment; blank lines are none."""
        if not line or line.isspace():
            return None
        header = None if dialect.envelope else peel(line, _SYSLOG)
        if header is None:
            if dialect.envelope or self.is_own(line):
                return self.told(line, dialect)
            raise RefusedLine(self.refusal)
        return headed(header, self.told(header.body, dialect), dialect)

    def timestamp(self, line: str, dialect: Dialect) -> int | None:
        """The syslog header's, where it is still there."""
        header = None if dialect.envelope else peel(line, _SYSLOG)
        return None if header is None else known_instant(header, dialect)

    def block(self, lines: Sequence[str], dialect: Dialect) -> Taken | None:
        """The fragments of many lines that all have a header, or none any more; broken ones are left."""
        headers = None if dialect.envelope else peel_all(lines, _SYSLOG)
        if headers is None and not dialect.envelope:
            return None
        places, rows, passed = list[int](), list[Row](), list[int]()
        for place, body in enumerate(lines if headers is None else headers.bodies):
            try:
                row = self.told(body, dialect)
            except UNREADABLE:
                continue
            if row is None:
                passed.append(place)
            else:
                places.append(place)
                rows.append(row)
        columns: dict[Col, Sequence[Value | None]] = {
            name: [row.get(name) for row in rows] for name in set[Col]().union(*rows)
        }
        if headers is not None and rows:
            columns[_AT] = known_instants([headers.ats[place] for place in places], dialect)
            columns[_TRANSACTION] = with_hosts(columns[_TRANSACTION], [headers.hosts[place] for place in places])
        return Taken(places, columns, passed)
