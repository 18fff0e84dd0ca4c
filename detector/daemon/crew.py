"""All sources of a configuration, ready to be gone over: who reads them, who sees, who keeps."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from detector.audit.identities import device_of
from detector.audit.judging import judge_of
from detector.audit.sighter import Sighter
from detector.daemon import lookback
from detector.daemon.canaries import fact_of, unproven, with_planted
from detector.daemon.desk import Desk, Outcome, added
from detector.daemon.keeping import Keeper
from detector.daemon.passes import SourceReader
from detector.daemon.whereabouts import Whereabouts
from detector.errors import StoreFault
from detector.findings import Telling
from detector.identity import attribute
from detector.scan import Settings
from detector.store.keeping import Terms

if TYPE_CHECKING:
    from detector.config import Source
    from detector.daemon.health import Health
    from detector.daemon.inforce import InForce
    from detector.match import Actor
    from detector.store import Batch, Store

PART_BYTES = 4 * 1024 * 1024
"""What one transaction holds of a log at most (a little more, to the end of a line)."""
BUDGET_BYTES = 64 * 1024 * 1024
"""After so many bytes of one source the others of its group are let in."""


@dataclass(slots=True)
class Crew:
    """Everybody who works while one set of configuration, signatures and policy is in force.

    Attributes:
        inforce: that set.
        store: where everything is kept.
        health: told what is wrong.
        clock: gives the present, microseconds since the epoch.
        said: told what a person should know.
        is_stopped: whether to end early.
        progressed: told after each transaction: a sign of life.
        readers: by source.
        whereabouts: who was at an address, remembered between passes.
        sighter: sees.
    """

    inforce: InForce
    store: Store
    health: Health
    clock: Callable[[], int]
    said: Callable[[str], None]
    is_stopped: Callable[[], bool]
    progressed: Callable[[], None]
    readers: dict[str, SourceReader] = field(default_factory=dict)
    whereabouts: Whereabouts = field(default_factory=Whereabouts)
    sighter: Sighter = field(init=False)
    _settling: threading.Lock = field(init=False, default_factory=threading.Lock)
    _is_settled: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        force = self.inforce
        ruleset = with_planted(force.ruleset, force.config.canary.domain)
        judge = judge_of(force.policy, ruleset, force.people, devices=self._device)
        self.sighter = Sighter(ruleset, attribute, judge, Settings(part_bytes=PART_BYTES))
        before, self.readers = self.readers, {}
        for source in force.config.sources:
            known = before.get(source.name)
            is_same = known is not None and known.source == source
            self.readers[source.name] = known if known and is_same else SourceReader(source, self.store, self.clock)
            if newest := self.store.fact(fact_of(source.name)):
                self.health.canary(source.name, int(newest))

    def succeeded_by(self, inforce: InForce) -> Crew:
        """The crew of another set; what is remembered of sources that stay as they are stays."""
        return replace(self, inforce=inforce)

    def settle(self) -> None:
        """Before anything is read: queue a look-back if signatures have changed.

        Raises:
            StoreFault: the store cannot be written.
        """
        with self._settling:
            if self._is_settled:
                return
            if logs := lookback.queue(self):
                self.said(f"signatures have changed: {logs} logs will be gone through again")
            self._is_settled = True

    def groups(self) -> dict[int, tuple[str, ...]]:
        """Seconds → names of the sources that are gone over that often."""
        config, found = self.inforce.config, dict[int, tuple[str, ...]]()
        for source in config.sources:
            interval = source.interval_s or config.interval_s
            found[interval] = (*found.get(interval, ()), source.name)
        return found

    def run(self, names: Sequence[str]) -> Outcome:
        """Go over some sources in turns until nothing is left to read.

        Raises:
            StoreFault: the store cannot be written; what was kept before stays kept.
        """
        self.settle()
        self._end_grants()
        self.sighter.attribute = self.whereabouts.attribute(self.inforce, self.progressed)
        total, waiting = Outcome(), [self.readers[name] for name in names if name in self.readers]
        while waiting and not self.is_stopped():
            left = []
            for reader in waiting:
                outcome = reader.run(self._desk(reader.source))
                self.progressed()
                self._say(reader, outcome)
                total = added(total, outcome)
                if not outcome.is_done:
                    left.append(reader)
            waiting = left
        return total._replace(is_done=not waiting)

    def purge(self) -> bool:
        """Delete what is older than it may be kept, and say so; ``True``.

        Raises:
            StoreFault: nothing was deleted.
        """
        terms = Terms.of(self.inforce.config.retention)
        for one in self.store.purge(terms, by="daemon", now=self.clock(), shrink=False):
            if one.rows:
                self.said(f"purged {one.rows} rows of {one.kind}; {one.held} are held")
        return True

    def _end_grants(self) -> None:
        """Names that custodians opened for some hours are erased when those are over."""
        try:
            if ended := self.store.expire_grants(self.clock()):
                self.said(f"{ended} grants are over: their names are erased")
        except StoreFault as fault:
            if not fault.is_passing:
                raise
            self.said(f"names of grants that are over are erased in the next pass: {fault}")

    def _device(self, address: str, at: int | None) -> str:
        """The machine that had an address, as far as is known in this pass."""
        return device_of(self.sighter.attribute)(address, at)

    def _say(self, reader: SourceReader, outcome: Outcome) -> None:
        """What is wrong with a source is said while it is."""
        name, now = reader.source.name, self.clock()
        if outcome.faults:
            self.health.broken(f"source:{name}", "; ".join(outcome.faults), now)
        elif outcome.is_done:
            self.health.well(f"source:{name}")
        force = self.inforce
        broken = unproven(reader.formats, force.formats, self.sighter.scanner, force.ruleset)
        if broken:
            reason = f"a synthetic line of {', '.join(broken)} is not found: sightings of this source may be missing"
            self.health.broken(f"rooms:{name}", reason, now)
        else:
            self.health.well(f"rooms:{name}")
            if reader.formats and not force.config.canary.domain:
                self.health.canary(name, now)

    def keeper(self, source: str) -> Keeper:
        """Who keeps what is seen in a source."""
        force = self.inforce
        return Keeper(
            source=source,
            ruleset=force.ruleset,
            key=force.key,
            telling=Telling(k=force.config.privacy.k, unit_sizes=self._unit_sizes()),
            tells_names="names" in force.config.privacy.model_fields_set and force.config.privacy.names,
            sinks=tuple(one.name for one in force.channels),
            seal=force.custodians.keep if force.custodians else _kept_by_nobody,
            canary=lambda at: self.health.canary(source, at),
        )

    def _desk(self, source: Source) -> Desk:
        force = self.inforce
        return Desk(
            site=force.sites[source.name],
            formats=force.formats,
            sighter=self.sighter,
            keeper=self.keeper(source.name),
            budget_bytes=BUDGET_BYTES,
            is_stopped=self.is_stopped,
            said=self.said,
            progressed=self.progressed,
        )

    def _unit_sizes(self) -> Counter[str]:
        """How many people each unit has now."""
        now, people = self.clock(), self.inforce.people
        entries = people.entries if people else ()
        return Counter(one.unit for one in entries if one.bounds[0] <= now < one.bounds[1])


def _kept_by_nobody(_batch: Batch, _names: Sequence[tuple[str, Actor]]) -> None:
    """Without custodians no name is kept anywhere."""
