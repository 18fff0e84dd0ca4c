"""What a database says when it cannot, in words for a person: what happened, to which store, what to do."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from detector.errors import StoreFault

if TYPE_CHECKING:
    from collections.abc import Iterator

_SQLITE = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space; nothing of the last batch was kept",
    sqlite3.SQLITE_READONLY: "may not be written: check the owner and the rights of the file and of its folder",
    sqlite3.SQLITE_BUSY: "another program holds it: end that program, or wait",
    sqlite3.SQLITE_LOCKED: "another program holds it: end that program, or wait",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that its folder exists and may be entered and written",
    sqlite3.SQLITE_PERM: "may not be opened: check the owner and the rights of the file and of its folder",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write: look at the system's log; nothing half was kept",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_NOTADB: "is no database, or is damaged",
}
_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_RETRIED = frozenset({"40001", "40P01", "57P01", "57P02", "57P03", "08006", "08003", "08001", "53300"})
"""PostgreSQL's serialization failure, deadlock, shutdowns, lost and refused connections."""


@contextmanager
def told(name: str) -> Iterator[None]:
    """What the database of this name says in the block is raised as a ``StoreFault``.

    Raises:
        StoreFault: the database refused.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as fault:
        raise fault_of(name, fault) from fault


def fault_of(name: str, fault: Exception) -> StoreFault:
    """The fault of a store, in words for a person."""
    lost = isinstance(fault, DBAPIError) and fault.connection_invalidated
    cause: BaseException = fault.orig if isinstance(fault, DBAPIError) and fault.orig is not None else fault
    if isinstance(cause, sqlite3.Error):
        code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
        said = _SQLITE.get(code, f"refused: {cause}")
        return StoreFault(f"{name}: {said}", is_passing=code in _PASSING, is_damaged=code in _DAMAGED)
    state = getattr(cause, "sqlstate", None)
    is_passing = lost or state in _RETRIED or (state is None and isinstance(fault, DBAPIError))
    said = " ".join(str(cause).split())
    return StoreFault(f"{name}: the database refused: {said}", is_passing=is_passing)
