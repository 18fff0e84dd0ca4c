"""Transactions that span lines, across readings: open ones are kept until they end, their earlier lines are looked for.

A transaction is told of when a line ends it. One that nobody ends is told of when no line of it came for ``SETTLE_US``,
as far as lines say what became of the mail; what may still change (nobody has delivered it yet) when it was left alone
for ``REST_US``. A line that comes later still finds the others.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from detector.coverage import Unread
from detector.events import MICROSECONDS, Col

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from detector.audit.sighter import Sighter
    from detector.daemon.increments import Part
    from detector.events import LogFormat
    from detector.match import SightingBatch
    from detector.scan import Fragment
    from detector.sources import Log, Segment, StreamState
    from detector.store import Batch

SETTLE_US = 10 * MICROSECONDS
"""Lines of one transaction follow each other within this time, but for tries that failed."""
REST_US = 2 * 3600 * MICROSECONDS
"""Mail servers try again within this time."""
EXPIRY_US = 5 * 86_400 * MICROSECONDS
"""Mail servers give up after this time; so do we."""
OPEN_LIMIT = 50_000
"""Transactions that may be open at once; the oldest are given up, and that is said."""
LOOK_BACK_BYTES = 16 * 1024 * 1024
"""How far before a line that opens a transaction its earlier lines are looked for."""
LOOK_BACK_LOGS = 10
"""In so many logs that were rotated before."""
_TURNS = (SETTLE_US, REST_US)
_ID_ALONE = frozenset({Col.TRANSACTION, Col.AT})


class Joined(NamedTuple):
    """What some lines did to the transactions of a format.

    Attributes:
        batches: sightings of what can be told.
        kept: lines to be kept, of transactions that are still open.
        ended: transactions whose lines can be dropped.
        dropped: transactions that were given up unfinished, for there are too many.
    """

    batches: tuple[SightingBatch, ...] = ()
    kept: tuple[Fragment, ...] = ()
    ended: frozenset[str] = frozenset()
    dropped: int = 0


@dataclass(slots=True)
class Transactions:
    """Open transactions of one source and format.

    Attributes:
        log_format: what its lines are.
        open: their lines by key, oldest first.
        touched: when a line of each was last read, microseconds since the epoch.
        told: how long those that were told of had been left alone then.
        order: a number that grows from reading to reading: the order in which lines were written.
    """

    log_format: LogFormat
    open: dict[str, list[Fragment]] = field(default_factory=dict)
    touched: dict[str, int] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    order: int = 0

    def restore(self, fragments: Iterable[Fragment]) -> None:
        """Take up lines that were kept before."""
        for one in sorted(fragments, key=lambda one: (one.order, one.path, one.offset)):
            self.open.setdefault(one.key, []).append(one)
            self.touched[one.key] = self.order = max(self.order, one.order)

    def take(self, part: Part, sighter: Sighter, before: Sequence[Segment], now: int) -> Joined:
        """Read some lines; nothing changes until ``commit``.

        Args:
            part: the lines.
            sighter: looks for keys and judges events.
            before: ranges that were written before them, oldest first, for the earlier lines of new transactions.
            now: the present.
        """
        new = part.result.keys - self.open.keys()
        wanted = new | self.open.keys()
        if not wanted:
            return Joined()
        order = max(now, self.order + 10)
        dialect = part.result.entered
        found: list[Fragment] = []
        if new:
            for index, segment in enumerate(before):
                found += sighter.gather(segment, self.log_format, dialect, new, order - len(before) + index)
        found += sighter.gather(part.segment, self.log_format, dialect, wanted, order)
        last = {one.key: one for one in found}
        whole = [one for key in last for one in self.open.get(key, ())] + found
        ended = frozenset(key for key, one in last.items() if _ends(one))
        batches = tuple(self._told(sighter, [one for one in whole if one.key in ended], ended))
        return Joined(batches, tuple(one for one in found if one.key not in ended), ended)

    def rested(self, sighter: Sighter, now: int, newest: int | None) -> Joined:
        """Tell of transactions that were left alone, and end those that nobody expects to go on.

        Args:
            sighter: judges events.
            now: the present.
            newest: of the instants in the log; an old log is read faster than it was written.
        """
        ages = {key: max(now - at, (newest or 0) - self._last_at(key)) for key, at in self.touched.items()}
        due = {key for key, age in ages.items() if any(self.told.get(key, 0) < one <= age for one in _TURNS)}
        expired = {key for key, age in ages.items() if age >= EXPIRY_US}
        oldest = sorted(ages.keys() - expired, key=lambda key: -ages[key])
        given_up = oldest[: max(len(oldest) - OPEN_LIMIT, 0)]
        resting = frozenset(key for key in due if ages[key] >= REST_US)
        batches = tuple(self._told(sighter, [one for key in due for one in self.open[key]], resting))
        self.told |= {key: ages[key] for key in due}
        return Joined(batches, (), frozenset(expired.union(given_up)), len(given_up))

    def settled(self, sighter: Sighter, more: Sequence[Fragment]) -> tuple[SightingBatch, ...]:
        """Tell of everything that is open, with some more of its lines: nothing else will come."""
        lines = [one for some in self.open.values() for one in some]
        return tuple(self._told(sighter, [*lines, *more], frozenset(self.open)))

    def commit(self, joined: Joined) -> None:
        """What was read is kept."""
        for one in joined.kept:
            self.open.setdefault(one.key, []).append(one)
            self.touched[one.key] = self.order = max(self.order, one.order)
            self.told.pop(one.key, None)
        for key in joined.ended:
            self.open.pop(key, None)
            self.touched.pop(key, None)
            self.told.pop(key, None)

    def _last_at(self, key: str) -> int:
        instants = [at for one in self.open[key] if isinstance(at := one.row.get(Col.AT), int)]
        return max(instants, default=1 << 62)

    def _told(self, sighter: Sighter, lines: Sequence[Fragment], settled: frozenset[str]) -> Iterator[SightingBatch]:
        keys = {(one.stream, one.offset): one.key for one in lines}
        for event, batch in sighter.joined(self.log_format, lines):
            key = keys[batch.stream, event.offsets[0]]
            says_what_became = event.column(Col.ACTION)[0] is not None
            if batch.rows and (says_what_became or key in settled):
                yield batch


def _ends(line: Fragment) -> bool:
    """Whether a line ends its transaction; those that stand alone have no other."""
    return ": " in line.key or line.row.keys() <= _ID_ALONE


def dataset_of(source: str, log_format: LogFormat) -> str:
    """Under which the lines of a source's open transactions are kept: two servers may use one id."""
    return f"{log_format.name} {source}"


