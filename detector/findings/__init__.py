"""Sightings folded by actor and service, and single ones kept with their actors."""

from detector.findings.attributed import Attributed, attributed
from detector.findings.evidence import EVIDENCE_EACH_SIDE, KEPT_LINE_BYTES, Evidence, StageCount
from detector.findings.folding import LEFT_OUT, Finding, Findings, Judge

__all__ = [
    "EVIDENCE_EACH_SIDE",
    "KEPT_LINE_BYTES",
    "LEFT_OUT",
    "Attributed",
    "Evidence",
    "Finding",
    "Findings",
    "Judge",
    "StageCount",
    "attributed",
]
