"""The tables of a store, in types that SQLite (STRICT) and PostgreSQL share.

Times are microseconds since the epoch, UTC; flags are 0 or 1; digests are lower-case hex. No column holds a name:
actors are pseudonyms, of a counterpart only the domain is kept, names lie in ``boxes`` (sealed to two custodians),
lines of unfinished transactions in ``fragments`` (encrypted with the key of the pseudonyms, which is in no store).
"""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Row, Table, Text, UniqueConstraint

AnyRow: TypeAlias = Row[Any]  # rows are read by the names of their columns, which no checker knows

APPLICATION_ID = 0x53484457
"""``SHDW``: what an SQLite file of this program says it is."""
REVISION = "0001"
"""The newest migration: what this program writes."""

metadata = MetaData()
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False, null: bool = False) -> Column[int]:
    return Column(name, _NUMBER, primary_key=key, autoincrement=False, nullable=null)


def _counted() -> Column[int]:
    return Column("id", _NUMBER, primary_key=True, autoincrement=True)


def _table(name: str, *parts: Column[str] | Column[int] | Column[bytes] | UniqueConstraint | Index) -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True)


meta = _table("meta", _text("key", key=True), _text("value"))

streams = _table(
    "streams",
    _text("id", key=True),
    _text("source"),
    _text("path"),
    _number("device"),
    _number("inode"),
    _number("head_bytes"),
    _text("head_sha256"),
    _number("guard_bytes"),
    _text("guard_sha256"),
    _number("offset"),
    _text("compression"),
    _number("is_final"),
    _text("format"),
    _text("dialect_columns"),
    _text("dialect_separator"),
    _number("size"),
    _number("modified"),
    Index("streams_by_source", "source"),
)

sightings = _table(
    "sightings",
    _text("id", key=True),
    _text("service"),
    _text("indicator"),
    _text("stage"),
    _text("confidence"),
    _number("at", null=True),
    _number("denied"),
    _text("actor_kind"),
    _text("actor"),
    _text("grade"),
    _number("one_of"),
    _text("unit"),
    _text("host"),
    _number("bytes_sent"),
    _text("counterpart"),
    _text("kind"),
    _text("dataset"),
    _text("source"),
    _text("path"),
    _text("stream"),
    _number("offset"),
    _number("part"),
    _number("length"),
    _text("sha256"),
    _text("verdict"),
    _text("ruling"),
    _number("noted"),
    Index("sightings_by_service", "service", "at"),
    Index("sightings_by_actor", "actor"),
    Index("sightings_by_time", "at"),
)

standings = _table(
    "standings",
    _text("service", key=True),
    _text("actor_kind", key=True),
    _text("actor", key=True),
    _text("unit", key=True),
    _text("stage", key=True),
    _number("denied", key=True),
    _text("verdict", key=True),
    _number("sightings"),
    _number("first", null=True),
    _number("last", null=True),
)
"""What is known of each actor and service, beside the sightings: a scrape or an alert need not read those."""

days = _table(
    "days",
    _text("service", key=True),
    _text("stage", key=True),
    _number("day", key=True),
    _text("verdict", key=True),
    _text("source", key=True),
    _number("sightings"),
    _number("denied"),
    _number("noted"),
)
"""Counts without people; they outlive the sightings."""

verdicts = _table(
    "verdicts",
    _text("sighting", key=True),
    _text("policy", key=True),
    _text("verdict"),
    _text("ruling"),
    _number("judged"),
)
"""What policies that are no longer in force said of a sighting."""

hours = _table(
    "hours",
    _text("source", key=True),
    _text("kind", key=True),
    _number("hour", key=True),
    _number("lines"),
    _number("parsed"),
    _number("unparsed"),
    _number("bytes"),
    _number("noted"),
    Index("hours_by_hour", "hour"),
)

gaps = _table(
    "gaps",
    _counted(),
    _text("source"),
    _text("path"),
    _number("since", null=True),
    _number("until", null=True),
    _text("reason"),
    _number("noted"),
    _number("closed", null=True),
    Index("gaps_by_path", "path"),
)

refused = _table(
    "refused",
    _text("stream", key=True),
    _number("offset", key=True),
    _number("length"),
    _text("sha256"),
    _text("reason"),
    _number("noted"),
)

counters = _table(
    "counters",
    _text("source", key=True),
    _number("parsed"),
    _number("filtered"),
    _number("unparsed"),
    _number("oversize"),
    _number("bytes"),
    _number("newest", null=True),
    _number("succeeded", null=True),
    _number("lag_bytes"),
)

SUMS_OF_SOURCES = ("parsed", "filtered", "unparsed", "oversize", "bytes")
"""Columns of ``counters`` that only grow."""

fragments = _table(
    "fragments",
    _text("dataset", key=True),
    _text("stream", key=True),
    _number("offset", key=True),
    _text("transaction", key=True),
    _number("expires"),
    Column("box", LargeBinary, nullable=False),
    Index("fragments_by_transaction", "dataset", "transaction"),
)

look_backs = _table(
    "look_backs",
    _text("ruleset", key=True),
    _text("source", key=True),
    _text("path", key=True),
    _text("state"),
    _number("offset"),
    _number("size"),
    _number("reached", null=True),
    _number("changed"),
)

incidents = _table(
    "incidents",
    _text("id", key=True),
    _text("service"),
    _text("category"),
    _text("severity"),
    _text("state"),
    _number("opened"),
    _number("changed"),
    _number("told"),
    _text("by"),
    _text("note"),
)

incident_notes = _table(
    "incident_notes",
    _counted(),
    _text("incident"),
    _number("at"),
    _text("state"),
    _text("by"),
    _text("note"),
    Index("incident_notes_by_incident", "incident"),
)

outbox = _table(
    "outbox",
    _counted(),
    _text("sink"),
    _text("key"),
    _text("incident"),
    _text("body"),
    _text("state"),
    _number("queued"),
    _number("next_try"),
    _number("tries"),
    _text("last_error"),
    _number("ended", null=True),
    UniqueConstraint("sink", "key", name="outbox_once"),
    Index("outbox_by_state", "state", "sink", "next_try"),
    Index("outbox_by_incident", "sink", "incident", "id"),
)

boxes = _table(
    "boxes",
    _text("pseudonym", key=True),
    Column("box", LargeBinary, nullable=False),
    _text("custodians"),
    _number("sealed"),
)

reveals = _table(
    "reveals",
    _number("number", key=True),
    _number("at"),
    _text("pseudonyms"),
    _text("case_id"),
    _text("purpose"),
    _text("by"),
    _text("keys"),
    _number("expires"),
    _text("previous"),
    _text("digest"),
)

holds = _table(
    "holds",
    _text("case_id", key=True),
    _text("service", key=True),
    _text("pseudonym", key=True),
    _number("placed"),
    _text("by"),
    _text("reason"),
    _number("lifted", null=True),
    _text("lifted_by"),
)

purges = _table(
    "purges",
    _counted(),
    _number("at"),
    _text("kind"),
    _number("before"),
    _number("rows"),
    _number("held"),
    _text("by"),
    _text("anchor"),
)
