"""Stays: who was at an address, or at a machine, from when to when; kept as plain numbers, for there are millions."""

from __future__ import annotations

from array import array
from functools import lru_cache
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, NamedTuple

from detector.events import MICROSECONDS
from detector.grammars.values import lower

if TYPE_CHECKING:
    from collections.abc import Iterator

RENEWAL_REACH = 8 * 86_400 * MICROSECONDS
"""A client that gets its old address again within this time (Windows' lease), nobody else in between, kept it."""
MAC, HOST = "mac ", "host "
"""What stands before a machine in the place of an address."""


@lru_cache(maxsize=16_384)
def place_of(address: str) -> str:
    """An address in its one spelling: devices shorten IPv6 as they like, and wrap IPv4 in it.

    >>> place_of("2001:DB8:0:0::7"), place_of("::ffff:10.0.0.7"), place_of("10.0.0.7"), place_of("fe80::1%eth0")
    ('2001:db8::7', '10.0.0.7', '10.0.0.7', 'fe80::1')
    """
    if ":" not in address:
        return address
    try:
        found = IPv6Address(address.partition("%")[0])
    except ValueError:
        return lower(address)
    return str(found.ipv4_mapped or found)


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
        self._texts: list[str] = []

    def add(self, place: str, stay: Stay) -> None:
        """Add one stay."""
        rows = self.places.get(place)
        if rows is None:
            rows = self.places[place] = array("q")
        rows.extend((self._number(stay.who), stay.first, stay.last, stay.until))

    def at(self, place: str) -> Iterator[Stay]:
        """The stays at a place, in no order."""
        rows = self.places.get(place, ())
        for index in range(0, len(rows), 4):
            yield Stay(self._texts[rows[index]], rows[index + 1], rows[index + 2], rows[index + 3])

    def copy(self) -> Log:
        """The same stays, to which others can be added."""
        other = Log()
        other.names = self.names.copy()
        other.places = {place: array("q", rows) for place, rows in self.places.items()}
        other._texts = self._texts.copy()
        return other

    def __len__(self) -> int:
        return sum(map(len, self.places.values())) // 4

    def _number(self, who: str) -> int:
        number = self.names.get(who)
        if number is None:
            number = self.names[who] = len(self._texts)
            self._texts.append(who)
        return number


class Stays(NamedTuple):
    """What logs say: ``leases`` which machine had an address, ``logins`` which account was at an address or machine."""

    leases: Log
    logins: Log
