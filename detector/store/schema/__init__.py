"""The tables of a store.

Times are microseconds since the epoch, UTC; flags are 0 or 1; digests are lower-case hex. No column holds a name:
actors are pseudonyms, of a counterpart only the domain is kept. Names lie in ``boxes`` (sealed to two custodians) and,
for some hours, in ``grants`` (encrypted with what only a grant's file holds), lines of unfinished transactions in
``fragments`` (encrypted with the key of the pseudonyms, which is in no store).
"""

from detector.store.schema.columns import AnyRow, metadata
from detector.store.schema.done import boxes, grants, holds, incident_notes, incidents, meta, outbox, purges, reveals
from detector.store.schema.read import (
    SUMS_OF_SOURCES,
    counters,
    days,
    fragments,
    gaps,
    hours,
    look_backs,
    refused,
    samples,
    sightings,
    standings,
    streams,
    verdicts,
)

APPLICATION_ID = 0x53484457
"""``SHDW``: what an SQLite file of this program says it is."""
REVISION = "0003"
"""The newest migration: what this program writes."""

__all__ = [
    "APPLICATION_ID",
    "REVISION",
    "SUMS_OF_SOURCES",
    "AnyRow",
    "boxes",
    "counters",
    "days",
    "fragments",
    "gaps",
    "grants",
    "holds",
    "hours",
    "incident_notes",
    "incidents",
    "look_backs",
    "meta",
    "metadata",
    "outbox",
    "purges",
    "refused",
    "reveals",
    "samples",
    "sightings",
    "standings",
    "streams",
    "verdicts",
]
