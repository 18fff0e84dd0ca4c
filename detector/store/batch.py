"""What one pass over some logs gives, kept in one transaction: all of it or nothing."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import Table, select, update

from detector.errors import StoreFault
from detector.events import MICROSECONDS
from detector.store import facts, fragments, incidents, knowing, sampling
from detector.store import schema as tables
from detector.store.rows import greater, held, inserting, lesser, packed, sighting_row, stream_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from detector.coverage import Hour, Sampled, Unread
    from detector.findings import Alert, Attributed, Known
    from detector.scan import Fragment
    from detector.sources.streams import StreamState
    from detector.store.progress import LookBack
    from detector.store.rows import Cell

_DAY_US = 86_400 * MICROSECONDS
_AT_ONCE = 500
"""Ids in one question: SQLite takes at most 999 parameters in old builds."""
_PSEUDONYM = re.compile(r"p-[0-9a-f]{16}")


class Batch:
    """One transaction of the program that reads logs. Made by ``Store.batch``."""

    def __init__(self, connection: Connection, now: int, key: bytes | None) -> None:
        self._connection = connection
        self._now = now
        self._key = key
        self._known: dict[str, Known] = {}

    def save_stream(self, state: StreamState) -> None:
        """Keep how far a stream was read."""
        row = stream_row(state)
        kept = inserting(self._connection, tables.streams).values(row)
        self._connection.execute(
            kept.on_conflict_do_update(index_elements=["id"], set_={name: row[name] for name in row if name != "id"})
        )

    def add(self, sightings: Sequence[Attributed]) -> list[Attributed]:
        """Keep sightings; those that were not there before, in their order.

        Raises:
            StoreFault: an actor is not a pseudonym: no name enters a store.
        """
        named = next((one for one in sightings if not _PSEUDONYM.fullmatch(one.actor.name)), None)
        if named is not None:
            raise StoreFault(f"sighting {named.id}: its actor has no pseudonym: no name enters a store")
        there = self._there(one.id for one in sightings)
        new = list({one.id: one for one in sightings if one.id not in there}.values())
        if not new:
            return []
        self._know({one.service for one in new})
        rows = [sighting_row(one, self._now) for one in new]
        self._connection.execute(inserting(self._connection, tables.sightings).on_conflict_do_nothing(), rows)
        stand(self._connection, new)
        self._count_days(new)
        return new

    def known(self, service: str) -> Known:
        """What was known of a service before this batch."""
        self._know({service})
        return self._known[service]

    def cover(self, hours: Iterable[Hour]) -> None:
        """Add to what was read of each source's hours."""
        rows: list[dict[str, Cell]] = [
            {**one._asdict(), "source": packed(one.source), "kind": str(one.kind), "noted": self._now} for one in hours
        ]
        self._add_up(tables.hours, ("source", "kind", "hour"), ("lines", "parsed", "unparsed", "bytes"), rows)

    def sample(self, one: Sampled) -> None:
        """Add to what sampled lines say about a source."""
        sampling.add(self._connection, one, self._now)

    def gap(self, unread: Unread) -> None:
        """Note what could not be read, once for as long as it stays so."""
        gaps = tables.gaps
        row = {**unread._asdict(), **{name: packed(getattr(unread, name)) for name in ("source", "path", "reason")}}
        same = [gaps.c[name].is_not_distinct_from(value) for name, value in row.items()]
        if self._connection.execute(select(gaps.c.id).where(gaps.c.closed.is_(None), *same)).first() is None:
            self._connection.execute(gaps.insert().values(**row, noted=self._now))

    def close_gaps(self, path: str, lost: str = "") -> None:
        """What was missing of a log has been read after all, but for what is ``lost`` for that reason."""
        gaps = tables.gaps
        is_open = (gaps.c.path == packed(path)) & gaps.c.closed.is_(None) & (gaps.c.reason != packed(lost))
        self._connection.execute(update(gaps).where(is_open).values(closed=self._now))

    def refuse(self, stream: str, offset: int, length: int, sha256: str, reason: str) -> None:
        """Keep the place of a line that is not what its format says, never its text."""
        self._connection.execute(
            inserting(self._connection, tables.refused)
            .values(stream=stream, offset=offset, length=length, sha256=sha256, reason=packed(reason), noted=self._now)
            .on_conflict_do_nothing()
        )

    def count(  # noqa: PLR0913 - one figure each
        self,
        source: str,
        *,
        parsed: int = 0,
        filtered: int = 0,
        unparsed: int = 0,
        oversize: int = 0,
        bytes_read: int = 0,
        newest_at: int | None = None,
        lag_bytes: int | None = None,
    ) -> None:
        """Add to what was read of a source; also without anything new, for it says when that was last known.

        ``lag_bytes`` are those on disk that are not read yet; ``None`` leaves what was said before.
        """
        counters = tables.counters
        kept = inserting(self._connection, counters).values(
            source=packed(source), parsed=parsed, filtered=filtered, unparsed=unparsed, oversize=oversize,
            bytes=bytes_read, newest=newest_at, succeeded=self._now, lag_bytes=lag_bytes or 0,
        )  # fmt: skip
        sums = {name: counters.c[name] + kept.excluded[name] for name in tables.SUMS_OF_SOURCES}
        last = {"newest": greater(counters.c.newest, kept.excluded.newest)}
        now = {"succeeded": kept.excluded.succeeded} | ({} if lag_bytes is None else {"lag_bytes": lag_bytes})
        self._connection.execute(kept.on_conflict_do_update(index_elements=["source"], set_=sums | last | now))

    def keep_fragments(self, dataset: str, lines: Sequence[Fragment], expires: int) -> None:
        """Keep lines of transactions that have not ended, encrypted, until an instant."""
        fragments.keep(self._connection, self._key, dataset, lines, expires)

    def fragments(self, dataset: str, keys: Iterable[str]) -> list[Fragment]:
        """The kept lines of some transactions of a format."""
        return fragments.read(self._connection, self._key, dataset, frozenset(keys))

    def forget_fragments(self, dataset: str, keys: Iterable[str]) -> None:
        """Drop the lines of transactions that have ended."""
        fragments.forget(self._connection, self._key, dataset, frozenset(keys))

    def enqueue(self, alerts: Iterable[Alert], sinks: Sequence[str]) -> int:
        """Put alerts into the outbox for each sink, and open their incidents; how many are new there."""
        return sum(incidents.enqueue(self._connection, alert, sinks, self._now) for alert in alerts)

    def unsealed(self, pseudonyms: Iterable[str], custodians: str) -> set[str]:
        """Which pseudonyms have no identity sealed to these custodians yet."""
        wanted, boxes = set(pseudonyms), tables.boxes
        for part in _parts(wanted):
            is_sealed = boxes.c.pseudonym.in_(part) & (boxes.c.custodians == custodians)
            wanted.difference_update(self._connection.scalars(select(boxes.c.pseudonym).where(is_sealed)))
        return wanted

    def seal(self, pseudonym: str, box: bytes, custodians: str = "") -> None:
        """Keep a sealed identity; one that was sealed to other custodians is replaced."""
        row = {"box": box, "custodians": custodians, "sealed": self._now}
        kept = inserting(self._connection, tables.boxes).values(pseudonym=pseudonym, **row)
        self._connection.execute(kept.on_conflict_do_update(index_elements=["pseudonym"], set_=row))

    def look_back(self, progress: LookBack) -> None:
        """Keep how far a look-back has come in one log."""
        row = {**progress._asdict(), "source": packed(progress.source), "path": packed(progress.path)}
        kept = inserting(self._connection, tables.look_backs).values(**row, changed=self._now)
        rest = {name: kept.excluded[name] for name in ("state", "offset", "size", "reached", "changed")}
        self._connection.execute(kept.on_conflict_do_update(index_elements=["ruleset", "source", "path"], set_=rest))

    def note(self, key: str, value: str) -> None:
        """Keep one of the store's own facts, such as the digest of the signatures in force."""
        facts.put(self._connection, key, value)

    def _know(self, services: set[str]) -> None:
        for part in _parts(services - self._known.keys()):
            self._known.update(knowing.known(self._connection, part))

    def _there(self, ids: Iterable[str]) -> set[str]:
        column = tables.sightings.c.id
        return {
            one for part in _parts(set(ids)) for one in self._connection.scalars(select(column).where(column.in_(part)))
        }

    def _count_days(self, sightings: Sequence[Attributed]) -> None:
        counted: Counter[tuple[int, str, str, str, str]] = Counter()
        denied: Counter[tuple[int, str, str, str, str]] = Counter()
        for one in sightings:
            day = (self._now if one.at is None else held(one.at)) // _DAY_US
            key = (day, one.service, one.stage.value, one.verdict.value, packed(one.source))
            counted[key] += 1
            denied[key] += one.denied
        names = ("day", "service", "stage", "verdict", "source")
        rows: list[dict[str, Cell]] = [
            {**dict(zip(names, key, strict=True)), "sightings": count, "denied": denied[key], "noted": self._now}
            for key, count in counted.items()
        ]
        self._add_up(tables.days, names, ("sightings", "denied"), rows)

    def _add_up(
        self, table: Table, key: Sequence[str], sums: Sequence[str], rows: Sequence[Mapping[str, Cell]]
    ) -> None:
        if not rows:
            return
        kept = inserting(self._connection, table)
        added = {name: table.c[name] + kept.excluded[name] for name in sums} | {"noted": kept.excluded.noted}
        self._connection.execute(kept.on_conflict_do_update(index_elements=list(key), set_=added), list(rows))


