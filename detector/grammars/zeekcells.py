r"""Single cells of Zeek's logs, in both their spellings: JSON's own types, or text with placeholders for "unset".

``ts`` is seconds since the epoch with a fraction, ISO 8601 or milliseconds since the epoch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Col, stamps
from detector.grammars import values

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Row

Cells: TypeAlias = Sequence[object]
"""The fields that a log is read by, in the order of ``Log.fields``; ``None`` or a placeholder where unset."""

UNSET = frozenset({"", "-", "(empty)"})
"""What stands for "no value" in logs of text."""

_AT, _SOURCE_IP = Col.AT, Col.SOURCE_IP
_ESCAPES = re.compile(r"(?:\\x[0-9A-Fa-f]{2})+")
_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")
_LARGEST = 2**63
_MILLIS_FROM = 100_000_000_000  # in seconds that is the year 5138


def instant(cell: object, zone: tzinfo) -> int | None:
    """The instant of ``ts``, ``None`` where it is broken: a sighting counts without its time too.

    >>> from datetime import UTC
    >>> instant("1582797600.123456", UTC), instant(1582797600123, UTC) == instant("2020-02-27T10:00:00.123Z", UTC)
    (1582797600123456, True)
    """
    if isinstance(cell, str):
        if len(cell) == 17 and cell[10] == "." and (digits := cell[:10] + cell[11:]).isdecimal():
            return int(digits)  # Zeek's own spelling
        return _written_time(cell, zone)
    if isinstance(cell, float) and 0 <= cell < _LARGEST:
        return round(cell * (MICROSECONDS if cell < _MILLIS_FROM else 1000))
    if type(cell) is int and 0 <= cell < _LARGEST:
        return stamps.epoch(str(cell))
    return None


def _written_time(text: str, zone: tzinfo) -> int | None:
    try:
        return stamps.iso(text, zone) if "-" in text else stamps.epoch(text)
    except RefusedLine:
        return None


def unescape(text: str) -> str:
    r"""Zeek's ``\xNN`` as the characters that they stand for, but for those that host names are made of.

    Names are searched for in the raw bytes: an escape that became a part of a name would escape the search. Zeek
    itself never writes these so. Bytes that are no UTF-8 stay escaped.

    >>> unescape(r"\xc3\xa9t\xc3\xa9 \x09 \x63learview.ai \xff") == "été \t \\x63learview.ai \\xff"
    True
    """
    return _ESCAPES.sub(_unescaped, text) if "\\x" in text else text


def _unescaped(found: re.Match[str]) -> str:
    raw = bytes.fromhex(found[0].replace("\\x", ""))
    if not _NAME_BYTES.isdisjoint(raw):
        return found[0]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return found[0]


def text(cell: object) -> str | None:
    r"""The text of a cell, ``None`` where it holds none.

    >>> text("a"), text("(empty)"), text(7)
    ('a', None, None)
    """
    if not isinstance(cell, str) or cell in UNSET:
        return None
    return unescape(cell) if "\\" in cell else cell


def count(cell: object) -> int | None:
    """A number of bytes, or a status; ``None`` for nonsense."""
    if type(cell) is int:
        return cell if 0 <= cell < _LARGEST else None
    return values.size(cell) if isinstance(cell, str) else None


def name(cell: object) -> str | None:
    """A name as the wire carries it: neither a port nor user information can stand in it."""
    written = text(cell)
    return None if written is None else values.lower(written).removesuffix(".") or None


def row(at: object, client: object, zone: tzinfo) -> Row:
    """When it happened, and whose address asked."""
    found: Row = {}
    if (moment := instant(at, zone)) is not None:
        found[_AT] = moment
    if isinstance(client, str) and (address := values.address(client)):
        found[_SOURCE_IP] = address
    return found
