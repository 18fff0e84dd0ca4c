"""The lines of a buffer as (start, end) pairs without the newline; only the newline byte ends a line."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.sources import Chunk

_NEWLINE = 0x0A


def ranges(data: bytearray, size: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each line, without the newline."""
    start = 0
    while start < size:
        end = data.find(b"\n", start, size)
        end = size if end < 0 else end
        yield start, end
        start = end + 1


def ranges_back(data: bytearray, size: int) -> Iterator[tuple[int, int]]:
    """The same from the last line to the first."""
    end = size - 1 if size and data[size - 1] == _NEWLINE else size
    while end >= 0:
        start = data.rfind(b"\n", 0, end) + 1
        yield start, end
        end = start - 1


def all_lines(chunk: Chunk, limit: int | None = None) -> list[tuple[int, int]]:
    """The lines of a chunk, or those that start before a limit."""
    found = ranges(chunk.buffer, chunk.size)
    return list(found) if limit is None else list(takewhile(lambda line: line[0] < limit, found))
