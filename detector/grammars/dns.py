r"""DNS names and record types in presentation form, as resolvers log them.

A name is never read as a host of a URL: ``user@clearview.ai`` is a label with an at sign below ``ai``, and an escaped
dot ends no label. References: https://www.rfc-editor.org/rfc/rfc1035 section 5.1 (``\DDD``, ``\X``),
https://www.rfc-editor.org/rfc/rfc3597 (``TYPE65``), both unverified from here.
"""

from __future__ import annotations

import re
from functools import lru_cache

ROOT = "."
"""The name of the root, the only one that keeps its dot."""

_ESCAPED = re.compile(r"\\([^0-9A-Za-z])")
_LONGEST_TYPE = 16
_NUMBERED = re.compile(r"(?:TYPE=?)?(\d{1,5})")
_TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 28: "AAAA", 29: "LOC",
    33: "SRV", 35: "NAPTR", 39: "DNAME", 43: "DS", 44: "SSHFP", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 52: "TLSA",
    61: "OPENPGPKEY", 64: "SVCB", 65: "HTTPS", 99: "SPF", 251: "IXFR", 252: "AXFR", 255: "ANY", 256: "URI", 257: "CAA",
}  # fmt: skip


def name(text: str) -> str | None:
    r"""A name in lower case (ASCII only) without the final dot; ``None`` for an empty text.

    Escapes stay escapes, all spelled ``\DDD``: what is undone could pass for a dot, a blank or another name.

    >>> name("WWW.Clearview.AI."), name("."), name("a\\.b.example.com"), name("u1042@clearview.ai")
    ('www.clearview.ai', '.', 'a\\046b.example.com', 'u1042@clearview.ai')
    """
    if "\\" in text:
        text = _ESCAPED.sub(_decimal, text)
    if text == ROOT:
        return ROOT
    text = text.lower() if text.isascii() else text.encode().lower().decode()
    return text.removesuffix(".") or None


def label(text: str) -> str:
    r"""One label, taken apart elsewhere, as a part of a name: a dot in it ends no label.

    >>> label("a.b"), label("app")
    ('a\\046b', 'app')
    """
    return text.replace(".", "\\046")


def type_name(text: str) -> str | None:
    """A record type in upper case; known types that are written as numbers get their name.

    >>> type_name("aaaa"), type_name("TYPE65"), type_name("type=65"), type_name("TYPE4711"), type_name("")
    ('AAAA', 'HTTPS', 'HTTPS', 'TYPE4711', None)
    """
    return _type_name(text) if len(text) <= _LONGEST_TYPE else text.upper()


@lru_cache(maxsize=256)
def _type_name(text: str) -> str | None:
    text = text.upper()
    if found := _NUMBERED.fullmatch(text):
        return _TYPES.get(int(found[1]), f"TYPE{int(found[1])}")
    return text or None


def _decimal(found: re.Match[str]) -> str:
    return f"\\{ord(found[1]):03d}" if found[1].isascii() else found[0]
