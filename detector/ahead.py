"""The first compressed log is decompressed by a child while the program still loads, and on to its end.

Loading the command line, formats and signatures takes as long as a tenth of a gigabyte takes to decompress, and one
stream can be decompressed by one core only: what that core waits for, the whole audit waits for. So this room imports
next to nothing (``typing`` alone takes as long as Python takes to start), it begins before anybody has read what the
command line says, and its child shares no interpreter with what is loaded, scanned and reported meanwhile.

The child fills blocks of memory that both processes share, and tells each by a pipe; by another it is told which are
free again. There are as many as it fills while the program loads; then a few are in use. Whatever goes wrong in the
child, it ends without telling the end of the log: its reader knows that, and the log is decompressed again. A pipe
whose other end has gone ends it too: nothing is left over.
"""

from __future__ import annotations

import io
import mmap
import os
import select
import stat
import time
from struct import Struct

from isal.isal_zlib import _GzipReader  # its public file copies each block once more

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCK_BYTES = 1024 * 1024
BLOCKS = 108
"""About as many as are filled while the program loads."""
BUSY_BLOCKS = 8
"""The others are no longer in our memory once they were read."""
WORTHWHILE_BYTES = 4 * 1024 * 1024
"""A smaller log is decompressed about as soon as a child begins."""
_NAP_S = 0.002
_READ_BYTES = 128 * 1024
_FETCHED_BYTES = 2 * 1024 * 1024
"""So far the parent reads ahead of the child, when there is nothing else to do."""
_POPULATE_WRITE = 23
"""``MADV_POPULATE_WRITE`` of Linux, which ``mmap`` does not name."""
_GZIP = b"\x1f\x8b"
TOLD = Struct("<II")
"""Number of a block, bytes in it (0: the end of the log)."""


class Begun:
    """A gzip file that a child decompresses; read once, by the process that began it or by one forked from that.

    Attributes:
        child: its process.
    """

    def __init__(self, file: io.FileIO) -> None:
        """Begin.

        Args:
            file: to decompress from its start.

        Raises:
            OSError: there is no memory for it, or no process.
        """
        self._status = os.fstat(file.fileno())
        self._number = self._at = self._end = 0
        self._is_over = False
        self._log = os.dup(file.fileno())  # the child's place in it is ours too
        self._fetched = 0
        self._scratch = bytearray(_READ_BYTES)
        self._shared = mmap.mmap(-1, BLOCKS * BLOCK_BYTES + mmap.PAGESIZE)
        self._blocks = memoryview(self._shared)
        self._told, tell = os.pipe()
        self._news = _news_of(self._told)
        self._freed, self._free = os.pipe()
        os.write(self._free, bytes(range(BLOCKS)))
        parent = os.getpid()
        try:
            self.child = os.fork()
            if not self.child:
                os.close(self._told)
                os.close(self._free)
                Decompressing(file, self._shared, tell, self._freed).run()
        except OSError:
            self._close()
            raise
        finally:
            if os.getpid() != parent:
                os._exit(0)  # without a word, whatever happened, Ctrl-C too: what is open here is not the child's
            os.close(tell)

    def end(self) -> None:
        """End the child, however far it has come."""
        from signal import SIGKILL  # noqa: PLC0415 - slow to load, and the child need not wait for it

        os.kill(self.child, SIGKILL)
        os.waitpid(self.child, 0)
        self._close()

    def takes(self, file: io.FileIO) -> bool:
        """Whether this is a file that is about to be read, and nobody has taken it before, in whichever process."""
        flag = BLOCKS * BLOCK_BYTES
        if self._shared[flag] or not os.path.samestat(self._status, os.fstat(file.fileno())):
            return False
        self._shared[flag] = 1
        return True

    def read(self, limit: int) -> bytes:
        """Up to ``limit`` bytes, nothing at the end.

        Raises:
            EOFError: the log is damaged, or the child has ended before its time.
        """
        block = bytearray(limit)
        return bytes(block[: self.readinto(memoryview(block))])

    def readinto(self, view: memoryview) -> int:
        """The same, into a buffer; 0 at the end."""
        if self._at == self._end and not self._is_over:
            self._receive()
        start, self._at = self._at, min(self._at + len(view), self._end)
        size = self._at - start
        view[:size] = self._blocks[start : self._at]
        if size and self._at == self._end:
            self._release()
        return size

    def _receive(self) -> None:
        """Wait for the next block: first a while in which the child need not wake us, which takes it 15 us a time."""
        if not self._news.poll(0):
            self._fetch()
        if not self._news.poll(0):
            time.sleep(_NAP_S)
        told = os.read(self._told, TOLD.size)
        if not told:
            raise EOFError("the child has ended")
        self._number, size = TOLD.unpack(told)
        self._at = self._number * BLOCK_BYTES
        self._end = self._at + size
        if not size:
            self._is_over = True
            self._release()

    def _fetch(self) -> None:
        """Read what the child reads next: it then has that in the processor's cache, and is up to 8 % faster."""
        end = os.lseek(self._log, 0, os.SEEK_CUR) + _FETCHED_BYTES
        self._fetched = max(self._fetched, end - _FETCHED_BYTES)
        try:
            while self._fetched < end and (size := os.preadv(self._log, [self._scratch], self._fetched)):
                self._fetched += size
        except OSError:
            pass  # the child meets it too, and after it whoever reads the log without it, and says so

    def _release(self) -> None:
        """Let the child fill the block again; where it has ended nothing happens: the pipe's other end is here too."""
        if self._number >= BUSY_BLOCKS:
            self._shared.madvise(mmap.MADV_DONTNEED, self._number * BLOCK_BYTES, BLOCK_BYTES)
        os.write(self._free, bytes((self._number,)))

    def _close(self) -> None:
        for handle in (self._told, self._freed, self._free, self._log):
            os.close(handle)
        self._blocks.release()
        self._shared.close()


