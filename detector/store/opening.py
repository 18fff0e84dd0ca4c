"""Opening the database behind a URL: safely set up, of the right program, of a revision that this program knows.

SQLite writes ahead (WAL) where that is safe: since 3.51.3 (3.50.7, 3.44.6) always, before that because every writer of
this program takes its turn under a lock; a store that others of another program write cannot be told, and none should.

Reference: https://www.sqlite.org/wal.html#walresetbug (unverified from here)
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool, StaticPool

from detector.errors import StoreFault
from detector.permissions import others_may_read
from detector.store.faults import told
from detector.store.schema import APPLICATION_ID, REVISION

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_S = 10.0
"""How long a statement waits for another program's turn."""
_READERS = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store lies.

    Attributes:
        url: of the database.
        name: for people: the path of the file, or the URL without its password.
        file: of SQLite, ``None`` for a server.
    """

    url: str
    name: str
    file: Path | None


def place_of(url: str) -> Place:
    """Where the store of a URL lies.

    Raises:
        StoreFault: the URL is none, or names a database that is not supported.

    >>> place_of("sqlite:///a.db").file
    PosixPath('a.db')
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreFault(f"{url!r} is no URL of a store: write sqlite:///shadowit.db or "
                         "postgresql://user@host/database") from None  # fmt: skip
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise StoreFault(f"{url!r} names no file: write sqlite:///shadowit.db")
        return Place(url, parsed.database, Path(parsed.database))
    if parsed.get_backend_name() == "postgresql":
        driven = parsed.set(drivername="postgresql+psycopg")
        return Place(driven.render_as_string(hide_password=False), parsed.render_as_string(hide_password=True), None)
    raise StoreFault(f"{parsed.get_backend_name()} is no kind of store: write sqlite:///… or postgresql://…")


def writing(place: Place, *, is_sole: bool) -> Engine:
    """An engine with the one connection that writes; of a server, the sole one that reads logs claims the database."""
    if place.file is None:
        engine = _server(place, "off")
        if is_sole:
            event.listen(engine, "connect", partial(_claim, place))
        return engine
    if is_sole:
        _prepare(place.file)
    _refuse_readable_by_others(place.file)
    engine = create_engine("sqlite://", creator=partial(_connect, place.file, "rwc"), poolclass=StaticPool)
    event.listen(engine, "connect", _set_up_writer)
    event.listen(engine, "begin", partial(_begin, "BEGIN IMMEDIATE"))
    return engine


def reading(place: Place) -> Engine:
    """An engine whose connections can only read: they never move a byte of the file."""
    if place.file is None:
        return _server(place, "on")
    must_exist(place.file)
    engine = create_engine(
        "sqlite://", creator=partial(_connect, place.file, "ro"), poolclass=QueuePool, pool_size=_READERS
    )
    event.listen(engine, "connect", _set_up_reader)
    event.listen(engine, "begin", partial(_begin, "BEGIN"))
    return engine


def made_ready(connection: Connection, place: Place) -> None:
    """Make the tables of a new store, or bring an older one up to date, in one transaction.

    Raises:
        StoreFault: the database belongs to another program, or a newer version of this one wrote it.
    """
    found = revision_of(connection, place)
    if found == REVISION:
        return
    from alembic import command  # noqa: PLC0415 - only a store that is made or brought up to date pays for it
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "detector.store:migrations")
    command.upgrade(config, "head")
    if place.file is not None:
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {int(REVISION)}")


def revision_of(connection: Connection, place: Place) -> str:
    """The revision of a store, empty for a database without tables.

    Raises:
        StoreFault: as of ``made_ready``.
    """
    tables = inspect(connection).get_table_names()
    if place.file is not None and tables:
        application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        if application != APPLICATION_ID:
            raise StoreFault(f"{place.name}: is a database of another program: name another file")
    if "alembic_version" not in tables:
        if tables:
            raise StoreFault(f"{place.name}: holds tables of another program: name a database of its own")
        return ""
    found = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    if int(found) > int(REVISION):
        raise StoreFault(f"{place.name}: was written by a newer shadowit (revision {found}, this one knows "
                         f"{REVISION}): install that version again, or name another store")  # fmt: skip
    return found


