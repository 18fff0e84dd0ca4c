"""Signs that logs do not see everything: what no line says, told from the lines that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detector.events import MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.coverage.ledger import Ledger

MANY_NAMELESS = 0.05
"""Share of requests without a name from which on it is told."""
FAR_BACK = 30 * 60 * MICROSECONDS
"""A step back in time that no slow request explains."""

DECLARED = (
    "private phones and private networks",
    "encrypted name look-ups that go to other resolvers",
    "names that are hidden inside encryption (ECH)",
    "devices and programs that do not go through what was logged",
)
"""What no log of an organisation can show: said beside every answer."""


class Sign(NamedTuple):
    """One sign.

    Attributes:
        kind: ``nameless``, ``resolvers``, ``hidden``, ``backward``, ``ahead``, ``late`` or ``people``.
        place: the source, empty for all of them.
        number: how many.
        whole: of how many, 0 where that says nothing.
    """

    kind: str
    place: str
    number: int
    whole: int = 0


def signs(ledger: Ledger) -> tuple[Sign, ...]:
    """All signs, by source."""
    return tuple(_signs(ledger))


def _signs(ledger: Ledger) -> Iterator[Sign]:
    for source in ledger.sources:
        sample = source.sample
        if sample.nameless and sample.nameless >= MANY_NAMELESS * sample.flows:
            yield Sign("nameless", source.name, sample.nameless, sample.flows)
        if sample.resolvers:
            yield Sign("resolvers", source.name, sample.resolvers, sample.events)
        if sample.hidden:
            yield Sign("hidden", source.name, sample.hidden, sample.events)
        if sample.backward >= FAR_BACK:
            yield Sign("backward", source.name, sample.backward // MICROSECONDS)
        if source.ahead:
            yield Sign("ahead", source.name, source.ahead, source.files)
        if source.late:
            yield Sign("late", source.name, source.late, source.files)
    if ledger.people is not None and ledger.seen < ledger.people:
        yield Sign("people", "", ledger.seen, ledger.people)
