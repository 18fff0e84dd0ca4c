"""Forks that Ctrl-C may fall between: what a child does with the signal before it has its own answer."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


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
