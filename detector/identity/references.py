"""Case references: who worked on which case when, from a CSV file.

``who,from,until,reference``, separated by commas, semicolons or tabs; ``who`` (also ``person``, ``account``, ``mail``)
is what an actor is named by: the id of the staff list, an account, a mail address. Times are ISO 8601, UTC unless they
say; a day alone begins at midnight, and as an end it is the last one.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_right
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from detector.errors import InvalidFile, Problem
from detector.events import from_iso
from detector.grammars.values import lower

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detector.identity import People

_COLUMNS = {
    "who": ("who", "person", "account", "mail", "id"),
    "from": ("from", "since", "valid_from", "start"),
    "until": ("until", "to", "valid_until", "end"),
    "reference": ("reference", "case"),
}
_DAY_CHARACTERS = len("2020-02-27")


class Case(NamedTuple):
    """Somebody works on a case for a time.

    Attributes:
        who: lower case.
        since: first instant.
        until: first instant behind it.
        reference: of the case.
    """

    who: str
    since: int
    until: int
    reference: str


class References:
    """Which case somebody worked on at an instant."""

    def __init__(self, cases: Iterable[Case] = ()) -> None:
        self._cases: dict[str, list[Case]] = {}
        for case in sorted(cases):
            self._cases.setdefault(case.who, []).append(case)

    @property
    def people(self) -> frozenset[str]:
        """Everybody who worked on a case, as the file names them."""
        return frozenset(self._cases)

    def of(self, names: Iterable[str], instant: int | None) -> str:
        """The reference of the case that somebody of several names worked on; empty for none."""
        return next((found for name in sorted(names) if (found := self.at(name, instant))), "") if self._cases else ""

    def named_by(self, people: People) -> References:
        """The same cases, also under the ids of those who had the names at that time."""
        found = [case for cases in self._cases.values() for case in cases]
        for case in tuple(found):
            for tenure in (people.account(case.who), people.mailbox(case.who)):
                for since, until, holders in tenure.spans(case.since, case.until):
                    found += [Case(lower(one.id), since, until, case.reference) for one in holders]
        return References(set(found))

    def at(self, who: str, instant: int | None) -> str:
        """The reference of the case that somebody worked on, the one that began last; empty for none.

        >>> References([Case("u1", 10, 20, "2020-7")]).at("U1", 15)
        '2020-7'
        """
        cases = self._cases.get(lower(who), [])
        if instant is None:
            return ""
        begun = bisect_right(cases, instant, key=lambda case: case.since)
        return next((case.reference for case in reversed(cases[:begun]) if instant < case.until), "")


def read(text: str, name: str) -> References:
    """Read the text of a file.

    Args:
        text: of the file.
        name: of the file, for faults.

    Raises:
        InvalidFile: every fault with its line.
    """
    problems: list[Problem] = []
    cases: list[Case] = []
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=_delimiter(text))
    try:
        columns = _columns(next(reader, []))
        problems += [
            Problem(name, 1, 0, f"no column is called {column}: the header is {','.join(_COLUMNS)}")
            for column in _COLUMNS
            if column not in columns
        ]
        for cells in () if problems else reader:
            if any(map(str.strip, cells)):
                found = _case(cells, columns)
                if isinstance(found, Case):
                    cases.append(found)
                else:
                    problems.append(Problem(name, reader.line_num, 0, found))
    except csv.Error as fault:
        problems.append(Problem(name, reader.line_num, 0, f"is no CSV: {fault}"))
    if problems:
        raise InvalidFile(problems)
    return References(cases)


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max((",", ";", "\t"), key=head.count)


def _columns(heads: Sequence[str]) -> dict[str, int]:
    meanings = {alias: column for column, aliases in _COLUMNS.items() for alias in aliases}
    named = [(meanings.get(head.strip().lower(), ""), place) for place, head in enumerate(heads)]
    return {column: place for column, place in reversed(named) if column}


def _case(cells: Sequence[str], columns: dict[str, int]) -> Case | str:
    try:
        who, start, end, reference = (cells[columns[column]].strip() for column in _COLUMNS)
    except IndexError:
        return f"has {len(cells)} cells: write who,from,until,reference"
    if not who or not reference:
        return "needs who and a reference"
    try:
        since, until = from_iso(start), from_iso(_last(end))
    except ValueError:
        return f"{start!r} or {end!r} is no time: write 2020-02-27 or 2020-02-27T10:00:00Z"
    if until <= since:
        return f"until {end!r} must not be before from {start!r}"
    return Case(lower(who), since, until, reference)


def _last(end: str) -> str:
    """The first moment behind an end; a day alone is meant to its end."""
    if len(end) > _DAY_CHARACTERS:
        return end
    return (datetime.fromisoformat(end) + timedelta(days=1)).isoformat()
