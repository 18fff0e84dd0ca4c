"""The findings as JSON lines: one finding per line, the same objects as in the JSON report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.report.json import dump, finding
from detector.report.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.report.document import Report


def render(report: Report, *, colour: bool = False, width: int = 0) -> str:
    """One line per finding; no finding gives no line, so read the ledger of the JSON report as well."""
    del colour, width
    return "".join(stream(report))


def stream(report: Report) -> Iterator[str]:
    """The same, line by line."""
    return (dump(finding(row, names=report.names), indent=False) for row in report.findings)


WRITER = Writer(name="jsonl", render=render, stream=stream)