def keep_lines(batch: Batch, source: str, log_format: LogFormat, joined: Joined, now: int) -> None:
    """Keep the lines of open transactions, drop those of ended ones."""
    if joined.ended:
        batch.forget_fragments(dataset_of(source, log_format), joined.ended)
    if joined.kept:
        batch.keep_fragments(dataset_of(source, log_format), joined.kept, now + EXPIRY_US)
    if joined.dropped:
        reason = f"{joined.dropped} transactions were given up unfinished: too many were open"
        batch.gap(Unread(source, f"{log_format.name} transactions", None, now, reason))


def ranges_before(
    part: Part, log: Log, older: Sequence[tuple[Log, StreamState]]
) -> list[AbstractContextManager[Segment]]:
    """The ranges that were written before a part, oldest first, up to ``LOOK_BACK_BYTES``.

    Args:
        part: some lines of a stream.
        log: the stream's file.
        older: the files that were rotated before it, oldest first, and how far they were read.
    """
    start, left = part.segment.start, LOOK_BACK_BYTES
    found: list[AbstractContextManager[Segment]] = []
    if start:
        found.append(range_of(log, part.state.id, max(start - left, 0), start))
        left -= start
    for other, state in older[::-1][:LOOK_BACK_LOGS]:
        if left > 0 and state.offset:
            found.append(range_of(other, state.id, max(state.offset - left, 0), state.offset))
            left -= state.offset
    return found[::-1]


@contextmanager
def range_of(log: Log, stream: str, start: int, stop: int) -> Iterator[Segment]:
    """A range of a stream, readable."""
    with log.segment() as whole:
        yield whole._replace(stream=stream, start=start, stop=stop)
