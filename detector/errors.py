"""The exception tree of the whole house.

::

    ShadowitError                 exit status
     ├── UsageError               2   what was asked for cannot be done as asked
     ├── InvalidFile              3   a configuration, signature or policy file: every problem, with file:line:col
     ├── UnreadableSource         4   a log that cannot be read: becomes a gap, never the end of an audit
     ├── StoreFault               5   what was found cannot be kept, or what was kept cannot be read
     └── SinkFault                5   an alert did not arrive
    RefusedLine (ValueError)          one log line that is not what its format says; counted and sampled
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class ShadowitError(Exception):
    """Everything that this program raises on purpose for a person to read."""

    exit_status = 70


class UsageError(ShadowitError):
    """What was asked for cannot be done as asked; the message says what to do instead."""

    exit_status = 2


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault of one file.

    Attributes:
        path: the file as it was named.
        line: 1-based line, 0 when the whole file is meant.
        column: 1-based column, 0 when the whole line is meant.
        message: what was found and what to do.
    """

    path: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message}"


class InvalidFile(ShadowitError):
    """A configuration, signature or policy file is wrong; all its problems at once.

    Attributes:
        problems: every fault found, sorted by place.
    """

    exit_status = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnreadableSource(ShadowitError):
    """A log, or a part of one, that cannot be read.

    Attributes:
        path: the log as it was named.
        reason: what is wrong, for a person.
    """

    exit_status = 4

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class StoreFault(ShadowitError):
    """The store cannot be opened, read or written; nothing of what was being written is kept.

    Attributes:
        is_passing: the same work may succeed when it is done again from its beginning.
        is_damaged: the file itself is broken.
    """

    exit_status = 5

    def __init__(self, message: str, *, is_passing: bool = False, is_damaged: bool = False) -> None:
        self.is_passing = is_passing
        self.is_damaged = is_damaged
        super().__init__(message)


class SinkFault(ShadowitError):
    """An alert that somebody waits for did not arrive."""

    exit_status = 5


class RefusedLine(ValueError):
    """One line that is not what its format says; the message is the reason under which it is counted."""
