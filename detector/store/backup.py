"""A copy of a store while it is being written, whole as of one moment."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from detector.errors import StoreFault, UsageError
from detector.store.faults import told

if TYPE_CHECKING:
    from pathlib import Path

    from detector.store.sessions import Session

_PAGES = 2_000


def backup(session: Session, target: Path) -> int:
    """Copy a store to a new file that only its owner may read; its size in bytes.

    Raises:
        UsageError: the store is on a server, which has its own program for that; or the file is there.
        StoreFault: it cannot be copied; no half of it stays.
    """
    if session.place.file is None:
        raise UsageError(f"{session.place.name}: is on a server: use pg_dump, and keep what it writes as secret")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        if target.exists():
            raise UsageError(f"{target}: is there already: name a new file")
        _copy(session, unfinished)
        unfinished.replace(target)
    except OSError as fault:
        raise StoreFault(f"{target}: cannot be written: {fault.strerror}") from None
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                unfinished.with_name(unfinished.name + ending).unlink()
    return target.stat().st_size


def _copy(session: Session, target: Path) -> None:
    with told(str(target)), contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy:
        with session.reading() as connection:
            original = connection.connection.driver_connection
            original.backup(copy, pages=_PAGES)  # type: ignore[union-attr] # the driver's own connection
        copy.execute("PRAGMA journal_mode = DELETE")
        copy.execute("PRAGMA secure_delete = ON")
        copy.execute("UPDATE grants SET box = X''")  # a grant ends with the store; no copy of it may stay behind
        said = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if said != "ok":
            raise StoreFault(f"{session.place.name}: is damaged: {said}", is_damaged=True)
