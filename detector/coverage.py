"""What of a log was read, and when the log was silent or unreadable: the ground on which "not observed" stands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detector.scan import Counts, Spans

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    """

    spans: Spans
    counts: Counts = field(default_factory=Counts)
    refusals: Counter[str] = field(default_factory=Counter)
    gaps: list[Gap] = field(default_factory=list)
    dialects: list[tuple[Dialect, Dialect]] = field(default_factory=list)

    def add(self, result: ScanResult) -> None:
        """Add one part."""
        self.spans = self.spans.union(result.spans.parts)
        self.counts += result.counts
        self.refusals.update(result.refusals)
        self.gaps += result.gaps
        self.dialects.append((result.entered, result.left))

    def merge(self, other: Coverage) -> None:
        """Add the parts of another range of the same log."""
        self.spans = self.spans.union(other.spans.parts)
        self.counts += other.counts
        self.refusals.update(other.refusals)
        self.gaps += other.gaps
        self.dialects += other.dialects

    @property
    def unparsed_share(self) -> float:
        """Refused lines among those that were looked at, 0 to 1.

        >>> Coverage(Spans(60), Counts(lines=10, parsed=3, filtered=6, unparsed=1)).unparsed_share
        0.25
        """
        looked = self.counts.parsed + self.counts.unparsed
        return self.counts.unparsed / looked if looked else 0.0


def covered_share(
    spans: Iterable[tuple[str, Iterable[tuple[int, int]]]], since: int | None, until: int | None
) -> dict[str, float]:
    """The share of a window (0 to 1) in which the logs of each kind were being written.

    Args:
        spans: (kind, spans) of each log.
        since: start of the window, ``None``: the first instant of any log.
        until: its end, ``None``: the last instant of any log.

    >>> covered_share([("dns", [(0, 50)]), ("dns", [(50, 75)]), ("mail", [(0, 100)])], 0, 100)
    {'dns': 0.75, 'mail': 1.0}
    """
    kinds: dict[str, list[tuple[int, int]]] = {}
    for kind, parts in spans:
        kinds.setdefault(kind, []).extend(parts)
    everything = [instant for parts in kinds.values() for span in parts for instant in span]
    start = min(everything, default=0) if since is None else since
    stop = max(everything, default=0) if until is None else until
    shares = {}
    for kind, parts in sorted(kinds.items()):
        clipped = [(max(first, start), min(last, stop)) for first, last in parts if first < stop and last > start]
        covered = sum(last - first for first, last in Spans(0).union(clipped).parts)
        shares[kind] = covered / (stop - start) if stop > start else float(bool(parts))
    return shares
