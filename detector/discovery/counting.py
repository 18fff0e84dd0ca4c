"""Who asked for which domain, as numbers, kept while a domain's people are few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from detector.discovery.cutting import Places
    from detector.discovery.vocabulary import Codes

_PENDING = 65_536
"""Lines that are put together at once, at least."""
_PERSON_BITS = 32


class Counting:
    """Lines and people of domains; one that more than ``limit`` people asked for is *closed*: no more is kept of it.

    Domain 0 is none, person 0 is nobody.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._is_open = np.zeros(1, np.bool_)
        self._lines = np.zeros(1, np.int64)
        self._pairs = np.zeros(0, np.int64)
        self._pending: list[Places] = []
        self._size = 0

    def add(self, domains: Codes, people: Codes, known: int) -> None:
        """Note lines, shapes ``(n,)``; ``known`` is above all domains."""
        if new := known - len(self._is_open):
            self._is_open = np.append(self._is_open, np.ones(new, np.bool_))
            self._lines = np.append(self._lines, np.zeros(new, np.int64))
        rows = self._is_open[domains]
        self._pending.append(domains[rows].astype(np.int64) << _PERSON_BITS | people[rows])
        self._size += len(self._pending[-1])
        if self._size > max(_PENDING, 2 * len(self._pairs)):
            self._settle()

    def found(self) -> tuple[list[tuple[int, int, list[int]]], list[int]]:
        """Domains of few people, each with its lines and people; domains of many."""
        self._settle()
        asked, few = self._pairs >> _PERSON_BITS, list[tuple[int, int, list[int]]]()
        for domain in np.unique(asked).tolist():
            start, stop = np.searchsorted(asked, (domain, domain + 1))
            people = [pair & (1 << _PERSON_BITS) - 1 for pair in self._pairs[start:stop].tolist()]
            few.append((domain, int(self._lines[domain]), people))
        return few, (np.flatnonzero(~self._is_open[1:]) + 1).tolist()

    def _settle(self) -> None:
        """Put the pending lines together, and close the domains of many people."""
        pending = np.concatenate(self._pending) if self._pending else np.zeros(0, np.int64)
        self._lines += np.bincount(pending >> _PERSON_BITS, minlength=len(self._lines))
        pairs = np.unique(np.concatenate((self._pairs, pending)))
        people = pairs[pairs & (1 << _PERSON_BITS) - 1 > 0] >> _PERSON_BITS
        self._is_open &= np.bincount(people, minlength=len(self._is_open)) <= self._limit
        self._pairs = pairs[self._is_open[pairs >> _PERSON_BITS]]
        self._pending, self._size = [], 0
