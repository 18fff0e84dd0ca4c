"""Incidents: what alerts belong to; opened by the program, acknowledged and closed by people or when they are over."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select, update

from detector.errors import UsageError
from detector.store import schema as tables
from detector.store.outbox import body_of
from detector.store.rows import inserting, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from detector.findings import Alert

PROGRAM = "shadowit"
"""Who opens incidents, and closes them when what they say is over."""


class State(StrEnum):
    """What people have done about an incident."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Incident(NamedTuple):
    """One incident.

    Attributes:
        id: the same for as long as the store lives: one for each service, one for each fault of a source.
        service: the service's id, empty where a source is meant.
        category: of the service, else empty.
        severity: of its gravest alert since it was opened.
        state: what people have done about it.
        opened: when, microseconds since the epoch, UTC.
        changed: when its state last changed.
        told: when the last alert of it was put into the outbox.
        by: who changed its state.
        note: what they said.
    """

    id: str
    service: str
    category: str
    severity: str
    state: State
    opened: int
    changed: int
    told: int
    by: str
    note: str


class Note(NamedTuple):
    """One change of an incident's state.

    Attributes:
        at: when.
        state: the new one.
        by: who.
        note: why.
    """

    at: int
    state: State
    by: str
    note: str


def enqueue(connection: Connection, alert: Alert, sinks: Sequence[str], now: int) -> int:
    """Put an alert into the outbox for each sink, and open, raise or close its incident; how many are new there."""
    body = body_of(alert)
    new = 0
    for sink in sinks:
        kept = inserting(connection, tables.outbox).values(
            sink=packed(sink), key=packed(alert.key), incident=packed(alert.incident), body=body, state="pending",
            queued=now, next_try=now, tries=0, last_error="",
        )  # fmt: skip
        new += connection.execute(kept.on_conflict_do_nothing().returning(tables.outbox.c.id)).first() is not None
    if new or not sinks:
        _tell(connection, alert, now)
    return new


def found(connection: Connection, state: State | None = None) -> list[Incident]:
    """Incidents, newest change first."""
    table = tables.incidents
    asked = select(table).order_by(table.c.changed.desc(), table.c.id)
    if state is not None:
        asked = asked.where(table.c.state == state.value)
    return [_incident(row) for row in connection.execute(asked)]


def incident(connection: Connection, name: str) -> Incident | None:
    """The incident of an id, or of a service."""
    table = tables.incidents
    is_it = (table.c.id == packed(name)) | (table.c.service == packed(name))
    row = connection.execute(select(table).where(is_it).order_by(table.c.id != packed(name))).first()
    return None if row is None else _incident(row)


def notes(connection: Connection, name: str) -> list[Note]:
    """All changes of an incident's state, oldest first."""
    table = tables.incident_notes
    asked = select(table).where(table.c.incident == packed(name)).order_by(table.c.id)
    return [Note(row.at, State(row.state), unpacked(row.by), unpacked(row.note)) for row in connection.execute(asked)]


def change(  # noqa: PLR0913 - who, when and why belong to every change
    connection: Connection, name: str, state: State, *, by: str, note: str, now: int
) -> Incident:
    """Change the state of the incident of an id or of a service.

    Raises:
        UsageError: there is none.
    """
    before = incident(connection, name)
    if before is None:
        raise UsageError(f"{name!r} has no incident: `shadowit findings list` shows what has one")
    _set(connection, before.id, state, by=by, note=note, now=now)
    return before._replace(state=state, changed=now, by=by, note=note)


def _tell(connection: Connection, alert: Alert, now: int) -> None:
    before = incident(connection, alert.incident)
    if before is None:
        connection.execute(
            tables.incidents.insert().values(
                id=packed(alert.incident), service=packed(alert.service), category=packed(alert.category), by="",
                note="", severity=alert.severity.value, state=State.CLOSED.value, opened=now, changed=now, told=now,
            )
        )  # fmt: skip
    is_closed = before is None or before.state is State.CLOSED
    severity, ranks = alert.severity, list(type(alert.severity))
    if before is not None and not is_closed:
        severity = max(alert.severity, ranks[ranks.index(type(alert.severity)(before.severity))], key=ranks.index)
    row = {"told": now, "severity": severity.value} | ({"opened": now} if is_closed and not alert.resolved else {})
    connection.execute(update(tables.incidents).where(tables.incidents.c.id == packed(alert.incident)).values(row))
    if alert.resolved != is_closed:
        state = State.CLOSED if alert.resolved else State.OPEN
        _set(connection, alert.incident, state, by=PROGRAM, note=alert.reason, now=now)


def _set(  # noqa: PLR0913 - as change
    connection: Connection, name: str, state: State, *, by: str, note: str, now: int
) -> None:
    said = {"state": state.value, "by": packed(by), "note": packed(note)}
    connection.execute(
        update(tables.incidents).where(tables.incidents.c.id == packed(name)).values(**said, changed=now)
    )
    connection.execute(tables.incident_notes.insert().values(**said, incident=packed(name), at=now))


def _incident(row: tables.AnyRow) -> Incident:
    return Incident(
        unpacked(row.id), unpacked(row.service), unpacked(row.category), row.severity, State(row.state), row.opened,
        row.changed, row.told, unpacked(row.by), unpacked(row.note),
    )  # fmt: skip
