"""Lines that their format can cut into fields: who asked for which host, a chunk at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detector.discovery.counting import Counting
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
        self._begin()
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
            inventory: where the old domains go; the others when it is finished.
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
            self._note(domains[rows], people)
        return b"".join(_others(data, lines, is_read))

    def _people_of(self, text: Text, lines: Lines, rows: Places) -> Codes:
        """Who asked in some lines: the user, or else the address."""
        if self._users is None or self.cut.user is None:
            return self._addresses.codes(text, *lines.field(self.cut.address.at, rows))
        people = self._users.codes(text, *lines.field(self.cut.user.at, rows))
        if len(nameless := np.flatnonzero(people == 0)):
            people[nameless] = self._addresses.codes(text, *lines.field(self.cut.address.at, rows[nameless]))
        return people

    def finish(self, inventory: Inventory) -> None:
        """Put what was found in all chunks into the inventory, and forget it; what values mean is kept."""
        inventory.people.update(self._people[code] for code in np.flatnonzero(self._is_seen).tolist())
        few, many = self._counting.found()
        for domain, lines, people in few:
            inventory.note(self._domains[domain], {self._people[code] for code in people if code}, self._limit, lines)
        inventory.note_many({self._domains[domain] for domain in many})
        self._begin()

    def _begin(self) -> None:
        self._counting = Counting(self._limit)
        self._is_seen = np.zeros(1, np.bool_)

    def _note(self, domains: Codes, people: Codes) -> None:
        """Note who asked for which domain in some lines; of those that are parsed there is no person here."""
        is_told = people != UNREAD
        self._counting.add(domains[is_told], people[is_told], len(self._domains))
        self._is_seen = np.append(self._is_seen, np.zeros(len(self._people) - len(self._is_seen), np.bool_))
        self._is_seen[people[is_told]] = True
        self._is_seen[0] = False

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
