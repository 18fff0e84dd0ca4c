"""From planned logs to a report: scan on an engine, fold where the bytes are, join what spans lines, judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from detector.audit.canary import proves
from detector.audit.identities import attribute_of, device_of
from detector.audit.judging import judge_of
from detector.audit.ranges import Finds, Found, Range, Scanned
from detector.audit.rows import finding_rows, source_row
from detector.audit.sighter import Sighter
from detector.coverage import Coverage
from detector.engines import engine_named
from detector.errors import UsageError
from detector.identity import People, References
from detector.policy import EMPTY, Policy
from detector.report.document import Report
from detector.scan import Settings, Spans
from detector.sources import segments_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detector.audit.plan import Input
    from detector.events import Dialect, LogFormat
    from detector.findings import Attributed
    from detector.match import SightingBatch
    from detector.scan import Fragment
    from detector.signatures import Ruleset

SEVERAL_BYTES = 96 * 1024 * 1024
"""Below so many bytes on disk one process is faster than forking others."""

HELD_CANDIDATES = 250_000
"""A worker hands over what it found at the latest behind the range with so many candidates: what it hands over is twice
in memory for a moment."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How an audit is to be done.

    Attributes:
        version: of the program, for the report.
        settings: of the scan.
        services: ids of the services to report, empty for all.
        key: of the pseudonyms; ``None``: actors are shown by name.
        jobs: worker processes.
        engine: an engine's name, empty: by size.
        people: the organisation's directory, ``None``: accounts, mailboxes and addresses stay what they are.
        policy: the organisation's decisions.
        references: which case somebody worked on when, for approvals that need one.
        keep: keep every sighting, not only what findings need of it.
    """

    version: str
    settings: Settings = field(default_factory=Settings)
    services: frozenset[str] = frozenset()
    key: bytes | None = None
    jobs: int = 1
    engine: str = ""
    people: People | None = None
    policy: Policy = EMPTY
    references: References = field(default_factory=References)
    keep: bool = False


class Audited(NamedTuple):
    """What an audit gave.

    Attributes:
        report: for people.
        sightings: every one of them, by time and place; none where the terms did not ask to keep them.
        coverage: (n,) of the inputs, in their order.
    """

    report: Report
    sightings: tuple[Attributed, ...]
    coverage: tuple[Coverage, ...]


class _Audit:
    """One audit while it runs."""

    def __init__(self, inputs: Sequence[Input], ruleset: Ruleset, terms: Terms) -> None:
        self.inputs = inputs
        self.ruleset = ruleset
        self.terms = terms
        attribute = attribute_of(inputs, terms.people, terms.settings, self._engine(inputs), terms.jobs)
        judge = judge_of(terms.policy, ruleset, terms.people, terms.references, device_of(attribute))
        self.sighter = Sighter(ruleset, attribute, judge, terms.settings, terms.services)
        self.findings = self.sighter.findings()
        self.sightings: list[Attributed] = []
        self.coverage = [Coverage(Spans(one.gap_s)) for one in inputs]
        self._keys: dict[str, set[str]] = {}
        self._left: dict[int, Dialect] = {}

    def ranges(self) -> list[Range]:
        """Of all readable logs: small ones, so that all workers are busy to the end."""
        parted = self.terms.jobs > 1
        return [
            Range(index, segment, one.log_format, one.behind if segment.start else one.dialect, one.gap_s)
            for index, one in enumerate(self.inputs)
            if one.log_format is not None and not one.unread and not one.copy_of
            for segment in (segments_of(one.segment, one.size) if parted else [one.segment])
        ]

    def run(self, ranges: Sequence[Range], advance: Callable[[int], None]) -> None:
        """Scan all ranges, then gather the transactions that span lines."""
        for log_format in {one.log_format.name: one.log_format for one in ranges}.values():
            self.sighter.scanner.prefilter(log_format)
        places = {one.place: one for one in ranges}
        scanned = sorted(self._all_scanned(ranges, advance), key=lambda one: one.place)
        read: list[Range] = []
        for each in scanned:
            one, checked = self._checked(places[each.place], each)
            self._take(one, checked)
            read.append(one)
        keys = {name: frozenset(several) for name, several in self._keys.items() if several}
        gathering = [one for one in read if one.log_format.name in keys]
        fragments: dict[str, list[Fragment]] = {}
        for one, found in zip(gathering, self._all_gathered(gathering, keys), strict=True):
            fragments.setdefault(one.log_format.name, []).extend(found)
        for log_format in {one.log_format.name: one.log_format for one in gathering}.values():
            self._join(log_format, fragments[log_format.name])

    def _all_scanned(self, ranges: Sequence[Range], advance: Callable[[int], None]) -> Iterator[Scanned]:
        """Every range, in any order; what a worker found in several is counted when it hands it over."""
        engine = engine_named(self._engine(self._inputs_of(ranges)))
        shared = engine.share(ranges)

        def work(_number: int, told: Callable[[int], None]) -> tuple[list[Scanned], Found]:
            return self._scan_some(shared, told)

        left = len(ranges)
        for scanned, found in engine.run(range(len(ranges)), work, jobs=self.terms.jobs, advance=advance):
            self._count(found)
            yield from scanned
            left -= len(scanned)
            if not left:
                return  # the workers that find nothing left to scan need not be waited for

    def _scan_some(self, ranges: Iterable[Range], advance: Callable[[int], None]) -> tuple[list[Scanned], Found]:
        """Scan ranges until none is left, or they gave so much that it is time to hand it over; runs in a worker."""
        scanned, together, candidates = list[Scanned](), Finds(self.sighter.findings()), 0
        for one in ranges:
            scanned.append(self._scan_alone(one, advance) if one.may_be_misread else self._scan(one, together, advance))
            candidates += scanned[-1].coverage.counts.candidates
            if candidates > HELD_CANDIDATES:
                break
        return scanned, together.found()

    def _scan_alone(self, one: Range, advance: Callable[[int], None]) -> Scanned:
        """Scan a range so that what it gave can be forgotten."""
        finds = Finds(self.sighter.findings())
        return self._scan(one, finds, advance)._replace(found=finds.found())

    def _scan(self, one: Range, finds: Finds, advance: Callable[[int], None]) -> Scanned:
        coverage, keys = Coverage(Spans(one.gap_s)), set[str]()
        for part, batch in self.sighter.parts(one.segment, one.log_format, one.dialect, one.gap_s, advance):
            coverage.add(part)
            keys |= part.keys
            finds.findings.fold(batch)
            finds.sightings += self._kept(batch)
        return Scanned(one.place, coverage, frozenset(keys))

    def _all_gathered(self, ranges: Sequence[Range], keys: Mapping[str, frozenset[str]]) -> Iterator[list[Fragment]]:
        """The lines of some transactions in each range."""

        def work(number: int, _advance: Callable[[int], None]) -> list[Fragment]:
            one = ranges[number]
            wanted, age = keys[one.log_format.name], self._age(one.source)
            return list(self.sighter.gather(one.segment, one.log_format, one.dialect, wanted, age))

        engine = engine_named(self._engine(self._inputs_of(ranges)))
        return engine.run(range(len(ranges)), work, jobs=self.terms.jobs, advance=lambda _bytes: None)

    def _inputs_of(self, ranges: Sequence[Range]) -> Sequence[Input]:
        return [self.inputs[source] for source in {one.source for one in ranges}] if len(ranges) > 1 else []

    def _engine(self, inputs: Sequence[Input]) -> str:
        """The engine that was asked for, else the faster one for so many bytes."""
        several = self.terms.jobs > 1 and sum(one.size for one in inputs) > SEVERAL_BYTES
        return self.terms.engine or ("processes" if several else "serial")

    def _checked(self, one: Range, scanned: Scanned) -> tuple[Range, Scanned]:
        """A range read under the wrong header is read again: another header may stand in the range before it."""
        left = self._left.get(one.source)
        if one.may_be_misread and left is not None and left != one.dialect:
            one = one._replace(dialect=left)
            scanned = self._scan_alone(one, lambda _bytes: None)
        self._left[one.source] = scanned.coverage.dialects[-1][1]
        return one, scanned

    def _take(self, one: Range, scanned: Scanned) -> None:
        self.coverage[one.source].merge(scanned.coverage)
        self._keys.setdefault(one.log_format.name, set()).update(scanned.keys)
        if scanned.found is not None:
            self._count(scanned.found)

    def _count(self, found: Found) -> None:
        self.findings.merge(found.findings, found.left_out)
        self.sightings += found.sightings

    def _join(self, log_format: LogFormat, fragments: Sequence[Fragment]) -> None:
        for _, batch in self.sighter.joined(log_format, fragments):
            self.findings.fold(batch)
            self.sightings += self._kept(batch)

    def _kept(self, batch: SightingBatch) -> Iterator[Attributed]:
        return self.sighter.attributed(batch) if self.terms.keep else iter(())

    def _age(self, source: int) -> int:
        """Position of a log among all by the time of its first line: the order in which transactions were written."""
        firsts = [coverage.spans.first or 0 for coverage in self.coverage]
        return sorted(range(len(firsts)), key=lambda index: (firsts[index], self.inputs[index].segment.name)).index(
            source
        )


def audited(
    inputs: Sequence[Input], ruleset: Ruleset, terms: Terms, advance: Callable[[int], None] = lambda _bytes: None
) -> Audited:
    """Audit planned logs.

    Args:
        inputs: from ``plan``.
        ruleset: what is looked for.
        terms: how.
        advance: told the bytes that were read, for progress.

    Raises:
        UsageError: a service or an engine does not exist.
    """
    unknown = sorted(service for service in terms.services if service not in ruleset)
    if unknown:
        raise UsageError(f"no service is called {unknown[0]!r}: `shadowit signatures list` shows them all")
    running = _Audit(inputs, ruleset, terms)
    running.run(running.ranges(), advance)
    sightings = sorted(running.sightings, key=lambda one: (one.at or 0, one.path, one.offset, one.part, one.indicator))
    return Audited(_report(running), tuple(sightings), tuple(running.coverage))


def audit(
    inputs: Sequence[Input], ruleset: Ruleset, terms: Terms, advance: Callable[[int], None] = lambda _bytes: None
) -> Report:
    """The report of an audit; see ``audited``."""
    return audited(inputs, ruleset, terms, advance).report


def _report(running: _Audit) -> Report:
    inputs, ruleset, terms = running.inputs, running.ruleset, running.terms
    formats = {one.log_format.name: one.log_format for one in inputs if one.log_format is not None}
    sources = [source_row(one, coverage) for one, coverage in zip(inputs, running.coverage, strict=True)]
    return Report(
        version=terms.version,
        ruleset=ruleset.digest,
        services=len(ruleset.signatures),
        since=terms.settings.since,
        until=terms.settings.until,
        sources=tuple(sorted(sources, key=lambda source: source.path)),
        findings=tuple(finding_rows(running.findings.given_away(), ruleset, terms.people, terms.key)),
        names=terms.key is None,
        canaries=tuple((name, proves(running.sighter.scanner, one, ruleset)) for name, one in sorted(formats.items())),
        gap_s=terms.settings.gap_s,
        policy=terms.policy.digest,
        left_out=tuple(sorted(running.findings.left_out.items())),
    )
