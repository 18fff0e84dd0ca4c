"""The moment that the metrics show: the store's counts, what is in force, and how the daemon is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.events import MICROSECONDS
from detector.events.instants import to_datetime
from detector.metrics import Service, Snapshot, Source, catalogue_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from detector.coverage import Unread
    from detector.daemon.health import State
    from detector.daemon.inforce import InForce
    from detector.store import Progress, Reader

_LAST_YEAR = 9999


@dataclass(slots=True)
class Figures:
    """Takes moments; what only a new configuration changes is worked out once for each.

    Attributes:
        store: whose counts are shown.
    """

    store: Reader
    _inforce: InForce | None = None
    _catalogue: Mapping[str, Service] | None = None
    _orders: Mapping[str, int] | None = None
    _approvals: Mapping[str, int] | None = None

    def snapshot(
        self, force: InForce, state: State, notifications: Mapping[tuple[str, str], int], now: int
    ) -> Snapshot:
        """One moment.

        Args:
            force: what is in force.
            state: how the daemon is.
            notifications: (sink, result) → attempts to deliver.
            now: the present instant.
        """
        if self._inforce is not force:
            self._settle(force)
        counted = self.store.tallies()
        return Snapshot(
            ruleset=state.ruleset,
            policy=state.policy,
            is_reload_good=state.is_reload_good,
            catalogue=self._catalogue or {},
            sources=self._sources(force, state, now),
            succeeded=state.succeeded or None,
            duration_s=state.duration_us / MICROSECONDS,
            failures=state.failures,
            skipped=state.skipped,
            sightings={(service, stage.value): count for (service, stage), count in counted.sightings.items()},
            findings={(service, verdict.value): count for (service, verdict), count in counted.findings.items()},
            actors={(service, verdict.value): count for (service, verdict), count in counted.actors.items()},
            first_seen=counted.first_seen,
            last_seen=counted.last_seen,
            orders=self._orders or {},
            approvals=self._approvals or {},
            notifications=notifications,
            pending=self._pending(force),
        )

    def _settle(self, force: InForce) -> None:
        orders, approvals = {}, {}
        for one in force.ruleset.signatures:
            given = [order.effective for order in force.policy.orders_for(one.id, one.category) if order.lifted is None]
            ends = [approval.valid_until for approval in force.policy.approvals_for(one.id, one.category)]
            if given:
                orders[one.id] = min(given)
            if ends and to_datetime(max(ends)).year < _LAST_YEAR:
                approvals[one.id] = max(ends)
        self._catalogue, self._orders, self._approvals = catalogue_of(force.ruleset), orders, approvals
        self._inforce = force

    def _sources(self, force: InForce, state: State, now: int) -> dict[str, Source]:
        """Every configured source, also one of which nothing was read yet."""
        read = {one.source: one for one in self.store.progress()}
        gaps: dict[str, list[Unread]] = {}
        for gap in self.store.gaps():
            gaps.setdefault(gap.source, []).append(gap)
        return {
            source.name: _source(
                read.get(source.name), open_s(gaps.get(source.name, ()), now), state.canaries.get(source.name)
            )
            for source in force.config.sources
        }

    def _pending(self, force: InForce) -> dict[str, int]:
        """Every configured sink, and those that are configured no more but still have alerts waiting."""
        waiting = {one.sink: one.pending for one in self.store.backlogs() if one.pending}
        return {**{channel.name: 0 for channel in force.channels}, **waiting}


def _source(read: Progress | None, gap_s: float, canary: int | None) -> Source:
    if read is None:
        return Source(gap_s=gap_s, canary=canary)
    return Source(
        read.parsed,
        read.filtered,
        read.unparsed,
        read.bytes,
        read.newest,
        read.succeeded,
        read.lag_bytes,
        gap_s,
        canary,
    )


def open_s(gaps: Iterable[Unread], now: int) -> float:
    """Seconds that lie in at least one gap; one without an end goes on, of one without a beginning nothing is known.

    >>> from detector.coverage import Unread
    >>> open_s([Unread("s", "p", 0, 3_000_000, "r"), Unread("s", "q", 2_000_000, None, "r")], 5_000_000)
    5.0
    """
    spans = sorted((gap.since, now if gap.until is None else gap.until) for gap in gaps if gap.since is not None)
    total, reached = 0, None
    for since, until in spans:
        begin = since if reached is None else max(since, reached)
        if until > begin:
            total += until - begin
            reached = until
    return total / MICROSECONDS
