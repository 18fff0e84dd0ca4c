"""Digests of a log's bytes at ascending offsets: what a stream is known by."""

from __future__ import annotations

import hashlib
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from detector.sources.compression import DamagedStream
from detector.sources.streams import GUARD_BYTES, HEAD_BYTES

if TYPE_CHECKING:
    from detector.sources.readers import Reader
    from detector.sources.streams import StreamState

_BLOCK_BYTES = 1024 * 1024


class Prints(NamedTuple):
    """Digests of a stream's first bytes and of those just before an offset."""

    head_bytes: int
    head_sha256: str
    guard_bytes: int
    guard_sha256: str

    def are_of(self, state: StreamState) -> bool:
        """Whether a stream was left there."""
        return self == (state.head_bytes, state.head_sha256, state.guard_bytes, state.guard_sha256)


class Fingerprints:
    """Digests of one log at ascending offsets."""

    def __init__(self, handle: int, size: int, reader: Reader | None) -> None:
        self._handle = handle
        self._size = size
        self._reader = reader
        self._position = 0
        self._newline = 0
        self._head = b""
        self._tail = b""

    @property
    def head(self) -> bytes:
        """The first ``HEAD_BYTES``; asked for before anything else."""
        self._forward(HEAD_BYTES)
        return self._head

    def end(self) -> int:
        """How many bytes there are."""
        return self._forward(sys.maxsize)

    def last_line(self) -> int:
        """Offset behind the last newline."""
        if self._reader is not None:
            self._forward(sys.maxsize)
            return self._newline
        place = self._size
        while place > 0:
            start = max(place - _BLOCK_BYTES, 0)
            if (found := os.pread(self._handle, place - start, start).rfind(b"\n")) >= 0:
                return start + found + 1
            place = start
        return 0

    def at(self, offset: int) -> Prints | None:
        """The digests at an offset, ``None`` where there are fewer bytes."""
        head_bytes, guard_bytes = min(HEAD_BYTES, offset), min(GUARD_BYTES, offset)
        if self._reader is None:
            if offset > self._size:
                return None
            head = os.pread(self._handle, head_bytes, 0)
            guard = os.pread(self._handle, guard_bytes, offset - guard_bytes)
        else:
            if self._forward(offset) < offset:
                return None
            head, guard = self._head[:head_bytes], self._tail[len(self._tail) - guard_bytes :]
        if (len(head), len(guard)) != (head_bytes, guard_bytes):
            return None  # it was cut short while it was read
        return Prints(head_bytes, digest(head), guard_bytes, digest(guard))

    def _forward(self, offset: int) -> int:
        """Read on to an offset, or to the end or the damage before it; gives the place that was reached."""
        while self._reader is not None and self._position < offset:
            try:
                block = self._reader.read(min(_BLOCK_BYTES, offset - self._position))
            except (DamagedStream, OSError):
                break
            if not block:
                break
            if (found := block.rfind(b"\n")) >= 0:
                self._newline = self._position + found + 1
            self._position += len(block)
            self._head += block[: HEAD_BYTES - len(self._head)]
            self._tail = (self._tail + block)[-GUARD_BYTES:]
        return self._position


def digest(data: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(data).hexdigest()
