"""Moments as whole microseconds since 1970-01-01T00:00:00Z, and their ISO 8601 spelling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

MICROSECONDS = 1_000_000
"""Microseconds in a second."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MINUTE, _LAST_MINUTE = (
    (edge.replace(tzinfo=UTC) - _EPOCH) // timedelta(minutes=1)
    for edge in (datetime.min, datetime.max)  # noqa: DTZ901 - UTC
)

_TWO_DIGITS, _THREE_DIGITS = ([f"{number:0{digits}d}" for number in range(10**digits)] for digits in (2, 3))
"""To format a number takes four times as long as to look it up."""


def to_iso(instant: int) -> str:
    """ISO 8601 in UTC with ``Z``; fractions only where there are any.

    An instant outside the years 1 to 9999 (a forged time stamp) is spelled as the nearest one inside.

    >>> to_iso(1_582_761_600_000_000), to_iso(1_582_761_600_120_000)
    ('2020-02-27T00:00:00Z', '2020-02-27T00:00:00.120Z')
    """
    minutes, rest = divmod(instant, 60 * MICROSECONDS)
    second, micros = divmod(rest, MICROSECONDS)
    if not _FIRST_MINUTE <= minutes <= _LAST_MINUTE:
        precision = "microseconds" if instant % 1000 else "milliseconds" if micros else "seconds"
        return to_datetime(instant).isoformat(timespec=precision).replace("+00:00", "Z")
    if not micros:
        return f"{_minute(minutes)}:{_TWO_DIGITS[second]}Z"
    millis, rest = divmod(micros, 1000)
    fraction = f"{_THREE_DIGITS[millis]}{_THREE_DIGITS[rest]}" if rest else _THREE_DIGITS[millis]
    return f"{_minute(minutes)}:{_TWO_DIGITS[second]}.{fraction}Z"


@lru_cache(maxsize=4096)
def _minute(minutes: int) -> str:
    return (_EPOCH + timedelta(minutes=minutes)).replace(tzinfo=None).isoformat(timespec="minutes")


def to_datetime(instant: int) -> datetime:
    """The aware UTC datetime of an instant, clamped to the years that ``datetime`` knows."""
    try:
        return _EPOCH + timedelta(microseconds=instant)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if instant > 0 else datetime.min.replace(tzinfo=UTC)


def from_datetime(moment: datetime) -> int:
    """The instant of an aware datetime.

    >>> from_datetime(datetime(2020, 2, 27, tzinfo=UTC))
    1582761600000000
    """
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_iso(text: str) -> int:
    """The instant of an ISO 8601 text; a text without a zone is read as UTC.

    Raises:
        ValueError: the text is not a date or a date and time.

    >>> from_iso("2020-02-27") == from_iso("2020-02-27T01:00:00+01:00")
    True
    """
    moment = datetime.fromisoformat(text)
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
