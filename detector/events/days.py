"""Days, clocks and zones in numbers to instants (microseconds since the epoch, UTC)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from detector.errors import RefusedLine
from detector.events.instants import MICROSECONDS

EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4096)
def midnight(year: int, month: int, day: int, zone: tzinfo) -> tuple[datetime, int | None]:
    """Start of a day, and its instant where the zone's offset cannot change within the day."""
    try:
        start = datetime(year, month, day, tzinfo=zone)
    except ValueError as fault:
        raise RefusedLine(f"not a date: {year}-{month}-{day}: {fault}") from None
    if start.utcoffset() == (start + timedelta(hours=24)).utcoffset():
        return start, (start - EPOCH_DAY) // timedelta(microseconds=1)
    return start, None


def at_clock(day: tuple[datetime, int | None], hour: int, minute: int, second: int, micros: int) -> int:
    """The instant of a time of day.

    Raises:
        RefusedLine: it is none.
    """
    start, instant = day
    if hour > 23 or minute > 59 or second > 60:
        raise RefusedLine(f"not a time of day: {hour}:{minute}:{second}")
    if instant is not None:
        return instant + ((hour * 60 + minute) * 60 + second) * MICROSECONDS + micros
    wall = start.replace(hour=hour, minute=minute, second=min(second, 59))
    return (wall.astimezone(UTC) - EPOCH_DAY) // timedelta(microseconds=1) + micros


def micros_of(fraction: str | None) -> int:
    """Microseconds of the digits behind the point of a second."""
    if not fraction:
        return 0
    return int(fraction if len(fraction) == 6 else fraction[:6].ljust(6, "0"))


@lru_cache(maxsize=256)
def zone_of(offset: str) -> tzinfo:
    """The zone of ``Z``, ``UTC``, ``GMT``, ``+0100`` or ``-07:00``.

    Raises:
        RefusedLine: it is a whole day or more.

    >>> zone_of("Z"), str(zone_of("+0130"))
    (datetime.timezone.utc, 'UTC+01:30')
    """
    if offset.upper() in ("Z", "UTC", "GMT"):
        return UTC
    sign = -1 if offset[0] == "-" else 1
    digits = offset[1:].replace(":", "")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if shift >= timedelta(hours=24):
        raise RefusedLine(f"not a time zone: {offset!r}")
    return timezone(sign * shift)


def dashed(value: str) -> str:
    """A date that is written with slashes as ISO 8601 writes it."""
    return value.replace("/", "-", 2) if value[4:5] == "/" else value
