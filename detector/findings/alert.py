"""One change that somebody should know of, as plain data that any way out can say in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class AlertKind(StrEnum):
    """What changed."""

    NEW_PERSON = "new-person"
    NEW_UNIT = "new-unit"
    HIGHER_STAGE = "higher-stage"
    USE_AFTER_ORDER = "use-after-order"
    OUTSIDE_APPROVAL = "outside-approval"
    SILENT_SOURCE = "silent-source"
    COVERAGE_GAP = "coverage-gap"
    CANARY_MISSED = "canary-missed"
    LOOK_BACK_FINISHED = "look-back-finished"
    STILL_OPEN = "still-open"
    DIGEST = "digest"
    TEST = "test"


class Severity(StrEnum):
    """How much it matters, least first."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Place in the order, 0 for ``info``.

        >>> Severity.CRITICAL.rank > Severity.HIGH.rank
        True
        """
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Alert:
    """One change.

    Attributes:
        key: the same for the same change, however often it is told; holds no clock reading and no name.
        incident: what it belongs to: one for each service, one for each fault of a source.
        kind: see ``AlertKind``.
        severity: see ``Severity``.
        service: the service's id, empty where a source is meant.
        category: of the service, else empty.
        at: instant of the change (microseconds since the epoch, UTC).
        reason: a sentence for a person.
        facts: what the sentence stands on; pseudonyms and units of at least k people, never a name unless the policy
            says so.
        resolved: the incident is over; ``kind``, ``severity`` and ``service`` are those of the alert that it ends.
    """

    key: str
    incident: str
    kind: AlertKind
    severity: Severity
    service: str
    category: str
    at: int
    reason: str
    facts: Mapping[str, str | int] = field(default_factory=dict)
    resolved: bool = False

    @property
    def source(self) -> str:
        """The configured source that it is about, empty where none or several are."""
        return str(self.facts.get("source", ""))

    def ended(self, at: int, reason: str) -> Alert:
        """The alert that says that this one is over.

        >>> alert = Alert("k", "service:x", AlertKind.NEW_PERSON, Severity.LOW, "x", "c", 1, "…")
        >>> alert.ended(2, "closed").key
        'k/resolved'
        """
        return replace(self, key=f"{self.key}/resolved", at=at, reason=reason, resolved=True)
