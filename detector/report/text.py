r"""Text from logs made harmless for every way out: what cannot be seen is spelled out.

A control character, a bidirectional override or an invisible character in a user name or a path can rewrite a
terminal, reverse the order of what is read, or hide a difference. They are shown as escapes (``\x1b``, ``\u202e``).
The set is written down instead of asked from ``unicodedata``: the same report gives the same bytes on every Python.

Reference: https://www.unicode.org/reports/tr36/ (unverified from here)
"""

from __future__ import annotations

import re

_UNSEEN = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # fillers and marks without a glyph
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line ends, bidirectional controls
    "\ufeff\ufff0-\ufffb\ufffe\uffff\ufdd0-\ufdef"  # byte order mark, annotations, no characters
    "\ud800-\udfff"  # halves of pairs: bytes of a file name that are not UTF-8
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # musical controls, tags
)
_unseen = re.compile(f"[{_UNSEEN}]")


def visible(text: str) -> str:
    r"""The text with every character that cannot be seen, or that changes how others are seen, spelled out.

    Everything else stays, also backslashes; a byte that is not UTF-8 (surrogate escape) is spelled as ``\xff``.

    >>> visible("a\x1b[31m\u202eb")
    'a\\x1b[31m\\u202eb'
    """
    return _unseen.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def encodable(text: str) -> str:
    r"""The text with only what UTF-8 cannot hold spelled out: for writers that escape the rest without loss.

    >>> encodable("a\udcffb")
    'a\\xffb'
    """
    return _halves.sub(_spelled, text)


_halves = re.compile("[\ud800-\udfff]")


def escaped_json(document: str) -> str:
    r"""JSON text with every unseen character as ``\uXXXX``: the same values, harmless on a terminal.

    The document must be JSON already: characters below U+0020 are then only its own line ends.

    >>> escaped_json('"\u202e"')
    '"\\u202e"'
    """
    if document.isascii() and "\x7f" not in document:
        return document
    return _unseen_in_json.sub(_as_json, document)


_unseen_in_json = re.compile(f"[{_UNSEEN.replace(chr(0) + '-' + chr(0x1F), '')}]")


def _as_json(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def cut_middle(text: str, width: int) -> str:
    """The text in at most so many characters, cut visibly in the middle, where paths differ least.

    >>> cut_middle("/var/log/squid/access.log", 13)
    '/var/l…ss.log'
    """
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"
