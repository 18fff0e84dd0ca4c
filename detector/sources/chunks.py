r"""Streams become chunks of whole lines, read into one reused buffer.

Only the byte ``\n`` ends a line. A line longer than ``LINE_LIMIT_BYTES`` is *oversize*: its first 64 KiB and last
4 KiB are kept for matching, the rest is skipped, and it is counted. NUL bytes in front of a line (the hole that
copytruncate leaves) do not count towards its length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.sources.compression import DamagedStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.sources.readers import Reader

CHUNK_BYTES = 1024 * 1024
LINE_LIMIT_BYTES = 1024 * 1024
KEPT_HEAD_BYTES = 64 * 1024
KEPT_TAIL_BYTES = 4 * 1024
_BEYOND_BYTES = 64 * 1024
"""Read beyond a chunk's border, to have the end of the line that crosses it."""


@dataclass(slots=True)
class Chunk:
    """Whole lines of a stream; valid until the next chunk is asked for.

    Attributes:
        offset: of the first byte, in decompressed bytes.
        buffer: holds the lines in its first ``size`` bytes; what lies behind is not part of the chunk.
        size: bytes of lines, newlines included (the last line of a stream may lack its own).
        oversize_bytes: 0, or the whole length of the one oversize line whose kept bytes the buffer holds.
        hole_bytes: NUL bytes in front of ``offset`` that were left out; they are the beginning of the first line.
    """

    offset: int
    buffer: bytearray
    size: int
    oversize_bytes: int = 0
    hole_bytes: int = 0

    @property
    def start(self) -> int:
        """Offset at which the first line starts, the hole in front of it included."""
        return self.offset - self.hole_bytes

    @property
    def stop(self) -> int:
        """Offset behind the last byte."""
        return self.offset + (self.oversize_bytes or self.size)

    def line(self, start: int, end: int) -> tuple[int, bytes]:
        """Offset and bytes of the line at ``[start, end)`` of the buffer, without NUL bytes in front (copytruncate)."""
        raw = bytes(self.buffer[start:end])
        bare = raw.lstrip(b"\0") if raw[:1] == b"\0" else raw
        return self.offset + start + len(raw) - len(bare), bare

    def lines(self, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, bytes]]:
        """The same of many lines."""
        offset = self.offset
        with memoryview(self.buffer) as view:
            found = [(offset + start, view[start:end].tobytes()) for start, end in ranges]
        if b"\0" in [raw[:1] for _, raw in found]:
            return [self.line(start, end) for start, end in ranges]
        return found

    @property
    def evidence_bytes(self) -> int | None:
        """How much of a line can be opened again: all (``None``), of an oversize one what was kept of its head."""
        return KEPT_HEAD_BYTES if self.oversize_bytes else None


