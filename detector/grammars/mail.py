"""Mail values as logs write them: encoded subjects (RFC 2047), address lists, display names.

Nothing here raises on any text: senders choose what stands in these fields, cut words and unknown charsets included.

References: https://www.rfc-editor.org/rfc/rfc2047, https://www.rfc-editor.org/rfc/rfc5322 section 3.4 (unverified
from here).
"""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORT = 512  # characters of a text that is remembered; hostile ones must not fill the memory
_LONGEST_ADDRESS = 512  # RFC 5321 allows 254; list software (VERP, SRS) writes longer ones
_WORD = r"=\?[^?\s]{1,60}\?(?:[Bb]\?[^?]*|[Qq]\?.*?)(?:\?=|\?$|$)"
_RUN = re.compile(rf"{_WORD}(?:\s*{_WORD})*", re.DOTALL)
_PARTS = re.compile(r"=\?([^?\s]{1,60})\?(?:([Bb])\?([^?]*)|[Qq]\?(.*?))(\?=|\?$|$)", re.DOTALL)
_FOLD = re.compile(r"[\r\n]+[ \t]*")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_CUT_HEX = re.compile(rb"=[0-9A-Fa-f]?$")

_CHARSETS = {
    # What senders call it -> the superset that they write (as browsers read these labels, https://encoding.spec.whatwg.org).
    "us-ascii": "utf-8", "ascii": "utf-8", "ansi_x3.4-1968": "utf-8", "utf8mb4": "utf-8", "iso-8859-1": "cp1252",
    "latin1": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "x-sjis": "cp932", "shift_jis": "cp932", "windows-874": "cp874",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-6-i": "iso-8859-6", "iso-8859-9": "cp1254",
}  # fmt: skip
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "mbcs", "oem", "unicode_escape", "raw_unicode_escape"})
"""Python's own text codecs that no mail means: some are slow on hostile text."""

_PLAIN = re.compile(r"[A-Za-z0-9!#$%&*+/=?^_`{|}~.'-]+@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")
USUAL = r"[A-Za-z0-9!#$%&*+/=?^_`{|}~.-]{1,128}+@(?!\.)[A-Za-z0-9_.-]{1,252}+(?<!\.)"
"""The pattern of a bare mailbox that is read as it stands, but for its case."""
_USUAL = re.compile(USUAL)
_ENTRY = re.compile(r'(?:"(?:[^"\\]|\\.){0,512}"|<[^<>]*>|\([^()]*\)|[^,;\r\n])+', re.DOTALL)
_ANGLE = re.compile(r"<([^<>]*)>")
_QUOTED_NAME = re.compile(r'"(?:[^"\\]|\\.){0,512}"(?!@)')
_COMMENT = re.compile(r"\(([^()]*)\)")
_BARE = re.compile(
    r"(?:\"[^\"\r\n]{1,64}\"|[^\s@<>,;:\"()\[\]\\]{1,320})@"
    r"(?:\[[0-9A-Za-z:.]{2,60}\]|[^\s@<>,;:\"()\[\]\\'/|{}=?!*#$%&^~`]{1,255}+)(?!@)"
)
"""The last ``@`` counts: what stands in front of it could else speak for another domain."""


def decode_subject(text: str) -> str:
    """The text that a header's encoded words stand for; a text without any stays, folds become one blank.

    Bytes of neighbouring words are joined before they are decoded: senders cut characters in two. A word that the log
    cut off gives what is left of it; an unknown charset is read as UTF-8, else as Windows-1252.

    >>> decode_subject("=?utf-8?B?Q29uZmlybWV6?= =?UTF-8?Q?_votre_courriel_=C3=A9t=C3?= =?utf-8?q?=A9?=")
    'Confirmez votre courriel été'
    >>> decode_subject("=?utf-8?B?Q29uZmlybSB5b3V")
    'Confirm you'
    """
    if "\n" in text or "\r" in text:
        text = _FOLD.sub(" ", text)
    if "=?" in text:
        text = _decoded(text) if len(text) <= _SHORT else _RUN.sub(_decode_run, text)
    return text.strip()


def addresses(text: str) -> list[str]:
    """Every mailbox of a list in lower case, each once, in order; what is no address is left out.

    Reads ``Name <a@b>, c@d``, lists separated by ``;`` or blanks, quoted names that hold commas or addresses, groups.

    >>> addresses('"Doe, Jane (x@y.org)" <Jane@Example.com>; <>, c@d.org, jane@example.com')
    ['jane@example.com', 'c@d.org']
    >>> addresses("x@vendor.example@evil.example")
    ['vendor.example@evil.example']
    """
    if "@" not in text:
        return []
    return list(_mailboxes(text) if len(text) <= _SHORT else _read(text))


