"""One answer in one of its ways out; the same answer and settings give the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.report.answer import html, internal, leadership, markdown, public, text
from detector.report.answer import json as machine
from detector.report.answer.shown import Reader, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from detector.answers import Answer
    from detector.report.answer.blocks import Page
    from detector.report.answer.shown import Showing, Shown

FORMATS = ("table", "json", "html", "md")

_PAGES: Mapping[Reader, Callable[[Shown], Page]] = {
    Reader.INTERNAL: internal.page,
    Reader.LEADERSHIP: leadership.page,
    Reader.PUBLIC: public.page,
}


def page_of(answer: Answer, showing: Showing) -> Page:
    """The page for a reader."""
    return _PAGES[showing.reader](shown(answer, showing))


def render(answer: Answer, showing: Showing, form: str, *, colour: bool = False, width: int = 100) -> str:
    """An answer as text that ends with a newline.

    Args:
        answer: what to say.
        showing: to whom, and how.
        form: one of ``FORMATS``.
        colour: whether terminal colours are wanted.
        width: of the terminal in columns.
    """
    if form == "json":
        return machine.render(shown(answer, showing), page_of(answer, showing))
    page = page_of(answer, showing)
    if form == "html":
        return html.render(page)
    return markdown.render(page) if form == "md" else text.render(page, colour=colour, width=width)
