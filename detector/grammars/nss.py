r"""Zscaler's Nanolog Streaming Service: feed strings (``%s{ehost}``), %-encoded cells, its times, its CSV.

Reference: https://help.zscaler.com/unified/general-guidelines-nss-feeds-and-feed-formats (characters up to 0x20 and
from 0x7F on are %-encoded). Every feed is a string that the site writes itself; what the ones of Zscaler strings name
their fields, and the tokens of the strings, stand in the tables of the formats side by side.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from detector.errors import RefusedLine
from detector.events import stamps
from detector.grammars import cef, kv, leef, moments, records, spellings, values
from detector.grammars.together import together

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect
    from detector.grammars.records import Cells
    from detector.grammars.together import Together

_TOKEN = re.compile(r"%[-+0 ]?\d*[a-zA-Z]{1,2}\{(\w{1,40})\}")
_ESCAPES = {"\\t": "\t", "\\n": "", "\\r": "", "\\{": "{", "\\}": "}", '\\"': '"', "\\,": ",", "\\\\": "\\"}
_ESCAPE = re.compile(r"\\[tnr{}\",\\]")
STAMP = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"
"""What stands before the first pair of a tab-separated line."""
_LEADING = re.compile(rf"(?:[^\s:=]{{1,64}}+: ?)?\s*({STAMP})\t")


class Line(NamedTuple):
    """What a line of a feed holds.

    Attributes:
        kind: what names the feed: a ``sourcetype``, a CEF or LEEF product, ``kv``, ``json`` or ``feed``.
        cells: by the feed's names.
    """

    kind: str
    cells: Cells


def read(line: str, dialect: Dialect) -> Line:
    """The cells of a line in any of the shapes but CSV.

    Raises:
        RefusedLine: it has none of them.
    """
    if "feed" in dialect.options:
        return Line("feed", fed(line, dialect.options["feed"]))
    if line[:1] == "{":
        record = records.record(line)
        event, source = record.get("event"), record.get("sourcetype")
        return Line(source if isinstance(source, str) else "json", event if isinstance(event, dict) else record)
    if (message := cef.find(line) or leef.find(line)) is not None:
        if not message.vendor.startswith("Zscaler"):
            raise RefusedLine("not a message of Zscaler")
        return Line(message.product, message.fields)
    if "\t" in line and "=" in line:
        cells = kv.cut(line, "\t")
        if found := _LEADING.match(line):
            cells["datetime"] = found[1]
        return Line("kv", cells)
    raise RefusedLine("no shape of an NSS feed")


def fed(line: str, feed: str) -> dict[str, str]:
    """The cells of a line that a feed string has written, by its tokens.

    Raises:
        RefusedLine: the line is not what the string writes.

    >>> fed('"10.0.0.7","GET","example.com/a"', '"%s{cip}","%s{reqmethod}","%s{eurl}"')
    {'cip': '10.0.0.7', 'reqmethod': 'GET', 'eurl': 'example.com/a'}
    """
    before, steps = _plan(feed)
    if not line.startswith(before):
        raise RefusedLine("not the site's feed string")
    cells: dict[str, str] = {}
    position = len(before)
    for name, text in steps:
        end = line.find(text, position) if text else len(line)
        if end < 0:
            raise RefusedLine("not the site's feed string")
        cells.setdefault(name, line[position:end])
        position = end + len(text)
    return cells


@lru_cache(maxsize=16)
def _plan(feed: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text before the first token, and each token with the text behind it."""
    pieces = _TOKEN.split(feed.strip("\r\n"))
    texts = [_ESCAPE.sub(lambda found: _ESCAPES[found[0]], text) for text in pieces[::2]]
    return texts[0], tuple(zip(pieces[1::2], texts[1:], strict=True))


def plain(text: str) -> str | None:
    """A cell with its %-encoding undone; ``None`` for NSS's words for nothing.

    >>> plain("Road%20Warrior"), plain("None"), plain("N/A")
    ('Road Warrior', None, None)
    """
    if text in ("None", "N/A", "NA", "Unknown", "UNKNOWN"):
        return None
    return unquote(text, errors="backslashreplace") if "%" in text else text


def user(text: str) -> str | None:
    """A login; a location that stands in for one is found by who knows the location."""
    return values.user(plain(text))


def person(logins: str, places: str) -> Together[str]:
    """Reads the login from the first of some fields that holds one; a place stands in for a user whom nobody knows.

    >>> who = person("user login", "location")
    >>> who({"login": "u1042"}), who({"user": "Road%20Warrior", "location": "Road%20Warrior"})
    ('u1042', None)
    """
    count = len(logins.split())

    @lru_cache(maxsize=8192)
    def said(*texts: str) -> str | None:
        who = next((one for text in texts[:count] if text and text != "-" and (one := user(text)) is not None), None)
        place = next((text for text in texts[count:] if text), None)
        return None if place is not None and who == plain(place) else who

    return together(f"{logins} {places}", said)


def civil(text: str, zone: tzinfo) -> int | None:
    """``Mon Feb 17 10:00:00 2020`` or ISO 8601.

    >>> from datetime import UTC
    >>> civil("Thu Feb 27 10:00:00 2020", UTC) == civil("2020-02-27 10:00:00", UTC)
    True
    """
    if not text[:1].isalpha():
        return moments.instant(text, zone)
    try:
        return stamps.ctime(text, zone)
    except (ValueError, OverflowError):
        return None


def _tokens(cells: Cells, dialect: Dialect) -> int | None:
    try:
        year = int(str(cells.get("yyyy") or cells.get("yy") or ""))
        month = stamps.month_number(str(cells["mon"])) if "mon" in cells else int(str(cells["mth"]))
        clock = ":".join(str(cells[name]).zfill(2) for name in ("hh", "mm", "ss"))
        return stamps.civil(year + 2000 if year < 100 else year, month, int(str(cells["dd"])), clock, dialect.zone)
    except (ValueError, KeyError, OverflowError):
        return None


WHEN = spellings.Zoned(
    "tz",
    moments.first(
        moments.stamp("epochtime rt start end"),
        spellings.spelled(
            "datetime time Time eventtime LogTimestamp",
            lambda text, dialect: civil(text, dialect.zone),
            iso=True,
            counts=True,
        ),
        spellings.Patterned("devTime", "devTimeFormat"),
        _tokens,
    ),
)
"""``epochtime``, the time of the default feeds, LEEF's ``devTime``, CEF's ``rt``, or a date in single tokens."""
