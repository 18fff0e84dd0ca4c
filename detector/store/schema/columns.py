"""Columns and tables in types that SQLite (STRICT) and PostgreSQL share."""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Row, Table, Text, UniqueConstraint

AnyRow: TypeAlias = Row[Any]  # rows are read by the names of their columns, which no checker knows

metadata = MetaData()
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")


def text(name: str, *, key: bool = False) -> Column[str]:
    """A text."""
    return Column(name, Text, primary_key=key, nullable=False)


def number(name: str, *, key: bool = False, null: bool = False) -> Column[int]:
    """A whole number of up to 64 bits."""
    return Column(name, _NUMBER, primary_key=key, autoincrement=False, nullable=null)


def counted() -> Column[int]:
    """A key that the database counts up."""
    return Column("id", _NUMBER, primary_key=True, autoincrement=True)


def table(name: str, *parts: Column[str] | Column[int] | Column[bytes] | UniqueConstraint | Index) -> Table:
    """A table of the store."""
    return Table(name, metadata, *parts, sqlite_strict=True)
