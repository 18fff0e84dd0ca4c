"""Ranges of logs: what a worker is given, and what it hands over."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detector.coverage import Coverage
    from detector.events import Dialect, LogFormat
    from detector.findings import Attributed, Finding, Findings
    from detector.sources import Segment

PACKED_FINDINGS = 128
"""So many findings go from process to process in one piece."""


class Range(NamedTuple):
    """Lines of one log to read.

    Attributes:
        source: position of the log among the inputs.
        segment: where they lie.
        log_format: what they are.
        dialect: in force before them, as far as is known.
        gap_s: seconds of silence that count as a gap.
    """

    source: int
    segment: Segment
    log_format: LogFormat
    dialect: Dialect
    gap_s: int

    @property
    def place(self) -> tuple[int, int]:
        """The log, and where in it: sorts ranges."""
        return self.source, self.segment.start

    @property
    def may_be_misread(self) -> bool:
        """Whether a header in the ranges before it may say what its lines mean."""
        return self.segment.start > 0 and bool(self.log_format.head_literals)


@dataclass(frozen=True, slots=True)
class Found:
    """What ranges gave, as it goes from process to process.

    Attributes:
        findings: of the sightings; to be gone through once.
        left_out: sightings that the policy leaves out.
        sightings: every one, where they are asked for.
    """

    findings: Iterable[Finding]
    left_out: Mapping[str, int]
    sightings: list[Attributed]

    def __reduce__(self) -> tuple[type[Found], tuple[object, ...]]:
        return Found, (_Packed.of([*self.findings]), self.left_out, self.sightings)


@dataclass(frozen=True, slots=True)
class _Packed(Iterable["Finding"]):
    """Findings on their way: unpacked while they are counted, so that never all of them are in memory twice."""

    pieces: list[bytes]

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> Self:
        starts = range(0, len(findings), PACKED_FINDINGS)
        return cls([pickle.dumps(findings[start : start + PACKED_FINDINGS]) for start in reversed(starts)])

    def __iter__(self) -> Iterator[Finding]:
        while self.pieces:
            yield from pickle.loads(self.pieces.pop())  # noqa: S301 - from a process that was forked from this one


@dataclass(slots=True)
class Finds:
    """The same while it grows."""

    findings: Findings
    sightings: list[Attributed] = field(default_factory=list)

    def found(self) -> Found:
        """To hand over."""
        return Found(self.findings.all(), self.findings.left_out, self.sightings)


class Scanned(NamedTuple):
    """A range that was scanned.

    Attributes:
        place: of the range; its format may hold what cannot go from process to process.
        coverage: what was read of it.
        keys: of a joining format: transactions that have a line in it.
        found: what it gave, where that is not counted with what its worker found in other ranges.
    """

    place: tuple[int, int]
    coverage: Coverage
    keys: frozenset[str]
    found: Found | None = None
