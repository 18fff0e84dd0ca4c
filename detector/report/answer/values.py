"""Times and shares as the JSON document of an answer spells them."""

from __future__ import annotations

from detector.events import to_iso


def iso(instant: int | None) -> str | None:
    """ISO 8601 in UTC, ``None`` for an unknown time."""
    return None if instant is None else to_iso(instant)


def percent(part: float) -> float:
    """Percent with two decimals; what is not all never looks like all.

    >>> percent(0.5), percent(0.999999), percent(1.0)
    (50.0, 99.99, 100.0)
    """
    rounded = round(part * 100, 2)
    return 99.99 if rounded >= 100 and part < 1 else rounded
