"""The first compressed log is decompressed by a child while the program still loads, and on to its end.

Loading the command line, formats and signatures takes as long as a tenth of a gigabyte takes to decompress, and one
stream can be decompressed by one core only: what that core waits for, the whole audit waits for. So this room imports
next to nothing, it begins before anybody has read what the command line says, and its child shares no interpreter with
what is loaded, scanned and reported meanwhile.

The child fills a few blocks of memory that both processes share, and tells each by a pipe; by another it is told which
are free again. While none is free it goes on in memory of its own, which costs less than to share so much, and is given
back once the program has caught up. Whatever goes wrong in the child, it ends without telling the end of the log: its
reader knows that, and the log is decompressed again. A pipe whose other end has gone ends it too: nothing is left over.
"""

from __future__ import annotations

import io
import mmap
import os
import resource
import select
import signal
import stat
from collections import deque
from contextlib import contextmanager
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from isal.isal_zlib import _GzipReader  # its public file copies each block once more

from detector.forking import deaf_to_ctrl_c, end_by_ctrl_c

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK_BYTES = 1024 * 1024
SHARED_BLOCKS = 8
OWN_BLOCKS = 100
"""About as many as are filled while the program loads."""
WORTHWHILE_BYTES = 4 * 1024 * 1024
"""A smaller log is decompressed about as soon as a child begins."""
_DROPPED_BLOCKS = 16
"""So many blocks further the pages of the log that were read are no longer ours: it may be larger than memory."""
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
        self._shared = mmap.mmap(-1, SHARED_BLOCKS * BLOCK_BYTES + mmap.PAGESIZE)
        self._blocks = memoryview(self._shared)
        self._told, tell = os.pipe()
        self._freed, self._free = os.pipe()
        os.write(self._free, bytes(range(SHARED_BLOCKS)))
        try:
            with deaf_to_ctrl_c():
                self.child = os.fork()
                if not self.child:
                    os.close(self._told)
                    os.close(self._free)
                    _be_child(file, self._shared, tell, self._freed)
        except OSError:
            self._close()
            raise
        finally:
            os.close(tell)

    def end(self) -> None:
        """End the child, however far it has come."""
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        self._close()

    def takes(self, file: io.FileIO) -> bool:
        """Whether this is a file that is about to be read, and nobody has taken it before, in whichever process."""
        flag = SHARED_BLOCKS * BLOCK_BYTES
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
        if self._at == self._end:
            self._receive()
        start, self._at = self._at, min(self._at + len(view), self._end)
        size = self._at - start
        view[:size] = self._blocks[start : self._at]
        if size and self._at == self._end:
            self._release()
        return size

    def _receive(self) -> None:
        """Wait for the next block."""
        told = os.read(self._told, TOLD.size)
        if not told:
            raise EOFError("the child has ended")
        self._number, size = TOLD.unpack(told)
        self._at = self._number * BLOCK_BYTES
        self._end = self._at + size

    def _release(self) -> None:
        """Let the child fill the block again; where it has ended nothing happens: the pipe's other end is here too."""
        os.write(self._free, bytes((self._number,)))

    def _close(self) -> None:
        for handle in (self._told, self._freed, self._free):
            os.close(handle)
        self._blocks.release()
        self._shared.close()


def _be_child(file: io.FileIO, shared: mmap.mmap, tell: int, freed: int) -> NoReturn:
    """Decompress, and end without a word, whatever happens: neither what is open here nor Ctrl-C is the child's.

    A log that is cut short meanwhile ends it by a signal; then it leaves no picture of its memory on the disk either.
    """
    try:
        end_by_ctrl_c()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        Decompressing(file, shared, tell, freed).run()
    finally:
        os._exit(0)


class Decompressing:
    """What the child does.

    Attributes:
        memory: of its own: (``OWN_BLOCKS``,) blocks.
    """

    def __init__(self, file: io.FileIO, shared: mmap.mmap, tell: int, freed: int) -> None:
        """Make ready.

        Args:
            file: gzip.
            shared: ``SHARED_BLOCKS`` blocks.
            tell: where each filled block is told.
            freed: where the numbers of free blocks come from.
        """
        os.set_blocking(freed, False)
        self._tell, self._freed = tell, freed
        self._packed = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # no copy of what is read
        self._reader = _GzipReader(memoryview(self._packed))  # type: ignore[arg-type] # its stub knows files only
        self._inflated = 0
        self._shared = memoryview(shared)
        self._free = bytearray()
        self.memory = mmap.mmap(-1, OWN_BLOCKS * BLOCK_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._own = memoryview(self.memory)
        self._waiting: deque[_Waiting] = deque()

    def run(self) -> None:
        """Decompress to the end.

        Raises:
            OSError: the log is damaged, or nobody wants more of it; or another exception of the decompressor.
        """
        size = 1
        while size:
            number = self._lowest()
            if number is None:
                self._go_on()
            else:
                size = self._fill(number)

    def _fill(self, number: int) -> int:
        """Fill a shared block with what comes next, and tell it."""
        block = _block(self._shared, number)
        if self._waiting:
            own, size = self._waiting.popleft()
            block[:size] = _block(self._own, own)[:size]
            if own >= SHARED_BLOCKS and not self._waiting:
                self.memory.madvise(mmap.MADV_DONTNEED)
        else:
            size = self._inflate(block)
        os.write(self._tell, TOLD.pack(number, size))
        return size

    def _go_on(self) -> None:
        """Decompress into the next block of its own."""
        own = (self._waiting[-1].own + 1) % OWN_BLOCKS if self._waiting else 0
        self._waiting.append(_Waiting(own, self._inflate(_block(self._own, own))))

    def _inflate(self, block: memoryview) -> int:
        """Decompress into a block."""
        self._inflated += 1
        if self._inflated % _DROPPED_BLOCKS == 0:
            self._packed.madvise(mmap.MADV_DONTNEED)
        size: int = self._reader.readinto(block)
        return size

    def _lowest(self) -> int | None:
        """Take the lowest free block; ``None`` where none is free, and memory of its own is."""
        is_full = len(self._waiting) == OWN_BLOCKS or (self._waiting and not self._waiting[-1].size)
        if is_full and not self._free:
            select.select([self._freed], [], [])
        try:
            told = os.read(self._freed, SHARED_BLOCKS)
        except BlockingIOError:
            if not self._free:
                return None
        else:
            if not told:
                raise BrokenPipeError
            self._free += told
        lowest = min(self._free)
        self._free.remove(lowest)
        return lowest


class _Waiting(NamedTuple):
    """A block of the child's own, bytes in it (0: the end of the log)."""

    own: int
    size: int


def _block(memory: memoryview, number: int) -> memoryview:
    return memory[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]


@contextmanager
def begun(arguments: Sequence[str]) -> Iterator[Begun | None]:
    """Begin with the log that will be read first; ``None`` where that would not help.

    Args:
        arguments: of a command that reads logs. What a wrong guess begins is never taken, and ends with the context.
    """
    found = _begun(arguments) if len(os.sched_getaffinity(0)) > 1 else None
    try:
        yield found
    finally:
        if found is not None:
            found.end()


def _begun(arguments: Sequence[str]) -> Begun | None:
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
