"""What an audit read, as the ledger that answers stand on: by configured source, else by folder and format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detector.audit.plan import sealed_at
from detector.coverage import Hour, Ledger, Source, Unread, Window, hours_of, kinds_of, merged, window_of
from detector.errors import UnreadableSource
from detector.match import ActorKind
from detector.scan import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from detector.audit.plan import Input
    from detector.coverage import Coverage
    from detector.events import Dialect, Kind
    from detector.findings import Attributed
    from detector.identity import People
    from detector.sources import Segment

LATE_US = 7 * 86_400_000_000
"""A log that was finished so long after its last event was written late, or lost its end."""
AHEAD_US = 5 * 60_000_000
"""Events so much later than a log's last change come from a clock that is wrong."""


@dataclass(slots=True)
class _Gathered:
    """The logs of one source and kind."""

    silence_s: int = 86_400
    hours: list[Hour] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    formats: set[str] = field(default_factory=set)
    files: int = 0
    sample: Sample = field(default_factory=Sample)
    late: int = 0
    ahead: int = 0
    notes: dict[str, None] = field(default_factory=dict)
    is_declared: bool = False


def ledger_of(
    inputs: Sequence[Input],
    coverage: Sequence[Coverage],
    canaries: Iterable[tuple[str, bool]],
    window: Window | None = None,
) -> Ledger | None:
    """The ledger of an audit, ``None`` where no window was asked for and no line carries a time.

    Args:
        inputs: the planned logs.
        coverage: (n,) of each of them.
        canaries: (format, whether its synthetic line was sighted).
        window: that is asked about; ``None``: from the first to the last hour that was read.
    """
    gathered: dict[tuple[Kind, str], _Gathered] = {}
    sighted, stray = dict(canaries), list[Unread]()
    for one, read in zip(inputs, coverage, strict=True):
        kinds = kinds_of(read.sample.kinds, one.log_format.kind if one.log_format else None)
        if not kinds:
            if one.unread:
                stray.append(Unread(name_of(one), one.segment.name, None, None, one.unread))
            continue
        for kind in kinds:
            _gather(gathered.setdefault((kind, name_of(one)), _Gathered()), one, read, kind)
    stray = [gap for gap in stray if not _is_placed(gap, gathered)]
    sources = tuple(_source(kind, name, gathered[kind, name], sighted) for kind, name in sorted(gathered))
    window = window or window_of(sources)
    return None if window is None else Ledger(window, sources, tuple(stray))


def name_of(one: Input) -> str:
    """The configured source of a log, else its folder and format."""
    folder = one.segment.name.rpartition("/")[0] or "."
    return one.source or f"{folder}/ {one.log_format.name if one.log_format else 'unknown format'}"


def _gather(into: _Gathered, one: Input, read: Coverage, kind: Kind) -> None:
    into.files += 1
    into.silence_s, into.is_declared = one.gap_s, bool(one.source)
    into.formats.add(one.log_format.name if one.log_format else "")
    into.notes |= dict.fromkeys(one.notes)
    into.unread += _unread(one, read)
    if one.copy_of:
        return
    into.hours += hours_of(name_of(one), kind, read.spans.parts, read.counts)
    into.sample += read.sample
    into.late += is_late(one.segment, read.spans.last)
    into.ahead += is_ahead(one.dialect, read.spans.last)


def _is_placed(gap: Unread, gathered: Mapping[tuple[Kind, str], _Gathered]) -> bool:
    """Whether what could not be read is of a source that other logs are of too; then it lacks there."""
    same = [one for (_, name), one in gathered.items() if name == gap.source]
    for one in same:
        one.unread.append(gap)
    return bool(same)


def _unread(one: Input, read: Coverage) -> Iterator[Unread]:
    """What is missing of a log; of one that breaks off, everything behind its last line."""
    if one.unread:
        yield Unread(name_of(one), one.segment.name, None, None, one.unread)
    for gap in read.gaps:
        yield Unread(name_of(one), one.segment.name, read.spans.last, None, f"from byte {gap.start}: {gap.reason}")


def is_late(segment: Segment, last: int | None) -> bool:
    """Whether a log was finished long after its last event."""
    try:
        sealed = sealed_at(segment)
    except (UnreadableSource, OSError):
        return False  # it was read a moment ago: what it says of itself is gone, what it held is not
    return sealed is not None and last is not None and sealed - last > LATE_US


def is_ahead(dialect: Dialect, last: int | None) -> bool:
    """Whether a log holds an event from after it was last written."""
    return last is not None and dialect.written_until is not None and last - dialect.written_until > AHEAD_US


def _source(kind: Kind, name: str, gathered: _Gathered, sighted: Mapping[str, bool]) -> Source:
    return Source(
        name=name,
        kind=kind,
        hours=tuple(merged(gathered.hours)),
        silence_s=gathered.silence_s,
        fields=gathered.sample.columns,
        sighted=all(sighted.get(one, True) for one in gathered.formats),
        unread=tuple(gathered.unread),
        formats=tuple(sorted(gathered.formats - {""})),
        files=gathered.files,
        sample=gathered.sample,
        late=gathered.late,
        ahead=gathered.ahead,
        notes=tuple(gathered.notes),
        is_declared=gathered.is_declared,
    )


def with_roster(ledger: Ledger, people: People, sightings: Iterable[Attributed]) -> Ledger:
    """The ledger with how many people of the directory were there, and how many of them the logs show.

    Args:
        ledger: without people.
        people: the directory.
        sightings: whose actors were seen in any case.
    """
    since, until = ledger.window
    roster = people.present(since, until)
    acting = {one.actor.name for one in sightings if one.actor.kind is ActorKind.PERSON}
    seen = people.seen(ledger.sample.accounts, (), since, until) | acting
    return ledger._replace(people=len(roster), seen=len(seen & roster))
