"""Single sightings with their actors: what answers, the store and the bundle work on. No raw text, no address in it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from detector.findings.folding import LEFT_OUT
from detector.match import sighting_id
from detector.policy import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.events import Kind, Stage
    from detector.findings.folding import Judge
    from detector.match import Actor, Attribute, Confidence, SightingBatch


class Attributed(NamedTuple):
    """One sighting with its actor.

    Attributes:
        id: the sighting's.
        service: the service's id.
        indicator: the indicator's id.
        stage: what the event proves.
        confidence: how surely.
        at: microseconds since the epoch, UTC; ``None`` where the line's time cannot be read.
        denied: the device refused the request.
        actor: who.
        grade: how surely it was the actor: ``high``, ``medium`` or ``low``.
        one_of: how many people it may have been.
        unit: the person's organisational unit at that time, empty where unknown.
        host: the name that was asked for, empty for mail.
        bytes_sent: by the client.
        counterpart: of mail, the address at the other end.
        kind: what the log watches.
        dataset: the log format's name.
        source: the configured source's name, empty in a one-off audit.
        path: the log.
        stream: identity of the log's content.
        offset: of the line in the decompressed stream.
        part: 0, or the position of the recipient among several on one line.
        length: of the line in bytes.
        sha256: of those bytes, hex.
        verdict: what the policy says.
        ruling: id of the approval or order behind the verdict, empty for none.
    """

    id: str
    service: str
    indicator: str
    stage: Stage
    confidence: Confidence
    at: int | None
    denied: bool
    actor: Actor
    grade: str
    one_of: int
    unit: str
    host: str
    bytes_sent: int
    counterpart: str
    kind: Kind
    dataset: str
    source: str
    path: str
    stream: str
    offset: int
    part: int
    length: int
    sha256: str
    verdict: Verdict
    ruling: str


def attributed(
    batch: SightingBatch, attribute: Attribute, judge: Judge | None = None, source: str = ""
) -> Iterator[Attributed]:
    """The sightings of a batch with their actors, without those that the policy leaves out."""
    for one in batch.rows:
        attribution = attribute(one)
        verdict, by = Verdict.UNREVIEWED, ""
        if judge is not None:
            ruling = judge(one, attribution)
            if ruling.by in LEFT_OUT:
                continue
            verdict, by = ruling.verdict, ruling.by
        yield Attributed(
            sighting_id(batch.stream, one.offset, one.indicator, one.part), one.service, one.indicator, one.stage,
            one.confidence, one.at, one.denied, attribution.actor, attribution.grade, attribution.one_of,
            attribution.unit, one.host, one.bytes_sent, one.counterpart, batch.kind, batch.dataset, source, batch.path,
            batch.stream, one.offset, one.part, len(one.line), hashlib.sha256(one.line).hexdigest(), verdict, by,
        )  # fmt: skip
