r"""dnsmasq's DHCP server: its lines in syslog or a file of its own, and its lease file.

``Mmm dd hh:mm:ss dnsmasq-dhcp[pid]: [XID] DHCPACK(INTERFACE) ADDRESS MAC [NAME]``:

- time: local, without a year (also Pi-hole's ``pihole.log``); ``XID`` with ``log-dhcp``
- ``DHCPACK`` gives the address; ``DHCPREPLY(INTERFACE) ADDRESS DUID [NAME]`` the same for DHCPv6, ``SLAAC-CONFIRM``
  has no MAC; ``DHCPRELEASE`` and ``DHCPDECLINE`` end it; questions, offers, ``DHCPNAK`` and ``RTR-ADVERT`` are passed,
  as is what dnsmasq's other parts say

``dnsmasq.leases`` (``dhcp-leasefile``): ``EXPIRY MAC ADDRESS NAME CLIENT-ID``:

- ``EXPIRY`` end of the lease, seconds since the epoch, ``0`` for never; the start is not written
- ``MAC`` with ``06-`` or another type before it where it is not Ethernet's; for IPv6 the IAID, ``T`` before it
- ``NAME`` or ``CLIENT-ID`` is ``*`` where unknown; for IPv6 the last is the DUID; the server's own ``duid`` is passed

A row of the lease file happened when the file was last written, and not after the lease's end: the server takes out
what has expired.

``Feb 27 10:00:00 dnsmasq-dhcp[42]: DHCPACK(eth0) 10.0.0.7 00:00:5e:00:53:07 ws-0317``
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, LogFormat, Zone
from detector.events.instants import to_datetime
from detector.grammars import leases, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row

_TALK = re.compile(
    r"(?:\d+ )?(?P<verb>DHCPACK|DHCPREPLY|DHCPRELEASE|DHCPDECLINE|SLAAC-CONFIRM)\([^)\s]*\) (?P<ip>[\w.:]+)"
    r"(?: (?:(?P<type>[0-9A-Fa-f]{2})-)?(?P<mac>[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+))?(?: (?P<name>\S+))?"
)
_LEASE = re.compile(
    r"(?P<end>\d{1,19}) (?:[0-9A-Fa-f]{2}-)?(?P<mac>T?\d+|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*) (?P<ip>[0-9A-Fa-f.:]+) "
    r"(?P<name>\S+) (?P<id>\*|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*)\s*"
)
_TAG = re.compile(r"\s*(?:dnsmasq|pihole-FTL)(?:-\w+)?(?:\[\d*\])?: ?")
_OWN = re.compile(r"\bdnsmasq-dhcp(?:\[\d*\])?: ")
_ENDS = frozenset({"DHCPRELEASE", "DHCPDECLINE"})
_SECONDS_LIMIT = 253_402_300_800
"""The year 10000."""


def parse(line: str, dialect: Dialect) -> Row | None:
    """One lease that was given, that ended or that stands in the lease file to one event."""
    if line[:1].isdigit() and (found := _LEASE.fullmatch(line)):
        return _stored(found, dialect)
    body, at = leases.unwrapped(line, dialect)
    tag = _TAG.match(body)
    if tag is None:
        if not line or line.isspace() or re.fullmatch(r"duid (?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2}\s*", line):
            return None
        raise RefusedLine("neither a line of dnsmasq nor of its lease file")
    found = _TALK.match(body, tag.end())
    if found is None:
        return None
    ip = values.address(found["ip"])
    if ip is None:
        return None
    return leases.row(
        at=at,
        ip=ip,
        mac=leases.mac(found["mac"]) or leases.mac_of_duid(found["mac"]),
        host=leases.host_name(found["name"]),
        ends=found["verb"] in _ENDS,
    )


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The time before the tag; of the lease file when it was written."""
    if line[:1].isdigit() and (found := _LEASE.fullmatch(line)):
        return _stored_at(_end_of(found), dialect)
    return leases.unwrapped(line, dialect)[1]


def sniff(lines: Sequence[str]) -> float:
    """The share of lines about leases: where most are questions the log is one of DNS."""
    written = [line for line in lines if line.strip()]
    own = sum(1 for line in written if _OWN.search(line, 0, 200) or _LEASE.fullmatch(line) or line.startswith("duid "))
    return own / max(len(written), 1)


def example(row: Row) -> str:
    """The line of ``DHCPACK``, or of ``DHCPRELEASE`` for a lease that ended."""
    at = row.get(Col.AT, 0)
    verb = "DHCPRELEASE" if row.get(Col.ACTION) == Action.DENIED else "DHCPACK"
    name = f" {row[Col.HOST_NAME]}" if Col.HOST_NAME in row else ""
    return (
        f"{to_datetime(at if isinstance(at, int) else 0):%b %e %H:%M:%S} dnsmasq-dhcp[42]: {verb}(eth0) "
        f"{row.get(Col.SOURCE_IP, '192.0.2.1')} {row.get(Col.SOURCE_MAC, '00:00:5e:00:53:01')}{name}"
    )


def _stored(found: re.Match[str], dialect: Dialect) -> Row:
    ip, end = values.address(found["ip"]), _end_of(found)
    if ip is None:
        raise RefusedLine("a lease without an address")
    mac = leases.mac_of_duid(found["id"]) if ":" in ip else leases.mac(found["mac"])
    row = leases.row(at=_stored_at(end, dialect), ip=ip, mac=mac, host=leases.host_name(found["name"]))
    if end is not None:
        row[Col.END] = end
    return row


def _end_of(found: re.Match[str]) -> int | None:
    seconds = int(found["end"])
    return seconds * MICROSECONDS if 0 < seconds < _SECONDS_LIMIT else None


def _stored_at(end: int | None, dialect: Dialect) -> int | None:
    written = dialect.written_until
    return written if written is None or end is None else min(written, end)


FORMAT = LogFormat(
    name="dnsmasq_dhcp",
    kind=Kind.LEASE,
    title="dnsmasq DHCP (log and dnsmasq.leases)",
    reference="unverified: https://thekelleys.org.uk/dnsmasq/docs/dnsmasq-man.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=leases.COLUMNS,
    zone=Zone.LOCAL,
    sniff=sniff,
)
