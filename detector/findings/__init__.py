"""Sightings folded by actor and service, single ones kept with their actors, and alerts for what is new of them."""

from detector.findings.alert import Alert, AlertKind, Severity
from detector.findings.alerts import SILENT_STAGES, Known, Telling, changes, digest_of, digested, key_of
from detector.findings.attributed import Attributed, attributed
from detector.findings.evidence import EVIDENCE_EACH_SIDE, Evidence, Kept, StageCount
from detector.findings.faults import (
    canary_missed,
    coverage_gap,
    look_back_finished,
    over,
    reminder,
    silent_source,
)
from detector.findings.finding import Finding, several
from detector.findings.folding import LEFT_OUT, Findings, Judge

__all__ = [
    "EVIDENCE_EACH_SIDE",
    "LEFT_OUT",
    "SILENT_STAGES",
    "Alert",
    "AlertKind",
    "Attributed",
    "Evidence",
    "Finding",
    "Findings",
    "Judge",
    "Kept",
    "Known",
    "Severity",
    "StageCount",
    "Telling",
    "attributed",
    "canary_missed",
    "changes",
    "coverage_gap",
    "digest_of",
    "digested",
    "key_of",
    "look_back_finished",
    "over",
    "reminder",
    "several",
    "silent_source",
]
