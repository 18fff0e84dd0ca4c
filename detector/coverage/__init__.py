"""What of the logs was read, and when they were silent or unreadable: the ground on which "not observed" stands."""

from detector.coverage.hours import HOUR, Hour, Unread, hours_of, merged
from detector.coverage.ledger import Kept, Ledger, ledger_of_hours, window_of
from detector.coverage.reading import Coverage
from detector.coverage.sampled import Sampled, kinds_of
from detector.coverage.shares import covered_share
from detector.coverage.signs import DECLARED, Sign, signs
from detector.coverage.sources import Source, Window

__all__ = [
    "DECLARED",
    "HOUR",
    "Coverage",
    "Hour",
    "Kept",
    "Ledger",
    "Sampled",
    "Sign",
    "Source",
    "Unread",
    "Window",
    "covered_share",
    "hours_of",
    "kinds_of",
    "ledger_of_hours",
    "merged",
    "signs",
    "window_of",
]
