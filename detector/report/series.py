"""Logs of one folder and format seen as one series, so that silence between rotated files is a gap too.

May name a gap that another series covers, must never leave one out: the gaps inside each log stay in any case.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from detector.events import MICROSECONDS
from detector.report.wording import counted

if TYPE_CHECKING:
    from detector.report.document import Report, SourceRow

Stretch: TypeAlias = tuple[int, int]


class Series(NamedTuple):
    """Logs of one folder and format.

    Attributes:
        folder: with a slash at its end.
        format: the format's name, empty when none was recognised.
        sources: the logs, in the order of the report.
        spans: stretches in which at least one of them was written, shorter silences joined.
        gaps: the silences between those.
    """

    folder: str
    format: str
    sources: tuple[SourceRow, ...]
    spans: tuple[Stretch, ...]
    gaps: tuple[Stretch, ...]

    @property
    def label(self) -> str:
        """The series in words."""
        return f"{self.folder} {self.format or 'unknown format'}, {counted(len(self.sources), 'file')}"

    @property
    def gaps_between(self) -> tuple[Stretch, ...]:
        """The gaps that none of its logs holds by itself."""
        own = {gap for source in self.sources for gap in source.gaps}
        return tuple(gap for gap in self.gaps if gap not in own)


def series(report: Report) -> tuple[Series, ...]:
    """All logs of a report by folder and format, sorted by those."""
    found: dict[tuple[str, str], list[SourceRow]] = {}
    for source in report.sources:
        folder = f"{source.path.rpartition('/')[0] or '.'}/"
        found.setdefault((folder, source.format), []).append(source)
    return tuple(_series(*key, tuple(found[key]), report.gap_s * MICROSECONDS) for key in sorted(found))


def spans_of(source: SourceRow) -> tuple[Stretch, ...]:
    """The spans of one log; all of its time where it was not divided."""
    if source.spans or source.first_event is None or source.last_event is None:
        return source.spans
    return ((source.first_event, source.last_event),)


def _series(folder: str, name: str, sources: tuple[SourceRow, ...], gap: int) -> Series:
    spans: list[Stretch] = []
    for start, end in sorted(span for source in sources for span in spans_of(source)):
        if spans and start - spans[-1][1] < gap:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    gaps = tuple((before[1], after[0]) for before, after in pairwise(spans))
    return Series(folder, name, sources, tuple(spans), gaps)
