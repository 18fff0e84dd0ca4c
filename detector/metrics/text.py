"""A moment as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from detector.metrics.snapshot import OTHER, Service, Snapshot
from detector.metrics.table import FAMILIES, Family, Wide

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NOTHING: Mapping[str, int] = {}


class Page:
    """Writes moments. From one to the next little changes: lines of a service are made anew when its values are."""

    def __init__(self) -> None:
        self._catalogue: Mapping[str, Service] = {}
        self._made: dict[str, dict[str, tuple[Mapping[str, int], str]]] = {}

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
            self._catalogue, self._made = snapshot.catalogue, {}
        for family in FAMILIES:
            if family.wide is None:
                continue
            yield f"# HELP {family.name} {family.text}\n# TYPE {family.name} {family.kind}\n"
            counted = family.wide.counted(snapshot)
            made = self._made.setdefault(family.name, {})
            for name, service in snapshot.catalogue.items():
                values = counted.get(name, _NOTHING)
                known = made.get(name)
                if known is None or known[0] != values:
                    known = made[name] = values, _lines(family, family.wide, name, service, values)
                yield known[1]
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
