"""One actor and one service: what was seen, since when, until when, how often and how surely."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from detector.events import MICROSECONDS, Stage
from detector.findings.evidence import StageCount
from detector.match import Actor, ActorKind, Attribution, Confidence
from detector.policy import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detector.findings.attributed import Attributed
    from detector.findings.evidence import Origin
    from detector.signatures import Thresholds

_GRADES = ("low", "medium", "high")

T = TypeVar("T", bound=Hashable)


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
    verdicts: dict[Verdict, int] = field(default_factory=dict)

    def __reduce__(self) -> tuple[type[Finding], tuple[object, ...]]:
        return Finding, (
            self.service, self.actor, self.stages, self.denied, self.bytes_sent, self.sources, self.used_days,
            self.sessions, self.attributions, self.verdicts,
        )  # fmt: skip # a third of what the state of slots takes from process to process

    @property
    def verdict(self) -> Verdict:
        """The heaviest verdict of its sightings; ``unreviewed`` where no policy judged."""
        return max(self.verdicts, key=lambda one: one.weight) if self.verdicts else Verdict.UNREVIEWED

    @property
    def grade(self) -> str:
        """How surely the actor is one person, by the surest of its sightings."""
        return max([one.grade for one in self.attributions], key=_GRADES.index)

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
        return sum([stage.count for stage in self.stages.values()])

    @property
    def first_seen(self) -> int | None:
        """Earliest known instant."""
        return min([stage.first for stage in self.stages.values() if stage.first is not None], default=None)

    @property
    def last_seen(self) -> int | None:
        """Latest known instant."""
        return max([stage.last for stage in self.stages.values() if stage.last is not None], default=None)

    def take(self, proofs: Sequence[bytes], origin: Origin, *, is_confirmed: bool) -> None:
        """Add sightings alike.

        Args:
            proofs: of each of them.
            origin: what they have in common.
            is_confirmed: whether they are more than probable.
        """
        part = StageCount.of(proofs, origin, is_confirmed=is_confirmed)
        mine = self.stages.setdefault(origin.stage, part)
        if mine is not part:
            mine.merge(part)
        self.sources = with_one(self.sources, origin.path)
        if origin.denied:
            self.denied += part.count
        else:
            for day in part.days:
                self.used_days = with_one(self.used_days, day)

    def judge(self, verdict: Verdict, sightings: int = 1) -> None:
        """Count what the policy says of sightings."""
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + sightings

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
        for verdict, sightings in other.verdicts.items():
            self.judge(verdict, sightings)

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
