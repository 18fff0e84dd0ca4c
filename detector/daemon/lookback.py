"""Looking back: what lies on disk is gone through again for services whose signatures are new or have changed.

Newest logs first, so that what is found soon is what matters most, and how far back it has come can be said. Only
sightings are kept, by ids that a second look gives again: nothing is counted twice, and a look-back that was killed
goes on in the log at which it was.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import orjson

from detector.daemon.increments import Increment, parts, planned
from detector.daemon.transactions import LOOK_BACK_BYTES, Joined, Transactions, range_of, ranges_before
from detector.errors import UnreadableSource
from detector.events import to_iso
from detector.findings import look_back_finished
from detector.sources import DamagedStream, Fate
from detector.store import LookBack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.audit.sighter import Sighter
    from detector.daemon.crew import Crew
    from detector.daemon.increments import Part
    from detector.events import Dialect
    from detector.match import SightingBatch
    from detector.scan import Fragment
    from detector.signatures import Ruleset, Signature
    from detector.sources import Binding, Log
    from detector.store import Batch

RULESET, SIGNATURES, SERVICES = "ruleset", "signatures", "look-back services"
"""Facts of the store: the digest up to which everything was read, of each signature, and what is looked back for."""
_SHARED = "*"
_DONE = ("done", "unread")


def queue(crew: Crew) -> int:
    """Queue a look-back when signatures have changed since the store last saw them; logs that are to be gone through.

    Raises:
        StoreFault: nothing was queued.
    """
    ruleset, store = crew.inforce.ruleset, crew.store
    before = store.fact(RULESET)
    if before == ruleset.digest:
        return sum(one.state not in _DONE for one in store.look_backs(ruleset.digest))
    now_there = _digests(ruleset)
    known: dict[str, str] = orjson.loads(store.fact(SIGNATURES) or b"{}")
    is_shared_changed = known.get(_SHARED) != now_there[_SHARED]
    changed = [name for name, one in now_there.items() if is_shared_changed or known.get(name) != one]
    rows: list[LookBack] = []
    if before and changed:
        for name, reader in crew.readers.items():
            files = reader.look(crew.clock())[0].files
            read = [one for one in files if one.state is not None and one.state.offset and one.fate is not Fate.MIRROR]
            rows += [LookBack(ruleset.digest, name, _label(one), "queued", 0, one.file.size) for one in read]

    def work(batch: Batch) -> None:
        for row in rows:
            batch.look_back(row)
        batch.note(RULESET, ruleset.digest)
        batch.note(SIGNATURES, orjson.dumps(now_there).decode())
        batch.note(SERVICES, orjson.dumps(sorted(set(changed) - {_SHARED})).decode())

    store.run(crew.clock(), work)
    return len(rows)


def run(crew: Crew) -> bool:
    """Go on with the look-back until it is done or somebody says stop; whether it is done.

    Raises:
        StoreFault: what was found since the last transaction was not kept; it will be found again.
    """
    rows = crew.store.look_backs(crew.inforce.ruleset.digest)
    if all(one.state in _DONE for one in rows):
        return True
    services = frozenset(orjson.loads(crew.store.fact(SERVICES) or b"[]"))
    sighter = replace(crew.sighter, services=services)
    for name, reader in crew.readers.items():
        files = [one for one in reader.look(crew.clock())[0].files if one.fate is not Fate.MIRROR]
        left = {one.path: one for one in rows if one.source == name and one.state not in _DONE}
        for index in reversed(range(len(files))):
            row = left.pop(_label(files[index]), None)
            if row is not None and not _OneLog(crew, sighter, row, files, index).run():
                return False
        for row in left.values():
            crew.store.run(crew.clock(), partial(_note, row._replace(state="unread")))
    return _finished(crew, services)


def _note(row: LookBack, batch: Batch) -> None:
    batch.look_back(row)


@dataclass(slots=True)
class _OneLog:
    """One log of a look-back.

    Attributes:
        crew: who keeps.
        sighter: sees the services that are looked back for.
        row: how far it has come.
        files: of the source, oldest first.
        index: of the log among them.
    """

    crew: Crew
    sighter: Sighter
    row: LookBack
    files: Sequence[Binding[Log]]
    index: int
    _dialect: Dialect | None = None

    def run(self) -> bool:
        """Go through it to where it was read; whether that was reached."""
        binding = self.files[self.index]
        state, source = binding.state, self.crew.inforce.config
        if state is None:
            return True
        silence_s = next(one.max_silence_s for one in source.sources if one.name == self.row.source)
        try:
            found = planned(binding.file, self.crew.inforce.sites[self.row.source], self.crew.inforce.formats, state)
            log_format = found.log_format
            transactions = Transactions(log_format) if log_format and log_format.join else None
            is_entered = transactions is None and log_format is not None and not log_format.head_literals
            start = self.row.offset if is_entered else 0  # what was open, or the header, in the middle is not kept
            work = Increment(binding.file, state._replace(offset=start), found, state.offset, is_final=False)
            with binding.file.holding():
                for part in parts(work, self.sighter, silence_s):
                    self._keep(part, transactions)
                    if self.crew.is_stopped():
                        return False
            if transactions is not None:
                self._keep_rest(transactions)
        except (UnreadableSource, DamagedStream, OSError):
            self._add((), self.row._replace(state="unread"))
        else:
            self._add((), self.row._replace(state="done"))
        return True

    def _keep(self, part: Part, transactions: Transactions | None) -> None:
        joined = Joined()
        if transactions is not None:
            with ExitStack() as stack:
                older = [(one.file, one.state) for one in self.files[: self.index] if one.state is not None]
                ranges = ranges_before(part, self.files[self.index].file, older)
                before = [stack.enter_context(one) for one in ranges]
                joined = transactions.take(part, self.sighter, before, self.crew.clock())
            transactions.commit(joined)
            self._dialect = part.result.left
        first = part.result.spans.first
        reached = min((one for one in (self.row.reached, first) if one is not None), default=None)
        self._add((part.batch, *joined.batches), self.row._replace(
            state="running", offset=part.state.offset, reached=reached))  # fmt: skip

    def _keep_rest(self, transactions: Transactions) -> None:
        """What is open at the end of the log ends in the one that was written after it, or not at all."""
        newer = self.files[self.index + 1] if self.index + 1 < len(self.files) else None
        lines: list[Fragment] = []
        if newer is not None and newer.state is not None and transactions.open and self._dialect is not None:
            with range_of(newer.file, newer.state.id, 0, min(newer.state.offset, LOOK_BACK_BYTES)) as segment:
                keys, order = frozenset(transactions.open), transactions.order + 1
                lines = list(self.sighter.gather(segment, transactions.log_format, self._dialect, keys, order))
        self._add(transactions.settled(self.sighter, lines), self.row)

    def _add(self, batches: Sequence[SightingBatch], row: LookBack) -> None:
        """Keep sightings, and how far it has come, in one transaction."""
        crew, source = self.crew, self.row.source
        rows = [one for batch in batches for one in self.sighter.attributed(batch, source)]
        now, keeper = crew.clock(), crew.keeper(source)

        def work(batch: Batch) -> None:
            keeper.add(batch, rows, now)
            batch.look_back(row)

        crew.store.run(now, work)
        crew.progressed()
        self.row = row


def _finished(crew: Crew, services: frozenset[str]) -> bool:
    """Tell what was found, once; ``True``."""
    rows = crew.store.look_backs(crew.inforce.ruleset.digest)
    found = Counter({(one.service, one.actor) for one in crew.store.standings() if one.service in services})
    counts = Counter(service for service, _ in found)
    reached = min((one.reached for one in rows if one.reached is not None), default=None)
    alert = look_back_finished(crew.inforce.ruleset.digest, counts, reached, crew.clock())
    if alert is not None:
        sinks = [one.name for one in crew.inforce.channels]
        crew.store.run(crew.clock(), lambda batch: batch.enqueue([alert], sinks))
    unread = sum(one.state == "unread" for one in rows)
    crew.said(f"looked back through {len(rows)} logs for {len(services)} services, to {_spelled(reached)}; "
              f"{sum(counts.values())} actors found, {unread} logs could not be read")  # fmt: skip
    return True


def progress(rows: Sequence[LookBack]) -> str:
    """How far a look-back is, in a sentence; empty where there is none or it is done."""
    done = [one for one in rows if one.state in _DONE]
    if len(done) == len(rows):
        return ""
    reached = min((one.reached for one in rows if one.reached is not None), default=None)
    return f"{len(done)} of {len(rows)} logs gone through, back to {_spelled(reached)}"


def _spelled(instant: int | None) -> str:
    return "an unknown time" if instant is None else to_iso(instant)


def _label(binding: Binding[Log]) -> str:
    """A log by its name and its stream: names go from log to log."""
    return f"{binding.file.name} ({binding.state.id[:12] if binding.state else ''})"


def _digests(ruleset: Ruleset) -> dict[str, str]:
    """What of each signature decides what is found, and what of the shared data."""
    shared = (ruleset.mail_kinds, *map(sorted, (
        ruleset.shared_hosts, ruleset.session_proxies, ruleset.translators, ruleset.mail_platforms)))  # fmt: skip
    return {_SHARED: _digest(repr(shared)), **{one.id: _digest(repr(_deciding(one))) for one in ruleset.signatures}}


def _deciding(one: Signature) -> tuple[object, ...]:
    """What of a signature decides what is found; where a value is known from does not."""
    indicators = tuple(indicator._replace(sources=()) for indicator in one.indicators)
    return one.attribution, indicators, one.mail, one.thresholds.uploaded_request_bytes


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
