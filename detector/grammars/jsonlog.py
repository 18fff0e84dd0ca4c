"""Formats that are one JSON object a line: what the object is decides which table reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from detector.events import Col, Layout, LogFormat
from detector.grammars import moments, records

if TYPE_CHECKING:
    from detector.events import Dialect, Kind, Row, Zone
    from detector.events.format import Parse
    from detector.grammars.records import Cells, Table

Read: TypeAlias = "Callable[[Cells, Dialect], Row | None]"
"""The event of an object, ``None`` where it is none; raises ``RefusedLine`` for objects of other products."""


def log_format(  # noqa: PLR0913 - a plug has that many sides
    name: str,
    *,
    kind: Kind,
    title: str,
    reference: str,
    read: Read,
    example: Callable[[Row], str],
    tables: tuple[Table, ...],
    zone: Zone,
    more: frozenset[Col] = frozenset(),
) -> LogFormat:
    """The plug of such a format; ``more`` are the columns that no table names."""
    parse = parser(read)
    return LogFormat(
        name=name,
        kind=kind,
        title=title,
        reference=reference,
        parse=parse,
        timestamp=lambda line, dialect: moments.at_of(parse(line, dialect)),
        example=example,
        columns=frozenset[Col]().union(more, *(table.columns for table in tables)),
        zone=zone,
        layout=Layout.JSON,
        encoded=(b"\\u",),
    )


def parser(read: Read) -> Parse:
    """Lines to objects to events; blank lines are no events."""

    def parse(line: str, dialect: Dialect) -> Row | None:
        if not line or line.isspace():
            return None
        return read(records.record(line), dialect)

    return parse


def inner(cells: Cells, *names: str) -> Cells:
    """An object without its wrapping: the object under the first of the names that holds one, laid over the outer one.

    >>> inner({"time": 1, "properties": {"a": 2}}, "properties", "event")
    {'time': 1, 'properties': {'a': 2}, 'a': 2}
    """
    for name in names:
        found = cells.get(name)
        if isinstance(found, dict):
            return {**cells, **found}
    return cells
