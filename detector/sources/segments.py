"""Byte ranges of logs that no longer change, and the ranges that could not be read."""

from __future__ import annotations

from typing import NamedTuple

from detector.sources.compression import Compression
from detector.sources.framing import Framing

SEGMENT_BYTES = 32 * 1024 * 1024
"""Size of the ranges into which a plain file is cut for several workers; a multiple of the sampling grid."""
SMALLEST_RANGE_BYTES, LARGEST_RANGE_BYTES = 2 * SEGMENT_BYTES, 8 * SEGMENT_BYTES
_GRID_BYTES = 1024 * 1024


class Segment(NamedTuple):
    """A range of one log: its lines are those that *start* inside.

    Attributes:
        stream: identity of the log's content: equal for a rotated or compressed copy.
        path: the file as it was named; ``-`` for standard input.
        member: name inside a zip archive, else empty.
        compression: what is around the bytes.
        start: offset of the first byte, in decompressed bytes.
        stop: offset behind the last byte, ``None`` for "to the end".
        label: what a person calls the log where that is not its path (``-`` for what came by standard input).
        framing: how records lie in a JSON document or among mails; they are laid out one a line while it is read.
        is_recoded: UTF-16, read as UTF-8: offsets are not those of the file, so it cannot be entered in the middle.
    """

    stream: str
    path: str
    member: str
    compression: Compression
    start: int = 0
    stop: int | None = None
    label: str = ""
    framing: Framing = Framing.LINES
    is_recoded: bool = False

    @property
    def name(self) -> str:
        """What a person calls it: the path, with ``!member`` for a part of an archive."""
        shown = self.label or self.path
        return f"{shown}!{self.member}" if self.member else shown


class Gap(NamedTuple):
    """A range that could not be read.

    Attributes:
        path: the log.
        start: offset of the first byte that is missing, in decompressed bytes.
        stop: offset behind the last one, ``None`` where nobody knows.
        reason: why, for a person.
    """

    path: str
    start: int
    stop: int | None
    reason: str


def segments_of(whole: Segment, size_bytes: int, part_bytes: int = SEGMENT_BYTES) -> list[Segment]:
    """Cut a plain file of a known size into ranges; anything else stays whole.

    >>> whole = Segment("s", "a.log", "", Compression.NONE)
    >>> [(part.start, part.stop) for part in segments_of(whole, 250, 100)]
    [(0, 100), (100, 200), (200, None)]
    """
    if (
        whole.compression is not Compression.NONE
        or whole.framing is not Framing.LINES
        or whole.is_recoded
        or size_bytes <= part_bytes
    ):
        return [whole]
    starts = range(0, size_bytes, part_bytes)
    stops = [*starts[1:], None]
    return [whole._replace(start=start, stop=stop) for start, stop in zip(starts, stops, strict=True)]


def range_bytes(size_bytes: int, jobs: int) -> int:
    """Ranges of a log: enough to keep all workers busy to the end, and few, for what each finds must be merged.

    What a worker hands over is twice in memory for a moment: ranges do not grow with the log for ever.
    """
    if jobs == 1:
        return max(size_bytes, SMALLEST_RANGE_BYTES)
    return max(SMALLEST_RANGE_BYTES, min(size_bytes // (2 * jobs), LARGEST_RANGE_BYTES) // _GRID_BYTES * _GRID_BYTES)
