"""Who may write: one program that reads logs for as long as it runs, and one transaction at a time of anybody.

Locks are ``flock`` on two files beside the store. They end with the process that holds them, however it ends; worker
processes that it forked give up their share at once, so that an orphan never keeps a store from its next owner.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self
from weakref import WeakSet

from detector.errors import StoreFault

if TYPE_CHECKING:
    from types import TracebackType

_POLL_S = 0.01


class Lock:
    """One lock file; it names the process that holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def take(self, wait_s: float = 0.0) -> bool:
        """Take the lock; whether its last holder ended without giving it back.

        Raises:
            StoreFault: another process holds it, or the file cannot be made.
        """
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as fault:
            raise StoreFault(f"{self._path}: cannot be made: {fault.strerror}: a store needs a folder of its own "
                             "that its owner may write") from None  # fmt: skip
        deadline = time.monotonic() + wait_s
        while not _locked(handle):
            if time.monotonic() >= deadline:
                holder = os.pread(handle, 64, 0).decode("ascii", "replace").strip() or "unknown"
                os.close(handle)
                raise StoreFault(f"{self._path}: process {holder} is writing this store: end it first, or name "
                                 "another store", is_passing=True)  # fmt: skip
            time.sleep(_POLL_S)
        self._handle = handle
        was_left = bool(os.pread(handle, 1, 0))
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        _HELD.add(self)
        return was_left

    def give_back(self) -> None:
        """Give the lock back, with the file empty: its holder ended well."""
        if self._handle >= 0:
            os.ftruncate(self._handle, 0)
            self.forget()

    def forget(self) -> None:
        """Close the file without a word: another process still holds the lock, or dies with it."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1
        _HELD.discard(self)


class Turn:
    """The right to write for the time of one transaction, among the programs that share a store."""

    def __init__(self, path: Path, wait_s: float) -> None:
        self._lock = Lock(path)
        self._wait_s = wait_s

    def __enter__(self) -> Self:
        self._lock.take(self._wait_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.give_back()


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget_all() -> None:
    for lock in list(_HELD):
        lock.forget()


_HELD: WeakSet[Lock] = WeakSet()
os.register_at_fork(after_in_child=_forget_all)
