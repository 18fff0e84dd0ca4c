"""What was read of one log, while it is being read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detector.scan import Counts, Sample, Spans

if TYPE_CHECKING:
    from detector.events import Dialect
    from detector.scan import ScanResult
    from detector.sources import Gap


@dataclass(slots=True)
class Coverage:
    """What was read of one log; merging its parts is associative and commutative.

    Attributes:
        spans: when it was being written.
        counts: bytes and lines.
        refusals: reason → refused lines.
        gaps: ranges that could not be read.
        dialects: (in force before, in force behind) each part, in the order in which parts were added.
        sample: what the lines that are parsed in any case say about the log.
    """

    spans: Spans
    counts: Counts = field(default_factory=Counts)
    refusals: Counter[str] = field(default_factory=Counter)
    gaps: list[Gap] = field(default_factory=list)
    dialects: list[tuple[Dialect, Dialect]] = field(default_factory=list)
    sample: Sample = field(default_factory=Sample)

    def add(self, result: ScanResult) -> None:
        """Add one part."""
        self.spans = self.spans.union(result.spans.parts)
        self.counts += result.counts
        self.refusals.update(result.refusals)
        self.gaps += result.gaps
        self.dialects.append((result.entered, result.left))
        self.sample += result.sample

    def merge(self, other: Coverage) -> None:
        """Add the parts of another range of the same log."""
        self.spans = self.spans.union(other.spans.parts)
        self.counts += other.counts
        self.refusals.update(other.refusals)
        self.gaps += other.gaps
        self.dialects += other.dialects
        self.sample += other.sample

    @property
    def unparsed_share(self) -> float:
        """Refused lines among those that were looked at, 0 to 1.

        >>> Coverage(Spans(60), Counts(lines=10, parsed=3, filtered=6, unparsed=1)).unparsed_share
        0.25
        """
        looked = self.counts.parsed + self.counts.unparsed
        return self.counts.unparsed / looked if looked else 0.0
