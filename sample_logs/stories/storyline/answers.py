"""The answers that a security team should have given: told from what was planted, never from a program's output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storyline.clock import DAY, iso
from storyline.decisions import Decisions, is_use
from storyline.expectation import SERVICE, finding, with_accounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from storyline.expectation import Key, Planted
    from storyline.people import Person


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody said when asked.

    Attributes:
        person: id.
        text: in their words.
        date: of the statement.
    """

    person: str
    text: str
    date: str


@dataclass(frozen=True, slots=True)
class Told:
    """What only the author of a story knows.

    Attributes:
        decisions: of the organisation.
        duties: what its order asks for.
        edges: who invited whom, as ``expected.json`` holds it.
        statements: what people said.
        more: sections that only this story has.
    """

    decisions: Decisions = field(default_factory=Decisions)
    duties: tuple[str, ...] = ("stop",)
    edges: Sequence[Mapping[str, object]] = ()
    statements: Sequence[Statement] = ()
    more: Mapping[str, object] = field(default_factory=dict)


def answered(told: Told, people: Sequence[Person], found: dict[Key, Planted]) -> dict[str, object]:
    """All sections of a story."""
    units = {person.id: person.unit for person in people}
    users = with_accounts(found)
    sections: dict[str, object] = {
        "people": [
            _judged(told.decisions, key, one, units)
            for key, one in found.items()
            if key[1][0] not in told.decisions.observers
        ],
        "answer": {
            "service": SERVICE,
            "verdict": "FOUND" if users else "NOT OBSERVED (coverage met)",
            "people": sorted(users),
            "units": sorted({units[person] for person in users}),
            "data_location": "US",
        },
    }
    if told.decisions.order:
        sections["order"] = _ordered(told, users)
    if told.decisions.approved:
        sections["approvals"] = _approvals(told.decisions, found, units)
    if told.edges:
        sections["edges"] = list(told.edges)
    if told.statements:
        sections["statements"] = [_checked(one, found) for one in told.statements]
    return sections | dict(told.more)


def _judged(decisions: Decisions, key: Key, one: Planted, units: Mapping[str, str]) -> dict[str, object]:
    """One row of a report with the directory and the policy."""
    (name, kind), row = key[1], finding(key, one)
    unit = units[name] if kind == "person" else ""
    row["actor"] = {"id": name, "kind": kind, "unit": unit}
    return row | {"verdict": decisions.heaviest(one.proofs, name, unit)}


def _ordered(told: Told, users: Mapping[str, Planted]) -> dict[str, object]:
    """Who kept to the order: days of use before and after it, attempts after it, deletion of the account."""
    order = told.decisions.order
    rows = []
    for person, one in sorted(users.items()):
        uses = sorted(instant for instant, proof in one.proofs if is_use(proof))
        before, after = [use for use in uses if use < order], [use for use in uses if use >= order]
        deleted = [instant for instant, proof in one.proofs if proof.stage == "closed"]
        row: dict[str, object] = {
            "person": person,
            "verdict": "BREACH" if after else "COMPLIANT",
            "days_before": _days(before),
            "days_after": _days(after),
            "last_before": iso(before[-1]),
            "first_after": iso(after[0]) if after else "",
            "attempts_after": sum(proof.denied and instant >= order for instant, proof in one.proofs),
        }
        if "delete_account" in told.duties:
            row["deletion"] = "seen" if deleted else "open"
        rows.append(row)
    return {"effective": iso(order), "duties": list(told.duties), "people": rows}


def _approvals(decisions: Decisions, found: Mapping[Key, Planted], units: Mapping[str, str]) -> list[dict[str, object]]:
    """How many uses of each person were within an approval, needed a case, or were outside, from its start on."""
    rows = []
    for service, _, since, until, _ in decisions.approved:
        for (name, (person, kind)), one in found.items():
            uses = [(at, proof) for at, proof in one.proofs if is_use(proof) and since <= at < until]
            if name == service and kind == "person" and uses:
                said = [decisions.verdict(at, proof, person, units[person]) for at, proof in uses]
                outside = len(said) - said.count("approved") - said.count("needs-reference")
                within, needs = said.count("approved"), said.count("needs-reference")
                counts = {"within": within, "needs_reference": needs, "outside": outside}
                rows.append({"service": service, "person": person, "unit": units[person], **counts})
    return rows


def _checked(statement: Statement, found: Mapping[Key, Planted]) -> dict[str, object]:
    """A statement beside what the logs show of its person's use until then."""
    one = found.get((SERVICE, (statement.person, "person")))
    uses = [at for at, proof in one.proofs if is_use(proof) and iso(at) < statement.date] if one else []
    never = statement.text == "I never used it"
    row: dict[str, object] = {"person": statement.person, "statement": statement.text, "date": statement.date}
    return row | {"days_of_use_before": _days(uses), "contradicted": never and bool(uses)}


def _days(instants: Iterable[int]) -> int:
    return len({instant // DAY for instant in instants})
