"""The store's own facts, a text by a name: digests in force, what was moved aside, when it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from detector.store.rows import inserting, packed, unpacked
from detector.store.schema import meta

if TYPE_CHECKING:
    from sqlalchemy import Connection


def put(connection: Connection, key: str, value: str) -> None:
    """Keep a fact; the one of the same name before is gone."""
    kept = inserting(connection, meta).values(key=key, value=packed(value))
    connection.execute(kept.on_conflict_do_update(index_elements=["key"], set_={"value": kept.excluded.value}))


def get(connection: Connection, key: str) -> str:
    """A fact, empty where nothing was kept."""
    value = connection.scalar(select(meta.c.value).where(meta.c.key == key))
    return "" if value is None else unpacked(value)
