"""What people said when they were asked, beside what the logs show of them until then; neither is judged.

A statement that denies use is *contradicted* where its person reached the stage that is asked about before it was made.
That is all that is said: a log knows an account, not who sat there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from detector.answers.lists import rows
from detector.answers.parties import parties
from detector.answers.vendor import Account, Who
from detector.errors import InvalidFile, Problem
from detector.events import from_iso
from detector.grammars.values import lower
from detector.policy import is_use

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.answers.question import Question
    from detector.findings import Attributed
    from detector.match import Actor
    from detector.signatures import Thresholds

_COLUMNS = {
    "person": ("person", "personid", "who", "id", "account", "email", "mail", "employee"),
    "statement": ("statement", "answer", "reply", "text", "response"),
    "date": ("date", "on", "at", "time", "when", "answered"),
}
_DENIES = re.compile(r"\b(?:never|not|no|none|nobody|neither|deny|denied)\b|n['’]t\b", re.IGNORECASE)
_DAY = 86_400_000_000


class Statement(NamedTuple):
    """What somebody said.

    Attributes:
        person: id, account or mail address, as it was handed in.
        text: in their words.
        at: when; what was done later is not held against it.
    """

    person: str
    text: str
    at: int

    @property
    def denies(self) -> bool:
        """Whether the words deny something.

        >>> Statement("u1", "I never used it", 0).denies, Statement("u1", "I tried it", 0).denies
        (True, False)
        """
        return _DENIES.search(self.text) is not None


class Checked(NamedTuple):
    """A statement beside the logs.

    Attributes:
        statement: what was said.
        actor: of the logs, ``None`` where they show nothing of the person until then.
        days: calendar days (UTC) with a use until then.
        stage: the highest stage until then, empty for none.
        contradicted: use is denied, and the stage that is asked about was reached.
        is_listed: a vendor's list names an account of the person.
    """

    statement: Statement
    actor: Actor | None
    days: int
    stage: str
    contradicted: bool
    is_listed: bool


def by_name(name: str, _at: int | None) -> frozenset[str]:
    """Actors of one name, where no directory says more."""
    return frozenset({lower(name)})


class HandedIn(NamedTuple):
    """What others say, handed in beside the logs.

    Attributes:
        accounts: of a vendor's list, ``None`` where there is none.
        statements: of people.
        who: which actors a mail address or a person may be.
    """

    accounts: tuple[Account, ...] | None = None
    statements: tuple[Statement, ...] = ()
    who: Who = by_name


def read(text: str, name: str) -> tuple[Statement, ...]:
    """The statements of a list.

    Raises:
        InvalidFile: every fault with its line.
    """
    problems: list[Problem] = []
    found: list[Statement] = []
    for line, cells in rows(text, name, _COLUMNS):
        person, said, date = (cells.get(column, "") for column in _COLUMNS)
        try:
            at = from_iso(date)
        except ValueError:
            problems.append(Problem(name, line, 0, f"date {date!r} is no time: write 2020-02-27"))
            continue
        if not person or not said:
            problems.append(Problem(name, line, 0, "needs a person and a statement"))
            continue
        found.append(Statement(person, said, at))
    if problems:
        raise InvalidFile(problems)
    return tuple(found)


def check(
    handed: HandedIn, sightings: Sequence[Attributed], question: Question, thresholds: Thresholds
) -> tuple[Checked, ...]:
    """Put statements beside the logs, in the order in which they were handed in.

    Args:
        handed: the statements, and a vendor's list.
        sightings: of the service, in the window.
        question: what is asked.
        thresholds: of the service.
    """
    listed = frozenset[str]().union(*(handed.who(one.mail, one.created) for one in handed.accounts or ()))
    checked = []
    for one in handed.statements:
        names = handed.who(one.person, one.at)
        rows_ = [row for row in sightings if row.actor.name in names and row.at is not None and row.at < one.at]
        people = parties(rows_, thresholds)
        has_reached = any(party.has_reached(question.stage) for party in people)
        days = {row.at // _DAY for row in rows_ if row.at is not None and is_use(row.stage, denied=row.denied)}
        checked.append(
            Checked(
                statement=one,
                actor=people[0].actor if people else None,
                days=len(days),
                stage=people[0].stage.value if people else "",
                contradicted=one.denies and has_reached,
                is_listed=bool(names & listed),
            )
        )
    return tuple(checked)
