"""A common time axis for drawings: instants as percent of the width, so that a drawing fits every screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.events import MICROSECONDS
from detector.report.wording import day, moment

if TYPE_CHECKING:
    from collections.abc import Sequence

_TICKS = 5
_SHORT = 3 * 86_400 * MICROSECONDS
"""Axes shorter than this are labelled with the time of day."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A label below the axis.

    Attributes:
        x: percent of the width.
        text: day, or day and time.
        anchor: ``start``, ``middle`` or ``end``: labels at the edges stay inside.
        is_minor: left out on narrow screens.
    """

    x: str
    text: str
    anchor: str
    is_minor: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of time that is drawn over the whole width.

    Attributes:
        start: first instant.
        end: last instant, later than the first.
    """

    start: int
    end: int

    def percent(self, instant: int) -> float:
        """Where an instant lies, 0 to 100; what lies outside is drawn at the edge."""
        place = (instant - self.start) / (self.end - self.start) * 100
        return min(max(place, 0.0), 100.0)

    def ticks(self) -> tuple[Tick, ...]:
        """Evenly spaced labels."""
        step = (self.end - self.start) / (_TICKS - 1)
        return label_ends([(self.start + round(step * place), 100 * place / (_TICKS - 1)) for place in range(_TICKS)])

    def say(self, instant: int) -> str:
        """An instant as the axis labels it."""
        return moment(instant)[:16] if self.end - self.start < _SHORT else day(instant)


def label_ends(places: Sequence[tuple[int, float]]) -> tuple[Tick, ...]:
    """Ticks at (instant, percent) places, those at the edges anchored inwards; every second one is minor."""
    is_short = places[-1][0] - places[0][0] < _SHORT
    return tuple(
        Tick(percent(x), moment(instant)[5:16] if is_short else day(instant), _anchor(x), is_minor=place % 2 == 1)
        for place, (instant, x) in enumerate(places)
    )


def percent(value: float) -> str:
    """A percentage as SVG wants it, always in the same spelling.

    >>> percent(12.34567), percent(50.0)
    ('12.346%', '50%')
    """
    return f"{value:.3f}".rstrip("0").rstrip(".") + "%"


def _anchor(x: float) -> str:
    if x < 8:
        return "start"
    return "end" if x > 92 else "middle"
