"""What a stream of bytes can do, whatever is around it."""

from __future__ import annotations

from typing import Protocol


class Reader(Protocol):
    """Bytes of one stream, in order."""

    def read(self, limit: int, /) -> bytes:
        """Up to ``limit`` bytes, nothing at the end; raises ``DamagedStream`` behind the last good byte."""
        ...

    def readinto(self, view: memoryview, /) -> int:
        """The same, into a buffer; 0 at the end."""
        ...


class Blocks(Protocol):
    """Bytes of one stream, in order, of which each block is a new object."""

    def read(self, limit: int, /) -> bytes | None:
        """Up to ``limit`` bytes, nothing at the end; raises ``DamagedStream`` behind the last good byte."""
        ...


class Filling:
    """Any stream of blocks as a ``Reader``."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks

    def read(self, limit: int) -> bytes:
        """See ``Reader``."""
        return self._blocks.read(limit) or b""

    def readinto(self, view: memoryview) -> int:
        """See ``Reader``."""
        block = self._blocks.read(len(view)) or b""
        view[: len(block)] = block
        return len(block)
