"""What a page of an answer is made of: plain blocks, the same for a terminal, Markdown and HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from detector.report.stagechart import StageChart
from detector.report.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph.

    Attributes:
        text: plain sentences.
        tone: ``good``, ``bad``, ``soft`` or empty.
    """

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Points:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table.

    Attributes:
        heads: of the columns.
        rows: cells as text, as many as there are heads.
        caption: what the table shows.
        numbers: heads whose cells stand to the right.
        raw: heads whose cells come from logs: shown in a typewriter face, never as markup.
        is_detail: too wide for a terminal, which says how many rows there are instead.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    numbers: frozenset[str] = frozenset()
    raw: frozenset[str] = frozenset()
    is_detail: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """A drawing of points and lines.

    Attributes:
        svg: the drawing, everything in it escaped.
    """

    svg: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing, only where drawings can be shown.

    Attributes:
        drawing: what is drawn.
        caption: what it shows.
    """

    drawing: Timeline | StageChart | Graph
    caption: str


Block: TypeAlias = Prose | Points | Grid | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page.

    Attributes:
        title: of the part.
        blocks: in order.
    """

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page.

    Attributes:
        title: what it is.
        headline: the answer in one sentence.
        lead: sentences below it.
        tone: ``good`` where coverage is met, ``bad`` where it is short.
        state: what the tone means, in one sentence.
        sections: in order.
        foot: (name, value) of what it was made with.
    """

    title: str
    headline: str
    lead: tuple[str, ...]
    tone: str
    state: str
    sections: tuple[Section, ...]
    foot: tuple[tuple[str, str], ...]
