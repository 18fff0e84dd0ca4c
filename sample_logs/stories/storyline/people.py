"""The staff of a story: plain ids, one workstation and one mailbox each."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storyline.clock import at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

DOMAIN = "service.example"
UNITS = {
    "child exploitation": 16,
    "anti-trafficking": 14,
    "cyber crime": 16,
    "digital forensics": 14,
    "patrol": 110,
    "investigations": 60,
    "dispatch": 30,
    "records": 20,
    "administration": 20,
}
"""Units and how many people work there."""


@dataclass(frozen=True, slots=True)
class Person:
    """One member of staff.

    Attributes:
        id: also the account's name.
        host: the workstation.
        address: of the workstation.
        unit: where the person works.
        site: ``hq`` or ``east``.
        since: date from which the entry is valid.
        until: date until which it is valid, empty for open.
    """

    id: str
    host: str
    address: str
    unit: str
    site: str
    since: str = "2018-04-01"
    until: str = ""

    @property
    def mailbox(self) -> str:
        """The mail address."""
        return f"{self.id}@{DOMAIN}"

    def is_valid(self, instant: int) -> bool:
        """Whether the directory's entry holds then."""
        return at(self.since) <= instant and not (self.until and instant >= at(self.until))


def staff(dice: Random) -> list[Person]:
    """300 people in an order that says nothing, three of ten at the second site."""
    units = [unit for unit, count in UNITS.items() for _ in range(count)]
    dice.shuffle(units)
    hosts = dice.sample(range(100, 900), len(units))
    return [_person(dice, number, unit, hosts[number]) for number, unit in enumerate(units)]


def crew(dice: Random, units: Mapping[str, int], field: frozenset[str] = frozenset()) -> list[Person]:
    """The people of a smaller service, in an order that says nothing; some units work at the second site."""
    names = [unit for unit, count in units.items() for _ in range(count)]
    dice.shuffle(names)
    hosts, ids = dice.sample(range(100, 900), len(names)), dice.sample(range(1001, 1400), len(names))
    return [_member(number, unit, hosts[number], ids[number], field) for number, unit in enumerate(names)]


def pick(dice: Random, people: Sequence[Person], unit: str, site: str) -> Person:
    """Somebody of a unit at a site."""
    return dice.choice([person for person in people if (person.unit, person.site) == (unit, site)])


def directory(people: Sequence[Person]) -> str:
    """The people directory as CSV."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["id", "name", "mails", "accounts", "unit", "valid_from", "valid_until"])
    for one in people:
        table.writerow([one.id, one.id, one.mailbox, one.id, one.unit, one.since, one.until])
    return text.getvalue()


def _person(dice: Random, number: int, unit: str, host: int) -> Person:
    site = "hq" if number % 10 < 7 else "east"
    network = 20 if site == "hq" else 40
    address = f"10.{network}.{2 + number // 50}.{20 + number % 50}"
    until = f"2020-0{dice.randrange(1, 3)}-15" if unit == "patrol" and dice.randrange(20) == 0 else ""
    return Person(f"u{1001 + number}", f"ws-{host:04d}", address, unit, site, until=until)


def _member(number: int, unit: str, host: int, identity: int, field: frozenset[str]) -> Person:
    site, network = ("east", 40) if unit in field else ("hq", 20)
    return Person(f"u{identity}", f"ws-{host:04d}", f"10.{network}.2.{20 + number}", unit, site)
