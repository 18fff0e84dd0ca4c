r"""The report as Markdown tables for a wiki or a ticket.

Every value that comes from a log stands in a code span, where nothing is a link, an image, HTML or emphasis; what could
end the span or the cell (a backtick, a bar) is spelled out as ``\x60``, ``\x7c``.

Reference: https://github.github.com/gfm/#code-spans (unverified from here)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.events import to_iso
from detector.report.ledger import add_up
from detector.report.limits import completeness, limits
from detector.report.overview import by_service, decisions, headline, stage_text
from detector.report.text import visible
from detector.report.wording import STAGES, counted, day, moment, size
from detector.report.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from detector.report.document import FindingRow, Report
    from detector.report.ledger import Ledger


def render(report: Report, *, colour: bool = False, width: int = 0) -> str:
    """The report as GitHub-flavoured Markdown."""
    del colour, width
    ledger = add_up(report)
    parts = (
        _answer(report, ledger),
        _findings(report),
        _evidence(report),
        _read(report, ledger),
        _limits(report),
        _words(report),
    )
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"


def literal(text: str) -> str:
    r"""The text as a code span that fits into a table cell; empty for an empty text.

    >>> literal("a|b`c")
    '`a\\x7cb\\x60c`'
    """
    return f"`{visible(text).replace('|', chr(92) + 'x7c').replace('`', chr(92) + 'x60')}`" if text else ""


def prose(text: str) -> str:
    r"""The text as plain words: every character that Markdown could take for its own is escaped.

    >>> prose("see [a](http://b) <i>")
    'see \\[a\\](http\\://b) \\<i\\>'
    """
    return _special.sub(r"\\\g<0>", visible(text))


_special = re.compile(r"[\\`*_{}\[\]#+!|<>~&@^$]|:(?=[^\s\d])|(?<=www)\.", re.IGNORECASE)


def _answer(report: Report, ledger: Ledger) -> Iterator[str]:
    yield "# Shadow IT audit"
    yield ""
    yield f"**{headline(report, ledger)}** {prose(completeness(report, ledger)[1])}"
    if said := decisions(report):
        yield f"{prose(said)} Policy {literal(report.policy)}."


def _findings(report: Report) -> Iterator[str]:
    if not report.findings:
        return
    yield "## Findings"
    heads = ("Service", "Who", "Stage", "Verdict", "First seen", "Last seen")
    numbers = ("Days", "Sightings", "Denied", "Bytes sent")
    yield from _table(heads, (_row(finding, report) for finding in report.findings), numbers)


def _row(finding: FindingRow, report: Report) -> tuple[str, ...]:
    return (
        literal(finding.service),
        _who(finding, report),
        prose(stage_text(finding)),
        prose(finding.verdict),
        day(finding.first_seen),
        day(finding.last_seen),
        f"{finding.days:,}",
        f"{finding.sightings:,}",
        f"{finding.denied:,}",
        f"{finding.bytes_sent:,}",
    )


def _evidence(report: Report) -> Iterator[str]:
    rows = [
        (
            literal(finding.service),
            _who(finding, report),
            prose(proof.stage),
            moment(proof.at),
            literal(f"{proof.path}:{proof.offset}"),
            f"{proof.length:,}",
            literal(proof.sha256),
            literal(proof.indicator),
        )
        for group in by_service(report)
        for finding in group.findings
        for proof in finding.evidence
    ]
    if rows:
        yield "## Evidence"
        yield ""
        yield "Open a line again with `shadowit explain --at PATH:OFFSET`; the digest is SHA-256 of the raw line."
        heads = ("Service", "Who", "Stage", "Time (UTC)", "Path and offset", "Bytes", "SHA-256", "Indicator")
        yield from _table(heads, rows)


def _read(report: Report, ledger: Ledger) -> Iterator[str]:
    yield "## What was read"
    yield ""
    window = f"{_iso(report.since) or 'the beginning'} to {_iso(report.until) or 'the end'}"
    yield f"{counted(ledger.files, 'file')}, {counted(ledger.lines, 'line')}, {size(ledger.bytes)}."
    yield f"Asked for: {window}. {counted(report.services, 'service')}, signatures {literal(report.ruleset)},"
    yield f"program version {literal(report.version)}."
    heads = ("Log", "Format", "First event", "Last event")
    numbers = ("Lines", "Candidates", "Unparsed", "Gaps")
    rows = (
        (
            literal(source.path),
            literal(source.format),
            moment(source.first_event),
            moment(source.last_event),
            f"{source.lines:,}",
            f"{source.candidates:,}",
            f"{source.unparsed:,}",
            f"{len(source.gaps):,}",
        )
        for source in report.sources
    )
    yield from _table(heads, rows, numbers)


def _limits(report: Report) -> Iterator[str]:
    rows = [(limit.kind, literal(limit.place), prose(limit.text)) for limit in limits(report)]
    if rows:
        yield "## What was not read"
        yield from _table(("Kind", "Log", "What"), rows)


def _words(report: Report) -> Iterator[str]:
    seen = {stage for finding in report.findings for stage, *_ in finding.stages}
    if seen:
        yield "## Stages"
        rows = ((stage, words.proves, words.not_proven) for stage, words in STAGES.items() if stage in seen)
        yield from _table(("Stage", "Proves", "Leaves open"), ((prose(stage), *rest) for stage, *rest in rows))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join((*heads, *numbers))} |"
    yield f"|{' --- |' * len(heads)}{' ---: |' * len(numbers)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _who(finding: FindingRow, report: Report) -> str:
    return literal((finding.actor.name if report.names else "") or finding.actor.id)


def _iso(instant: int | None) -> str:
    return "" if instant is None else to_iso(instant)


WRITER = Writer(name="md", render=render)
