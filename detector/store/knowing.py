"""What the store knows at a glance: of a service's actors, of sources, of counts; without reading sightings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import case, func, select

from detector.events import Stage
from detector.findings import Known
from detector.match import Actor, ActorKind
from detector.policy import Verdict
from detector.store import schema as tables
from detector.store.rows import unpacked

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection


class Standing(NamedTuple):
    """One actor's sightings of one service, of one stage and verdict.

    Attributes:
        service: the service's id.
        actor: who, as a pseudonym.
        unit: organisational unit, empty where unknown.
        stage: what they prove.
        denied: attempts that were refused.
        verdict: what the policy says.
        sightings: how many.
        first: the earliest known instant.
        last: the latest known instant.
    """

    service: str
    actor: Actor
    unit: str
    stage: Stage
    denied: bool
    verdict: Verdict
    sightings: int
    first: int | None
    last: int | None


class Progress(NamedTuple):
    """What was read of one source, since the store was made.

    Attributes:
        source: its name.
        parsed: lines that are events.
        filtered: lines that were passed over.
        unparsed: lines that are not what their format says.
        oversize: lines longer than the limit.
        bytes: read, decompressed.
        newest: the latest instant of an event.
        succeeded: when a pass over it last ended well.
        lag_bytes: bytes on disk that were not read then.
    """

    source: str
    parsed: int
    filtered: int
    unparsed: int
    oversize: int
    bytes: int
    newest: int | None
    succeeded: int | None
    lag_bytes: int


class Tallies(NamedTuple):
    """What dashboards show of services: counts of people, never who.

    Attributes:
        sightings: (service, stage) → how many there were, the purged ones too.
        findings: (service, verdict) → actors by the heaviest verdict of their sightings.
        actors: (service, verdict) → actors with at least one sighting of it.
        first_seen: service → the earliest known instant.
        last_seen: service → the latest known instant.
    """

    sightings: dict[tuple[str, Stage], int]
    findings: dict[tuple[str, Verdict], int]
    actors: dict[tuple[str, Verdict], int]
    first_seen: dict[str, int]
    last_seen: dict[str, int]


class DayCount(NamedTuple):
    """Sightings of one service on one day, without people.

    Attributes:
        day: days since the epoch, UTC.
        service: the service's id.
        stage: what they prove.
        verdict: what the policy said when they were noted.
        source: the source's name.
        sightings: how many.
        denied: how many of them were refused.
    """

    day: int
    service: str
    stage: Stage
    verdict: Verdict
    source: str
    sightings: int
    denied: int


def known(connection: Connection, services: Collection[str]) -> dict[str, Known]:
    """What alerts are compared with: the actors of services with their stages, units and weighty verdicts."""
    found: dict[str, list[Standing]] = {service: [] for service in services}
    for one in standings(connection, services):
        if not one.denied:
            found[one.service].append(one)
    return {service: _known(rows) for service, rows in found.items()}


def _known(rows: Sequence[Standing]) -> Known:
    stages: dict[Actor, Stage] = {}
    for one in rows:
        before = stages.get(one.actor)
        if before is None or one.stage.height > before.height:
            stages[one.actor] = one.stage
    return Known(
        actors=stages,
        units=frozenset(one.unit for one in rows) - {""},
        after_order=frozenset(one.actor for one in rows if one.verdict is Verdict.AFTER_ORDER),
        outside=frozenset(one.actor for one in rows if one.verdict in (Verdict.UNAPPROVED, Verdict.NEEDS_REFERENCE)),
    )


def standings(connection: Connection, services: Collection[str] | None = None) -> list[Standing]:
    """What is known of each actor and service, of some services or of all."""
    table = tables.standings
    asked = select(table).order_by(table.c.service, table.c.actor)
    if services is not None:
        asked = asked.where(table.c.service.in_(sorted(services)))
    return [
        Standing(row.service, Actor(ActorKind(row.actor_kind), row.actor), unpacked(row.unit), Stage(row.stage),
                 bool(row.denied), Verdict(row.verdict), row.sightings, row.first, row.last)
        for row in connection.execute(asked)
    ]  # fmt: skip


def progress(connection: Connection) -> list[Progress]:
    """What was read of each source."""
    table = tables.counters
    return [
        Progress(unpacked(row.source), *tuple(row)[1:])
        for row in connection.execute(select(table).order_by(table.c.source))
    ]


def days(connection: Connection, service: str | None = None) -> list[DayCount]:
    """Sightings by day, without people."""
    table = tables.days
    asked = select(table).order_by(table.c.day, table.c.service, table.c.stage)
    if service is not None:
        asked = asked.where(table.c.service == service)
    return [
        DayCount(row.day, row.service, Stage(row.stage), Verdict(row.verdict), unpacked(row.source), row.sightings,
                 row.denied)
        for row in connection.execute(asked)
    ]  # fmt: skip


def tallies(connection: Connection) -> Tallies:
    """Counts for dashboards, each table gone through in its own order; no row of a person is handed over."""
    table, days_of = tables.standings, tables.days
    person = table.c.service, table.c.actor_kind, table.c.actor
    heaviest = func.max(case({one.value: one.weight for one in Verdict}, value=table.c.verdict)).label("heaviest")
    first, last = func.min(table.c.first).label("first"), func.max(table.c.last).label("last")
    people = select(table.c.service, heaviest, first, last).group_by(*person).subquery()
    asked = select(people.c.service, people.c.heaviest, func.count(), func.min(people.c.first), func.max(people.c.last))
    counts = Tallies({}, {}, {}, {}, {})
    verdicts = {one.weight: one for one in Verdict}
    for service, weight, count, earliest, latest in connection.execute(asked.group_by(*people.c[:2])):
        counts.findings[service, verdicts[weight]] = count
        if earliest is not None:
            counts.first_seen[service] = min(earliest, counts.first_seen.get(service, earliest))
            counts.last_seen[service] = max(latest, counts.last_seen.get(service, latest))
    having = select(*person, table.c.verdict).distinct().subquery()
    asked = select(having.c.service, having.c.verdict, func.count()).group_by(having.c.service, having.c.verdict)
    counts.actors.update({(service, Verdict(verdict)): count for service, verdict, count in connection.execute(asked)})
    stages = select(days_of.c.service, days_of.c.stage, func.sum(days_of.c.sightings)).group_by("service", "stage")
    counts.sightings.update({(service, Stage(stage)): int(sum_) for service, stage, sum_ in connection.execute(stages)})
    return counts
