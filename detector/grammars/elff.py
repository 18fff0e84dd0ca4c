"""The W3C extended log file format: fields by a ``#Fields:`` line, values apart by blanks or tabs, some in quotes.

Reference: https://www.w3.org/TR/WD-logfile.html (unverified from here)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HEADER = "#Fields:"
"""How every header line starts; elsewhere in a line (a user agent can say anything) it is none."""

_TOKEN = re.compile(r'"((?:[^"\\]++|\\.|"")*+)"(?![^ \t])|(\[\d[^\]]{0,40}\])(?![^ \t])|([^ \t]+)', re.DOTALL)


def columns(line: str) -> tuple[str, ...] | None:
    """The lower-case names of a header line, ``None`` for any other line.

    >>> columns("#Fields: date time cs(User-Agent)")
    ('date', 'time', 'cs(user-agent)')
    """
    line = line.lstrip("\ufeff")
    if not line.startswith(HEADER):
        return None
    return tuple(name.strip('"').lower() for name in line[len(HEADER) :].replace(",", " ").split())


def tokens(line: str, count: int) -> list[str]:
    r"""The values of a line without their quotes; ``count`` is how many the header names, 0 where none is known.

    >>> tokens('a  "b c" [27/Feb/2020:10:00:00 +0000] ""', 4)
    ['a', 'b c', '[27/Feb/2020:10:00:00 +0000]', '']
    """
    if "\t" in line and len(cells := line.split("\t")) >= max(count, 2):
        return [cell.strip(" ").strip('"') for cell in cells]
    pieces = line.split('"')
    if "" not in pieces[1:-1] and ("\\" not in line or '\\"' not in line):
        found = pieces[0].split()
        for quoted, bare in zip(pieces[1::2], pieces[2::2], strict=False):
            found.append(quoted)
            found += bare.split()
        if not len(pieces) & 1:  # a quotation mark that nothing closes
            found.append(pieces[-1])
        if len(found) == count or not count:
            return found
    return [_unquoted(quoted) or bracket or bare for quoted, bracket, bare in _TOKEN.findall(line.rstrip())]


def _unquoted(value: str) -> str:
    return value.replace('\\"', '"').replace('""', '"') if '"' in value else value


def aligned(
    found: list[str], names: Sequence[str], loose: frozenset[str], fits: Callable[[Sequence[str]], bool]
) -> list[str]:
    """As many values as names, where a value with blanks stands without quotes.

    Each column that can hold blanks is tried in turn: the first with which the line fits takes the surplus.

    Raises:
        RefusedLine: there are too few values, or no column makes the line fit.

    >>> aligned("a Web Ads 200".split(), ("x", "tag", "code"), frozenset({"x", "tag"}), lambda v: v[1] != "Ads")
    ['a', 'Web Ads', '200']
    """
    surplus = len(found) - len(names)
    if surplus < 0:
        raise RefusedLine("fewer fields than the header names")
    for place in [place for place, name in enumerate(names) if name in loose]:
        merged = [*found[:place], " ".join(found[place : place + surplus + 1]), *found[place + surplus + 1 :]]
        if fits(merged):
            return merged
    if fits(found[: len(names)]):
        return found[: len(names)]
    raise RefusedLine("more fields than the header names")
