r"""People of an organisation, each as the directory says of some time: who held an account or a mailbox *then*.

A person is found for the time when they were there, also one who has left; a mailbox that was handed to somebody else
belongs to each in their time. Where several people have one name at one time, all of them are said.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from detector.grammars.values import lower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

ALWAYS = (-(1 << 62), 1 << 62)
"""The first and the last instant of a validity without bounds."""


class Entry(NamedTuple):
    r"""What the directory says about one person during some time.

    Attributes:
        id: of the person; several entries of one id are changes over time.
        name: for people.
        mails: addresses and aliases.
        accounts: with or without a directory before them (``CORP\u1042``) or a realm behind them.
        unit: organisational unit, empty where unknown.
        since: first instant, ``None``: always.
        until: the instant from which it is not valid any more, ``None``: never.
        hosts: names of the computers that are this person's own.
    """

    id: str
    name: str = ""
    mails: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    unit: str = ""
    since: int | None = None
    until: int | None = None
    hosts: tuple[str, ...] = ()

    @property
    def bounds(self) -> tuple[int, int]:
        """First instant and the one behind the last."""
        return (ALWAYS[0] if self.since is None else self.since, ALWAYS[1] if self.until is None else self.until)


class Holder(NamedTuple):
    """A person, as found by a name.

    Attributes:
        id: of the person.
        unit: at that time.
        is_sure: the name was found as it is written, or without a realm that the directory knows.
    """

    id: str
    unit: str
    is_sure: bool = True


class Tenure(NamedTuple):
    """Who has a name, in consecutive times.

    Attributes:
        edges: (n,) instants, ascending: the first of each time but the first.
        holders: (n + 1,) who has it in each time, by id; nobody where it is empty.
    """

    edges: tuple[int, ...]
    holders: tuple[tuple[Holder, ...], ...]

    def at(self, instant: int | None) -> tuple[Holder, ...]:
        """Who has the name then; at an unknown time everybody who ever had it, none of them surely."""
        if instant is not None:
            return self.holders[bisect_right(self.edges, instant)]
        ever = {one.id: one for holders in self.holders for one in holders}
        return tuple(one._replace(is_sure=False) for _, one in sorted(ever.items()))

    @property
    def is_anybodys(self) -> bool:
        """Whether anybody ever has it."""
        return any(self.holders)

    def or_else(self, other: Tenure) -> Tenure:
        """Who has this name, or, while nobody does, another one."""
        if not other.is_anybodys:
            return self
        edges = tuple(sorted({*self.edges, *other.edges}))
        instants = (ALWAYS[0] - 1, *edges)
        return Tenure(edges, tuple(self.at(instant) or other.at(instant) for instant in instants))

    def spans(self, since: int, until: int) -> Iterator[tuple[int, int, tuple[Holder, ...]]]:
        """(since, until, holders) of each part of a span of time."""
        index = bisect_right(self.edges, since)
        while since < until:
            end = min(until, self.edges[index]) if index < len(self.edges) else until
            yield since, end, self.holders[index]
            since, index = end, index + 1


NOBODYS = Tenure((), ((),))


class People:
    """A directory, asked by account, mailbox and computer."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(_in_turn(entries))
        self._accounts = _by(self.entries, lambda one: {key for name in one.accounts for key in _spellings(name)})
        self._mails = _by(self.entries, lambda one: {lower(mail) for mail in one.mails})
        self._hosts = _by(self.entries, lambda one: {label(host) for host in one.hosts})
        self._names = {one.id: one.name or one.id for one in self.entries}
        said = (name for one in self.entries for name in (*one.mails, *one.accounts) if "@" in name)
        self._domains = frozenset(lower(name.rpartition("@")[2]) for name in said)
        self.account = lru_cache(maxsize=65_536)(self._account)
        """Who has an account, by its name as a log writes it."""
        self.mailbox = lru_cache(maxsize=65_536)(self._mailbox)
        """Who has a mailbox, by any of its addresses, also with a tag behind a plus sign."""

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, person: str) -> bool:
        return person in self._names

    def name(self, person: str) -> str:
        """The name of a person by their id, as the latest entry says; the id where there is none."""
        return self._names.get(person, person)

    def host(self, name: str) -> Tenure:
        """Whose computer it is, by the first label of its name."""
        return _tenure(self._hosts.get(label(name), ()))

    def present(self, since: int | None, until: int | None) -> frozenset[str]:
        """Ids of the people who were there at any time of a window: the roster."""
        first, last = ALWAYS[0] if since is None else since, ALWAYS[1] if until is None else until
        return frozenset(one.id for one in self.entries if one.bounds[0] < last and one.bounds[1] > first)

    def seen(
        self, accounts: Iterable[str], mailboxes: Iterable[str], since: int | None, until: int | None
    ) -> frozenset[str]:
        """Ids of the people of the roster whose account or mailbox is among those that logs of a window show.

        A name that several people had in the window counts for none of them.
        """
        first, last = ALWAYS[0] if since is None else since, ALWAYS[1] if until is None else until
        tenures = [self.account(name) for name in accounts] + [self.mailbox(name) for name in mailboxes]
        found = set()
        for tenure in tenures:
            ids = {one.id for _, _, holders in tenure.spans(first, last) for one in holders}
            if len(ids) == 1:
                found |= ids
        return frozenset(found)

    def _account(self, name: str) -> Tenure:
        """The name as it is written, as an address of mail, or without directory and realm."""
        whole, bare = lower(name), account_name(name)
        realm = whole.rpartition("@")[2] if "@" in whole else ""
        found = _tenure(self._accounts.get(bare, ()), is_sure=not realm or self._knows(realm))
        if realm:
            found = _tenure(self._mails.get(whole, ())).or_else(found)
        return found if whole == bare else _tenure(self._accounts.get(whole, ())).or_else(found)

    def _knows(self, realm: str) -> bool:
        """Whether a realm is one of the directory's domains, above or below one; all are while it names none."""
        dotted = f".{realm}"
        return not self._domains or any(
            dotted.endswith(f".{one}") or f".{one}".endswith(dotted) for one in self._domains
        )

    def _mailbox(self, address: str) -> Tenure:
        whole = lower(address)
        local, _, domain = whole.rpartition("@")
        entries = self._mails.get(whole) or self._mails.get(f"{local.partition('+')[0]}@{domain}", ())
        return _tenure(entries)


