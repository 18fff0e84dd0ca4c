"""Logs of a configured source as they lie on disk: opened safely, each told from others by what stands in it.

A file is opened by the place that its name really leads to, which must lie below the folder that was configured, and
must be the file that was listed; what is read comes from that open file, whatever its name leads to meanwhile.
"""

from __future__ import annotations

import io
import os
import stat
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from detector.errors import UnreadableSource
from detector.sources.compression import Compression, detect
from detector.sources.fingerprints import Fingerprints, digest
from detector.sources.opening import open_stream, utf16_of
from detector.sources.segments import Segment
from detector.sources.streams import HEAD_BYTES, Seen, StreamState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from detector.sources.readers import Reader

_BLOCK_BYTES = 1024 * 1024
_MAGIC_BYTES = 4096


class Vanished(UnreadableSource):
    """The name that was listed leads nowhere, or to another file, by now: it is worth listing again."""


class Log:
    """One regular file, or one member of a zip archive, as it was listed; see ``Seen``."""

    def __init__(self, path: str, root: str, member: str = "") -> None:
        """List a file.

        Args:
            path: as it was found.
            root: the folder that was configured; links may not lead out of it.
            member: of an archive.

        Raises:
            UnreadableSource: it has gone, may not be read, is no regular file or leads out of the folder.
        """
        self.path = path
        self.member = member
        self.root = root
        self._file: io.FileIO | None = None
        self._was_opened = False
        try:
            found = os.stat(path)  # noqa: PTH116 - the name stays as it was found
        except FileNotFoundError as fault:
            raise Vanished(path, fault.strerror or str(fault)) from None
        except OSError as fault:
            raise UnreadableSource(path, fault.strerror or str(fault)) from None
        self.device, self.inode, self.size = found.st_dev, found.st_ino, found.st_size
        self.modified = found.st_mtime_ns // 1000

    @property
    def name(self) -> str:
        """Path, with ``!member`` for a part of an archive."""
        return f"{self.path}!{self.member}" if self.member else self.path

    @cached_property
    def _magic(self) -> bytes:
        with self.opened() as file:
            return os.pread(file.fileno(), _MAGIC_BYTES, 0)

    @property
    def compression(self) -> Compression:
        """What is around its bytes."""
        return detect(self._magic)

    @property
    def is_recoded(self) -> bool:
        """UTF-16, read as UTF-8."""
        return utf16_of(self._magic) is not None

    @property
    def is_plain(self) -> bool:
        """Its bytes are those of the stream: any of them can be read by itself."""
        return self.compression is Compression.NONE and not self.is_recoded

    @cached_property
    def head(self) -> bytes:
        """Its first bytes, decompressed."""
        if self.is_plain:
            return self._magic[: min(HEAD_BYTES, self.size)]
        with self.prints() as prints:
            return prints.head

    @cached_property
    def length(self) -> int:
        """Decompressed bytes that can be read of it."""
        if self.is_plain:
            return self.size
        with self.prints() as prints:
            return prints.end()

    def begins(self, state: StreamState) -> bool:
        """Whether its head is the stream's."""
        return digest(self.head[: state.head_bytes]) == state.head_sha256 and len(self.head) >= state.head_bytes

    def verifies(self, state: StreamState) -> bool:
        """Whether the stream was left in it."""
        with self.prints() as prints:
            found = prints.at(state.offset)
        return found is not None and found.are_of(state)

    def agrees(self, other: Seen, length: int) -> bool:
        """Whether it and another file have the same bytes at their heads and just before an offset."""
        if not isinstance(other, Log):
            return False
        with self.prints() as mine, other.prints() as theirs:
            return mine.at(length) == theirs.at(length)

    @contextmanager
    def prints(self) -> Iterator[Fingerprints]:
        """Its digests at ascending offsets."""
        with ExitStack() as stack:
            segment = stack.enter_context(self.segment())
            file = stack.enter_context(self.opened())
            reader = None if self.is_plain else stack.enter_context(_readable(segment))
            yield Fingerprints(file.fileno(), self.size, reader)

    @contextmanager
    def segment(self) -> Iterator[Segment]:
        """The whole of it, readable by a path that leads to the open file."""
        with self.opened() as file:
            yield Segment(
                stream="",
                path=f"/proc/self/fd/{file.fileno()}",
                member=self.member,
                compression=self.compression,
                label=self.path,
                is_recoded=self.is_recoded,
            )

    @contextmanager
    def opened(self) -> Iterator[io.FileIO]:
        """The open file: the one that is held, or opened for the moment.

        Raises:
            UnreadableSource: it cannot be opened, or is another file by now.
        """
        if self._file is not None:
            yield self._file
        else:
            with self._open() as file:
                yield file

    def hold(self) -> Self:
        """Keep it open until ``close``, so that nothing of it is lost if it is removed meanwhile."""
        if self._file is None:
            self._file = self._open()
        return self

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Keep it open in the block."""
        was_held = self._file is not None
        self.hold()
        try:
            yield
        finally:
            if not was_held:
                self.close()

    def close(self) -> None:
        """Let go of it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> io.FileIO:
        try:
            file = open_below(self.path, self.root)
        except FileNotFoundError as fault:
            raise Vanished(self.path, fault.strerror or str(fault)) from None
        except OSError as fault:
            raise UnreadableSource(self.path, fault.strerror or str(fault)) from None
        found = os.fstat(file.fileno())
        if (found.st_dev, found.st_ino) != (self.device, self.inode):
            file.close()
            raise Vanished(self.path, "was replaced while it was looked at")
        if not self._was_opened:  # what was written since it was listed counts, and from here on it stays the same
            self._was_opened = True
            self.size, self.modified = found.st_size, found.st_mtime_ns // 1000
        return file


def open_below(path: str, root: str) -> io.FileIO:
    """Open a regular file that lies below a folder: no waiting on pipes, no link out.

    Raises:
        OSError: it cannot be opened.
        UnreadableSource: it is no regular file, or lies elsewhere.
    """
    top, real = os.path.realpath(root), os.path.realpath(path)
    if os.path.commonpath((top, real)) != top:
        raise UnreadableSource(path, "is a link that leads out of its folder")
    handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    file = io.FileIO(handle, "rb")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        file.close()
        raise UnreadableSource(path, "is not a regular file")
    if os.path.commonpath((top, os.path.realpath(f"/proc/self/fd/{handle}"))) != top:
        file.close()
        raise UnreadableSource(path, "leads out of its folder")
    return file


@contextmanager
def _readable(segment: Segment) -> Iterator[Reader]:
    with open_stream(segment) as reader:
        yield reader
