"""Many records side by side: the cells of one name for all records at once, however they were written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, cast

from detector.grammars.records import text_of, value_at

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from detector.grammars.records import Cells

_ONLY_TEXT = {str}


def members(cells: Sequence[object], key: str) -> list[object] | None:
    """The members of n objects under a key that all have, ``None`` where one has it not."""
    try:
        return list(map(itemgetter(key), cells))  # type: ignore[arg-type]
    except (KeyError, TypeError, IndexError):
        return None


def found(pattern: re.Pattern[str], lines: Sequence[str]) -> Sheet | None:
    """The records of lines that a pattern takes, ``None`` where it does not take all; its named groups are the cells.

    The pattern is one of ``re.MULTILINE`` between ``^`` and ``$`` that matches no line end.

    >>> sheet = found(re.compile("^(?P<user>[a-z]+) (?P<code>[0-9]+)$", re.MULTILINE), ["ann 1", "bob 2"])
    >>> None if sheet is None else sheet.records
    [{'user': 'ann', 'code': '1'}, {'user': 'bob', 'code': '2'}]
    """
    whole = "\n".join(lines)
    rows = pattern.findall(whole)
    if len(rows) != len(lines) or whole.count("\n") >= len(lines):
        return None
    columns = list(zip(*rows, strict=True))
    return Sheet((), {name: columns[place - 1] for name, place in pattern.groupindex.items()})


class Sheet:
    """n records: given one by one, or as columns of cells that every record has."""

    def __init__(self, records: Sequence[Cells], columns: Mapping[str, Sequence[str]] | None = None) -> None:
        self._records = records
        self._columns = columns
        self.names: AbstractSet[str] = set[str]().union(*records) if columns is None else columns.keys()

    def __len__(self) -> int:
        return len(self.records if self._columns is None else next(iter(self._columns.values())))

    @property
    def records(self) -> Sequence[Cells]:
        """The records one by one, for what takes more than one cell of them."""
        if not self._records and self._columns:
            names = tuple(self._columns)
            self._records = [
                dict(zip(names, cells, strict=True)) for cells in zip(*self._columns.values(), strict=True)
            ]
        return self._records

    @property
    def first(self) -> Cells:
        """The first of the records."""
        if not self._records and self._columns:
            return {name: cells[0] for name, cells in self._columns.items()}
        return self._records[0]

    def has(self, name: str, path: tuple[str, ...]) -> bool:
        """Whether a record may have a cell of a name."""
        return name in self.names or (bool(path) and path[0] in self.names)

    def cells(self, name: str) -> Sequence[object]:
        """The cells of a name, ``None`` where a record does not have it."""
        if self._columns is not None:
            return self._columns[name]
        found = members(self._records, name)
        return [record.get(name) for record in self._records] if found is None else found

    def cells_at(self, name: str, path: tuple[str, ...]) -> Sequence[object]:
        """The same, of records that do not have it those at a path."""
        cells = self.cells(name)
        if path and self._columns is None:
            return [
                value_at(record, path) if cell is None else cell
                for record, cell in zip(self._records, cells, strict=True)
            ]
        return cells

    def texts_at(self, path: tuple[str, ...]) -> Sequence[str]:
        """The texts of a path; empty where a record has none."""
        name, inner = path[0], path if len(path) > 1 else ()
        return self.texts(name, inner) if self.has(name, inner) else [""] * len(self)

    def texts(self, name: str, path: tuple[str, ...]) -> Sequence[str]:
        """Their texts; empty where a record has none."""
        if self._columns is not None:
            return self._columns[name]
        cells = self.cells_at(name, path)
        if set(map(type, cells)) == _ONLY_TEXT:
            return cast("Sequence[str]", cells)
        return [cell if type(cell) is str else "" if cell is None else text_of(cell) for cell in cells]
