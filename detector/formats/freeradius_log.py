r"""FreeRADIUS ``radius.log``: who logged in through which device, with ``auth = yes`` in ``radiusd.conf``.

``Thu Feb 27 10:00:00 2020 : Auth: (7) Login OK: [USER] (from client NAS port N cli STATION)``, in syslog
``radiusd[pid]: (7) Login OK: …`` (``freeradius`` on Debian):

- time: local time of the server; ``(7)`` number of the request, from version 3 on
- ``Login OK``, ``Login incorrect`` (denied), the latter with a reason in parentheses
- ``[USER]``, ``[USER/PASSWORD]`` with ``auth_badpass`` or ``auth_goodpass``, ``[USER/<via Auth-Type = EAP>]``: what
  stands behind the name is never kept. ``host/NAME`` is a computer; a MAC in its place, an outer identity
  (``anonymous@…``) and ``<no User-Name attribute>`` are no account
- ``cli STATION`` the MAC of the client (of a VPN its address); ``via TLS tunnel`` stands behind it for the inner login

All other messages are passed.

``Thu Feb 27 10:00:00 2020 : Auth: (7) Login OK: [u1042] (from client ap1 port 0 cli 00-00-5E-00-53-07)``
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone, stamps
from detector.events.instants import to_datetime
from detector.grammars import leases, values

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect, Row

_AT, _USER, _IP, _MAC, _HOST, _ACTION = Col.AT, Col.USER, Col.SOURCE_IP, Col.SOURCE_MAC, Col.HOST_NAME, Col.ACTION
_STAMP = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4}) ?: "
    r"(?:Auth|Info|Error|Warning|WARNING|Debug|Proxy|ERROR|Notice|Acct): "
)
_TAG = re.compile(r"(?:free)?radiusd?(?:\[\d*\])?: ", re.IGNORECASE)
_LOGIN = re.compile(
    r"(?:\(\d+\) +)?(?:[\w-]{1,64}: )?Login (?P<how>OK|incorrect)(?: \((?P<why>[^\n]{0,300}?)\))?: "
    r"\[(?P<who>[^\n]{0,600})\] \(from client [^\n]{0,255}? port \d+(?: cli (?P<station>\S{1,128}?))?"
    r"(?: via (?:TLS tunnel|proxy to virtual server))?\)"
)
_LENGTH_OF_MAC = 17
"""A station may have the name of its network behind it."""
_OUTER = re.compile(r"(?:anonymous)?@.*|anonymous|<no User-Name attribute>", re.IGNORECASE | re.DOTALL)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One login to one event; other messages to nothing."""
    text, at, known = _unwrapped(line, dialect)
    found = _LOGIN.match(text)
    if found is None:
        if known or not line or line.isspace():
            return None
        raise RefusedLine("not what FreeRADIUS logs")
    if not known:
        raise RefusedLine("a login of another program")
    row = _who(found["who"])
    if station := found["station"]:
        mac, ip = leases.mac(station) or leases.mac(station[:_LENGTH_OF_MAC]), values.address(station)
        row |= {_MAC: mac} if mac else {_IP: ip} if ip else {}
    if row.keys().isdisjoint((_USER, _HOST)):
        return None
    row[_ACTION] = Action.ALLOWED if found["how"] == "OK" else Action.DENIED
    if at is not None:
        row[_AT] = at
    return row


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The time in front of a message."""
    return _unwrapped(line, dialect)[1]


def example(row: Row) -> str:
    """The line of a login, or of one that failed."""
    at = row.get(_AT, 0)
    stamp = f"{to_datetime(at if isinstance(at, int) else 0):%a %b %e %H:%M:%S %Y}"
    how = "incorrect (pap: password does not match)" if row.get(_ACTION) == Action.DENIED else "OK"
    station = row.get(_MAC) or row.get(_IP) or "00-00-5E-00-53-01"
    return f"{stamp} : Auth: (7) Login {how}: [{row.get(_USER, '')}] (from client vpn1 port 0 cli {station})"


def _unwrapped(line: str, dialect: Dialect) -> tuple[str, int | None, bool]:
    """The message, its time, and whether its head is FreeRADIUS's own."""
    if found := _STAMP.match(line):
        return line[found.end() :], _instant(*found.groups(), dialect.zone), True
    text, at = leases.unwrapped(line, dialect)
    tag = _TAG.match(text)
    return (text, at, False) if tag is None else (text[tag.end() :], at, True)


def _who(written: str) -> Row:
    """The account or the computer; of ``u1042/secret`` only what stands before the slash."""
    if written.lower().startswith("host/"):
        host = leases.host_name(written[5:].partition("/")[0])
        return {_HOST: host} if host else {}
    account = values.user(written.partition("/")[0])
    if account is None or _OUTER.fullmatch(account) or leases.mac(account):
        return {}
    return {_USER: account}


@lru_cache(maxsize=4096)
def _instant(month: str, day: str, clock: str, year: str, zone: tzinfo) -> int | None:
    try:
        return stamps.syslog(f"{month} {day} {year} {clock}", zone, None)
    except (ValueError, OverflowError):  # a broken time does not unsay the login
        return None


FORMAT = LogFormat(
    name="freeradius_log",
    kind=Kind.LOGIN,
    title="FreeRADIUS log (radius.log, syslog)",
    reference="unverified: https://wiki.freeradius.org/guide/faq",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({_AT, _USER, _IP, _MAC, _HOST, _ACTION}),
    zone=Zone.LOCAL,
)
