"""Sightings meet their people: account, mailbox and address lead to one person of the directory, at that time.

Never guesses: a name that the directory does not know stays what it is, and where several people may be meant the
sighting stays the account's, mailbox's or address's with ``one_of`` how many. How sure it is:

- ``high``: the device knew the user, and the directory knows the account
- ``medium``: the person's mailbox; somebody who had logged in from that address, or on the machine with it; an account
  with a realm that the directory does not know
- ``low``: a machine told by the name that it gave itself, its owner by the directory; everything shared
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from detector.identity.actors import GRADES, attribute
from detector.identity.occupancy import Occupancies
from detector.identity.people import People, account_name
from detector.identity.stays import client_of, place_of
from detector.match import Actor, ActorKind, Attribution

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detector.identity.people import Holder, Tenure
    from detector.match import Sighting

MEMO_SUBJECTS = 65_536
"""Accounts, mailboxes and addresses that are remembered: who writes many names must not fill the memory."""


class Timeline(NamedTuple):
    """Whom sightings of one account, mailbox or address belong to, in consecutive times.

    Attributes:
        edges: (n,) instants, ascending: the first of each time but the first.
        attributions: (n + 1,) one for each time.
        timeless: of sightings whose time is unknown.
    """

    edges: tuple[int, ...]
    attributions: tuple[Attribution, ...]
    timeless: Attribution


class Resolver:
    """An ``Attribute``: whom a sighting belongs to, with a directory and with who was where."""

    def __init__(self, people: People, occupancies: Occupancies) -> None:
        self._people = people
        self._occupancies = occupancies
        self._timelines: dict[str, Timeline] = {}
        self._devices = lru_cache(maxsize=MEMO_SUBJECTS)(occupancies.devices)

    def device(self, address: str, at: int | None) -> str:
        """The name of the machine that had an address, empty where it is not known beyond doubt."""
        if at is None or not address:
            return ""
        edges, names = self._devices(place_of(address))
        return names[bisect_right(edges, at)]

    def __call__(self, sighting: Sighting) -> Attribution:
        """Whom a sighting belongs to, and how surely."""
        account, mailbox, at = sighting.account, sighting.mailbox, sighting.at
        subject = f"a{account}" if account else f"m{mailbox}" if mailbox else f"i{sighting.address}"
        try:
            edges, attributions, timeless = self._timelines[subject]
        except KeyError:
            if len(self._timelines) >= MEMO_SUBJECTS:
                self._timelines.clear()
            edges, attributions, timeless = self._timelines[subject] = self._timeline(sighting)
        return timeless if at is None else attributions[bisect_right(edges, at)]

    def _timeline(self, sighting: Sighting) -> Timeline:
        account, mailbox, address = sighting.account, sighting.mailbox, sighting.address
        plain = attribute(sighting).actor
        if account:
            return _named(self._people.account(account), plain, "high")
        if mailbox:
            return _named(self._people.mailbox(mailbox), plain, "medium")
        return _swept(plain, self._traces(place_of(address))) if address else _swept(plain, ())

    def _traces(self, address: str) -> Iterator[_Trace]:
        """Everything that says who was at an address."""
        for since, until, account, grade in self._occupancies.accounts(address):
            yield from self._people_at(since, until, account, grade)
        for machine in self._occupancies.machines(address):
            yield _Trace(machine.first, machine.until, _MACHINES, Actor(ActorKind.UNKNOWN, machine.who), "", "low")
            owned = self._people.host(client_of(machine.who).host)
            for since, until, holders in owned.spans(machine.first, machine.until):
                for one in holders:
                    yield _Trace(since, until, _OWNERS, Actor(ActorKind.PERSON, one.id), one.unit, "low")

    def _people_at(self, since: int, until: int, account: str, grade: str) -> Iterator[_Trace]:
        unknown = Actor(ActorKind.ACCOUNT, account_name(account))
        for start, end, holders in self._people.account(account).spans(since, until):
            if not holders:
                yield _Trace(start, end, _LOGINS, unknown, "", grade)
            for one in holders:
                sure = grade if one.is_sure else "low"
                yield _Trace(start, end, _LOGINS, Actor(ActorKind.PERSON, one.id), one.unit, sure)


_LOGINS, _OWNERS, _MACHINES = range(3)


class _Trace(NamedTuple):
    """Something that says who was at an address from one instant to another."""

    since: int
    until: int
    layer: int
    actor: Actor
    unit: str
    grade: str


def _named(tenure: Tenure, plain: Actor, grade: str) -> Timeline:
    """The timeline of a name that logs tell; without a time nobody is sure."""
    return Timeline(
        tenure.edges,
        tuple(_of_holders(holders, plain, grade) for holders in tenure.holders),
        _of_holders(tenure.at(None), plain, grade),
    )


def _of_holders(holders: tuple[Holder, ...], plain: Actor, grade: str) -> Attribution:
    if not holders:
        return Attribution(plain, GRADES[plain.kind])
    if len(holders) > 1:
        return Attribution(plain, "low", "", len(holders))
    (one,) = holders
    return Attribution(Actor(ActorKind.PERSON, one.id), grade if one.is_sure else "medium", one.unit)


def _swept(plain: Actor, traces: Iterable[_Trace]) -> Timeline:
    """The timeline of an address from all traces, in one sweep over their edges."""
    changes = sorted(
        (instant, step, trace) for trace in traces for instant, step in ((trace.since, 1), (trace.until, -1))
    )
    layers: tuple[dict[Actor, Counter[tuple[str, str]]], ...] = ({}, {}, {})
    edges: list[int] = []
    found = [Attribution(plain, GRADES[plain.kind])]
    for instant, step, trace in changes:
        layer, evidence = layers[trace.layer], (trace.grade, trace.unit)
        told = layer.setdefault(trace.actor, Counter())
        told[evidence] += step
        if not told[evidence]:
            del told[evidence]
        if not told:
            del layer[trace.actor]
        if not edges or edges[-1] != instant:
            edges.append(instant)
            found.append(found[-1])
        found[-1] = _of_layers(layers, plain)
    return Timeline(tuple(edges), tuple(found), found[0])


def _of_layers(layers: tuple[dict[Actor, Counter[tuple[str, str]]], ...], plain: Actor) -> Attribution:
    """Who is at an address while some traces hold: one party on one machine, or one of several."""
    parties = layers[_LOGINS] or layers[_OWNERS]
    several = max(len(parties), len(layers[_MACHINES]))
    if several > 1 or not parties:
        return Attribution(plain, GRADES[plain.kind], "", max(several, 1))
    ((actor, told),) = parties.items()
    grade, unit = max(told)  # "medium" comes behind "low"
    return Attribution(actor, grade, unit)
