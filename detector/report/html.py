"""The report as one self-contained page: no script, nothing loaded from anywhere, light and dark, phone and print.

Everything passes ``visible`` and the template engine's escaping, whatever the template says.
"""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from detector.events import to_iso
from detector.report.ledger import add_up
from detector.report.limits import completeness, gaps_text, limits
from detector.report.overview import (
    actors_text,
    by_actor,
    by_service,
    decisions,
    headline,
    highest,
    is_attempt,
    stage_text,
)
from detector.report.stagechart import stage_chart
from detector.report.text import visible
from detector.report.timeline import timeline
from detector.report.wording import STAGES, counted, day, moment, rung, share, size
from detector.report.writer import Writer

if TYPE_CHECKING:
    from jinja2 import Environment

    from detector.report.document import ActorRow, Report

_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_TEMPLATES = Path(__file__).parent / "templates"


def render(report: Report, *, colour: bool = False, width: int = 0) -> str:
    """The report as a page."""
    del colour, width
    ledger = add_up(report)
    is_complete, sentence = completeness(report, ledger)
    page = environment().get_template("report.html.j2")
    text = page.render(
        report=report,
        ledger=ledger,
        headline=headline(report, ledger),
        decisions=decisions(report),
        highest=highest(report.findings) if report.findings else None,
        is_complete=is_complete,
        completeness=sentence,
        limits=limits(report),
        timeline=timeline(report),
        services=by_service(report),
        actors=by_actor(report),
        actors_text=actors_text(report),
        chart=stage_chart(report),
        stages=STAGES,
        who=lambda actor: _who(actor, report),
    )
    return "\n".join(line for line in text.split("\n") if line.strip()) + "\n"


def command(path: str, offset: int) -> str:
    r"""The command that opens a line again, quoted for a POSIX shell; safe to paste whatever the path holds.

    >>> command("access.log", 120), command("a b\n", 0)
    ('shadowit explain --at access.log:120', "shadowit explain --at $'a b\\x0a:0'")
    """
    place = f"{path}:{offset}"
    if visible(place) == place:
        return f"shadowit explain --at {shlex.quote(place)}"
    quoted = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b"\\'!" else f"\\x{byte:02x}"
        for byte in place.encode(errors="surrogateescape")
    )
    return f"shadowit explain --at $'{quoted}'"


def _who(actor: ActorRow, report: Report) -> str:
    return (actor.name if report.names else "") or actor.id


@cache
def _dated(text: str) -> str:
    """A text in which no line ends within a day."""
    from markupsafe import Markup, escape  # noqa: PLC0415 - as below

    return Markup(_DAY.sub(r'<span class="d">\g<0></span>', str(escape(visible(text)))))  # noqa: S704 - escaped before


def environment() -> Environment:
    """What pages are made with: everything is escaped, and spelled out where it cannot be seen."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only pages pay for it
    from markupsafe import Markup  # noqa: PLC0415 - as above

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    environment.filters.update(
        dated=_dated,
        counted=counted,
        day=day,
        moment=moment,
        share=share,
        size=size,
        rung=rung,
        iso=to_iso,
        gaps=gaps_text,
        stage=stage_text,
    )
    environment.globals.update(command=command, is_attempt=is_attempt)
    return environment


WRITER = Writer(name="html", render=render)
