"""Who: the sightings of one service, added up by actor."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.events import Stage
from detector.findings import Finding, StageCount, several
from detector.findings.finding import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detector.findings import Attributed
    from detector.match import Actor, Confidence
    from detector.policy import Verdict
    from detector.signatures import Thresholds

EVIDENCE_EACH_SIDE = 3
"""Earliest, and latest, sightings of each stage that are shown."""
_DAY = 86_400_000_000
_GRADES = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class StageRow:
    """What was seen of one stage.

    Attributes:
        stage: which one.
        count: sightings.
        first: earliest known instant.
        last: latest known instant.
    """

    stage: Stage
    count: int
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class Party:
    """One actor.

    Attributes:
        actor: who.
        grade: how surely it is one person, by the surest sighting: ``high``, ``medium`` or ``low``.
        one_of: how many people it may have been.
        units: organisational units at the times of the sightings.
        stage: the highest that was reached; of refused attempts only, the highest that was tried.
        confidence: how surely.
        first: earliest known instant of what was not refused (of all where everything was).
        last: latest known instant.
        days: calendar days (UTC) with a sighting that was not refused.
        sightings: all of them.
        attempts: refused ones.
        bytes_sent: to the service.
        stages: in the order of the ladder, highest first, refused attempts included.
        per_day: (day since the epoch, stage, count) of those with a known time.
        verdicts: what the policy says of how many of them, heaviest first.
        rulings: ids of the approvals and orders behind those verdicts.
        evidence: earliest and latest sightings of each stage.
    """

    actor: Actor
    grade: str
    one_of: int
    units: tuple[str, ...]
    stage: Stage
    confidence: Confidence
    first: int | None
    last: int | None
    days: int
    sightings: int
    attempts: int
    bytes_sent: int
    stages: tuple[StageRow, ...]
    per_day: tuple[tuple[int, Stage, int], ...]
    verdicts: tuple[tuple[Verdict, int], ...]
    rulings: tuple[str, ...]
    evidence: tuple[Attributed, ...]

    @property
    def is_attempt(self) -> bool:
        """Whether everything was refused."""
        return self.attempts == self.sightings

    def has_reached(self, stage: Stage) -> bool:
        """Whether a stage, or one above it, was reached by something that was not refused.

        What stands beside the ladder reaches nothing but itself; an account that was paid for or closed was one.
        """
        if self.is_attempt:
            return False
        rungs = max(self.stage.rung, _ACCOUNT if any(one.stage in _OF_ACCOUNTS for one in self.stages) else 0)
        return rungs >= stage.rung


_ACCOUNT = Stage.SIGNED_UP.rung
_OF_ACCOUNTS = frozenset({Stage.PAID, Stage.CLOSED})
"""Beside the ladder, and yet only somebody with an account gets such mail."""


def parties(sightings: Iterable[Attributed], thresholds: Thresholds) -> tuple[Party, ...]:
    """Everybody with a sighting: highest stage first, then earliest, then by actor; in any order the same.

    Args:
        sightings: of one service.
        thresholds: of its signature.
    """
    found: dict[Actor, list[Attributed]] = {}
    for one in sightings:
        found.setdefault(one.actor, []).append(one)
    rows = [_party(actor, sorted(rows, key=_place), thresholds) for actor, rows in found.items()]
    return tuple(sorted(rows, key=lambda one: (one.is_attempt, -one.stage.rung, _known(one.first), one.actor)))


def _place(one: Attributed) -> tuple[int, str, int, int, str]:
    return _known(one.at), one.path, one.offset, one.part, one.indicator


def _known(instant: int | None) -> int:
    """Sorts what has no time behind everything."""
    return 1 << 62 if instant is None else instant


def _party(actor: Actor, rows: Sequence[Attributed], thresholds: Thresholds) -> Party:
    counting = [one for one in rows if not one.denied] or rows
    stage, confidence = _reached(actor, counting, thresholds)
    instants = [one.at for one in counting if one.at is not None]
    verdicts = Counter(one.verdict for one in rows)
    per_day = Counter((one.at // _DAY, one.stage) for one in rows if one.at is not None)
    return Party(
        actor=actor,
        grade=max((one.grade for one in rows), key=_GRADES.index),
        one_of=several(actor, rows),
        units=tuple(sorted({one.unit for one in rows} - {""})),
        stage=stage,
        confidence=confidence,
        first=min(instants, default=None),
        last=max(instants, default=None),
        days=len({one.at // _DAY for one in rows if one.at is not None and not one.denied}),
        sightings=len(rows),
        attempts=sum(one.denied for one in rows),
        bytes_sent=sum(one.bytes_sent for one in rows),
        stages=_stages(rows),
        per_day=tuple((day, name, count) for (day, name), count in sorted(per_day.items())),
        verdicts=tuple(sorted(verdicts.items(), key=lambda item: -item[0].weight)),
        rulings=tuple(sorted({one.ruling for one in rows} - {""})),
        evidence=_evidence(rows),
    )


def _reached(actor: Actor, rows: Sequence[Attributed], thresholds: Thresholds) -> tuple[Stage, Confidence]:
    """The stage and how surely, by the rule that findings have."""
    finding = Finding(rows[0].service, actor)
    for one in rows:
        count = finding.stages.setdefault(one.stage, StageCount())
        count.count += 1
        count.confirmed += one.confidence == "confirmed"
        is_product = one.host in thresholds.opaque_hosts and one.stage.rung >= Stage.VISITED.rung
        if one.at is not None and is_product and not one.denied:
            day, known = one.at // _DAY, finding.sessions.get(one.at // _DAY, Session(0, one.at, one.at))
            finding.sessions[day] = Session(known.requests + 1, min(known.first, one.at), max(known.last, one.at))
    return finding.reached(thresholds)


def _stages(rows: Sequence[Attributed]) -> tuple[StageRow, ...]:
    found: dict[Stage, list[Attributed]] = {}
    for one in rows:
        found.setdefault(one.stage, []).append(one)
    ordered = sorted(found, key=lambda stage: stage.rank)
    return tuple(_stage(stage, [one.at for one in found[stage] if one.at is not None], len(found[stage]))
                 for stage in ordered)  # fmt: skip


def _stage(stage: Stage, instants: Sequence[int], count: int) -> StageRow:
    return StageRow(stage, count, min(instants, default=None), max(instants, default=None))


def _evidence(rows: Sequence[Attributed]) -> tuple[Attributed, ...]:
    found: dict[Stage, list[Attributed]] = {}
    for one in rows:
        found.setdefault(one.stage, []).append(one)
    kept = []
    for stage in found.values():
        cut = len(stage) > 2 * EVIDENCE_EACH_SIDE
        kept += [*stage[:EVIDENCE_EACH_SIDE], *stage[-EVIDENCE_EACH_SIDE:]] if cut else stage
    return tuple(sorted(kept, key=_place))
