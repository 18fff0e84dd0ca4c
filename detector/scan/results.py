"""What scanning a segment gives; merging is associative and commutative."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

from detector.scan.sample import NOTHING, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.events import Dialect
    from detector.match import Sighting
    from detector.scan.spans import Spans
    from detector.sources import Gap

REFUSED_KEPT = 100
"""Places of refused lines that a result holds; all are counted."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Every byte and line accounted for: ``parsed + filtered + unparsed + oversize == lines``.

    Attributes:
        bytes: read, decompressed.
        lines: newlines read, and an unterminated last line.
        candidates: lines that could hold a sighting.
        parsed: lines that were looked at and are events.
        filtered: lines that were passed over unread, or are no event (comments, answers already counted).
        unparsed: lines that were looked at and are not what their format says.
        oversize: lines longer than the limit, whose middle was skipped.
    """

    bytes: int = 0
    lines: int = 0
    candidates: int = 0
    parsed: int = 0
    filtered: int = 0
    unparsed: int = 0
    oversize: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


class RefusedAt(NamedTuple):
    """The place of a line that is not what its format says.

    Attributes:
        offset: of the line in the decompressed stream.
        length: of the line in bytes.
        sha256: of those bytes, hex.
        reason: why it was refused.
    """

    offset: int
    length: int
    sha256: str
    reason: str


class ScanResult(NamedTuple):
    """A part of one log, read.

    Attributes:
        counts: what was read.
        spans: when it was being written.
        sightings: in the order of the lines.
        refusals: reason → how many lines were refused for it.
        refused: places of the first ``REFUSED_KEPT`` of them.
        gaps: what could not be read.
        keys: of a joining format: transactions that have a candidate line.
        entered: the dialect in force before the first line.
        left: the dialect in force behind the last line.
        sample: what the lines that are parsed in any case say about the log.
    """

    counts: Counts
    spans: Spans
    sightings: tuple[Sighting, ...]
    refusals: Mapping[str, int]
    gaps: tuple[Gap, ...]
    keys: frozenset[str]
    entered: Dialect
    left: Dialect
    sample: Sample = NOTHING
    refused: tuple[RefusedAt, ...] = ()
