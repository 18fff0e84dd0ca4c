"""What can be asked of a store: always what was committed before, never a batch that is being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from detector.coverage import Hour, Unread
from detector.events import Kind
from detector.findings.kept import folded
from detector.store import checking, facts, grants, incidents, judging, keeping, knowing, outbox, reveals, sampling
from detector.store import schema as tables
from detector.store.incidents import Incident, Note, State
from detector.store.progress import LookBack
from detector.store.rows import packed, sighting_of, stream_of, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.coverage import Sampled
    from detector.findings import Alert, Attributed, Finding
    from detector.signatures import Ruleset
    from detector.sources.streams import StreamState
    from detector.store.sessions import Session

_ROWS_AT_ONCE = 1_000


class Reader:
    """The questions to a store; may be asked from several threads.

    Attributes:
        session: its connections.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    def streams(self, source: str) -> list[StreamState]:
        """How far each stream of a source was read."""
        table = tables.streams
        asked = select(table).where(table.c.source == packed(source)).order_by(table.c.id)
        with self.session.reading() as connection:
            return [stream_of(row) for row in connection.execute(asked)]

    def sightings(
        self, service: str | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[Attributed]:
        """Sightings by time, those of an unknown time first (and only where no window is asked for).

        Those that the policy leaves out (of observers, muted ones) are left out.
        """
        table = tables.sightings
        asked = select(table).where(judging.counts()).order_by(table.c.at.nulls_first(), table.c.id)
        asked = asked if since is None else asked.where(table.c.at >= since)
        asked = asked if until is None else asked.where(table.c.at < until)
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
            return [Hour(unpacked(row.source), Kind(row.kind), *tuple(row)[2:7]) for row in connection.execute(asked)]

    def samples(self) -> list[Sampled]:
        """What the sampled lines of each source and format say about it, by day."""
        with self.session.reading() as connection:
            return sampling.read(connection)

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
            return knowing.standings(connection, None if service is None else [service])

    def days(self, service: str | None = None) -> list[knowing.DayCount]:
        """Sightings by day, without people; kept longer than the sightings."""
        with self.session.reading() as connection:
            return knowing.days(connection, service)

    def tallies(self) -> knowing.Tallies:
        """What dashboards show of services: counts of people, never who."""
        with self.session.reading() as connection:
            return knowing.tallies(connection)

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

    def standing(self, sink: str, limit: int = 1_000) -> list[Alert]:
        """What arrived at a sink and still holds: its incident is open. The last ones, oldest first."""
        with self.session.reading() as connection:
            return outbox.standing(connection, sink, limit)

    def waiting(self, sink: str, incident: str) -> list[outbox.Delivery]:
        """Everything that waits of one incident for a sink."""
        with self.session.reading() as connection:
            return outbox.waiting(connection, sink, incident)

    def backlogs(self) -> list[outbox.Backlog]:
        """What lies in the outbox for each sink."""
        with self.session.reading() as connection:
            return outbox.backlogs(connection)

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

    def findings(
        self, ruleset: Ruleset, service: str | None = None, since: int | None = None, until: int | None = None
    ) -> list[Finding]:
        """The findings of an audit, folded from what is kept; their actors are pseudonyms."""
        return folded(self.sightings(service, since, until), ruleset)

    def faults(self) -> list[str]:
        """Everything that is wrong with the store: the file, counts that do not agree, the log of reveals."""
        with self.session.reading() as connection:
            return checking.faults(connection)

    def reveals(self) -> list[reveals.Reveal]:
        """The log of reveals, oldest first."""
        with self.session.reading() as connection:
            return reveals.read(connection)

    def lasting_grants(self) -> set[int]:
        """Numbers of the reveals whose names can be shown again, as far as nobody has found their time to be over."""
        with self.session.reading() as connection:
            return grants.lasting(connection)

    def broken_reveals(self) -> str:
        """What is wrong with the chain of the log of reveals, empty when nothing is."""
        with self.session.reading() as connection:
            return reveals.broken(connection)

    def boxes(self, pseudonyms: list[str]) -> dict[str, bytes]:
        """The sealed identities of pseudonyms, of those that have one."""
        table = tables.boxes
        asked = select(table.c.pseudonym, table.c.box).where(table.c.pseudonym.in_(pseudonyms))
        with self.session.reading() as connection:
            return {row.pseudonym: row.box for row in connection.execute(asked)}

    def holds(self) -> list[keeping.Hold]:
        """All legal holds, the lifted ones too."""
        with self.session.reading() as connection:
            return keeping.holds(connection)

    def purges(self) -> list[keeping.Purge]:
        """What was purged, oldest first."""
        with self.session.reading() as connection:
            return keeping.purges(connection)

    def former_verdicts(self, policy: str) -> dict[str, str]:
        """What a policy that is no longer in force said: sighting → verdict."""
        table = tables.verdicts
        asked = select(table.c.sighting, table.c.verdict).where(table.c.policy == policy)
        with self.session.reading() as connection:
            return {row.sighting: row.verdict for row in connection.execute(asked)}
