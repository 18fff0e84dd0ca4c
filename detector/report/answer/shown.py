"""What a reader may see of an answer: everything that is written, in any way out, is written from this.

The internal reader sees actors (by pseudonym, by name where names are asked for), units, logs and evidence. Leadership
sees pseudonyms and units of at least k people, no log and no line. The public sees no person and no log at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from detector.identity import People, pseudonym, suppressed
from detector.match import ActorKind
from detector.report.answer.sentences import KINDS

if TYPE_CHECKING:
    from detector.answers import Answer, Party
    from detector.coverage import Source, Unread
    from detector.findings import Attributed
    from detector.match import Actor


class Reader(StrEnum):
    """Whom an answer is written for."""

    INTERNAL = "internal"
    LEADERSHIP = "leadership"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Showing:
    """How an answer is shown.

    Attributes:
        reader: whom to.
        names: show actors by name; only to the internal reader.
        purpose: what the answer is for, printed with it.
        key: of the pseudonyms; ``None``: actors are numbered.
        people: the directory with their names, ``None`` for none.
        k: units of fewer people are not shown.
        units: those that the internal reader may see beside pseudonyms, ``None`` for all.
        revealed: names by pseudonym, of those of a store that a grant opens.
    """

    reader: Reader
    names: bool = False
    purpose: str = ""
    key: bytes | None = None
    people: People | None = None
    k: int = 5
    units: frozenset[str] | None = None
    revealed: Mapping[str, str] = field(default_factory=dict)

    def may_show(self, unit: str) -> bool:
        """Whether the internal reader may see a unit."""
        return self.units is None or unit in self.units


@dataclass(frozen=True, slots=True)
class ShownParty:
    """One actor.

    Attributes:
        label: a name, a pseudonym or a number.
        units: empty where they may not be shown.
        party: everything else.
        evidence: empty where it may not be shown.
    """

    label: str
    units: tuple[str, ...]
    party: Party
    evidence: tuple[Attributed, ...]


@dataclass(frozen=True, slots=True)
class ShownSource:
    """One source.

    Attributes:
        name: its name, or what kind of log it is and which one.
        share: of the window that it covers, 0 to 1.
        lines: that were read of the window.
        source: everything else; its name and its paths are in ``name`` and ``unread`` only.
        gaps: (from, to) that it does not cover.
        unread: (path or the source's name, reason) of what could not be read.
    """

    name: str
    share: float
    lines: int
    source: Source
    gaps: tuple[tuple[int, int], ...]
    unread: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer as a reader may see it.

    Attributes:
        answer: for what is about nobody and about no log.
        showing: how it is shown.
        found: who reached the stage; empty for the public.
        traces: who did not; only for the internal reader.
        units: (unit, people at the stage or ``None`` for "fewer than k"), by name; only units that may be shown.
        hidden_units: how many others there are.
        people: how many reached the stage, ``None`` for "fewer than k".
        sources: what was read.
        stray: (path or a number, reason) of what was named and is no log.
        places: the name under which each source is shown.
        labels: how each actor is called; empty for the public.
    """

    answer: Answer
    showing: Showing
    found: tuple[ShownParty, ...]
    traces: tuple[ShownParty, ...]
    units: tuple[tuple[str, int | None], ...]
    hidden_units: int
    people: int | None
    sources: tuple[ShownSource, ...]
    stray: tuple[tuple[str, str], ...]
    places: Mapping[str, str]
    labels: Mapping[Actor, str]

    def id_of(self, actor: Actor) -> str:
        """What programs tell actors apart by: the actor's own name where names are shown, else its label."""
        return actor.name if self.is_named or self.answer.origin.is_store else self.labels[actor]

    @property
    def is_named(self) -> bool:
        """Whether everybody is shown by name: never from a store, of which a grant opens single names."""
        return self.showing.names and self.showing.reader is Reader.INTERNAL and not self.answer.origin.is_store

    def name_of(self, actor: Actor) -> str | None:
        """The name of an actor, ``None`` where the reader may not see it."""
        if self.answer.origin.is_store:
            return self.showing.revealed.get(actor.name) if self.showing.reader is Reader.INTERNAL else None
        return self.labels[actor] if self.is_named else None

    def place(self, actor: Actor) -> int:
        """Where an actor stands in the order of the answer: the order of names would say something of them."""
        return list(self.labels).index(actor)


def shown(answer: Answer, showing: Showing) -> Shown:
    """What a reader may see."""
    reader = showing.reader
    labels = labels_of(answer, showing)
    is_internal, is_public = reader is Reader.INTERNAL, reader is Reader.PUBLIC

    def party(one: Party) -> ShownParty:
        units = tuple(unit for unit in one.units if is_internal and showing.may_show(unit))
        return ShownParty(labels[one.actor], units, one, one.evidence if is_internal else ())

    names = _names(answer, is_internal=is_internal)
    units, hidden = _units(answer, showing)
    count = len(answer.found)
    return Shown(
        answer=answer,
        showing=showing,
        found=() if is_public else tuple(map(party, answer.found)),
        traces=tuple(map(party, answer.traces)) if is_internal else (),
        units=units,
        hidden_units=hidden,
        people=None if is_public and 0 < count < showing.k else count,
        sources=tuple(
            _source(one, answer, name, is_internal=is_internal)
            for one, name in zip(answer.ledger.sources, names, strict=True)
        ),
        stray=tuple(_unread(answer.ledger.stray, "file", is_internal=is_internal)),
        places=_places(answer, names),
        labels={} if is_public else labels,
    )


def labels_of(answer: Answer, showing: Showing) -> Mapping[Actor, str]:
    """How each actor is called: by name, by pseudonym, or by number in the order of the answer."""
    actors = [party.actor for party in (*answer.found, *answer.traces)]
    if answer.origin.is_store:
        return {actor: _revealed(actor, showing) for actor in actors}
    if showing.names and showing.reader is Reader.INTERNAL:
        return {actor: _name(actor, showing.people) for actor in actors}
    if showing.key is not None:
        return {actor: pseudonym(actor, showing.key) for actor in actors}
    numbers: Counter[str] = Counter()
    labels = {}
    for actor in actors:
        numbers[actor.kind] += 1
        labels[actor] = f"{actor.kind} {numbers[actor.kind]}"
    return labels


def _revealed(actor: Actor, showing: Showing) -> str:
    name = showing.revealed.get(actor.name) if showing.reader is Reader.INTERNAL else None
    return f"{name} ({actor.name})" if name else actor.name


def _name(actor: Actor, people: People | None) -> str:
    name = people.name(actor.name) if people and actor.kind is ActorKind.PERSON else ""
    return f"{name} ({actor.name})" if name and name != actor.name else actor.name


def _units(answer: Answer, showing: Showing) -> tuple[tuple[tuple[str, int | None], ...], int]:
    """The units that may be shown with their people, and how many others there are."""
    counts = Counter(unit for party in answer.found for unit in party.units)
    if showing.reader is Reader.INTERNAL:
        return tuple(sorted((unit, count) for unit, count in counts.items() if showing.may_show(unit))), 0
    kept = suppressed(dict(sorted(counts.items())), showing.k)
    small = sum(count is None for count in kept.values())
    if showing.reader is Reader.LEADERSHIP:
        return tuple(kept.items()), 0
    return tuple((unit, count) for unit, count in kept.items() if count is not None), small


def _names(answer: Answer, *, is_internal: bool) -> list[str]:
    """(n,) what each source is called; a source with logs of two kinds is two."""
    names = Counter(source.name for source in answer.ledger.sources)
    numbers: Counter[str] = Counter()
    told = []
    for source in answer.ledger.sources:
        numbers[source.kind] += 1
        kind = KINDS[source.kind]
        own = f"{source.name} ({kind})" if names[source.name] > 1 else source.name
        told.append(own if is_internal else f"{kind} {numbers[source.kind]}")
    return told


def _places(answer: Answer, names: Sequence[str]) -> Mapping[str, str]:
    """The name under which each source is shown, by its own."""
    places: dict[str, str] = {}
    for source, name in zip(answer.ledger.sources, names, strict=True):
        places[source.name] = f"{places[source.name]} and {name}" if source.name in places else name
    return places


def _source(source: Source, answer: Answer, name: str, *, is_internal: bool) -> ShownSource:
    window = answer.question.window
    share = len(source.covered(window)) / len(window.hours) if source.can_show else 0.0
    unread = tuple(_unread(source.unread, name, is_internal=is_internal))
    return ShownSource(name, share, source.lines(window), source, source.gaps(window), unread)


def _unread(gaps: tuple[Unread, ...], name: str, *, is_internal: bool) -> Iterator[tuple[str, str]]:
    for gap in gaps:
        yield (gap.path, gap.reason) if is_internal else (name, "could not be read")
