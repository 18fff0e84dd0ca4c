"""The first tables.

Each table is written as its columns: text unless marked ``#`` (a whole number) or ``=`` (bytes), ``*`` for those of the
primary key, ``+`` for a number that the database counts up, ``?`` where nothing may stand.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text, UniqueConstraint

revision = "0001"
down_revision = None

_TABLES = {
    "meta": "key* value",
    "streams": "id* source path device# inode# head_bytes# head_sha256 guard_bytes# guard_sha256 offset# compression "
    "is_final# format dialect_columns dialect_separator size# modified#",
    "sightings": "id* service indicator stage confidence at#? denied# actor_kind actor grade one_of# unit host "
    "bytes_sent# counterpart kind dataset source path stream offset# part# length# sha256 verdict ruling noted#",
    "standings": "service* actor_kind* actor* unit* stage* denied#* verdict* sightings# first#? last#?",
    "days": "service* stage* day#* verdict* source* sightings# denied# noted#",
    "verdicts": "sighting* policy* verdict ruling judged#",
    "hours": "source* kind* hour#* lines# parsed# unparsed# bytes# noted#",
    "gaps": "id+ source path since#? until#? reason noted# closed#?",
    "refused": "stream* offset#* length# sha256 reason noted#",
    "counters": "source* parsed# filtered# unparsed# oversize# bytes# newest#? succeeded#? lag_bytes#",
    "fragments": "dataset* stream* offset#* transaction* expires# box=",
    "look_backs": "ruleset* source* path* state offset# size# reached#? changed#",
    "incidents": "id* service category severity state opened# changed# told# by note",
    "incident_notes": "id+ incident at# state by note",
    "outbox": "id+ sink key incident body state queued# next_try# tries# last_error ended#?",
    "boxes": "pseudonym* box= custodians sealed#",
    "reveals": "number#* at# pseudonyms case_id purpose by keys expires# previous digest",
    "holds": "case_id* service* pseudonym* placed# by reason lifted#? lifted_by",
    "purges": "id+ at# kind before# rows# held# by anchor",
}
_INDEXES = {
    "streams_by_source": ("streams", "source"),
    "sightings_by_service": ("sightings", "service", "at"),
    "sightings_by_actor": ("sightings", "actor"),
    "sightings_by_time": ("sightings", "at"),
    "hours_by_hour": ("hours", "hour"),
    "gaps_by_path": ("gaps", "path"),
    "fragments_by_transaction": ("fragments", "dataset", "transaction"),
    "incident_notes_by_incident": ("incident_notes", "incident"),
    "outbox_by_state": ("outbox", "state", "sink", "next_try"),
    "outbox_by_incident": ("outbox", "sink", "incident", "id"),
}


def upgrade() -> None:
    """Make every table."""
    for name, columns in _TABLES.items():
        once = [UniqueConstraint("sink", "key", name="outbox_once")] if name == "outbox" else []
        op.create_table(name, *map(_column, columns.split()), *once, sqlite_strict=True)
    for name, (table, *of_columns) in _INDEXES.items():
        op.create_index(name, table, of_columns)


def _column(written: str) -> Column[int] | Column[bytes] | Column[str]:
    name = written.rstrip("*#=+?")
    marks = written[len(name) :]
    number = BigInteger().with_variant(Integer(), "sqlite")
    if "=" in marks:
        return Column(name, LargeBinary, nullable=False)
    if "#" in marks or "+" in marks:
        is_key = "*" in marks or "+" in marks
        return Column(name, number, primary_key=is_key, autoincrement="+" in marks, nullable="?" in marks)
    return Column(name, Text, primary_key="*" in marks, nullable=False)
