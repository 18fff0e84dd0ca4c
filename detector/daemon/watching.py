"""What of the sources is wrong, and what is over: told once when it begins and once when it ends, open ones daily."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detector.events import MICROSECONDS
from detector.findings import AlertKind, canary_missed, coverage_gap, digested, over, reminder, silent_source
from detector.store import State as IncidentState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.daemon.health import Health
    from detector.daemon.inforce import InForce
    from detector.findings import Alert
    from detector.store import Incident, Store

_WATCHED = {
    AlertKind.SILENT_SOURCE: "The source speaks again.",
    AlertKind.COVERAGE_GAP: "What was missing has been read.",
    AlertKind.CANARY_MISSED: "A canary came through again.",
}
_CANARY_KINDS = ("proxy", "dns")
_LIMIT = 20
"""Alerts about one kind of fault of one source at a time; the others go as one digest."""


@dataclass(slots=True)
class Watch:
    """Looks after the sources.

    Attributes:
        store: where incidents are kept.
        health: told of silence.
    """

    store: Store
    health: Health
    _told: set[str] = field(default_factory=set)

    def look(self, force: InForce, now: int) -> int:
        """See what began and what is over, and put it into the outbox; how many alerts there are.

        Before every source was gone over once since the start nothing is said: what was written meanwhile is not known.
        """
        if not self.health.state.is_running:
            return 0
        faults = [*self._silent(force, now), *self._gaps(force, now), *self._canaries(force, now)]
        incidents = self.store.incidents()
        news = [one for one in faults if one.key not in self._told]
        ended = list(self._ended(faults, incidents, now))
        reminders = [one for one in (_reminder(incident, now) for incident in incidents) if one is not None]
        alerts = [*_limited(news, now), *ended, *reminders]
        if alerts:
            self.store.run(now, lambda batch: batch.enqueue(alerts, [channel.name for channel in force.channels]))
        self._told = {one.key for one in faults}
        return len(alerts)

    def _silent(self, force: InForce, now: int) -> Iterator[Alert]:
        read = {one.source: one for one in self.store.progress()}
        for source in force.config.sources:
            newest = read[source.name].newest if source.name in read else None
            since = self.health.state.started if newest is None else newest
            name = f"silence:{source.name}"
            if now - since <= source.max_silence_s * MICROSECONDS:
                self.health.well(name)
                continue
            alert = silent_source(source.name, newest, source.max_silence_s, now)
            self.health.broken(name, alert.reason, now)
            yield alert

    def _gaps(self, force: InForce, now: int) -> Iterator[Alert]:
        names = {source.name for source in force.config.sources}
        for gap in self.store.gaps():
            if gap.source in names:
                yield coverage_gap(gap.source, gap.path, gap.since, gap.until, gap.reason, now)

    def _canaries(self, force: InForce, now: int) -> Iterator[Alert]:
        canary = force.config.canary
        for source in force.config.sources if canary.domain else ():
            log_format = force.sites[source.name].log_format
            state, name = self.health.state, f"canary:{source.name}"
            newest = state.canaries.get(source.name)
            is_watched = log_format is None or log_format.kind.value in _CANARY_KINDS
            if not is_watched or now - (newest or state.started) <= canary.within_s * MICROSECONDS:
                self.health.well(name)
                continue
            alert = canary_missed(source.name, newest, canary.within_s, now)
            self.health.broken(name, alert.reason, now)
            yield alert

    def _ended(self, faults: Sequence[Alert], incidents: Sequence[Incident], now: int) -> Iterator[Alert]:
        standing = {one.incident for one in faults}
        for incident in incidents:
            kind = incident.id.rpartition(":")[2]
            is_fault = incident.id.startswith("source:") and kind in _WATCHED
            if is_fault and incident.state is not IncidentState.CLOSED and incident.id not in standing:
                yield over(incident, _WATCHED[AlertKind(kind)], now)


def _reminder(incident: Incident, now: int) -> Alert | None:
    return reminder(incident, now) if incident.state is IncidentState.OPEN else None


def _limited(alerts: Sequence[Alert], now: int) -> list[Alert]:
    by_incident: dict[str, list[Alert]] = {}
    for one in alerts:
        by_incident.setdefault(one.incident, []).append(one)
    return [told for some in by_incident.values()
            for told in digested(some, _LIMIT, f"of source {some[0].source}", now)]  # fmt: skip
