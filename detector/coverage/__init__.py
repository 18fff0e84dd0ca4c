"""What of the logs was read, and when they were silent or unreadable: the ground on which "not observed" stands."""

from detector.coverage.hours import HOUR, Hour, Unread, hours_of, merged
from detector.coverage.reading import Coverage
from detector.coverage.shares import covered_share

__all__ = ["HOUR", "Coverage", "Hour", "Unread", "covered_share", "hours_of", "merged"]
