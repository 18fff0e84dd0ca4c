"""Who sat where: which workstation had which address when, and who had logged in there.

People are written about with the address that their workstation has at first. Where a site is renumbered, every
address passes on to the next workstation: from then on it belongs to somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from storyline.clock import DAY, HOUR, MINUTE, SECOND, is_workday, moment
from storyline.events import Lease, Login, Lookup, Web

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from storyline.events import Event
    from storyline.people import Person

LEASE_SECONDS = 8 * 86_400
MONDAY, THURSDAY = 0, 3
_SERVER, _SERVER_HOST = "10.20.1.10", "srv-backup"


@dataclass(slots=True)
class Desks:
    """The workstations of a site.

    Attributes:
        people: one at each workstation.
        renumbered_at: midnight at which every address passes on, 0 for never.
        unattended: people whose workstation is used without a login.
        shared: id → another one who is logged in at the same workstation all the time.
    """

    people: Sequence[Person]
    renumbered_at: int = 0
    unattended: frozenset[str] = frozenset()
    shared: Mapping[str, str] = field(default_factory=dict)
    _next: dict[str, str] = field(init=False)
    _seated: dict[str, Person] = field(init=False)

    def __post_init__(self) -> None:
        addresses = [person.address for person in self.people]
        self._next = dict(zip(addresses, [*addresses[1:], *addresses[:1]], strict=True))
        self._seated = {person.address: person for person in self.people}

    def address(self, first: str, instant: int) -> str:
        """What the workstation that had an address at first has later."""
        is_later = self.renumbered_at and instant >= self.renumbered_at
        return self._next.get(first, first) if is_later else first

    def moved(self, event: Event) -> Event:
        """The event with the address that its workstation had then."""
        if self.renumbered_at and isinstance(event, Web | Lookup):
            return replace(event, address=self.address(event.address, event.at))
        return event

    def seated(self, first: str) -> Person | None:
        """Who alone had logged in at the workstation that had an address at first."""
        person = self._seated.get(first)
        return None if person is None or person.id in self.unattended or person.id in self.shared else person

    def leases(self, dice: Random, days: Sequence[int]) -> Iterator[Lease]:
        """Addresses are given for eight days and renewed on Mondays and Thursdays."""
        for number, day in enumerate(days):
            is_new = number == 0 or day == self.renumbered_at
            if is_new or moment(day).weekday() in (MONDAY, THURSDAY):
                for person in self.people:
                    yield from self._lease(dice, person, day, is_new=is_new, had_another=number > 0)

    def logins(self, dice: Random, days: Sequence[int]) -> Iterator[Login]:
        """Everybody logs in in the morning and after lunch; a server logs in every hour."""
        for day in days:
            for hour in range(24):
                yield Login(day + hour * HOUR + 7 * MINUTE, _SERVER, _SERVER_HOST, "svc-backup")
            for person in self.people if is_workday(day) else ():
                if person.id not in self.unattended and person.is_valid(day):
                    address = self.address(person.address, day)
                    for start in (12 * HOUR, 17 * HOUR):
                        instant = day + start + dice.randrange(50 * 60) * SECOND
                        yield Login(instant, address, person.host, person.id)
                        if other := self.shared.get(person.id):
                            yield Login(instant + MINUTE, address, person.host, other)

    def _lease(self, dice: Random, person: Person, day: int, *, is_new: bool, had_another: bool) -> Iterator[Lease]:
        if is_new and had_another:
            yield Lease(day + dice.randrange(60) * SECOND, person.address, person.host, 0)
        instant = day + (2 * MINUTE if is_new else 11 * HOUR) + dice.randrange(40 * 60) * SECOND
        yield Lease(instant, self.address(person.address, day), person.host, LEASE_SECONDS, is_new)


def days_between(start: int, end: int) -> list[int]:
    """The midnights from one instant until before another."""
    return list(range(start, end, DAY))
