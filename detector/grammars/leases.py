"""Who held an address: hardware addresses, host names and the rows of leases, as all DHCP servers tell them.

A row of a lease says by ``ACTION`` what became of the address: allowed, the client holds it from then on; denied, it
does not any more (released, expired, declined). ``START`` and ``END`` bound the time where the log gives it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.events import MICROSECONDS, Action, Col, Envelope
from detector.events.envelope import Header, instant, peel
from detector.grammars import values

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_AT, _IP, _MAC, _HOST, _START, _END, _ACTION = (
    Col.AT, Col.SOURCE_IP, Col.SOURCE_MAC, Col.HOST_NAME, Col.START, Col.END, Col.ACTION,
)  # fmt: skip
_ALLOWED, _DENIED = Action.ALLOWED, Action.DENIED
COLUMNS = frozenset({_AT, _IP, _MAC, _HOST, _START, _END, _ACTION})
"""What the rows of a lease can hold."""
FOREVER_S = 0xFFFFFFFF
"""A lease of so many seconds does not end."""

_APART = re.compile(r"[0-9A-Fa-f]{1,2}(?:[:-][0-9A-Fa-f]{1,2}){5}")
_TOGETHER = re.compile(r"[0-9A-Fa-f]{12}|[0-9A-Fa-f]{4}(?:[.:-][0-9A-Fa-f]{4}){2}|[0-9A-Fa-f]{6}[:-][0-9A-Fa-f]{6}")
_LOGREAD = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4}) (?:[a-z0-9]{1,10}\.[a-z]{1,8} )?"
)
_NAMELESS = frozenset(("", "-", "*", "<null>", "(null)", "(none)"))
_LONGEST_NAME = 255
_LONGEST_MEMO = 300
_LONGEST_MAC = 64
_LONGEST_STAY_S = 10 * 366 * 86_400
_DUID_LENGTHS = {"0001": 28, "0003": 20}
"""Hexadecimal digits of the identifiers (RFC 8415 section 11) that end with an Ethernet address, by their type."""


def mac(text: str | None) -> str | None:
    """A hardware address as six pairs of lower-case digits; ``None`` for anything else and for the zero address.

    >>> mac("00-11-22-AA-BB-CC"), mac("0011.22aa.bbcc"), mac("001122AABBCC"), mac("10.0.0.7"), mac("0:1:2:a:b:c")
    ('00:11:22:aa:bb:cc', '00:11:22:aa:bb:cc', '00:11:22:aa:bb:cc', None, '00:01:02:0a:0b:0c')
    """
    return _mac(text) if text and len(text) < _LONGEST_MAC else None


@lru_cache(maxsize=8192)
def _mac(text: str) -> str | None:
    if _APART.fullmatch(text):
        digits = "".join(pair.rjust(2, "0") for pair in re.split("[:-]", text)).lower()
    elif _TOGETHER.fullmatch(text):
        digits = re.sub(r"[.:-]", "", text).lower()
    else:
        return None
    if digits == "0" * 12:
        return None
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def mac_of_duid(text: str | None) -> str | None:
    """The Ethernet address inside a DHCPv6 client's identifier, where its type has one.

    >>> mac_of_duid("00:01:00:01:25:de:ad:00:00:11:22:aa:bb:cc"), mac_of_duid("00:02:00:00:01:37")
    ('00:11:22:aa:bb:cc', None)
    """
    return _mac_of_duid(text) if text and len(text) < _LONGEST_NAME else None


@lru_cache(maxsize=8192)
def _mac_of_duid(text: str) -> str | None:
    digits = "".join(pair.rjust(2, "0") for pair in re.split("[:-]", text)).lower()
    known = _DUID_LENGTHS.get(digits[:4]) == len(digits) and digits[4:8] == "0001"
    return mac(digits[-12:]) if known else None


def host_name(text: str | None) -> str | None:
    """A client's name in lower case without quotes and final dot; ``None`` for placeholders.

    >>> host_name('"WS-0317.Example.org."'), host_name("*")
    ('ws-0317.example.org', None)
    """
    return _host_name(text) if text and len(text) < _LONGEST_MEMO else None


@lru_cache(maxsize=8192)
def _host_name(text: str) -> str | None:
    name = values.lower(text.strip().strip('"').removesuffix("."))
    return None if name in _NAMELESS or len(name) > _LONGEST_NAME else name


def row(  # noqa: PLR0913 - a lease has that many sides
    *,
    at: int | None,
    ip: str | None,
    mac: str | None = None,
    host: str | None = None,
    ends: bool = False,
    seconds: str | None = None,
) -> Row:
    """The event of a lease that was granted for some seconds, or that ``ends``."""
    found: Row = {_ACTION: _DENIED if ends else _ALLOWED}
    if at is not None:
        found[_AT] = at
    if ip:
        found[_IP] = ip
    if mac:
        found[_MAC] = mac
    if host:
        found[_HOST] = host
    if at is None:
        return found
    if ends:
        found[_END] = at
    elif seconds:
        found[_START] = at
        if (stay := stay_of(seconds)) is not None:
            found[_END] = at + stay
    return found


def stay_of(seconds: str | None) -> int | None:
    """A lease's seconds in microseconds; ``None`` where it does not end and for nonsense.

    >>> stay_of("3600"), stay_of("4294967295"), stay_of("-1")
    (3600000000, None, None)
    """
    count = values.size(seconds)
    return None if count is None or count > _LONGEST_STAY_S else count * MICROSECONDS


def unwrapped(line: str, dialect: Dialect) -> tuple[str, int | None]:
    """The text behind the header of syslog, or of OpenWrt's ``logread``, with its instant.

    Where the dialect's envelope is peeled before, and where there is none, the text is the line itself.
    """
    header = None if dialect.envelope else peel(line, Envelope.SYSLOG)
    if header is None:
        found = None if dialect.envelope else _LOGREAD.match(line)
        if found is None:
            return line, None
        header = Header(f"{found[1]} {found[2]} {found[4]} {found[3]}", "", line[found.end() :])
    try:
        return header.body, instant(header, dialect)
    except (ValueError, OverflowError):  # a broken time does not unsay the lease
        return header.body, None
