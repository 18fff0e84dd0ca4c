"""``rcmp``: the papers: the approval of March, the register of cases, the vendor's own list of accounts, statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storyline import policies
from storyline.answers import Statement, Told
from storyline.clock import DAY, HOUR, at, moment
from storyline.decisions import Case, Decisions
from storyline.expectation import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from storyline.people import Person
    from storyline.scene import Scene

CENTRE = "child exploitation centre"
FROM, UNTIL = at("2020-03-01"), at("2020-07-01")
"""When the centre's approval counts."""
CASES = (
    # person, day, reference
    ("c1", "2020-03-05", "2020-30118"), ("c1", "2020-03-12", "2020-30164"), ("c5", "2020-03-17", "2020-30207"),
)  # fmt: skip
UNLISTED = ("f2", "b3")
"""Whom the vendor does not know by their addresses here."""
PRIVATE = ("u9001@private-mail.example", "u9002@private-mail.example")
"""Addresses under which the vendor knows people of the organisation, and nobody here does."""
LISTED = ("Organisation", "E-mail", "Created", "Logins", "Searches", "Last login", "Last search")
ORGANISATION = "Federal Police Service"
_POLICY = """\
services:
  clearview-ai:
    status: restricted
    since: 2020-03-01
    purpose: identifying victims in child sexual exploitation cases
    information: [images of faces]
    mitigations: [trained specialists of one unit, reference of a case for each use]
approvals:
  - id: exigent-circumstances
    services: clearview-ai
    units: child exploitation centre
    purposes:
      - identifying victims in child sexual exploitation cases
      - imminent threat to life or of grievous bodily harm
    needs_reference: true
    valid_from: 2020-03-01
    valid_until: 2020-07-01
    reference: direction of March 2020
    approver: commissioner
    statement: Used only in exigent circumstances, by trained specialists of one unit.
"""


def papers(scene: Scene, roles: Mapping[str, Person]) -> tuple[Told, dict[str, str]]:
    """What only the author knows, and the files beside the logs."""
    cases = [Case(roles[role].id, at(day), at(day) + DAY, reference) for role, day, reference in CASES]
    listed = [person for role, person in roles.items() if role not in UNLISTED]
    missed = _missed(scene, roles)
    said = (
        Statement(roles["c1"].id, "I used it", "2020-02-25"),
        Statement(roles["m4"].id, "I never used it", "2020-02-25"),
        Statement(roles["b3"].id, "I never used it", "2020-02-25"),
        Statement(missed[0].id, "I never used it", "2020-02-25"),
    )
    vendor = {
        "accounts": len(listed) + len(missed) + len(PRIVATE),
        "matched": sorted(person.id for person in listed),
        "vendor_only": sorted([*(person.mailbox for person in missed), *PRIVATE]),
        "ours_only": sorted(roles[role].id for role in UNLISTED),
    }
    decisions = Decisions(approved=((SERVICE, CENTRE, FROM, UNTIL, True),), cases=tuple(cases))
    rows = [*(_seen(scene, person) for person in listed), *_unseen(scene, [person.mailbox for person in missed])]
    documents = {
        "policy.yml": policies.RESTRICTED + _POLICY,
        "cases.csv": policies.cases(cases),
        "statements.csv": policies.statements(said),
        "vendor.csv": policies.table(LISTED, sorted(rows, key=lambda row: row[2])),
    }
    return Told(decisions, statements=said, more={"vendor": vendor}), documents


def _missed(scene: Scene, roles: Mapping[str, Person]) -> list[Person]:
    """Four people whose accounts no log of ours shows: they used telephones."""
    others = [person for person in scene.people if person not in roles.values()]
    return scene.dice.sample(others, 4)


def _seen(scene: Scene, person: Person) -> tuple[str, ...]:
    """The vendor's row of somebody whom our logs show: it counts what telephones did, too."""
    instants = sorted(
        event.at
        for log in scene.sites[person.site].logs
        for event in log.events
        if event.proof and getattr(event, "address", "") == person.address and event.proof.opaque
    )
    days = {instant // DAY for instant in instants}
    searches = len(instants) // 2 + scene.dice.randrange(9)
    return _row(person.mailbox.capitalize(), instants[0], len(days) + scene.dice.randrange(3), searches, instants[-1])


def _unseen(scene: Scene, mailboxes: list[str]) -> Iterator[tuple[str, ...]]:
    for mailbox in (*mailboxes, *PRIVATE):
        created = at("2019-10-14") + scene.dice.randrange(120) * DAY + scene.dice.randrange(14, 22) * HOUR
        count = scene.dice.randrange(1, 30)
        yield _row(mailbox, created, 1 + count // 4, count, created + scene.dice.randrange(30) * DAY)


def _row(mailbox: str, created: int, logins: int, searches: int, last: int) -> tuple[str, ...]:
    stamp, day = f"{moment(last):%Y-%m-%dT%H:%M:%SZ}", f"{moment(created):%Y-%m-%dT%H:%M:%SZ}"
    return ORGANISATION, mailbox, day, str(logins), str(searches), stamp, stamp
