"""Time stamps as logs write them, to instants (microseconds since the epoch, UTC).

All readers raise ``RefusedLine`` for text that is no such stamp.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events.days import EPOCH_DAY, at_clock, dashed, micros_of, midnight, zone_of
from detector.events.instants import MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

_MONTHS = {name: number for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
)}  # fmt: skip
_EPOCH = re.compile(r"(\d{1,19})(?:\.(\d{1,9}))?")
_CLF = re.compile(
    r"\[?(\d{1,2})/([A-Za-z]{3})/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: ?([+-]\d{2}:?\d{2}|Z))?\]?"
)
_SYSLOG = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2})(?: (\d{4}))? (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: (\d{4})\Z)?")
_CTIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4})")
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)? ?(Z|UTC|GMT|[+-]\d\d:?\d\d)?", re.IGNORECASE
)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,9}))? ?([AaPp]\.?[Mm]\.?)?")
SECONDS_US = {f"{second:02d}": second * MICROSECONDS for second in range(60)}
"""Two digits to microseconds: stamps of one minute share all else, and what is remembered are minutes."""
_SCALES = {10: MICROSECONDS, 13: 1000, 16: 1}
"""Digits of seconds, milli- and microseconds since the epoch, of our time, to microseconds."""
_POINTS = frozenset(".,")
_BEHIND = frozenset(("", "Z", "+", "-", " ", "]"))
_LONGEST_BEHIND = 8
_LONGEST_FRACTION = 10
_LENGTH_OF_CTIME = 24
_SLACK = timedelta(days=1)


def epoch(value: str) -> int:
    """Seconds since the epoch with an optional fraction; 13, 16 or 19 digits are milli-, micro-, nanoseconds.

    >>> epoch("1582761600.123"), epoch("1582761600123") == epoch("1582761600.123000")
    (1582761600123000, True)
    """
    if len(value) == 14 and value[10] == "." and (digits := value[:10] + value[11:]).isdecimal():
        return int(digits) * 1000  # squid's own spelling: every line of a proxy, worth a short way
    found = _EPOCH.fullmatch(value)
    if not found:
        raise RefusedLine(f"not seconds since the epoch: {value[:40]!r}")
    whole, fraction = found.groups()
    if (length := len(whole)) > 11:
        scale: int = 10 ** (3 * ((length - 8) // 3))
        return int(whole) * MICROSECONDS // scale
    return int(whole) * MICROSECONDS + micros_of(fraction)


def epochs(values: Sequence[str]) -> list[int]:
    """The same of many values.

    >>> epochs(["1582761600.123", "1582761601"])
    [1582761600123000, 1582761601000000]
    """
    whole = "".join(values)
    digits = whole.replace(".", "")
    is_usual = set(map(len, values)) == {14} and not whole[10::14].strip(".") and digits.isdecimal()
    if not is_usual or len(digits) != 13 * len(values):
        return [epoch(value) for value in values]
    return list(map(int, f"{'000 '.join(values)}000".replace(".", "").split(" ")))


def same(values: Sequence[str], zone: tzinfo) -> list[int]:
    """Of many values of one length: seconds, milli- or microseconds since the epoch, or ISO 8601, also with slashes.

    >>> same(["1582761600", "1582761601"], UTC) == same(["2020-02-27T00:00:00Z", "2020-02-27T00:00:01Z"], UTC)
    True
    """
    whole = "".join(values)
    if (scale := _SCALES.get(len(values[0]))) is not None and whole.isascii() and whole.isdecimal():
        return [int(value) * scale for value in values]
    if values[0][10:11] == ".":
        return epochs(values)
    try:
        return _alike(values, zone)
    except (LookupError, ValueError):
        return [iso(dashed(value), zone) for value in values]


def _alike(values: Sequence[str], zone: tzinfo) -> list[int]:
    """Of ISO 8601 stamps of one length whose seconds and fractions stand at the same places.

    Raises:
        LookupError, ValueError: they do not, or one of them is no such stamp.
    """
    seconds, first = [SECONDS_US[value[17:19]] for value in values], values[0]
    end = 19
    if first[19:20] in _POINTS:
        end = len(first) - len(first[20:].lstrip("0123456789"))
        fractions = [value[20:end] for value in values]
        digits = "".join(fractions)
        is_fraction = digits.isascii() and digits.isdecimal() and end - 20 < _LONGEST_FRACTION
        if not is_fraction or not _POINTS.issuperset([value[19] for value in values]):
            raise ValueError
        scale = 10 ** max(26 - end, 0)
        seconds = [whole + int(part[:6]) * scale for whole, part in zip(seconds, fractions, strict=True)]
    keys = [value[:17] + value[end:] for value in values]
    minutes = {key: _iso(dashed(f"{key[:17]}00{key[17:]}"), zone) for key in set(keys)}
    return [minutes[key] + second for key, second in zip(keys, seconds, strict=True)]


def iso(value: str, zone: tzinfo) -> int:
    """ISO 8601 date and time (``T`` or a blank between); ``zone`` counts where the stamp carries none.

    >>> iso("2020-02-27T10:00:00+02:00", UTC) == iso("2020-02-27 08:00:00", UTC)
    True
    """
    micros = SECONDS_US.get(value[17:19])
    if micros is not None and value[16] == ":":
        more, rest = _fraction(value[19:])
        if rest[:1] not in _POINTS and len(rest) < 7:
            return _iso(f"{value[:17]}00{rest}", zone) + micros + more
    return _iso.__wrapped__(value, zone)


def known_iso(text: str, zone: tzinfo) -> int | None:
    """The same, ``None`` where the stamp is broken: a line whose time alone is broken is kept.

    >>> from datetime import UTC
    >>> known_iso("2020-02-27 10:00:61", UTC), known_iso("1970-01-01 00:00:01", UTC)
    (None, 1000000)
    """
    try:
        return iso(text, zone)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def _iso(value: str, zone: tzinfo) -> int:
    """The lines of one minute share all but their seconds: the memo holds minutes."""
    found = _ISO.fullmatch(value)
    if not found:
        raise RefusedLine(f"not an ISO 8601 time: {value[:40]!r}")
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    day_start = midnight(int(year), int(month), int(day), zone_of(offset) if offset else zone)
    return at_clock(day_start, int(hour), int(minute), int(second or 0), micros_of(fraction))


def clf(value: str, zone: tzinfo) -> int:
    """Common log format: ``27/Feb/2020:10:00:00 +0100``, brackets allowed.

    >>> clf("[27/Feb/2020:10:00:00 +0100]", UTC) == iso("2020-02-27T09:00:00Z", UTC)
    True
    """
    at = 19 if value[:1] == "[" else 18
    micros = SECONDS_US.get(value[at : at + 2])
    if micros is not None and value[at - 1] == ":":
        more, rest = (0, value[at + 2 :]) if value[at + 2 : at + 3] == "," else _fraction(value[at + 2 :])
        if len(rest) < 9 and rest[:1] != ".":
            return _clf(f"{value[:at]}00{rest}", zone) + micros + more
    return _clf.__wrapped__(value, zone)


@lru_cache(maxsize=4096)
def _clf(value: str, zone: tzinfo) -> int:
    found = _CLF.fullmatch(value)
    if not found:
        raise RefusedLine(f"not a common log format time: {value[:40]!r}")
    day, month, year, hour, minute, second, fraction, offset = found.groups()
    day_start = midnight(int(year), month_number(month), int(day), zone_of(offset) if offset else zone)
    return at_clock(day_start, int(hour), int(minute), int(second), micros_of(fraction))


def ctime(value: str, zone: tzinfo) -> int:
    """As C writes times: ``Thu Feb 27 10:00:00 2020``.

    >>> ctime("Thu Feb 27 10:00:00 2020", UTC) == iso("2020-02-27T10:00:00Z", UTC)
    True
    """
    micros = SECONDS_US.get(value[17:19])
    if micros is not None and value[16] == ":" and len(value) == _LENGTH_OF_CTIME:
        return _ctime(f"{value[:17]}00{value[19:]}", zone) + micros
    return _ctime.__wrapped__(value, zone)


@lru_cache(maxsize=4096)
def _ctime(value: str, zone: tzinfo) -> int:
    found = _CTIME.fullmatch(value)
    if not found:
        raise RefusedLine(f"not a time as of C: {value[:40]!r}")
    return civil(int(found[4]), month_number(found[1]), int(found[2]), found[3], zone)


def syslog(value: str, zone: tzinfo, written_until: int | None) -> int | None:
    """RFC 3164 ``Feb 27 10:00:00``: the year is the latest one in which the stamp is not after the file's last change.

    Returns:
        The instant, or ``None`` where the year cannot be known.

    >>> syslog("Dec 31 23:59:59", UTC, iso("2020-01-02T00:00:00Z", UTC)) == iso("2019-12-31T23:59:59Z", UTC)
    True
    >>> syslog("Dec 31 23:59:59 2018", UTC, None) == iso("2018-12-31T23:59:59Z", UTC)
    True
    """
    micros = SECONDS_US.get(value[13:])
    if micros is not None and value[12] == ":":
        minute = _syslog(f"{value[:13]}00", zone, written_until)
        return None if minute is None else minute + micros
    return _syslog.__wrapped__(value, zone, written_until)


@lru_cache(maxsize=4096)
def _syslog(value: str, zone: tzinfo, written_until: int | None) -> int | None:
    found = _SYSLOG.match(value)
    if not found:
        raise RefusedLine(f"not a syslog time: {value[:40]!r}")
    name, day, year, hour, minute, second, fraction, behind = found.groups()
    month = month_number(name)
    known = year or behind or year_of(month, int(day), written_until)
    if known is None:
        return None
    return at_clock(
        midnight(int(known), month, int(day), zone), int(hour), int(minute), int(second), micros_of(fraction)
    )


def year_of(month: int, day: int, written_until: int | None) -> int | None:
    """The latest year in which a day is not more than a day after the instant ``written_until``.

    29 February goes back to the last leap year.

    >>> year_of(3, 1, iso("2020-02-27T00:00:00Z", UTC)), year_of(2, 29, iso("2023-01-01T00:00:00Z", UTC))
    (2019, 2020)
    """
    if written_until is None:
        return None
    latest = EPOCH_DAY + timedelta(microseconds=written_until) + _SLACK
    for year in range(latest.year, latest.year - 9, -1):
        try:
            if datetime(year, month, day, tzinfo=UTC) <= latest:
                return year
        except ValueError:
            continue
    return None


def month_number(name: str) -> int:
    """1 to 12 of an English month name's first three letters.

    Raises:
        RefusedLine: it is none.
    """
    try:
        return _MONTHS[name[:3].lower()]
    except KeyError:
        raise RefusedLine(f"not a month: {name[:20]!r}") from None


def civil(year: int, month: int, day: int, clock: str, zone: tzinfo) -> int:
    """A date in numbers and a clock text ``10:00:00[.fff][ AM|PM]``.

    >>> civil(2020, 2, 27, "1:00:05 PM", UTC) == iso("2020-02-27T13:00:05Z", UTC)
    True
    """
    micros = SECONDS_US.get(clock[6:8])
    if micros is not None and clock[5] == ":":
        more, rest = _fraction(clock[8:])
        if rest[:1] not in _POINTS and len(rest) < _LONGEST_BEHIND:
            return _civil(year, month, day, f"{clock[:6]}00{rest}", zone) + micros + more
    return _civil.__wrapped__(year, month, day, clock, zone)


@lru_cache(maxsize=4096)
def _civil(year: int, month: int, day: int, clock: str, zone: tzinfo) -> int:
    found = _CLOCK.fullmatch(clock)
    if not found:
        raise RefusedLine(f"not a clock time: {clock[:40]!r}")
    hour = int(found[1])
    if found[5]:
        hour = hour % 12 + (12 if found[5][0] in "pP" else 0)
    return at_clock(midnight(year, month, day, zone), hour, int(found[2]), int(found[3]), micros_of(found[4]))


def _fraction(rest: str) -> tuple[int, str]:
    """The microseconds of a fraction that a text begins with, and what stands behind; or the text itself."""
    if rest[:1] not in _POINTS:
        return 0, rest
    digits = rest[1:-1] if rest[-1] == "Z" else rest[1:]
    if len(digits) < _LONGEST_FRACTION and digits.isdecimal():
        return micros_of(digits), rest[len(digits) + 1 :]
    behind = rest[1:].lstrip("0123456789")
    fraction = rest[1 : len(rest) - len(behind)]
    return (
        (micros_of(fraction), behind) if 0 < len(fraction) < _LONGEST_FRACTION and behind[:1] in _BEHIND else (0, rest)
    )