def chunks(reader: Reader, start: int, stop: int | None, size: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """The lines that start in ``[start, stop)``, a chunk for each ``[k × size, (k + 1) × size)`` in which lines start.

    So what a chunk holds depends on the log alone, not on how it was read. The reader must stand at ``start``, or one
    byte before it when ``start`` is not 0 (a line that begins just there is told from the end of another's). Raises
    what the reader raises, behind every line before the break; the unfinished line at the break is not given.

    Args:
        reader: the stream.
        start: offset of the range, 0 or a multiple of ``size``.
        stop: its end, ``None`` for the end of the stream.
        size: up to ``LINE_LIMIT_BYTES``.
    """
    cutter = _Cutter(reader, start, size)
    if start:
        cutter.skip_line()
    yield from cutter.run(stop)


class _Cutter:
    """The buffer and where it stands."""

    def __init__(self, reader: Reader, start: int, size: int) -> None:
        self._reader = reader
        self._size = size
        self._buffer = bytearray(LINE_LIMIT_BYTES + size + _BEYOND_BYTES)
        self._filled = 0
        self._offset = max(start - 1, 0)
        self._break: Exception | None = None

    def run(self, stop: int | None) -> Iterator[Chunk]:
        """Cut until the first line that starts at or behind ``stop``."""
        while stop is None or self._offset < stop:
            ended = not self._gather(stop)
            whole = self._buffer.rfind(b"\n", 0, self._filled) + 1
            if self._break is not None and not whole:
                raise self._break
            end = self._end(stop)
            if not end:
                end = self._filled if ended and self._break is None else whole
            last = self._buffer.rfind(b"\n", 0, max(end - 1, 0)) + 1
            if end and end - last <= LINE_LIMIT_BYTES + 1:
                yield Chunk(self._offset, self._buffer, end)
                self._drop(end)
            elif last:
                yield Chunk(self._offset, self._buffer, last)
                self._drop(last)
            elif self._filled:
                yield from self._long_line()
            if ended and not self._filled and self._break is None:
                return

    def skip_line(self) -> None:
        """Go to the first line that starts behind the byte before the start."""
        while self._fill():
            end = self._buffer.find(b"\n", 0, self._filled) + 1
            self._drop(end or self._filled)
            if end:
                return
        if self._break is not None:
            raise self._break

    def _gather(self, stop: int | None) -> bool:
        """Fill the buffer until it holds the chunk's end or more than one line may hold; ``False`` at the end."""
        while not self._end(stop):
            start = self._buffer.rfind(b"\n", 0, self._filled) + 1
            if self._filled - start > LINE_LIMIT_BYTES:
                return True
            if not self._fill():
                return False
        return True

    def _end(self, stop: int | None) -> int:
        """Where the chunk ends: behind the newline of its last line; 0 while that is not in the buffer."""
        border = (self._offset // self._size + 1) * self._size
        if stop is not None:
            border = min(border, stop)
        return self._buffer.find(b"\n", max(border - 1 - self._offset, 0), self._filled) + 1

    def _fill(self) -> bool:
        wanted = self._size - self._offset % self._size - self._filled + _BEYOND_BYTES
        if wanted <= 0:
            wanted = _BEYOND_BYTES
        if self._break is not None:
            return False
        try:
            with memoryview(self._buffer) as view:
                count = self._reader.readinto(view[self._filled : self._filled + wanted])
        except (DamagedStream, OSError) as fault:
            self._break = fault  # raised when the whole lines before it have been given
            return False
        self._filled += count
        return count > 0

    def _drop(self, count: int) -> None:
        rest = self._filled - count
        if rest:
            self._buffer[:rest] = self._buffer[count : self._filled]
        self._filled = rest
        self._offset += count

    def _long_line(self) -> Iterator[Chunk]:
        """The line at the front is longer than any line may be, at least with the NUL bytes in front of it."""
        hole = 0
        while True:
            count = self._filled - len(self._buffer[: self._filled].lstrip(b"\0"))
            self._drop(count)
            hole += count
            end = self._buffer.find(b"\n", 0, self._filled) + 1
            if end or self._filled > LINE_LIMIT_BYTES + 1 or not self._fill():
                break
        if not end and self._break is not None:
            return
        length = end or self._filled
        if not length:  # nothing but NUL bytes up to the end: the last one stands for the line
            yield Chunk(self._offset - 1, bytearray(b"\0"), 1, hole_bytes=hole - 1)
        elif length <= LINE_LIMIT_BYTES + 1:
            yield Chunk(self._offset, self._buffer, length, hole_bytes=hole)
            self._drop(length)
        else:
            yield from self._oversize(end, hole)

    def _oversize(self, end: int, hole: int) -> Iterator[Chunk]:
        """Keep the head and the tail of the line at the front, skip the rest; nothing where the stream breaks in it."""
        start = self._offset
        kept = bytearray(self._buffer[:KEPT_HEAD_BYTES])
        tail = b""
        while not end:
            tail = (tail + bytes(self._buffer[max(self._filled - KEPT_TAIL_BYTES, 0) : self._filled]))[
                -KEPT_TAIL_BYTES:
            ]
            self._drop(self._filled)
            if not self._fill():
                break
            end = self._buffer.find(b"\n", 0, self._filled) + 1
        if not end and self._break is not None:
            return
        tail += bytes(self._buffer[max(end - KEPT_TAIL_BYTES, 0) : end])
        self._drop(end)
        kept += tail[-KEPT_TAIL_BYTES:]
        yield Chunk(start, kept, len(kept), oversize_bytes=self._offset - start, hole_bytes=hole)
