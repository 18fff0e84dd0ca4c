"""A moment as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from detector.metrics.snapshot import OTHER, Service, Snapshot
from detector.metrics.table import FAMILIES, Family, Wide

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Page:
    """Writes moments. Of most services nothing was ever seen: their lines are made once for each catalogue."""

    def __init__(self) -> None:
        self._catalogue: Mapping[str, Service] = {}
        self._still: dict[str, dict[str, str]] = {}

    def text(self, snapshot: Snapshot) -> bytes:
        """A moment as Prometheus reads it (text format 0.0.4), with the process's own figures where there are any."""
        bounded = snapshot.bounded()
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(_Narrow(bounded))
        return generate_latest(registry) + "".join(self.wide_lines(bounded)).encode()

    def wide_lines(self, snapshot: Snapshot) -> Iterator[str]:
        """The metrics with a series for every service.

        The library takes 0.4 s for 3,500 of them, and a scrape has 0.1 s: ids of services, verdicts and stages need no
        escaping, so that a line is one formatting.
        """
        if snapshot.catalogue is not self._catalogue:
            self._catalogue, self._still = snapshot.catalogue, {}
        for family in FAMILIES:
            if family.wide is None:
                continue
            yield f"# HELP {family.name} {family.text}\n# TYPE {family.name} {family.kind}\n"
            counted = family.wide.counted(snapshot)
            still = self._still.get(family.name)
            if still is None:
                still = self._still[family.name] = {
                    name: _lines(family, family.wide, name, service, {}) for name, service in self._catalogue.items()
                }
            for name, service in snapshot.catalogue.items():
                values = counted.get(name)
                yield still[name] if values is None else _lines(family, family.wide, name, service, values)
            if OTHER in counted:
                yield _lines(family, family.wide, OTHER, Service(OTHER, ()), counted[OTHER])


def _lines(family: Family, wide: Wide, name: str, service: Service, values: Mapping[str, int]) -> str:
    """The lines of one service."""
    form = family.name + "{" + ",".join(f'{label}="%s"' for label in family.labels) + "} %.1f\n"
    return "".join([form % (*labels, values.get(what, 0)) for labels, what in wide.series(name, service, values)])


class _Narrow(Collector):
    """The metrics with few series, for the library to write."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        return (library_family(one, self._snapshot) for one in FAMILIES if one.wide is None)


def library_family(family: Family, snapshot: Snapshot) -> Metric:
    """A metric as the library has it."""
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    made = kind(family.name, family.text, labels=family.labels)
    for labels, value in family.rows(snapshot):
        made.add_metric(labels, value)
    return made
