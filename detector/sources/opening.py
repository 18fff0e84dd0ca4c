"""Opening logs safely: regular files only, no waiting on pipes, no way out of the folder that was named.

A reader gives decompressed UTF-8 bytes; a stream that breaks gives everything before the break, then raises.
"""

from __future__ import annotations

import codecs
import io
import os
import queue
import stat
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

from detector.ahead import Begun
from detector.errors import UnreadableSource
from detector.sources import archives
from detector.sources import compression as compressed
from detector.sources.compression import Compression, DamagedStream
from detector.sources.framing import Framing, framed
from detector.sources.readers import Filling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.sources.readers import Blocks, Reader
    from detector.sources.segments import Segment

_AHEAD_BLOCKS = 4
_ENCODING_BYTES = 4096


class Limits(NamedTuple):
    """How much a compressed file may become.

    Attributes:
        ratio: decompressed bytes per byte of the whole compressed file, judged only above ``small_bytes``: a log may
            hold a long hole of NUL bytes, which is packed into next to nothing.
        output_bytes: decompressed bytes of one file.
        small_bytes: output that is never too much.
    """

    ratio: int = 200
    output_bytes: int = 64 * 1024**3
    small_bytes: int = 1024**3


def open_regular(path: str) -> io.FileIO:
    """Open a regular file (``-``: standard input) without following a link in its last part and without blocking.

    Raises:
        UnreadableSource: it does not exist, may not be read, or is no regular file.
    """
    if path == "-":
        return io.FileIO(os.dup(sys.stdin.fileno()), "rb")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as fault:
        raise UnreadableSource(path, fault.strerror or str(fault)) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UnreadableSource(path, "is not a regular file")
    return io.FileIO(handle, "rb")


def members(path: str) -> list[tuple[str, int]]:
    """The files of a zip archive with their sizes in bytes, folders left out.

    Raises:
        UnreadableSource: the archive's directory is damaged, or names one file twice.
    """
    with open_regular(path) as file:
        return archives.listed(file, path)


@contextmanager
def open_stream(
    segment: Segment, limits: Limits | None = None, *, ahead: bool = False, begun: Begun | None = None
) -> Iterator[Reader]:
    """Open a segment's stream at its start (one byte before it when that is not 0, as ``chunks`` wants it).

    Args:
        segment: what to open.
        limits: how much compressed data may become.
        ahead: decompress in a thread of its own while the caller works.
        begun: what a child decompresses already: taken where it is this file, and nobody took it before.

    Raises:
        UnreadableSource: it cannot be opened.
    """
    with open_regular(segment.path) as file:
        if segment.compression is Compression.TAR:
            raise UnreadableSource(segment.path, "is a tar archive: unpack it first")
        if segment.compression is Compression.NONE:
            if segment.start and segment.framing is Framing.LINES and not segment.is_recoded:
                file.seek(segment.start - 1)
                yield file
            else:
                plain = segment.framing is Framing.LINES and _is_plain(file)
                yield file if plain else _decoded(file, segment)
        elif segment.compression is Compression.ZIP:
            with archives.opened(file, segment.name, segment.member) as opened:
                yield _decoded(_Capped(Filling(opened), opened.packed_bytes, limits or Limits()), segment)
        else:
            taken = begun if begun is not None and begun.takes(file) else None
            blocks = compressed.inflated(segment.compression, file, taken)
            capped = _Capped(blocks, os.fstat(file.fileno()).st_size, limits or Limits())
            if ahead and taken is None:
                with _Ahead(capped) as reader:
                    yield _decoded(Filling(reader), segment)
            else:
                yield _decoded(capped, segment)


def _is_plain(file: io.FileIO) -> bool:
    """Whether a file that can be gone back in holds plain bytes: then it is read without another copy."""
    if not file.seekable():
        return False
    head = file.read(_ENCODING_BYTES) or b""
    file.seek(0)
    return utf16_of(head) is None


def _decoded(reader: Reader | io.FileIO, segment: Segment) -> Reader:
    """UTF-16 as UTF-8, JSON documents and mails as one record a line, anything else as it is; from its start on."""
    head = reader.read(_ENCODING_BYTES) or b""
    encoding = utf16_of(head)
    result: Reader = _Put(head, reader)
    if encoding is not None:
        result = Filling(_Recoded(result, encoding))
    if segment.framing is not Framing.LINES:
        result = Filling(framed(result, segment.framing))
    _skip(result, segment.start - 1)
    return result


