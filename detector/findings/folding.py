"""Sightings become findings: one for each actor and service. Folding is associative: any order, any split, one result.

Only the earliest and the latest lines of each stage are kept as evidence: memory grows with people, not with logs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from stringzilla import sha256

from detector.events import MICROSECONDS, Stage
from detector.findings.evidence import DAY_US, Origin, StageCount, proof_of
from detector.match import Actor, ActorKind, Attribution, Confidence, Sighting
from detector.policy import MUTED, OBSERVED, Ruling, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from detector.findings.attributed import Attributed
    from detector.match import Attribute, SightingBatch
    from detector.signatures import Ruleset, Thresholds

_CONFIRMED, _VISITED = Confidence.CONFIRMED, Stage.VISITED.rung
_GRADES = ("low", "medium", "high")

T = TypeVar("T", bound=Hashable)

Judge: TypeAlias = Callable[[Sighting, Attribution], Ruling]
"""What an organisation's policy says of one sighting."""

LEFT_OUT = frozenset({OBSERVED, MUTED})
"""Rulings that leave a sighting out: an observer's event is nobody's use, a muted indicator is known to be wrong."""


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
        attributions: on what it rests that the sightings are the actor's.
        verdicts: how many sightings got which verdict; empty where no policy judged.
    """

    service: str
    actor: Actor
    stages: dict[Stage, StageCount] = field(default_factory=dict)
    denied: int = 0
    bytes_sent: int = 0
    sources: frozenset[str] = frozenset()
    used_days: frozenset[int] = frozenset()
    sessions: dict[int, Session] = field(default_factory=dict)
    attributions: frozenset[Attribution] = frozenset()
    verdicts: Counter[Verdict] = field(default_factory=Counter)

    def __reduce__(self) -> tuple[type[Finding], tuple[object, ...]]:
        return Finding, (
            self.service, self.actor, self.stages, self.denied, self.bytes_sent, self.sources, self.used_days,
            self.sessions, self.attributions, self.verdicts,
        )  # fmt: skip # a third of what the state of slots takes from process to process

    @property
    def verdict(self) -> Verdict:
        """The heaviest verdict of its sightings; ``unreviewed`` where no policy judged."""
        return max(self.verdicts, key=lambda one: one.weight, default=Verdict.UNREVIEWED)

    @property
    def grade(self) -> str:
        """How surely the actor is one person, by the surest of its sightings."""
        return max((one.grade for one in self.attributions), key=_GRADES.index)

    @property
    def units(self) -> tuple[str, ...]:
        """The actor's organisational units at the times of the sightings."""
        return tuple(sorted({one.unit for one in self.attributions} - {""}))

    @property
    def one_of(self) -> int:
        """How many people the actor may be; see ``several``."""
        return several(self.actor, self.attributions)

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
            mine = self.stages.setdefault(stage, count)
            if mine is not count:
                mine.merge(count)
        self.denied += other.denied
        self.bytes_sent += other.bytes_sent
        self.sources = _union(self.sources, other.sources)
        self.used_days = _union(self.used_days, other.used_days)
        for day, session in other.sessions.items():
            self.sessions[day] = together(self.sessions.get(day), session)
        self.attributions = _union(self.attributions, other.attributions)
        self.verdicts.update(other.verdicts)

    def pruned(self) -> Finding:
        """The finding with no more evidence than is kept."""
        for stage in self.stages.values():
            stage.prune()
        return self

    def reached(self, thresholds: Thresholds) -> tuple[Stage, Confidence]:
        """The highest stage on the ladder and how surely; without one, the last of those beside it.

        Many requests, or requests over some time, to the product itself on one day are *probably* a use, also where
        the content was hidden.
        """
        stage = max(self.stages, key=lambda one: one.height)
        confirmed = self.stages[stage].confirmed > 0
        if 0 < stage.rung < Stage.USED.rung and any(_is_use(one, thresholds) for one in self.sessions.values()):
            return Stage.USED, Confidence.PROBABLE
        return stage, Confidence.CONFIRMED if confirmed else Confidence.PROBABLE


