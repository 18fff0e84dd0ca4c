"""Sightings become findings: one for each actor and service. Folding is associative: any order, any split, one result.

Only the earliest and the latest lines of each stage are kept as evidence: memory grows with people, not with logs.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from stringzilla import sha256

from detector.events import Stage
from detector.findings.evidence import DAY_US, Origin, proofs_of
from detector.findings.finding import Finding, Session, together, with_one
from detector.match import Actor, Attribution, Confidence, Sighting
from detector.policy import MUTED, OBSERVED, Ruling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from detector.match import Attribute, SightingBatch
    from detector.signatures import Ruleset

_VISITED = Stage.VISITED.rung

Judge: TypeAlias = Callable[[Sighting, Attribution], Ruling]
"""What an organisation's policy says of one sighting."""

_Alike: TypeAlias = tuple[str, str, Stage, bool, Confidence, Attribution]
"""What sightings of one log have in common that count together."""

FEW_SIGHTINGS, MANY_SIGHTINGS = 1024, 131_072
"""Few sightings of a part of a log are counted at once; many are held, up to so many, for alike ones count together."""

LEFT_OUT = frozenset({OBSERVED, MUTED})
"""Rulings that leave a sighting out: an observer's event is nobody's use, a muted indicator is known to be wrong."""


class Findings:
    """Findings by service and actor, while logs are being read.

    Attributes:
        left_out: why the policy leaves sightings out (``observers``, ``mutes``) → how many.
    """

    def __init__(self, ruleset: Ruleset, attribute: Attribute, judge: Judge | None = None) -> None:
        self._attribute = attribute
        self._judge = judge
        self._opaque = {
            one.id: one.thresholds.opaque_hosts for one in ruleset.signatures if one.thresholds.opaque_hosts
        }
        self._findings: dict[tuple[str, Actor], Finding] = {}
        self._log = ("", "")
        self._alike: defaultdict[_Alike, list[bytes]] = defaultdict(list)
        self._held = 0
        self._origins: dict[tuple[str, Stage, bool], Origin] = {}
        self.left_out: Counter[str] = Counter()

    def fold(self, batch: SightingBatch) -> None:
        """Add the sightings of one part of a log."""
        if (batch.path, batch.stream) != self._log:
            self._settle()
            self._log = batch.path, batch.stream
            self._origins.clear()
        rows: Sequence[Sighting] = batch.rows
        attributions = list(map(self._attribute, rows))
        if self._judge is not None:
            rows, attributions = self._judged(self._judge, rows, attributions)
        if not rows:
            return
        services, indicators, stages, confidences, instants, denied, _, _, _, _, sizes, offsets, parts, lines, _ = zip(
            *rows, strict=True
        )
        keys = zip(services, indicators, stages, denied, confidences, attributions, strict=True)
        alike = map(self._alike.__getitem__, keys)
        proofs = proofs_of(instants, offsets, parts, map(len, lines), map(sha256, lines))
        deque(map(list.append, alike, proofs), maxlen=0)
        if any(sizes):
            for service, attribution, size in zip(services, attributions, sizes, strict=True):
                self._finding(service, attribution).bytes_sent += size
        if not self._opaque.keys().isdisjoint(services):
            self._count_sessions(rows, attributions)
        self._held += len(rows)
        if len(rows) < FEW_SIGHTINGS or self._held > MANY_SIGHTINGS:
            self._settle()

    def _judged(
        self, judge: Judge, rows: Sequence[Sighting], attributions: Sequence[Attribution]
    ) -> tuple[list[Sighting], list[Attribution]]:
        """Those that the policy does not leave out; what it says of them is counted."""
        counted: list[tuple[Sighting, Attribution]] = []
        for row, attribution in zip(rows, attributions, strict=True):
            ruling = judge(row, attribution)
            if ruling.by in LEFT_OUT:
                self.left_out[ruling.by] += 1
            else:
                self._finding(row.service, attribution).judge(ruling.verdict)
                counted.append((row, attribution))
        return [row for row, _ in counted], [attribution for _, attribution in counted]

    def _count_sessions(self, rows: Sequence[Sighting], attributions: Sequence[Attribution]) -> None:
        """Count requests to hosts of a service's own product."""
        for row, attribution in zip(rows, attributions, strict=True):
            if row.at is None or row.denied or row.stage.rung < _VISITED:
                continue
            if row.host in self._opaque.get(row.service, ()):
                sessions, day = self._finding(row.service, attribution).sessions, row.at // DAY_US
                sessions[day] = together(sessions.get(day), Session(1, row.at, row.at))

    def _settle(self) -> None:
        """Count the sightings that are held: alike ones together."""
        path, stream = self._log
        for (service, indicator, stage, denied, confidence, attribution), proofs in self._alike.items():
            origin = self._origins.setdefault(
                (indicator, stage, denied), Origin(path, indicator, stage, denied, stream)
            )
            finding = self._finding(service, attribution)
            finding.take(proofs, origin, is_confirmed=confidence is Confidence.CONFIRMED)
        self._alike.clear()
        self._held = 0

    def _finding(self, service: str, attribution: Attribution) -> Finding:
        key = service, attribution.actor
        finding = self._findings.get(key)
        if finding is None:
            finding = self._findings[key] = Finding(*key)
        finding.attributions = with_one(finding.attributions, attribution)
        return finding

    def merge(self, others: Iterable[Finding], left_out: Mapping[str, int] | None = None) -> None:
        """Take over the findings of another part of the logs, and what was left out of it."""
        self._settle()
        self.left_out.update(left_out or {})
        for other in others:
            mine = self._findings.setdefault((other.service, other.actor), other)
            if mine is not other:
                mine.merge(other)

    def all(self) -> list[Finding]:
        """Every finding, by service and actor."""
        self._settle()
        return [self._findings[key] for key in sorted(self._findings)]

    def given_away(self) -> Iterator[Finding]:
        """The same, one after the other; nothing is left of them here, so that their rows can take their place."""
        self._settle()
        for key in sorted(self._findings):
            yield self._findings.pop(key)
