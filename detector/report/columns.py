"""Rows as aligned columns for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NARROWEST_LAST = 12


def columns(rows: Sequence[Sequence[str]], width: int = 0) -> Iterator[str]:
    """Rows as lines whose columns stand below each other; cut at ``width`` characters, never for 0.

    >>> list(columns([("a", "b"), ("long", "c")]))
    ['a     b', 'long  c']
    """
    widths = [max(len(visible(cell)) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(f"{visible(cell):{size}}" for cell, size in zip(row, widths, strict=True)).rstrip()
        yield line if not width or len(line) <= max(width, _NARROWEST_LAST) else line[: width - 1] + "…"
