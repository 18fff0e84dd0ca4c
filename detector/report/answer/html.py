"""An answer as one self-contained page: no script, nothing loaded from anywhere, light and dark, phone and print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.report.answer.blocks import Figure, Graph, Grid, Points, Prose
from detector.report.html import environment
from detector.report.stagechart import StageChart

if TYPE_CHECKING:
    from detector.report.answer.blocks import Block, Page


def render(page: Page) -> str:
    """The page."""
    template = environment().get_template("answer.html.j2")
    text = template.render(page=page, kind=_kind)
    return "\n".join(line for line in text.split("\n") if line.strip()) + "\n"


def _kind(block: Block) -> str:
    """How a block is drawn."""
    if isinstance(block, Figure):
        shapes: dict[type, str] = {StageChart: "columns", Graph: "graph"}
        return shapes.get(type(block.drawing), "lanes")
    kinds: dict[type, str] = {Prose: "prose", Points: "points", Grid: "grid"}
    return kinds[type(block)]
