"""Where a name leads, and whether this program may go there: names are resolved once and the address is what is called.

The rule:

1. Link-local addresses, cloud metadata services, multicast, unspecified and reserved addresses are never called.
2. Loopback and private addresses are called only when the sink says ``allow_private: true``, or when the configuration
   writes the address itself (``http://127.0.0.1:9093``): then somebody meant it. A name that leads there is not enough.
3. An IPv6 address that wraps an IPv4 address is judged as both.
4. One forbidden address among several answers refuses them all: a name that gives both is lying to somebody.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from detector.outward.deadline import Deadline, TooLate

Address = IPv4Address | IPv6Address
Resolve = Callable[[str], list[str]]

_METADATA = tuple(
    map(
        ip_network,
        ("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd20:ce::254/128"),
    )
)
_TRANSLATED = ip_network("64:ff9b::/96")


class Refused(Exception):
    """An address that this program does not call; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect.

    Attributes:
        host: as the configuration names it.
        port: of the service.
        allow_private: loopback and private addresses may be called.
    """

    host: str
    port: int
    allow_private: bool = False


def addresses_of(endpoint: Endpoint, deadline: Deadline, resolve: Resolve | None = None) -> list[str]:
    """The addresses to connect to, in the resolver's order.

    Raises:
        Refused: one of them must not be called.
        TooLate: the resolver did not answer in time.
        OSError: the name does not resolve.
    """
    written = _literal(endpoint.host)
    if written is not None:
        _check(endpoint, written, is_written=True)
        return [str(written)]
    found = _in_time(resolve or _system, endpoint.host, deadline)
    if not found:
        raise OSError(f"{endpoint.host} has no address")
    for one in found:
        _check(endpoint, ip_address(one.partition("%")[0]), is_written=False)
    return found


def _check(endpoint: Endpoint, address: Address, *, is_written: bool) -> None:
    inner = _wrapped(address)
    for one in (address, inner):
        if one is not None and _is_never_called(one):
            raise Refused(f"{endpoint.host} is {address}: link-local, metadata and reserved addresses are never called")
    is_private = inner is not None or not address.is_global
    if is_private and not endpoint.allow_private and not (is_written and inner is None):
        raise Refused(f"{endpoint.host} is {address}, a private address: write allow_private: true if it is meant")


def _is_never_called(address: Address) -> bool:
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or (address.is_reserved and not address.is_loopback and _wrapped(address) is None)
        or any(address in network for network in _METADATA)
        or (address.version == 6 and address.is_site_local)
    )


def _wrapped(address: Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv6 one (mapped, compatible, 6to4, Teredo, NAT64).

    >>> _wrapped(ip_address("::ffff:169.254.169.254")), _wrapped(ip_address("2001:db8::1"))
    (IPv4Address('169.254.169.254'), None)
    """
    if isinstance(address, IPv4Address):
        return None
    if address in _TRANSLATED or (int(address) >> 32 == 0 and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.sixtofour if address.ipv4_mapped is None else address.ipv4_mapped


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def _system(host: str) -> list[str]:
    return [str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def _in_time(resolve: Resolve, host: str, deadline: Deadline) -> list[str]:
    """Ask the resolver in a thread of its own: it knows no deadline, and may take half a minute."""
    found: list[str] = []
    faults: list[OSError] = []

    def ask() -> None:
        try:
            found.extend(dict.fromkeys(resolve(host)))
        except (OSError, UnicodeError) as fault:
            faults.append(OSError(f"{host} does not resolve: {fault}"))

    thread = threading.Thread(target=ask, name=f"resolve {host}", daemon=True)
    thread.start()
    thread.join(deadline.left_s())
    if thread.is_alive():
        raise TooLate(f"{host}: the resolver gave no answer in time")
    if faults:
        raise faults[0]
    return found
