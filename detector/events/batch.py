"""Batches of events: n parsed records as columns named by ECS.

This is the only module that knows how columns are kept (plain lists: a batch holds candidates, not whole logs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from detector.events.columns import TIMES, Col, Kind
from detector.events.instants import to_iso

Value: TypeAlias = str | int | list[str]
"""One cell: text, an integer (sizes in bytes, times in microseconds since the epoch) or a list of addresses."""

Row: TypeAlias = dict[Col, Value]
"""One event as a format hands it over; a column that the line does not hold is absent, never empty."""


@dataclass(frozen=True, slots=True)
class EventBatch:
    """n events of one log.

    Attributes:
        dataset: the format's name, ``event.dataset``.
        kind: what the log watches, ``event.kind``; a row may state its own in ``Col.KIND``.
        columns: name → n cells, ``None`` where a line does not hold the column. Absent when no line holds it.
        offsets: (n,) byte offset of each event's line in the decompressed stream.
        lines: (n,) the raw lines without their newline: what evidence digests are taken of.
    """

    dataset: str
    kind: Kind
    columns: Mapping[Col, Sequence[Value | None]]
    offsets: Sequence[int]
    lines: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.offsets)

    def column(self, name: Col) -> Sequence[Value | None]:
        """The n cells of a column, all ``None`` when no line holds it."""
        return self.columns.get(name) or [None] * len(self.offsets)

    def objects(self) -> Iterator[dict[str, Value]]:
        """Each event as ``shadowit parse`` prints it: ECS keys, ISO times, nulls left out."""
        for index in range(len(self)):
            event: dict[str, Value] = {}
            for name in Col:
                cells = self.columns.get(name)
                cell = None if cells is None else cells[index]
                if cell is None:
                    continue
                event[name.value] = to_iso(cell) if name in TIMES and isinstance(cell, int) else cell
            head = {"event.dataset": self.dataset, "event.kind": self.kind.value}
            at = event.pop(Col.AT.value, None)
            yield {**({} if at is None else {Col.AT.value: at}), **head, **event}  # the row's own kind wins


class Columns:
    """Rows on their way to columns, a block at a time.

    The rows of a block are freed before the next ones are made: they stay in the processor's cache, and are too few to
    wake the garbage collector.
    """

    def __init__(self) -> None:
        self.cells: dict[Col, list[Value | None]] = {}
        self._count = 0

    def take(self, rows: list[Row]) -> None:
        """Add rows below those before, and empty the list."""
        names = set[Col]().union(*rows)
        for name in names:
            if name not in self.cells:
                self.cells[name] = [None] * self._count
            self.cells[name] += [row.get(name) for row in rows]
        self._count += len(rows)
        for name in self.cells.keys() - names:
            self.cells[name] += [None] * len(rows)
        rows.clear()

    def put(self, cells: Mapping[Col, Sequence[Value | None]], count: int) -> None:
        """Add so many rows that are columns already below those before."""
        if not count:
            return
        held = {name: column for name, column in cells.items() if column[0] is not None or column.count(None) < count}
        for name, column in held.items():
            if name not in self.cells:
                self.cells[name] = [None] * self._count
            self.cells[name] += column
        self._count += count
        for name in self.cells.keys() - held.keys():
            self.cells[name] += [None] * count


def batch_of(
    rows: Sequence[Row], *, dataset: str, kind: Kind, offsets: Sequence[int], lines: Sequence[bytes]
) -> EventBatch:
    """Turn n rows into columns."""
    columns = Columns()
    columns.take(list(rows))
    return EventBatch(dataset=dataset, kind=kind, columns=columns.cells, offsets=offsets, lines=lines)
