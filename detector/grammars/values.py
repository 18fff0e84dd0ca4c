"""Single values as logs write them: placeholders, numbers, host names, addresses, URLs.

Every reader here returns ``None`` for "the line does not say", so that a format can leave the column out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine

if TYPE_CHECKING:
    from detector.events import Col, Row, Value

NOBODY = frozenset({
    "", "-", '""', '"-"', "null", "(null)", "none", "n/a", "na", "unknown", "not found",
    "no authentication required", "undefined", "anonymous", "<>",
})  # fmt: skip
"""Lower-case placeholders that devices write where they know no user (formats.md pitfall 12)."""

_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:%\w+)?")
_ENDPOINT = re.compile(r"\[?([0-9A-Fa-f.:%\w]+?)\]?(?::\d{1,5})?")
_BRACKETS = re.compile(r"\[([0-9A-Fa-f.:]{2,45})\]")
_AUTHORITY = re.compile(r"(?:[A-Za-z][A-Za-z0-9+._-]*:)?//([^/]*)")
_SCHEME_ONLY = re.compile(r"[A-Za-z][A-Za-z0-9+_-]*:(?!\d*(?:[?#\\]|$))[^@]*")
_AUTHORITY_END = re.compile(r"[/?#\\]")
_STATUSES: dict[str | None, int] = {str(code): code for code in range(100, 1000)}
_LONGEST_NUMBER = 20
_LARGEST = 2**63 - 1
_METHOD_LIMIT = 24
_NO_METHODS = frozenset(("NA", "NONE", "UNKNOWN", "NULL", "OTHER", "INVALID"))
_MEMO = 8192
_SHORT = 256
"""Longer values are read without the memo: 8,192 forged ones must not hold gigabytes."""


def row_of(cells: Mapping[Col, Value | None]) -> Row:
    """An event without the columns that the line does not hold."""
    return {name: cell for name, cell in cells.items() if cell or cell == 0}


def text(value: str | None) -> str | None:
    """The value, or ``None`` for an empty one or a lone dash.

    >>> text("-"), text("GET")
    (None, 'GET')
    """
    return None if value is None or value in ("", "-") else value


def unquoted(value: str) -> str | None:
    """The same of a value that may stand in quotes, or keep one of them.

    >>> unquoted('"GET"'), unquoted('"-"'), unquoted("GET")
    ('GET', None, 'GET')
    """
    return text(value.strip('"'))


def user(value: str | None) -> str | None:
    r"""A user name, or ``None`` for one of the many placeholders; an address in the user's place is nobody.

    >>> user("Not Found"), user("10.0.0.7"), user("CORP\\u1042"), user("CORP\\\\u1042"), user("00123")
    (None, None, 'CORP\\u1042', 'CORP\\u1042', '00123')
    """
    if value is None:
        return None
    return _user_of(value) if len(value) < _SHORT else _user_of.__wrapped__(value)


def number(value: str | None) -> int | None:
    """A decimal integer, or ``None`` for a placeholder.

    Raises:
        RefusedLine: the value is neither a number nor a placeholder.

    >>> number("0421"), number("-")
    (421, None)
    """
    if value is None or value in ("", "-", "NA", "N/A"):
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER):
        raise RefusedLine(f"not a number: {value[:40]!r}")
    if (found := int(value)) > _LARGEST:
        raise RefusedLine(f"not a number of 64 bits: {value!r}")
    return found


def size(value: str | None) -> int | None:
    """A count of bytes; ``None`` for a placeholder and for nonsense, which must not cost the line.

    >>> size("512"), size("-"), size("-1"), size("9" * 5000)
    (512, None, None, None)
    """
    return int(value) if value and len(value) < 19 and value.isdecimal() else None


def status(value: str | None) -> int | None:
    """An HTTP status; ``None`` where there was no answer (``0``, ``000``, ``-``) and for nonsense.

    >>> status("200"), status("000"), status("-")
    (200, None, None)
    """
    return _STATUSES.get(value)


@lru_cache(maxsize=256)
def method(text: str) -> str | None:
    """An HTTP method in upper case; ``None`` for what is none.

    >>> method("get"), method("NA"), method("1")
    ('GET', None, None)
    """
    known = text.isascii() and text.replace("-", "").isalpha() and len(text) < _METHOD_LIMIT
    return text.upper() if known and text.upper() not in _NO_METHODS else None


def address(value: str | None) -> str | None:
    """An IPv4 or IPv6 address without brackets, or ``None`` where the value is no address.

    Ports out of range and other nonsense beside it are the caller's to ignore (formats.md pitfall 19).

    >>> address("[2001:DB8::7]"), address("10.0.0.7"), address("cafe:443")
    ('2001:db8::7', '10.0.0.7', None)
    """
    if not value:
        return None
    return _address_of(value) if len(value) < _SHORT else None


def client(value: str) -> str | None:
    """The address of a client, also with a port behind it.

    >>> client("10.0.0.7:50123"), client("proxy-7")
    ('10.0.0.7', None)
    """
    return address(value) or address(host(value))


def endpoint(value: str) -> str | None:
    """An address, perhaps with a port behind it; IPv6 may stand without brackets, and then without a port.

    >>> endpoint("10.0.0.7:50123"), endpoint("[2001:db8::7]:53"), endpoint("2001:db8::7"), endpoint("proxy-7:53")
    ('10.0.0.7', '2001:db8::7', '2001:db8::7', None)
    """
    if (found := address(value)) is not None or (parts := _ENDPOINT.fullmatch(value)) is None:
        return found
    return address(parts[1])


def bracketed(value: str) -> str | None:
    """An address, also in brackets behind a name.

    >>> bracketed("mx.example.org [10.0.0.7]"), bracketed("10.0.0.7"), bracketed("mx.example.org")
    ('10.0.0.7', '10.0.0.7', None)
    """
    found = _BRACKETS.search(value)
    return address(found[1] if found else value)


def host(value: str | None) -> str | None:
    """A host name in lower case (ASCII only) without port, user information, brackets and final dot.

    >>> host("WWW.Example.COM.:443"), host("[2001:db8::7]:443"), host("-")
    ('www.example.com', '2001:db8::7', None)
    """
    if value is None:
        return None
    return _host_of(value) if len(value) < _SHORT else _host_of.__wrapped__(value)


def lower(value: str) -> str:
    r"""ASCII lower case only: ``str.lower`` would turn the Kelvin sign into the letter k.

    >>> lower("ABC\u212a") == "abc\u212a"
    True
    """
    return value.lower() if value.isascii() else value.encode().lower().decode()


def host_of_url(url: str | None) -> str | None:
    """The host of a URL, of ``host:port`` (CONNECT) or of a URL without a scheme.

    A scheme without an authority (``error:invalid-request``, ``urn:x``) has no host.

    >>> host_of_url("https://u@WWW.Example.com:8443/a?b=@c"), host_of_url("example.com:443"), host_of_url("/path")
    ('www.example.com', 'example.com', None)
    >>> host_of_url("error:invalid-request"), host_of_url("//example.com/a")
    (None, 'example.com')
    """
    if not url or url == "-":
        return None
    if url.startswith(("http://", "https://")):
        authority = url.split("/", 3)[2]
    elif "//" in url and (found := _AUTHORITY.match(url)):
        authority = found[1]
    else:
        authority = url.partition("/")[0]
        return _host_of_bare(authority) if len(authority) < _SHORT else _host_of_bare.__wrapped__(authority)
    return _host_of_authority(authority) if len(authority) < _SHORT else _host_of_authority.__wrapped__(authority)


@lru_cache(maxsize=_MEMO)
def _host_of_authority(authority: str) -> str | None:
    return host(_AUTHORITY_END.split(authority, maxsplit=1)[0])


@lru_cache(maxsize=_MEMO)
def _host_of_bare(authority: str) -> str | None:
    return None if _SCHEME_ONLY.fullmatch(authority) else host(_AUTHORITY_END.split(authority, maxsplit=1)[0])


@lru_cache(maxsize=_MEMO)
def _user_of(value: str) -> str | None:
    value = value.strip().strip('"').replace("\\\\", "\\")  # escaped twice on the way
    return None if value.lower() in NOBODY or _ADDRESS.fullmatch(value) else value


@lru_cache(maxsize=_MEMO)
def _address_of(value: str) -> str | None:
    bare = value.strip("[]").lower()
    if bare.startswith("::ffff:") and "." in bare:
        bare = bare[7:]  # an IPv4 client of a server that listens on IPv6: leases name it so
    return bare if _ADDRESS.fullmatch(bare) else None


@lru_cache(maxsize=_MEMO)
def _host_of(value: str) -> str | None:
    if value in ("", "-"):
        return None
    if " " in (value := value.strip()):
        return None  # words: what a device says where it knows no name
    if "@" in value:
        value = value.rpartition("@")[2]
    if value.startswith("["):
        value, closed, _ = value[1:].partition("]")
        if not closed or ":" not in value:
            return None  # a bracket alone is no IPv6 address, and what stands behind it no name
    elif value.count(":") == 1:
        value = value.partition(":")[0]
    name = lower(value).removesuffix(".")
    return name if name.strip(".") else None  # of ``https://...`` the host was left out
