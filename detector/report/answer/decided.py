"""Orders and approvals in the JSON document of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from detector.events import to_iso
from detector.report.answer import schema
from detector.report.answer.shown import Reader
from detector.report.answer.values import iso, percent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.answers import Followed, Follower
    from detector.answers.approvals import Granted, User
    from detector.report.answer.shown import Shown

Row = TypeVar("Row", "Follower", "User")


def order(one: Followed, shown: Shown) -> schema.Order:
    """One order, and who followed it."""
    is_public = shown.showing.reader is Reader.PUBLIC
    return schema.Order(
        id=one.order.id,
        effective=to_iso(one.order.effective),
        breach_from=to_iso(one.order.breach_from),
        duties=[duty.value for duty in one.order.duties],
        compliance=one.compliance.value,
        covered_pct=percent(one.covered),
        people=None if is_public else [_follower(follower, shown) for follower in _in_order(one.followers, shown)],
    )


def _in_order(rows: Iterable[Row], shown: Shown) -> list[Row]:
    return sorted(rows, key=lambda row: shown.place(row.actor))


def _follower(one: Follower, shown: Shown) -> schema.Follower:
    return schema.Follower(
        id=shown.id_of(one.actor),
        compliance=one.compliance.value,
        reason=one.reason,
        is_bound=one.is_bound,
        days_before=one.before.days,
        days_grace=one.grace.days,
        days_after=one.after.days,
        background_after=one.after.background,
        attempts_after=one.after.blocked,
        allowed_after=one.allowed_after,
        last_before=iso(one.last_before),
        first_after=iso(one.first_after),
        last_use=iso(one.last_use),
        deletion=one.deletion.value,
        deleted=iso(one.deleted),
    )


def approvals(shown: Shown) -> schema.Approvals | None:
    """Approvals and uses, for readers inside."""
    found = shown.answer.approved
    if found is None or shown.showing.reader is Reader.PUBLIC:
        return None
    return schema.Approvals(
        approvals=[_granted(one) for one in found.granted],
        people=[_user(one, shown) for one in _in_order(found.users, shown)],
    )


def _granted(one: Granted) -> schema.Approval:
    return schema.Approval(
        id=one.approval.id,
        since=to_iso(one.approval.valid_from),
        until=to_iso(one.approval.valid_until),
        state=one.state.value,
        within=one.within,
        needs_reference=one.needs_reference,
        people=one.people,
        references=one.references,
    )


def _user(one: User, shown: Shown) -> schema.User:
    return schema.User(
        id=shown.id_of(one.actor),
        within=one.within,
        needs_reference=one.needs_reference,
        outside=one.outside,
        before=one.before,
        reasons=list(one.reasons),
    )
