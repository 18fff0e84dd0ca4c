"""What a writer is: the plug that every way out of a report fills in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from detector.report.document import Report


class Render(Protocol):
    """A report as text that ends with a newline; the same report and settings give the same text."""

    def __call__(self, report: Report, *, colour: bool, width: int) -> str:
        """Render a report.

        Args:
            report: what to say.
            colour: whether terminal colours are wanted; only writers for terminals look at it.
            width: of the terminal in columns; only writers for terminals look at it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Writer:
    """One way to write a report. Found by walking ``report/``; nothing registers it.

    Attributes:
        name: as it is asked for with ``--format``.
        render: a report as text.
        stream: the same text in pieces, of those that may be large; ``None``: it is made whole.
    """

    name: str
    render: Render
    stream: Callable[[Report], Iterable[str]] | None = None

    def pieces(self, report: Report, *, colour: bool, width: int) -> Iterable[str]:
        """A report as pieces of text."""
        return self.stream(report) if self.stream else (self.render(report, colour=colour, width=width),)
