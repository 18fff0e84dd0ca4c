"""Stays: who was at an address, or at a machine, from when to when; kept as plain numbers, for there are millions."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from detector.events import MICROSECONDS

RENEWAL_REACH = 8 * 86_400 * MICROSECONDS
"""A client that gets its old address again within this time (Windows' lease), nobody else in between, kept it."""
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
