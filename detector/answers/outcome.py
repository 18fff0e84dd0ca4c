"""The outcome of a question: found, not observed with or without a "but", or nothing can be said.

The first line that fits wins:

===================================================================  =============================
case                                                                 outcome
===================================================================  =============================
somebody reached the stage that is asked about, in the window or at  FOUND
a time that cannot be read, and it was not refused
the synthetic line of a needed log was not sighted: the program      CANNOT SAY
itself could not have seen a use
no log that could prove the stage has a readable hour in the window  CANNOT SAY
(none was read; most of its lines are not what their format says;
it holds no names or no times)
a needed kind of log was not read, or a source of it that is         NOT OBSERVED (coverage short)
configured (all others together) covers less than is required, or
something was not read and nobody knows of which time it was, or the
vendor's own list names accounts that the logs do not show
everything else                                                      NOT OBSERVED (coverage met)
===================================================================  =============================

Coverage is judged beside the outcome: also of what was found more may lie where nothing was read.

Strength, strongest first: FOUND, NOT OBSERVED (coverage met), NOT OBSERVED (coverage short), CANNOT SAY. Taking an hour
of a log, a column of a source, or a person out of the evidence can only keep or weaken the outcome: shares only fall,
sources that lose their lines stay in the ledger with none, and nothing is divided by what was seen.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from detector.events import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detector.answers.parties import Party
    from detector.answers.question import Question
    from detector.answers.vendor import Reconciled
    from detector.coverage import Ledger


class Outcome(StrEnum):
    """What can be said, strongest first."""

    FOUND = "found"
    NOT_OBSERVED = "not-observed"
    NOT_OBSERVED_SHORT = "not-observed-coverage-short"
    CANNOT_SAY = "cannot-say"

    @property
    def strength(self) -> int:
        """3 for ``FOUND`` down to 0 for ``CANNOT_SAY``.

        >>> Outcome.FOUND.strength, Outcome.CANNOT_SAY.strength
        (3, 0)
        """
        return 3 - list(Outcome).index(self)

    @property
    def words(self) -> str:
        """As it is printed."""
        return _WORDS[self]


_WORDS = {
    Outcome.FOUND: "FOUND",
    Outcome.NOT_OBSERVED: "NOT OBSERVED (coverage met)",
    Outcome.NOT_OBSERVED_SHORT: "NOT OBSERVED (coverage short)",
    Outcome.CANNOT_SAY: "CANNOT SAY",
}


class Shortfall(NamedTuple):
    """One reason why coverage is short, or why nothing can be said.

    Attributes:
        kind: ``canary``, ``nothing``, ``not-read``, ``short``, ``unplaced`` or ``vendor``.
        place: the kind of log, the source or the path that it is about.
        share: covered, 0 to 1, where the kind is ``short``; of the vendor's accounts seen, where it is ``vendor``.
        text: what a person has to know besides.
    """

    kind: str
    place: str
    share: float = 0.0
    text: str = ""


def conclude(
    question: Question, people: Iterable[Party], ledger: Ledger, vendor: Reconciled | None = None
) -> tuple[Outcome, tuple[Shortfall, ...]]:
    """The outcome, and everything that coverage lacks."""
    blind = tuple(_blind(question, ledger))
    lacking = (*blind, *_short(question, ledger))
    if vendor is not None and vendor.vendor_only:
        lacking = (*lacking, Shortfall("vendor", "", vendor.seen_share))
    if any(one.has_reached(question.stage) for one in people):
        return Outcome.FOUND, lacking
    if blind:
        return Outcome.CANNOT_SAY, lacking
    return (Outcome.NOT_OBSERVED_SHORT if lacking else Outcome.NOT_OBSERVED), lacking


def _blind(question: Question, ledger: Ledger) -> Iterator[Shortfall]:
    """Why nothing can be said."""
    for source in ledger.sources:
        if source.kind in question.needed and not source.sighted:
            yield Shortfall("canary", source.name)
    proving = [
        source
        for source in ledger.sources
        if source.kind in question.proving & question.needed and source.can_show and source.readable(ledger.window)
    ]
    if not proving:
        yield Shortfall("nothing", ", ".join(sorted(question.proving & question.needed)))


def _short(question: Question, ledger: Ledger) -> Iterator[Shortfall]:
    """Why coverage is short."""
    for kind in sorted(question.needed, key=list(Kind).index):
        if not ledger.of(kind):
            yield Shortfall("not-read", kind.value)
            continue
        for name, share in ledger.shares(kind):
            if share < question.required:
                yield Shortfall("short", name or kind.value, share, kind.value)
    for gap in ledger.unplaced:
        yield Shortfall("unplaced", gap.path, text=gap.reason)
