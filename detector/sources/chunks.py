"""Streams become chunks of whole lines, read into one reused buffer.

Only the byte ``\\n`` ends a line. A line longer than ``LINE_LIMIT_BYTES`` is *oversize*: its first 64 KiB and last 4 KiB
are kept for matching, the rest is skipped, and it is counted. NUL bytes in front of a line (the hole that copytruncate
leaves) do not count towards its length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.sources.opening import Reader

CHUNK_BYTES = 1024 * 1024
LINE_LIMIT_BYTES = 1024 * 1024
KEPT_HEAD_BYTES = 64 * 1024
KEPT_TAIL_BYTES = 4 * 1024


@dataclass(slots=True)
class Chunk:
    """Whole lines of a stream; valid until the next chunk is asked for.

    Attributes:
        offset: of the first byte, in decompressed bytes.
        buffer: holds the lines in its first ``size`` bytes; what lies behind is not part of the chunk.
        size: bytes of lines, newlines included (the last line of a stream may lack its own).
        oversize_bytes: 0, or the whole length of the one oversize line whose kept bytes the buffer holds.
    """

    offset: int
    buffer: bytearray
    size: int
    oversize_bytes: int = 0

    @property
    def stop(self) -> int:
        """Offset behind the last byte."""
        return self.offset + (self.oversize_bytes or self.size)


def chunks(reader: Reader, start: int, stop: int | None, size: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """The lines that start in ``[start, stop)``, in chunks of about ``size`` bytes.

    The reader must stand at ``start``, or one byte before it when ``start`` is not 0 (so that a line that begins just
    there is told from the end of another's). Raises what the reader raises, behind every line before the break; the
    unfinished line at the break is not given.
    """
    cutter = _Cutter(reader, start, min(size, LINE_LIMIT_BYTES))
    if start:
        cutter.skip_line()
    yield from cutter.run(stop)


class _Cutter:
    """The buffer and where it stands."""

    def __init__(self, reader: Reader, start: int, size: int) -> None:
        self._reader = reader
        self._size = size
        self._buffer = bytearray(LINE_LIMIT_BYTES + size if size == CHUNK_BYTES else LINE_LIMIT_BYTES + 2 * size)
        self._filled = 0
        self._offset = max(start - 1, 0)

    def run(self, stop: int | None) -> Iterator[Chunk]:
        scanned = 0
        while stop is None or self._offset < stop:
            end = self._buffer.rfind(b"\n", scanned, self._filled) + 1
            if end and (long := self._first_line_if_oversize()):
                yield from self._oversize(long)
                scanned = 0
            elif end:
                end = self._clip(end, stop)
                yield Chunk(self._offset, self._buffer, end)
                self._drop(end)
                scanned = self._filled
            elif self._filled > LINE_LIMIT_BYTES and not self._drop_nuls():
                yield from self._oversize(0)
                scanned = 0
            elif not self._fill():
                if self._filled:
                    yield Chunk(self._offset, self._buffer, self._filled)
                return

    def skip_line(self) -> None:
        """Go to the first line that starts behind the byte before the start."""
        while True:
            end = self._buffer.find(b"\n", 0, self._filled) + 1
            if end:
                self._drop(end)
                return
            self._drop(self._filled)
            if not self._fill():
                return

    def _fill(self) -> bool:
        with memoryview(self._buffer) as view:
            count = self._reader.readinto(view[self._filled : self._filled + self._size])
        self._filled += count
        return count > 0

    def _drop(self, count: int) -> None:
        rest = self._filled - count
        if rest:
            self._buffer[:rest] = self._buffer[count : self._filled]
        self._filled = rest
        self._offset += count

    def _drop_nuls(self) -> bool:
        """Drop NUL bytes in front of an unfinished line; whether there were any."""
        found = self._buffer[: self._filled].lstrip(b"\0")
        count = self._filled - len(found)
        self._drop(count)
        return count > 0

    def _first_line_if_oversize(self) -> int:
        """Length of the first line with its newline when it is oversize, else 0."""
        if self._filled <= LINE_LIMIT_BYTES:
            return 0
        end = self._buffer.find(b"\n", 0, self._filled) + 1
        if end <= LINE_LIMIT_BYTES + 1:
            return 0
        nuls = end - len(self._buffer[:end].lstrip(b"\0"))
        return end if end - nuls > LINE_LIMIT_BYTES + 1 else 0

    def _clip(self, end: int, stop: int | None) -> int:
        """The end of the last line that starts before ``stop``."""
        if stop is None or self._offset + end <= stop:
            return end
        last = stop - 1 - self._offset
        return self._buffer.find(b"\n", max(last, 0), end) + 1

    def _oversize(self, known: int) -> Iterator[Chunk]:
        """Keep the head and the tail of the line at the front, skip the rest."""
        start = self._offset
        kept = bytearray(self._buffer[:KEPT_HEAD_BYTES])
        tail = b""
        while not known:
            tail = bytes(self._buffer[max(self._filled - KEPT_TAIL_BYTES, 0) : self._filled])
            self._drop(self._filled)
            if not self._fill():
                break
            known = self._buffer.find(b"\n", 0, self._filled) + 1
        tail += bytes(self._buffer[max(known - KEPT_TAIL_BYTES, 0) : known])
        self._drop(known)
        kept += tail[-KEPT_TAIL_BYTES:]
        yield Chunk(start, kept, len(kept), oversize_bytes=self._offset - start)
