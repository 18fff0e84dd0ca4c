"""The store: what is written together is kept together or not at all; readers see what was committed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

from detector.coverage import Unread
from detector.errors import StoreFault, UsageError
from detector.store import backup, fragments, grants, incidents, judging, keeping, outbox, reveals
from detector.store.batch import Batch
from detector.store.incidents import Incident, State
from detector.store.reader import Reader
from detector.store.sessions import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from detector.findings import Attributed
    from detector.match import Actor
    from detector.policy import Ruling
    from detector.scan import Fragment

_TRIES = 4
Result = TypeVar("Result")


class Store(Reader):
    """One opened store; its methods may be called from several threads."""

    def __init__(self, session: Session, key: bytes | None) -> None:
        super().__init__(session)
        self._key = key
        self._is_unscrubbed = False

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

    def fragments(self, dataset: str) -> list[Fragment]:
        """The kept lines of all transactions of a format that have not ended."""
        with self.session.reading() as connection:
            return fragments.all_of(connection, self._key, dataset)

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

    def ack(self, incident: str, *, by: str, note: str, now: int) -> Incident:
        """A person has seen an incident and takes care of it."""
        with self.session.writing() as connection:
            return incidents.change(connection, incident, State.ACKNOWLEDGED, by=by, note=note, now=now)

    def close_incident(self, incident: str, *, by: str, note: str, now: int) -> Incident:
        """A person says that an incident is over; the next alert of it opens it again."""
        with self.session.writing() as connection:
            return incidents.change(connection, incident, State.CLOSED, by=by, note=note, now=now)

    def rejudge(self, policy: str, judge: Callable[[Attributed], Ruling], now: int) -> int:
        """Judge every sighting by a new policy; what the one before said is kept too.

        Args:
            policy: digest of the new policy.
            judge: what it says of a sighting.
            now: the time of judging.

        Returns:
            How many sightings got another verdict.
        """
        with self.session.writing() as connection:
            return judging.rejudge(connection, policy, judge, now)

    def hold(self, hold: keeping.Hold) -> None:
        """Place a legal hold: what it covers is not purged before it is lifted."""
        with self.session.writing() as connection:
            keeping.place(connection, hold)

    def lift(self, case: str, *, by: str, now: int) -> int:
        """Lift the legal holds of a case; how many there were."""
        with self.session.writing() as connection:
            return keeping.lift(connection, case, by=by, now=now)

    def purge(self, terms: keeping.Terms, *, by: str, now: int, shrink: bool = True) -> list[keeping.Purge]:
        """Delete what is older than it may be kept, log that, and leave nothing of it in the file.

        Args:
            terms: how long what is kept.
            by: who asked for it.
            now: the time.
            shrink: write the whole file anew, so that it becomes smaller too.
        """
        with self.session.writing() as connection:
            done = keeping.purge(connection, terms, by=by, now=now)
        if any(one.rows for one in done):
            self.session.scrub(whole=shrink)
        return done

    def shred(self, pseudonyms: Sequence[str], *, by: str, now: int) -> keeping.Purge:
        """Drop the sealed identities of pseudonyms for good, and leave nothing of them in the file, nor in grants."""
        with self.session.writing() as connection:
            done = keeping.shred(connection, pseudonyms, by=by, now=now)
            for number in grants.covering(connection, pseudonyms):
                grants.end(connection, number, by=by, now=now)
        self.session.scrub(whole=False)
        return done

    def reveal(self, ask: reveals.Ask, now: int) -> reveals.Reveal:
        """Log that identities will be revealed; what is shown must be shown after this, never before."""
        with self.session.writing() as connection:
            return reveals.log(connection, ask, now)

    def grant(self, entry: reveals.Reveal, secret: bytes, actors: Mapping[str, Actor]) -> None:
        """Keep the names of a reveal until it expires; they open with the secret of the grant's file."""
        with self.session.writing() as connection:
            grants.keep(connection, entry, secret, actors)

    def use_grant(self, secret: bytes, asked: grants.Use) -> grants.Shown:
        """Log that names are shown within a grant; what is shown must be shown after this, never before.

        Raises:
            UsageError: the grant is over, or does not cover that; the log says so.
        """
        self.expire_grants(asked.now)
        with self.session.writing() as connection:
            shown = grants.use(connection, secret, asked)
        if shown.refused:
            raise UsageError(f"{shown.refused}; this is noted as entry {shown.entry.number} of the log")
        return shown

    def expire_grants(self, now: int) -> int:
        """Erase the grants whose time is over, and leave nothing of them in the file; how many there were."""
        with self.session.reading() as connection:
            is_due = grants.due(connection, now)
        ended = 0
        if is_due:
            with self.session.writing() as connection:
                ended = grants.expire(connection, now)
            self._is_unscrubbed = True
        if self._is_unscrubbed:
            self.session.scrub(whole=False)
            self._is_unscrubbed = False
        return ended

    def end_grant(self, number: int, *, by: str, now: int) -> reveals.Reveal:
        """Erase the grant of a reveal before its time."""
        with self.session.writing() as connection:
            entry = grants.end(connection, number, by=by, now=now)
        self.session.scrub(whole=False)
        return entry

    def backup(self, target: Path) -> int:
        """Copy the store to a file while it is being written; its size in bytes."""
        return backup.backup(self.session, target)

    def _tell_replaced(self) -> None:
        now = time.time_ns() // 1000
        reason = f"the store was damaged and begins anew: what it knew lies in {self.session.replaced}"
        with self.batch(now) as batch:
            batch.gap(Unread("", self.session.place.name, None, now, reason))
            batch.note("replaced", self.session.replaced)
