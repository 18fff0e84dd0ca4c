"""From planned logs to a report: scan on an engine, fold where the bytes are, join what spans lines, judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from detector.audit.canary import proves
from detector.audit.rows import finding_rows, source_row
from detector.coverage import Coverage
from detector.engines import engine_named
from detector.errors import UsageError
from detector.findings import Findings
from detector.identity import actor_of
from detector.match import SightingBatch
from detector.report.document import Report
from detector.scan import Fragment, Scanner, Settings, Spans, gather, joined, scan
from detector.sources import CHUNK_BYTES, Segment, segments_of
from detector.sources.segments import SEGMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.audit.plan import Input
    from detector.events import Dialect, LogFormat
    from detector.findings import Finding
    from detector.signatures import Ruleset

SEVERAL_BYTES = 96 * 1024 * 1024
"""Below so many bytes on disk one process is faster than forking others."""


@dataclass(frozen=True, slots=True)
class Order:
    """How an audit is to be done.

    Attributes:
        version: of the program, for the report.
        settings: of the scan.
        services: ids of the services to report, empty for all.
        key: of the pseudonyms; ``None``: actors are shown by name.
        jobs: worker processes.
        engine: an engine's name, empty: by size.
    """

    version: str
    settings: Settings = field(default_factory=Settings)
    services: frozenset[str] = frozenset()
    key: bytes | None = None
    jobs: int = 1
    engine: str = ""


@dataclass(frozen=True, slots=True)
class _Task:
    """A range of one log to scan, or (with keys) to gather transactions from."""

    source: int
    segment: Segment
    log_format: LogFormat
    dialect: Dialect
    gap_s: int
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Done:
    """What a task gave."""

    task: _Task
    coverage: Coverage
    findings: list[Finding]
    keys: frozenset[str]
    fragments: list[Fragment]


class _Audit:
    """One audit while it runs."""

    def __init__(self, inputs: Sequence[Input], ruleset: Ruleset, order: Order) -> None:
        self.inputs = inputs
        self.ruleset = ruleset
        self.order = order
        self.scanner = Scanner(ruleset)
        self.findings = Findings(ruleset, actor_of)
        self.coverage = [Coverage(Spans(one.gap_s)) for one in inputs]
        self._keys: dict[str, set[str]] = {}
        self._left: dict[int, Dialect] = {}

    def tasks(self) -> list[_Task]:
        """Ranges of all readable logs."""
        return [
            _Task(index, segment, one.log_format, one.behind if segment.start else one.dialect, one.gap_s)
            for index, one in enumerate(self.inputs)
            if one.log_format is not None and not one.unread and not one.copy_of
            for segment in segments_of(one.segment, one.size, _range_bytes(one.size, self.order.jobs))
        ]

    def run(self, tasks: Sequence[_Task], advance: Callable[[int], None]) -> None:
        """Scan all ranges, then gather the transactions that span lines."""
        for log_format in {task.log_format.name: task.log_format for task in tasks}.values():
            self.scanner.prefilter(log_format)
        read: list[_Task] = []
        for done in map(self._checked, self._on_engine(tasks, advance)):
            self._take(done)
            read.append(done.task)
        gathering = [
            replace(task, keys=frozenset(self._keys[task.log_format.name]))
            for task in read
            if self._keys.get(task.log_format.name)
        ]
        fragments: dict[str, list[Fragment]] = {}
        for done in self._on_engine(gathering, lambda _bytes: None):
            fragments.setdefault(done.task.log_format.name, []).extend(done.fragments)
        for task in {task.log_format.name: task for task in gathering}.values():
            self._join(task.log_format, fragments[task.log_format.name])

    def work(self, task: _Task, advance: Callable[[int], None]) -> _Done:
        """Scan one range; runs in a worker."""
        settings = replace(self.order.settings, gap_s=task.gap_s)
        coverage, findings = Coverage(Spans(task.gap_s)), Findings(self.ruleset, actor_of)
        if task.keys:
            order = self._age(task.source)
            found = gather(task.segment, task.log_format, task.dialect, task.keys, settings, order)
            return _Done(task, coverage, [], frozenset(), list(found))
        keys: set[str] = set()
        for part in scan(task.segment, task.log_format, task.dialect, self.scanner, settings, advance):
            coverage.add(part)
            keys |= part.keys
            rows = part.sightings
            if self.order.services:
                rows = tuple(one for one in rows if self._is_asked(one.service))
            segment = task.segment
            findings.fold(SightingBatch(segment.stream, segment.name, task.log_format.name, task.log_format.kind, rows))
        return _Done(task, coverage, findings.all(), frozenset(keys), [])

    def _on_engine(self, tasks: Sequence[_Task], advance: Callable[[int], None]) -> Iterator[_Done]:
        size = sum(self.inputs[source].size for source in {task.source for task in tasks})
        several = self.order.jobs > 1 and len(tasks) > 1 and size > SEVERAL_BYTES
        name = self.order.engine or ("processes" if several else "serial")
        return engine_named(name).run(tasks, self.work, jobs=self.order.jobs, advance=advance)

    def _checked(self, done: _Done) -> _Done:
        """A range read under the wrong header is read again: another header may stand in the range before it."""
        task = done.task
        left = self._left.get(task.source)
        if task.segment.start and left is not None and task.log_format.head_literals and left != task.dialect:
            done = self.work(replace(task, dialect=left), lambda _bytes: None)
        self._left[task.source] = done.coverage.dialects[-1][1]
        return done

    def _take(self, done: _Done) -> None:
        self.coverage[done.task.source].merge(done.coverage)
        self.findings.merge(done.findings)
        self._keys.setdefault(done.task.log_format.name, set()).update(done.keys)

    def _join(self, log_format: LogFormat, fragments: Sequence[Fragment]) -> None:
        for proof, batch in joined(fragments, log_format):
            rows = tuple(
                one
                for one in self.scanner.matcher.match(batch)
                if self.order.settings.covers(one.at) and self._is_asked(one.service)
            )
            self.findings.fold(SightingBatch(proof.stream, proof.path, log_format.name, log_format.kind, rows))

    def _is_asked(self, service: str) -> bool:
        return not self.order.services or service in self.order.services

    def _age(self, source: int) -> int:
        """Position of a log among all by the time of its first line: the order in which transactions were written."""
        firsts = [coverage.spans.first or 0 for coverage in self.coverage]
        return sorted(range(len(firsts)), key=lambda index: (firsts[index], self.inputs[index].segment.name)).index(
            source
        )


def _range_bytes(size_bytes: int, jobs: int) -> int:
    """Ranges of a log: enough to keep all workers busy to the end, and few, for what each finds must be merged."""
    if jobs == 1:
        return max(size_bytes, SEGMENT_BYTES)
    return max(SEGMENT_BYTES, size_bytes // (4 * jobs) // CHUNK_BYTES * CHUNK_BYTES)


def audit(
    inputs: Sequence[Input], ruleset: Ruleset, order: Order, advance: Callable[[int], None] = lambda _bytes: None
) -> Report:
    """Audit planned logs.

    Args:
        inputs: from ``plan``.
        ruleset: what is looked for.
        order: how.
        advance: told the bytes that were read, for progress.

    Raises:
        UsageError: a service or an engine does not exist.
    """
    unknown = sorted(service for service in order.services if service not in ruleset)
    if unknown:
        raise UsageError(f"no service is called {unknown[0]!r}: `shadowit signatures list` shows them all")
    running = _Audit(inputs, ruleset, order)
    running.run(running.tasks(), advance)
    formats = {one.log_format.name: one.log_format for one in inputs if one.log_format is not None}
    sources = [source_row(one, coverage) for one, coverage in zip(inputs, running.coverage, strict=True)]
    return Report(
        version=order.version,
        ruleset=ruleset.digest,
        services=len(ruleset.signatures),
        since=order.settings.since,
        until=order.settings.until,
        sources=tuple(sorted(sources, key=lambda source: source.path)),
        findings=tuple(finding_rows(running.findings.all(), ruleset, order.key)),
        names=order.key is None,
        canaries=tuple((name, proves(running.scanner, one, ruleset)) for name, one in sorted(formats.items())),
        gap_s=order.settings.gap_s,
    )
