"""The words that all rooms share: column names, batches of events, log formats, instants.

Every other room may import this one; this one imports only ``errors``.
"""

from detector.events.batch import EventBatch, Row, Value
from detector.events.columns import Action, Col, Kind, Stage
from detector.events.envelope import Envelope
from detector.events.format import Dialect, Layout, LogFormat, Taken, Zone
from detector.events.instants import MICROSECONDS, from_iso, to_iso
from detector.events.reading import UNREADABLE, Line, Reading, Refusal, read_lines, timestamp

__all__ = [
    "MICROSECONDS",
    "UNREADABLE",
    "Action",
    "Col",
    "Dialect",
    "Envelope",
    "EventBatch",
    "Kind",
    "Layout",
    "Line",
    "LogFormat",
    "Reading",
    "Refusal",
    "Row",
    "Stage",
    "Taken",
    "Value",
    "Zone",
    "from_iso",
    "read_lines",
    "timestamp",
    "to_iso",
]
