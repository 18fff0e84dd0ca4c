"""The table of all metrics: names, labels, what they say, and where their values stand in a moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from detector import __version__
from detector.events import MICROSECONDS, Stage
from detector.metrics.snapshot import LIMIT, OTHER, Service, Snapshot, Source, first_of_each
from detector.policy import Verdict

Row: TypeAlias = "tuple[tuple[str, ...], float]"

_VERDICTS = [verdict.value for verdict in Verdict]
_STAGES = [stage.value for stage in Stage]


@dataclass(frozen=True, slots=True)
class Wide:
    """A value for everything that each service of the catalogue can show.

    Attributes:
        counts: (service, what is counted) → value, at one moment; what is missing is 0.
        series: labels and what is counted, of a service with this id, by what was counted of it.
    """

    counts: Callable[[Snapshot], Mapping[tuple[str, str], int]]
    series: Callable[[str, Service, Collection[str]], Iterable[tuple[tuple[str, ...], str]]]

    def counted(self, snapshot: Snapshot) -> dict[str, dict[str, int]]:
        """The values by service, of those that have any; of services that left the catalogue together, as ``other``."""
        found: dict[str, dict[str, int]] = {}
        for (service, what), count in self.counts(snapshot).items():
            values = found.setdefault(service if service in snapshot.catalogue else OTHER, {})
            values[what] = values.get(what, 0) + count
        return found

    def rows(self, snapshot: Snapshot) -> Iterator[Row]:
        """The values with their labels."""
        counted = self.counted(snapshot)
        other = {OTHER: Service(OTHER, ())} if OTHER in counted else {}
        for name, service in {**snapshot.catalogue, **other}.items():
            values = counted.get(name, {})
            for labels, what in self.series(name, service, values):
                yield labels, values.get(what, 0)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric.

    Attributes:
        name: with the prefix, and ``_total`` where it only grows.
        text: what it says.
        labels: names of its labels.
        rows: its values at one moment, with those of its labels.
        wide: where its values come from if it has a series for every service of the catalogue.
    """

    name: str
    text: str
    labels: tuple[str, ...]
    rows: Callable[[Snapshot], Iterable[Row]]
    wide: Wide | None = None

    @property
    def kind(self) -> str:
        """``counter`` or ``gauge``."""
        return "counter" if self.name.endswith("_total") else "gauge"


def _of_services(name: str, text: str, labels: tuple[str, ...], wide: Wide) -> Family:
    return Family(name, text, labels, wide.rows, wide)


