"""The lines that prove a finding: of each stage the earliest and the latest ones, and how often it was seen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from detector.events import MICROSECONDS, Stage
from detector.match import sighting_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.match import SightingBatch

EVIDENCE_EACH_SIDE = 5
"""Earliest, and latest, lines of each stage that are kept."""

KEPT_LINE_BYTES = 512
"""Longer lines of evidence are digested at once: people who write long lines must not fill the memory."""

DAY_US = 86_400 * MICROSECONDS
UNKNOWN_TIME = -(1 << 62)
Kept: TypeAlias = tuple[int, str, int, str, Stage, bool, str, int, int, bytes]
"""The fields of ``Evidence``: plain tuples are made, sorted and sent between processes in a third of the time."""


class Evidence(NamedTuple):
    """One line that proves something; sorts by time and place.

    Most evidence is given up again for earlier or later lines: digests are taken of what is asked for.

    Attributes:
        at: instant, far in the past where unknown.
        path: the log.
        offset: of the line in the decompressed stream.
        indicator: the indicator's id.
        stage: what it proves.
        denied: the request was refused.
        stream: identity of the log's content.
        part: 0, or the position of the recipient among several on one line.
        length: of the line in bytes.
        line: the line itself, or its digest where that is all there is (a byte more where the line has 32).
    """

    at: int
    path: str
    offset: int
    indicator: str
    stage: Stage
    denied: bool
    stream: str
    part: int
    length: int
    line: bytes

    @property
    def sha256(self) -> str:
        """Digest of the line."""
        return (hashlib.sha256(self.line).digest() if len(self.line) == self.length else self.line[:32]).hex()

    @property
    def sighting(self) -> str:
        """The sighting's id."""
        return sighting_id(self.stream, self.offset, self.indicator, self.part)

    @property
    def instant(self) -> int | None:
        """When, ``None`` where the line's time cannot be read."""
        return None if self.at == UNKNOWN_TIME else self.at


@dataclass(slots=True)
class StageCount:
    """What was seen of one stage (of one actor and service).

    Attributes:
        count: sightings.
        confirmed: those that are more than probable.
        first: earliest known instant.
        last: latest known instant.
        days: sightings by day (UTC, days since the epoch).
        kept: what evidence is made of: of the earliest and the latest lines (and some more until it is pruned).
    """

    count: int = 0
    confirmed: int = 0
    first: int | None = None
    last: int | None = None
    days: dict[int, int] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)

    @property
    def evidence(self) -> list[Evidence]:
        """The earliest and the latest lines."""
        return [Evidence(*one) for one in self.kept]

    def take(self, kept: Kept, at: int | None, *, confirmed: bool) -> None:
        """Count one sighting."""
        self.count += 1
        self.confirmed += confirmed
        self.kept.append(kept)
        if len(self.kept) > 4 * EVIDENCE_EACH_SIDE:
            self.prune()
        if at is None:
            return
        if self.first is None or at < self.first:
            self.first = at
        if self.last is None or at > self.last:
            self.last = at
        day = at // DAY_US
        self.days[day] = self.days.get(day, 0) + 1

    def prune(self) -> None:
        """Keep the earliest and the latest lines only; the same ones, whatever came first."""
        if len(self.kept) > 2 * EVIDENCE_EACH_SIDE:
            ordered = sorted(self.kept)
            self.kept = ordered[:EVIDENCE_EACH_SIDE] + ordered[-EVIDENCE_EACH_SIDE:]

    def merge(self, other: StageCount) -> None:
        """Add what another part of the logs gave."""
        self.count += other.count
        self.confirmed += other.confirmed
        self.first = _least(self.first, other.first)
        self.last = _most(self.last, other.last)
        for day, count in other.days.items():
            self.days[day] = self.days.get(day, 0) + count
        self.kept += other.kept
        self.prune()


def kept_of(batch: SightingBatch) -> Iterable[Kept]:
    """What evidence is made of, for each sighting."""
    if not batch.rows:
        return ()
    _, indicators, stages, _, instants, denied, _, _, _, _, _, offsets, parts, lines, _ = zip(*batch.rows, strict=True)
    known = [UNKNOWN_TIME if at is None else at for at in instants]
    lengths = list(map(len, lines))
    path, stream = repeat(batch.path), repeat(batch.stream)
    return zip(  # noqa: B905 - two of them never end
        known, path, offsets, indicators, stages, denied, stream, parts, lengths, map(_shortened, lines)
    )


def _shortened(line: bytes) -> bytes:
    return line if len(line) <= KEPT_LINE_BYTES else hashlib.sha256(line).digest()


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)
