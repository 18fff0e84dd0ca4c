"""Times of the stories: whole milliseconds since 1970-01-01T00:00:00Z, always UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY


def at(text: str) -> int:
    """The instant of ``2020-02-27`` or ``2020-02-27 14:05:11``."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def moment(instant: int) -> datetime:
    """The UTC datetime of an instant."""
    return datetime.fromtimestamp(instant // SECOND, UTC).replace(microsecond=instant % SECOND * 1_000)


def iso(instant: int) -> str:
    """ISO 8601 with ``Z``, milliseconds only where there are any."""
    precision = "milliseconds" if instant % SECOND else "seconds"
    return moment(instant).replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def is_workday(day: int) -> bool:
    """Whether a day is Monday to Friday."""
    return moment(day).weekday() < 5


def office_hours(dice: Random, day: int) -> int:
    """An instant between 08:00 and 17:00 Eastern Standard Time of a day, with milliseconds."""
    return day + 13 * HOUR + dice.randrange(9 * HOUR)


def any_hour(dice: Random, day: int) -> int:
    """An instant of a day: four of five in office hours, the others whenever."""
    return office_hours(dice, day) if dice.randrange(5) else day + dice.randrange(DAY)


def workdays(first: str, last: str) -> list[int]:
    """The starts of all workdays from one date to another, both included."""
    return [day for day in range(at(first), at(last) + 1, DAY) if is_workday(day)]
