"""The decisions of a policy as tables, and as JSON data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import to_iso
from detector.report.columns import columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.policy import Approval, Group, Order, Policy
    from detector.policy.decisions import Scope


def page(policy: Policy) -> Iterator[str]:
    """Lines: a table for each kind of decision that there is."""
    for title, rows in _tables(policy):
        if len(rows) > 1:
            yield title
            yield from (f"  {line}" for line in columns(rows))
            yield ""


def as_data(policy: Policy) -> dict[str, object]:
    """The policy as JSON data."""
    return {
        "digest": policy.digest,
        "defaults": {category: status.value for category, status in policy.defaults},
        "services": {
            one.service: {"status": one.status.value, "since": _iso(one.since), "purpose": one.purpose,
                          "information": one.information, "mitigations": one.mitigations,
                          "assessment": one.assessment, "owner": one.owner, "retention": one.retention}
            for one in policy.entries},
        "approvals": [
            {"id": one.id, **_scope_data(one.scope), **_group_data(one.group), "purposes": one.purposes,
             "needs_reference": one.needs_reference, "max_stage": one.max_stage and one.max_stage.value,
             "given": to_iso(one.given), "valid_from": to_iso(one.valid_from), "valid_until": to_iso(one.valid_until),
             "reference": one.reference, "approver": one.approver, "statement": one.statement}
            for one in policy.approvals],
        "orders": [
            {"id": one.id, **_scope_data(one.scope), "effective": to_iso(one.effective),
             "breach_from": to_iso(one.breach_from), "lifted": _iso(one.lifted),
             "addressees": _group_data(one.addressees), "duties": [duty.value for duty in one.duties],
             "reference": one.reference, "statement": one.statement}
            for one in policy.orders],
        "observers": [_group_data(one) for one in policy.observers],
        "tenants": [
            {"service": one.service, "domains": one.domains, "own": sorted(one.own), "common": sorted(one.common)}
            for one in policy.tenants],
        "mutes": [{"indicator": one.indicator, "reason": one.reason, "until": to_iso(one.until)}
                  for one in policy.mutes],
    }  # fmt: skip


def _tables(policy: Policy) -> Iterator[tuple[str, list[Sequence[str]]]]:
    statuses = [(category, status.value, "", "") for category, status in policy.defaults]
    statuses += [(one.service, one.status.value, _day(one.since), one.assessment) for one in policy.entries]
    yield "Status", [("service or category", "status", "since", "assessment"), *statuses]
    heads = ("id", "what", "who", "up to", "from", "until", "case reference")
    yield "Approvals (UTC; the end is not included)", [heads, *map(_approval, policy.approvals)]
    heads = ("id", "what", "in force", "breach from", "lifted", "who", "duties")
    yield "Orders", [heads, *map(_order, policy.orders)]
    yield "Observers", [("who",), *((_group(one),) for one in policy.observers)]
    tenants = [(one.service, ", ".join(one.domains), ", ".join(sorted(one.own))) for one in policy.tenants]
    yield "Tenants", [("service", "below", "own"), *tenants]
    yield "Mutes", [("indicator", "until", "reason"), *((m.indicator, _day(m.until), m.reason) for m in policy.mutes)]


def _approval(one: Approval) -> Sequence[str]:
    stage = one.max_stage.value if one.max_stage else "any stage"
    needed = "needed" if one.needs_reference else ""
    return (one.id, _scope(one.scope), _group(one.group), stage, _day(one.valid_from), _day(one.valid_until), needed)


def _order(one: Order) -> Sequence[str]:
    duties = ", ".join(duty.value for duty in one.duties)
    return (
        one.id, _scope(one.scope), to_iso(one.effective), to_iso(one.breach_from), _day(one.lifted),
        _group(one.addressees) or "everybody", duties,
    )  # fmt: skip


def _scope(scope: Scope) -> str:
    return f"{scope.category}/*" if scope.category else ", ".join(sorted(scope.services))


def _group(group: Group) -> str:
    who = [*(f"unit {unit}" for unit in sorted(group.units)), *sorted(group.people)]
    where = f"on {', '.join(sorted(group.hosts))}" if group.hosts else ""
    return " ".join(part for part in (", ".join(who), where) if part)


def _scope_data(scope: Scope) -> dict[str, object]:
    return {"services": sorted(scope.services), "category": scope.category or None}


def _group_data(group: Group) -> dict[str, object]:
    return {"units": sorted(group.units), "people": sorted(group.people), "hosts": sorted(group.hosts)}


def _iso(instant: int | None) -> str | None:
    return None if instant is None else to_iso(instant)


def _day(instant: int | None) -> str:
    return "" if instant is None else to_iso(instant)[:16].replace("T00:00", "")
