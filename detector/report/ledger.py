"""What was read, added up over all logs: the figures that stand beside every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detector.report.series import series

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.report.document import Report


class Ledger(NamedTuple):
    """Sums over the logs of a report; a copy of another log counts as a file, but its content is not added.

    Attributes:
        files: logs that were asked for.
        unread: logs of which something could not be read.
        copies: logs that are copies of another one.
        bytes: read, decompressed.
        lines: newlines read, and unterminated last lines.
        candidates: lines that could hold a sighting.
        parsed: lines that were looked at and read.
        filtered: lines that were not looked at, or are no event.
        unparsed: lines that were looked at and refused.
        oversize: lines longer than the limit.
        sightings: of all findings.
        gaps: stretches of silence inside logs and between the logs of one series.
        first_event: earliest instant of all logs, ``None`` when none carries a time.
        last_event: latest instant of all logs.
    """

    files: int
    unread: int
    copies: int
    bytes: int
    lines: int
    candidates: int
    parsed: int
    filtered: int
    unparsed: int
    oversize: int
    sightings: int
    gaps: int
    first_event: int | None
    last_event: int | None

    @property
    def unparsed_share(self) -> float:
        """Refused lines per line that was looked at, 0 when none was."""
        looked_at = self.parsed + self.unparsed
        return self.unparsed / looked_at if looked_at else 0.0


def add_up(report: Report) -> Ledger:
    """The sums over the logs of a report."""
    own = [source for source in report.sources if not source.copy_of]
    return Ledger(
        files=len(report.sources),
        unread=report.unread_files,
        copies=len(report.sources) - len(own),
        bytes=sum(source.bytes for source in own),
        lines=sum(source.lines for source in own),
        candidates=sum(source.candidates for source in own),
        parsed=sum(source.parsed for source in own),
        filtered=sum(source.filtered for source in own),
        unparsed=sum(source.unparsed for source in own),
        oversize=sum(source.oversize for source in own),
        sightings=sum(finding.sightings for finding in report.findings),
        gaps=sum(len(source.gaps) for source in own) + sum(len(one.gaps_between) for one in series(report)),
        first_event=earliest(source.first_event for source in own),
        last_event=latest(source.last_event for source in own),
    )


def earliest(instants: Iterable[int | None]) -> int | None:
    """The earliest of the known instants, ``None`` when none is known."""
    return min((instant for instant in instants if instant is not None), default=None)


def latest(instants: Iterable[int | None]) -> int | None:
    """The latest of the known instants, ``None`` when none is known."""
    return max((instant for instant in instants if instant is not None), default=None)
