"""Hours in which logs were read, and what could not be read: the grain in which coverage is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detector.events import MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detector.events import Kind
    from detector.scan import Counts

HOUR = 3_600 * MICROSECONDS
"""Microseconds in an hour."""


class Hour(NamedTuple):
    """What was read of one source's hour.

    Attributes:
        source: the source's name.
        kind: what the source watches.
        hour: whole hours since the epoch, UTC.
        lines: newlines read.
        parsed: lines that were looked at and are events.
        unparsed: lines that were looked at and are not what their format says.
        bytes: read, decompressed.
    """

    source: str
    kind: Kind
    hour: int
    lines: int
    parsed: int
    unparsed: int
    bytes: int


class Unread(NamedTuple):
    """Something of a source that could not be read.

    Attributes:
        source: the source's name.
        path: the log.
        since: instant from which on it is missing, ``None`` where nobody knows.
        until: instant up to which it is missing, ``None`` where nobody knows.
        reason: why, for a person.
    """

    source: str
    path: str
    since: int | None
    until: int | None
    reason: str


def hours_of(source: str, kind: Kind, spans: Iterable[tuple[int, int]], counts: Counts) -> list[Hour]:
    """The hours of a part of a log, its lines spread evenly over the time in which it was being written.

    The sums are those of the part, to the line. A part without a time gives no hour.

    Args:
        source: the source's name.
        kind: what it watches.
        spans: (first, last) instants between which the part's lines follow each other.
        counts: of the part.
    """
    weights: dict[int, int] = {}
    for first, last in spans:
        for hour in range(first // HOUR, last // HOUR + 1):
            inside = min(last, (hour + 1) * HOUR - 1) - max(first, hour * HOUR) + 1
            weights[hour] = weights.get(hour, 0) + inside
    whole = [counts.lines, counts.parsed, counts.unparsed, counts.bytes]
    spread = zip(*(_spread(one, weights.values()) for one in whole), strict=True)
    return [Hour(source, kind, hour, *parts) for hour, parts in zip(weights, spread, strict=True)]


def merged(hours: Iterable[Hour]) -> list[Hour]:
    """One entry for each source, kind and hour, sorted by those.

    >>> merged([Hour("a", "dns", 1, 2, 2, 0, 9), Hour("a", "dns", 1, 1, 0, 1, 5)])
    [Hour(source='a', kind='dns', hour=1, lines=3, parsed=2, unparsed=1, bytes=14)]
    """
    found: dict[tuple[str, Kind, int], Hour] = {}
    for one in hours:
        known = found.get(one[:3])
        found[one[:3]] = one if known is None else Hour(*one[:3], *map(sum, zip(known[3:], one[3:], strict=True)))
    return [found[key] for key in sorted(found)]


def _spread(whole: int, weights: Iterable[int]) -> Iterator[int]:
    """A number in parts by weight, the parts adding up to it.

    >>> list(_spread(10, [1, 1, 1]))
    [3, 3, 4]
    """
    weights = list(weights)
    total, behind, given = sum(weights), 0, 0
    for weight in weights:
        behind += weight
        upto = whole * behind // total
        yield upto - given
        given = upto
