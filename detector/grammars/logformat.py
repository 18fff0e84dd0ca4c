"""Squid's ``logformat`` strings: a format string becomes a reader of its lines.

Reference: https://www.squid-cache.org/Versions/v4/cfgman/logformat.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine, UsageError
from detector.events import MICROSECONDS, stamps

if TYPE_CHECKING:
    from datetime import tzinfo

_CODES = tuple(sorted((
    "ts", "tu", "tr", "dt", "tl", "tg", ">a", ">A", ">p", ">eui", "<a", "<A", "<p", "la", "lp", ">la", ">lp",
    "un", "ul", "ui", "ue", "us", "Hs", ">Hs", "<Hs", "Ss", "Sh", "rm", ">rm", "<rm", "ru", ">ru", "<ru", "rp", ">rp",
    "<rp", "rd", ">rd", "rP", ">rP", "rv", ">rv", "<rv", "rs", "st", ">st", "<st", ">sh", "<sh", "<bs", "mt", "et",
    "ea", "sn", ">h", "<h", ">ha", "ssl::>sni", "ssl::bump_mode", "ssl::>cert_subject", "ssl::<cert_subject",
    "ssl::<cert_issuer", "note", "icap::tt", "err_code", "err_detail", "credentials", "transport::>connection_id",
), key=len, reverse=True))  # fmt: skip
_PRESETS = {
    "squid": "%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt",
    "common": '%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st %Ss:%Sh',
    "combined": '%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st "%{Referer}>h" "%{User-Agent}>h" %Ss:%Sh',
}


def fields(line: str, string: str) -> dict[str, str]:
    """The fields of a line by squid's format code; codes with an argument as ``{User-Agent}>h``.

    Raises:
        RefusedLine: the line does not have the layout.
        UsageError: the string is no ``logformat``.

    >>> fields('1582797600.123 10.0.0.7 "GET"', '%ts.%03tu %>a "%rm"')["rm"]
    'GET'
    """
    pattern, names = _compile(string)
    found = pattern.fullmatch(line.rstrip())
    if not found:
        raise RefusedLine("not the layout of the site's logformat")
    return dict(zip(names, found.groups(), strict=True))


def instant(found: dict[str, str], zone: tzinfo) -> int | None:
    """The instant that the time codes of a line give: ``ts`` with ``tu``, or ``tl``/``tg`` (local, GMT)."""
    if "ts" in found:
        millis = int(found.get("tu") or 0)
        return stamps.epoch(found["ts"]) + millis * MICROSECONDS // 1000
    stamp = found.get("tl") or found.get("tg")
    return None if stamp is None else stamps.clf(stamp, zone)


@lru_cache(maxsize=32)
def _compile(string: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    string = _PRESETS.get(string.strip(), string).strip()
    pieces: list[str] = []
    names: list[str] = []
    position = 0
    while position < len(string):
        percent = string.find("%", position)
        if percent < 0:
            pieces.append(_literal(string[position:]))
            break
        pieces.append(_literal(string[position:percent]))
        position = percent + 1
        if string[position : position + 1] == "%":
            pieces.append("%")
            position += 1
            continue
        position, name, width = _code_at(string, position)
        follower = string[position : position + 1]
        pieces.append(_field(name, width, follower))
        names.append(name)
    return re.compile("".join(pieces), re.DOTALL), tuple(names)


def _code_at(string: str, position: int) -> tuple[int, str, bool]:
    """The end, the name and whether it is padded, of the format code behind a percent sign."""
    head = re.compile(r"[\"\[\]'#/]*(-?\d*)(?:\.\d+)?(\{[^}]*\})?").match(string, position)
    start = head.end() if head else position
    argument = (head[2] if head else None) or ""
    code = next((code for code in _CODES if string.startswith(code, start)), None)
    if code is None:
        raise UsageError(f"logformat: no format code is known at {string[position - 1 : position + 14]!r}")
    end = start + len(code)
    if not argument and (late := re.compile(r"\{[^}]*\}").match(string, end)):
        argument, end = late[0], late.end()
    named = argument + code if code in (">h", "<h", ">ha", "note") else code
    return end, named, bool(head and head[1])


def _literal(text: str) -> str:
    return re.sub(r"(?:\\ | )+", " +", re.escape(text))


def _field(name: str, padded: bool, follower: str) -> str:
    pad = " *" if padded else ""
    if name in ("ts", "tu", "tr"):
        return rf"{pad}(-?\d+)"
    if name in ("tl", "tg"):
        return r"([^\]\"]+?)"
    if follower and follower not in (" ", "%"):
        return rf"{pad}([^{re.escape(follower)}]*(?:\\.[^{re.escape(follower)}]*)*)" if follower == '"' else rf"{pad}(.*?)"
    return rf"{pad}(\S*)"
