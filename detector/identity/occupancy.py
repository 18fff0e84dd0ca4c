"""Who was at an address when: stays of all logs put together, machine by machine and account by account.

One address is one machine's at a time. A lease ends when it is given back and where another machine's begins, and with
it the trace of somebody who had logged in from there. Several accounts at one place stay several: nobody chooses.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from detector.identity.people import ALWAYS
from detector.identity.stays import HOST, MAC, RENEWAL_REACH, Stay, Stays, client_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MEMO_PLACES = 16_384


class Span(NamedTuple):
    """An account that was at an address.

    Attributes:
        since: first instant.
        until: the instant behind the last.
        account: as logins write it, lower case.
        grade: ``medium``: logged in from there, or on the machine with that hardware address; ``low``: on a machine
            of the name that the lease's client gave itself.
    """

    since: int
    until: int
    account: str
    grade: str


class _Place(NamedTuple):
    """The logins at a place by their beginning, with the latest end of each and all before it."""

    firsts: tuple[int, ...]
    stays: tuple[Stay, ...]
    ends: tuple[int, ...]


class _Turns:
    """The stays of machines at one address, by their first event."""

    def __init__(self, stays: Sequence[Stay]) -> None:
        self._stays = stays
        self._firsts = [one.first for one in stays]
        self._lasts = list(accumulate((one.last for one in stays), max))
        self._nexts = list(range(1, len(stays) + 1))
        for index in range(len(stays) - 2, -1, -1):
            if stays[index].who == stays[index + 1].who:
                self._nexts[index] = self._nexts[index + 1]

    def before(self, instant: int) -> Stay | None:
        """The latest stay that had begun."""
        index = bisect_right(self._firsts, instant)
        return self._stays[index - 1] if index else None

    def other_behind(self, instant: int, mine: Stay) -> int:
        """When the first stay of another machine begins behind an instant; never where there is none."""
        index = bisect_right(self._firsts, instant)
        while index < len(self._stays):
            if not _is_one(self._stays[index], mine):
                return self._firsts[index]
            index = self._nexts[index]
        return ALWAYS[1]

    def until(self, mine: Stay) -> int:
        """The end of a stay: another machine has the address from the next event that says so."""
        until = min(mine.until, self.other_behind(mine.last, mine))
        index = bisect_right(self._firsts, mine.last)
        while index and self._lasts[index - 1] > mine.last:
            index -= 1
            other = self._stays[index]
            if other.last > mine.last and not _is_one(other, mine):
                until = min(until, other.last)
        return until


class Occupancies:
    """Stays of machines and accounts, asked by address."""

    def __init__(self, parts: Iterable[Stays] = ()) -> None:
        self._parts = tuple(parts)
        self._place = lru_cache(maxsize=MEMO_PLACES)(self._logins)

    def __len__(self) -> int:
        return sum(len(part.leases) + len(part.logins) for part in self._parts)

    def machines(self, address: str) -> list[Stay]:
        """The machines that had an address, by time; two at one time only where logs contradict each other."""
        merged: list[Stay] = []
        for stay in sorted((stay for part in self._parts for stay in part.leases.at(address)), key=_turn):
            before = merged[-1] if merged else None
            if before is not None and _is_one(before, stay) and stay.first <= _kept_until(before):
                newest = stay if stay.last >= before.last else before
                who = client_of(before.who).joined(client_of(stay.who)).text
                merged[-1] = Stay(who, before.first, newest.last, newest.until)
            else:
                merged.append(stay)
        turns = _Turns(merged)
        return [one._replace(until=turns.until(one)) for one in merged]

    def devices(self, address: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Names of the machines that had an address: (n,) edges between times, (n + 1,) the name in each.

        A machine gives itself its name, so that somebody could call theirs like one that a policy exempts: a name that
        several hardware addresses have used is nobody's, nor is it one's without any.
        """
        changes = sorted(
            (instant, step, one.who)
            for one in self.machines(address)
            for instant, step in ((one.first, 1), (one.until, -1))
        )
        edges, names, there = list[int](), [""], Counter[str]()
        for instant, step, who in changes:
            there[who] += step
            if not there[who]:
                del there[who]
            present = [client_of(one).host for one in there]
            if not edges or edges[-1] != instant:
                edges.append(instant)
                names.append("")
            names[-1] = present[0] if len(present) == 1 and len(self._hardware[present[0]]) == 1 else ""
        return tuple(edges), tuple(names)

    @cached_property
    def _hardware(self) -> Mapping[str, set[str]]:
        """Computer's name → hardware addresses that have used it, at any address and time."""
        found = defaultdict[str, set[str]](set)
        for part in self._parts:
            for mac, host in map(client_of, part.leases.names):
                if mac:
                    found[host].add(mac)
        return found

    def accounts(self, address: str) -> list[Span]:
        """The accounts that were at an address: logged in from it, or on the machine that had it then."""
        machines = self.machines(address)
        found = [Span(one.first, until, one.who, "medium") for one, until in self._direct(address, machines)]
        for machine in machines:
            mac, host = client_of(machine.who)
            for place, grade in ((MAC + mac if mac else "", "medium"), (HOST + host if host else "", "low")):
                found += [
                    Span(max(one.first, machine.first), min(one.until, machine.until), one.who, grade)
                    for one in _during(self._place(place), machine.first, machine.until)
                ]
        return sorted(one for one in found if one.since < one.until)

    def _direct(self, address: str, machines: Sequence[Stay]) -> Iterator[tuple[Stay, int]]:
        """Logins from an address, each with its end: when the machine gave the address back, or another one got it."""
        turns = _Turns(machines)
        for login in self._place(address).stays:
            there = turns.before(login.last)
            until = login.until
            if there is not None:
                until = min(until, turns.other_behind(login.last, there))
                if login.last < there.until <= there.last:
                    until = min(until, there.until)
            yield login, until

    def _logins(self, place: str) -> _Place:
        stays = sorted((stay for part in self._parts for stay in part.logins.at(place)), key=_turn)
        return _Place(
            tuple(one.first for one in stays), tuple(stays), tuple(accumulate((one.until for one in stays), max))
        )


def _turn(stay: Stay) -> tuple[int, int, int, str]:
    return stay.first, stay.last, stay.until, stay.who


def _kept_until(stay: Stay) -> int:
    """Until when a machine that gets its address again has kept it; one that gave it back has not."""
    return stay.until if stay.last >= stay.until else max(stay.until, stay.last + RENEWAL_REACH)


def _is_one(stay: Stay, other: Stay) -> bool:
    return stay.who == other.who or client_of(stay.who).is_same(client_of(other.who))


def _during(place: _Place, since: int, until: int) -> Iterator[Stay]:
    """The stays that overlap a time, latest first; stops where all that is before has ended."""
    index = bisect_left(place.firsts, until) - 1
    while index >= 0 and place.ends[index] > since:
        if place.stays[index].until > since:
            yield place.stays[index]
        index -= 1
