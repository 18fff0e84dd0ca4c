"""What is known of a stream, and what can be asked of a file to tell whether it is that stream.

A stream is known by the digests of its head and of the bytes before its frontier (the *guard*), in decompressed bytes.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from detector.events import Kind
from detector.sources.compression import Compression

HEAD_BYTES = 1024
GUARD_BYTES = 4096


class StreamState(NamedTuple):
    """How far a stream was read, and how it is known again.

    Attributes:
        id: random, given once; sighting ids are digests of it and an offset.
        source: name of the configured source; streams of two sources never mix.
        path: where it was last seen (``archive.zip!member`` inside an archive).
        device: of the file.
        inode: of the file.
        head_bytes: length of the head that is known, up to ``HEAD_BYTES``.
        head_sha256: its digest.
        guard_bytes: length of what is known before ``offset``, up to ``GUARD_BYTES``.
        guard_sha256: its digest.
        offset: decompressed bytes that were read, behind a newline (or the end of a final file).
        compression: around the bytes when it was last seen.
        is_final: nothing more is expected: an archive, or rotated and left alone, read to its end.
        format: what its lines are, empty while nobody knows.
        dialect_columns: of the header in force at ``offset``.
        dialect_separator: of that header.
        size: bytes on disk when it was last seen.
        modified: its last change, microseconds since the epoch.
        kinds: what its sampled lines watch.
    """

    id: str
    source: str
    path: str
    device: int = 0
    inode: int = 0
    head_bytes: int = 0
    head_sha256: str = ""
    guard_bytes: int = 0
    guard_sha256: str = ""
    offset: int = 0
    compression: Compression = Compression.NONE
    is_final: bool = False
    format: str = ""
    dialect_columns: tuple[str, ...] = ()
    dialect_separator: str = ""
    size: int = 0
    modified: int = 0
    kinds: frozenset[Kind] = frozenset()


class Seen(Protocol):
    """A file (or a member of an archive) that lies on disk now."""

    @property
    def name(self) -> str:
        """Path, with ``!member`` for a part of an archive."""
        ...

    @property
    def device(self) -> int:
        """Of the file."""
        ...

    @property
    def inode(self) -> int:
        """Of the file."""
        ...

    @property
    def size(self) -> int:
        """Bytes on disk."""
        ...

    @property
    def modified(self) -> int:
        """Its last change, microseconds since the epoch."""
        ...

    @property
    def compression(self) -> Compression:
        """What is around its bytes."""
        ...

    @property
    def head(self) -> bytes:
        """Its first ``HEAD_BYTES``, decompressed; fewer where it is shorter."""
        ...

    @property
    def length(self) -> int:
        """Decompressed bytes that can be read of it; asked for only where heads agree."""
        ...

    def verifies(self, state: StreamState) -> bool:
        """Whether its bytes just before the stream's frontier are the stream's."""
        ...

    def begins(self, state: StreamState) -> bool:
        """Whether its head is the stream's."""
        ...

    def agrees(self, other: Seen, length: int) -> bool:
        """Whether it and another file have the same bytes before ``length``."""
        ...


class FileKey(NamedTuple):
    """One file as it was at one time."""

    name: str
    device: int
    inode: int
    size: int
    modified: int


def key_of(file: Seen | StreamState) -> FileKey:
    """A file's key, or that of the file which a stream was last seen in."""
    name = file.path if isinstance(file, StreamState) else file.name
    return FileKey(name, file.device, file.inode, file.size, file.modified)
