"""What is judged, and what is said about it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from detector.events import Stage


class Verdict(StrEnum):
    """What the policy says about a sighting, lightest first; a finding has the heaviest of its sightings."""

    APPROVED = "approved"
    UNREVIEWED = "unreviewed"
    NEEDS_REFERENCE = "needs-reference"
    UNAPPROVED = "unapproved"
    AFTER_ORDER = "after-order"

    __hash__ = str.__hash__  # Enum's own is a Python function, and verdicts are counted in every fold

    @property
    def weight(self) -> int:
        """Position in the order above, 0 for ``approved``.

        >>> max(Verdict.UNREVIEWED, Verdict.AFTER_ORDER, key=lambda one: one.weight).value
        'after-order'
        """
        return _WEIGHTS[self]


_WEIGHTS = {verdict: weight for weight, verdict in enumerate(Verdict)}


class Status(StrEnum):
    """What the organisation has decided about a service."""

    UNREVIEWED = "unreviewed"
    UNDER_REVIEW = "under-review"
    APPROVED = "approved"
    RESTRICTED = "restricted"
    PROHIBITED = "prohibited"


class Act(NamedTuple):
    """One sighting, as far as it is judged.

    Attributes:
        service: the service's id.
        category: the service's category.
        stage: what the sighting proves.
        at: microseconds since the epoch, ``None`` where unknown.
        denied: the device refused the request.
        host: the name that was asked for, empty for mail.
        reference: the case that the person worked on then, empty where none is known.
        indicator: the indicator's id, empty where it does not matter.
    """

    service: str
    category: str
    stage: Stage
    at: int | None
    denied: bool
    host: str
    reference: str = ""
    indicator: str = ""


class Subject(NamedTuple):
    """Who is judged.

    Attributes:
        ids: person id, account, mailbox and address, as far as known, lower case; pseudonyms when judged from a store.
        unit: organisational unit at that time, empty where unknown.
        host: the person's own device, empty where unknown.
    """

    ids: frozenset[str]
    unit: str = ""
    host: str = ""


class Ruling(NamedTuple):
    """A verdict and what it rests on.

    Attributes:
        verdict: what the policy says.
        by: id of the approval or order that decided, empty where a status did.
        reason: one sentence for a person; it names nobody.
    """

    verdict: Verdict
    by: str = ""
    reason: str = ""


_BESIDE_THE_LADDER = frozenset({Stage.GUEST_VIEWED, Stage.PAID})


def is_use(stage: Stage, *, denied: bool) -> bool:
    """Whether a sighting is something that its actor did with the service.

    What was refused is an attempt; a look-up may be a scanner's or a preview's; advertising, invitations and
    confirmations of a deletion are mail that somebody got; a letter to the vendor uses nothing.

    >>> [is_use(one, denied=False) for one in (Stage.RESOLVED, Stage.VISITED, Stage.INVITED, Stage.PAID)]
    [False, True, False, True]
    >>> is_use(Stage.UPLOADED, denied=True)
    False
    """
    return not denied and (stage.rung >= Stage.VISITED.rung or stage in _BESIDE_THE_LADDER)
