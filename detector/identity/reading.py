"""Events of leases and logins become stays, in the order of one log's lines.

A renewal makes a stay longer, so that memory grows with stays and not with lines. Where a log does not say when a stay
ended, a lease lasts as long as it says, else ``LEASE_STAY``; a login lasts ``LOGIN_STAY``. Stays of several logs are
put together in ``occupancy``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from detector.events import MICROSECONDS, Action, Col, Kind
from detector.grammars.values import lower
from detector.identity.people import ALWAYS, label
from detector.identity.stays import HOST, MAC, RENEWAL_REACH, Client, Log, Stay, Stays, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detector.events import EventBatch, Value

_HOUR = 3600 * MICROSECONDS
LEASE_STAY = 24 * _HOUR
"""How long a lease lasts where the log says neither its time nor its end."""
LOGIN_STAY = 10 * _HOUR
"""How long somebody is there after a login whose end the log does not say: as long as a Kerberos ticket is good."""
SESSION_REACH = 7 * 24 * _HOUR
"""The end of a login counts for its beginning up to this time before."""
TUNNEL_REACH = 120 * MICROSECONDS
"""A VPN gives the inner address within this time, and may write the end at the outer one only."""

_COLUMNS = (
    Col.AT, Col.KIND, Col.SOURCE_IP, Col.SOURCE_MAC, Col.HOST_NAME, Col.USER, Col.ACTION, Col.START, Col.END,
)  # fmt: skip
_DENIED, _LEASE, _LOGIN = Action.DENIED, Kind.LEASE, Kind.LOGIN
_MEMO = 16_384


class Reader:
    """The stays of one log, event by event."""

    def __init__(self) -> None:
        self._stays = Stays(Log(), Log())
        self._leases: dict[str, _Open[Client]] = {}
        self._logins: dict[str, dict[str, _Open[str]]] = {}
        self._places: dict[str, set[str]] = {}

    def read(self, batch: EventBatch) -> None:
        """Read the events of a batch."""
        kind = batch.kind
        for cells in zip(*(batch.column(name) for name in _COLUMNS), strict=True):
            self._event(kind, cells)

    def take(self, kind: Kind, event: Mapping[Col, Value]) -> None:
        """Read one event of a log that watches ``kind``."""
        self._event(kind, [event.get(name) for name in _COLUMNS])

    def stays(self) -> Stays:
        """What was read so far; reading may go on."""
        found = Stays(self._stays.leases.copy(), self._stays.logins.copy())
        for address, lease in self._leases.items():
            found.leases.add(address, lease.stay(lease.who.text))
        for place, logins in self._logins.items():
            for login in logins.values():
                found.logins.add(place, login.stay(login.who))
        return found

    def _event(self, kind: str, cells: Sequence[Value | None]) -> None:
        """One without a time (or with a forged one), and one that is neither lease nor login, says nothing."""
        at, own, address, mac, host, account, action, start, end = cells
        if not isinstance(at, int) or not ALWAYS[0] < at < ALWAYS[1]:
            return
        kind = kind if own is None else str(own)
        start = max(start, ALWAYS[0]) if isinstance(start, int) else None
        end = max(min(end, ALWAYS[1]), ALWAYS[0]) if isinstance(end, int) else None
        times = _Times(at, at if start is None or start > at else start, end)
        where = place_of(address) if isinstance(address, str) else ""
        client = _client(mac if isinstance(mac, str) else "", host if isinstance(host, str) else "")
        if kind == _LEASE and where:
            if action == _DENIED:
                self._release(where, client, times)
            elif client.mac or client.host:
                self._lease(where, client, times)
        if not account or action == _DENIED or kind not in (_LEASE, _LOGIN):
            return
        who = lower(str(account))
        places = _places(where, client)
        if kind == _LOGIN and end is not None:
            self._logoff(who, places, times)
        else:
            for place in places:
                self._login(place, who, times)

    def _lease(self, address: str, client: Client, times: _Times) -> None:
        at, begin, end = times
        until = at + LEASE_STAY if end is None else max(end, at)
        current = self._leases.get(address)
        if current is None:
            self._leases[address] = _Open(client, begin, at, until)
        elif current.first <= at <= current.kept_until and (current.who == client or current.who.is_same(client)):
            current.who = current.who.joined(client)
            if at >= current.last:
                current.last, current.until = at, until
        elif at < current.first:  # lines out of order: what came before ends where the known stay begins
            self._keep_lease(address, _Open(client, begin, at, min(until, current.first)))
        else:
            first = max(begin, current.last)
            current.until = min(current.until, first)
            self._keep_lease(address, current)
            self._leases[address] = _Open(client, first, max(at, first), max(until, first))

    def _release(self, address: str, client: Client, times: _Times) -> None:
        """A lease that ended; one of which nothing is known but its end and beginning was there between them."""
        current, end = self._leases.get(address), times.at if times.end is None else times.end
        if current is not None and (not any(client) or current.who.is_same(client)):
            if current.first <= end <= current.kept_until:
                current.last = current.until = end
                self._keep_lease(address, self._leases.pop(address))
        elif current is None and any(client) and times.begin < end:
            self._keep_lease(address, _Open(client, times.begin, end, end))

    def _login(self, place: str, account: str, times: _Times) -> None:
        at, begin, end = times
        until = at + LOGIN_STAY if end is None else max(end, at)
        here = self._logins.get(place)
        if here is None:
            here = self._logins[place] = {}
        current = here.get(account)
        if current is not None and begin <= current.until and current.first <= until:
            current.first = min(current.first, begin)
            current.last = max(current.last, at)
            current.until = max(current.until, until)
            return
        if current is None:
            self._places.setdefault(account, set()).add(place)
        else:
            self._keep_login(place, current)
        here[account] = _Open(account, begin, at, until)

    def _logoff(self, account: str, places: Sequence[str], times: _Times) -> None:
        """The end of a login at all its places; where no hardware is told, of those that a VPN gave with it, too."""
        begun = [current.first for place in places if (current := self._end(place, account, times)) is not None]
        if not begun or any(place.startswith((MAC, HOST)) for place in places):
            return
        for place in tuple(self._places.get(account, ())):
            inner = self._logins[place][account]
            if 0 <= inner.first - begun[0] <= TUNNEL_REACH:
                self._end(place, account, times)

    def _end(self, place: str, account: str, times: _Times) -> _Open[str] | None:
        """End the login at a place; gives what was known of it."""
        end = times.at if times.end is None else times.end
        current = self._logins.get(place, {}).get(account)
        if current is not None and current.first <= end <= max(current.until, current.last + SESSION_REACH):
            ended = _Open(account, min(current.first, times.begin), min(current.last, end), end)
            del self._logins[place][account]
            self._places[account].discard(place)
        elif times.begin < end:
            ended = _Open(account, times.begin, end, end)
        else:
            return None
        self._keep_login(place, ended)
        return current

    def _keep_lease(self, address: str, lease: _Open[Client]) -> None:
        self._stays.leases.add(address, lease.stay(lease.who.text))

    def _keep_login(self, place: str, login: _Open[str]) -> None:
        self._stays.logins.add(place, login.stay(login.who))


_Who = TypeVar("_Who")


@dataclass(slots=True)
class _Open(Generic[_Who]):
    """A stay that may go on; see ``Stay``."""

    who: _Who
    first: int
    last: int
    until: int

    def stay(self, who: str) -> Stay:
        """The stay as it is now."""
        return Stay(who, self.first, self.last, self.until)

    @property
    def kept_until(self) -> int:
        """Until when a machine that gets its address again has kept it."""
        return max(self.until, self.last + RENEWAL_REACH)


class _Times(NamedTuple):
    """When an event happened, when the stay began by it, and the end that it gives to the stay."""

    at: int
    begin: int
    end: int | None


@lru_cache(maxsize=_MEMO)
def _client(mac: str, host: str) -> Client:
    return Client(mac, label(host))


@lru_cache(maxsize=_MEMO)
def _places(address: str, client: Client) -> tuple[str, ...]:
    """Where an account is by an event: the address, and the machine by both its names."""
    told = (address, client.mac and MAC + client.mac, client.host and HOST + client.host)
    return tuple(place for place in told if place)
