"""One pass over one source: what lies on disk, what of it is unread, and everything of that kept."""

from __future__ import annotations

import re
import secrets
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from detector.audit.ledger import is_ahead, is_late
from detector.coverage import Sampled, Unread
from detector.coverage.sampled import DAY
from detector.daemon.desk import Outcome, added
from detector.daemon.increments import REST_US, increment, parts, planned, seen
from detector.daemon.transactions import Joined, Transactions, dataset_of, keep_lines, ranges_before
from detector.errors import UnreadableSource
from detector.sources import Compression, DamagedStream, Fate, Framing, StreamState, Vanished, bind, key_of, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from detector.audit.plan import Input
    from detector.config import Source
    from detector.daemon.desk import Desk
    from detector.daemon.increments import Increment, Part
    from detector.events import LogFormat
    from detector.sources import Binding, Bindings, FileKey, Log
    from detector.store import Batch, Store

GONE = "went away before all of it was seen: removed, or truncated without a copy"
LISTINGS = 5
"""How often it is looked again while files are renamed or removed meanwhile."""
HELD_FILES = 200
"""Files that are held open from the moment when they are listed."""
_VARYING = re.compile(r"\d+|\.(?:gz|zst|xz|bz2|old|bak)\b")
"""What differs between the names of one log's rotations."""