def _verdicts(name: str, _service: Service, _counted: Collection[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    return (((name, verdict), verdict) for verdict in _VERDICTS)


def _stages(name: str, service: Service, counted: Collection[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    shown = {stage.value for stage in service.stages}.union(counted)
    return (((name, service.category, stage), stage) for stage in _STAGES if stage in shown)


def _categories(snapshot: Snapshot) -> Iterator[Row]:
    counts = Counter((service.category,) for service in snapshot.catalogue.values())
    yield from sorted(first_of_each(counts, LIMIT).items())


def _single(value: Callable[[Snapshot], float | None]) -> Callable[[Snapshot], Iterable[Row]]:
    def rows(snapshot: Snapshot) -> Iterator[Row]:
        found = value(snapshot)
        if found is not None:
            yield (), found

    return rows


def _of_sources(value: Callable[[Source], float | None]) -> Callable[[Snapshot], Iterable[Row]]:
    """A value of every source that has one."""

    def rows(snapshot: Snapshot) -> Iterator[Row]:
        for name, source in sorted(snapshot.sources.items()):
            found = value(source)
            if found is not None:
                yield (name,), found

    return rows


def _records(snapshot: Snapshot) -> Iterator[Row]:
    for name, source in sorted(snapshot.sources.items()):
        yield (name, "parsed"), source.parsed
        yield (name, "filtered"), source.filtered
        yield (name, "unparsed"), source.unparsed


def _instants(value: Callable[[Snapshot], Mapping[str, int]]) -> Callable[[Snapshot], Iterable[Row]]:
    """An instant of every service of the catalogue that has one."""

    def rows(snapshot: Snapshot) -> Iterator[Row]:
        for service, instant in sorted(value(snapshot).items()):
            if service in snapshot.catalogue:
                yield (service,), instant / MICROSECONDS

    return rows


def _notifications(snapshot: Snapshot) -> Iterator[Row]:
    """Every configured sink has every result."""
    for sink in sorted({*snapshot.pending, *(sink for sink, _ in snapshot.notifications)}):
        for result in _RESULTS:
            yield (sink, result), snapshot.notifications.get((sink, result), 0)


def _seconds(instant: int | None) -> float | None:
    return None if instant is None else instant / MICROSECONDS


def _info(snapshot: Snapshot) -> Iterator[Row]:
    yield (__version__, snapshot.ruleset, snapshot.policy), 1


_RESULTS = ("delivered", "postponed", "parked")
_SOURCE, _SERVICE = ("source",), ("service",)

FAMILIES = (
    Family("shadowit_build_info", "Version, and digests of the signatures and the policy in force.",
           ("version", "ruleset", "policy"), _info),
    Family("shadowit_config_last_reload_successful", "Whether the last new configuration was taken.", (),
           _single(lambda one: one.is_reload_good)),
    Family("shadowit_signatures", "Services of the catalogue in force.", ("category",), _categories),
    Family("shadowit_source_records_total", "Lines read, by what became of them.", ("source", "result"), _records),
    Family("shadowit_source_read_bytes_total", "Bytes read, decompressed.", _SOURCE,
           _of_sources(lambda one: one.read_bytes)),
    Family("shadowit_source_newest_record_timestamp_seconds", "Time of the newest event.", _SOURCE,
           _of_sources(lambda one: _seconds(one.newest))),
    Family("shadowit_source_last_success_timestamp_seconds", "When a pass over the source last ended well.", _SOURCE,
           _of_sources(lambda one: _seconds(one.succeeded))),
    Family("shadowit_source_lag_bytes", "Bytes on disk that are not read yet.", _SOURCE,
           _of_sources(lambda one: one.lag_bytes)),
    Family("shadowit_source_gap_seconds", "Time that lies in open gaps of the source.", _SOURCE,
           _of_sources(lambda one: one.gap_s)),
    Family("shadowit_scan_last_success_timestamp_seconds", "When a pass over all sources last ended well.", (),
           _single(lambda one: _seconds(one.succeeded))),
    Family("shadowit_scan_last_duration_seconds", "How long the last pass took.", (),
           _single(lambda one: one.duration_s)),
    Family("shadowit_scan_failures_total", "Passes that did not end well.", (), _single(lambda one: one.failures)),
    Family("shadowit_job_skipped_total", "Runs of jobs that were skipped.", ("job", "reason"),
           lambda one: sorted(one.skipped.items())),
    _of_services("shadowit_sightings_total", "Sightings of a service, by what they prove.",
                 ("service", "category", "stage"), Wide(lambda one: one.sightings, _stages)),
    _of_services("shadowit_findings", "Actors of a service, by the heaviest verdict on them.",
                 ("service", "verdict"), Wide(lambda one: one.findings, _verdicts)),
    _of_services("shadowit_service_actors", "Actors of a service with a sighting of the verdict.",
                 ("service", "verdict"), Wide(lambda one: one.actors, _verdicts)),
    Family("shadowit_service_first_seen_timestamp_seconds", "When the service was first seen.", _SERVICE,
           _instants(lambda one: one.first_seen)),
    Family("shadowit_service_last_seen_timestamp_seconds", "When the service was last seen.", _SERVICE,
           _instants(lambda one: one.last_seen)),
    Family("shadowit_service_order_timestamp_seconds", "Since when the order to cease use counts.", _SERVICE,
           _instants(lambda one: one.orders)),
    Family("shadowit_approval_expiry_timestamp_seconds", "When the service's last approval ends.", _SERVICE,
           _instants(lambda one: one.approvals)),
    Family("shadowit_notifications_total", "Attempts to deliver alerts, by how they ended.", ("sink", "result"),
           _notifications),
    Family("shadowit_outbox_pending", "Alerts that wait to be delivered.", ("sink",),
           lambda one: [((sink,), count) for sink, count in sorted(one.pending.items())]),
    Family("shadowit_canary_last_success_timestamp_seconds", "When the source's canary last came through.", _SOURCE,
           _of_sources(lambda one: _seconds(one.canary))),
)  # fmt: skip