class Findings:
    """Findings by service and actor, while logs are being read.

    Attributes:
        left_out: why the policy leaves sightings out (``observers``, ``mutes``) → how many.
    """

    def __init__(self, ruleset: Ruleset, attribute: Attribute, judge: Judge | None = None) -> None:
        self._attribute = attribute
        self._judge = judge
        self._opaque = {
            one.id: one.thresholds.opaque_hosts for one in ruleset.signatures if one.thresholds.opaque_hosts
        }
        self._findings: dict[tuple[str, Actor], Finding] = {}
        self._log = ("", "")
        self._places: dict[tuple[str, str, Stage, bool, Attribution], tuple[Finding, StageCount, Origin]] = {}
        self._origins: dict[tuple[str, Stage, bool], Origin] = {}
        self.left_out: Counter[str] = Counter()

    def fold(self, batch: SightingBatch) -> None:
        """Add the sightings of one part of a log."""
        judge, rows = self._judge, batch.rows
        if (batch.path, batch.stream) != self._log:
            self._log = batch.path, batch.stream
            self._places.clear()
            self._origins.clear()
        places, opaque = self._places, self._opaque
        for row, attribution in zip(rows, map(self._attribute, rows), strict=True):
            service, indicator, stage, confidence, at, denied, _, _, _, host, sent, offset, part, line, _ = row
            ruling = None if judge is None else judge(row, attribution)
            if ruling is not None and ruling.by in LEFT_OUT:
                self.left_out[ruling.by] += 1
                continue
            place = service, indicator, stage, denied, attribution
            finding, count, origin = places.get(place) or self._place(place)
            if ruling is not None:
                finding.verdicts[ruling.verdict] += 1
            count.take((proof_of(at, offset, part, len(line), sha256(line)), origin), at, confidence is _CONFIRMED)
            if sent:
                finding.bytes_sent += sent
            if denied:
                finding.denied += 1
            elif at is not None:
                day = at // DAY_US
                if day not in finding.used_days:
                    finding.used_days = with_one(finding.used_days, day)
                if service in opaque and host in opaque[service] and stage.rung >= _VISITED:
                    finding.sessions[day] = together(finding.sessions.get(day), Session(1, at, at))

    def _place(self, place: tuple[str, str, Stage, bool, Attribution]) -> tuple[Finding, StageCount, Origin]:
        """Where sightings alike count, and what their evidence has in common; of the log that is being folded."""
        service, indicator, stage, denied, attribution = place
        path, stream = self._log
        actor = attribution.actor
        finding = self._findings.get((service, actor))
        if finding is None:
            finding = self._findings[service, actor] = Finding(service, actor)
        finding.sources = with_one(finding.sources, path)
        finding.attributions = with_one(finding.attributions, attribution)
        origin = self._origins.setdefault(place[1:4], Origin(path, indicator, stage, denied, stream))
        known = self._places[place] = finding, finding.stages.setdefault(stage, StageCount()), origin
        return known

    def merge(self, others: Iterable[Finding], left_out: Mapping[str, int] | None = None) -> None:
        """Take over the findings of another part of the logs, and what was left out of it."""
        self.left_out.update(left_out or {})
        for other in others:
            mine = self._findings.setdefault((other.service, other.actor), other)
            if mine is not other:
                mine.merge(other)

    def all(self) -> list[Finding]:
        """Every finding, by service and actor, its evidence cut down to what is kept."""
        return [self._findings[key].pruned() for key in sorted(self._findings)]

    def given_away(self) -> Iterator[Finding]:
        """The same, one after the other; nothing is left of them here, so that their rows can take their place."""
        self._places.clear()
        for key in sorted(self._findings):
            yield self._findings.pop(key).pruned()


def with_one(those: frozenset[T], one: T) -> frozenset[T]:
    """A set with one more; of the many sets of one, equal ones are one object."""
    if one in those:
        return those
    return those | {one} if those else _only(one)


def _union(one: frozenset[T], other: frozenset[T]) -> frozenset[T]:
    return one if other <= one else other if one <= other else one | other


@lru_cache(maxsize=1024)
def _only(one: T) -> frozenset[T]:
    return frozenset((one,))


def several(actor: Actor, said: Iterable[Attribution | Attributed]) -> int:
    """How many people an actor may be: a person by their surest sighting, an address or a mailbox by the least sure.

    Nobody knows who is behind an address while no log tells: that says less than "one of three" at another time.
    """
    counts = [one.one_of for one in said]
    return min(counts) if actor.kind is ActorKind.PERSON else max(counts)


def _is_use(session: Session, thresholds: Thresholds) -> bool:
    minutes = (session.last - session.first) / (60 * MICROSECONDS)
    return session.requests >= thresholds.used_requests or minutes >= thresholds.used_minutes


def together(one: Session | None, other: Session) -> Session:
    """Two parts of one day's requests."""
    if one is None:
        return other
    return Session(one.requests + other.requests, min(one.first, other.first), max(one.last, other.last))
