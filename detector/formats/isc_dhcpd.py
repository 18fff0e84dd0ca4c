r"""ISC dhcpd: what the server writes to syslog about each lease.

``dhcpd[pid]: DHCPACK on ADDRESS to MAC [(NAME)] via INTERFACE|RELAY [relay ADDRESS] [lease-duration SECONDS] …``:

- time: the syslog header's, local and without a year in its old form; ``dhcpd -d`` writes the text alone. A relay may
  put a second host before the tag (Infoblox)
- ``DHCPACK on ADDRESS to MAC`` and ``BOOTREPLY for ADDRESS to NAME (MAC)`` give the address; ``DHCPACK to ADDRESS
  (MAC) via`` answers DHCPINFORM: its client holds the address already
- ``(NAME)`` the name that the client gives itself; ``lease-duration`` seconds, in newer servers
- ``DHCPRELEASE of ADDRESS from MAC``, ``DHCPDECLINE of …``, ``DHCPEXPIRE on ADDRESS to MAC``, ``Expired: ADDRESS``
  end it
- DHCPv6: ``Reply NA: address ADDRESS to client with duid DUID iaid = N valid for N seconds`` gives,
  ``Client DUID releases address ADDRESS`` and ``declines address`` end; a DUID of types 1 and 3 holds the MAC

Questions and offers (``DHCPDISCOVER``, ``DHCPOFFER``, ``DHCPREQUEST``, ``DHCPINFORM``, ``Solicit``, ``Advertise``),
refusals (``DHCPNAK``) and everything else that dhcpd says are passed: nobody holds an address by them.

``Feb 27 10:00:00 gw dhcpd[42]: DHCPACK on 10.0.0.7 to 00:00:5e:00:53:07 (ws-0317) via eth0``
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.events.instants import to_datetime
from detector.grammars import leases, values

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_ACK = re.compile(
    r"(?:DHCP(?P<verb>ACK(?! of )|RELEASE|DECLINE|EXPIRE|LEASEEXPIRE) (?:on|of|to) (?P<ip>[\w.:]+)"
    r"(?: (?:to|from) (?P<mac>[0-9A-Fa-f:.-]+)| \((?P<told>[0-9A-Fa-f:.-]+)\))?(?: \((?P<name>.*?)\)(?= via |\s*$))?"
    r"|BOOTREPLY (?:for|on) (?P<bootp>[\w.:]+) to (?P<boot>\S+) \((?P<hard>[0-9A-Fa-f:]+)\))"
)
_IP = Col.SOURCE_IP
_DURATION = re.compile(r" lease-duration (\d{1,10})\b")
_REPLY = re.compile(
    r"Reply (?:NA|TA|PD): address (?P<ip>[\w.:]+) to client with duid (?P<duid>[0-9A-Fa-f:]+) .*?"
    r"valid for (?P<seconds>\d{1,10}) sec"
)
_END = re.compile(r"Client (?P<duid>[0-9A-Fa-f:]+) (?:releases|declines) address (?P<ip>[\w.:]+)")
_EXPIRED = re.compile(r"Expired: ([\w.:]+)")
_TAG = re.compile(r"(?:[\w.:-]{1,255} )?[^\s\[\]:]{0,32}dhcpd6?(?:\[\d*\])?: ?")
_BODY = re.compile(r"(?:DHCP[A-Z]{3,16}|BOOTREQUEST|BOOTREPLY)\b[ :]|Internet Systems Consortium DHCP|uid lease \d")


def parse(line: str, dialect: Dialect) -> Row | None:
    """One lease that was given, or that ended, to one event; the rest of the talk to nothing."""
    body, at = leases.unwrapped(line, dialect)
    tag = _TAG.match(body)
    text = body[tag.end() :] if tag else body
    found = _ACK.match(text)
    row = _lease(found, text, at) if found else _lease6(text, at) if tag else None
    if row is not None and _IP in row:
        return row
    if tag or _BODY.match(text) or not line or line.isspace():
        return None
    raise RefusedLine("not dhcpd's layout")


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The syslog header's, where it is still there."""
    return leases.unwrapped(line, dialect)[1]


def example(row: Row) -> str:
    """The line of ``DHCPACK``, or of ``DHCPRELEASE`` for a lease that ended."""
    at = row.get(Col.AT, 0)
    stamp = f"{to_datetime(at if isinstance(at, int) else 0):%b %e %H:%M:%S}"
    ip, mac = row.get(Col.SOURCE_IP, "192.0.2.1"), row.get(Col.SOURCE_MAC, "00:00:5e:00:53:01")
    name = f" ({row[Col.HOST_NAME]})" if Col.HOST_NAME in row else ""
    if row.get(Col.ACTION) == Action.DENIED:
        return f"{stamp} gw dhcpd[42]: DHCPRELEASE of {ip} from {mac}{name} via eth0 (found)"
    return f"{stamp} gw dhcpd[42]: DHCPACK on {ip} to {mac}{name} via eth0"


def _lease(found: re.Match[str], text: str, at: int | None) -> Row:
    verb, ip, mac, told, host, bootp, boot, hard = found.groups()
    if verb is None:
        name = None if leases.mac(boot) else leases.host_name(boot)
        return leases.row(at=at, ip=values.address(bootp), mac=leases.mac(hard), host=name)
    seconds = _DURATION.search(text, found.end()) if "lease-d" in text else None
    return leases.row(
        at=at,
        ip=values.address(ip),
        mac=leases.mac(mac or told),
        host=leases.host_name(host),
        ends=verb != "ACK",
        seconds=seconds[1] if seconds else None,
    )


def _lease6(text: str, at: int | None) -> Row | None:
    if found := _REPLY.match(text):
        ip, duid = values.address(found["ip"]), leases.mac_of_duid(found["duid"])
        return leases.row(at=at, ip=ip, mac=duid, seconds=found["seconds"])
    if found := _END.match(text):
        return leases.row(at=at, ip=values.address(found["ip"]), mac=leases.mac_of_duid(found["duid"]), ends=True)
    if found := _EXPIRED.match(text):
        return leases.row(at=at, ip=values.address(found[1]), ends=True)
    return None


FORMAT = LogFormat(
    name="isc_dhcpd",
    kind=Kind.LEASE,
    title="ISC dhcpd (syslog)",
    reference="unverified: https://kb.isc.org/docs/isc-dhcp-44-manual-pages-dhcpd",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=leases.COLUMNS,
    zone=Zone.LOCAL,
)
