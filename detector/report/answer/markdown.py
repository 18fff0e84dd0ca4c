"""An answer as Markdown, for tickets and mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.report.answer.blocks import Grid, Points, Prose
from detector.report.markdown import literal, prose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.report.answer.blocks import Block, Page


def render(page: Page) -> str:
    """The page as Markdown."""
    return "\n".join(_lines(page)) + "\n"


def _lines(page: Page) -> Iterator[str]:
    yield from (f"# {prose(page.title)}", "", f"**{prose(page.headline)}** {prose(page.state)}")
    for text in page.lead:
        yield from ("", prose(text))
    for section in page.sections:
        yield from ("", f"## {prose(section.title)}")
        for block in section.blocks:
            yield from _block(block)
    yield ""
    for name, value in page.foot:
        yield f"- {prose(name)}: {prose(value)}"


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Prose):
        yield from ("", prose(block.text))
    elif isinstance(block, Points):
        yield ""
        yield from (f"- {prose(item)}" for item in block.items)
    elif isinstance(block, Grid):
        if block.caption:
            yield from ("", prose(block.caption))
        yield from ("", f"| {' | '.join(block.heads)} |")
        yield f"|{''.join(' ---: |' if head in block.numbers else ' --- |' for head in block.heads)}"
        for row in block.rows:
            cells = (
                literal(cell) if head in block.raw else prose(cell) for head, cell in zip(block.heads, row, strict=True)
            )
            yield f"| {' | '.join(cells)} |"
