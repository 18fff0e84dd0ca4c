"""An answer for people at a terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from detector.report.answer.blocks import Grid, Points, Prose
from detector.report.text import visible
from detector.report.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from detector.report.answer.blocks import Block, Page

_NARROWEST = 64
_STYLES = {"good": "green", "bad": "bold yellow", "soft": "dim"}


def render(page: Page, *, colour: bool = False, width: int = 100) -> str:
    """The page as lines of at most so many columns (at least 64)."""
    from rich.console import Console  # noqa: PLC0415 - machine formats must not pay for it

    out = io.StringIO()
    console = Console(
        file=out, width=max(width, _NARROWEST), force_terminal=colour, color_system="standard" if colour else None,
        no_color=not colour, markup=False, emoji=False, highlight=False, legacy_windows=False, _environ={},
    )  # fmt: skip
    console.print(visible(page.headline), style="bold")
    console.print(visible(page.state), style=_STYLES[page.tone])
    for text in page.lead:
        console.print(visible(text))
    for section in page.sections:
        console.print()
        console.print(visible(section.title), style="bold")
        for block in section.blocks:
            _print(console, block)
    console.print()
    for name, value in page.foot:
        console.print(f"{name}: {visible(value)}", style="dim")
    return "\n".join(line.rstrip(" ") for line in out.getvalue().split("\n"))


def _print(console: Console, block: Block) -> None:
    from rich.padding import Padding  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    if isinstance(block, Prose):
        console.print(Padding(Text(visible(block.text), style=_STYLES.get(block.tone, "")), (0, 0, 0, 2)))
    elif isinstance(block, Points):
        for item in block.items:
            console.print(Padding(Text(f"- {visible(item)}"), (0, 0, 0, 2)))
    elif isinstance(block, Grid) and block.is_detail:
        console.print(Text(f"  {counted(len(block.rows), 'row')}, written with -f html, md or json", style="dim"))
    elif isinstance(block, Grid):
        _print_grid(console, block)


def _print_grid(console: Console, grid: Grid) -> None:
    from rich.padding import Padding  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for head in grid.heads:
        table.add_column(head, justify="right" if head in grid.numbers else "left", overflow="fold")
    for row in grid.rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    console.print()
    if grid.caption:
        console.print(Padding(Text(visible(grid.caption), style="dim"), (0, 0, 0, 2)))
    console.print(Padding(table, (0, 0, 0, 2)))
