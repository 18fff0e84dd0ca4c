r"""CSV as Exchange and PowerShell write it: cells, columns by the header's names, and the times of many cultures.

One line is one record: a quoted line end cuts a record in two, and each half is told as what it is.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, stamps

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import tzinfo

_SEPARATORS = ",;\t|"
_NAME = re.compile(r"[^a-z0-9]+")
_JSON_DATE = re.compile(r"/Date\((-?\d{1,16})(?:[+-]\d{4})?\)/")
_SHORT = 40  # characters of a stamp that is remembered
_BEHIND_SECONDS = frozenset(("", " ", "A", "P", "a", "p"))
_CIVIL = re.compile(
    r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})[T,]?\s+(\d{1,2}:\d\d)(:\d\d(?:[.,]\d{1,9})?)?"
    r"(?:\s*([AaPp])\.?[Mm]\.?)?(?:\s*(?:Z|UTC|GMT))?"
)


def cells(line: str, separator: str = ",") -> list[str]:
    """The cells of a line; doubled quotes inside a quoted cell are one, a quote that nothing closes is a letter.

    >>> cells('a,"b, ""c"" ",,d"e')
    ['a', 'b, "c" ', '', 'd"e']
    """
    line = line.rstrip("\r\n")
    if '"' not in line:
        return line.split(separator)
    between = f'"{separator}"'
    if line[0] == '"' == line[-1] and line.count('"') == 2 * line.count(between) + 2:
        return line[1:-1].split(between)  # as PowerShell quotes: every cell, and no quote inside one
    found = _between_quotes(line.split('"'), separator)
    return _careful(line, separator) if found is None else found


def _between_quotes(pieces: Sequence[str], separator: str) -> list[str] | None:
    """The cells of a line split at its quotes, ``None`` where a quote stands anywhere but around a cell."""
    if not len(pieces) & 1:
        return None
    before = pieces[0]
    if before and before[-1] != separator:
        return None
    found = before[:-1].split(separator) if before else []
    last = len(pieces) - 1
    for at in range(2, last, 2):
        between = pieces[at]
        if not between or between[0] != separator or between[-1] != separator:
            return None
        found.append(pieces[at - 1])
        if len(between) > 1:
            found += between[1:-1].split(separator)
    found.append(pieces[last - 1])
    behind = pieces[last]
    if behind:
        if behind[0] != separator:
            return None
        found += behind[1:].split(separator)
    return found


def _careful(line: str, separator: str) -> list[str]:
    found: list[str] = []
    position = 0
    pattern = _pattern(separator)
    while position <= len(line):
        cell = pattern.match(line, position)
        if cell is None:  # cannot be: the second alternative takes anything
            break
        found.append(cell[3] if cell[1] is None else cell[1].replace('""', '"') + cell[2])
        position = cell.end() + 1
    return found


def columns(line: str, known: Collection[str], least: int) -> tuple[tuple[str, ...], str] | None:
    """The names of a header line, as ``normal`` spells them, and its separator; ``None`` where it is no header.

    A header has at least ``least`` names of ``known``, and its cells hold names only.

    >>> columns('"Sender Address";"Subject";Extra', {"senderaddress", "subject"}, 2)
    (('senderaddress', 'subject', 'extra'), ';')
    """
    for separator in _SEPARATORS:
        if separator in line:
            names = tuple(normal(cell) for cell in cells(line, separator))
            if len(set(known).intersection(names)) >= least:
                return names, separator
    return None


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the columns that count stand in a line.

    Attributes:
        pick: the columns' cells, of a line that has ``width`` cells and one more.
        width: how many columns the header names.
        least: how many cells a line must have to hold the columns that are needed.
    """

    pick: Callable[[list[str]], tuple[str, ...]]
    width: int
    least: int

    def texts(self, line: str, separator: str) -> tuple[str, ...]:
        """The cells of the columns that count, empty for columns that the header does not name.

        Raises:
            RefusedLine: the line ends before a column that is needed.
        """
        found = cells(line, separator)
        if len(found) < self.least:
            raise RefusedLine("fewer fields than the header has names")
        if len(found) <= self.width:
            found.extend([""] * (self.width + 1 - len(found)))
        else:
            found[self.width] = ""
        return self.pick(found)


