"""Findings of single sightings that were kept, the same as of the logs that they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import Stage
from detector.findings.evidence import DAY_US, Origin, StageCount, proof_of
from detector.findings.folding import Finding, Session, together, with_one
from detector.match import Attribution, Confidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.findings.attributed import Attributed
    from detector.match import Actor
    from detector.signatures import Ruleset


def folded(sightings: Iterable[Attributed], ruleset: Ruleset) -> list[Finding]:
    """Findings by service and actor, sorted by those."""
    found: dict[tuple[str, Actor], Finding] = {}
    opaque = {one.id: one.thresholds.opaque_hosts for one in ruleset.signatures}
    for one in sightings:
        key = one.service, one.actor
        finding = found.get(key)
        if finding is None:
            finding = found[key] = Finding(*key)
        _add(finding, one, is_product=one.host in opaque.get(one.service, ()))
    for finding in found.values():
        for stage in finding.stages.values():
            stage.prune()
    return [found[key] for key in sorted(found)]


def _add(finding: Finding, one: Attributed, *, is_product: bool) -> None:
    """Count one sighting."""
    attribution = Attribution(one.actor, one.grade, one.unit, one.one_of)
    finding.attributions = with_one(finding.attributions, attribution)
    finding.verdicts[one.verdict] += 1
    proof = proof_of(one.at, one.offset, one.part, one.length, bytes.fromhex(one.sha256))
    origin = Origin(one.path, one.indicator, one.stage, one.denied, one.stream)
    count = finding.stages.setdefault(one.stage, StageCount())
    count.take((proof, origin), one.at, one.confidence is Confidence.CONFIRMED)
    finding.sources = with_one(finding.sources, one.path)
    finding.bytes_sent += one.bytes_sent
    if one.denied:
        finding.denied += 1
    elif one.at is not None:
        day = one.at // DAY_US
        finding.used_days = with_one(finding.used_days, day)
        if is_product and one.stage.rung >= Stage.VISITED.rung:
            finding.sessions[day] = together(finding.sessions.get(day), Session(1, one.at, one.at))
