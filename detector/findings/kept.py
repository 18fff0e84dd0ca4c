"""Findings of single sightings that were kept, the same as of the logs that they came from."""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING

from detector.events import Stage
from detector.findings.evidence import DAY_US, Origin, proofs_of
from detector.findings.finding import Finding, Session, together, with_one
from detector.match import Attribution, Confidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detector.findings.attributed import Attributed
    from detector.match import Actor
    from detector.signatures import Ruleset


TOGETHER = 8192
"""So many sightings are held at once, for alike ones count together."""


def folded(sightings: Iterable[Attributed], ruleset: Ruleset) -> list[Finding]:
    """Findings by service and actor, sorted by those."""
    found: dict[tuple[str, Actor], Finding] = {}
    opaque = {one.id: one.thresholds.opaque_hosts for one in ruleset.signatures}
    rest = iter(sightings)
    while some := list(islice(rest, TOGETHER)):
        alike: defaultdict[tuple[tuple[str, Actor], Origin, bool], list[Attributed]] = defaultdict(list)
        for one in some:
            key = one.service, one.actor
            finding = found.get(key)
            if finding is None:
                finding = found[key] = Finding(*key)
            _add(finding, one, is_product=one.host in opaque.get(one.service, ()))
            origin = Origin(one.path, one.indicator, one.stage, one.denied, one.stream)
            alike[key, origin, one.confidence is Confidence.CONFIRMED].append(one)
        for (key, origin, is_confirmed), ones in alike.items():
            found[key].take(_proofs(ones), origin, is_confirmed=is_confirmed)
    return [found[key] for key in sorted(found)]


def _add(finding: Finding, one: Attributed, *, is_product: bool) -> None:
    """Count what one sighting says beside its place and time."""
    attribution = Attribution(one.actor, one.grade, one.unit, one.one_of)
    finding.attributions = with_one(finding.attributions, attribution)
    finding.judge(one.verdict)
    finding.bytes_sent += one.bytes_sent
    if is_product and one.at is not None and not one.denied and one.stage.rung >= Stage.VISITED.rung:
        day = one.at // DAY_US
        finding.sessions[day] = together(finding.sessions.get(day), Session(1, one.at, one.at))


def _proofs(ones: Sequence[Attributed]) -> list[bytes]:
    instants = [one.at for one in ones]
    offsets, parts, lengths = [one.offset for one in ones], [one.part for one in ones], [one.length for one in ones]
    return list(proofs_of(instants, offsets, parts, lengths, [bytes.fromhex(one.sha256) for one in ones]))
