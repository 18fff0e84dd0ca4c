"""Stages over time: sightings per day, week, month or year as stacked columns, with a table of the same numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from detector.events import MICROSECONDS
from detector.events.instants import from_datetime, to_datetime
from detector.report.axis import Tick, label_ends, percent
from detector.report.wording import ORDER, counted, day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detector.report.document import Report

_DAY = 86_400 * MICROSECONDS
_UNITS = (("day", 62), ("week", 732), ("month", 3_700))
"""The unit of a column by the longest range in days that it is chosen for; beyond it is a year."""

_AT_LEAST = {"day": 1, "week": 7, "month": 31, "year": 366}
"""Days after the start of a unit on which the next one has begun, and not ended."""

_PLOT = 168
"""Height of the columns in pixels."""

_LEFT, _RIGHT = 7.0, 99.5
_WIDEST = 4.0
_FLATTEST = 2.0
"""Pixels that even one sighting gets beside thousands."""


class Bucket(NamedTuple):
    """Sightings of one day, week, month or year.

    Attributes:
        start: first instant.
        counts: sightings by stage, only those that occur.
    """

    start: int
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """Sightings of all stages."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Block:
    """One stage in one column: ``x`` and ``width`` in percent, ``y`` and ``height`` in pixels, and what it says."""

    x: str
    width: str
    y: str
    height: str
    stage: str
    text: str


@dataclass(frozen=True, slots=True)
class Level:
    """A line across the drawing: ``y`` in pixels and its count."""

    y: str
    text: str


@dataclass(frozen=True, slots=True)
class StageChart:
    """The whole drawing.

    Attributes:
        unit: ``day``, ``week``, ``month`` or ``year``.
        stages: those that occur, in order.
        buckets: the columns that hold something: the rows of the table.
        blocks: what is drawn.
        levels: lines across with their counts.
        ticks: labels below.
        undated: sightings without a known time, which cannot be drawn.
        description: the drawing in words.
    """

    unit: str
    stages: tuple[str, ...]
    buckets: tuple[Bucket, ...]
    blocks: tuple[Block, ...]
    levels: tuple[Level, ...]
    ticks: tuple[Tick, ...]
    undated: int
    description: str


def stage_chart(report: Report) -> StageChart | None:
    """The drawing of all sightings with a known time; ``None`` when there is none."""
    days: dict[int, dict[str, int]] = {}
    for finding in report.findings:
        for instant, stage, count in finding.per_day:
            counts = days.setdefault(instant, {})
            counts[stage] = counts.get(stage, 0) + count
    if not days:
        return None
    unit = _unit(min(days), max(days))
    buckets = _buckets(days, unit)
    filled = tuple(bucket for bucket in buckets if bucket.total)
    stages = tuple(sorted({one for bucket in filled for one in bucket.counts}, key=_place))
    top, levels = _scale(max(bucket.total for bucket in filled))
    drawn = sum(bucket.total for bucket in filled)
    most = max(filled, key=lambda bucket: bucket.total)
    text = (
        f"{counted(drawn, 'sighting')} per {unit} from {day(min(days))} to {day(max(days))}; "
        f"most in the {unit} of {day(most.start)}: {most.total:,}. The table below holds the same numbers."
    )
    return StageChart(
        unit=unit,
        stages=stages,
        buckets=filled,
        blocks=_blocks(buckets, top),
        levels=levels,
        ticks=_ticks(buckets),
        undated=sum(finding.sightings for finding in report.findings) - drawn,
        description=text,
    )


def _unit(first: int, last: int) -> str:
    length = (last - first) // _DAY
    return next((unit for unit, longest in _UNITS if length < longest), "year")


def _buckets(days: Mapping[int, Mapping[str, int]], unit: str) -> tuple[Bucket, ...]:
    """All columns from the first to the last day, also the empty ones."""
    found: dict[int, dict[str, int]] = {start: {} for start in _starts(min(days), max(days), unit)}
    for instant, counts in days.items():
        bucket = found[_start(instant, unit)]
        for stage, count in counts.items():
            bucket[stage] = bucket.get(stage, 0) + count
    return tuple(Bucket(start, counts) for start, counts in found.items())


def _starts(first: int, last: int, unit: str) -> Iterator[int]:
    start = _start(first, unit)
    while start <= last:
        yield start
        following = _start(start + _AT_LEAST[unit] * _DAY, unit)
        if following <= start:  # the calendar ends with the year 9999
            return
        start = following


def _start(instant: int, unit: str) -> int:
    """The first instant of the day, week (Monday), month or year; UTC."""
    moment = to_datetime(instant).replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        moment -= timedelta(days=min(moment.weekday(), moment.toordinal() - 1))
    elif unit != "day":
        moment = moment.replace(day=1, month=1 if unit == "year" else moment.month)
    return from_datetime(moment)


def _scale(largest: int) -> tuple[int, tuple[Level, ...]]:
    """A round number that is not smaller than the largest column, and the lines up to it."""
    step = 1
    while step * 4 < largest:
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    top = -(-largest // step) * step
    levels = (Level(_pixels(_PLOT - _PLOT * value / top), f"{value:,}") for value in range(0, top + 1, step))
    return top, tuple(levels)


def _blocks(buckets: Sequence[Bucket], top: int) -> tuple[Block, ...]:
    step = (_RIGHT - _LEFT) / len(buckets)
    width = min(step * 0.86, _WIDEST)
    blocks: list[Block] = []
    for place, bucket in enumerate(buckets):
        y = float(_PLOT)
        for stage in sorted(bucket.counts, key=_place):
            count = bucket.counts[stage]
            height = max(_PLOT * count / top, _FLATTEST)
            y -= height
            x = _LEFT + step * place + (step - width) / 2
            text = f"{day(bucket.start)} {stage}: {count:,}"
            blocks.append(Block(percent(x), percent(width), _pixels(y), _pixels(height), stage, text))
    return tuple(blocks)


def _ticks(buckets: Sequence[Bucket]) -> tuple[Tick, ...]:
    step = (_RIGHT - _LEFT) / len(buckets)
    count = min(len(buckets), 5)
    places = [round(place * (len(buckets) - 1) / max(count - 1, 1)) for place in range(count)]
    return label_ends([(buckets[place].start, _LEFT + step * (place + 0.5)) for place in places])


def _place(stage: str) -> tuple[int, str]:
    return ORDER.get(stage, len(ORDER)), stage


def _pixels(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
