"""Ranges of logs: what a worker is given, and what it hands over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.coverage import Coverage
    from detector.events import Dialect, LogFormat
    from detector.findings import Attributed, Finding, Findings
    from detector.sources import Segment


@dataclass(frozen=True, slots=True)
class Range:
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
        findings: of the sightings.
        left_out: sightings that the policy leaves out.
        sightings: every one, where they are asked for.
    """

    findings: list[Finding]
    left_out: Mapping[str, int]
    sightings: list[Attributed]


@dataclass(slots=True)
class Finds:
    """The same while it grows."""

    findings: Findings
    sightings: list[Attributed] = field(default_factory=list)

    def found(self) -> Found:
        """To hand over."""
        return Found(self.findings.all(), self.findings.left_out, self.sightings)


@dataclass(frozen=True, slots=True)
class Scanned:
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
