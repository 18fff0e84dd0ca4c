"""Was use within an approval: every use judged as of its own time, and every approval with the use that it got.

========================================================================  ===============
case                                                                      position
========================================================================  ===============
use that the policy approves                                              within
use within an approval that needs the reference of a case, and one is     within
known for that person and time
the same, and none is known                                               needs-reference
use before any approval for the service began                             before
every other use: another or an unknown unit, above the highest stage,     outside
behind its end, against an order
========================================================================  ===============

Only services that an approval is about are looked at. Refused attempts, look-ups and mail are no uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from detector.events import MICROSECONDS
from detector.policy import Verdict, is_use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from detector.findings import Attributed
    from detector.identity import References
    from detector.match import Actor
    from detector.policy import Approval, Policy

SOON = 30 * 86_400 * MICROSECONDS
"""An approval that ends within so much time is about to expire."""


class Position(StrEnum):
    """Where a use lies."""

    WITHIN = "within"
    NEEDS_REFERENCE = "needs-reference"
    OUTSIDE = "outside"
    BEFORE = "before"


class State(StrEnum):
    """Where an approval is in its time."""

    UPCOMING = "upcoming"
    IN_FORCE = "in-force"
    ENDS_SOON = "ends-soon"
    ENDED = "ended"


class Use(NamedTuple):
    """One use.

    Attributes:
        sighting: what was seen.
        position: where it lies.
        approval: id of the approval that it lies within or comes closest to, empty where a status allows it.
        reference: of the case, empty for none.
        reason: why it is not within, empty where it is.
    """

    sighting: Attributed
    position: Position
    approval: str
    reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class User:
    """One person's use of one service.

    Attributes:
        service: the service's id.
        actor: who.
        units: organisational units at the times of the uses.
        within: uses within an approval.
        needs_reference: uses that need the reference of a case.
        outside: uses outside.
        before: uses before any approval began.
        reasons: why uses were outside, most frequent first.
    """

    service: str
    actor: Actor
    units: tuple[str, ...]
    within: int
    needs_reference: int
    outside: int
    before: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Granted:
    """One approval and the use that it got.

    Attributes:
        approval: which one.
        state: where it is in its time.
        within: uses within it.
        needs_reference: uses within it, apart from the reference of a case.
        people: who used the service within it, or would have with a reference.
        references: different cases.
        first: earliest of those uses.
        last: latest of those uses.
    """

    approval: Approval
    state: State
    within: int
    needs_reference: int
    people: int
    references: int
    first: int | None
    last: int | None

    @property
    def is_unused(self) -> bool:
        """Whether nobody used it, as far as was seen."""
        return not self.within and not self.needs_reference


@dataclass(frozen=True, slots=True)
class Approved:
    """All approvals and all uses.

    Attributes:
        granted: approvals by id.
        users: by service and actor.
        uses: by time and place.
    """

    granted: tuple[Granted, ...]
    users: tuple[User, ...]
    uses: tuple[Use, ...]


def approved(
    sightings: Iterable[Attributed],
    policy: Policy,
    categories: Mapping[str, str],
    references: References,
    now: int,
) -> Approved:
    """Every use of a service that an approval is about, and every approval.

    Args:
        sightings: judged by the policy.
        policy: the organisation's decisions.
        categories: service id → category.
        references: which case somebody worked on when.
        now: the instant at which approvals are about to end.
    """
    uses = []
    for one in sightings:
        approvals = policy.approvals_for(one.service, categories[one.service])
        if approvals and is_use(one.stage, denied=one.denied):
            uses.append(_use(one, approvals, references.at(one.actor.name, one.at)))
    uses.sort(key=lambda one: _place(one.sighting))
    granted = tuple(
        _granted(approval, [one for one in uses if one.approval == approval.id], now) for approval in policy.approvals
    )
    return Approved(granted, tuple(_users(uses)), tuple(uses))


def _use(one: Attributed, approvals: Sequence[Approval], reference: str) -> Use:
    if one.verdict is Verdict.APPROVED:
        return Use(one, Position.WITHIN, one.ruling, reference, "")
    if one.verdict is Verdict.NEEDS_REFERENCE:
        if reference:
            return Use(one, Position.WITHIN, one.ruling, reference, "")
        return Use(one, Position.NEEDS_REFERENCE, one.ruling, "", "no case reference is known")
    if one.at is None:
        return Use(one, Position.OUTSIDE, "", reference, "its time cannot be read")
    begun = [approval for approval in approvals if approval.valid_from <= one.at]
    if not begun:
        return Use(one, Position.BEFORE, "", reference, "no approval had begun")
    if one.verdict is Verdict.AFTER_ORDER:
        return Use(one, Position.OUTSIDE, "", reference, f"against order {one.ruling!r}")
    closest = max(begun, key=lambda approval: (approval.is_valid_at(one.at), approval.valid_until, approval.id))
    return Use(one, Position.OUTSIDE, "", reference, f"{closest.id}: {_reason(closest, one)}")


def _reason(approval: Approval, one: Attributed) -> str:
    """Why a use is outside an approval that had begun; it names nobody."""
    if not approval.is_valid_at(one.at):
        return "it had ended"
    if approval.max_stage is not None and one.stage.rung > approval.max_stage.rung:
        return f"{one.stage.value} is above {approval.max_stage.value}"
    group = approval.group
    if one.unit.lower() in group.units or one.actor.name.lower() in group.people:
        return "another device, or another customer's part of the service"
    if group.units:
        return "another unit" if one.unit else "the unit is not known"
    return "not among its people or devices"


def _granted(approval: Approval, uses: Sequence[Use], now: int) -> Granted:
    instants = [one.sighting.at for one in uses if one.sighting.at is not None]
    return Granted(
        approval=approval,
        state=_state(approval, now),
        within=sum(one.position is Position.WITHIN for one in uses),
        needs_reference=sum(one.position is Position.NEEDS_REFERENCE for one in uses),
        people=len({one.sighting.actor for one in uses}),
        references=len({one.reference for one in uses if one.reference}),
        first=min(instants, default=None),
        last=max(instants, default=None),
    )


def _state(approval: Approval, now: int) -> State:
    if now < approval.valid_from:
        return State.UPCOMING
    if now >= approval.valid_until:
        return State.ENDED
    return State.ENDS_SOON if approval.valid_until <= now + SOON else State.IN_FORCE


def _users(uses: Iterable[Use]) -> Iterator[User]:
    found: dict[tuple[str, Actor], list[Use]] = {}
    for one in uses:
        found.setdefault((one.sighting.service, one.sighting.actor), []).append(one)
    for service, actor in sorted(found):
        rows = found[service, actor]
        positions = [one.position for one in rows]
        reasons = [one.reason for one in rows if one.position is Position.OUTSIDE]
        yield User(
            service=service,
            actor=actor,
            units=tuple(sorted({one.sighting.unit for one in rows} - {""})),
            within=positions.count(Position.WITHIN),
            needs_reference=positions.count(Position.NEEDS_REFERENCE),
            outside=positions.count(Position.OUTSIDE),
            before=positions.count(Position.BEFORE),
            reasons=tuple(sorted(set(reasons), key=lambda reason: (-reasons.count(reason), reason))),
        )


def _place(one: Attributed) -> tuple[int, str, int, int, str]:
    return (1 << 62 if one.at is None else one.at, one.path, one.offset, one.part, one.indicator)
