"""What was read over time: one lane per log, bars where its lines follow each other, hatching where it was silent."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from detector.events import MICROSECONDS
from detector.report.axis import Axis, Tick, percent
from detector.report.ledger import earliest, latest
from detector.report.text import cut_middle, visible
from detector.report.wording import counted, duration, moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.report.document import Report, SourceRow

    Stretch = tuple[int, int]

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


def timeline(report: Report) -> Timeline | None:
    """The drawing of what was read; ``None`` when no log holds a time.

    The axis covers the window that was asked for where there is one, so that a log which begins late shows it.
    """
    start = earliest(source.first_event for source in report.sources) if report.since is None else report.since
    end = latest(source.last_event for source in report.sources) if report.until is None else report.until
    if start is None or end is None:
        return None
    axis = Axis(start, max(end, start + MICROSECONDS))
    groups = _groups(report)
    lanes = tuple(_lane(place, label, group, axis, report) for place, (label, group) in enumerate(groups))
    gaps = sum(len(lane.gaps) for lane in lanes)
    unread = sum(lane.state in ("not read", "partly read") for lane in lanes)
    text = (
        f"{counted(len(lanes), 'lane')} from {axis.say(axis.start)} to {axis.say(axis.end)} UTC, "
        f"{counted(gaps, 'gap')}, {counted(unread, 'lane')} not read in full. The table below holds the same times."
    )
    return Timeline(len(lanes) * _LANE + 26, lanes, axis.ticks(), text)


def _groups(report: Report) -> list[tuple[str, list[SourceRow]]]:
    if len(report.sources) <= _MOST_LANES:
        return [(source.path, [source]) for source in report.sources]
    found: dict[tuple[str, str], list[SourceRow]] = {}
    for source in report.sources:
        folder = source.path.rpartition("/")[0]
        found.setdefault((folder, source.format), []).append(source)
    return [
        (f"{folder or '.'}/ {name or 'unknown format'}, {counted(len(group), 'file')}", group)
        for (folder, name), group in sorted(found.items())
    ]


def _lane(place: int, label: str, group: Sequence[SourceRow], axis: Axis, report: Report) -> Lane:
    if len(group) == 1:
        spans, gaps = _spans(group[0]), group[0].gaps
    else:
        spans, gaps = _joined(group, report.gap_s * MICROSECONDS)
    shown = visible(label)
    return Lane(
        y=place * _LANE,
        label=cut_middle(shown, _WIDE),
        short_label=cut_middle(shown, _NARROW),
        state=_state(group),
        spans=tuple(_bar(span, axis) for span in spans if _is_inside(span, axis)),
        gaps=tuple(_bar(gap, axis, "gap: ") for gap in gaps if _is_inside(gap, axis)),
    )


def _spans(source: SourceRow) -> tuple[Stretch, ...]:
    if source.spans or source.first_event is None or source.last_event is None:
        return source.spans
    return ((source.first_event, source.last_event),)


def _joined(group: Sequence[SourceRow], gap: int) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...]]:
    """Spans of several logs as one, and the silences between them that are long enough to count."""
    spans: list[Stretch] = []
    for start, end in sorted(span for source in group for span in _spans(source)):
        if spans and start - spans[-1][1] < gap:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    silences = tuple((before[1], after[0]) for before, after in pairwise(spans))
    return tuple(spans), silences


def _state(group: Sequence[SourceRow]) -> str:
    unread = [source for source in group if source.unread]
    if unread:
        return "not read" if not any(source.lines for source in group) else "partly read"
    if all(source.copy_of for source in group):
        return "copy"
    return "read" if any(_spans(source) for source in group) else "no times"


def _is_inside(stretch: Stretch, axis: Axis) -> bool:
    return stretch[1] >= axis.start and stretch[0] <= axis.end


def _bar(stretch: Stretch, axis: Axis, prefix: str = "") -> Bar:
    start, end = stretch
    left = axis.percent(start)
    width = max(axis.percent(end) - left, _THINNEST)
    text = f"{prefix}{moment(start)} to {moment(end)} ({duration(end - start)})"
    return Bar(percent(min(left, 100 - _THINNEST)), percent(width), text)
