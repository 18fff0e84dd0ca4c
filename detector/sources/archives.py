"""Members of zip archives: listed, and opened where they can be unpacked; nothing is ever written to disk."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING

from detector.errors import UnreadableSource
from detector.sources.compression import DamagedStream

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator


def listed(file: io.FileIO, path: str) -> list[tuple[str, int]]:
    """The files of an archive with their sizes in bytes, folders left out.

    Raises:
        UnreadableSource: the archive's directory is damaged, or names one file twice.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            found = [(info.filename, info.file_size) for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, struct.error) as fault:
        raise UnreadableSource(path, f"damaged zip archive: {fault}") from None
    if len(dict(found)) < len(found):
        raise UnreadableSource(path, "several files of one name in a zip archive: unpack it first")
    return found


@contextmanager
def opened(file: io.FileIO, name: str, member: str) -> Iterator[ZipPart]:
    """One file of an archive.

    Raises:
        UnreadableSource: it is encrypted, damaged or packed in a way that is not known.
    """
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(file))
            part = stack.enter_context(archive.open(member))
        except (zipfile.BadZipFile, OSError, RuntimeError, KeyError, ValueError, EOFError, struct.error) as fault:
            raise UnreadableSource(name, f"cannot be unpacked: {fault}") from None
        yield ZipPart(part, archive.getinfo(member).compress_size)


class ZipPart:
    """The bytes of one member; its damage is ours.

    Attributes:
        packed_bytes: its size in the archive.
    """

    def __init__(self, part: IO[bytes], packed_bytes: int) -> None:
        self._part = part
        self.packed_bytes = packed_bytes

    def read(self, limit: int) -> bytes:
        """Up to ``limit`` bytes, nothing at the end.

        Raises:
            DamagedStream: the data is cut or corrupt.
        """
        try:
            return self._part.read(limit)
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as fault:
            raise DamagedStream(f"corrupt compressed data: {fault}") from None
