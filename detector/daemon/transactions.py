"""Transactions that span lines, across readings: open ones are kept until they end, their earlier lines are looked for.

A line that says what became of a mail tells of it at once. What may still change (nobody has delivered it yet) is told
when the transaction has ended, or was left alone for ``REST_US``; a line that comes later still finds the others.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
    from detector.sources import Binding, Log, Segment
    from detector.store import Batch

REST_US = 2 * 3600 * MICROSECONDS
"""Mail servers try again within this time."""
EXPIRY_US = 5 * 86_400 * MICROSECONDS
"""Mail servers give up after this time; so do we."""
OPEN_LIMIT = 50_000
"""Transactions that may be open at once; the oldest are given up, and that is said."""
LOOK_BACK_BYTES = 16 * 1024 * 1024
"""How far before a line that opens a transaction its earlier lines are looked for."""
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
        told: those that were told of while they rested.
        order: a number that grows from reading to reading: the order in which lines were written.
    """

    log_format: LogFormat
    open: dict[str, list[Fragment]] = field(default_factory=dict)
    touched: dict[str, int] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
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
        batches = tuple(self._told(sighter, whole, ended))
        return Joined(batches, tuple(one for one in found if one.key not in ended), ended)

    def rested(self, sighter: Sighter, now: int, newest: int | None) -> Joined:
        """Tell of transactions that were left alone, and end those that nobody expects to go on.

        Args:
            sighter: judges events.
            now: the present.
            newest: of the instants in the log; an old log is read faster than it was written.
        """
        ages = {key: max(now - at, (newest or 0) - self._last_at(key)) for key, at in self.touched.items()}
        resting = frozenset(key for key, age in ages.items() if age >= REST_US and key not in self.told)
        expired = {key for key, age in ages.items() if age >= EXPIRY_US}
        oldest = sorted(ages.keys() - expired, key=lambda key: -ages[key])
        given_up = oldest[: max(len(oldest) - OPEN_LIMIT, 0)]
        batches = tuple(self._told(sighter, [one for key in resting for one in self.open[key]], resting))
        self.told |= resting
        return Joined(batches, (), frozenset(expired.union(given_up)), len(given_up))

    def commit(self, joined: Joined) -> None:
        """What was read is kept."""
        for one in joined.kept:
            self.open.setdefault(one.key, []).append(one)
            self.touched[one.key] = self.order = max(self.order, one.order)
            self.told.discard(one.key)
        for key in joined.ended:
            self.open.pop(key, None)
            self.touched.pop(key, None)
            self.told.discard(key)

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
    part: Part, binding: Binding[Log], files: Sequence[Binding[Log]]
) -> Iterator[AbstractContextManager[Segment]]:
    """The ranges before a part: of its own stream, before that of the one that was rotated before it."""
    start = part.segment.start
    rest = LOOK_BACK_BYTES - start
    older = [one for one in files if one.state and one.file.modified < binding.file.modified and one.state.offset]
    if rest > 0 and older and (state := older[-1].state) is not None:
        yield _range(older[-1].file, state.id, max(state.offset - rest, 0), state.offset)
    if start:
        yield _range(binding.file, part.state.id, max(start - LOOK_BACK_BYTES, 0), start)


@contextmanager
def _range(log: Log, stream: str, start: int, stop: int) -> Iterator[Segment]:
    with log.segment() as whole:
        yield replace(whole, stream=stream, start=start, stop=stop)