def stand(connection: Connection, sightings: Iterable[Attributed]) -> None:
    """Add sightings to what is known of each actor and service."""
    standings = tables.standings
    keys = ("service", "actor_kind", "actor", "unit", "stage", "denied", "verdict")
    rows: dict[tuple[str | int, ...], dict[str, str | int | None]] = {}
    for one in sightings:
        at = None if one.at is None else held(one.at)
        key = (one.service, one.actor.kind.value, one.actor.name, packed(one.unit), one.stage.value, int(one.denied),
               one.verdict.value)  # fmt: skip
        row = rows.setdefault(key, {**dict(zip(keys, key, strict=True)), "sightings": 0, "first": at, "last": at})
        row["sightings"] = int(row["sightings"] or 0) + 1
        known_times = [instant for instant in (row["first"], row["last"], at) if isinstance(instant, int)]
        row["first"], row["last"] = min(known_times, default=None), max(known_times, default=None)
    if not rows:
        return
    kept = inserting(connection, standings)
    new = kept.excluded
    changed = {
        "sightings": standings.c.sightings + new.sightings,
        "first": lesser(standings.c.first, new.first),
        "last": greater(standings.c.last, new.last),
    }
    connection.execute(kept.on_conflict_do_update(index_elements=list(keys), set_=changed), list(rows.values()))


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(ids)
    return (ordered[start : start + _AT_ONCE] for start in range(0, len(ordered), _AT_ONCE))
