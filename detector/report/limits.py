"""What was not read, or not for certain: the other half of every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detector.report.series import series
from detector.report.wording import counted, duration, moment, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.report.document import Report, SourceRow
    from detector.report.ledger import Ledger


class Limit(NamedTuple):
    """One thing that a reader must know before trusting an answer.

    Attributes:
        kind: ``unread``, ``gap``, ``unparsed``, ``oversize``, ``canary``, ``copy`` or ``note``.
        place: the log or the format.
        text: what about it.
    """

    kind: str
    place: str
    text: str


def limits(report: Report, *, most_gaps: int = 0) -> tuple[Limit, ...]:
    """Everything that was not read or is not certain, the gravest kind first.

    Args:
        report: the whole result.
        most_gaps: show only so many gaps of one log and count the others; 0 shows all.
    """
    own = [source for source in report.sources if not source.copy_of]
    return (
        *(Limit("unread", source.path, source.unread) for source in report.sources if source.unread),
        *(
            Limit("canary", name, "the synthetic line of this format was not sighted: sightings may be missing")
            for name, sighted in report.canaries
            if not sighted
        ),
        *(limit for source in own for limit in _gaps(source, most_gaps)),
        *(
            Limit("gap", one.label, f"no line in any of them {gap_text(gap)}")
            for one in series(report)
            for gap in one.gaps_between
        ),
        *(Limit("unparsed", source.path, _refused(source)) for source in own if source.unparsed),
        *(
            Limit("oversize", source.path, f"{counted(source.oversize, 'line')} longer than the limit")
            for source in own
            if source.oversize
        ),
        *(
            Limit("copy", one.path, f"copy of {one.copy_of}: compared, not counted")
            for one in report.sources
            if one.copy_of
        ),
        *_notes(report),
    )


def gap_text(gap: tuple[int, int]) -> str:
    """One gap in words."""
    start, end = gap
    return f"{moment(start)} to {moment(end)} ({duration(end - start)})"


def gaps_text(gaps: Sequence[tuple[int, int]]) -> str:
    """How many gaps there are and how long they are together.

    >>> gaps_text([(0, 3_600_000_000), (7_200_000_000, 9_000_000_000)]), gaps_text([])
    ('2, 1 h 30 min', 'none')
    """
    return f"{len(gaps):,}, {duration(sum(end - start for start, end in gaps))}" if gaps else "none"


def completeness(report: Report, ledger: Ledger) -> tuple[bool, str]:
    """Whether everything was read without a gap, and a sentence that says so or says what is missing."""
    if not ledger.lines:
        return False, f"No line was read from {counted(ledger.files, 'file')}."
    failed = [name for name, sighted in report.canaries if not sighted]
    missing = [
        text
        for text, is_missing in (
            (f"{ledger.unread:,} of {counted(ledger.files, 'file')} could not be read in full", ledger.unread),
            (counted(ledger.gaps, "gap"), ledger.gaps),
            (f"{counted(ledger.unparsed, 'unparsed line')} ({share(ledger.unparsed_share)})", ledger.unparsed),
            (counted(ledger.oversize, "oversize line"), ledger.oversize),
            (f"canary not sighted: {', '.join(failed)}", failed),
        )
        if is_missing
    ]
    if missing:
        return False, f"Not complete: {'; '.join(missing)}."
    return True, "Complete: everything that was asked for was read, without gaps and unparsed lines."


def _notes(report: Report) -> Iterator[Limit]:
    """Each assumption once, with the logs that it was made for."""
    places: dict[str, list[str]] = {}
    for source in report.sources:
        for note in source.notes:
            places.setdefault(note, []).append(source.path)
    for note, paths in places.items():
        if len(paths) == 1:
            yield Limit("note", paths[0], note)
        else:
            yield Limit("note", f"{len(paths):,} logs", f"{note}; the first is {paths[0]}")


def _gaps(source: SourceRow, most: int) -> Iterator[Limit]:
    shown = source.gaps[:most] if most else source.gaps
    for gap in shown:
        yield Limit("gap", source.path, f"no line {gap_text(gap)}")
    if rest := source.gaps[len(shown) :]:
        yield Limit("gap", source.path, f"more gaps: {gaps_text(rest)} in all")


def _refused(source: SourceRow) -> str:
    looked_at = source.parsed + source.unparsed
    reasons = "; ".join(f"{reason} ({count:,})" for reason, count in source.refusals)
    text = f"{source.unparsed:,} of {counted(looked_at, 'line')} looked at ({share(source.unparsed / looked_at)})"
    return f"{text}: {reasons}" if reasons else text
