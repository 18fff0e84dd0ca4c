"""Forks: Ctrl-C that may fall between, and a child that makes every other piece of a long text."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_PIPE_BYTES = 1024 * 1024
"""So much a child makes before it has to wait."""
_SIZE_BYTES = 8

Task = TypeVar("Task")


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Ctrl-C waits, here and in what is forked meanwhile: between fork and answer a child would print a traceback."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_by_ctrl_c() -> None:
    """A child's answer: it ends without a word, also by a Ctrl-C that waits. The parent hears it too, and speaks."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def in_two(tasks: Sequence[Task], work: Callable[[Task], str]) -> Iterator[str]:
    """What ``work`` makes of each task, in their order; a forked child makes every other one meanwhile.

    A child costs 10 ms and more, for all memory that either process then touches is copied. Alone where there is one
    core, and where other threads run, whose locks a child would hold for ever. A child that ends before its time is not
    missed: what it has not made is made here.
    """
    is_alone = len(os.sched_getaffinity(0)) == 1 or threading.active_count() > 1
    if is_alone or (forked := _forked(tasks[1::2], work)) is None:
        yield from map(work, tasks)
        return
    child, made = forked
    try:
        with os.fdopen(made, "rb") as theirs:
            for place, task in enumerate(tasks):
                size = int.from_bytes(theirs.read(_SIZE_BYTES)) if place % 2 else 0
                text = theirs.read(size)
                yield text.decode() if size and len(text) == size else work(task)
    finally:
        os.waitpid(child, 0)


def _forked(tasks: Sequence[Task], work: Callable[[Task], str]) -> tuple[int, int] | None:
    """A child that does some tasks, and where its pieces come from; ``None`` where there can be none."""
    try:
        made, make = os.pipe()
    except OSError:
        return None  # too many open files
    try:
        with suppress(OSError):  # there may be too many pipes of that size: then the child waits more often
            fcntl.fcntl(make, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        with deaf_to_ctrl_c():
            child = os.fork()
            if not child:
                _make(tasks, work, make, made)
    except OSError:
        os.close(made)
        return None  # too many processes, or no memory for one
    finally:
        os.close(make)
    return child, made


def _make(tasks: Sequence[Task], work: Callable[[Task], str], make: int, made: int) -> None:
    """What the child does; does not return. It ends without a word where nobody wants more of it."""
    try:
        end_by_ctrl_c()
        os.close(made)
        with os.fdopen(make, "wb") as ours:
            for task in tasks:
                text = work(task).encode()
                ours.write(len(text).to_bytes(_SIZE_BYTES) + text)
                ours.flush()
    finally:
        os._exit(0)
