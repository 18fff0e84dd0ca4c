r"""Kea: the CSV files of its memfile back end, its log, and its legal log.

``address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context`` (DHCPv6:
``address,duid,valid_lifetime,expire,…,hostname,hwaddr,state,…``), columns by the header's names:

- ``expire`` end of the lease, seconds since the epoch; it started (or was renewed) ``valid_lifetime`` seconds before;
  a lifetime of 0 is a release, 4294967295 has no end
- ``hwaddr`` colons between; ``hostname`` with ``&#x2c`` for a comma; the MAC of a ``duid`` counts where there is no
  ``hwaddr``
- ``state`` 0 held, 1 declined (by a client that found it in use: passed), 2 expired and taken back, 3 released

``yyyy-mm-dd hh:mm:ss.mmm INFO  [kea-dhcp4.leases/PID.THREAD] DHCP4_LEASE_ALLOC [hwtype=1 MAC], cid=[…], tid=0x…:
lease ADDRESS has been allocated for SECONDS seconds``, local time, in syslog without it:

- ``…_LEASE_ALLOC``, ``_LEASE_RENEW`` and ``_LEASE_REUSE`` give, ``…_RELEASE`` and ``ALLOC_ENGINE_…_LEASE_RECLAIM`` end;
  all other messages (``_LEASE_ADVERT``, ``_LEASE_OFFER``: only an offer) are passed
- legal log: ``Address: A has been assigned|renewed for D days H hrs M mins S secs to a device with hardware address:``

``2020-02-27 10:00:00.123 INFO  [kea-dhcp4.leases/42.1] DHCP4_LEASE_ALLOC [hwtype=1 00:00:5e:00:53:07], cid=[no info],
tid=0x3a: lease 10.0.0.7 has been allocated for 3600 seconds``
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, LogFormat, Zone, stamps
from detector.events.instants import to_datetime
from detector.grammars import csvexport, leases, values

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_LOG = re.compile(
    r"(?:(?P<at>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)"
    r"(?: [A-Z]{2,5}(?= +Address))? +)?"
    r"(?P<tag>kea-dhcp[46](?:\[\d*\])?: )?"
    r"(?:[A-Z]{4,5} +)?(?P<logger>\[kea-[^\]]{1,80}\] )?(?:(?P<id>[A-Z][A-Z0-9]+_[A-Z0-9_]+)\b|(?=Address: ))"
)
_GIVES = re.compile(r"DHCP[46]_LEASE_(?:ALLOC|RENEW|REUSE)")
_ENDS = re.compile(r"DHCP[46]_RELEASE(?:_NA)?|ALLOC_ENGINE_V[46]_LEASES?_RECLAIM(?:ED)?|DHCP[46]_LEASE_EXPIRED")
_MAC = re.compile(r"hwtype=\d+ ([0-9A-Fa-f:]+)")
_DUID = re.compile(r"duid=\[?([0-9A-Fa-f:]+)")
_LEASE = re.compile(r"\b(?:lease|address):? (?:for address )?([0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*[0-9A-Fa-f])\b")
_SECONDS = re.compile(r" for (\d{1,10}) sec")
_LEGAL = re.compile(
    r"Address: (\S+) has been (assigned|renewed|released|expired)(?: for (.{0,60}?))? (?:to|from) a device"
)
_SPAN = re.compile(r"(\d{1,6}) (day|hr|min|sec)")
_UNITS = {"day": 86_400, "hr": 3_600, "min": 60, "sec": 1}
_NAMES = frozenset({"address", "validlifetime", "expire", "subnetid", "hwaddr", "duid", "hostname", "state"})
_SPELLINGS = {
    "address": ("address",), "hwaddr": ("hwaddr",), "duid": ("duid",), "lifetime": ("validlifetime",),
    "expire": ("expire",), "hostname": ("hostname",), "state": ("state",),
}  # fmt: skip
_DECLINED, _GONE = "1", frozenset({"2", "3"})
_LATEST_S = 253_402_300_800
"""The year 10000: a lease that would end later does not end."""


def parse(line: str, dialect: Dialect) -> Row | None:
    """One lease of the file, or one message about a lease, to one event."""
    if not line or line.isspace():
        return None
    if dialect.columns and not line.startswith(("20", "19")):
        return _stored(line, dialect)
    body, at = leases.unwrapped(line, dialect) if line[0] in "<ABCDEFGHIJKLMNOPQRSTUVWXYZ" else (line, None)
    found = _LOG.match(body)
    if found is None and body is line:
        body, at = leases.unwrapped(line, dialect)
        found = _LOG.match(body)
    if found is None or not (found["tag"] or found["logger"] or found["id"] is None or "_LEASE" in found["id"]):
        if dialect.columns:
            return _stored(line, dialect)
        raise RefusedLine("neither a message of Kea nor of its lease file")
    if found["at"]:
        at = _instant(found["at"], dialect)
    return _legal(body, at) if found["id"] is None else _told(found["id"], body[found.end() :], at)


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The time of the message; of the lease file when the lease was given."""
    if dialect.columns and not line.startswith(("20", "19")):
        row = parse(line, dialect)
        at = None if row is None else row.get(Col.AT)
        return at if isinstance(at, int) else None
    found = _LOG.match(line)
    if found and found["at"]:
        return _instant(found["at"], dialect)
    if dialect.columns:
        row = _stored(line, dialect)
        at = None if row is None else row.get(Col.AT)
        return at if isinstance(at, int) else None
    return leases.unwrapped(line, dialect)[1]


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The columns of a lease file's first line."""
    found = csvexport.columns(line, _NAMES, 5)
    if found is None or found[0][0] != "address" or "validlifetime" not in found[0] or "expire" not in found[0]:
        return None
    return replace(dialect, columns=found[0], separator=found[1])


