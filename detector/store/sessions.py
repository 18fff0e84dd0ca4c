"""One opened database: who may write it, how it is read, and what happens when its file is damaged."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from detector.errors import StoreFault
from detector.store import opening
from detector.store.faults import told
from detector.store.locks import Lock, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine


_PARTING_S = 1.0
"""How long one that is ending may take to give the store up, and its workers with it."""


class Session:
    """The connections of one program to one store.

    Attributes:
        place: where it lies.
        replaced: the path to which a damaged file was moved when this one was made, empty where none was.
    """

    def __init__(self, url: str, *, writable: bool, is_sole: bool) -> None:
        self.place = opening.place_of(url)
        self.replaced = ""
        self._mutex = threading.RLock()
        self._role: Lock | None = None
        self._writer: Engine | None = None
        self._connection: Connection | None = None
        self._is_sole = is_sole
        self._is_suspect = False
        self._reader: Engine | None = None
        with ExitStack() as undoing:
            undoing.callback(self._end)
            if writable:
                self._open_to_write()
            self._reader = opening.reading(self.place)
            if not writable:
                with self.reading() as connection:
                    opening.must_be_current(connection, self.place)
            undoing.pop_all()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: kept when the block ends well, undone when it does not.

        Raises:
            StoreFault: the database refused; nothing was kept.
        """
        if self._connection is None:
            raise StoreFault(f"{self.place.name}: was opened to be read only")
        with self._mutex, self._telling(), self._turn(), self._connection.begin():
            yield self._connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One look at what was committed before it began.

        Raises:
            StoreFault: the database refused.
        """
        if self._reader is None:
            raise StoreFault(f"{self.place.name}: is closed")
        with self._telling(), self._reader.connect() as connection, connection.begin():
            yield connection

    def scrub(self, *, whole: bool = True) -> None:
        """Leave nothing of what was deleted, neither in the file nor in its journal.

        Args:
            whole: write the file anew, so that it becomes as small as what is in it.
        """
        if self._connection is None:
            raise StoreFault(f"{self.place.name}: was opened to be read only")
        with self._mutex, self._telling(), self._turn():
            opening.scrubbed(self._connection, whole=whole)

    def close(self) -> None:
        """End well: another program may write from now on."""
        with self._mutex, self._turn() if self._writer is not None else nullcontext():
            self._end()

    def _end(self) -> None:
        """Close everything; a lock file that still names its holder has the next one look for damage."""
        self._let_go()
        if self._role is not None:
            self._role.forget() if self._is_suspect else self._role.give_back()

    def _let_go(self) -> None:
        if self._reader is not None:
            self._reader.dispose()
        if self._connection is not None:
            self._connection.close()
        if self._writer is not None:
            self._writer.dispose()
        self._reader = self._writer = self._connection = None

    def _open_to_write(self) -> None:
        file = self.place.file
        if file is not None and self._is_sole:
            opening.make_folder(file)
            self._role = Lock(file.with_name(f"{file.name}.lock"))
            self._is_suspect = self._role.take(_PARTING_S)
        elif file is not None:
            opening.must_exist(file)
        with told(self.place.name), self._turn():
            self._connect()
        self._is_suspect = False

    def _connect(self) -> None:
        try:
            damage = opening.damage_of(self.place) if self._is_suspect else ""
            if not damage:
                self._writer = opening.writing(self.place, is_sole=self._is_sole)
                self._make_ready()
        except StoreFault as fault:
            if not fault.is_damaged:
                raise
            damage = str(fault)
        if damage:
            self._replace(damage)

    def _make_ready(self) -> None:
        self._connection = self._fresh()
        with told(self.place.name), self._connection.begin():
            if self._is_sole:
                opening.made_ready(self._connection, self.place)
            else:  # beside a running program, whose tables must not change under it
                opening.must_be_current(self._connection, self.place)

    def _replace(self, damage: str) -> None:
        """A damaged file is moved aside and kept; a new store begins, which knows that it knows nothing."""
        file = self.place.file
        if file is None or not self._is_sole:
            raise StoreFault(damage, is_damaged=True)
        self._let_go()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self.replaced = str(opening.moved_aside(file, stamp))
        self._writer = opening.writing(self.place, is_sole=self._is_sole)
        self._make_ready()

    def _fresh(self) -> Connection:
        if self._writer is None:
            raise StoreFault(f"{self.place.name}: is closed")
        with told(self.place.name):
            return self._writer.connect()

    def _turn(self) -> AbstractContextManager[object]:
        file: Path | None = self.place.file
        return nullcontext() if file is None else Turn(file.with_name(f"{file.name}.turn"), opening.BUSY_S)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            with told(self.place.name):
                yield
        except StoreFault as fault:
            self._is_suspect |= fault.is_damaged
            raise
