"""scan(segment, format, ruleset) → ScanResult: sightings, coverage and counts, with every line accounted for."""

from detector.scan.fragments import Fragment, gather, joined
from detector.scan.identification import CERTAIN, Guess, identify
from detector.scan.results import Counts, RefusedAt, ScanResult
from detector.scan.sample import Sample
from detector.scan.scanning import Scanner, Settings, scan
from detector.scan.spans import Spans

__all__ = [
    "CERTAIN",
    "Counts",
    "Fragment",
    "Guess",
    "RefusedAt",
    "Sample",
    "ScanResult",
    "Scanner",
    "Settings",
    "Spans",
    "gather",
    "identify",
    "joined",
    "scan",
]
