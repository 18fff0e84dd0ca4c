"""Small groups do not show: counts of people that a public summary may print."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

Key = TypeVar("Key")


def suppressed(counts: Mapping[Key, int], k: int = 5) -> dict[Key, int | None]:
    """Counts of people by group, ``None`` for those that may not be shown (print "fewer than k" or nothing).

    Groups of 1 to k - 1 are hidden. What is hidden must not follow from a total beside it: the smallest groups that
    are left are hidden as well, until there are two and k people in them together. Empty groups show: nobody is there.

    >>> suppressed({"patrol": 12, "cyber": 3, "records": 7, "dispatch": 0})
    {'patrol': 12, 'cyber': None, 'records': None, 'dispatch': 0}
    """
    hidden = {key for key, count in counts.items() if 0 < count < k}
    others = sorted((count, index, key) for index, (key, count) in enumerate(counts.items()) if count >= k)
    for _, _, key in others:
        if not hidden or (len(hidden) > 1 and sum(counts[one] for one in hidden) >= k):
            break
        hidden.add(key)
    return {key: None if key in hidden else count for key, count in counts.items()}


def suppressed_total(counts: Mapping[Key, int], k: int = 5) -> int | None:
    """The sum of the counts, ``None`` where it is small itself or would give away what ``suppressed`` hides.

    >>> suppressed_total({"cyber": 3, "dispatch": 0}), suppressed_total({"cyber": 3, "records": 7})
    (None, 10)
    """
    total = sum(counts.values())
    hidden = [counts[key] for key, shown in suppressed(counts, k).items() if shown is None]
    return None if 0 < total < k or (hidden and (len(hidden) < 2 or sum(hidden) < k)) else total
