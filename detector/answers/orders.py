"""Was an order to cease use followed: for each person what was before, in the grace period and after it.

Whether a person followed an order, the first line that fits wins:

====================================================================  =========
what was seen of the person                                           said
====================================================================  =========
a use behind the grace period that no later approval allows, and the  breach
requests are not all background
only such background requests: a program was left running, nobody is  unproven
shown to have used it
a use whose time cannot be read                                       unproven
nothing of that, but the logs cover less of the time behind the       unproven
grace period than is required
nothing of that                                                       compliant
====================================================================  =========

A refused attempt, a look-up and mail are no uses.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from detector.answers.clockwork import background
from detector.coverage import Window
from detector.events import MICROSECONDS, Stage
from detector.findings import several
from detector.policy import Duty, Subject, Verdict, is_use

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detector.coverage import Ledger
    from detector.events import Kind
    from detector.findings import Attributed
    from detector.match import Actor
    from detector.policy import Order

_DAY = 86_400 * MICROSECONDS


class Compliance(StrEnum):
    """Whether an order was followed."""

    COMPLIANT = "compliant"
    BREACH = "breach"
    UNPROVEN = "unproven"


class Deletion(StrEnum):
    """Whether an account was deleted, as far as mail shows it."""

    NOT_ASKED = "not-asked"
    """The order does not ask for it."""
    NO_ACCOUNT = "no-account"
    """No account was seen."""
    SEEN = "seen"
    OPEN = "open"


class Phase(NamedTuple):
    """What was seen of one person in one phase.

    Attributes:
        used: sightings that are uses.
        background: those among them that a program made by the clock.
        blocked: refused attempts.
        looked_up: look-ups without more.
        days: calendar days (UTC) with a use.
    """

    used: int = 0
    background: int = 0
    blocked: int = 0
    looked_up: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class Follower:
    """One person and one order.

    Attributes:
        actor: who.
        grade: how surely it is one person, by the surest sighting.
        one_of: how many people it may have been.
        units: organisational units at the times of the sightings.
        is_bound: whether the order was given to the person, as far as is known.
        before: what was before the order.
        grace: what was in the grace period.
        after: what was behind it.
        last_before: last use before the order, ``None`` where there is none.
        first_after: first use behind the grace period that nothing allows.
        last_use: last use of all.
        allowed_after: uses behind the grace period that a later approval allows, or that the order does not bind.
        compliance: whether it was followed.
        reason: why, one sentence.
        deletion: whether the account was deleted.
        deleted: when the vendor confirmed it, ``None`` where nothing was seen.
    """

    actor: Actor
    grade: str
    one_of: int
    units: tuple[str, ...]
    is_bound: bool
    before: Phase
    grace: Phase
    after: Phase
    last_before: int | None
    first_after: int | None
    last_use: int | None
    allowed_after: int
    compliance: Compliance
    reason: str
    deletion: Deletion
    deleted: int | None


@dataclass(frozen=True, slots=True)
class Followed:
    """One order, and who followed it.

    Attributes:
        order: which one.
        until: end of the time that was looked at (exclusive).
        covered: share (0 to 1) of the time behind the grace period that the least covered kind of log covers.
        required: share from which on silence counts.
        followers: breaches first, then what is unproven, then by the actor.
    """

    order: Order
    until: int
    covered: float
    required: float
    followers: tuple[Follower, ...]

    @property
    def compliance(self) -> Compliance:
        """Of all together: a breach of anybody is one; without anybody it is proven by coverage alone."""
        found = {one.compliance for one in self.followers}
        if Compliance.BREACH in found:
            return Compliance.BREACH
        if Compliance.UNPROVEN in found or self.covered < self.required:
            return Compliance.UNPROVEN
        return Compliance.COMPLIANT

    @property
    def deletions(self) -> Counter[Deletion]:
        """How many accounts were deleted, or are still open."""
        return Counter(one.deletion for one in self.followers)


def followed(
    order: Order, sightings: Iterable[Attributed], *, until: int, covered: float, required: float = 0.95
) -> Followed:
    """Who followed an order.

    Args:
        order: which one.
        sightings: judged by the policy that the order stands in; only those of services that the order is about.
        until: end of the time that is looked at.
        covered: share (0 to 1) of the time from the end of the grace period to ``until`` that the logs cover.
        required: share from which on silence counts.
    """
    everybody: dict[Actor, list[Attributed]] = {}
    for one in sightings:
        if one.at is None or one.at < until:
            everybody.setdefault(one.actor, []).append(one)
    is_covered = covered >= required
    found = [
        _follower(order, actor, sorted(rows, key=_place), covered=covered, is_covered=is_covered)
        for actor, rows in everybody.items()
        if any(_is_telling(one) for one in rows)
    ]
    weights = [Compliance.BREACH, Compliance.UNPROVEN, Compliance.COMPLIANT]
    found.sort(key=lambda one: (weights.index(one.compliance), one.actor))
    return Followed(order, until, covered, required, tuple(found))


def covered_behind(order: Order, needed: Iterable[Kind], ledger: Ledger) -> float:
    """The share (0 to 1) of a window, from the end of an order's grace period on, that the needed kinds of log cover.

    Of an order whose grace period ends behind the window, or that was given before it, the whole window counts.
    """
    since = max(order.breach_from, ledger.window.since)
    behind = ledger._replace(window=Window(since, ledger.window.until)) if since < ledger.window.until else ledger
    return min((behind.share(kind) for kind in needed), default=0.0)


def _is_telling(one: Attributed) -> bool:
    """Whether a sighting makes its actor somebody whom the order is about: advertising and look-ups do not."""
    return one.denied or is_use(one.stage, denied=False) or one.stage is Stage.CLOSED


def _follower(order: Order, actor: Actor, rows: Sequence[Attributed], *, covered: float, is_covered: bool) -> Follower:
    uses = [one for one in rows if is_use(one.stage, denied=one.denied)]
    clockwork = background(uses)
    behind = [one for one in uses if order.is_in_force_at(one.at)]
    breaches = [one for one in behind if one.verdict is Verdict.AFTER_ORDER]
    timed = [one.at for one in uses if one.at is not None]
    is_bound = bool(breaches) or any(order.binds(Subject(frozenset({actor.name}), one.unit)) for one in rows)
    compliance, reason = _judged(breaches, clockwork, unknown=len(uses) - len(timed))
    if compliance is Compliance.COMPLIANT and is_bound and not is_covered:
        compliance, reason = Compliance.UNPROVEN, f"the logs cover {100 * covered:.1f} % of the time after it"
    deletion, deleted = _deletion(order, rows)
    return Follower(
        actor=actor,
        grade=max((one.grade for one in rows), key=("low", "medium", "high").index),
        one_of=several(actor, rows),
        units=tuple(sorted({one.unit for one in rows} - {""})),
        is_bound=is_bound,
        before=_phase((one for one in rows if one.at is not None and one.at < order.effective), clockwork),
        grace=_phase(
            (one for one in rows if one.at is not None and order.effective <= one.at < order.breach_from), clockwork
        ),
        after=_phase((one for one in rows if order.is_in_force_at(one.at)), clockwork),
        last_before=max((at for at in timed if at < order.effective), default=None),
        first_after=min((one.at for one in breaches if one.at is not None), default=None),
        last_use=max(timed, default=None),
        allowed_after=len(behind) - len(breaches),
        compliance=compliance,
        reason=reason,
        deletion=deletion,
        deleted=deleted,
    )


def _judged(breaches: Sequence[Attributed], clockwork: frozenset[str], unknown: int) -> tuple[Compliance, str]:
    by_hand = sum(one.id not in clockwork for one in breaches)
    if by_hand:
        return Compliance.BREACH, f"{_counted(by_hand, 'use')} after the grace period"
    if breaches:
        return Compliance.UNPROVEN, f"{_counted(len(breaches), 'background request')}: a program was left running"
    if unknown:
        return Compliance.UNPROVEN, f"{_counted(unknown, 'use')} whose time cannot be read"
    return Compliance.COMPLIANT, "no use after the grace period"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _deletion(order: Order, rows: Sequence[Attributed]) -> tuple[Deletion, int | None]:
    """Whether an account that was seen was deleted behind its last sign-up."""
    closed = max(
        (one.at for one in rows if one.stage is Stage.CLOSED and not one.denied and one.at is not None), default=None
    )
    if Duty.DELETE_ACCOUNT not in order.duties:
        return Deletion.NOT_ASKED, closed
    account = [one for one in rows if not one.denied and _is_of_account(one.stage)]
    again = [one for one in account if closed is not None and one.at is not None and one.at > closed]
    if closed is not None and not again:
        return Deletion.SEEN, closed
    return (Deletion.OPEN, closed) if account else (Deletion.NO_ACCOUNT, None)


def _is_of_account(stage: Stage) -> bool:
    return stage.rung >= Stage.SIGNED_UP.rung or stage is Stage.PAID


def _phase(rows: Iterable[Attributed], clockwork: frozenset[str]) -> Phase:
    kept = list(rows)
    uses = [one for one in kept if is_use(one.stage, denied=one.denied)]
    return Phase(
        used=len(uses),
        background=sum(one.id in clockwork for one in uses),
        blocked=sum(one.denied for one in kept),
        looked_up=sum(one.stage is Stage.RESOLVED and not one.denied for one in kept),
        days=len({one.at // _DAY for one in uses if one.at is not None}),
    )


def _place(one: Attributed) -> tuple[int, str, int, int, str]:
    return (1 << 62 if one.at is None else one.at, one.path, one.offset, one.part, one.indicator)
