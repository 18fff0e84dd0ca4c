"""When a record happened: the ways in which vendors write it, ready to stand in a table of ``records``.

A stamp that cannot be read gives ``None``: a sighting whose time is unknown is still a sighting.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

from detector.events import Col, Envelope, stamps
from detector.events.days import dashed
from detector.events.envelope import instant as instant_of_header
from detector.events.envelope import peel
from detector.grammars import leef
from detector.grammars.records import paths, text_of, value_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells, When
    from detector.grammars.sheets import Sheet

_AT = Col.AT
_LEAST_DIGITS = 9
"""Shorter counts of seconds are the beginning of something else, as in a line that breaks off."""


class OfMany(ABC):
    """A way to read the time that reads many at once."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, cells: Cells, dialect: Dialect) -> int | None:
        """Of a record."""

    @abstractmethod
    def column(self, sheet: Sheet, dialect: Dialect) -> Sequence[int | None]:
        """Of n records: (n,)."""


@dataclass(frozen=True, slots=True)
class First(OfMany):
    """The first of several ways to read the time that gives one."""

    readings: tuple[When, ...]

    def __call__(self, cells: Cells, dialect: Dialect) -> int | None:
        """Of a record."""
        return next((at for read in self.readings if (at := read(cells, dialect)) is not None), None)

    def column(self, sheet: Sheet, dialect: Dialect) -> Sequence[int | None]:
        """Of n records: (n,)."""
        found: Sequence[int | None] = [None] * len(sheet)
        for one in self.readings:
            if all(at is None for at in found):
                found = column(one, sheet, dialect)
            elif None in found:
                found = [
                    one(record, dialect) if at is None else at for record, at in zip(sheet.records, found, strict=True)
                ]
        return found


@dataclass(frozen=True, slots=True)
class Stamp(OfMany):
    """ISO 8601 or seconds (milli-, micro-, nanoseconds) since the epoch.

    Attributes:
        fields: the vendor's names, best first; dotted ones with their parts.
        zone: where the stamp carries none; else the dialect's.
    """

    fields: tuple[tuple[str, tuple[str, ...]], ...]
    zone: tzinfo | None

    def __call__(self, cells: Cells, dialect: Dialect) -> int | None:
        """Of a record."""
        for name, path in self.fields:
            cell = cells.get(name)
            if cell is None and path:
                cell = value_at(cells, path)
            if cell and (at := instant(cell, self.zone or dialect.zone)) is not None:
                return at
        return None

    def column(self, sheet: Sheet, dialect: Dialect) -> Sequence[int | None]:
        """Of n records: (n,)."""
        found: list[int | None] = [None] * len(sheet)
        for name, path in self.fields:
            if None in found and sheet.has(name, path):
                read = instants(sheet.cells_at(name, path), self.zone or dialect.zone)
                found = [more if at is None else at for at, more in zip(found, read, strict=True)]
        return found


@dataclass(frozen=True, slots=True)
class Parts(OfMany):
    """A date and a time of day in two fields.

    Attributes:
        date: the vendor's name of the one.
        time: and of the other.
        zone: theirs; else the dialect's.
    """

    date: str
    time: str
    zone: tzinfo | None

    def __call__(self, cells: Cells, dialect: Dialect) -> int | None:
        """Of a record."""
        day, clock = cells.get(self.date), cells.get(self.time)
        if isinstance(day, str) and isinstance(clock, str):
            return instant(f"{day} {clock}", self.zone or dialect.zone)
        return None

    def column(self, sheet: Sheet, dialect: Dialect) -> Sequence[int | None]:
        """Of n records: (n,)."""
        if not {self.date, self.time} <= sheet.names:
            return [None] * len(sheet)
        days, clocks = sheet.cells(self.date), sheet.cells(self.time)
        both = [
            f"{day} {clock}" if type(day) is str and type(clock) is str else ""
            for day, clock in zip(days, clocks, strict=True)
        ]
        return instants(both, self.zone or dialect.zone)


def first(*readings: When) -> First:
    """The first of several ways to read the time that gives one."""
    return First(readings)


def stamp(names: str, zone: tzinfo | None = None) -> Stamp:
    """Reads ISO 8601 or a count since the epoch; ``zone`` where the stamp carries none.

    >>> from detector.events import Dialect
    >>> stamp("t")({"t": 1582797600123}, Dialect()) == stamp("t")({"t": "2020-02-27T10:00:00.123Z"}, Dialect())
    True
    """
    return Stamp(paths(names), zone)


def column(when: When, sheet: Sheet, dialect: Dialect) -> Sequence[int | None]:
    """The same of n records: (n,)."""
    if isinstance(when, OfMany):
        return when.column(sheet, dialect)
    return list(map(when, sheet.records, repeat(dialect)))


def instants(cells: Sequence[object], zone: tzinfo) -> list[int | None]:
    """The same as ``instant`` of each cell, ``None`` for empty ones."""
    texts = [cell if type(cell) is str else str(cell) if type(cell) is int else "" for cell in cells]
    if len({len(text) for text in texts}) == 1:
        try:
            return [*stamps.same(texts, zone)]
        except (ValueError, OverflowError):
            pass  # one of them is no such stamp
    return [instant(cell, zone) if cell else None for cell in cells]


def instant(cell: object, zone: tzinfo) -> int | None:
    """An ISO 8601 stamp, a count since the epoch, or the stamp of CEF with its year; ``None`` for anything else.

    >>> from datetime import UTC
    >>> instant(1582797600, UTC) == instant("2020/02/27 10:00:00", UTC) == instant("Feb 27 2020 10:00:00", UTC)
    True
    >>> instant("soon", UTC)
    """
    text = cell if isinstance(cell, str) else repr(cell) if isinstance(cell, float) else text_of(cell)
    if text[:1].isalpha():
        return leef.instant(text, "", zone)
    try:
        if text[4:5] in ("-", "/"):
            return stamps.iso(dashed(text), zone)
        return stamps.epoch(text) if text[:_LEAST_DIGITS].isdecimal() and len(text) >= _LEAST_DIGITS else None
    except (ValueError, OverflowError):
        return None


def parts(date: str, time: str, zone: tzinfo | None = None) -> Parts:
    """Reads a date and a time of day from two fields."""
    return Parts(date, time, zone)


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
