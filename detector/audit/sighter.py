"""From a range of a log to sightings with their actors: what an audit and the daemon do alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from detector.findings import Findings, Judge, attributed
from detector.match import Attribute, SightingBatch
from detector.scan import Scanner, Settings, gather, joined, scan
from detector.signatures import Ruleset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detector.events import Dialect, EventBatch, LogFormat
    from detector.findings import Attributed
    from detector.scan import Fragment, ScanResult
    from detector.sources import Segment


@dataclass(slots=True)
class Sighter:
    """Signatures, a directory of people and a policy, made ready.

    Attributes:
        ruleset: what is looked for.
        attribute: whom a sighting belongs to.
        judge: what the policy says of it, ``None`` for nothing.
        settings: of the scan.
        services: ids of the services that are asked for, empty for all.
        scanner: the ruleset, compiled.
    """

    ruleset: Ruleset
    attribute: Attribute
    judge: Judge | None = None
    settings: Settings = field(default_factory=Settings)
    services: frozenset[str] = frozenset()
    scanner: Scanner = field(init=False)

    def __post_init__(self) -> None:
        self.scanner = Scanner(self.ruleset)

    def parts(
        self,
        segment: Segment,
        log_format: LogFormat,
        dialect: Dialect,
        gap_s: int,
        advance: Callable[[int], None] = lambda _bytes: None,
    ) -> Iterator[tuple[ScanResult, SightingBatch]]:
        """A range of a log in parts, each with the sightings of its lines (not of those that have to be joined)."""
        settings = replace(self.settings, gap_s=gap_s)
        for part in scan(segment, log_format, dialect, self.scanner, settings, advance):
            rows = part.sightings
            if self.services:
                rows = tuple(one for one in rows if one.service in self.services)
            yield part, SightingBatch(segment.stream, segment.name, log_format.name, log_format.kind, rows)

    def gather(
        self, segment: Segment, log_format: LogFormat, dialect: Dialect, keys: frozenset[str], order: int
    ) -> Iterator[Fragment]:
        """The lines of some transactions in a range of a log."""
        return gather(segment, log_format, dialect, keys, self.settings, order)

    def joined(
        self, log_format: LogFormat, fragments: Iterable[Fragment]
    ) -> Iterator[tuple[EventBatch, SightingBatch]]:
        """Whole transactions as events, each with its sightings."""
        for proof, batch in joined(fragments, log_format):
            rows = tuple(
                one
                for one in self.scanner.matcher.match(batch)
                if self.settings.covers(one.at) and (not self.services or one.service in self.services)
            )
            yield batch, SightingBatch(proof.stream, proof.path, log_format.name, log_format.kind, rows)

    def attributed(self, batch: SightingBatch, source: str = "") -> Iterator[Attributed]:
        """The sightings of a batch with their actors."""
        return attributed(batch, self.attribute, self.judge, source)

    def findings(self) -> Findings:
        """Findings, none yet, that fold as these sightings are judged."""
        return Findings(self.ruleset, self.attribute, self.judge)