def plan(names: Sequence[str], spellings: Mapping[str, Sequence[str]], needed: Collection[str]) -> Plan:
    """Where a header's columns stand, in the order of ``spellings``: a column to its possible names, best first.

    Raises:
        RefusedLine: a column of ``needed`` is not among the names.
    """
    places = {
        column: next((names.index(name) for name in possible if name in names), len(names))
        for column, possible in spellings.items()
    }
    least = max(places[column] for column in needed) + 1
    if least > len(names):
        raise RefusedLine("the header does not name all columns that are needed")
    return Plan(itemgetter(*places.values()), len(names), least)


@lru_cache(maxsize=1024)
def normal(name: str) -> str:
    """A column's name in lower case without blanks, dashes, underscores and the escapes of a byte order mark.

    >>> normal("sender-address"), normal("Sender_Address"), normal("origin_timestamp_utc")
    ('senderaddress', 'senderaddress', 'origintimestamputc')
    """
    return _NAME.sub("", name.replace("\\xff\\xfe", "").replace("\\xef\\xbb\\xbf", "").lower())


def instant(value: str, zone: tzinfo, date_order: str) -> int | None:
    """An ISO time, ``/Date(ms)/`` or a day and clock in the order of a culture; ``None`` where it is none of them.

    A day over 12 shows the order; a date that could be both is ``date_order``'s, else month first with ``/`` or ``-``
    (the United States' order of the portals) and day first with dots. ``zone`` is for times that carry none.

    >>> from datetime import UTC
    >>> instant("2/27/2020 10:00:00 AM", UTC, "") == instant("27.02.2020 10:00", UTC, "")
    True
    """
    value = value.strip()
    if "\\" in value:
        value = value.replace("\\/", "/")
    try:
        if value[4:5] == "-":
            return stamps.iso(value, zone)
        colon = value.rfind(":")
        micros = stamps.SECONDS_US.get(value[colon + 1 : colon + 3])
        behind = value[colon + 3 :]
        if micros is None or behind[:1] not in _BEHIND_SECONDS or len(value) > _SHORT or value.count(":") != 2:
            return _civil.__wrapped__(value, zone, date_order)
        minute = _civil(f"{value[: colon + 1]}00{behind}", zone, date_order)
        return None if minute is None else minute + micros
    except RefusedLine:
        return None


def instants(values: Sequence[str], zone: tzinfo, date_order: str) -> list[int | None]:
    """The same of many values, in less time where all are ISO times of one length."""
    length = len(values[0])
    if all(len(value) == length and value[4:5] == "-" for value in values):
        with suppress(ValueError, OverflowError):
            return [*stamps.same(values, zone)]
    return [instant(value, zone, date_order) for value in values]


@lru_cache(maxsize=4096)
def _civil(value: str, zone: tzinfo, date_order: str) -> int | None:
    """As ``instant``, of all but ISO times: the memo holds minutes."""
    if found := _JSON_DATE.fullmatch(value):
        return int(found[1]) * MICROSECONDS // 1000
    found = _CIVIL.fullmatch(value)
    if not found:
        return None
    order = date_order or ("dmy" if found[2] == "." else "mdy")
    year, month, day = _date(found[1], found[3], found[4], order)
    clock = found[5] + (found[6] or ":00") + (f" {found[7]}M" if found[7] else "")
    return stamps.civil(year, month, day, clock, zone)


def _date(first: str, second: str, third: str, order: str) -> tuple[int, int, int]:
    if len(first) == 4:
        return int(first), int(second), int(third)
    one, two = int(first), int(second)
    if one > 12 or (order == "dmy" and two <= 12):
        one, two = two, one
    year = int(third)
    return year + 2000 if year < 100 else year, one, two


@lru_cache(maxsize=8)
def _pattern(separator: str) -> re.Pattern[str]:
    other = f"[^{re.escape(separator)}]*"
    return re.compile(rf'[ ]?"((?:[^"]++|"")*+)"({other})|({other})', re.DOTALL)
