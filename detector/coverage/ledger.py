"""The ledger: everything that a negative answer stands on, of all sources and one window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from detector.coverage.hours import HOUR, Unread, merged
from detector.coverage.sampled import Sampled, kinds_of, within
from detector.coverage.sources import NEEDED, Source, Window
from detector.events import Kind
from detector.scan import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from detector.coverage.hours import Hour


class Ledger(NamedTuple):
    """What was read, and what was not.

    Attributes:
        window: that is asked about.
        sources: every source that was asked for, sorted by (kind, name); one without a line is in it too.
        stray: what was named and could not be read, and belongs to no source.
        people: in the directory, ``None`` where there is none.
        seen: of those, whose account stands in the sampled lines or in a sighting: a lower bound.
    """

    window: Window
    sources: tuple[Source, ...] = ()
    stray: tuple[Unread, ...] = ()
    people: int | None = None
    seen: int = 0

    def of(self, kind: Kind) -> tuple[Source, ...]:
        """The sources of a kind."""
        return tuple(source for source in self.sources if source.kind is kind)

    def share(self, kind: Kind) -> float:
        """The share (0 to 1) of the window's hours that a kind covers: of its least covered part; 0 without any."""
        return min((share for _, share in self.shares(kind)), default=0.0)

    def shares(self, kind: Kind) -> Iterator[tuple[str, float]]:
        """(name, share of the window's hours) of each source that a configuration declares, and of all others at once.

        A use in the hole of one device is not seen by another: a declared source has to cover the window by itself.
        Of logs that were named one by one nobody said that each should reach over the window: they count together,
        under an empty name. A source that could not show a service covers nothing.
        """
        hours, together, is_together = len(self.window.hours), set[int](), False
        for source in self.of(kind):
            covered = source.covered(self.window) if source.can_show else set[int]()
            if source.is_declared:
                yield source.name, len(covered) / hours
            else:
                is_together = True
                together |= covered
        if is_together:
            yield "", len(together) / hours

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that were read."""
        return tuple(dict.fromkeys(source.kind for source in self.sources))

    @property
    def unread(self) -> tuple[Unread, ...]:
        """Everything that could not be read."""
        return (*self.stray, *(gap for source in self.sources for gap in source.unread))

    @property
    def unplaced(self) -> tuple[Unread, ...]:
        """What could not be read and may lie in the window, and nobody knows of which time it was."""
        gaps = (*self.stray, *(gap for source in self.sources for gap in source.unplaced))
        return tuple(gap for gap in gaps if _touches(gap, self.window))

    @property
    def sample(self) -> Sample:
        """What the sampled lines of all sources say."""
        total = Sample()
        for source in self.sources:
            total += source.sample
        return total


@dataclass(frozen=True, slots=True)
class Kept:
    """What a store has kept of what was read, and what it should have read.

    Attributes:
        hours: in which lines were read, also some outside of the window: a silence is judged by its two ends.
        gaps: what could not be read.
        samples: of the lines.
        declared: name → (kind, seconds of silence that are usual) of every source that should have been read; the kind
            is ``None`` where nobody says what its logs are.
        kinds: format → what it watches.
        sighted: format → whether a synthetic line of it is sighted.
    """

    hours: Sequence[Hour]
    gaps: Sequence[Unread] = ()
    samples: Sequence[Sampled] = ()
    declared: Mapping[str, tuple[Kind | None, int]] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    sighted: Mapping[str, bool] = field(default_factory=dict)

    def source(self, kind: Kind, name: str, window: Window) -> Source:
        """One source of one kind, as evidence."""
        samples = [one for one in self.samples if one.source == name and kind in self.kinds_of(one)]
        total = sum(within(samples, window), Sampled(name, "", 0, Sample()))
        formats = tuple(sorted({one.dataset for one in samples}))
        return Source(
            name=name,
            kind=kind,
            hours=tuple(merged(one for one in self.hours if one.source == name and one.kind is kind)),
            silence_s=self.declared[name][1] if name in self.declared else 86_400,
            fields=total.sample.columns if samples else None,
            sighted=all(self.sighted.get(one, True) for one in formats),
            unread=tuple(gap for gap in self.gaps if gap.source == name and _touches(gap, window)),
            formats=formats,
            files=total.files,
            sample=total.sample,
            late=total.late,
            ahead=min(total.ahead, total.files),
            notes=total.notes,
            is_declared=name in self.declared,
        )

    def kinds_of(self, one: Sampled) -> tuple[Kind, ...]:
        """What a sample's lines watch."""
        return kinds_of(one.sample.kinds, self.kinds.get(one.dataset))


def ledger_of_hours(window: Window, kept: Kept) -> Ledger:
    """A ledger of what a store kept, as an audit of the same logs would give it; but for people: see ``Sampled``."""
    found = {(one.kind, one.source) for one in kept.hours if one.kind in NEEDED}
    found |= {(kind, one.source) for one in kept.samples for kind in kept.kinds_of(one)}
    known = {name for _, name in found}
    for name, (kind, _) in kept.declared.items():
        if kind is not None and kind in NEEDED and name not in known:
            found.add((kind, name))
    names = {name for _, name in found}
    stray = [gap for gap in kept.gaps if gap.source not in names and _touches(gap, window)]
    told = {one.source for one in kept.hours} | {one.source for one in kept.samples} | {one.source for one in kept.gaps}
    for name, (kind, _) in kept.declared.items():
        if kind is None and name not in told:
            stray.append(Unread(name, name, None, None, "no hour of it was ever read"))
    return Ledger(window, tuple(kept.source(kind, name, window) for kind, name in sorted(found)), tuple(stray))


def window_of(sources: Iterable[Source]) -> Window | None:
    """From the first to the last hour of which lines were read, ``None`` when there is none."""
    hours = [one.hour for source in sources for one in source.hours]
    return Window(min(hours) * HOUR, (max(hours) + 1) * HOUR) if hours else None


def _touches(gap: Unread, window: Window) -> bool:
    """Whether a gap may lie in a window."""
    return (gap.since is None or gap.since < window.until) and (gap.until is None or gap.until >= window.since)