class Decompressing:
    """What the child does."""

    def __init__(self, file: io.FileIO, shared: mmap.mmap, tell: int, freed: int) -> None:
        """Make ready.

        Args:
            file: gzip.
            shared: ``BLOCKS`` blocks.
            tell: where each filled block is told.
            freed: where the numbers of free blocks come from.
        """
        self._tell, self._freed = tell, freed
        self._news = _news_of(freed)
        self._reader = _GzipReader(file, _READ_BYTES)
        self._shared = shared
        self._blocks = memoryview(shared)
        self._free = bytearray()

    def run(self) -> None:
        """Decompress to the end, and once all was read give the memory back.

        Raises:
            OSError: the log is damaged, or nobody wants more of it; or another exception of the decompressor.
        """
        size, fresh = 1, 0
        while size:
            number = self._lowest()
            if number == fresh:
                self._make_ready(number)
                fresh += 1
            size = self._reader.readinto(self._blocks[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES])
            os.write(self._tell, TOLD.pack(number, size))
        while number not in self._free:
            self._hear(None)
        self._shared.madvise(mmap.MADV_REMOVE, 0, BLOCKS * BLOCK_BYTES)

    def _lowest(self) -> int:
        """Take the lowest free block, once there is one: what is used again and again is in the processor's cache."""
        self._hear(0 if self._free else None)
        lowest = min(self._free)
        self._free.remove(lowest)
        return lowest

    def _hear(self, wait_ms: int | None) -> None:
        """Hear which blocks are free again, if that is told in so many ms (``None``: however long it takes)."""
        if self._news.poll(wait_ms):
            told = os.read(self._freed, BLOCKS)
            if not told:
                raise BrokenPipeError
            self._free += told

    def _make_ready(self, number: int) -> None:
        """Have a block's memory given at once: page by page, at the first touch, takes a third longer."""
        try:  # noqa: SIM105 - contextlib is slow to load
            self._shared.madvise(_POPULATE_WRITE, number * BLOCK_BYTES, BLOCK_BYTES)
        except OSError:
            pass  # before Linux 5.14: page by page then


def _news_of(handle: int) -> select.poll:
    """What waits until a pipe has something to read (``select`` knows no handle above 1023)."""
    news = select.poll()
    news.register(handle, select.POLLIN)
    return news


def begun(arguments: Sequence[str]) -> Begun | None:
    """Begin with the log that will be read first; ``None`` where that would not help.

    Args:
        arguments: of a command that reads logs. What a wrong guess begins is never taken; whoever asks ends it.
    """
    if len(os.sched_getaffinity(0)) == 1:
        return None
    for path in sorted(arguments):
        try:
            with io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                status = os.fstat(file.fileno())
                is_large = stat.S_ISREG(status.st_mode) and status.st_size >= WORTHWHILE_BYTES
                if is_large and os.pread(file.fileno(), 2, 0) == _GZIP:
                    return Begun(file)
        except OSError:
            pass  # no file; of one that cannot be read, whoever reads the logs will say why
    return None
