"""Tables of what was read of logs, and of what was seen in them."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary

from detector.store.schema.columns import counted, number, table, text

streams = table(
    "streams",
    text("id", key=True),
    text("source"),
    text("path"),
    number("device"),
    number("inode"),
    number("head_bytes"),
    text("head_sha256"),
    number("guard_bytes"),
    text("guard_sha256"),
    number("offset"),
    text("compression"),
    number("is_final"),
    text("format"),
    text("dialect_columns"),
    text("dialect_separator"),
    number("size"),
    number("modified"),
    text("kinds"),
    Index("streams_by_source", "source"),
)

sightings = table(
    "sightings",
    text("id", key=True),
    text("service"),
    text("indicator"),
    text("stage"),
    text("confidence"),
    number("at", null=True),
    number("denied"),
    text("actor_kind"),
    text("actor"),
    text("grade"),
    number("one_of"),
    text("unit"),
    text("host"),
    number("bytes_sent"),
    text("counterpart"),
    text("kind"),
    text("dataset"),
    text("source"),
    text("path"),
    text("stream"),
    number("offset"),
    number("part"),
    number("length"),
    text("sha256"),
    text("verdict"),
    text("ruling"),
    number("noted"),
    Index("sightings_by_service", "service", "at"),
    Index("sightings_by_actor", "actor"),
    Index("sightings_by_time", "at"),
)

standings = table(
    "standings",
    text("service", key=True),
    text("actor_kind", key=True),
    text("actor", key=True),
    text("unit", key=True),
    text("stage", key=True),
    number("denied", key=True),
    text("verdict", key=True),
    number("sightings"),
    number("first", null=True),
    number("last", null=True),
)
"""What is known of each actor and service, beside the sightings: a scrape or an alert need not read those."""

days = table(
    "days",
    text("service", key=True),
    text("stage", key=True),
    number("day", key=True),
    text("verdict", key=True),
    text("source", key=True),
    number("sightings"),
    number("denied"),
    number("noted"),
)
"""Counts without people; they outlive the sightings."""

verdicts = table(
    "verdicts",
    text("sighting", key=True),
    text("policy", key=True),
    text("verdict"),
    text("ruling"),
    number("judged"),
)
"""What policies that are no longer in force said of a sighting."""

hours = table(
    "hours",
    text("source", key=True),
    text("kind", key=True),
    number("hour", key=True),
    number("lines"),
    number("parsed"),
    number("unparsed"),
    number("bytes"),
    number("noted"),
    Index("hours_by_hour", "hour"),
)

samples = table(
    "samples",
    text("source", key=True),
    text("dataset", key=True),
    text("kinds", key=True),
    number("day", key=True),
    text("columns"),
    number("events"),
    number("flows"),
    number("nameless"),
    number("resolvers"),
    number("hidden"),
    number("backward"),
    number("files"),
    number("late"),
    number("ahead"),
    text("notes"),
    number("noted"),
)
"""What sampled lines say about a source: what it can show, and what it cannot see; no line, and nobody's name."""

gaps = table(
    "gaps",
    counted(),
    text("source"),
    text("path"),
    number("since", null=True),
    number("until", null=True),
    text("reason"),
    number("noted"),
    number("closed", null=True),
    Index("gaps_by_path", "path"),
)

refused = table(
    "refused",
    text("stream", key=True),
    number("offset", key=True),
    number("length"),
    text("sha256"),
    text("reason"),
    number("noted"),
)

counters = table(
    "counters",
    text("source", key=True),
    number("parsed"),
    number("filtered"),
    number("unparsed"),
    number("oversize"),
    number("bytes"),
    number("newest", null=True),
    number("succeeded", null=True),
    number("lag_bytes"),
)

SUMS_OF_SOURCES = ("parsed", "filtered", "unparsed", "oversize", "bytes")
"""Columns of ``counters`` that only grow."""

fragments = table(
    "fragments",
    text("dataset", key=True),
    text("stream", key=True),
    number("offset", key=True),
    text("transaction", key=True),
    number("expires"),
    Column("box", LargeBinary, nullable=False),
    Index("fragments_by_transaction", "dataset", "transaction"),
)

look_backs = table(
    "look_backs",
    text("ruleset", key=True),
    text("source", key=True),
    text("path", key=True),
    text("state"),
    number("offset"),
    number("size"),
    number("reached", null=True),
    number("changed"),
)