def must_be_current(connection: Connection, place: Place) -> None:
    """Refuse to read a store of another revision.

    Raises:
        StoreFault: it is older, newer, or none at all.
    """
    if revision_of(connection, place) != REVISION:
        raise StoreFault(f"{place.name}: is of an older shadowit, or empty: `shadowit run --once` brings it up to date")


def damage_of(place: Place) -> str:
    """What is wrong with a file, empty when nothing is; it is read through, without its indexes, and not changed."""
    if place.file is None or not place.file.exists():
        return ""
    engine = reading(place)
    try:
        with told(place.name), engine.connect() as connection:
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    except StoreFault as fault:
        if not fault.is_damaged:
            raise
        return str(fault)
    finally:
        engine.dispose()
    return "" if said == "ok" else f"{place.name}: is damaged: {said}"


def scrubbed(connection: Connection, *, whole: bool) -> None:
    """Leave nothing of what was deleted, neither in the file nor in its journal; ``whole`` writes the file anew."""
    driver = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        connection.rollback()
        driver.autocommit = True  # type: ignore[union-attr] # the driver's own: no transaction may be around these
        driver.execute("VACUUM")  # type: ignore[union-attr] # as above
        driver.autocommit = False  # type: ignore[union-attr] # as above
        return
    # a script, for it goes on to the end of a statement whose every step gives one page back
    driver.executescript("VACUUM" if whole else "PRAGMA incremental_vacuum")  # type: ignore[union-attr] # as above
    is_busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]  # type: ignore[union-attr] # as above
    if is_busy:
        raise StoreFault("what was deleted still stands in the journal, for somebody has been reading the store: "
                         "purge again when they have ended", is_passing=True)  # fmt: skip


def moved_aside(file: Path, stamp: str) -> Path:
    """Move a damaged store away with its journals; it is never deleted. The new path of the file."""
    endings = chain([""], (f"-{number}" for number in count(2)))
    names = (f"{file.name}.damaged-{stamp}{ending}" for ending in endings)
    aside = next(path for name in names if not (path := file.with_name(name)).exists())
    for ending in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            file.with_name(file.name + ending).rename(aside.with_name(aside.name + ending))
    return aside


def make_folder(file: Path) -> None:
    """The folder of a store; a new one only its owner may enter.

    Raises:
        StoreFault: it cannot be made.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise StoreFault(f"{file.parent}: cannot be made: {fault.strerror}") from None


def _prepare(file: Path) -> None:
    """A file that only its owner may read."""
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as fault:
        raise StoreFault(f"{file}: cannot be made: {fault.strerror}") from None


def must_exist(file: Path) -> None:
    """Refuse a file that is not there.

    Raises:
        StoreFault: it is not there.
    """
    if not file.exists():
        raise StoreFault(f"{file}: there is no store yet: `shadowit run` makes one")


def _refuse_readable_by_others(file: Path) -> None:
    if others_may_read(file.stat()):
        raise StoreFault(f"{file}: others may read this store: chmod 600 it")


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(file))}?mode={mode}", uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )


def _set_up_writer(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("secure_delete = ON", "auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    _secure(connection)


def _set_up_reader(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.cursor().execute("PRAGMA query_only = ON")
    _secure(connection)


def _secure(connection: DBAPIConnection) -> None:
    cursor = connection.cursor()
    for pragma in ("foreign_keys = ON", "trusted_schema = OFF"):
        cursor.execute(f"PRAGMA {pragma}")


def _begin(statement: str, connection: Connection) -> None:
    connection.exec_driver_sql(statement)


def _claim(place: Place, connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Be the only program that reads logs into this database, for as long as the connection lives."""
    cursor = connection.cursor()
    cursor.execute(f"SELECT pg_try_advisory_lock({APPLICATION_ID})")
    row = cursor.fetchone()
    connection.commit()
    if row is None or not row[0]:
        connection.close()
        raise StoreFault(f"{place.name}: another shadowit is writing this store: end it first, or name another "
                         "database", is_passing=True)  # fmt: skip


def _server(place: Place, read_only: str) -> Engine:
    if find_spec("psycopg") is None:
        raise StoreFault(f"{place.name}: needs psycopg: install shadowit-detector[postgresql]")
    return create_engine(
        place.url,
        pool_pre_ping=read_only == "on",
        connect_args={
            "connect_timeout": 10,
            "options": f"-c default_transaction_read_only={read_only} -c synchronous_commit=on -c timezone=UTC",
        },
    )
