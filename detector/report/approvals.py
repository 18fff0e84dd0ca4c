"""Approvals, the use that they got and the use outside of them, as text, JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from detector.events import to_iso
from detector.report.columns import columns
from detector.report.csv import safe
from detector.report.wording import day

if TYPE_CHECKING:
    from detector.answers.approvals import Approved, Granted, Use, User
    from detector.match import Actor
    from detector.report.json import Json

SCHEMA = "shadowit.approvals/1"
Shown: TypeAlias = Callable[["Actor"], str]
"""The name or the pseudonym of an actor."""

COLUMNS = (
    "at", "service", "actor", "kind", "unit", "stage", "position", "approval", "reference", "reason", "path", "offset",
    "length", "sha256",
)  # fmt: skip
"""The columns of the CSV file: one row for each use."""

_STATES = {"upcoming": "not begun", "in-force": "in force", "ends-soon": "ENDS SOON", "ended": "ended"}


def as_text(found: Approved, shown: Shown) -> str:
    """A table of approvals and one of people."""
    if not found.granted:
        return "The policy holds no approval.\n"
    heads = ("Approval", "from", "to", "state", "used by", "within", "needs reference", "last use")
    lines = list(columns([heads, *map(_granted, found.granted)]))
    if found.users:
        heads = ("Who", "service", "unit", "within", "needs reference", "outside", "before", "why outside")
        lines += ["", *columns([heads, *(_user(one, shown) for one in found.users)])]
    return "\n".join(lines) + "\n"


def _granted(one: Granted) -> tuple[str, ...]:
    return (
        one.approval.id,
        day(one.approval.valid_from),
        day(one.approval.valid_until - 1),
        _STATES[one.state.value],
        "nobody: NEVER USED" if one.is_unused else str(one.people),
        str(one.within),
        str(one.needs_reference),
        "" if one.last is None else day(one.last),
    )


def _user(one: User, shown: Shown) -> tuple[str, ...]:
    return (
        shown(one.actor),
        one.service,
        ", ".join(one.units),
        str(one.within),
        str(one.needs_reference),
        str(one.outside),
        str(one.before),
        "; ".join(one.reasons),
    )


def as_json(found: Approved, shown: Shown, policy: str) -> dict[str, Json]:
    """Everything as JSON values; times in ISO 8601, UTC."""
    return {
        "schema": SCHEMA,
        "policy": {"digest": policy},
        "approvals": [
            {
                "id": one.approval.id,
                "valid_from": to_iso(one.approval.valid_from),
                "valid_until": to_iso(one.approval.valid_until),
                "state": one.state.value,
                "within": one.within,
                "needs_reference": one.needs_reference,
                "people": one.people,
                "references": one.references,
                "first": _iso(one.first),
                "last": _iso(one.last),
                "unused": one.is_unused,
            }
            for one in found.granted
        ],
        "people": [
            {
                "actor": {"id": shown(one.actor), "kind": one.actor.kind.value},
                "service": one.service,
                "units": one.units,
                "within": one.within,
                "needs_reference": one.needs_reference,
                "outside": one.outside,
                "before": one.before,
                "reasons": one.reasons,
            }
            for one in found.users
        ],
        "uses": [dict(zip(COLUMNS, _row(one, shown), strict=True)) for one in found.uses],
    }


def as_csv(found: Approved, shown: Shown) -> str:
    """One row for each use, safe to open in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in found.uses:
        writer.writerow(safe(cell) for cell in _row(one, shown))
    return out.getvalue()


def _row(one: Use, shown: Shown) -> tuple[str | int, ...]:
    seen = one.sighting
    return (
        _iso(seen.at) or "", seen.service, shown(seen.actor), seen.actor.kind.value, seen.unit, seen.stage.value,
        one.position.value, one.approval, one.reference, one.reason, seen.path, seen.offset, seen.length, seen.sha256,
    )  # fmt: skip


def _iso(instant: int | None) -> str | None:
    return None if instant is None else to_iso(instant)
