"""The whole answer to a question: the outcome, who, and the ledger that it stands on. Pure: no clock, no store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from detector.answers.approvals import Approved, approved
from detector.answers.orders import Followed, covered_behind, followed
from detector.answers.outcome import Outcome, Shortfall, conclude
from detector.answers.parties import Party, parties
from detector.answers.spread import Correspondence, Spread, spread
from detector.answers.statements import Checked, HandedIn, check
from detector.answers.vendor import Reconciled, reconcile
from detector.coverage import Sign, signs
from detector.identity import References
from detector.policy import EMPTY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.answers.question import Question
    from detector.coverage import Ledger, Window
    from detector.findings import Attributed
    from detector.policy import Order, Policy
    from detector.signatures import Signature


@dataclass(frozen=True, slots=True)
class Origin:
    """What an answer was made with: with the same logs it gives the same answer, byte for byte.

    Attributes:
        version: of this program.
        ruleset: digest of the signatures.
        canaries: (format, whether its synthetic line was sighted).
        is_store: the sightings come from a store, its actors are pseudonyms already.
    """

    version: str
    ruleset: str
    canaries: tuple[tuple[str, bool], ...] = ()
    is_store: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        question: what was asked.
        service: the service's signature.
        outcome: what can be said.
        lacking: why coverage is short; empty where it is met.
        found: who reached the stage that is asked about.
        traces: who did not, and what there is of them: look-ups, visits, advertising, refused attempts.
        ledger: what was read.
        signs: that the logs do not see everything.
        followed: orders of the policy about the service, earliest first, and who of those found followed them.
        approved: approvals about the service and the uses within and outside of them; ``None`` where there are none.
        vendor: the vendor's own list beside what was found; ``None`` where none was handed in.
        statements: what people said, beside what the logs show.
        spread: who brought whom; ``None`` where no mail was read for it.
        policy: digest of the policy, empty for none.
        origin: what it was made with.
    """

    question: Question
    service: Signature
    outcome: Outcome
    lacking: tuple[Shortfall, ...]
    found: tuple[Party, ...]
    traces: tuple[Party, ...]
    ledger: Ledger
    signs: tuple[Sign, ...]
    followed: tuple[Followed, ...]
    approved: Approved | None
    vendor: Reconciled | None
    statements: tuple[Checked, ...]
    spread: Spread | None
    policy: str
    origin: Origin

    @property
    def is_covered(self) -> bool:
        """Whether coverage is met."""
        return not self.lacking


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an answer is made of.

    Attributes:
        sightings: of the service, in the window or without a time; those of others are passed over.
        ledger: what was read.
        policy: the organisation's decisions.
        references: which case somebody worked on when.
        handed_in: a vendor's list, and what people said.
        correspondence: mails that tell who brought whom; ``None``: subjects were not read (a store keeps none).
    """

    sightings: Sequence[Attributed]
    ledger: Ledger
    policy: Policy = EMPTY
    references: References = field(default_factory=References)
    handed_in: HandedIn = field(default_factory=HandedIn)
    correspondence: Correspondence | None = None


def answer(question: Question, service: Signature, evidence: Evidence, origin: Origin) -> Answer:
    """Answer a question.

    Args:
        question: what is asked.
        service: the signature of the service.
        evidence: what was seen and read.
        origin: what it was made with.
    """
    rows = [one for one in evidence.sightings if one.service == service.id and _is_asked(one, question.window)]
    people = parties(rows, service.thresholds)
    found = tuple(one for one in people if one.has_reached(question.stage))
    vendor = _reconciled(found, evidence, question)
    outcome, lacking = conclude(question, people, evidence.ledger, vendor)
    actors = {one.actor for one in found}
    orders = evidence.policy.orders_for(service.id, service.category)
    return Answer(
        question=question,
        service=service,
        outcome=outcome,
        lacking=lacking,
        found=found,
        traces=tuple(one for one in people if not one.has_reached(question.stage)),
        ledger=evidence.ledger,
        signs=signs(evidence.ledger),
        followed=tuple(
            _followed(order, [one for one in rows if one.actor in actors], question, evidence.ledger)
            for order in orders
            if order.effective < question.window.until
        ),
        approved=_approved(rows, service, evidence, question.window.until),
        vendor=vendor,
        statements=check(evidence.handed_in, rows, question, service.thresholds),
        spread=_spread(rows, evidence, question.window),
        policy=evidence.policy.digest,
        origin=origin,
    )


def _is_asked(one: Attributed, window: Window) -> bool:
    return one.at is None or window.since <= one.at < window.until


def _reconciled(found: tuple[Party, ...], evidence: Evidence, question: Question) -> Reconciled | None:
    handed = evidence.handed_in
    if handed.accounts is None:
        return None
    return reconcile(handed.accounts, found, handed.who, question.window)


def _spread(rows: Sequence[Attributed], evidence: Evidence, window: Window) -> Spread | None:
    if evidence.correspondence is None:
        return None
    mails, who_is, names = evidence.correspondence
    asked = (one for one in mails if one.at is None or window.since <= one.at < window.until)
    return spread(asked, rows, who_is, names)


def _followed(order: Order, rows: Sequence[Attributed], question: Question, ledger: Ledger) -> Followed:
    """Who followed an order, in the window; silence behind it counts as far as the logs of then cover it."""
    behind = ledger._replace(window=question.window)
    covered = covered_behind(order, question.needed, behind)
    return followed(order, rows, until=question.window.until, covered=covered, required=question.required)


def _approved(rows: Sequence[Attributed], service: Signature, evidence: Evidence, now: int) -> Approved | None:
    approvals = evidence.policy.approvals_for(service.id, service.category)
    if not approvals:
        return None
    policy = replace(evidence.policy, approvals=approvals)
    return approved(rows, policy, {service.id: service.category}, evidence.references, now)