def address(text: str) -> str | None:
    """The first mailbox of a text in lower case, ``None`` where there is none (``<>`` is nobody).

    >>> address("Clearview <No-Reply@Clearview.ai>"), address("<>")
    ('no-reply@clearview.ai', None)
    """
    if "@" not in text:
        return None
    found = _mailboxes(text) if len(text) <= _SHORT else _read(text)
    return found[0] if found else None


def display_name(text: str) -> str | None:
    """The name that stands beside the first mailbox, decoded; ``None`` where there is none or it repeats the address.

    >>> display_name('=?utf-8?Q?Andr=C3=A9?= <a@b.org>'), display_name("a@b.org (Ann)"), display_name("a@b.org")
    ('André', 'Ann', None)
    """
    if "<" not in text and "(" not in text:
        return None
    return _named(text) if len(text) <= _SHORT else _named.__wrapped__(text)


@lru_cache(maxsize=16_384)
def _named(text: str) -> str | None:
    entry = next((entry for entry in _entries(text) if "@" in entry), "")
    angle = _ANGLE.search(entry)
    if angle:
        name = entry[: angle.start()]
    else:
        comment = _COMMENT.search(entry)
        name = comment[1] if comment else ""
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    name = decode_subject(name).strip().strip("'").strip()
    return None if not name or _lower(name) == address(entry) else name


@lru_cache(maxsize=16_384)
def _decoded(text: str) -> str:
    return _RUN.sub(_decode_run, text)


@lru_cache(maxsize=65_536)
def _mailboxes(text: str) -> tuple[str, ...]:
    """As ``_read``, remembered: a log names the same few mailboxes again and again."""
    return _read(text)


def _read(text: str) -> tuple[str, ...]:
    if _USUAL.fullmatch(text):
        return (text.lower(),)
    if _PLAIN.fullmatch(text):
        return _known([text])
    return _known(found for entry in _entries(text) for found in _of_entry(entry))


def _decode_run(run: re.Match[str]) -> str:
    """Neighbouring encoded words; blanks between them are not part of the text."""
    pieces = [
        (charset.partition("*")[0].lower(), _bytes_of(b, b64, quoted), end != "?=")
        for charset, b, b64, quoted, end in _PARTS.findall(run[0])
    ]
    decoded = []
    for charset, group in groupby(pieces, key=lambda piece: piece[0]):
        members = list(group)
        decoded.append(_decode(b"".join(raw for _, raw, _ in members), charset, cut=members[-1][2]))
    return _FOLD.sub(" ", "".join(decoded))


def _bytes_of(is_base64: str, encoded: str, quoted: str) -> bytes:
    if is_base64:
        kept = _NOT_BASE64.sub("", encoded)
        kept = kept[: len(kept) - (len(kept) % 4 == 1)]
        return binascii.a2b_base64(kept + "=" * (-len(kept) % 4))
    raw = _CUT_HEX.sub(b"", quoted.replace("_", " ").encode("utf-8", "replace"))
    return _HEX.sub(lambda found: bytes.fromhex(found[1].decode()), raw)


def _decode(raw: bytes, charset: str, *, cut: bool) -> str:
    codec = _CHARSETS.get(charset, charset)
    if codec.replace("-", "_") not in _NO_CHARSETS:
        try:
            text = raw.decode(codec, "replace")
        except (LookupError, ValueError):  # no such charset; or one that "replace" cannot save
            pass
        else:
            return text.rstrip("\ufffd") if cut else text
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _entries(text: str) -> list[str]:
    """The members of a list; an odd quote would swallow all that follows it, so then quotes do not count."""
    if text[:1] == "[" and text[-1:] == "]":
        text = text[1:-1]  # a JSON list
    if text.count('"') % 2:
        text = text.replace('"', " ")
    return _ENTRY.findall(text)


def _of_entry(entry: str) -> list[str]:
    angles = [inner for inner in _ANGLE.findall(entry) if "@" in inner]
    if angles:
        return [found for inner in angles for found in _BARE.findall(inner)[-1:]]
    bare = entry.strip()
    if bare[:1] == '"' == bare[-1:] and bare.count('"') == 2:
        bare = bare[1:-1]
    return _BARE.findall(_COMMENT.sub(" ", _QUOTED_NAME.sub(" ", bare)))


def _known(found: Iterable[str]) -> tuple[str, ...]:
    kept: dict[str, None] = {}
    for written in found:
        one = _lower(written).strip("'").rstrip(".'")
        local, _, domain = one.rpartition("@")
        if local and domain.strip(".") and len(one) <= _LONGEST_ADDRESS:
            kept[one] = None
    return tuple(kept)


def _lower(text: str) -> str:
    """ASCII lower case only: ``str.lower`` would turn other letters (the Kelvin sign) into ASCII ones."""
    return text.lower() if text.isascii() else text.encode("utf-8", "replace").lower().decode()
