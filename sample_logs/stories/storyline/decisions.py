"""What the organisation of a story has decided, as its author reads it; ``policy.yml`` says the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storyline.expectation import LADDER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storyline.events import Proof

WEIGHTS = ("approved", "unreviewed", "needs-reference", "unapproved", "after-order")
"""Verdicts, lightest first."""
_USED = (*LADDER[LADDER.index("visited") :], "guest_viewed", "paid")


@dataclass(frozen=True, slots=True)
class Case:
    """Somebody works on a case for a time.

    Attributes:
        person: id.
        since: first instant.
        until: the instant behind the last.
        reference: of the case.
    """

    person: str
    since: int
    until: int
    reference: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """What holds for the services of a story.

    Attributes:
        status: of facial recognition: ``restricted`` or ``unreviewed``.
        order: when use of the service had to cease, 0 for never.
        observers: addresses whose events are no use.
        approved: (service, unit, from, until, whether a case is needed) of each approval.
        cases: who works on what.
    """

    status: str = "restricted"
    order: int = 0
    observers: frozenset[str] = frozenset()
    approved: tuple[tuple[str, str, int, int, bool], ...] = ()
    cases: tuple[Case, ...] = ()

    def verdict(self, instant: int, proof: Proof, actor: str, unit: str) -> str:
        """What is to be said about one event of somebody."""
        used = is_use(proof)
        if actor in self.observers:
            return "approved"
        for service, allowed, since, until, needs_case in self.approved:
            if (service, allowed) == (proof.service, unit) and since <= instant < until:
                without = needs_case and used and not self.case(actor, instant)
                return "needs-reference" if without else "approved"
        if used and self.order and instant >= self.order:
            return "after-order"
        if not used and (proof.denied or proof.stage != "resolved"):
            return "unreviewed"
        if self.status == "restricted":
            return "unapproved"
        return "unreviewed"

    def case(self, person: str, instant: int) -> str:
        """The case that somebody works on then, empty for none."""
        found = (one.reference for one in self.cases if one.person == person and one.since <= instant < one.until)
        return next(found, "")

    def heaviest(self, proofs: Iterable[tuple[int, Proof]], actor: str, unit: str) -> str:
        """The verdict on somebody: the heaviest of all events."""
        return max((self.verdict(instant, proof, actor, unit) for instant, proof in proofs), key=WEIGHTS.index)


def is_use(proof: Proof) -> bool:
    """Whether an event is something that somebody did with the service."""
    return not proof.denied and proof.stage in _USED
