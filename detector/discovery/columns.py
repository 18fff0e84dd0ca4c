"""Lines that their format can cut into fields: who asked for which host, a chunk at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detector.discovery.cutting import lines_of
from detector.discovery.people import person_written
from detector.discovery.vocabulary import IDLE, UNREAD, Text, Vocabulary, are_numbers
from detector.match import Actor, ActorKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from detector.discovery.cutting import Flags, Lines, Places
    from detector.discovery.inventory import Inventory
    from detector.discovery.vocabulary import Codes
    from detector.events.glance import Cut


_NOBODY = Actor(ActorKind.ADDRESS, "")


class ColumnLook:
    """A look at chunks that are cut the same way.

    Domains and people are numbers while they are counted; 0 is no news and nobody.
    """

    def __init__(self, cut: Cut, news: Callable[[str], str | None], limit: int) -> None:
        self.cut = cut
        self._news = news
        self._limit = limit
        self._domains: list[str] = [""]
        self._domain_codes: dict[str, int] = {}
        self._inventory: Inventory | None = None
        self._is_open = np.zeros(1, np.bool_)
        self._is_seen = np.ones(1, np.bool_)
        self._people: list[Actor] = [_NOBODY]
        self._person_codes: dict[Actor, int] = {}
        self._hosts = Vocabulary(cut.host, self._domain)
        self._checks = [(check, Vocabulary(check, lambda _: 1)) for check in cut.checks]
        self._addresses = Vocabulary(cut.address, lambda value: self._person(b"", value))
        self._users = None if cut.user is None else Vocabulary(cut.user, lambda value: self._person(value, b""))

    def take(self, data: bytes, inventory: Inventory, *, is_before: bool) -> bytes:
        """Look at a chunk that ends with a newline; gives the lines that are to be parsed.

        Args:
            data: the chunk.
            inventory: where what is found goes.
            is_before: it lies before the window and only tells which domains are old.
        """
        text = Text(data)
        lines = lines_of(text.bytes, self.cut)
        is_read = np.ones(len(lines.regular), np.bool_)
        is_use = np.ones(len(lines.regular), np.bool_)
        for at in self.cut.numbers:
            is_read &= are_numbers(text, *lines.field(at))
        for check, vocabulary in self._checks:
            codes = vocabulary.codes(text, *lines.field(check.at))
            is_read &= codes != UNREAD
            is_use &= codes != IDLE
        domains = self._hosts.codes(text, *lines.field(self.cut.host.at))
        is_read &= domains != UNREAD
        is_use &= domains != IDLE
        if is_before:
            codes = np.unique(domains[is_read & is_use])
            inventory.old.update(self._domains[code] for code in codes.tolist() if code)
        else:
            rows = np.flatnonzero(is_read & is_use)
            people = self._people_of(text, lines, rows)
            is_read[rows[people == UNREAD]] = False
            self._count(domains[rows], people, inventory)
        return b"".join(_others(data, lines, is_read))

    def _people_of(self, text: Text, lines: Lines, rows: Places) -> Codes:
        """Who asked in some lines: the user, or else the address."""
        if self._users is None or self.cut.user is None:
            return self._addresses.codes(text, *lines.field(self.cut.address.at, rows))
        people = self._users.codes(text, *lines.field(self.cut.user.at, rows))
        if len(nameless := np.flatnonzero(people == 0)):
            people[nameless] = self._addresses.codes(text, *lines.field(self.cut.address.at, rows[nameless]))
        return people

    def _count(self, domains: Codes, people: Codes, inventory: Inventory) -> None:
        """Note people, and who asked for the domains that few people asked for."""
        if inventory is not self._inventory:
            self._inventory = inventory
            self._is_open[1:], self._is_seen[1:] = True, False
        self._is_open = np.append(self._is_open, np.ones(len(self._domains) - len(self._is_open), np.bool_))
        self._is_seen = np.append(self._is_seen, np.zeros(len(self._people) - len(self._is_seen), np.bool_))
        is_told = people >= 0
        domains, people = domains[is_told], people[is_told]
        for code in np.unique(people[~self._is_seen[people]]).tolist():
            inventory.people.add(self._people[code])
            self._is_seen[code] = True
        rows = self._is_open[domains]
        pairs, counts = np.unique(domains[rows].astype(np.int64) << 32 | people[rows], return_counts=True)
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            domain, person = pair >> 32, pair & 0xFFFFFFFF
            if not inventory.note(self._domains[domain], self._people[person] if person else None, self._limit, count):
                self._is_open[domain] = False

    def _domain(self, value: bytes) -> int:
        domain = self._news(value.decode())
        if domain is None:
            return 0
        code = self._domain_codes.setdefault(domain, len(self._domains))
        if code == len(self._domains):
            self._domains.append(domain)
        return code

    def _person(self, account: bytes, address: bytes) -> int:
        person = person_written(account, address)
        if person is None:
            return 0 if account else UNREAD
        code = self._person_codes.setdefault(person, len(self._people))
        if code == len(self._people):
            self._people.append(person)
        return code


def _others(data: bytes, lines: Lines, is_read: Flags) -> Iterator[bytes]:
    """The lines that were not read, with their newlines."""
    is_other = np.ones(len(lines.stops), np.bool_)
    is_other[lines.regular[is_read]] = False
    for start, stop in zip(lines.starts[is_other].tolist(), lines.stops[is_other].tolist(), strict=True):
        yield data[start : stop + 1]
