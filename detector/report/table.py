"""The report for people at a terminal: the findings, then the honest foot: what was read and what was not."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from detector.report.ledger import add_up
from detector.report.limits import completeness, limits
from detector.report.overview import by_service, decisions, headline, stage_text
from detector.report.text import visible
from detector.report.wording import counted, day, moment, rung, size
from detector.report.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from detector.report.document import FindingRow, Report
    from detector.report.ledger import Ledger
    from detector.report.overview import Group

_NARROWEST = 64
_WIDE = 104
"""From this width on every column has its place, and columns stand two blanks apart."""

_HEADS = ("stage", "first seen", "last seen", "days", "sightings", "denied", "sent", "verdict")
_JUDGED = ("days", "denied", "sent")
"""What gives way to the verdict of a policy where there is no room for everything."""
_NUMBERS = frozenset({"days", "sightings", "denied", "sent"})
_WIDEST_CELL = 18

_STYLES = ("", "", "", "yellow", "yellow", "bold red", "bold red")
"""Colour by rung; the stage is always written out beside it."""

_MOST_GAPS = 5
_TITLES = {
    "unread": "not read",
    "canary": "canary failed",
    "gap": "gap",
    "unparsed": "unparsed",
    "oversize": "oversize",
    "copy": "copy",
    "note": "note",
}


def render(report: Report, *, colour: bool = False, width: int = 80) -> str:
    """The report as lines of at most so many columns (at least 64)."""
    from rich.console import Console  # noqa: PLC0415 - machine formats must not pay for it

    out = io.StringIO()
    console = Console(
        file=out,
        width=max(width, _NARROWEST),
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    ledger = add_up(report)
    console.print(headline(report, ledger), style="bold")
    if said := decisions(report):
        console.print(visible(said))
    if report.findings:
        _print_findings(console, report)
    _print_read(console, report, ledger)
    _print_limits(console, report, ledger)
    return "\n".join(line.rstrip(" ") for line in out.getvalue().split("\n"))


def _print_findings(console: Console, report: Report) -> None:
    without = () if console.width >= _WIDE else _JUDGED if report.policy else ("verdict",)
    places = [place for place, head in enumerate(_HEADS) if head not in without]
    heads = [_HEADS[place] for place in places]
    rows = [[cells[place] for place in places] for cells in map(_cells, report.findings)]
    widths = [min(max(len(cell) for cell in column), _WIDEST_CELL) for column in zip(heads, *rows, strict=True)]
    between = "  " if console.width >= _WIDE else " "
    room = console.width - sum(widths) - len(between) * len(widths)

    def line(who: str, cells: Sequence[str]) -> str:
        padded = (_padded(*cell) for cell in zip(cells, widths, heads, strict=True))
        return between.join((_fitted(who, room), *padded))

    console.print()
    _print_line(console, line("service and who", heads), "dim")
    by_finding = dict(zip(map(id, report.findings), rows, strict=True))
    for group in by_service(report):
        _print_line(console, _fitted(_service(group), console.width).rstrip(), "bold")
        for finding in group.findings:
            _print_line(
                console, line(f"  {_who(finding, report)}", by_finding[id(finding)]), _STYLES[rung(finding.stage)]
            )
    if any(finding.confidence == "probable" for finding in report.findings):
        _print_line(console, "~ probable: the content was hidden, only sizes or counts speak", "dim")


def _print_read(console: Console, report: Report, ledger: Ledger) -> None:
    console.print()
    console.print("Read", style="bold")
    copies = f" ({counted(ledger.copies, 'copy', 'copies')}, not counted twice)" if ledger.copies else ""
    console.print(f"  {counted(ledger.files, 'file')}{copies}, {counted(ledger.lines, 'line')}, {size(ledger.bytes)}")
    if ledger.first_event is not None:
        console.print(f"  events from {moment(ledger.first_event)} to {moment(ledger.last_event)} UTC")
    if report.since is not None or report.until is not None:
        start = "the beginning" if report.since is None else f"{moment(report.since)} UTC"
        end = "the end" if report.until is None else f"{moment(report.until)} UTC"
        console.print(f"  asked for: from {start} to {end}")
    console.print(f"  {counted(report.services, 'service')} looked for, signatures {visible(report.ruleset)[:12]}")
    sighted = [visible(name) for name, was_sighted in report.canaries if was_sighted]
    if sighted:
        console.print(f"  canary sighted: {', '.join(sighted)}")


def _print_limits(console: Console, report: Report, ledger: Ledger) -> None:
    from rich.padding import Padding  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    is_complete, sentence = completeness(report, ledger)
    console.print()
    console.print("Not read", style="bold")
    console.print(Padding(Text(visible(sentence), style="" if is_complete else "bold yellow"), (0, 0, 0, 2)))
    grid = Table.grid(padding=(0, 1), expand=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for limit in limits(report, most_gaps=_MOST_GAPS):
        grid.add_row(f"  {_TITLES[limit.kind]}", f"{visible(limit.place)}: {visible(limit.text)}")
    if grid.row_count:
        console.print(grid)


def _print_line(console: Console, text: str, style: str) -> None:
    console.print(text, style=style, no_wrap=True, crop=False, overflow="ignore")


def _service(group: Group) -> str:
    first = group.findings[0]
    name = visible(first.service_name)
    title = f"{name} ({visible(first.service)})" if name else visible(first.service)
    return " · ".join(part for part in (title, visible(first.category)) if part)


def _who(finding: FindingRow, report: Report) -> str:
    actor = finding.actor
    return visible((actor.name if report.names else "") or actor.id)


def _cells(finding: FindingRow) -> tuple[str, ...]:
    return (
        visible(f"~{finding.stage}" if stage_text(finding) != finding.stage else finding.stage),
        day(finding.first_seen),
        day(finding.last_seen),
        f"{finding.days:,}",
        f"{finding.sightings:,}",
        f"{finding.denied:,}",
        size(finding.bytes_sent),
        visible(finding.verdict),
    )


def _padded(text: str, width: int, head: str) -> str:
    return text.rjust(width) if head in _NUMBERS else _fitted(text, width)


def _fitted(text: str, width: int) -> str:
    """The text in exactly so many terminal cells, cut visibly."""
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - as above

    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…"


WRITER = Writer(name="table", render=render)
