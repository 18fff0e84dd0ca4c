"""Time stamps that a site spells with a ``strftime`` pattern (squid's ``%{…}tl``, HAProxy's ``%[date,ltime(…)]``).

Reference: https://pubs.opengroup.org/onlinepubs/9699919799/functions/strftime.html (unverified from here)
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import stamps

if TYPE_CHECKING:
    from datetime import tzinfo

_WHOLE = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "c": "%a %b %e %T %Y", "r": "%I:%M:%S %p"}
_PARTS = {
    "d": ("day", r" ?\d{1,2}"), "e": ("day", r" ?\d{1,2}"), "m": ("month", r"\d{1,2}"),
    "b": ("name", r"[A-Za-z]{3}"), "h": ("name", r"[A-Za-z]{3}"), "B": ("name", r"[A-Za-z]{3,9}"),
    "Y": ("year", r"\d{4}"), "y": ("short", r"\d\d"), "H": ("hour", r"\d{1,2}"), "k": ("hour", r" ?\d{1,2}"),
    "I": ("hour", r"\d{1,2}"), "l": ("hour", r" ?\d{1,2}"), "M": ("minute", r"\d\d"), "S": ("second", r"\d\d"),
    "p": ("noon", r"[AaPp][Mm]"), "z": ("offset", r"Z|[+-]\d\d:?\d\d"), "s": ("epoch", r"\d{1,19}"),
    "f": ("fraction", r"\d{1,9}"), "a": ("", r"[A-Za-z]+"), "A": ("", r"[A-Za-z]+"), "j": ("", r"\d{1,3}"),
    "Z": ("", r"[A-Za-z]+"), "u": ("", r"\d"), "w": ("", r"\d"), "n": ("", r"\s+"), "t": ("", r"\s+"), "%": ("", "%"),
}  # fmt: skip


def instant(text: str, pattern: str, zone: tzinfo) -> int:
    """The instant of a stamp; ``zone`` counts where the pattern has no ``%z``.

    Raises:
        RefusedLine: the text is not what the pattern writes, or the pattern holds no whole date and time.

    >>> from datetime import UTC
    >>> instant("27.02.2020 01:00:05 PM", "%d.%m.%Y %I:%M:%S %p", UTC) == stamps.iso("2020-02-27T13:00:05Z", UTC)
    True
    """
    found = _compile(pattern).fullmatch(text)
    if not found:
        raise RefusedLine("not the site's time pattern")
    part = found.groupdict()
    if seconds := part.get("epoch"):
        return stamps.epoch(seconds)
    hour = int(part.get("hour") or 0)
    if noon := part.get("noon"):
        hour = hour % 12 + (12 if noon[0] in "pP" else 0)
    month = stamps.month_number(part["name"]) if "name" in part else int(part.get("month") or 0)
    year = part.get("year") or (f"20{part['short']}" if "short" in part else "0000")
    written = (
        f"{year}-{month:02d}-{int(part.get('day') or 0):02d}T{hour:02d}:{part.get('minute') or '00'}:"
        f"{part.get('second') or '00'}.{part.get('fraction') or '0'}{part.get('offset') or ''}"
    )
    return stamps.iso(written, zone)


@lru_cache(maxsize=64)
def _compile(pattern: str) -> re.Pattern[str]:
    for letter, whole in _WHOLE.items():
        pattern = pattern.replace(f"%{letter}", whole)
    pieces: list[str] = []
    seen: set[str] = set()
    for literal, directive in re.findall(r"([^%]+)|%[EO-]?(.)", pattern):
        if literal:
            pieces.append(re.escape(literal))
            continue
        name, expression = _PARTS.get(directive, ("", r"\S*?"))
        pieces.append(f"(?P<{name}>{expression})" if name and name not in seen else f"(?:{expression})")
        seen.add(name)
    return re.compile("".join(pieces))
