r"""Windows DHCP server: the audit logs ``DhcpSrvLog-*.log`` (IPv4) and ``DhcpV6SrvLog-*.log``.

A legend of the event ids, a header line, then one line an event, columns by the header's names:

``ID,Date,Time,Description,IP Address,Host Name,MAC Address,User Name,TransactionID,QResult,Probationtime,…`` or
``ID,Date,Time,Description,IPv6 Address,Host Name,Error Code,Duid Length,Duid Bytes(Hex),User Name,…``

- ``ID`` 10 assigned, 11 renewed, 20 and 21 BOOTP; 12 released, 16 deleted, 17 and 18 expired end a lease. IPv6: 11002
  requested, 11004 renewed, 11005 rebound; 11006 declined, 11007 released, 11018 deleted, 11020 expired. All others
  (DNS updates, full scopes, cleanups) are passed
- ``Date`` and ``Time`` the server's local time, ``02/27/20``: month first whatever the locale, ``date_order`` where a
  server does otherwise; a day over 12 shows itself
- ``MAC Address`` twelve digits without separators, longer where it is no hardware address but a client id (RAS)
- ``Host Name`` full name; ``User Name`` mostly empty

Without a header (the middle of a log, a header in the server's language) the columns are those of IPv4, or of IPv6 by
the event's number. WinCollect writes ``AgentDevice=WindowsDHCP`` and the columns by their names, ``ID=10``, with tabs.

``10,02/27/20,10:00:00,Assign,10.0.0.7,ws-0317.example.org,00005E005307,,2342,0,,,,,,,,,0``
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.events.instants import to_datetime
from detector.grammars import csvexport, leases, values, winevent

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect, Row

_GIVES = frozenset("10 11 20 21 11002 11004 11005".split())  # noqa: SIM905
_ENDS = frozenset("12 16 17 18 11006 11007 11018 11020".split())  # noqa: SIM905
_COLUMNS = ("id", "date", "time", "description", "ipaddress", "hostname", "macaddress", "username")
_COLUMNS_V6 = (*_COLUMNS[:4], "ipv6address", "hostname", "errorcode", "duidlength", "duidbyteshex", "username")
_NAMES = frozenset({*_COLUMNS, "ipv6address", "duidlength", "duidbyteshex", "errorcode", "transactionid"})
_SPELLINGS = {
    "id": ("id", "eventid"), "date": ("date",), "time": ("time",), "address": ("ipaddress", "ipv6address"),
    "name": ("hostname",), "mac": ("macaddress",), "duid": ("duidbyteshex",), "user": ("username",),
}  # fmt: skip
_PREAMBLE = "ID,Date,Time,Description,IP Address,Host Name,MAC Address,User Name, TransactionID, QResult"
_EVENT = re.compile(r'"?\d{1,5}"?,"?\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}"?,')
_EVENT_V6 = re.compile(r'"?11\d{3}"?,')
_WINCOLLECT = re.compile(r"AgentDevice=(?:Windows|Microsoft)DHCP(?:\t|#011)")
_LEGEND = re.compile(r"\s*\d{1,5}\+?[\t ]+[A-Z]|\s*(?:Microsoft )?DHCP(?:v6)? .{0,60}Log|Event ID\b|QResult:|\t")
_LONGEST_STAMP = 32
_HEX = re.compile(r"[0-9A-Fa-f]{12,}")


def parse(line: str, dialect: Dialect) -> Row | None:
    """One event about a lease; what the server does besides, and the legend, to nothing."""
    if not _EVENT.match(line) and not _WINCOLLECT.match(line):
        if not line or line.isspace() or _LEGEND.match(line):
            return None
        raise RefusedLine("not a line of the audit log")
    code, day, clock, address, name, mac, duid, user = _texts(line, dialect)
    gives = code in _GIVES
    if not gives and code not in _ENDS:
        return None
    ip = values.address(address.strip())
    if ip is None:
        return None
    row = leases.row(
        at=_instant(day, clock, dialect),
        ip=ip,
        mac=leases.mac(mac.strip()) or leases.mac_of_duid(_paired(duid)),
        host=leases.host_name(name),
        ends=not gives,
    )
    if account := values.user(user):
        row[Col.USER] = account
    return row


def timestamp(line: str, dialect: Dialect) -> int | None:
    """Date and time, without a zone."""
    if not _EVENT.match(line) and not _WINCOLLECT.match(line):
        return None
    _, day, clock, *_ = _texts(line, dialect)
    return _instant(day, clock, dialect)


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The columns of the header line."""
    found = csvexport.columns(line, _NAMES, 6)
    if found is None or found[0][0] not in ("id", "eventid") or found[1] != ",":
        return None
    try:
        _plan(found[0])
    except RefusedLine:
        return None
    return replace(dialect, columns=found[0], separator=found[1])


def example(row: Row) -> str:
    """A line of an address that was assigned, or of one that was released."""
    at = row.get(Col.AT, 0)
    word = "12,{},Release" if row.get(Col.ACTION) == Action.DENIED else "10,{},Assign"
    begin = word.format(f"{to_datetime(at if isinstance(at, int) else 0):%m/%d/%y,%H:%M:%S}")
    mac = str(row.get(Col.SOURCE_MAC, "00:00:5e:00:53:01")).replace(":", "").upper()
    ip, name = row.get(Col.SOURCE_IP, "192.0.2.1"), row.get(Col.HOST_NAME, "")
    return f"{begin},{ip},{name},{mac},{row.get(Col.USER, '')},2342,0"


def _texts(line: str, dialect: Dialect) -> tuple[str, ...]:
    if line[:6] == "AgentD":
        return _of_wincollect(line)
    return _plan(dialect.columns or (_COLUMNS_V6 if _EVENT_V6.match(line) else _COLUMNS)).texts(line, ",")


def _of_wincollect(line: str) -> tuple[str, ...]:
    cells = winevent.tabbed(line)
    texts = tuple(next((cells[name] for name in names if name in cells), "") for names in _SPELLINGS.values())
    if not all(texts[:3]):
        raise RefusedLine("an event that breaks off")
    return texts


@lru_cache(maxsize=64)
def _plan(columns: tuple[str, ...]) -> csvexport.Plan:
    return csvexport.plan(columns, _SPELLINGS, ("id", "date", "time", "address"))


def _instant(day: str, clock: str, dialect: Dialect) -> int | None:
    return _second(day[:_LONGEST_STAMP], clock[:_LONGEST_STAMP], dialect.date_order, dialect.zone)


@lru_cache(maxsize=8192)
def _second(day: str, clock: str, order: str, zone: tzinfo) -> int | None:
    try:
        return csvexport.instant(f"{day} {clock}", zone, order or ("dmy" if "." in day else "mdy"))
    except (ValueError, OverflowError):  # a broken time does not unsay the lease
        return None


def _paired(text: str) -> str:
    """A DUID's digits in pairs; ``text`` is longer than a hardware address."""
    text = text.strip().removeprefix("0x")
    if not _HEX.fullmatch(text):
        return ""
    return ":".join(text[at : at + 2] for at in range(0, min(len(text), 64), 2))


FORMAT = LogFormat(
    name="windows_dhcp",
    kind=Kind.LEASE,
    title="Windows DHCP server audit log",
    reference="unverified: https://learn.microsoft.com/en-us/previous-versions/windows/it-pro/windows-server-2008-R2-and-2008/dd183591(v=ws.10)",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=leases.COLUMNS | {Col.USER},
    zone=Zone.LOCAL,
    preamble=_PREAMBLE,
    head=head,
    head_literals=(b"Date,Time", b"Date, Time"),
)
