"""One source of logs as evidence: in which hours it could be read, and whether it could have shown anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from detector.coverage.hours import HOUR, Hour, Unread
from detector.events import Col, Kind
from detector.scan import Sample

READABLE_SHARE = 0.5
"""Of the lines looked at in an hour: below it the hour is no evidence at all, the log is not what its format says."""
GOOD_SHARE = 0.9
"""Of the lines looked at in an hour: below it the hour is evidence, but does not count as covered."""

NEEDED: Mapping[Kind, tuple[frozenset[Col], ...]] = {
    Kind.PROXY: (frozenset({Col.DOMAIN, Col.URL, Col.SERVER_NAME}), frozenset({Col.AT})),
    Kind.DNS: (frozenset({Col.QUESTION}), frozenset({Col.AT})),
    Kind.MAIL: (frozenset({Col.FROM, Col.SENDER}), frozenset({Col.TO}), frozenset({Col.AT})),
}
"""What a log of a kind must fill to show a service: one column of each group."""


class Window(NamedTuple):
    """A stretch of time that is asked about.

    Attributes:
        since: first instant.
        until: first instant that no longer belongs to it, later than ``since``.
    """

    since: int
    until: int

    @property
    def hours(self) -> range:
        """Its hours, those at the ends counted whole.

        >>> len(Window(0, HOUR + 1).hours)
        2
        """
        return range(self.since // HOUR, -(-self.until // HOUR))


@dataclass(frozen=True, slots=True)
class Source:
    """The logs of one device (or of one folder and format), of one kind.

    Attributes:
        name: of the source.
        kind: what it watches.
        hours: one entry for each hour of which lines were read.
        silence_s: seconds without a line that are usual; a longer silence is a gap.
        fields: columns that its sampled lines fill; ``None``: nobody sampled it, its format is trusted.
        sighted: whether a synthetic line of each of its formats is sighted.
        unread: what could not be read.
        formats: names of its log formats.
        files: logs of it.
        sample: what its sampled lines say.
        late: logs that were finished long after their last event.
        ahead: logs that hold events from after they were last written: a clock is wrong.
        notes: assumptions that a reader must know.
        is_declared: a configuration says that there is such a source, so that it has to cover the window by itself.
    """

    name: str
    kind: Kind
    hours: tuple[Hour, ...] = ()
    silence_s: int = 86_400
    fields: frozenset[Col] | None = None
    sighted: bool = True
    unread: tuple[Unread, ...] = ()
    formats: tuple[str, ...] = ()
    files: int = 0
    sample: Sample = field(default_factory=Sample)
    late: int = 0
    ahead: int = 0
    notes: tuple[str, ...] = ()
    is_declared: bool = False

    @property
    def missing(self) -> tuple[frozenset[Col], ...]:
        """Groups of columns of which it fills none, so that it could not show a service."""
        fields = self.fields
        if fields is None:
            return ()
        return tuple(group for group in NEEDED.get(self.kind, ()) if not group & fields)

    @property
    def can_show(self) -> bool:
        """Whether a use would stand in its lines, and would be sighted."""
        return self.kind in NEEDED and self.sighted and not self.missing

    def readable(self, window: Window) -> int:
        """Hours of a window of which at least half of the lines looked at could be read."""
        hours = window.hours
        return sum(one.hour in hours for one in self.hours if _read_share(one) >= READABLE_SHARE)

    def covered(self, window: Window) -> set[int]:
        """Hours of a window that count as read: lines were read in them, or the silence around them is usual.

        An hour whose lines could not be read counts like one without lines. What is known to be missing is taken off.
        """
        good = sorted({one.hour for one in self.hours if _read_share(one) >= GOOD_SHARE})
        hours = window.hours
        covered = {hour for hour in _bridged(good, self.silence_s) if hour in hours}
        for gap in self.unread:
            if gap.since is not None and gap.until is not None:
                covered.difference_update(range(gap.since // HOUR, gap.until // HOUR + 1))
        return covered

    def gaps(self, window: Window) -> tuple[tuple[int, int], ...]:
        """(from, to) instants of a window that are not covered, in whole hours."""
        missing = sorted(set(window.hours) - self.covered(window))
        return tuple((first * HOUR, (last + 1) * HOUR) for first, last in _runs(missing))

    @property
    def unplaced(self) -> tuple[Unread, ...]:
        """What could not be read, and nobody knows of which time it was."""
        return tuple(gap for gap in self.unread if gap.since is None or gap.until is None)

    def lines(self, window: Window) -> int:
        """Lines that were read of a window."""
        hours = window.hours
        return sum(one.lines for one in self.hours if one.hour in hours)

    @property
    def unparsed_share(self) -> float:
        """Refused lines among those looked at, 0 to 1."""
        parsed, unparsed = sum(one.parsed for one in self.hours), sum(one.unparsed for one in self.hours)
        return unparsed / (parsed + unparsed) if parsed + unparsed else 0.0


def _read_share(hour: Hour) -> float:
    looked = hour.parsed + hour.unparsed
    return hour.parsed / looked if looked else 1.0


def _bridged(hours: Iterable[int], silence_s: int) -> Iterator[int]:
    """Ascending hours with those between them that are a usual silence.

    >>> list(_bridged([1, 3, 9], 7200))
    [1, 2, 3, 9]
    """
    before: int | None = None
    for hour in hours:
        if before is not None and (hour - before) * 3600 <= silence_s:
            yield from range(before + 1, hour)
        yield hour
        before = hour


def _runs(hours: Iterable[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of each run of ascending hours.

    >>> list(_runs([1, 2, 5]))
    [(1, 2), (5, 5)]
    """
    first = last = None
    for hour in hours:
        if last is None or hour != last + 1:
            if first is not None and last is not None:
                yield first, last
            first = hour
        last = hour
    if first is not None and last is not None:
        yield first, last
