"""Sightings become findings: one for each actor and service. Folding is associative: any order, any split, one result.

Only the earliest and the latest lines of each stage are kept as evidence: memory grows with people, not with logs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from detector.events import MICROSECONDS, Stage
from detector.match import Actor, Confidence, sighting_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from detector.match import Sighting, SightingBatch
    from detector.signatures import Ruleset, Thresholds

EVIDENCE_EACH_SIDE = 5
"""Earliest, and latest, lines of each stage that are kept."""

KEPT_LINE_BYTES = 512
"""Longer lines of evidence are digested at once: people who write long lines must not fill the memory."""

_DAY = 86_400 * MICROSECONDS
_UNKNOWN_TIME = -(1 << 62)
_CONFIRMED = Confidence.CONFIRMED
_Kept: TypeAlias = tuple[int, str, int, str, Stage, bool, str, int, int, bytes]
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
        line: the line itself, or its digest where it is longer than ``KEPT_LINE_BYTES``.
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
        return (hashlib.sha256(self.line).digest() if len(self.line) == self.length else self.line).hex()

    @property
    def sighting(self) -> str:
        """The sighting's id."""
        return sighting_id(self.stream, self.offset, self.indicator, self.part)

    @property
    def instant(self) -> int | None:
        """When, ``None`` where the line's time cannot be read."""
        return None if self.at == _UNKNOWN_TIME else self.at


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
    kept: list[_Kept] = field(default_factory=list)

    @property
    def evidence(self) -> list[Evidence]:
        """The earliest and the latest lines."""
        return [Evidence(*one) for one in self.kept]

    def take(self, kept: _Kept, at: int | None, *, confirmed: bool) -> None:
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
        day = at // _DAY
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


class Session(NamedTuple):
    """An actor's requests to a service's own product on one day."""

    requests: int
    first: int
    last: int


@dataclass(slots=True)
class Finding:
    """One actor and one service.

    Attributes:
        service: the service's id.
        actor: who.
        stages: what was seen, by stage; refused attempts are counted apart.
        denied: refused attempts.
        bytes_sent: by the actor to the service.
        sources: paths of the logs that hold the sightings.
        used_days: days (UTC) with a sighting that was not denied.
        sessions: by day, requests to hosts of the product itself.
    """

    service: str
    actor: Actor
    stages: dict[Stage, StageCount] = field(default_factory=dict)
    denied: int = 0
    bytes_sent: int = 0
    sources: set[str] = field(default_factory=set)
    used_days: set[int] = field(default_factory=set)
    sessions: dict[int, Session] = field(default_factory=dict)

    @property
    def sightings(self) -> int:
        """All of them, refused attempts included."""
        return sum(stage.count for stage in self.stages.values())

    @property
    def first_seen(self) -> int | None:
        """Earliest known instant."""
        return min((stage.first for stage in self.stages.values() if stage.first is not None), default=None)

    @property
    def last_seen(self) -> int | None:
        """Latest known instant."""
        return max((stage.last for stage in self.stages.values() if stage.last is not None), default=None)

    def merge(self, other: Finding) -> None:
        """Add what another part of the logs gave."""
        for stage, count in other.stages.items():
            if stage not in self.stages:
                self.stages[stage] = StageCount()
            self.stages[stage].merge(count)
        self.denied += other.denied
        self.bytes_sent += other.bytes_sent
        self.sources |= other.sources
        self.used_days |= other.used_days
        for day, session in other.sessions.items():
            self.sessions[day] = _together(self.sessions.get(day), session)

    def reached(self, thresholds: Thresholds) -> tuple[Stage, Confidence]:
        """The highest stage on the ladder and how surely; without one, the last of those beside it.

        Many requests, or requests over some time, to the product itself on one day are *probably* a use, also where
        the content was hidden.
        """
        stage = max(self.stages, key=lambda one: (one.rung, list(Stage).index(one)))
        confirmed = self.stages[stage].confirmed > 0
        if 0 < stage.rung < Stage.USED.rung and any(_is_use(one, thresholds) for one in self.sessions.values()):
            return Stage.USED, Confidence.PROBABLE
        return stage, Confidence.CONFIRMED if confirmed else Confidence.PROBABLE


class Findings:
    """Findings by service and actor, while logs are being read."""

    def __init__(self, ruleset: Ruleset, actor_of: Callable[[Sighting], Actor]) -> None:
        self._actor_of = actor_of
        self._opaque = {
            one.id: one.thresholds.opaque_hosts for one in ruleset.signatures if one.thresholds.opaque_hosts
        }
        self._findings: dict[tuple[str, Actor], Finding] = {}

    def fold(self, batch: SightingBatch) -> None:
        """Add the sightings of one part of a log."""
        rows, path = batch.rows, batch.path
        for sighting, actor, kept in zip(rows, map(self._actor_of, rows), _kept(batch), strict=True):
            service, _, stage, confidence, at, denied, _, _, _, host, bytes_sent, _, _, _ = sighting
            finding = self._findings.get((service, actor))
            if finding is None:
                finding = self._findings[service, actor] = Finding(service, actor)
            count = finding.stages.get(stage)
            if count is None:
                count = finding.stages[stage] = StageCount()
            count.take(kept, at, confirmed=confidence is _CONFIRMED)
            finding.sources.add(path)
            finding.bytes_sent += bytes_sent
            if denied:
                finding.denied += 1
            elif at is not None:
                finding.used_days.add(at // _DAY)
                if service in self._opaque and host in self._opaque[service] and stage.rung >= Stage.VISITED.rung:
                    day = at // _DAY
                    finding.sessions[day] = _together(finding.sessions.get(day), Session(1, at, at))

    def merge(self, others: Iterable[Finding]) -> None:
        """Add the findings of another part of the logs."""
        for other in others:
            mine = self._findings.get((other.service, other.actor))
            if mine is None:
                mine = self._findings[other.service, other.actor] = Finding(other.service, other.actor)
            mine.merge(other)

    def all(self) -> list[Finding]:
        """Every finding, by service and actor, its evidence cut down to what is kept."""
        for finding in self._findings.values():
            for stage in finding.stages.values():
                stage.prune()
        return [self._findings[key] for key in sorted(self._findings)]


def _kept(batch: SightingBatch) -> Iterable[_Kept]:
    """What evidence is made of, for each sighting."""
    if not batch.rows:
        return ()
    _, indicators, stages, _, instants, denied, _, _, _, _, _, offsets, parts, lines = zip(*batch.rows, strict=True)
    known = [_UNKNOWN_TIME if at is None else at for at in instants]
    lengths = list(map(len, lines))
    path, stream = repeat(batch.path), repeat(batch.stream)
    return zip(  # noqa: B905 - two of them never end
        known, path, offsets, indicators, stages, denied, stream, parts, lengths, map(_shortened, lines)
    )


def _shortened(line: bytes) -> bytes:
    return line if len(line) <= KEPT_LINE_BYTES else hashlib.sha256(line).digest()


def _is_use(session: Session, thresholds: Thresholds) -> bool:
    minutes = (session.last - session.first) / (60 * MICROSECONDS)
    return session.requests >= thresholds.used_requests or minutes >= thresholds.used_minutes


def _together(one: Session | None, other: Session) -> Session:
    if one is None:
        return other
    return Session(one.requests + other.requests, min(one.first, other.first), max(one.last, other.last))


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)
