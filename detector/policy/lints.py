"""What is doubtful about a sound policy: decisions that do nothing, that have ended, or that nobody can be held to.

The clock and the catalogue stand here and not in ``loader``: a policy that loads today loads for ever.
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from detector.events import MICROSECONDS, to_iso
from detector.policy.decisions import is_below
from detector.policy.words import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from detector.errors import Problem
    from detector.policy.decisions import Approval, Group, Order
    from detector.policy.loader import Loaded

SOON = 30 * 86_400 * MICROSECONDS
"""An approval that ends within so much time should be given again, or is about to be missed."""


class Doubt(NamedTuple):
    """One doubt.

    Attributes:
        problem: where it stands, what was found and what to do.
        is_error: whether a decision does not do what it says.
    """

    problem: Problem
    is_error: bool = False


def lint(loaded: Loaded, categories: Mapping[str, str], indicators: frozenset[str], now: int) -> list[Doubt]:
    """Doubts about a policy, by place.

    Args:
        loaded: the policy with its file.
        categories: service id → category of every service that is looked for.
        indicators: ids of every indicator.
        now: the instant at which ends are judged.
    """
    looking = _Looking(loaded, categories, now)
    found = [*looking.names(), *looking.approvals(), *looking.orders(), *looking.services(), *looking.rest(indicators)]
    return sorted(found, key=lambda one: one.problem)


class _Looking:
    """One policy that is looked over."""

    def __init__(self, loaded: Loaded, categories: Mapping[str, str], now: int) -> None:
        self.policy = loaded.policy
        self.file = loaded.file
        self.document = loaded.document
        self.categories = categories
        self.now = now

    def doubt(self, place: tuple[str | int, ...], message: str, *, is_error: bool = False) -> Doubt:
        name = ".".join(map(str, place))
        return Doubt(self.document.problem(place, f"{name}: {message}"), is_error)

    def names(self) -> Iterator[Doubt]:
        """Services and categories that no signature has."""
        for service in self.file.services:
            yield from self._unknown(("services", service), service, is_error=False)
        for category in self.file.defaults:
            yield from self._empty(("defaults", category), category, is_error=False)
        scopes = [("approvals", index, one.services, one.category) for index, one in enumerate(self.file.approvals)]
        scopes += [("orders", index, one.services, one.category) for index, one in enumerate(self.file.orders)]
        for part, index, services, parent in scopes:
            for at, service in enumerate(services):
                yield from self._unknown((part, index, "services", at), service, is_error=True)
            if parent:
                yield from self._empty((part, index, "category"), parent, is_error=True)
        for index, tenant in enumerate(self.file.tenants):
            yield from self._unknown(("tenants", index, "service"), tenant.service, is_error=True)

    def approvals(self) -> Iterator[Doubt]:
        """Approvals that have ended, that are too broad, or that change nothing."""
        by_id = {one.id: one for one in self.policy.approvals}
        for index, said in enumerate(self.file.approvals):
            one, place = by_id[said.id], ("approvals", index)
            if one.valid_until <= self.now:
                yield self.doubt((*place, "valid_until"), f"ended {to_iso(one.valid_until)}: kept for what was before")
            elif one.valid_until <= self.now + SOON:
                yield self.doubt((*place, "valid_until"), f"ends {to_iso(one.valid_until)}: soon")
            if not one.approver:
                yield self.doubt(place, "has no approver: say who gave it")
            covered = [service for service, category in self.categories.items() if one.scope.covers(service, category)]
            if len(covered) == len(self.categories) > 1:
                yield self.doubt(place, "approves every service there is: name those that are meant", is_error=True)
            yield from self._without_effect(place, one, covered)

    def orders(self) -> Iterator[Doubt]:
        """Orders that nobody was told of, or that say the same twice."""
        for index, order in enumerate(self.file.orders):
            members = order.addressees
            if members.is_nobody:
                yield self.doubt(("orders", index), "has no addressees: it binds everybody, and names nobody as told")
        places = {one.id: ("orders", index) for index, one in enumerate(self.file.orders)}
        for one, other in combinations(self.policy.orders, 2):
            if self._overlap(one, other):
                message = f"overlaps with order {one.id!r}: the same people, service and time"
                yield self.doubt(places[other.id], message)

    def services(self) -> Iterator[Doubt]:
        """Statuses that count for all times, or that an approval contradicts."""
        for service, said in self.file.services.items():
            place = ("services", service)
            if said.status is Status.APPROVED and said.since is None:
                yield self.doubt(place, "is approved without since: what was before the decision is approved too")

    def rest(self, indicators: frozenset[str]) -> Iterator[Doubt]:
        """Observers that hide a whole unit, and mutes that have ended or mute nothing."""
        for index, observer in enumerate(self.file.observers):
            if observer.units and not observer.hosts:
                yield self.doubt(("observers", index, "units"), "leaves out whole units: name people or devices")
        for index, (mute, said) in enumerate(zip(self.policy.mutes, self.file.mutes, strict=True)):
            if said.indicator not in indicators:
                near = get_close_matches(said.indicator, indicators, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                yield self.doubt(("mutes", index, "indicator"), f"no signature has it{hint}", is_error=True)
            if mute.until <= self.now:
                yield self.doubt(("mutes", index, "until"), f"ended {to_iso(mute.until)}: kept for what was before")

    def _unknown(self, place: tuple[str | int, ...], service: str, *, is_error: bool) -> Iterator[Doubt]:
        if service not in self.categories:
            near = get_close_matches(service, self.categories, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield self.doubt(place, f"no signature is called {service!r}{hint}", is_error=is_error)

    def _empty(self, place: tuple[str | int, ...], category: str, *, is_error: bool) -> Iterator[Doubt]:
        if not any(is_below(one, category) for one in self.categories.values()):
            near = get_close_matches(category, sorted(set(self.categories.values())), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield self.doubt(place, f"no signature has the category {category!r}{hint}", is_error=is_error)

    def _without_effect(self, place: tuple[str | int, ...], one: Approval, covered: list[str]) -> Iterator[Doubt]:
        statuses = {service: self.policy.status_of(service, self.categories[service]) for service in covered}
        if covered and all(status is Status.APPROVED for status in statuses.values()):
            yield self.doubt(place, "narrows nothing: the status approved allows everybody; write restricted there")
        held = [
            service
            for service, status in statuses.items()
            if status is Status.PROHIBITED and service not in one.scope.services
        ]
        if held:
            more = f" and {len(held) - 1} more" if len(held) > 1 else ""
            yield self.doubt(place, f"does not lift the prohibition of {min(held)!r}{more}: name the service")
        for order in self.policy.orders:
            shared = any(order.scope.covers(service, self.categories[service]) for service in covered)
            if shared and one.given <= order.effective < one.valid_until and _meet(one.group, order.addressees):
                yield self.doubt(place, f"was given before order {order.id!r}, which ends it for those that it binds")

    def _overlap(self, one: Order, other: Order) -> bool:
        ends = other.lifted is None or other.lifted > one.effective
        begins = one.lifted is None or one.lifted > other.effective
        shared = any(
            one.scope.covers(service, category) and other.scope.covers(service, category)
            for service, category in self.categories.items()
        )
        return begins and ends and shared and _meet(one.addressees, other.addressees)


def _meet(one: Group, other: Group) -> bool:
    """Whether somebody may be in both; a group of nobody is of everybody, and a person may be of any unit."""
    if one.is_empty or other.is_empty:
        return True
    if one.units and other.units:
        return bool(one.units & other.units or one.people & other.people)
    return bool(one.people & other.people) or bool(one.units) != bool(other.units)
