"""When a log was being written: time spans without a gap, found from samples on the hot path.

A log is looked at in cells of 1 MiB (lines that start in ``[k MiB, (k+1) MiB)``): the first and the last line of each
give a span. Only where they are further apart than the gap is every stamp of the cell read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from detector.events import MICROSECONDS

Span = tuple[int, int]


class Spans(NamedTuple):
    """Disjoint (first, last) instants, ascending, each further from the next than the gap.

    Union is associative and commutative: the order in which parts of a log are merged never matters.

    Attributes:
        gap_s: seconds of silence that count as a gap.
        parts: the spans.
    """

    gap_s: int
    parts: tuple[Span, ...] = ()

    def union(self, others: Iterable[Span]) -> Spans:
        """These spans with others; what is no further apart than the gap grows together.

        >>> Spans(10, ((0, 5_000_000),)).union([(12_000_000, 13_000_000), (40_000_000, 41_000_000)]).parts
        ((0, 13000000), (40000000, 41000000))
        """
        merged: list[Span] = []
        reach = self.gap_s * MICROSECONDS
        for first, last in sorted((*self.parts, *others)):
            if merged and first - merged[-1][1] <= reach:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return Spans(self.gap_s, tuple(merged))

    @property
    def first(self) -> int | None:
        """The earliest instant."""
        return self.parts[0][0] if self.parts else None

    @property
    def last(self) -> int | None:
        """The latest instant."""
        return self.parts[-1][1] if self.parts else None

    @property
    def gaps(self) -> tuple[Span, ...]:
        """The silences between the spans."""
        return tuple((before[1], after[0]) for before, after in zip(self.parts, self.parts[1:], strict=False))


def spans_of(instants: Iterable[int | None], gap_s: int) -> Spans:
    """The spans of single instants; unknown ones are left out."""
    known = sorted({instant for instant in instants if instant is not None})
    return Spans(gap_s).union((instant, instant) for instant in known)
