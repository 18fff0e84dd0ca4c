"""Events of leases and logins become stays: who was at an address, or at a machine, from when to when.

A renewal makes a stay longer, so that memory grows with stays and not with lines. Where a log does not say when a stay
ended, a lease lasts as long as it says, else ``LEASE_STAY``; a login lasts ``LOGIN_STAY``. Reading goes on from event
to event of one log in the order of its lines; stays of several logs are put together in ``occupancy``.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

from detector.events import MICROSECONDS, Action, Col, Kind
from detector.grammars.values import lower
from detector.identity.people import label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from detector.events import Value

_HOUR = 3600 * MICROSECONDS
LEASE_STAY = 24 * _HOUR
"""How long a lease lasts where the log says neither its time nor its end."""
LOGIN_STAY = 10 * _HOUR
"""How long somebody is there after a login whose end the log does not say: as long as a Kerberos ticket is good."""
RENEWAL_REACH = 8 * 24 * _HOUR
"""A client that gets its old address again within this time (Windows' lease), nobody else in between, kept it."""
SESSION_REACH = 7 * 24 * _HOUR
"""The end of a login counts for its beginning up to this time before."""
TUNNEL_REACH = 120 * MICROSECONDS
"""A VPN gives the inner address within this time, and may write the end at the outer one only."""

MAC, HOST = "mac ", "host "
"""What stands before a machine in the place of an address."""


class Stay(NamedTuple):
    """Somebody at a place.

    Attributes:
        who: a client (``mac|host``) that has an address, or an account.
        first: instant of the first event that says so.
        last: of the latest one; of a lease that was given back, the end.
        until: the instant from which nothing says so any more.
    """

    who: str
    first: int
    last: int
    until: int


class Client(NamedTuple):
    """A machine that got an address, by its hardware address and the name that it gives itself; one may be empty."""

    mac: str
    host: str

    @property
    def text(self) -> str:
        """Both in one text, for ``Stay.who``."""
        return f"{self.mac}|{self.host}"

    def joined(self, other: Client) -> Client:
        """What two events of one machine say together."""
        return Client(self.mac or other.mac, self.host or other.host)

    def is_same(self, other: Client) -> bool:
        """Whether nothing speaks against both being one machine, and something for it."""
        macs, hosts = (self.mac, other.mac), (self.host, other.host)
        if all(macs) and self.mac != other.mac:
            return False
        if all(hosts) and self.host != other.host:
            return False
        return all(macs) or all(hosts)


def client_of(text: str) -> Client:
    """The machine of ``Client.text``."""
    mac, _, host = text.partition("|")
    return Client(mac, host)


class Log:
    """Stays by place, as plain numbers: 32 bytes for each.

    Attributes:
        names: text → its number.
        places: address, ``mac …`` or ``host …`` → (number of who, first, last, until), one after the other.
    """

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.places: dict[str, array[int]] = {}

    def add(self, place: str, stay: Stay) -> None:
        """Add one stay."""
        number = self.names.setdefault(stay.who, len(self.names))
        rows = self.places.get(place)
        if rows is None:
            rows = self.places[place] = array("q")
        rows.extend((number, stay.first, stay.last, stay.until))

    def merge(self, other: Log) -> None:
        """Add the stays of another log."""
        numbers = array("q", (self.names.setdefault(name, len(self.names)) for name in other.names))
        for place, rows in other.places.items():
            mine = array("q", rows)
            mine[0::4] = array("q", (numbers[number] for number in rows[0::4]))
            self.places.setdefault(place, array("q")).extend(mine)

    def __len__(self) -> int:
        return sum(map(len, self.places.values())) // 4


class Stays(NamedTuple):
    """What logs say: ``leases`` which machine had an address, ``logins`` which account was at an address or machine."""

    leases: Log
    logins: Log

    def merge(self, other: Stays) -> None:
        """Add what other logs say."""
        self.leases.merge(other.leases)
        self.logins.merge(other.logins)


class Reader:
    """The stays of one log, event by event in the order of its lines."""

    def __init__(self) -> None:
        self._stays = Stays(Log(), Log())
        self._leases: dict[str, Stay] = {}
        self._logins: dict[str, dict[str, Stay]] = {}
        self._places: dict[str, set[str]] = {}

    def take(self, kind: Kind, event: Mapping[Col, Value]) -> None:
        """Read one event; one without a time, and one that is neither lease nor login, says nothing."""
        at, account = event.get(Col.AT), lower(str(event.get(Col.USER, "")))
        kind = Kind(str(event.get(Col.KIND, kind)))
        if not isinstance(at, int):
            return
        address = lower(str(event.get(Col.SOURCE_IP, "")))
        client = Client(str(event.get(Col.SOURCE_MAC, "")), label(str(event.get(Col.HOST_NAME, ""))))
        start, end = _number(event.get(Col.START)), _number(event.get(Col.END))
        denied = event.get(Col.ACTION) == Action.DENIED
        if kind is Kind.LEASE and address:
            self._lease(address, client, _Times(at, start, end), denied=denied)
        if kind not in (Kind.LEASE, Kind.LOGIN) or not account or denied:
            return
        if kind is Kind.LOGIN and end is not None:
            self._logoff(account, address, client, _Times(at, start, end))
            return
        for place in _places(address, client):
            self._login(place, account, _Times(at, start, end))

    def stays(self) -> Stays:
        """What was read; the reader is done with it."""
        for address, stay in self._leases.items():
            self._stays.leases.add(address, stay)
        for place, stays in self._logins.items():
            for stay in stays.values():
                self._stays.logins.add(place, stay)
        self._leases, self._logins = {}, {}
        return self._stays

    def _lease(self, address: str, client: Client, times: _Times, *, denied: bool) -> None:
        current = self._leases.get(address)
        if denied:
            self._release(address, current, client, times)
            return
        if not any(client):
            return
        at, until = times.at, times.until(LEASE_STAY)
        if current is None:
            self._leases[address] = Stay(client.text, times.begin, at, until)
            return
        before = client_of(current.who)
        if before.is_same(client) and current.first <= at <= max(current.until, current.last + RENEWAL_REACH):
            who = before.joined(client).text
            newest = at >= current.last
            self._leases[address] = Stay(who, current.first, max(at, current.last), until if newest else current.until)
        elif at < current.first:  # lines out of order: what came before ends where the known stay begins
            self._stays.leases.add(address, Stay(client.text, times.begin, at, min(until, current.first)))
        else:
            first = max(times.begin, current.last)
            self._stays.leases.add(address, current._replace(until=min(current.until, first)))
            self._leases[address] = Stay(client.text, first, max(at, first), max(until, first))

    def _release(self, address: str, current: Stay | None, client: Client, times: _Times) -> None:
        """A lease that ended; one of which nothing is known but its end and beginning was there between them."""
        end = times.at if times.end is None else times.end
        if current is not None and (not any(client) or client_of(current.who).is_same(client)):
            if current.first <= end <= max(current.until, current.last + RENEWAL_REACH):
                self._stays.leases.add(address, current._replace(last=end, until=end))
                del self._leases[address]
        elif current is None and any(client) and times.start is not None and times.start < end:
            self._stays.leases.add(address, Stay(client.text, times.start, end, end))

    def _login(self, place: str, account: str, times: _Times) -> None:
        here = self._logins.setdefault(place, {})
        current = here.get(account)
        until = times.until(LOGIN_STAY)
        if current is None:
            here[account] = Stay(account, times.begin, times.at, until)
            self._places.setdefault(account, set()).add(place)
        elif times.begin <= current.until and current.first <= until:
            here[account] = Stay(
                account, min(current.first, times.begin), max(current.last, times.at), max(current.until, until)
            )
        else:
            self._stays.logins.add(place, current)
            here[account] = Stay(account, times.begin, times.at, until)

    def _logoff(self, account: str, address: str, client: Client, times: _Times) -> None:
        """The end of a login at all its places, and of those that a VPN gave with it."""
        begun: int | None = None
        for place in _places(address, client):
            current = self._end(place, account, times)
            begun = current.first if current is not None and place == address else begun
        if begun is None or client.mac:
            return
        for place in tuple(self._places.get(account, ())):
            inner = self._logins.get(place, {}).get(account)
            if inner is not None and 0 <= inner.first - begun <= TUNNEL_REACH:
                self._end(place, account, times)

    def _end(self, place: str, account: str, times: _Times) -> Stay | None:
        """End the login at a place; gives what was known of it."""
        end = times.at if times.end is None else times.end
        here = self._logins.get(place, {})
        current = here.get(account)
        first = end if times.start is None else times.start
        if current is not None and current.first <= end <= max(current.until, current.last + SESSION_REACH):
            ended = Stay(account, min(current.first, first), min(current.last, end), end)
            del here[account]
            self._places[account].discard(place)
        elif first < end:
            ended = Stay(account, first, end, end)
        else:
            return None
        self._stays.logins.add(place, ended)
        return current


class _Times(NamedTuple):
    """When an event happened, and the bounds that it gives to the stay."""

    at: int
    start: int | None
    end: int | None

    @property
    def begin(self) -> int:
        return self.at if self.start is None else min(self.start, self.at)

    def until(self, usual: int) -> int:
        """The end that the event gives, else the usual one."""
        return self.at + usual if self.end is None else max(self.end, self.at)


def _places(address: str, client: Client) -> Iterator[str]:
    if address:
        yield address
    if client.mac:
        yield MAC + client.mac
    if client.host:
        yield HOST + client.host


def _number(value: Value | None) -> int | None:
    return value if isinstance(value, int) else None
