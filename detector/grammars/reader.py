"""Lines to records to events, one by one or many at once.

What a format still writes itself is how its lines become records, and which of its tables reads a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from detector.errors import RefusedLine
from detector.events import UNREADABLE, Taken
from detector.grammars import columns, mailcolumns, moments
from detector.grammars.layouts import Layouts
from detector.grammars.mailtable import MailTable
from detector.grammars.sheets import Sheet

if TYPE_CHECKING:
    from detector.events import Col, Dialect, Row, Value
    from detector.grammars.records import Cells, Table

Records: TypeAlias = "Callable[[Sequence[str], Dialect], Sheet | None]"
"""The records of many lines, ``None`` where not all are of one usual form."""

Record: TypeAlias = "Callable[[str, Dialect], Cells | None]"
"""The record of a line that is not blank, ``None`` where it is no event; raises ``RefusedLine`` for other lines."""

AnyTable: TypeAlias = "Table | MailTable"

Choose: TypeAlias = "Callable[[Cells], AnyTable | None]"
"""The table that reads a record, ``None`` where the record is no event; raises ``RefusedLine`` for other products'."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A format's way from lines to events.

    Attributes:
        record: the record of a line.
        table: what reads it; or how that is told.
        layouts: how lines of one layout are read at once, ``None`` where a line is no list of names and cells.
        records: the same records of many lines, ``None`` where only ``record`` tells.
    """

    record: Record
    table: AnyTable | Choose
    layouts: Layouts | None = None
    records: Records | None = None

    def parse(self, line: str, dialect: Dialect) -> Row | None:
        """One line to one event; blank lines are none."""
        if not line or line.isspace() or (cells := self.record(line, dialect)) is None:
            return None
        table = self._table(cells)
        if table is None:
            return None
        row = table.row(cells, dialect)
        if table.needs and row.keys().isdisjoint(table.needs):
            if table.lacking:
                raise RefusedLine(table.lacking)
            return None
        return row

    def timestamp(self, line: str, dialect: Dialect) -> int | None:
        """When the line's event happened."""
        return moments.at_of(self.parse(line, dialect))

    def block(self, lines: Sequence[str], dialect: Dialect) -> Taken | None:
        """The events of many lines; what is refused, or no event, is left."""
        try:
            taken = [
                _having(table.needs, Taken(places, _columns(table, sheet, dialect)))
                for table, places, sheet in self._sheets(lines, dialect)
            ]
        except UNREADABLE:
            return None
        return taken[0] if len(taken) == 1 else _merged(taken)

    def _sheets(self, lines: Sequence[str], dialect: Dialect) -> Iterator[tuple[AnyTable, Sequence[int], Sheet]]:
        """The records of lines, and the lines' places, by the table that reads them."""
        left: Sequence[int] = range(len(lines))
        if self.records is not None and (usual := self.records(lines, dialect)) is not None:
            if (table := self._table(usual.first if callable(self.table) else {})) is not None:
                yield table, left, usual
            return
        if self.layouts is not None and not dialect.options:
            known, left = self.layouts.split(lines, dialect)
            for places, sheet in known:
                if (table := self._table(sheet.first if callable(self.table) else {})) is not None:
                    yield table, places, sheet
        groups: dict[AnyTable, tuple[list[int], list[Cells]]] = {}
        for place in left:
            line = lines[place]
            try:
                if not line or line.isspace() or (cells := self.record(line, dialect)) is None:
                    continue
                table = self._table(cells)
            except UNREADABLE:
                continue
            if table is not None:
                places, records = groups.setdefault(table, ([], []))
                places.append(place)
                records.append(cells)
        if self.layouts is not None and groups and not dialect.options:
            places, records = next(iter(groups.values()))
            self.layouts.draw(lines[places[0]], records[0], dialect)
        yield from ((table, places, Sheet(records)) for table, (places, records) in groups.items())

    def _table(self, cells: Cells) -> AnyTable | None:
        return self.table(cells) if callable(self.table) else self.table


def _columns(table: AnyTable, sheet: Sheet, dialect: Dialect) -> Mapping[Col, Sequence[Value | None]]:
    if isinstance(table, MailTable):
        return mailcolumns.columns(table, sheet, dialect)
    return columns.columns(table, sheet, dialect)


def _having(needs: Sequence[Col], taken: Taken) -> Taken:
    """The events that have one of the columns that they need."""
    if not needs or any(None not in taken.columns.get(column, (None,)) for column in needs):
        return taken
    held = zip(*(taken.columns.get(column) or [None] * len(taken.places) for column in needs), strict=True)
    kept = [at for at, cells in enumerate(held) if any(cell is not None for cell in cells)]
    return Taken(
        [taken.places[at] for at in kept],
        {column: [cells[at] for at in kept] for column, cells in taken.columns.items()},
    )


def _merged(parts: Sequence[Taken]) -> Taken:
    """The events of several tables in the order of their lines."""
    places = [place for part in parts for place in part.places]
    order = sorted(range(len(places)), key=places.__getitem__)
    merged: dict[Col, Sequence[Value | None]] = {}
    for column in {column for part in parts for column in part.columns}:
        cells = [cell for part in parts for cell in part.columns.get(column) or [None] * len(part.places)]
        merged[column] = [cells[at] for at in order]
    return Taken([places[at] for at in order], merged)
