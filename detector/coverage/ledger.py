"""The ledger: everything that a negative answer stands on, of all sources and one window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.coverage.hours import HOUR, merged
from detector.coverage.sources import Source, Window
from detector.events import Kind
from detector.scan import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from detector.coverage.hours import Hour, Unread


@dataclass(frozen=True, slots=True)
class Ledger:
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


def ledger_of_hours(
    window: Window,
    hours: Iterable[Hour],
    gaps: Iterable[Unread],
    sources: Mapping[str, tuple[Kind, int]],
    sighted: Mapping[str, bool],
) -> Ledger:
    """A ledger of what a store kept.

    Args:
        window: that is asked about.
        hours: in which lines were read, also some outside of the window: a silence is judged by its two ends.
        gaps: what could not be read.
        sources: name → (kind, seconds of silence that are usual) of every source that should have been read.
        sighted: name → whether a synthetic line of its format is sighted.
    """
    found: dict[tuple[Kind, str], list[Hour]] = {(kind, name): [] for name, (kind, _) in sources.items()}
    for one in merged(hours):
        found.setdefault((one.kind, one.source), []).append(one)
    kept = list(gaps)
    rows = [
        Source(
            name,
            kind,
            tuple(rows),
            sources[name][1] if name in sources else 86_400,
            sighted=sighted.get(name, True),
            unread=tuple(gap for gap in kept if gap.source == name and _touches(gap, window)),
            is_declared=name in sources,
        )
        for (kind, name), rows in sorted(found.items())
    ]
    names = {name for _, name in found}
    return Ledger(window, tuple(rows), tuple(gap for gap in kept if gap.source not in names and _touches(gap, window)))


def window_of(sources: Iterable[Source]) -> Window | None:
    """From the first to the last hour of which lines were read, ``None`` when there is none."""
    hours = [one.hour for source in sources for one in source.hours]
    return Window(min(hours) * HOUR, (max(hours) + 1) * HOUR) if hours else None


def _touches(gap: Unread, window: Window) -> bool:
    """Whether a gap may lie in a window."""
    return (gap.since is None or gap.since < window.until) and (gap.until is None or gap.until >= window.since)
