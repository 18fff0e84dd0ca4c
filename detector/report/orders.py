"""Orders to cease use and who followed them, as text, JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from detector.events import to_iso
from detector.report.columns import columns
from detector.report.csv import safe
from detector.report.text import visible
from detector.report.wording import counted, moment, share

if TYPE_CHECKING:
    from detector.answers.orders import Followed, Follower, Phase
    from detector.match import Actor
    from detector.report.json import Json

SCHEMA = "shadowit.orders/1"
Shown: TypeAlias = Callable[["Actor"], str]
"""The name or the pseudonym of an actor."""

COLUMNS = (
    "order", "actor", "kind", "confidence", "one_of", "units", "bound", "compliance", "reason", "used_before",
    "days_before",
    "used_grace", "used_after", "days_after", "background_after", "blocked_after", "looked_up_after", "allowed_after",
    "last_before", "first_after", "last_use", "deletion", "deleted",
)  # fmt: skip
"""The columns of the CSV file: one row for each order and person."""

_HEADS = ("  who", "unit", "before", "grace", "after", "blocked", "last before", "first after", "account", "")


def as_text(found: Sequence[Followed], shown: Shown) -> str:
    """A table for each order: days of use before it, in the grace period and after it."""
    lines: list[str] = []
    for one in found:
        lines += [f"{visible(one.order.id)}: {one.compliance.value.upper()}", *map(visible, _about(one))]
        if one.followers:
            lines += ["", *columns([_HEADS, *(_cells(follower, shown) for follower in one.followers)])]
        else:
            lines.append("  nobody was seen using it")
        lines.append("")
    return "\n".join(lines) if lines else "The policy holds no order.\n"


def _about(one: Followed) -> Iterator[str]:
    order = one.order
    yield f"  about {_scope(one)}; duties: {', '.join(duty.value for duty in order.duties)}"
    yield f"  in force {moment(order.effective)} UTC, a breach from {moment(order.breach_from)} on"
    short = f"; {share(one.required)} are required" if one.covered < one.required else ""
    yield f"  the logs cover {share(one.covered)} of the time from then to {moment(one.until)}{short}"


def _cells(one: Follower, shown: Shown) -> tuple[str, ...]:
    programs = f" ({one.after.background} by a program)" if one.after.background else ""
    return (
        f"  {shown(one.actor)}" + (f" (one of {one.one_of})" if one.one_of > 1 else ""),
        ", ".join(one.units),
        counted(one.before.days, "day"),
        counted(one.grace.days, "day"),
        f"{counted(one.after.days, 'day')}{programs}",
        str(one.after.blocked),
        "" if one.last_before is None else moment(one.last_before),
        "" if one.first_after is None else moment(one.first_after),
        "" if one.deletion.value == "not-asked" else one.deletion.value,
        f"{one.compliance.value.upper()}: {one.reason}" + ("" if one.is_bound else " (not bound)"),
    )


def as_json(found: Sequence[Followed], shown: Shown, policy: str) -> dict[str, Json]:
    """Everything as JSON values; times in ISO 8601, UTC."""
    return {
        "schema": SCHEMA,
        "policy": {"digest": policy},
        "orders": [
            {
                "id": one.order.id,
                "services": sorted(one.order.scope.services),
                "category": one.order.scope.category or None,
                "effective": to_iso(one.order.effective),
                "breach_from": to_iso(one.order.breach_from),
                "until": to_iso(one.until),
                "covered": round(one.covered, 4),
                "required": one.required,
                "duties": [duty.value for duty in one.order.duties],
                "compliance": one.compliance.value,
                "deletions": {deletion.value: count for deletion, count in sorted(one.deletions.items())},
                "people": [_follower(follower, shown) for follower in one.followers],
            }
            for one in found
        ],
    }


def _follower(one: Follower, shown: Shown) -> Json:
    return {
        "actor": {"id": shown(one.actor), "kind": one.actor.kind.value, "confidence": one.grade, "one_of": one.one_of},
        "units": one.units,
        "bound": one.is_bound,
        "compliance": one.compliance.value,
        "reason": one.reason,
        "before": _phase(one.before),
        "grace": _phase(one.grace),
        "after": _phase(one.after),
        "allowed_after": one.allowed_after,
        "last_before": _iso(one.last_before),
        "first_after": _iso(one.first_after),
        "last_use": _iso(one.last_use),
        "deletion": one.deletion.value,
        "deleted": _iso(one.deleted),
    }


def _phase(phase: Phase) -> Json:
    return dict(phase._asdict())


def as_csv(found: Sequence[Followed], shown: Shown) -> str:
    """One row for each order and person, safe to open in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in found:
        for follower in one.followers:
            writer.writerow(safe(cell) for cell in _row(one.order.id, follower, shown))
    return out.getvalue()


def _row(order: str, one: Follower, shown: Shown) -> tuple[str | int, ...]:
    return (
        order, shown(one.actor), one.actor.kind.value, one.grade, one.one_of, "; ".join(one.units),
        "yes" if one.is_bound else "no", one.compliance.value, one.reason, one.before.used, one.before.days,
        one.grace.used, one.after.used, one.after.days, one.after.background, one.after.blocked, one.after.looked_up,
        one.allowed_after, _iso(one.last_before) or "", _iso(one.first_after) or "", _iso(one.last_use) or "",
        one.deletion.value, _iso(one.deleted) or "",
    )  # fmt: skip


def _scope(one: Followed) -> str:
    scope = one.order.scope
    return f"everything in {scope.category}" if scope.category else ", ".join(sorted(scope.services))


def _iso(instant: int | None) -> str | None:
    return None if instant is None else to_iso(instant)
