"""Dates as mails carry them (RFC 5322 section 3.3, with the obsolete spellings of section 4.3; mbox ``From`` lines).

Reference: https://www.rfc-editor.org/rfc/rfc5322 (unverified from here).
"""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.events import days, stamps

if TYPE_CHECKING:
    from datetime import tzinfo

_DATE = re.compile(
    r"(?:[A-Za-z]{3,9}\s{0,9},?\s{0,9})?(\d{1,2})[\s-]{1,9}([A-Za-z]{3,9})[\s.,-]{1,9}(\d{2,4})[\s,]{1,9}"
    r"(\d{1,2})\s{0,9}:\s{0,9}(\d\d)(?:\s{0,9}:\s{0,9}(\d\d))?(?:\.\d{1,9})?(?:\s{0,9}([+-]\d{4}|[A-Za-z]{1,5}))?(?![\w:])"
)
_ASCTIME = re.compile(
    r"[A-Z][a-z]{2}\s{1,3}([A-Z][a-z]{2})\s{1,3}(\d{1,2})\s{1,3}(\d{1,2}):(\d\d)(?::(\d\d))?"
    r"(?:\s{1,3}([+-]\d{4}|[A-Z]{1,5}))?\s{1,3}(\d{4})(?:\s{1,3}([+-]\d{4}|[A-Z]{1,5}))?(?!\w)"
)
_USUAL = re.compile(
    r" ?(?:[A-Z][a-z]{2}, )?(\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d):(\d\d) ([+-]\d{4})(?: \([A-Z]{1,5}\))?", re.ASCII
)
_COMMENT = re.compile(r"\([^()]*\)")
_HOURS = {"EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8}
_LONGEST = 256


def instant(text: str, zone: tzinfo) -> int | None:
    """The instant of a date; ``zone`` counts where it carries none, ``None`` where it is none.

    >>> instant("Wed, 26 Feb 2020 10:00:00 +0100 (CET)", UTC) == instant("26 Feb 20 09:00 GMT", UTC)
    True
    """
    if (usual := _USUAL.fullmatch(text)) is not None:
        at, seconds = _usual_minute(usual[1], usual[3]), stamps.SECONDS_US.get(usual[2])
        return None if at is None or seconds is None else at + seconds
    text = text[:_LONGEST]
    found = _DATE.search(_COMMENT.sub(" ", text) if "(" in text else text)
    if found is None:
        return None
    day, month, year, hour, minute, second, offset = found.groups()
    return _at(year, month, day, f"{hour}:{minute}", second, offset, zone)


def asctime(text: str, zone: tzinfo) -> int | None:
    """The instant in the ``From`` line of an mbox: ``Wed Feb 26 10:00:00 2020``, a zone before or behind the year.

    >>> asctime("From a@b.org Wed Feb 26 10:00:00 2020", UTC) == instant("26 Feb 2020 10:00:00 +0000", UTC)
    True
    """
    found = _ASCTIME.search(text[: 4 * _LONGEST])
    if found is None:
        return None
    month, day, hour, minute, second, before, year, behind = found.groups()
    return _at(year, month, day, f"{hour}:{minute}", second, before or behind, zone)


@lru_cache(maxsize=4096)
def _usual_minute(text: str, offset: str) -> int | None:
    day, month, year, clock = text.split(" ")
    return _minute(year, month, day, clock, offset, UTC)


def _at(  # noqa: PLR0913 - a date has that many parts
    year: str, month: str, day: str, clock: str, second: str | None, offset: str | None, zone: tzinfo
) -> int | None:
    minute = _minute(year, month, day, clock, offset, zone)
    if minute is None or not second:
        return minute
    return None if (micros := stamps.SECONDS_US.get(second)) is None else minute + micros


@lru_cache(maxsize=4096)
def _minute(  # noqa: PLR0913 - as above
    year: str, month: str, day: str, clock: str, offset: str | None, zone: tzinfo
) -> int | None:
    """Mails of one minute share all but their seconds: the memo holds minutes."""
    try:
        return stamps.civil(_year(year), stamps.month_number(month), int(day), f"{clock}:00", _zone(offset, zone))
    except (ValueError, OverflowError):
        return None


def _year(digits: str) -> int:
    """Two digits below 50 are of this century, other short ones of the last."""
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (2000 if len(digits) == 2 and year < 50 else 1900)


def _zone(offset: str | None, zone: tzinfo) -> tzinfo:
    """Of an offset or one of the names that have one meaning; all others say nothing (RFC 5322: as ``-0000``)."""
    if not offset:
        return zone
    if offset[0] in "+-":
        return days.zone_of(offset)
    return timezone(timedelta(hours=_HOURS[offset.upper()])) if offset.upper() in _HOURS else UTC
