r"""Log Event Extended Format: ``LEEF:1.0|vendor|product|version|event|key=value<tab>key=value``, read and written.

Reference: https://www.ibm.com/docs/en/dsm?topic=overview-leef-event-components (unverified from here). 2.0 has the
delimiter behind the event id: a character, ``0x5E`` or ``x5E``, empty or left out for a tab. Writers that put blanks or
bars where tabs belong are read too. ``devTime`` is written as ``devTimeFormat`` (a Java date pattern) says.
"""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from detector.events import days, stamps
from detector.grammars import kv

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo


class Message(NamedTuple):
    """One line.

    Attributes:
        vendor: as written.
        product: as written.
        event: its id.
        fields: of a key that comes twice the first value.
    """

    vendor: str
    product: str
    event: str
    fields: dict[str, str]


HEADER = re.compile(
    r"(?:[^|={}\"]{0,300}?(?<![^\s:>])LEEF: ?([12])(?:\.\d)?|[12]\.\d)\|([^|]*)\|([^|]*)\|[^|]*\|([^|]*)\|"
    r"(?:(0?[xX][0-9A-Fa-f]{2,4}|[^\w\s]|\t|\\t)?\|(?=\S))?"
)
_JAVA = re.compile(r"(\d{1,4})([-/. ])(\d{1,2})\2(\d{2,4})[T ]+(\d{1,2}:\d\d:\d\d(?:[.,:]\d{1,9})?)")
_NAMED = re.compile(
    r"(?:[A-Z][a-z]{2},? )?(?:([A-Z][a-z]{2}) +(\d{1,2})|(\d{1,2})[ /-]([A-Z][a-z]{2}))[ ,/-]+(?:(\d{4})[ :])?"
    r"(\d\d:\d\d:\d\d)(?:[.,:](\d{1,9}))?(?: ?((?:GMT|UTC)?[+-]\d\d:?\d\d|[A-Z]{1,5}))?(?: (\d{4}))?"
)
_OFFSET = re.compile(r"(?:GMT|UTC)?([+-]\d\d:?\d\d)")
_ZONES = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "CET": 1, "CEST": 2,
    "EET": 2, "EEST": 3, "WET": 0, "WEST": 1, "BST": 1, "JST": 9,
}  # fmt: skip


def find(line: str) -> Message | None:
    r"""The message of a line, with a syslog header before it or without; ``None`` where it has no such header.

    >>> find("LEEF:2.0|Vendor|Proxy|1|100|^|src=10.0.0.7^usrName=u1042").fields
    {'usrName': 'u1042', 'src': '10.0.0.7'}
    >>> find("LEEF:1.0|Vendor|Proxy|1|100|src=10.0.0.7\turl=http://x.example/?a=b").fields
    {'url': 'http://x.example/?a=b', 'src': '10.0.0.7'}
    """
    head = None if kv.is_behind_pairs(line) else HEADER.match(line)
    if not head:
        return None
    _, vendor, product, event, delimiter = head.groups()
    body = line[head.end() :]
    sign = separator(delimiter or "")
    if sign not in body:
        sign = "\t"
    if sign in body:
        fields = kv.cut(body, sign)
    elif "|" in body and body.count("|") * 2 >= body.count("="):
        fields = kv.cut(body, "|")
    else:
        fields = kv.opened(body)
    return Message(vendor, product, event, fields)


def join(header: str, fields: Mapping[str, str]) -> str:
    r"""A line of version 1.0 that ``find`` reads back.

    >>> join("Vendor|Proxy|1|100", {"src": "10.0.0.7", "usrName": "u1042"})
    'LEEF:1.0|Vendor|Proxy|1|100|src=10.0.0.7\tusrName=u1042'
    """
    return f"LEEF:1.0|{header}|" + "\t".join(f"{key}={kv.one_line(cell)}" for key, cell in fields.items())


def instant(text: str, pattern: str, zone: tzinfo, written_until: int | None = None) -> int | None:
    """The instant of ``devTime``; ``None`` where it cannot be read. Without a pattern: epoch, ISO or ``MMM dd yyyy``.

    >>> from datetime import UTC
    >>> instant("Feb 27 2020 10:00:00 GMT", "", UTC) == instant("1582797600000", "", UTC)
    True
    >>> instant("27/02/2020 10:00:00", "dd/MM/yyyy HH:mm:ss", UTC) == instant("2020-02-27 10:00:00", "", UTC)
    True
    """
    text = text.strip()
    try:
        if text.replace(".", "", 1).isdecimal():
            return stamps.epoch(text)
        if found := _NAMED.fullmatch(text):
            return _named(found, zone, written_until)
        if (found := _JAVA.match(text)) and len(found[1]) < 4:
            return _slashed(found, pattern, zone)
        return stamps.iso(text.replace("/", "-"), zone)
    except (ValueError, OverflowError):
        return None


def _named(found: re.Match[str], zone: tzinfo, written_until: int | None) -> int | None:
    name, day, fraction, written = found[1] or found[4], found[2] or found[3], found[7], found[8]
    year = found[5] or found[9]
    if written:
        zone = zone_named(written) or zone
    clock = f"{found[6]}.{fraction}" if fraction else found[6]
    month = stamps.month_number(name)
    known = int(year) if year else stamps.year_of(month, int(day), written_until)
    return None if known is None else stamps.civil(known, month, int(day), clock, zone)


def _slashed(found: re.Match[str], pattern: str, zone: tzinfo) -> int:
    """A day over 12 shows the order; else the pattern's; else month first, as its commonest writers do."""
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    if first > 12 or (pattern.startswith("d") and second <= 12):
        first, second = second, first
    clock = re.sub(r":(\d+)$", r".\1", found[5]) if found[5].count(":") > 2 else found[5]
    return stamps.civil(year + 2000 if year < 100 else year, first, second, clock, zone)


@lru_cache(maxsize=64)
def zone_named(name: str) -> tzinfo | None:
    """The zone of ``GMT``, ``+0100`` or one of the few abbreviations that mean one thing; ``None`` for others.

    >>> str(zone_named("EST")), str(zone_named("GMT+01:00")), zone_named("XYZ")
    ('UTC-05:00', 'UTC+01:00', None)
    """
    if name in ("GMT", "UTC", "Z"):
        return UTC
    if found := _OFFSET.fullmatch(name):
        return days.zone_of(found[1])
    return timezone(timedelta(hours=_ZONES[name])) if name in _ZONES else None


@lru_cache(maxsize=64)
def separator(written: str) -> str:
    """What stands between pairs, as the header of version 2.0 writes it."""
    if written in ("", "\\t"):
        return "\t"
    if len(written) > 1:
        return chr(int(written.lower().removeprefix("0").removeprefix("x"), 16))
    return written
