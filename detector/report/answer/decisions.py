"""What the organisation's decisions say of what was found: orders to cease use, and approvals.

The statements of a policy are left out: they are what the organisation says, an answer is what its logs show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.answers import Compliance, Deletion, Position
from detector.report.answer.blocks import Block, Grid, Prose, Section
from detector.report.answer.sentences import listed
from detector.report.wording import counted, day, moment, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from detector.answers import Followed, Follower
    from detector.answers.approvals import Granted, User
    from detector.answers.orders import Phase
    from detector.match import Actor
    from detector.report.answer.shown import Shown

DELETIONS: Mapping[Deletion, str] = {
    Deletion.NOT_ASKED: "not asked for",
    Deletion.NO_ACCOUNT: "no account seen",
    Deletion.SEEN: "seen",
    Deletion.OPEN: "still open",
}


def decisions(shown: Shown) -> Iterator[Section]:
    """Orders and approvals, where there are any."""
    answer = shown.answer
    if answer.followed:
        blocks = [block for one in answer.followed for block in _order(one, shown)]
        yield Section("Orders to cease use", tuple(blocks))
    if answer.approved is not None:
        yield Section("Approvals", tuple(_approvals(shown)))


def compliances(order: Followed) -> str:
    """How many people did what, in words."""
    found = [one.compliance for one in order.followers]
    texts = [f"{found.count(one)} {one.value.upper()}" for one in Compliance if one in found]
    return listed(texts) or "nobody was seen whom it could concern"


def _order(order: Followed, shown: Shown) -> Iterator[Block]:
    one = order.order
    breach = f", a use is a breach from {moment(one.breach_from)[:16]}" if one.breach_from != one.effective else ""
    text = (
        f"{one.id}, in force from {moment(one.effective)[:16]} UTC{breach}: {order.compliance.value.upper()} "
        f"({compliances(order)}). Of the time after it, logs cover {share(order.covered)}."
    )
    yield Prose(text, "bad" if order.compliance is Compliance.BREACH else "")
    if order.followers:
        heads = ("Who", "Followed", "Before", "In grace", "After", "Last before", "First after", "Account", "Why")
        followers = sorted(order.followers, key=lambda follower: shown.place(follower.actor))
        rows = tuple(_follower(follower, shown.labels) for follower in followers)
        caption = "Uses (days) before the order, in its grace period and after it; refused attempts beside them."
        yield Grid(heads, rows, caption, frozenset(), frozenset({"Who"}))


def _follower(one: Follower, labels: Mapping[Actor, str]) -> tuple[str, ...]:
    deletion = DELETIONS[one.deletion]
    return (
        labels[one.actor], one.compliance.value.upper(), _phase(one.before), _phase(one.grace), _phase(one.after),
        day(one.last_before) if one.last_before is not None else "none",
        moment(one.first_after)[:16] if one.first_after is not None else "none",
        f"{deletion}, {day(one.deleted)}" if one.deleted is not None else deletion, one.reason,
    )  # fmt: skip


def _phase(phase: Phase) -> str:
    text = f"{counted(phase.used, 'use')} ({counted(phase.days, 'day')})" if phase.used else "none"
    if phase.background:
        text += f", {phase.background:,} background"
    return f"{text}, {phase.blocked:,} refused" if phase.blocked else text


def _approvals(shown: Shown) -> Iterator[Block]:
    found = shown.answer.approved
    if found is None:
        return
    positions = [use.position for use in found.uses]
    told = [f"{positions.count(one):,} {_POSITIONS[one]}" for one in Position if one in positions]
    yield Prose(f"Uses: {listed(told)}." if told else "No use was seen.")
    heads = ("Approval", "From", "Until", "State", "Within", "Need a reference", "People", "Cases")
    numbers = frozenset({"Within", "Need a reference", "People", "Cases", "Outside", "Before"})
    yield Grid(heads, tuple(map(_granted, found.granted)), "Approvals, and the use that they got.", numbers)
    if found.users:
        users = sorted(found.users, key=lambda user: shown.place(user.actor))
        rows = tuple(_user(user, shown.labels) for user in users)
        yield Grid(_USERS, rows, "Uses by person, each judged as of its own time.", numbers, frozenset({"Who"}))


_USERS = ("Who", "Within", "Need a reference", "Outside", "Before", "Why outside")
_POSITIONS = {
    Position.WITHIN: "within",
    Position.NEEDS_REFERENCE: "in need of a case reference",
    Position.OUTSIDE: "outside",
    Position.BEFORE: "before any approval",
}


def _granted(one: Granted) -> tuple[str, ...]:
    approval = one.approval
    return (
        approval.id, day(approval.valid_from), day(approval.valid_until - 1), one.state.value, f"{one.within:,}",
        f"{one.needs_reference:,}", f"{one.people:,}", f"{one.references:,}",
    )  # fmt: skip


def _user(one: User, labels: Mapping[Actor, str]) -> tuple[str, ...]:
    return (
        labels[one.actor], f"{one.within:,}", f"{one.needs_reference:,}", f"{one.outside:,}", f"{one.before:,}",
        "; ".join(one.reasons),
    )  # fmt: skip
