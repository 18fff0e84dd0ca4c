"""Formats that are one JSON object a line: what the object is decides which table reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import Col, Layout, LogFormat
from detector.grammars import records

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.events import Dialect, Kind, Row, Zone
    from detector.grammars.reader import Reader
    from detector.grammars.records import Cells, Table


def log_format(  # noqa: PLR0913 - a plug has that many sides
    name: str,
    *,
    kind: Kind,
    title: str,
    reference: str,
    reader: Reader,
    example: Callable[[Row], str],
    tables: tuple[Table, ...],
    zone: Zone,
) -> LogFormat:
    """The plug of such a format."""
    return LogFormat(
        name=name,
        kind=kind,
        title=title,
        reference=reference,
        parse=reader.parse,
        timestamp=reader.timestamp,
        example=example,
        columns=frozenset[Col]().union(*(table.columns for table in tables)),
        zone=zone,
        layout=Layout.JSON,
        encoded=(b"\\u",),
        block=reader.block,
    )


def record(line: str, _dialect: Dialect) -> Cells:
    """The object of a line."""
    return records.record(line)


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


def kept_as_text(cells: Cells, *names: str) -> Cells:
    """The object that a store of logs keeps as text under the first of the names that holds one, else the outer one.

    >>> kept_as_text({"timestamp": 1, "message": '{"a": 2}'}, "message"), kept_as_text({"message": "hello"}, "message")
    ({'a': 2}, {'message': 'hello'})
    """
    for name in names:
        text = cells.get(name)
        if isinstance(text, str) and text.startswith("{"):
            return records.record(text)
    return cells
