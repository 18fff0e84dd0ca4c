"""How a service spread, as JSON, as DOT for Graphviz, as an SVG drawing and as lines of text."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, TypeAlias

from detector.events import to_iso
from detector.match import ActorKind
from detector.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.answers.spread import Edge, Spread
    from detector.match import Actor

SCHEMA = "shadowit.spread/1"
Shown: TypeAlias = Callable[["Actor"], str]
"""The name or the pseudonym of an actor."""

_COLUMN, _ROW, _MARGIN = 210, 34, 14
_DASHES = {"invitation": "", "forward": ' stroke-dasharray="6 3"', "mention": ' stroke-dasharray="2 3"'}


def as_json(spread: Spread, shown: Shown) -> dict[str, object]:
    """The graph as JSON values; times in ISO 8601, UTC."""
    return {
        "schema": SCHEMA,
        "edges": [
            {
                "inviter": shown(edge.inviter),
                "invitee": shown(edge.invitee),
                "at": None if edge.at is None else to_iso(edge.at),
                "by": edge.by,
            }
            for edge in spread.edges
        ],
        "patient_zero": shown(spread.first[0]) if spread.first else None,
        "people": [
            {"actor": shown(actor), "generation": spread.generations[actor], "first": to_iso(at)}
            for actor, at in sorted(spread.came.items(), key=lambda item: (item[1], item[0]))
        ],
        "units_crossed": [
            {"from": unit, "to": other, "edges": count} for (unit, other), count in sorted(spread.crossings.items())
        ],
        "clusters": [[shown(actor) for actor in cluster] for cluster in spread.clusters],
        "together": [
            {"actors": [shown(one), shown(other)], "days": days} for (one, other), days in spread.together.items()
        ],
    }


def as_dot(spread: Spread, shown: Shown) -> str:
    """The graph in the language of Graphviz.

    Reference: https://graphviz.org/doc/info/lang.html (unverified from here)
    """
    lines = ["digraph spread {", "  rankdir=LR;", "  node [shape=box, style=rounded];"]
    for actor in _actors(spread):
        outline = "" if actor in spread.came else ", style=dashed"
        lines.append(f"  {_quoted(shown(actor))} [label={_quoted(_label(actor, spread, shown))}{outline}];")
    for edge in spread.edges:
        at = "" if edge.at is None else to_iso(edge.at)[:10]
        ends = f"{_quoted(shown(edge.inviter))} -> {_quoted(shown(edge.invitee))}"
        lines.append(f"  {ends} [label={_quoted(f'{edge.by} {at}'.strip())}];")
    return "\n".join((*lines, "}", ""))


def as_text(spread: Spread, shown: Shown) -> str:
    """The graph as lines for a terminal."""
    return "".join(f"{line}\n" for line in _lines(spread, lambda actor: visible(shown(actor))))


def _lines(spread: Spread, shown: Shown) -> Iterator[str]:
    if not spread.edges and not spread.came:
        yield "No invitation, forward or sign-up was seen in the logs that were read."
    for edge in spread.edges:
        at = "at an unknown time" if edge.at is None else to_iso(edge.at)
        yield f"{at}  {shown(edge.inviter)} → {shown(edge.invitee)}  {edge.by}"
    if spread.first:
        yield f"first: {shown(spread.first[0])} ({to_iso(spread.came[spread.first[0]])})"
    for generation in sorted(set(spread.generations.values())):
        members = sorted(actor for actor, number in spread.generations.items() if number == generation)
        yield f"generation {generation}: {', '.join(map(shown, members))}"
    for (unit, other), count in sorted(spread.crossings.items()):
        yield f"from {visible(unit)} to {visible(other)}: {count}"
    for cluster in spread.clusters:
        yield f"signed up within hours of each other: {', '.join(map(shown, cluster))}"
    for (actor, companion), days in spread.together.items():
        yield f"at the same time on {days} days: {shown(actor)}, {shown(companion)}"


def as_svg(spread: Spread, shown: Shown) -> str:
    """A drawing: who brought whom from left to right; empty where there is nothing to draw.

    Colours are those of the text around it. The same is in ``as_text``, for those who cannot see it.
    """
    places = _places(spread)
    if not places:
        return ""
    width = _MARGIN * 2 + _COLUMN * (max(x for x, _ in places.values()) + 1)
    height = _MARGIN * 2 + _ROW * (max(y for _, y in places.values()) + 1)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" fill="none" stroke="currentColor"><title>Who brought whom: {len(spread.edges)} mails</title>'
    )
    curves = [_curve(edge, places) for edge in spread.edges]
    nodes = [_node(actor, place, spread, shown) for actor, place in places.items()]
    return "".join((head, *curves, *nodes, "</svg>"))


def _actors(spread: Spread) -> list[Actor]:
    """Everybody in the graph, the earliest first."""
    seen = dict(spread.came)
    for edge in spread.edges:
        for actor in (edge.inviter, edge.invitee):
            seen.setdefault(actor, edge.at or 0)
    return sorted(seen, key=lambda actor: (seen[actor], actor))


def _places(spread: Spread) -> dict[Actor, tuple[int, int]]:
    """Column and row of everybody: those from outside first, then generation by generation."""
    columns: dict[Actor, int] = {actor: number + 1 for actor, number in spread.generations.items()}
    for edge in spread.edges:
        columns.setdefault(edge.inviter, 0)
        columns.setdefault(edge.invitee, columns[edge.inviter] + 1)
    rows: dict[int, int] = {}
    places = {}
    for actor in _actors(spread):
        column = columns[actor]
        places[actor] = (column, rows.get(column, 0))
        rows[column] = rows.get(column, 0) + 1
    return places


def _curve(edge: Edge, places: dict[Actor, tuple[int, int]]) -> str:
    (x1, y1), (x2, y2) = places[edge.inviter], places[edge.invitee]
    left, right = _MARGIN + x1 * _COLUMN + _COLUMN - 50, _MARGIN + x2 * _COLUMN
    top, bottom = _MARGIN + y1 * _ROW + _ROW // 2, _MARGIN + y2 * _ROW + _ROW // 2
    bend = max((right - left) // 2, 20)
    return (
        f'<path d="M{left} {top}C{left + bend} {top} {right - bend} {bottom} {right - 2} {bottom}m-6 -4l6 4l-6 4" '
        f'stroke-width="1.3" opacity=".7"{_DASHES[edge.by]}><title>{escape(edge.by)}</title></path>'
    )


def _node(actor: Actor, place: tuple[int, int], spread: Spread, shown: Shown) -> str:
    x, y = _MARGIN + place[0] * _COLUMN, _MARGIN + place[1] * _ROW
    dashes = "" if actor in spread.came else ' stroke-dasharray="3 3"'
    text = escape(visible(_shortened(_label(actor, spread, shown))))
    return (
        f'<rect x="{x}" y="{y + 4}" width="{_COLUMN - 50}" height="{_ROW - 8}" rx="5"{dashes}/>'
        f'<text x="{x + 8}" y="{y + _ROW // 2 + 4}" font-size="11.5" fill="currentColor" stroke="none">{text}</text>'
    )


def _label(actor: Actor, spread: Spread, shown: Shown) -> str:
    if actor.kind is ActorKind.UNKNOWN:
        return "not told"
    return f"{shown(actor)} (first)" if spread.first[:1] == (actor,) else shown(actor)


def _shortened(text: str, limit: int = 26) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _quoted(text: str) -> str:
    return '"' + visible(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
