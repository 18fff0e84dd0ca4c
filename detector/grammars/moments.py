"""When a record happened: the ways in which vendors write it, ready to stand in a table of ``records``.

A stamp that cannot be read gives ``None``: a sighting whose time is unknown is still a sighting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.events import Col, Envelope, stamps
from detector.events.envelope import instant as instant_of_header
from detector.events.envelope import peel
from detector.grammars.records import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells, When
    from detector.grammars.sheets import Sheet

_AT = Col.AT
_LEAST_DIGITS = 9
"""Shorter counts of seconds are the beginning of something else, as in a line that breaks off."""


@dataclass(frozen=True, slots=True)
class First:
    """The first of several ways to read the time that gives one."""

    readings: tuple[When, ...]

    def __call__(self, cells: Cells, dialect: Dialect) -> int | None:
        """Of a record."""
        return next((at for read in self.readings if (at := read(cells, dialect)) is not None), None)


@dataclass(frozen=True, slots=True)
class Stamp:
    """ISO 8601 or seconds (milli-, micro-, nanoseconds) since the epoch.

    Attributes:
        fields: the vendor's names, best first.
        zone: where the stamp carries none; else the dialect's.
    """

    fields: tuple[str, ...]
    zone: tzinfo | None

    def __call__(self, cells: Cells, dialect: Dialect) -> int | None:
        """Of a record."""
        for name in self.fields:
            cell = cells.get(name)
            if cell and (at := instant(cell, self.zone or dialect.zone)) is not None:
                return at
        return None


def first(*readings: When) -> First:
    """The first of several ways to read the time that gives one."""
    return First(readings)


def stamp(names: str, zone: tzinfo | None = None) -> Stamp:
    """Reads ISO 8601 or a count since the epoch; ``zone`` where the stamp carries none.

    >>> from detector.events import Dialect
    >>> stamp("t")({"t": 1582797600123}, Dialect()) == stamp("t")({"t": "2020-02-27T10:00:00.123Z"}, Dialect())
    True
    """
    return Stamp(tuple(names.split()), zone)


def column(when: When, sheet: Sheet, dialect: Dialect) -> list[int | None]:
    """The same of n records: (n,)."""
    found: list[int | None] = [None] * len(sheet)
    if isinstance(when, First):
        for one in when.readings:
            if found.count(None) == len(found):
                found = column(one, sheet, dialect)
            elif None in found:
                found = [
                    one(record, dialect) if at is None else at for record, at in zip(sheet.records, found, strict=True)
                ]
        return found
    if not isinstance(when, Stamp):
        return [when(record, dialect) for record in sheet.records]
    for name in when.fields:
        if None in found and name in sheet.names:
            read = instants(sheet.cells(name), when.zone or dialect.zone)
            found = [more if at is None else at for at, more in zip(found, read, strict=True)]
    return found


def instants(cells: Sequence[object], zone: tzinfo) -> list[int | None]:
    """The same as ``instant`` of each cell, ``None`` for empty ones."""
    texts = [cell if type(cell) is str else str(cell) if type(cell) is int else "" for cell in cells]
    if len({len(text) for text in texts}) == 1:
        if texts[0][4:5] == "/":
            texts = [text.replace("/", "-", 2) if text[4:5] == "/" else text for text in texts]
        try:
            return [*stamps.same(texts, zone)]
        except (ValueError, OverflowError):
            pass  # one of them is no such stamp
    return [instant(cell, zone) if cell else None for cell in cells]


def instant(cell: object, zone: tzinfo) -> int | None:
    """An ISO 8601 stamp or a count since the epoch; ``None`` for anything else.

    >>> from datetime import UTC
    >>> instant(1582797600, UTC) == instant("2020/02/27 10:00:00", UTC), instant("soon", UTC)
    (True, None)
    """
    text = cell if isinstance(cell, str) else repr(cell) if isinstance(cell, float) else text_of(cell)
    try:
        if text[4:5] in ("-", "/"):
            return stamps.iso(text if text[4] == "-" else text.replace("/", "-", 2), zone)
        return stamps.epoch(text) if text[:_LEAST_DIGITS].isdecimal() and len(text) >= _LEAST_DIGITS else None
    except (ValueError, OverflowError):
        return None


def parts(date: str, time: str, zone: tzinfo | None = None) -> When:
    """Reads a date and a time of day from two fields."""

    def read(cells: Cells, dialect: Dialect) -> int | None:
        day, clock = cells.get(date), cells.get(time)
        if isinstance(day, str) and isinstance(clock, str):
            return instant(f"{day} {clock}", zone or dialect.zone)
        return None

    return read


def header(name: str) -> When:
    """Reads the syslog header at the beginning of a cell: the time of a line that a format reads whole.

    >>> from datetime import UTC
    >>> from detector.events import Dialect
    >>> line = {"line": "<13>1 2020-02-27T10:00:00Z gw1 LEEF:1.0|…"}
    >>> header("line")(line, Dialect()) == instant("2020-02-27T10:00:00Z", UTC)
    True
    """

    def read(cells: Cells, dialect: Dialect) -> int | None:
        text = str(cells.get(name) or "")
        found = peel(text, Envelope.SYSLOG) or peel(text.partition(" ")[2], Envelope.SYSLOG)
        try:
            return None if found is None else instant_of_header(found, dialect)
        except (ValueError, OverflowError):
            return None

    return read


def at_of(row: Row | None) -> int | None:
    """The instant of an event."""
    at = None if row is None else row.get(_AT)
    return at if isinstance(at, int) else None
