"""Tables of what was told to people, and of what they did: incidents, alerts, reveals, holds, purges."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint

from detector.store.schema.columns import counted, number, table, text

meta = table("meta", text("key", key=True), text("value"))

incidents = table(
    "incidents",
    text("id", key=True),
    text("service"),
    text("category"),
    text("severity"),
    text("state"),
    number("opened"),
    number("changed"),
    number("told"),
    text("by"),
    text("note"),
)

incident_notes = table(
    "incident_notes",
    counted(),
    text("incident"),
    number("at"),
    text("state"),
    text("by"),
    text("note"),
    Index("incident_notes_by_incident", "incident"),
)

outbox = table(
    "outbox",
    counted(),
    text("sink"),
    text("key"),
    text("incident"),
    text("body"),
    text("state"),
    number("queued"),
    number("next_try"),
    number("tries"),
    text("last_error"),
    number("ended", null=True),
    UniqueConstraint("sink", "key", name="outbox_once"),
    Index("outbox_by_state", "state", "sink", "next_try"),
    Index("outbox_by_incident", "sink", "incident", "id"),
)

boxes = table(
    "boxes",
    text("pseudonym", key=True),
    Column("box", LargeBinary, nullable=False),
    text("custodians"),
    number("sealed"),
)

reveals = table(
    "reveals",
    number("number", key=True),
    number("at"),
    text("pseudonyms"),
    text("case_id"),
    text("purpose"),
    text("by"),
    text("keys"),
    number("expires"),
    text("previous"),
    text("digest"),
    text("act"),
    number("grant_of"),
)

grants = table(
    "grants",
    number("number", key=True),
    text("token"),
    Column("box", LargeBinary, nullable=False),
    number("ended", null=True),
)
"""Names that one reveal may show again for some hours; a box that has ended is empty."""

holds = table(
    "holds",
    text("case_id", key=True),
    text("service", key=True),
    text("pseudonym", key=True),
    number("placed"),
    text("by"),
    text("reason"),
    number("lifted", null=True),
    text("lifted_by"),
)

purges = table(
    "purges",
    counted(),
    number("at"),
    text("kind"),
    number("before"),
    number("rows"),
    number("held"),
    text("by"),
    text("anchor"),
)