@dataclass(slots=True)
class SourceReader:
    """One source, and what is remembered of it between passes; all of it can be found out again.

    Attributes:
        source: what the configuration says.
        store: where everything is kept.
        clock: gives the present, microseconds since the epoch.
        mirrors: files that show what another one holds.
        transactions: open ones by format.
        formats: of its streams.
    """

    source: Source
    store: Store
    clock: Callable[[], int]
    mirrors: dict[FileKey, str] = field(default_factory=dict)
    transactions: dict[str, Transactions] = field(default_factory=dict)
    formats: frozenset[str] = frozenset()
    _plans: dict[str, Input] = field(default_factory=dict)
    _strangers: dict[FileKey, str] = field(default_factory=dict)
    _noted: dict[str, str] | None = None
    _newest: int | None = None
    _reached: dict[str, StreamState] = field(default_factory=dict)
    _ahead: set[str] = field(default_factory=set)

    def look(self, now: int) -> tuple[Bindings[Log], list[UnreadableSource]]:
        """What lies on disk, bound to streams, and what could not be looked at."""
        known = self.store.streams(self.source.name)
        self.formats = frozenset(one.format for one in known if one.format)
        for _ in range(LISTINGS):
            listing = listed(self.source.paths, known)
            found = bind(listing.logs, known, now, self.mirrors)
            refused = [*listing.refused, *found.unread]
            if not any(isinstance(one, Vanished) for one in refused):
                break
        self.mirrors = {key_of(one.file): one.state.id for one in found.files if one.state and one.fate is Fate.MIRROR}
        return found, refused

    def run(self, desk: Desk) -> Outcome:
        """Read what is unread, up to the budget.

        Raises:
            StoreFault: nothing of the part at hand was kept.
        """
        found, refused = self.look(self.clock())
        problems = {one.path: one.reason for one in refused if not isinstance(one, Vanished)}
        files = [one for one in found.files if one.fate not in (Fate.MIRROR, Fate.WAITING)]
        self._reached.clear()
        total = Outcome()
        with ExitStack() as stack:
            for one in files[-HELD_FILES:]:
                stack.callback(one.file.close)
            self._hold(files[-HELD_FILES:])
            for one in files:
                for outcome in self._file(one, files, desk, problems):
                    total = added(total, outcome)
                    desk.progressed()
                    if total.bytes >= desk.budget_bytes or desk.is_stopped():
                        return self._end(found, desk, problems, total._replace(is_done=False))
        return self._end(found, desk, problems, total)

    def _hold(self, files: Sequence[Binding[Log]]) -> None:
        for one in files:
            if one.state is None or not one.state.is_final:
                try:
                    one.file.hold()
                except UnreadableSource:
                    continue  # said when it is read

    def _file(
        self, binding: Binding[Log], files: Sequence[Binding[Log]], desk: Desk, problems: dict[str, str]
    ) -> Iterator[Outcome]:
        """Read one file; what is wrong with it is a problem of its own."""
        try:
            work = self._work(binding, files, desk, problems)
            if work is None:
                return
            expected = work.state.offset
            with work.log.holding():
                for part in parts(work, desk.sighter, self.source.max_silence_s):
                    if part.segment.start > expected:
                        problems[work.log.name] = f"went on in the middle of a line, at byte {expected}"
                    expected = part.state.offset
                    for gap in part.result.gaps:
                        problems[work.log.name] = gap.reason
                    yield self._keep(part, binding, files, desk)
        except Vanished:
            return  # what it held is found under its next name
        except (UnreadableSource, DamagedStream, OSError) as fault:
            problems[binding.file.name] = getattr(fault, "reason", str(fault))

    def _work(
        self, binding: Binding[Log], files: Sequence[Binding[Log]], desk: Desk, problems: dict[str, str]
    ) -> Increment | None:
        log, state = binding.file, binding.state
        is_settled = state is not None and state.is_final and key_of(state) == key_of(log)
        if is_settled and (reason := self._noted_before().get(log.name)):
            problems[log.name] = reason  # its damage has not gone
        if (reason := self._strangers.get(key_of(log))) is not None:
            if reason:
                problems[log.name] = reason
            return None
        if is_settled:
            return None
        if state is None:
            state = StreamState(secrets.token_hex(16), self.source.name, log.name)
        found = self._plans.get(state.id) or planned(log, desk.site, desk.formats, state)
        if found.unread or found.log_format is None:
            self._strangers[key_of(log)] = found.unread
            if found.unread:
                problems[log.name] = found.unread
            return None
        is_left_alone = self._is_left_alone(log, found, files)
        work = increment(log, state, found, is_left_alone=is_left_alone)
        if work is None:
            self._settle(seen(state, log)._replace(is_final=state.is_final or is_left_alone), binding)
        elif log.compression is Compression.NONE:
            self._plans[state.id] = found
        return work

    def _settle(self, state: StreamState, binding: Binding[Log]) -> None:
        """Nothing is unread; what changed around the stream is kept."""
        if binding.state is not None and state != binding.state:
            self.store.run(self.clock(), lambda batch: batch.save_stream(state))
        if state.is_final:
            self._plans.pop(state.id, None)

    def _is_left_alone(self, log: Log, found: Input, files: Sequence[Binding[Log]]) -> bool:
        """Whether nobody has written for long to a plain file that was rotated, or is a document: those are not."""
        mine = _family(log)
        is_rotated = any(_family(one.file) == mine and one.file.modified > log.modified for one in files)
        is_document = found.segment.framing is not Framing.LINES
        is_old = self.clock() - log.modified >= REST_US
        return log.compression is Compression.NONE and (is_rotated or is_document) and is_old

    def _keep(self, part: Part, binding: Binding[Log], files: Sequence[Binding[Log]], desk: Desk) -> Outcome:
        """One transaction for everything that a part gave."""
        now, joined, open_ones = self.clock(), Joined(), None
        if part.log_format.join is not None:
            open_ones = self._open(part.log_format)
            with ExitStack() as stack:
                older = self._older(binding, files)
                before = [stack.enter_context(one) for one in ranges_before(part, binding.file, older)]
                joined = open_ones.take(part, desk.sighter, before, now)
        name = self.source.name
        batches = (part.batch, *joined.batches)
        sightings = list(chain.from_iterable(desk.sighter.attributed(one, name) for one in batches))

        sampled = self._sampled(part, now)

        def work(batch: Batch) -> Outcome:
            batch.sample(sampled)
            kept = desk.keeper.keep(batch, part, sightings, now)
            keep_lines(batch, name, part.log_format, joined, now)
            return Outcome(bytes=part.result.counts.bytes, sightings=kept.sightings, alerts=kept.alerts)

        outcome = self.store.run(now, work)
        self._ahead |= {part.state.id} if sampled.ahead else set()
        self._noted_before().update({gap.path: gap.reason for gap in part.result.gaps})
        if open_ones is not None:
            open_ones.commit(joined)
        self._reached[binding.file.name] = part.state
        self._newest = max(filter(None, (self._newest, part.result.spans.last)), default=None)
        return outcome

    def _sampled(self, part: Part, now: int) -> Sampled:
        """What a part says about the source; a log whose clock is wrong counts once while this program runs."""
        last, first = part.result.spans.last, part.result.spans.first
        is_new = part.state.id not in self._ahead
        return Sampled(
            source=self.source.name,
            dataset=part.log_format.name,
            day=(now if first is None else first) // DAY,
            sample=replace(part.result.sample, kinds=part.state.kinds),
            files=int(part.segment.start == 0),
            late=int(part.state.is_final and is_late(part.segment, last)),
            ahead=int(is_new and is_ahead(part.result.entered, last)),
            notes=part.notes,
        )

    def _older(self, binding: Binding[Log], files: Sequence[Binding[Log]]) -> list[tuple[Log, StreamState]]:
        """The files before one, and how far each was read, in this pass too."""
        before = files[: files.index(binding)]
        states = [(one.file, self._reached.get(one.file.name) or one.state) for one in before]
        return [(log, state) for log, state in states if state is not None]

    def _end(self, found: Bindings[Log], desk: Desk, problems: dict[str, str], total: Outcome) -> Outcome:
        """What is left to be said at the end of a pass, in one transaction."""
        now = self.clock()
        gone = [] if problems.keys() & set(self.source.paths) else [one for one in found.gone if not one.is_final]
        for log_format in (desk.formats[name] for name in self.formats if name in desk.formats):
            if log_format.join is not None:
                self._open(log_format)
        rested = [(one, one.rested(desk.sighter, now, self._newest)) for one in self.transactions.values()]
        noted = self._noted_before()
        new = {path: reason for path, reason in problems.items() if noted.get(path) != reason}
        over = noted.keys() - problems.keys() if total.is_done else set()
        lag = sum(self._unread_bytes(one) for one in found.files if one.fate is not Fate.MIRROR)

        def work(batch: Batch) -> Outcome:
            for path, reason in new.items():
                batch.gap(Unread(self.source.name, path, now, None, reason))
            for path in over:
                batch.close_gaps(path, GONE)
            for state in gone:
                batch.save_stream(state._replace(is_final=True))
                if state.offset or state.size:
                    batch.gap(Unread(self.source.name, state.path, state.modified, now, GONE))
            batch.count(self.source.name, lag_bytes=lag)
            kept = Outcome()
            for transactions, joined in rested:
                rows = chain.from_iterable(desk.sighter.attributed(one, self.source.name) for one in joined.batches)
                fresh = desk.keeper.add(batch, rows, now)
                kept = added(kept, Outcome(sightings=fresh.sightings, alerts=fresh.alerts))
                keep_lines(batch, self.source.name, transactions.log_format, joined, now)
            return kept

        kept = self.store.run(now, work)
        for transactions, joined in rested:
            transactions.commit(joined)
        self._noted = {path: reason for path, reason in noted.items() if path not in over} | new
        for path, reason in new.items():
            desk.said(f"{path}: {reason}")
        faults = tuple(f"{path}: {reason}" for path, reason in sorted(problems.items()))
        return added(total, kept)._replace(is_done=total.is_done, faults=faults)

    def _unread_bytes(self, binding: Binding[Log]) -> int:
        """Bytes of a plain file that were not read, of an archive all or nothing."""
        state, log = binding.state, binding.file
        if state is None or (state.is_final and key_of(state) == key_of(log)):
            return 0
        reached = self._reached.get(log.name)
        if log.compression is not Compression.NONE:
            return 0 if reached else log.size
        return max(log.size - (reached or state).offset, 0)

    def _noted_before(self) -> dict[str, str]:
        """What could not be read when it was last looked at; of the store, when this program has just begun."""
        if self._noted is None:
            self._noted = {one.path: one.reason for one in self.store.gaps(self.source.name) if one.reason != GONE}
        return self._noted

    def _open(self, log_format: LogFormat) -> Transactions:
        """The open transactions of a format; those of the store, when this program has just begun."""
        if log_format.name not in self.transactions:
            restored = Transactions(log_format)
            restored.restore(self.store.fragments(dataset_of(self.source.name, log_format)))
            self.transactions[log_format.name] = restored
        return self.transactions[log_format.name]


def _family(log: Log) -> str:
    """What the rotations of one log are called alike."""
    return _VARYING.sub("", log.name).strip("-._")
