"""Samples: which columns a source fills and what it cannot see, day by day; what the logs of a stream watch."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text

revision = "0003"
down_revision = "0002"

_TEXTS = ("columns", "notes")
_NUMBERS = ("events", "flows", "nameless", "resolvers", "hidden", "backward", "files", "late", "ahead", "noted")


def upgrade() -> None:
    """Make the table; nothing is known of what was read before."""
    number = BigInteger().with_variant(Integer(), "sqlite")
    op.create_table(
        "samples",
        Column("source", Text, primary_key=True, nullable=False),
        Column("dataset", Text, primary_key=True, nullable=False),
        Column("kinds", Text, primary_key=True, nullable=False),
        Column("day", number, primary_key=True, autoincrement=False, nullable=False),
        *(Column(name, Text, nullable=False) for name in _TEXTS),
        *(Column(name, number, nullable=False) for name in _NUMBERS),
        sqlite_strict=True,
    )
    op.add_column("streams", Column("kinds", Text, nullable=False, server_default=""))
