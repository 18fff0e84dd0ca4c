"""What is around a log's bytes, told by magic bytes, never by the name; and readers that undo it.

Every reader gives all bytes before a damaged place and then raises ``DamagedStream``; none ever gives more than the
caller asked for, so that a decompression bomb costs no memory.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, Protocol

import zstandard
from isal import igzip, isal_zlib

from detector.ahead import Begun
from detector.sources.readers import Filling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from detector.sources.readers import Reader

INPUT_BYTES = 256 * 1024
OUTPUT_BYTES = 1024 * 1024
MEMORY_BYTES = 160 * 1024 * 1024
"""What one decompressor may take: twice what ``xz -9`` and ``zstd --ultra --long=27`` need."""
RESCUED_BYTES = 4 * OUTPUT_BYTES
"""More than one read can have asked for: what lies further from the damage was given before."""


class Compression(StrEnum):
    """What is around the bytes."""

    NONE = ""
    GZIP = "gz"
    ZSTD = "zst"
    BZIP2 = "bz2"
    XZ = "xz"
    ZIP = "zip"
    TAR = "tar"


class DamagedStream(Exception):
    """The compressed data ends or breaks here; everything before has been given out."""


class Inflater(Protocol):
    """The part of zlib's, bz2's and lzma's decompressor objects that is used here."""

    @property
    def eof(self) -> bool:
        """Whether the end of the data was reached."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What follows the end of the data."""
        ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Give at most ``max_length`` bytes."""
        ...


_MAGIC = (
    (b"\x1f\x8b", Compression.GZIP),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
    (b"\xfd7zXZ\0", Compression.XZ),
    (b"PK\x03\x04", Compression.ZIP),
    (b"PK\x05\x06", Compression.ZIP),
)
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
"""How the first block of a bzip2 stream begins, and the end of an empty stream."""
_SKIPPABLE_ZSTD = range(0x50, 0x60)
_ISAL_FAULT: type[Exception] = isal_zlib.IsalError  # type: ignore[assignment] # its stub calls the class a value
_FAULTS = (OSError, EOFError, zlib.error, _ISAL_FAULT, lzma.LZMAError, zstandard.ZstdError, ValueError)


def detect(head: bytes) -> Compression:
    r"""Tell the compression by the first bytes (262 are enough).

    >>> detect(b"\x1f\x8b\x08"), detect(b"plain")
    (<Compression.GZIP: 'gz'>, <Compression.NONE: ''>)
    """
    for magic, compression in _MAGIC:
        if head.startswith(magic):
            return compression
    if head[:3] == b"BZh" and head[3:4] in b"123456789" and head[4:10] in _BZIP2_BLOCKS:
        return Compression.BZIP2
    if len(head) >= 4 and head[0] in _SKIPPABLE_ZSTD and head[1:4] == b"\x2a\x4d\x18":
        return Compression.ZSTD
    if head[257:262] == b"ustar":
        return Compression.TAR
    return Compression.NONE


def inflated(compression: Compression, file: BinaryIO, begun: Begun | None = None) -> Reader:
    """A reader of the decompressed bytes of a seekable file at its start.

    Args:
        compression: what is around them.
        file: of the compressed bytes.
        begun: the same gzip file, where a child decompresses it already.
    """
    fresh = _INFLATERS[compression]
    pieces = Filling(Inflated(file, fresh, _CAREFUL_INFLATERS.get(compression, fresh)))
    return _Gzip(file, pieces, begun) if compression is Compression.GZIP else pieces


class _Gzip:
    """A gzip file by isal's own reader, which fills a large block without the interpreter; a damaged one by pieces.

    A piece costs the interpreter's lock a dozen times, for which a thread that decompresses ahead must wait. A child
    that has begun to decompress the file stands in for the reader, and has the same faults.
    """

    def __init__(self, file: BinaryIO, pieces: Reader, begun: Begun | None) -> None:
        self._file = file
        self._pieces = pieces
        self._whole: igzip.IGzipFile | Begun | None = begun
        if begun is None:
            self._whole = igzip.open(file)  # type: ignore[no-untyped-call] # it has no stub
        self._given = 0

    def read(self, limit: int) -> bytes:
        if self._whole is not None:
            try:
                block: bytes = self._whole.read(limit)
            except _FAULTS:
                self._go_back()
            else:
                self._given += len(block)
                return block
        return self._pieces.read(limit)

    def readinto(self, view: memoryview) -> int:
        if self._whole is not None:
            try:
                size: int = self._whole.readinto(view)
            except _FAULTS:
                self._go_back()
            else:
                self._given += size
                return size
        return self._pieces.readinto(view)

    def _go_back(self) -> None:
        """To the start, and over what was given: it is the pieces that know how far the data is good."""
        self._whole = None
        self._file.seek(0)
        while self._given:
            block = self._pieces.read(min(OUTPUT_BYTES, self._given))
            self._given = self._given - len(block) if block else 0


class Inflated:
    """Decompressed bytes of all members (gzip), frames (zstd) or streams (xz, bz2) of a file, one after the other."""

    def __init__(self, file: BinaryIO, fresh: Callable[[], Inflater], careful: Callable[[], Inflater]) -> None:
        self._file = file
        self._fresh = fresh
        self._careful = careful
        self._inflater = fresh()
        self._input = b""
        self._exhausted = False
        self._given = 0
        self._rescued = b""

    def read(self, limit: int = OUTPUT_BYTES) -> bytes:
        """Up to ``limit`` bytes, nothing at the end.

        Raises:
            DamagedStream: the data is cut, corrupt, or followed by something else.
        """
        if self._rescued:
            block, self._rescued = self._rescued[:limit], self._rescued[limit:]
            return block
        try:
            block = self._next(limit)
        except _FAULTS as fault:
            self._salvage(fault)
            return self.read(limit)
        self._given += len(block)
        return block

    def _next(self, limit: int) -> bytes:
        while True:
            if self._inflater.eof and not self._begin_next():
                return b""
            data = self._input
            if not data and not self._exhausted and getattr(self._inflater, "needs_input", True):
                data = self._file.read(INPUT_BYTES)
                self._exhausted = not data
            self._input = b""
            block = self._inflater.decompress(data, limit)
            self._input = getattr(self._inflater, "unconsumed_tail", b"")
            if block:
                return block
            if self._exhausted and not data and not self._inflater.eof:
                raise DamagedStream("compressed data is cut off")

    def _begin_next(self) -> bool:
        """Start the next member; ``False`` at the end of the file, padding of NUL bytes included."""
        rest = self._inflater.unused_data + self._input
        while not rest.lstrip(b"\0"):
            rest = self._file.read(INPUT_BYTES)
            if not rest:
                return False
        rest = rest.lstrip(b"\0")
        if len(rest) < 10:
            rest += self._file.read(INPUT_BYTES)
        if detect(rest) is Compression.NONE:
            raise DamagedStream("something that is not compressed follows the compressed data")
        self._inflater, self._input = self._fresh(), rest
        return True

    def _salvage(self, fault: Exception) -> None:
        """Rescue the bytes between what was given and the damage: decompress again, and the last piece byte by byte."""
        self._file.seek(0)
        again = Inflated(self._file, self._careful, self._careful)
        rescued = bytearray()
        try:
            skipped = 0
            while skipped < self._given:
                skipped += len(again._next(min(OUTPUT_BYTES, self._given - skipped)))
            for piece in again._trickle():
                rescued += piece
                if len(rescued) > RESCUED_BYTES:
                    break
        except (*_FAULTS, DamagedStream):
            pass  # the damage that was met before
        self._inflater, self._input = _Broken(str(fault)), b""
        self._rescued = bytes(rescued)

    def _trickle(self) -> Iterator[bytes]:
        """The rest of a member with its input fed byte by byte: nothing is held back by a damage further on."""
        data = self._input or self._file.read(INPUT_BYTES)
        while data:
            for at in range(len(data)):
                yield self._inflater.decompress(data[at : at + 1], OUTPUT_BYTES)
                if self._inflater.eof:
                    return
            data = self._file.read(INPUT_BYTES)


class _Broken:
    """The decompressor behind the damage."""

    eof = False
    unused_data = b""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def decompress(self, _data: bytes, _max_length: int) -> bytes:
        raise DamagedStream(f"corrupt compressed data: {self._reason}")


class _Zstd:
    """A zstd frame with zlib's interface; zstandard's own object has no limit of output: the input goes in slices."""

    def __init__(self) -> None:
        self._object = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self._ready = b""
        self.unconsumed_tail = b""

    @property
    def eof(self) -> bool:
        return self._object.eof and not self._ready

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if not self._ready and not self._object.eof:
            self._ready = self._object.decompress(data[:1024])
            data = data[1024:]
        block, self._ready = self._ready[:max_length], self._ready[max_length:]
        self.unconsumed_tail = data
        return block


_INFLATERS: dict[Compression, Callable[[], Inflater]] = {
    Compression.GZIP: lambda: isal_zlib.decompressobj(31),
    Compression.ZSTD: _Zstd,
    Compression.BZIP2: bz2.BZ2Decompressor,
    Compression.XZ: lambda: lzma.LZMADecompressor(memlimit=MEMORY_BYTES),
}
_CAREFUL_INFLATERS: dict[Compression, Callable[[], Inflater]] = {Compression.GZIP: lambda: zlib.decompressobj(31)}
"""Slower ones that hold back no output: for what lies just before a damage."""
