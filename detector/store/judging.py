"""A new policy judges what is kept; what the one before said is kept beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, literal, select, true, update

from detector.findings import LEFT_OUT
from detector.store import facts
from detector.store import schema as tables
from detector.store.rows import inserting, packed, sighting_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Connection

    from detector.findings import Attributed
    from detector.policy import Ruling

IN_FORCE = "policy"
"""The fact that holds the digest of the policy in force."""
_AT_ONCE = 1_000


def counts() -> ColumnElement[bool]:
    """Of sightings that are somebody's use: the policy leaves out those of observers, and what it mutes."""
    return tables.sightings.c.ruling.not_in(sorted(LEFT_OUT))


def rejudge(connection: Connection, policy: str, judge: Callable[[Attributed], Ruling], now: int) -> int:
    """Judge every sighting anew; how many got another verdict. Nothing is done where the policy is in force already."""
    table, former = tables.sightings, facts.get(connection, IN_FORCE)
    if former == policy:
        return 0
    if former != policy:
        of_former = select(table.c.id, literal(former), table.c.verdict, table.c.ruling, literal(now)).where(true())
        kept = inserting(connection, tables.verdicts).from_select(
            ["sighting", "policy", "verdict", "ruling", "judged"], of_former
        )
        connection.execute(kept.on_conflict_do_nothing())
    changed, last = 0, ""
    asked = select(table).order_by(table.c.id).limit(_AT_ONCE)
    while rows := connection.execute(asked.where(table.c.id > last)).all():
        last = rows[-1].id
        for row in rows:
            ruling = judge(sighting_of(row))
            if (ruling.verdict.value, packed(ruling.by)) != (row.verdict, row.ruling):
                new = {"verdict": ruling.verdict.value, "ruling": packed(ruling.by)}
                connection.execute(update(table).where(table.c.id == row.id).values(new))
                changed += ruling.verdict.value != row.verdict
    facts.put(connection, IN_FORCE, policy)
    stand_anew(connection)
    return changed


def stand_anew(connection: Connection) -> None:
    """Count what is known of each actor and service from the sightings again."""
    source, target = tables.sightings, tables.standings
    names = ("service", "actor_kind", "actor", "unit", "stage", "denied", "verdict")
    keys = [source.c[name] for name in names]
    figures = (func.count(), func.min(source.c.at), func.max(source.c.at))
    connection.execute(delete(target))
    connection.execute(
        insert(target).from_select(
            [*names, "sightings", "first", "last"], select(*keys, *figures).where(counts()).group_by(*keys)
        )
    )
