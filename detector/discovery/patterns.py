"""Lines that a pattern of their format reads out of a whole chunk: who asked for which host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.discovery.people import person_written

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.discovery.inventory import Inventory
    from detector.match import Actor

MEMORY_LIMIT = 100_000
"""People and hosts that are remembered as they are written."""


class PatternLook:
    """A look at chunks by one pattern (``detector.events.glance``)."""

    def __init__(self, pattern: str, news: Callable[[str], str | None], limit: int) -> None:
        self._pattern = re.compile(rf"^(?:{pattern})\n".encode(), re.MULTILINE)
        self._news = news
        self._limit = limit
        self._addresses: dict[bytes, Actor | None] = {}
        self._domains: dict[bytes, str | None] = {}

    def take(self, data: bytes, inventory: Inventory, *, is_before: bool) -> bytes:
        """Look at a chunk that ends with a newline; gives the lines that are to be parsed.

        Args:
            data: the chunk.
            inventory: where what is found goes.
            is_before: it lies before the window and only tells which domains are old.
        """
        found = self._pattern.findall(data)
        groups = self._pattern.groupindex
        host, address = groups["host"] - 1, groups["address"] - 1
        domains, addresses, many = self._domains, self._addresses, inventory.many
        people: set[Actor | None] = set()
        for token in found:
            name = token[host]
            domain = domains[name] if name in domains else self._domain(name)
            if is_before:
                if domain is not None:
                    inventory.old.add(domain)
                continue
            written = token[address]
            person = addresses[written] if written in addresses else self._person(written)
            people.add(person)
            if domain is not None and domain not in many:
                inventory.note(domain, () if person is None else (person,), self._limit)
        inventory.people.update(one for one in people if one is not None)
        return b"" if len(found) == data.count(b"\n") else self._pattern.sub(b"", data)

    def finish(self, _inventory: Inventory) -> None:
        """Nothing is left to put into it."""

    def _domain(self, name: bytes) -> str | None:
        if len(self._domains) >= MEMORY_LIMIT:
            self._domains.clear()
        found = self._domains[name] = self._news(name.decode())
        return found

    def _person(self, address: bytes) -> Actor | None:
        if len(self._addresses) >= MEMORY_LIMIT:
            self._addresses.clear()
        found = self._addresses[address] = person_written(b"", address)
        return found
