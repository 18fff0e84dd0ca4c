"""Sightings become findings: one for each actor and service. Folding is associative: any order, any split, one result.

Only the earliest and the latest lines of each stage are kept as evidence: memory grows with people, not with logs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from detector.events import MICROSECONDS, Stage
from detector.findings.evidence import DAY_US, StageCount, kept_of
from detector.match import Actor, ActorKind, Attribution, Confidence, Sighting
from detector.policy import MUTED, OBSERVED, Ruling, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from detector.match import Attribute, SightingBatch
    from detector.signatures import Ruleset, Thresholds

_CONFIRMED = Confidence.CONFIRMED
_GRADES = ("low", "medium", "high")

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
    sources: set[str] = field(default_factory=set)
    used_days: set[int] = field(default_factory=set)
    sessions: dict[int, Session] = field(default_factory=dict)
    attributions: set[Attribution] = field(default_factory=set)
    verdicts: Counter[Verdict] = field(default_factory=Counter)

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
        """How many people the actor may be, by the surest of its sightings; of an address or mailbox, at most."""
        counts = [one.one_of for one in self.attributions]
        return min(counts) if self.actor.kind is ActorKind.PERSON else max(counts)

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
            self.sessions[day] = together(self.sessions.get(day), session)
        self.attributions |= other.attributions
        self.verdicts.update(other.verdicts)

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
        self._attributed: dict[tuple[str, Attribution], Finding] = {}
        self.left_out: Counter[str] = Counter()

    def fold(self, batch: SightingBatch) -> None:
        """Add the sightings of one part of a log."""
        judge, rows, path = self._judge, batch.rows, batch.path
        for sighting, attribution, kept in zip(rows, map(self._attribute, rows), kept_of(batch), strict=True):
            service, _, stage, confidence, at, denied, _, _, _, host, bytes_sent, _, _, _, _ = sighting
            ruling = None if judge is None else judge(sighting, attribution)
            if ruling is not None and ruling.by in LEFT_OUT:
                self.left_out[ruling.by] += 1
                continue
            finding = self._attributed.get((service, attribution))
            if finding is None:
                finding = self._finding(service, attribution)
            if ruling is not None:
                finding.verdicts[ruling.verdict] += 1
            count = finding.stages.get(stage)
            if count is None:
                count = finding.stages[stage] = StageCount()
            count.take(kept, at, confirmed=confidence is _CONFIRMED)
            finding.sources.add(path)
            finding.bytes_sent += bytes_sent
            if denied:
                finding.denied += 1
            elif at is not None:
                finding.used_days.add(at // DAY_US)
                if service in self._opaque and host in self._opaque[service] and stage.rung >= Stage.VISITED.rung:
                    day = at // DAY_US
                    finding.sessions[day] = together(finding.sessions.get(day), Session(1, at, at))

    def _finding(self, service: str, attribution: Attribution) -> Finding:
        """The finding that an attribution adds to."""
        actor = attribution.actor
        finding = self._findings.get((service, actor))
        if finding is None:
            finding = self._findings[service, actor] = Finding(service, actor)
        finding.attributions.add(attribution)
        self._attributed[service, attribution] = finding
        return finding

    def merge(self, others: Iterable[Finding], left_out: Mapping[str, int] | None = None) -> None:
        """Add the findings of another part of the logs, and what was left out of it."""
        self.left_out.update(left_out or {})
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


def _is_use(session: Session, thresholds: Thresholds) -> bool:
    minutes = (session.last - session.first) / (60 * MICROSECONDS)
    return session.requests >= thresholds.used_requests or minutes >= thresholds.used_minutes


def together(one: Session | None, other: Session) -> Session:
    """Two parts of one day's requests."""
    if one is None:
        return other
    return Session(one.requests + other.requests, min(one.first, other.first), max(one.last, other.last))