def account_name(name: str) -> str:
    r"""An account's own name, lower case, without the directory before it and the realm behind it.

    >>> account_name("CORP\\U1042"), account_name("u1042@corp.example"), account_name("u1042")
    ('u1042', 'u1042', 'u1042')
    """
    bare = lower(name.strip()).rpartition("\\")[2]
    return bare.partition("@")[0] or bare


def label(host: str) -> str:
    """The first label of a computer's name, lower case: leases and logons write it with and without its domain.

    >>> label("WS-0317.example.org")
    'ws-0317'
    """
    return lower(host.strip()).partition(".")[0]


def _spellings(account: str) -> set[str]:
    return {lower(account), account_name(account)}


def _in_turn(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Entries by person and time; one without an end ends where a later one of the same person begins."""
    people: dict[str, list[Entry]] = {}
    for entry in entries:
        people.setdefault(entry.id, []).append(entry)
    for _, changes in sorted(people.items()):
        changes.sort(key=lambda one: one.bounds)
        for index, entry in enumerate(changes):
            after = (one.since for one in changes[index + 1 :] if one.bounds[0] > entry.bounds[0])
            yield entry if entry.until is not None else entry._replace(until=next(after, None))


def _by(entries: Sequence[Entry], keys: Callable[[Entry], set[str]]) -> Mapping[str, tuple[Entry, ...]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        for key in keys(entry):
            found.setdefault(key, []).append(entry)
    return {key: tuple(mine) for key, mine in found.items()}


def _tenure(entries: Sequence[Entry], *, is_sure: bool = True) -> Tenure:
    """Who has a name that some entries claim, time by time."""
    if not entries:
        return NOBODYS
    edges = sorted({edge for entry in entries for edge in entry.bounds})
    holders: list[tuple[Holder, ...]] = [()]
    for edge in edges:
        valid = sorted((one for one in entries if one.bounds[0] <= edge < one.bounds[1]), key=lambda one: one.bounds)
        mine = {one.id: Holder(one.id, one.unit, is_sure) for one in valid}  # of one person the latest entry counts
        holders.append(tuple(mine[person] for person in sorted(mine)))
    return Tenure(tuple(edges), tuple(holders))
