"""A deadline for a whole attempt: the timeouts of sockets are none, a byte a second passes them for ever."""

from __future__ import annotations

import time


class TooLate(Exception):
    """The attempt took longer than it may; the message says what was waited for."""


class Deadline:
    """The end of one attempt, by the monotonic clock.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left_s(self) -> float:
        """Seconds that are left.

        Raises:
            TooLate: none are.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TooLate(f"not done within {self.seconds:g} s")
        return left
