"""The outbox: alerts that wait for their way out, until they are sent or given up; never dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson
from sqlalchemy import func, select, update

from detector.events import MICROSECONDS
from detector.findings import Alert, AlertKind, Severity
from detector.store.rows import packed, unpacked
from detector.store.schema import AnyRow, incidents
from detector.store.schema import outbox as table

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection


LONGEST_DELAY = 900 * MICROSECONDS
"""Nothing is put off for longer."""


class Delivery(NamedTuple):
    """One alert on its way to one sink.

    Attributes:
        id: counted up in the order of queueing.
        sink: the sink's name.
        incident: what it belongs to; alerts of one incident go out in their order.
        alert: what is to be said.
        queued: when it was put here, microseconds since the epoch, UTC.
        tries: attempts so far.
        next_try: not before this instant.
        last_error: what the last attempt ended with.
    """

    id: int
    sink: str
    incident: str
    alert: Alert
    queued: int
    tries: int
    next_try: int
    last_error: str


class Backlog(NamedTuple):
    """What lies in the outbox for one sink.

    Attributes:
        sink: the sink's name.
        pending: alerts that wait.
        parked: alerts that were given up.
        sent: alerts that arrived.
        oldest: when the oldest pending one was queued, ``None`` without any.
    """

    sink: str
    pending: int
    parked: int
    sent: int
    oldest: int | None


def due(connection: Connection, now: int, sink: str, limit: int) -> list[Delivery]:
    """The first waiting delivery of each incident, of those whose time has come, oldest first.

    A time that no delay can have set comes from a clock that was put back since: it has come, too.
    """
    first = (
        select(func.min(table.c.id))
        .where(table.c.sink == packed(sink), table.c.state == "pending")
        .group_by(table.c.incident)
    )
    has_come = (table.c.next_try <= now) | (table.c.next_try > now + LONGEST_DELAY)
    asked = select(table).where(table.c.id.in_(first), has_come).order_by(table.c.id).limit(limit)
    return [_delivery(row) for row in connection.execute(asked)]


def standing(connection: Connection, sink: str, limit: int) -> list[Alert]:
    """The last alerts that arrived at a sink since their incidents were opened, which are open; oldest first."""
    has_arrived = (table.c.sink == packed(sink)) & (table.c.state == "sent")
    still_holds = (incidents.c.state == "open") & (table.c.queued >= incidents.c.opened)
    both = table.join(incidents, table.c.incident == incidents.c.id)
    asked = select(table.c.body).select_from(both).where(has_arrived & still_holds)
    asked = asked.order_by(table.c.id.desc()).limit(limit)
    found = [alert_of(row.body) for row in connection.execute(asked)]
    return [alert for alert in reversed(found) if not alert.resolved]


def waiting(connection: Connection, sink: str, incident: str) -> list[Delivery]:
    """Everything that waits of one incident, oldest first, whether its time has come or not."""
    is_waiting = (table.c.sink == packed(sink)) & (table.c.incident == packed(incident)) & (table.c.state == "pending")
    return [_delivery(row) for row in connection.execute(select(table).where(is_waiting).order_by(table.c.id))]


def end(connection: Connection, ids: Collection[int], state: str, error: str, now: int) -> None:
    """Deliveries that are ``sent`` or ``parked``."""
    row = {"state": state, "ended": now, "last_error": packed(error), "tries": table.c.tries + 1}
    connection.execute(update(table).where(table.c.id.in_(sorted(ids))).values(row))


def postpone(connection: Connection, delivery: int, error: str, next_try: int) -> None:
    """A delivery that failed and is to be tried again."""
    row = {"next_try": next_try, "last_error": packed(error), "tries": table.c.tries + 1}
    connection.execute(update(table).where(table.c.id == delivery).values(row))


def revive(connection: Connection, sink: str, now: int) -> int:
    """Try parked deliveries again; how many."""
    is_parked = (table.c.sink == packed(sink)) & (table.c.state == "parked")
    return connection.execute(update(table).where(is_parked).values(state="pending", next_try=now, ended=None)).rowcount


def backlogs(connection: Connection) -> list[Backlog]:
    """What lies there for each sink that ever had anything."""
    counts: dict[str, dict[str, int]] = {}
    oldest: dict[str, int] = {}
    asked = select(table.c.sink, table.c.state, func.count(), func.min(table.c.queued)).group_by("sink", "state")
    for sink, state, count, first in connection.execute(asked):
        counts.setdefault(sink, {})[state] = count
        if state == "pending":
            oldest[sink] = first
    return [
        Backlog(
            unpacked(sink), states.get("pending", 0), states.get("parked", 0), states.get("sent", 0), oldest.get(sink)
        )
        for sink, states in sorted(counts.items())
    ]


def body_of(alert: Alert) -> str:
    """An alert as the text that is kept."""
    return orjson.dumps(
        {
            "key": packed(alert.key),
            "incident": packed(alert.incident),
            "kind": alert.kind.value,
            "severity": alert.severity.value,
            "service": alert.service,
            "category": alert.category,
            "at": alert.at,
            "reason": packed(alert.reason),
            "facts": {name: packed(one) if isinstance(one, str) else one for name, one in alert.facts.items()},
            "resolved": alert.resolved,
        }
    ).decode()


def alert_of(body: str) -> Alert:
    """The alert that was kept."""
    said = orjson.loads(body)
    facts = {name: unpacked(one) if isinstance(one, str) else one for name, one in said["facts"].items()}
    texts = {name: unpacked(said[name]) for name in ("key", "incident", "reason")}
    return Alert(
        **said | texts | {"kind": AlertKind(said["kind"]), "severity": Severity(said["severity"]), "facts": facts}
    )


def _delivery(row: AnyRow) -> Delivery:
    return Delivery(
        row.id, unpacked(row.sink), unpacked(row.incident), alert_of(row.body), row.queued, row.tries, row.next_try,
        unpacked(row.last_error),
    )  # fmt: skip
