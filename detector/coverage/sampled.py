"""What the sampled lines of a source say about it, day by day: what is kept of them when the logs are gone.

No user names are kept: those who did nothing that is looked for leave no trace.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from detector.coverage.sources import NEEDED
from detector.scan import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detector.coverage.sources import Window
    from detector.events import Kind

DAY = 86_400_000_000
"""Microseconds in a day."""


class Sampled(NamedTuple):
    """The sample of one source, format and day, of logs that watch the same kinds.

    Attributes:
        source: the source's name.
        dataset: the format's name.
        day: whole days since the epoch, UTC: of the first line of what was read at once.
        sample: without user names; its kinds are those of the logs, as far as they were read.
        files: logs that begin with it.
        late: of the source's logs, those that were finished long after their last event.
        ahead: those that hold events from after they were last written.
        notes: assumptions that a reader must know.
    """

    source: str
    dataset: str
    day: int
    sample: Sample
    files: int = 0
    late: int = 0
    ahead: int = 0
    notes: tuple[str, ...] = ()

    def __add__(self, other: object) -> Sampled:
        """Both together, of the day of the first."""
        if not isinstance(other, Sampled):
            return NotImplemented
        return self._replace(
            sample=self.sample + other.sample,
            files=self.files + other.files,
            late=self.late + other.late,
            ahead=self.ahead + other.ahead,
            notes=tuple(dict.fromkeys((*self.notes, *other.notes))),
        )

    @property
    def unnamed(self) -> Sampled:
        """The same without user names."""
        return self._replace(sample=replace(self.sample, accounts=frozenset()))


def kinds_of(seen: frozenset[Kind], kind: Kind | None) -> tuple[Kind, ...]:
    """What a log watches, of the kinds that can show a service: by its sampled lines, else by its format.

    Args:
        seen: what its sampled lines watch.
        kind: of its format, ``None`` where nobody knows.

    >>> from detector.events import Kind
    >>> kinds_of(frozenset({Kind.DNS, Kind.LEASE}), Kind.LEASE), kinds_of(frozenset(), Kind.MAIL)
    ((<Kind.DNS: 'dns'>,), (<Kind.MAIL: 'mail'>,))
    """
    known = tuple(sorted(seen & NEEDED.keys()))
    return known or ((kind,) if kind is not None and kind in NEEDED else ())


def within(rows: Iterable[Sampled], window: Window) -> Sequence[Sampled]:
    """The samples of a window, and the last before it, whose lines may reach into it; all of them where there is none.

    What a device wrote last year proves nothing about this one.
    """
    ordered = sorted(rows, key=lambda one: one.day)
    inside = [one for one in ordered if window.since // DAY <= one.day <= (window.until - 1) // DAY]
    before = [one for one in ordered if one.day < window.since // DAY]
    near = [one for one in before if one.day == before[-1].day]
    return [*near, *inside] or ordered
