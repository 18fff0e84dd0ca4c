"""Reading a store through: is its file sound, do its counts agree, is the log of reveals whole?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from detector.store import judging, reveals
from detector.store import schema as tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SHOWN = 20


def faults(connection: Connection) -> list[str]:
    """What is wrong, for a person; nothing when nothing is."""
    found = []
    if connection.dialect.name == "sqlite":
        said = connection.exec_driver_sql(f"PRAGMA integrity_check({_SHOWN})").scalars().all()
        found += [f"the file is damaged: {one}" for one in said if one != "ok"]
    counted = connection.scalar(select(func.count()).select_from(tables.sightings).where(judging.counts())) or 0
    standing = connection.scalar(select(func.sum(tables.standings.c.sightings))) or 0
    if counted != standing:
        found.append(f"{counted} sightings are kept, {standing} are counted by actor and service")
    broken = reveals.broken(connection)
    if broken:
        found.append(f"the log of reveals was tampered with: {broken}")
    return found