def _skip(reader: Reader, count: int) -> None:
    """Read over some bytes; a stream that breaks in them raises when it is read on."""
    while count > 0 and (block := reader.read(min(count, compressed.OUTPUT_BYTES))):
        count -= len(block)


def utf16_of(head: bytes) -> str | None:
    r"""The UTF-16 codec of a stream by its byte order mark, or by the NUL bytes between its letters.

    >>> utf16_of(b"\xff\xfea\x00"), utf16_of(b"a\x00b\x00c\x00d\x00"), utf16_of(b"plain text")
    ('utf-16-le', 'utf-16-le', None)
    """
    if head.startswith(codecs.BOM_UTF16_LE) and not head.startswith(codecs.BOM_UTF32_LE):
        return "utf-16-le"
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    sample = head[:256]
    if len(sample) < 8:
        return None
    half = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd >= half * 0.9 and even == 0:
        return "utf-16-le"
    return "utf-16-be" if even >= half * 0.9 and odd == 0 else None


class _Capped:
    """Stops a stream that becomes larger than any log."""

    def __init__(self, reader: Reader, packed_bytes: int, limits: Limits) -> None:
        self._reader = reader
        self._most = min(limits.output_bytes, max(limits.small_bytes, packed_bytes * limits.ratio))
        self._given = 0

    def read(self, limit: int) -> bytes:
        block = self._reader.read(limit)
        self._count(len(block))
        return block

    def readinto(self, view: memoryview) -> int:
        size = self._reader.readinto(view)
        self._count(size)
        return size

    def _count(self, size: int) -> None:
        self._given += size
        if self._given > self._most:
            raise DamagedStream(f"refused after {self._given} bytes: more than any log becomes (decompression bomb?)")


class _Ahead:
    """Reads a stream in a thread, a few blocks ahead of the caller; decompressors let other threads run meanwhile."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._queue: queue.Queue[bytes | Exception] = queue.Queue(_AHEAD_BLOCKS)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decompress", daemon=True)
        self._rest = memoryview(b"")
        self._end: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        while self._thread.is_alive():
            while not self._queue.empty():
                self._queue.get_nowait()
            self._thread.join(0.01)

    def read(self, limit: int) -> bytes:
        if not self._rest:
            if self._end is not None:
                raise self._end
            item = self._queue.get()
            if isinstance(item, Exception):
                self._end = item
                if isinstance(item, EOFError):
                    self._end = None
                    self._queue.put(item)
                    return b""
                raise item
            self._rest = memoryview(item)
        block, self._rest = self._rest[:limit], self._rest[limit:]
        return bytes(block)

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                block = self._blocks.read(compressed.OUTPUT_BYTES) or b""
                self._queue.put(block or EOFError())
                if not block:
                    return
        except Exception as fault:  # noqa: BLE001 - not swallowed: the reader raises it, in its own thread
            self._queue.put(fault)


class _Put:
    """A stream whose first bytes were already taken."""

    def __init__(self, head: bytes, reader: Reader | io.FileIO) -> None:
        self._head = head
        self._reader = reader

    def read(self, limit: int) -> bytes:
        if self._head:
            block, self._head = self._head[:limit], self._head[limit:]
            return block
        return self._reader.read(limit) or b""

    def readinto(self, view: memoryview) -> int:
        if self._head:
            block = self.read(len(view))
            view[: len(block)] = block
            return len(block)
        return self._reader.readinto(view) or 0


class _Recoded:
    """UTF-16 as UTF-8; what is no UTF-16 becomes the replacement character."""

    def __init__(self, reader: Reader, encoding: str) -> None:
        self._reader = reader
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._rest = b""
        self._ended = False

    def read(self, limit: int) -> bytes:
        while not self._rest and not self._ended:
            block = self._reader.read(limit)
            self._ended = not block
            self._rest = self._decoder.decode(block, final=self._ended).encode()
        block, self._rest = self._rest[:limit], self._rest[limit:]
        return block