def example(row: Row) -> str:
    """A message about a lease; an event that has an end says for how many seconds."""
    at, end = row.get(Col.AT, 0), row.get(Col.END)
    at = at if isinstance(at, int) else 0
    stamp = f"{to_datetime(at):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    who = f"[hwtype=1 {row.get(Col.SOURCE_MAC, '00:00:5e:00:53:01')}], cid=[no info], tid=0x2a: "
    ip = row.get(Col.SOURCE_IP, "192.0.2.1")
    if row.get(Col.ACTION) == Action.DENIED:
        return f"{stamp} INFO  [kea-dhcp4.leases/42.1] DHCP4_RELEASE {who}address {ip} was released properly."
    seconds = max(end - at, 0) // MICROSECONDS if isinstance(end, int) else leases.FOREVER_S
    told = f"DHCP4_LEASE_ALLOC {who}lease {ip} has been allocated for {seconds} seconds"
    return f"{stamp} INFO  [kea-dhcp4.leases/42.1] {told}"


def _told(message: str, text: str, at: int | None) -> Row | None:
    gives = _GIVES.fullmatch(message)
    if not gives and not _ENDS.fullmatch(message):
        return None
    found = _LEASE.search(text)
    ip = values.address(found[1]) if found else None
    if ip is None:
        return None
    hard, duid, seconds = _MAC.search(text), _DUID.search(text), _SECONDS.search(text)
    mac = leases.mac(hard[1] if hard else None) or leases.mac_of_duid(duid[1] if duid else None)
    return leases.row(at=at, ip=ip, mac=mac, ends=not gives, seconds=seconds[1] if seconds else None)


def _legal(text: str, at: int | None) -> Row | None:
    found = _LEGAL.search(text)
    ip = values.address(found[1]) if found else None
    if found is None or ip is None:
        return None
    hard, duid = _MAC.search(text), _DUID.search(text.lower())
    seconds = sum(int(count) * _UNITS[unit] for count, unit in _SPAN.findall(found[3] or ""))
    mac = leases.mac(hard[1] if hard else None) or leases.mac_of_duid(duid[1] if duid else None)
    ends = found[2] in ("released", "expired")
    return leases.row(at=at, ip=ip, mac=mac, ends=ends, seconds=str(seconds) if seconds else None)


def _stored(line: str, dialect: Dialect) -> Row | None:
    cells = _plan(dialect.columns).texts(line, dialect.separator or ",")
    address, hwaddr, duid, lifetime, expire, hostname, state = cells
    ip = values.address(address)
    if ip is None:
        raise RefusedLine("a lease without an address")
    if state.strip() == _DECLINED:
        return None
    ends, life = values.size(expire), values.size(lifetime)
    start = None if ends is None or life is None or ends > _LATEST_S + leases.FOREVER_S else ends - life
    gone = life == 0 or state.strip() in _GONE
    at = ends if gone else start
    row = leases.row(
        at=None if at is None or start is None or start < 0 else at * MICROSECONDS,
        ip=ip,
        mac=leases.mac(hwaddr) or leases.mac_of_duid(duid),
        host=leases.host_name(hostname.replace("&#x2c", ",")),
        ends=gone,
    )
    if Col.AT in row and start is not None and ends is not None:
        if life:
            row[Col.START] = start * MICROSECONDS
        if life != leases.FOREVER_S:
            row[Col.END] = ends * MICROSECONDS
    return row


def _instant(text: str, dialect: Dialect) -> int | None:
    try:
        return stamps.iso(text, dialect.zone)
    except (ValueError, OverflowError):  # a broken time does not unsay the lease
        return None


@lru_cache(maxsize=64)
def _plan(columns: tuple[str, ...]) -> csvexport.Plan:
    return csvexport.plan(columns, _SPELLINGS, ("address", "lifetime", "expire"))


FORMAT = LogFormat(
    name="kea_dhcp",
    kind=Kind.LEASE,
    title="Kea DHCP (memfile leases, log, legal log)",
    reference="unverified: https://kea.readthedocs.io/en/stable/arm/dhcp4-srv.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=leases.COLUMNS,
    zone=Zone.LOCAL,
    head=head,
    head_literals=(b"address,",),
)
