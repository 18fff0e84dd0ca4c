"""How a service spread, for the internal reader: mails from one to another, the drawing, who was first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from detector.identity import pseudonym
from detector.match import ActorKind
from detector.report import spreading
from detector.report.answer.blocks import Figure, Graph, Grid, Points, Prose, Section
from detector.report.answer.graph import Spread as SpreadData
from detector.report.wording import counted, moment

if TYPE_CHECKING:
    from detector.answers.spread import Spread
    from detector.match import Actor
    from detector.report.answer.shown import Shown
    from detector.report.spreading import Shown as Label


_NOT_KEPT = (
    "Who brought whom cannot be told from the store: it keeps no subject of a mail, and of its other end only the "
    "domain, so that nobody's correspondence lies in it. shadowit spread SERVICE PATH... reads mail logs themselves."
)


def sections(shown: Shown) -> Iterator[Section]:
    """The section, where there is anything to tell."""
    spread = shown.answer.spread
    if spread is None and shown.answer.origin.is_store and shown.found:
        yield Section("How it spread", (Prose(_NOT_KEPT),))
    if spread is None or not (spread.edges or spread.came):
        return
    label = _label_of(shown, spread)
    rows = tuple((moment(edge.at), label(edge.inviter), label(edge.invitee), edge.by) for edge in spread.edges)
    drawing = Figure(Graph(spreading.as_svg(spread, label)), "Who brought whom, left to right; dashed: never came.")
    table = Grid(("When", "From", "To", "How"), rows, "Mails that brought somebody to the service. Times are UTC.")
    yield Section("How it spread", (Points(tuple(_points(spread, label))), *((table, drawing) if rows else ())))


def data(shown: Shown) -> SpreadData | None:
    """The same for programs."""
    spread = shown.answer.spread
    if spread is None:
        return None
    return SpreadData.model_validate(spreading.as_json(spread, _label_of(shown, spread)))


def _points(spread: Spread, label: Label) -> Iterator[str]:
    if spread.first:
        yield f"First: {label(spread.first[0])}, {moment(spread.came[spread.first[0]])} (UTC)."
        last = max(spread.generations.values())
        came = f"{len(spread.came)} people" if len(spread.came) > 1 else "One person"
        yield f"{came} came, in {counted(last + 1, 'generation')} of invitations."
    for (unit, other), count in sorted(spread.crossings.items()):
        yield f"From {unit} to {other}: {counted(count, 'time')}."
    for cluster in spread.clusters:
        yield f"Signed up within hours of each other: {', '.join(map(label, cluster))}."
    for pair, days in spread.together.items():
        yield f"At the same time on {counted(days, 'day')}: {', '.join(map(label, pair))}."


def _label_of(shown: Shown, spread: Spread) -> Label:
    """How actors are called here: as in the rest of the answer; those of whom it has nothing else get names alike."""
    labels, showing = dict(shown.labels), shown.showing
    strangers = [actor for edge in spread.edges for actor in (edge.inviter, edge.invitee) if actor not in labels]
    for number, actor in enumerate(dict.fromkeys(strangers), start=1):
        if actor.kind is ActorKind.UNKNOWN:
            labels[actor] = "not told"
        elif showing.names:
            labels[actor] = actor.name
        else:
            labels[actor] = f"other {number}" if showing.key is None else pseudonym(actor, showing.key)

    def label(actor: Actor) -> str:
        return labels[actor]

    return label
