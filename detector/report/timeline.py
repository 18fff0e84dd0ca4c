"""What was read over time: one lane per log, bars where its lines follow each other, hatching where it was silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from detector.events import MICROSECONDS
from detector.report.axis import Axis, Tick, percent
from detector.report.ledger import earliest, latest
from detector.report.series import series, spans_of
from detector.report.text import cut_middle, visible
from detector.report.wording import counted, duration, moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.report.document import Report, SourceRow
    from detector.report.series import Stretch

_MOST_LANES = 24
"""Beyond this the logs of one folder and format share a lane."""

_LANE = 36
_NARROW = 30
_WIDE = 90
_THINNEST = 0.25
"""Percent of the width that even a single line gets."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time in a lane: ``x`` and ``width`` in percent, and what it says."""

    x: str
    width: str
    text: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One log, or the logs of one folder.

    Attributes:
        y: upper edge in pixels.
        label: the log, cut in the middle for a wide screen.
        short_label: the same for a narrow screen.
        state: ``read``, ``partly read``, ``not read``, ``copy``, or ``no times``.
        spans: where lines follow each other.
        gaps: where none was written.
    """

    y: int
    label: str
    short_label: str
    state: str
    spans: tuple[Bar, ...]
    gaps: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole drawing: ``height`` in pixels, lanes, axis labels and a description in words."""

    height: int
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    description: str


class _Row(NamedTuple):
    label: str
    sources: tuple[SourceRow, ...]
    spans: tuple[Stretch, ...]
    gaps: tuple[Stretch, ...]


def timeline(report: Report) -> Timeline | None:
    """The drawing of what was read; ``None`` when no log holds a time.

    The axis covers the window that was asked for where there is one, so that a log which begins late shows it.
    """
    start = earliest(source.first_event for source in report.sources) if report.since is None else report.since
    end = latest(source.last_event for source in report.sources) if report.until is None else report.until
    if start is None or end is None:
        return None
    axis = Axis(start, max(end, start + MICROSECONDS))
    lanes = tuple(_lane(place, row, axis) for place, row in enumerate(_rows(report)))
    gaps = sum(len(lane.gaps) for lane in lanes)
    unread = sum(lane.state in ("not read", "partly read") for lane in lanes)
    text = (
        f"{counted(len(lanes), 'lane')} from {axis.say(axis.start)} to {axis.say(axis.end)} UTC, "
        f"{counted(gaps, 'gap')}, {counted(unread, 'lane')} not read in full. The table below holds the same times."
    )
    return Timeline(len(lanes) * _LANE + 26, lanes, axis.ticks(), text)


def _rows(report: Report) -> Iterator[_Row]:
    if len(report.sources) <= _MOST_LANES:
        for source in report.sources:
            yield _Row(source.path, (source,), spans_of(source), source.gaps)
    else:
        for one in series(report):
            yield _Row(one.label, one.sources, one.spans, one.gaps)


def _lane(place: int, row: _Row, axis: Axis) -> Lane:
    shown = visible(row.label)
    return Lane(
        y=place * _LANE,
        label=cut_middle(shown, _WIDE),
        short_label=cut_middle(shown, _NARROW),
        state=_state(row.sources),
        spans=tuple(_bar(span, axis) for span in row.spans if _is_inside(span, axis)),
        gaps=tuple(_bar(gap, axis, "gap: ") for gap in row.gaps if _is_inside(gap, axis)),
    )


def _state(group: Sequence[SourceRow]) -> str:
    unread = [source for source in group if source.unread]
    if unread:
        return "not read" if not any(source.lines for source in group) else "partly read"
    if all(source.copy_of for source in group):
        return "copy"
    return "read" if any(spans_of(source) for source in group) else "no times"


def _is_inside(stretch: Stretch, axis: Axis) -> bool:
    return stretch[1] >= axis.start and stretch[0] <= axis.end


def _bar(stretch: Stretch, axis: Axis, prefix: str = "") -> Bar:
    start, end = stretch
    left = axis.percent(start)
    width = max(axis.percent(end) - left, _THINNEST)
    text = f"{prefix}{moment(start)} to {moment(end)} ({duration(end - start)})"
    return Bar(percent(min(left, 100 - _THINNEST)), percent(width), text)
