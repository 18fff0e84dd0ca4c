"""Patterns of text in signatures: linear-time regular expressions, checked when a file is loaded.

Vectorscan (the ``hyperscan`` package) compiles to automata: what would take exponential time elsewhere is refused or
linear here. Patterns are caseless and work on UTF-8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import hyperscan

if TYPE_CHECKING:
    from collections.abc import Sequence

_FLAGS = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_SINGLEMATCH


def fault_of(pattern: str) -> str | None:
    r"""What is wrong with a pattern, ``None`` when it can be used.

    >>> fault_of("^verify your e-?mail"), fault_of("(a)\\\\1") is None
    (None, False)
    """
    try:
        _compile([pattern])
    except (hyperscan.error, ValueError) as fault:
        return f"not a pattern that can be matched in linear time: {fault}"
    return None


class PatternSet:
    """Many patterns, looked for at once."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._database = _compile(patterns) if patterns else None

    def matching(self, text: str) -> list[int]:
        """Positions of the patterns that are found in a text, ascending."""
        if self._database is None or not text:
            return []
        found: list[int] = []

        def note(index: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            found.append(index)

        self._database.scan(text.encode("utf-8", "replace"), match_event_handler=note)
        return sorted(set(found))


def _compile(patterns: Sequence[str]) -> hyperscan.Database:
    database = hyperscan.Database()
    database.compile(
        expressions=[pattern.encode() for pattern in patterns],
        ids=list(range(len(patterns))),
        flags=[_FLAGS] * len(patterns),
    )
    return database
