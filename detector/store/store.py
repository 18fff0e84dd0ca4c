"""The store: what is written together is kept together or not at all; readers see what was committed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

from sqlalchemy import select

from detector.coverage import Hour, Unread
from detector.errors import StoreFault
from detector.events import Kind
from detector.store import facts, incidents, knowing, outbox
from detector.store import schema as tables
from detector.store.batch import Batch
from detector.store.incidents import Incident, Note, State
from detector.store.progress import LookBack
from detector.store.rows import packed, sighting_of, stream_of, unpacked
from detector.store.sessions import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from detector.findings import Attributed
    from detector.sources.streams import StreamState

_TRIES = 4
_ROWS_AT_ONCE = 1_000
Result = TypeVar("Result")


class Store:
    """One opened store; its methods may be called from several threads.

    Attributes:
        session: its connections.
    """

    def __init__(self, session: Session, key: bytes | None) -> None:
        self.session = session
        self._key = key

    @classmethod
    def open(cls, url: str, *, writable: bool, is_sole: bool = True, key: bytes | None = None) -> Self:
        """Open the store of a URL; to write, one that is not there is made.

        Args:
            url: ``sqlite:///shadowit.db`` or ``postgresql://user@host/database``.
            writable: to write; any number of readers may read meanwhile.
            is_sole: be the one program that reads logs into it, for as long as it is open; else write single things
                (an acknowledgement, a reveal) beside that program.
            key: of the pseudonyms; what unfinished transactions are encrypted with.

        Raises:
            StoreFault: it cannot be opened; another program writes it; it belongs to another program or version.
        """
        session = Session(url, writable=writable, is_sole=is_sole)
        store = cls(session, key)
        if session.replaced:
            store._tell_replaced()
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End well: another program may write from now on."""
        self.session.close()

    @contextmanager
    def batch(self, now: int) -> Iterator[Batch]:
        """One transaction for what a pass gave: all of it is kept when the block ends well, else nothing.

        Raises:
            StoreFault: nothing was kept; where it ``is_passing``, the same work may be done again.
        """
        with self.session.writing() as connection:
            yield Batch(connection, now, self._key)

    def run(self, now: int, work: Callable[[Batch], Result]) -> Result:
        """Do some work in a batch, again from its beginning when a server was lost or two got in each other's way.

        Raises:
            StoreFault: it failed several times, or for good; nothing was kept.
        """
        for attempt in range(1, _TRIES):
            try:
                with self.batch(now) as batch:
                    return work(batch)
            except StoreFault as fault:
                if not fault.is_passing:
                    raise
                time.sleep(0.05 * attempt**2)
        with self.batch(now) as batch:
            return work(batch)

    def streams(self, source: str) -> list[StreamState]:
        """How far each stream of a source was read."""
        table = tables.streams
        asked = select(table).where(table.c.source == packed(source)).order_by(table.c.id)
        with self.session.reading() as connection:
            return [stream_of(row) for row in connection.execute(asked)]

    def sightings(
        self, service: str | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[Attributed]:
        """Sightings by time, those of an unknown time first (and only where no window is asked for)."""
        table = tables.sightings
        asked = select(table).order_by(table.c.at.nulls_first(), table.c.id)
        for column, low, high in ((table.c.at, since, until),):
            asked = asked if low is None else asked.where(column >= low)
            asked = asked if high is None else asked.where(column < high)
        if service is not None:
            asked = asked.where(table.c.service == service)
        with self.session.reading() as connection:
            for row in connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(asked):
                yield sighting_of(row)

    def hours(self, source: str | None = None, since: int | None = None, until: int | None = None) -> list[Hour]:
        """What was read of each source's hours that begin in a window (hours since the epoch)."""
        table = tables.hours
        asked = select(table).order_by(table.c.source, table.c.kind, table.c.hour)
        asked = asked if source is None else asked.where(table.c.source == packed(source))
        asked = asked if since is None else asked.where(table.c.hour >= since)
        asked = asked if until is None else asked.where(table.c.hour < until)
        with self.session.reading() as connection:
            return [Hour(unpacked(row.source), Kind(row.kind), *tuple(row)[2:]) for row in connection.execute(asked)]

    def gaps(self, source: str | None = None, *, closed: bool = False) -> list[Unread]:
        """What could not be read and still is not; also what has been read since, when it is asked for."""
        table = tables.gaps
        asked = select(table).order_by(table.c.id)
        asked = asked if source is None else asked.where(table.c.source == packed(source))
        asked = asked if closed else asked.where(table.c.closed.is_(None))
        with self.session.reading() as connection:
            return [
                Unread(unpacked(row.source), unpacked(row.path), row.since, row.until, unpacked(row.reason))
                for row in connection.execute(asked)
            ]

    def progress(self) -> list[knowing.Progress]:
        """What was read of each source since the store was made."""
        with self.session.reading() as connection:
            return knowing.progress(connection)

    def standings(self, service: str | None = None) -> list[knowing.Standing]:
        """What is known of each actor and service, without reading sightings."""
        with self.session.reading() as connection:
            return knowing.standings(connection, service)

    def days(self, service: str | None = None) -> list[knowing.DayCount]:
        """Sightings by day, without people; kept longer than the sightings."""
        with self.session.reading() as connection:
            return knowing.days(connection, service)

    def look_backs(self, ruleset: str) -> list[LookBack]:
        """How far looking back with these signatures has come, log by log."""
        table = tables.look_backs
        asked = select(table).where(table.c.ruleset == ruleset).order_by(table.c.source, table.c.path)
        with self.session.reading() as connection:
            return [
                LookBack(row.ruleset, unpacked(row.source), unpacked(row.path), *tuple(row)[3:7])
                for row in connection.execute(asked)
            ]

    def fact(self, key: str) -> str:
        """One of the store's own facts (see ``Batch.note``), empty where it was never kept."""
        with self.session.reading() as connection:
            return facts.get(connection, key)

    def due(self, now: int, sink: str, limit: int = 100) -> list[outbox.Delivery]:
        """What may go out to a sink now: the first of each incident, oldest first."""
        with self.session.reading() as connection:
            return outbox.due(connection, now, sink, limit)

    def waiting(self, sink: str, incident: str) -> list[outbox.Delivery]:
        """Everything that waits of one incident for a sink."""
        with self.session.reading() as connection:
            return outbox.waiting(connection, sink, incident)

    def backlogs(self) -> list[outbox.Backlog]:
        """What lies in the outbox for each sink."""
        with self.session.reading() as connection:
            return outbox.backlogs(connection)

    def delivered(self, delivery: int | Iterable[int], now: int) -> None:
        """A delivery, or several that went out as one, have arrived."""
        ids = {delivery} if isinstance(delivery, int) else set(delivery)
        with self.session.writing() as connection:
            outbox.end(connection, ids, "sent", "", now)

    def postponed(self, delivery: int, error: str, next_try: int) -> None:
        """A delivery failed and will be tried again."""
        with self.session.writing() as connection:
            outbox.postpone(connection, delivery, error, next_try)

    def parked(self, delivery: int, error: str, now: int) -> None:
        """A delivery failed for good; it is kept to be looked at."""
        with self.session.writing() as connection:
            outbox.end(connection, {delivery}, "parked", error, now)

    def revived(self, sink: str, now: int) -> int:
        """Parked deliveries of a sink are tried again; how many there are."""
        with self.session.writing() as connection:
            return outbox.revive(connection, sink, now)

    def incidents(self, state: State | None = None) -> list[Incident]:
        """Incidents of a state, or all, newest change first."""
        with self.session.reading() as connection:
            return incidents.found(connection, state)

    def incident(self, name: str) -> Incident | None:
        """The incident of an id, or of a service."""
        with self.session.reading() as connection:
            return incidents.incident(connection, name)

    def notes(self, incident: str) -> list[Note]:
        """All changes of an incident's state, oldest first."""
        with self.session.reading() as connection:
            return incidents.notes(connection, incident)

    def ack(self, incident: str, *, by: str, note: str, now: int) -> Incident:
        """A person has seen an incident and takes care of it."""
        with self.session.writing() as connection:
            return incidents.change(connection, incident, State.ACKNOWLEDGED, by=by, note=note, now=now)

    def close_incident(self, incident: str, *, by: str, note: str, now: int) -> Incident:
        """A person says that an incident is over; the next alert of it opens it again."""
        with self.session.writing() as connection:
            return incidents.change(connection, incident, State.CLOSED, by=by, note=note, now=now)

    def _tell_replaced(self) -> None:
        now = time.time_ns() // 1000
        reason = f"the store was damaged and begins anew: what it knew lies in {self.session.replaced}"
        with self.batch(now) as batch:
            batch.gap(Unread("", self.session.place.name, None, now, reason))
            batch.note("replaced", self.session.replaced)
