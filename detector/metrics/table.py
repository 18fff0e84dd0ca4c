"""The table of all metrics: names, labels, what they say, and where their values stand in a moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
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
class Family:
    """One metric.

    Attributes:
        name: with the prefix, and ``_total`` where it only grows.
        text: what it says.
        labels: names of its labels.
        rows: its values at one moment, with those of its labels.
        is_wide: it has a series for every service of the catalogue.
    """

    name: str
    text: str
    labels: tuple[str, ...]
    rows: Callable[[Snapshot], Iterable[Row]]
    is_wide: bool = False

    @property
    def kind(self) -> str:
        """``counter`` or ``gauge``."""
        return "counter" if self.name.endswith("_total") else "gauge"


def _by_verdict(counts: Mapping[tuple[str, str], int], snapshot: Snapshot) -> Iterator[Row]:
    catalogue = _with_other(snapshot.catalogue, counts)
    known = _in_catalogue(counts, catalogue)
    for service in catalogue:
        for verdict in _VERDICTS:
            yield (service, verdict), known.get((service, verdict), 0)


def _sightings(snapshot: Snapshot) -> Iterator[Row]:
    catalogue = _with_other(snapshot.catalogue, snapshot.sightings)
    known = _in_catalogue(snapshot.sightings, catalogue)
    seen: dict[str, set[str]] = {}
    for name, stage in known:
        seen.setdefault(name, set()).add(stage)
    for name, service in catalogue.items():
        stages = set(map(str, service.stages)) | seen.get(name, set())
        for stage in sorted(stages, key=_STAGES.index):
            yield (name, service.category, stage), known.get((name, stage), 0)


def _with_other(catalogue: Mapping[str, Service], counts: Mapping[tuple[str, str], int]) -> Mapping[str, Service]:
    if all(service in catalogue for service, _ in counts):
        return catalogue
    return {**catalogue, OTHER: Service(OTHER, ())}


def _in_catalogue(counts: Mapping[tuple[str, str], int], catalogue: Mapping[str, Service]) -> Counter[tuple[str, str]]:
    known: Counter[tuple[str, str]] = Counter()
    for (service, what), count in counts.items():
        known[service if service in catalogue else OTHER, what] += count
    return known


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
    Family("shadowit_sightings_total", "Sightings of a service, by what they prove.",
           ("service", "category", "stage"), _sightings, is_wide=True),
    Family("shadowit_findings", "Actors of a service, by the heaviest verdict on them.", ("service", "verdict"),
           lambda one: _by_verdict(one.findings, one), is_wide=True),
    Family("shadowit_service_actors", "Actors of a service with a sighting of the verdict.", ("service", "verdict"),
           lambda one: _by_verdict(one.actors, one), is_wide=True),
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
