"""Grants: names of a reveal that can be shown again for some hours; what an entry of the log of reveals tells."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of grants; entries of before there were any opened names."""
    number = BigInteger().with_variant(Integer(), "sqlite")
    op.create_table(
        "grants",
        Column("number", number, primary_key=True, autoincrement=False, nullable=False),
        Column("token", Text, nullable=False),
        Column("box", LargeBinary, nullable=False),
        Column("ended", number, nullable=True),
        sqlite_strict=True,
    )
    op.add_column("reveals", Column("act", Text, nullable=False, server_default="opened"))
    op.add_column("reveals", Column("grant_of", number, nullable=False, server_default="0"))
