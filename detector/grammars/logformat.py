r"""Squid's ``logformat`` strings: a format string becomes a reader of its lines.

A code is ``%["|[|'|#|/][[-]width][{argument}]code[{argument}]``. The character behind the percent sign says how the
value is escaped (quoted string, text as of ``log_mime_hdrs``, as it is, URL, shell); without it squid escapes by what
stands around: ``"%{User-Agent}>h"`` as a quoted string, ``[%un]`` as text.

A line is read by one pattern in which every field ends where its follower can first stand. Where that fails, one field
(a header, else the URL) may hold blanks: more than one such field would let a forged line cost quadratic time.

Reference: https://www.squid-cache.org/Versions/v4/cfgman/logformat.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from detector.errors import RefusedLine, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODES = tuple(sorted((
    "ts", "tu", "tr", "tS", "dt", "tl", "tg", ">a", ">A", ">p", ">eui", "<eui", "<a", "<A", "<p", "<la", "<lp", "<pt",
    "<tt", "la", "lp", ">la", ">lp", "un", "ul", "ui", "ue", "us", "Hs", ">Hs", "<Hs", "Ss", "Sh", "rm", ">rm", "<rm",
    "ru", ">ru", "<ru", "rp", ">rp", "<rp", "rd", ">rd", "<rd", "rP", ">rP", "<rP", "rv", ">rv", "<rv", "rs", ">rs",
    "<rs", "st", ">st", "<st", ">sh", "<sh", "<bs", "mt", "et", "ea", "sn", ">h", "<h", ">ha", "note", "err_code",
    "err_detail", "credentials", "ssl::>sni", "ssl::bump_mode", "ssl::>cert_subject", "ssl::>cert_issuer",
    "ssl::<cert_subject", "ssl::<cert_issuer", "ssl::<cert_errors", "ssl::<cert", "icap::tt", "icap::<last_h",
    "adapt::<last_h", "adapt::sum_trs", "adapt::all_trs", "transport::>connection_id", "proxy_protocol::>h",
    "master_xaction", "request_attempts", "busy_time",
), key=len, reverse=True))  # fmt: skip
_WITH_ARGUMENT = frozenset({">h", "<h", ">ha", "note", "tl", "tg", "icap::<last_h", "adapt::<last_h"})
_HEADERS = frozenset({">h", "<h", ">ha", "note"})
_LOOSEST = ("{user-agent}>h", ">h", "<h", ">ha", "ru", ">ru", "<ru", "un", "ul")
_PRESETS = {
    "squid": "%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt",
    "common": '%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st %Ss:%Sh',
    "combined": '%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st "%{Referer}>h" "%{User-Agent}>h" %Ss:%Sh',
    "referrer": "%ts.%03tu %>a %{Referer}>h %ru",
    "useragent": '%>a [%tl] "%{User-Agent}>h"',
}
_UNKNOWN = re.compile(r"(?:[a-z_]+::)?[<>]?[A-Za-z_]+")
_HEAD = re.compile(r"([\"\[\]'#/]?)(-?\d*(?:\.\d+)?)(?:\{([^}]*)\})?(?:http::)?")
_LATE = re.compile(r"\{([^}]*)\}")
_ESCAPES = {
    '"': re.compile(r'\\(["\\nrt])'),
    "[": re.compile(r"\\(\\)"),  # \r and \n too, but an old squid writes the user CORP\nick as it is
    "/": re.compile(r"\\(.)", re.DOTALL),
}
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}


class Field(NamedTuple):
    """One code of a format string.

    Attributes:
        name: the code; with its argument in front where it takes one, header names in lower case: ``{user-agent}>h``.
        escape: how its value is written: ``"`` quoted string, ``[`` text, ``#`` URL, ``/`` shell, ``'`` as it is.
        padded: it has a width.
        quoted: it stands between the quotation marks ``"``.
        follower: the character behind it in the format string, empty at the end.
    """

    name: str
    escape: str
    padded: bool
    quoted: bool
    follower: str


class Layout(NamedTuple):
    """A compiled format string.

    Attributes:
        fields: the codes in the order of the line.
        strict: one group a field.
        loose: the same with one field that may hold blanks.
        escaped: positions of the fields whose values may hold escapes.
    """

    fields: tuple[Field, ...]
    strict: re.Pattern[str]
    loose: re.Pattern[str]
    escaped: tuple[int, ...]

    def values(self, line: str) -> Sequence[str]:
        """One value a field, escapes resolved.

        Raises:
            RefusedLine: the line does not have the layout.
        """
        found = self.strict.fullmatch(line) or self.loose.fullmatch(line)
        if not found:
            raise RefusedLine("not the layout of the site's logformat")
        values: Sequence[str] = found.groups()
        if "\\" not in line and "%" not in line:
            return values
        values = list(values)
        for index in self.escaped:
            values[index] = unescape(values[index], self.fields[index].escape)
        return values

    def first(self, *names: str) -> int | None:
        """The position of the first of some codes that the layout has."""
        have = [field.name for field in self.fields]
        return next((have.index(name) for name in names if name in have), None)


def unescape(value: str, escape: str) -> str:
    r"""A value as it was before squid wrote it.

    >>> unescape(r'a \"b\"', '"'), unescape(r"CORP\\u1042%20x", "["), unescape("100%", "'")
    ('a "b"', 'CORP\\u1042 x', '100%')
    """
    if escape in _ESCAPES and "\\" in value:
        value = _ESCAPES[escape].sub(lambda found: _CONTROL.get(found[1], found[1]), value)
    return unquote(value, errors="backslashreplace") if escape in ("[", "#") and "%" in value else value


@lru_cache(maxsize=32)
def layout(string: str) -> Layout:
    """The reader of a format string, of one of squid's own names for one, or of a whole ``logformat NAME …`` directive.

    Raises:
        UsageError: the string is no ``logformat``.

    >>> layout('%ts.%03tu %>a "%rm"').values('1582797600.123 10.0.0.7 "GET"')[2:]
    ('10.0.0.7', 'GET')
    """
    string = re.sub(r"^\s*logformat\s+\S+\s+(?=\S)", "", string).strip()
    tokens = _tokens(_PRESETS.get(string, string))
    fields = tuple(token for token in tokens if isinstance(token, Field))
    if not fields:
        raise UsageError(f"logformat: no format code in {string[:60]!r}")
    loosest = next((field for name in _LOOSEST for field in fields if field.name.endswith(name)), None)
    strict = [_literal(token) if isinstance(token, str) else _strict(token) for token in tokens]
    loose = [_loose(token) if token is loosest else piece for token, piece in zip(tokens, strict, strict=True)]
    return Layout(
        fields=fields,
        strict=re.compile("".join(strict) + r"\s*", re.DOTALL),
        loose=re.compile("".join(loose) + r"\s*", re.DOTALL),
        escaped=tuple(n for n, field in enumerate(fields) if field.escape != "'" and not _is_plain(field.name)),
    )


def _is_plain(name: str) -> bool:
    """URLs keep their own percent escapes; numbers and times have none."""
    return name.lstrip("<>") in {"ru", "rp", "ts", "tu", "tr", "st", "Hs", "Ss", "rm"} or name.endswith(("tl", "tg"))


def _tokens(string: str) -> list[str | Field]:
    tokens: list[str | Field] = []
    position, around = 0, "'"
    while position < len(string):
        if string[position] != "%" or string.startswith("%%", position):
            step = 2 if string[position] == "%" else 1
            character = string[position]
            around = _around(character, around)
            if tokens and isinstance(tokens[-1], str):
                tokens[-1] += character
            else:
                tokens.append(character)
            position += step
            continue
        position, field = _code_at(string, position + 1, around)
        tokens.append(field)
    return tokens


def _around(character: str, around: str) -> str:
    """Which escaping squid chooses behind a literal character, as its own parser does."""
    if character == '"' and around in ('"', "'"):
        return "'" if around == '"' else '"'
    if character == "[" and around == "'":
        return "["
    return "'" if character == "]" and around == "[" else around


def _code_at(string: str, position: int, around: str) -> tuple[int, Field]:
    """The end of the format code behind a percent sign, and the code."""
    head = _HEAD.match(string, position)
    start = head.end() if head else position
    code = next((code for code in _CODES if string.startswith(code, start)), None)
    if code is None and (unknown := _UNKNOWN.match(string, start)):
        code = unknown[0]
    if code is None or head is None:
        raise UsageError(f"logformat: no format code is known at {string[position - 1 : position + 14]!r}")
    end, argument = start + len(code), head[3] or ""
    if not argument and code in _WITH_ARGUMENT and (late := _LATE.match(string, end)):
        argument, end = late[1], late.end()
    if code in _HEADERS:
        argument = argument.lower()
    name = f"{{{argument}}}{code}" if argument and code in _WITH_ARGUMENT else code
    return end, Field(name, head[1] or around, bool(head[2]), around == '"', string[end : end + 1])


def _literal(text: str) -> str:
    pieces = re.split(r"(\s+|\\t)", text)
    return "".join(r"[ \t]++" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces))


def _strict(field: Field) -> str:
    pad = r"[ \t]*+" if field.padded else ""
    if field.name.endswith(("tl", "tg")):
        return f"({_stamp(field)})"
    follower = field.follower
    if follower == '"' and field.quoted:
        return pad + r'([^"\\]*+(?:\\.[^"\\]*+)*+)'
    if field.quoted:
        return pad + r'([^\s"\\]*(?:\\.[^\s"\\]*)*)'
    if follower in ("|", ";"):
        return rf"{pad}([^{follower}]*+)"
    if follower == ":" and field.name.lstrip("<>") in {"a", "la"}:
        return rf"{pad}([^\s]*)"
    if follower and not follower.isspace() and follower not in "%\\":
        return rf"{pad}([^\s{re.escape(follower)}]*+)"
    return rf"{pad}(\S*)"


def _loose(field: Field | str) -> str:
    """Blanks in runs: one at a time, a line of blanks would cost quadratic time."""
    follower = field.follower if isinstance(field, Field) else ""
    return "(.*?)" if follower.strip() else r"(\S++(?:[ \t]++\S++)*?)"


def _stamp(field: Field) -> str:
    if field.quoted:
        return '[^"]*'
    if field.escape == "[" or field.follower == "]":
        return r"[^\]]*"
    pattern = field.name[1:].partition("}")[0] if field.name.startswith("{") else "%d/%b/%Y:%H:%M:%S %z"
    return r"[ \t]++".join([r"\S+"] * len(pattern.split()))
