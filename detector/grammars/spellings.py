"""When a record happened, by text that is spelled in a vendor's own way, as a pattern beside it says, or in its zone.

Where many are spelled as anybody spells them they are read at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from detector.events import stamps
from detector.grammars import leef, moments

if TYPE_CHECKING:
    from detector.events import Dialect
    from detector.grammars.records import Cells, When
    from detector.grammars.sheets import Sheet

_COUNTS = (10, 13)
"""Digits of seconds and of milliseconds since the epoch."""
_LONGEST_ZONE = 8


@dataclass(frozen=True, slots=True)
class Spelled(moments.OfMany):
    """The first of some fields whose text a vendor's own spelling of the time reads.

    Attributes:
        fields: the vendor's names.
        read: the instant of a text.
        iso: it reads ISO 8601 too.
        counts: it reads seconds and milliseconds since the epoch too.
    """

    fields: tuple[str, ...]
    read: Callable[[str, Dialect], int | None]
    iso: bool = False
    counts: bool = False

    def __call__(self, cells: Cells, dialect: Dialect) -> int | None:
        """Of a record."""
        for name in self.fields:
            cell = cells.get(name)
            if isinstance(cell, str) and (at := self.read(cell, dialect)) is not None:
                return at
        return None

    def column(self, sheet: Sheet, dialect: Dialect) -> Sequence[int | None]:
        """Of n records: (n,)."""
        found: Sequence[int | None] = [None] * len(sheet)
        for name in self.fields:
            if None in found and name in sheet.names:
                read = self._all(sheet.cells(name), dialect)
                found = [more if at is None else at for at, more in zip(found, read, strict=True)]
        return found

    def _all(self, cells: Sequence[object], dialect: Dialect) -> Sequence[int | None]:
        """Of n cells, at once where all are spelled as anybody spells them."""
        texts = [cell for cell in cells if isinstance(cell, str)] if self.iso or self.counts else []
        if texts and len(texts) == len(cells) and len({len(text) for text in texts}) == 1:
            is_usual = texts[0][4:5] == "-" if self.iso and not texts[0].isdecimal() else (
                self.counts and len(texts[0]) in _COUNTS and "".join(texts).isdecimal()
            )  # fmt: skip
            if is_usual:
                with suppress(ValueError, OverflowError):
                    return stamps.same(texts, dialect.zone)
        return [self.read(cell, dialect) if isinstance(cell, str) else None for cell in cells]


@dataclass(frozen=True, slots=True)
class Patterned(moments.OfMany):
    """The time of LEEF, which may be written as another field says.

    Attributes:
        time: the vendor's name of it.
        pattern: and of the pattern of Java.
    """

    time: str
    pattern: str

    def __call__(self, cells: Cells, dialect: Dialect) -> int | None:
        """Of a record."""
        at, pattern = cells.get(self.time), cells.get(self.pattern)
        if not isinstance(at, str):
            return None
        return leef.instant(at, pattern if isinstance(pattern, str) else "", dialect.zone, dialect.written_until)

    def column(self, sheet: Sheet, dialect: Dialect) -> Sequence[int | None]:
        """Of n records: (n,)."""
        if self.pattern in sheet.names:
            return [self(record, dialect) for record in sheet.records]
        return written(self.time).column(sheet, dialect)


@dataclass(frozen=True, slots=True)
class Zoned(moments.OfMany):
    """The time of records that name their own zone.

    Attributes:
        zone: the vendor's name of it.
        read: the time in a zone.
    """

    zone: str
    read: When

    def __call__(self, cells: Cells, dialect: Dialect) -> int | None:
        """Of a record."""
        return self.read(cells, self._in_zone(cells.get(self.zone), dialect))

    def column(self, sheet: Sheet, dialect: Dialect) -> Sequence[int | None]:
        """Of n records: (n,)."""
        names = sheet.texts(self.zone, ()) if self.zone in sheet.names else [""]
        if len(set(names)) > 1:
            return [self(record, dialect) for record in sheet.records]
        return moments.column(self.read, sheet, self._in_zone(names[0], dialect))

    def _in_zone(self, name: object, dialect: Dialect) -> Dialect:
        zone = leef.zone_named(name) if isinstance(name, str) and len(name) < _LONGEST_ZONE else None
        return dialect if zone is None else replace(dialect, zone=zone)


def spelled(
    names: str, read: Callable[[str, Dialect], int | None], *, iso: bool = False, counts: bool = False
) -> Spelled:
    """Reads the time from the first of some fields whose text ``read`` reads; see ``Spelled``."""
    return Spelled(tuple(names.split()), read, iso, counts)


def written(names: str) -> Spelled:
    """Reads the time from the first of some fields that holds one, in any spelling that LEEF and CEF know."""
    return Spelled(tuple(names.split()), _written, iso=True, counts=True)


def _written(text: str, dialect: Dialect) -> int | None:
    return leef.instant(text, "", dialect.zone, dialect.written_until)
