"""How long what is kept: purging by class, legal holds over it, and a log of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from sqlalchemy import and_, delete, exists, func, insert, or_, select, true, update

from detector.errors import UsageError
from detector.events import MICROSECONDS
from detector.store import facts, fragments, judging
from detector.store import schema as tables
from detector.store.rows import packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Table

    from detector.config import Retention

DAY_US = 86_400 * MICROSECONDS


@dataclass(frozen=True, slots=True)
class Terms:
    """How long what is kept, counted from when it was noted.

    Not from when it happened: what a look-back finds in an archive today must not go tomorrow.

    Attributes:
        sightings_days: sightings with evidence and sealed identities, refused lines, alerts that went out.
        aggregates_days: counts by day, coverage, gaps, closed incidents, look-backs.
        log_days: the log of reveals.
    """

    sightings_days: int = 730
    aggregates_days: int = 1095
    log_days: int = 1096

    @classmethod
    def of(cls, retention: Retention) -> Self:
        """As a configuration says."""
        return cls(retention.sightings_days, retention.aggregates_days)


class Hold(NamedTuple):
    """One legal hold.

    Attributes:
        case: the case that needs it.
        service: what it covers: the service's id, empty for every service.
        pseudonym: what it covers: an actor, empty for everybody.
        placed: when.
        by: who placed it.
        reason: why.
        lifted: when it was lifted, ``None`` while it stands.
        lifted_by: who lifted it.
    """

    case: str
    service: str
    pseudonym: str
    placed: int
    by: str
    reason: str
    lifted: int | None = None
    lifted_by: str = ""


class Purge(NamedTuple):
    """What one purge did to one class.

    Attributes:
        at: when.
        kind: the class.
        before: what was older than this instant was to go.
        rows: how many rows went.
        held: how many sightings stayed for a legal hold.
        by: who asked for it.
        anchor: of the log of reveals, the digest of the last entry that went, from which the chain goes on.
    """

    at: int
    kind: str
    before: int
    rows: int
    held: int
    by: str
    anchor: str


def place(connection: Connection, hold: Hold) -> None:
    """Place a hold.

    Raises:
        UsageError: the case holds the same already.
    """
    table = tables.holds
    same = and_(table.c.case_id == packed(hold.case), table.c.service == hold.service,
                table.c.pseudonym == hold.pseudonym)  # fmt: skip
    before = connection.execute(select(table.c.lifted).where(same)).first()
    if before is not None and before.lifted is None:
        raise UsageError(f"case {hold.case!r} holds that already")
    connection.execute(delete(table).where(same))
    row = {name: packed(value) if isinstance(value, str) else value for name, value in hold._asdict().items()}
    connection.execute(insert(table).values(row | {"case_id": row.pop("case")}))


def lift(connection: Connection, case: str, *, by: str, now: int) -> int:
    """Lift all holds of a case; how many.

    Raises:
        UsageError: it has none.
    """
    table = tables.holds
    stands = and_(table.c.case_id == packed(case), table.c.lifted.is_(None))
    lifted = connection.execute(update(table).where(stands).values(lifted=now, lifted_by=packed(by))).rowcount
    if not lifted:
        raise UsageError(f"case {case!r} holds nothing: `shadowit store hold` lists the holds")
    return lifted


def holds(connection: Connection) -> list[Hold]:
    """All holds, oldest first."""
    table = tables.holds
    return [
        Hold(unpacked(row.case_id), row.service, row.pseudonym, row.placed, unpacked(row.by), unpacked(row.reason),
             row.lifted, unpacked(row.lifted_by))
        for row in connection.execute(select(table).order_by(table.c.placed, table.c.case_id))
    ]  # fmt: skip


def shred(connection: Connection, pseudonyms: Sequence[str], *, by: str, now: int) -> Purge:
    """Drop the sealed identities of pseudonyms: nobody will ever open them; it is logged like a purge.

    Raises:
        UsageError: one has none, or a case holds its sightings.
    """
    boxes, sightings = tables.boxes, tables.sightings
    there = set(connection.scalars(select(boxes.c.pseudonym).where(boxes.c.pseudonym.in_(pseudonyms))))
    missing = sorted(set(pseudonyms) - there)
    if missing:
        raise UsageError(f"{missing[0]}: no identity is sealed under this pseudonym")
    held = connection.scalar(select(sightings.c.actor).where(sightings.c.actor.in_(pseudonyms), _is_held()).limit(1))
    if held is not None:
        raise UsageError(f"{held}: a case holds its sightings: `shadowit store hold` lists the holds")
    done = Purge(now, "identities", now, _delete(connection, boxes, boxes.c.pseudonym.in_(pseudonyms)), 0, by, "")
    connection.execute(insert(tables.purges).values(done._asdict() | {"by": packed(by)}))
    return done


def purges(connection: Connection) -> list[Purge]:
    """What was purged, oldest first."""
    table = tables.purges
    return [
        Purge(row.at, row.kind, row.before, row.rows, row.held, unpacked(row.by), row.anchor)
        for row in connection.execute(select(table).order_by(table.c.id))
    ]


def purge(connection: Connection, terms: Terms, *, by: str, now: int) -> list[Purge]:
    """Delete what is older than it may be kept; what was done, class by class, as it is logged."""
    fragments.expire(connection, now)
    sightings, aggregates, log = (
        now - days * DAY_US for days in (terms.sightings_days, terms.aggregates_days, terms.log_days)
    )
    rows, held = _purge_sightings(connection, sightings)
    ended, incidents = tables.outbox.c.ended, tables.incidents
    is_over = and_(incidents.c.state == "closed", incidents.c.changed < aggregates)
    gone = select(incidents.c.id).where(is_over)
    done = [
        Purge(now, "sightings", sightings, rows, held, by, ""),
        *(
            Purge(now, table.name, before, _delete(connection, table, is_old), 0, by, "")
            for table, before, is_old in (
                (tables.refused, sightings, tables.refused.c.noted < sightings),
                (tables.outbox, sightings, and_(ended.is_not(None), ended < sightings)),
                (tables.days, aggregates, tables.days.c.noted < aggregates),
                (tables.hours, aggregates, tables.hours.c.noted < aggregates),
                (tables.samples, aggregates, tables.samples.c.noted < aggregates),
                (tables.gaps, aggregates, _is_old_gap(aggregates)),
                (tables.look_backs, aggregates, tables.look_backs.c.changed < aggregates),
                (tables.incident_notes, aggregates, tables.incident_notes.c.incident.in_(gone)),
                (incidents, aggregates, is_over),
            )
        ),
        _purge_reveals(connection, log, by=by, now=now),
    ]
    kept = [one for one in done if one.rows or one.held]
    if kept:
        connection.execute(insert(tables.purges), [{**one._asdict(), "by": packed(one.by)} for one in kept])
    facts.put(connection, "purged", str(now))
    return kept


def _purge_sightings(connection: Connection, before: int) -> tuple[int, int]:
    """Delete old sightings, what was judged of them, and the sealed identities that nothing needs any more."""
    table, verdicts, boxes = tables.sightings, tables.verdicts, tables.boxes
    is_old = table.c.noted < before
    covered = _is_held()
    held = connection.scalar(select(func.count()).select_from(table).where(is_old, covered)) or 0
    rows = _delete(connection, table, and_(is_old, ~covered))
    if rows:
        _delete(connection, verdicts, verdicts.c.sighting.not_in(select(table.c.id)))
        judging.stand_anew(connection)
    _delete(connection, boxes, boxes.c.pseudonym.not_in(select(table.c.actor)))
    return rows, held


def _is_held() -> ColumnElement[bool]:
    table, held = tables.sightings, tables.holds
    of_service = or_(held.c.service == "", held.c.service == table.c.service)
    of_actor = or_(held.c.pseudonym == "", held.c.pseudonym == table.c.actor)
    return exists(select(held.c.case_id).where(held.c.lifted.is_(None), of_service, of_actor).correlate(table))


def _is_old_gap(before: int) -> ColumnElement[bool]:
    return and_(tables.gaps.c.closed.is_not(None), tables.gaps.c.closed < before)


def _purge_reveals(connection: Connection, before: int, *, by: str, now: int) -> Purge:
    """Delete the oldest entries of the log; where the rest of the chain begins is logged."""
    table = tables.reveals
    youngest = select(func.max(table.c.number)).where(table.c.at < before)
    last = connection.execute(select(table.c.number, table.c.digest).where(table.c.number.in_(youngest))).first()
    if last is None:
        return Purge(now, "reveals", before, 0, 0, by, "")
    _delete(connection, tables.grants, tables.grants.c.number <= last.number)
    return Purge(now, "reveals", before, _delete(connection, table, table.c.number <= last.number), 0, by, last.digest)


def _delete(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(condition, true())).rowcount
