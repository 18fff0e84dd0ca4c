"""What a part of a stream gave, kept in one transaction: sightings, alerts, coverage, counts, and how far was read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from detector.coverage import Unread, hours_of, kinds_of
from detector.daemon.canaries import PLANTED, fact_of
from detector.findings import changes
from detector.identity import pseudonym
from detector.match import Actor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from detector.daemon.increments import Part
    from detector.findings import Attributed, Telling
    from detector.scan import ScanResult
    from detector.signatures import Ruleset
    from detector.store import Batch


class Kept(NamedTuple):
    """What was new.

    Attributes:
        sightings: that were not known before.
        alerts: put into the outbox.
    """

    sightings: int = 0
    alerts: int = 0


@dataclass(frozen=True, slots=True)
class Keeper:
    """How what was read is kept.

    Attributes:
        source: the source's name.
        ruleset: names and categories of services.
        key: of the pseudonyms.
        telling: how much alerts may tell.
        tells_names: alerts hold names.
        sinks: names of the ways out.
        seal: keeps the names behind new pseudonyms for the custodians.
        canary: told when a planted look-up came through.
    """

    source: str
    ruleset: Ruleset
    key: bytes
    telling: Telling
    tells_names: bool
    sinks: tuple[str, ...]
    seal: Callable[[Batch, Sequence[tuple[str, Actor]]], None]
    canary: Callable[[int], None]

    def keep(self, batch: Batch, part: Part, sightings: Iterable[Attributed], now: int) -> Kept:
        """Keep a part: all of this is one transaction with whatever else the caller keeps in it."""
        kept = self.add(batch, sightings, now)
        result, kind = part.result, part.log_format.kind
        for watched in kinds_of(part.state.kinds, kind) or (kind,):
            batch.cover(hours_of(self.source, watched, result.spans.parts, result.counts))
        self._count(batch, result)
        for refused in result.refused:
            batch.refuse(part.state.id, refused.offset, refused.length, refused.sha256, refused.reason)
        for gap in result.gaps:
            batch.gap(Unread(self.source, gap.path, result.spans.last, None, gap.reason))
        batch.save_stream(part.state)
        return kept

    def add(self, batch: Batch, sightings: Iterable[Attributed], now: int) -> Kept:
        """Keep sightings under pseudonyms, and what is to be told about them."""
        actors: dict[Actor, str] = {}
        rows = []
        planted = []
        for one in sightings:
            if one.service == PLANTED:
                planted.append(now if one.at is None else min(one.at, now))
                continue
            name = actors.setdefault(one.actor, pseudonym(one.actor, self.key))
            rows.append(one._replace(actor=Actor(one.actor.kind, name)))
        if planted:
            batch.note(fact_of(self.source), str(max(planted)))
            self.canary(max(planted))
        new = batch.add(rows)
        if not new:
            return Kept()
        fresh = {one.actor.name for one in new}
        self.seal(batch, [(name, actor) for actor, name in actors.items() if name in fresh])
        telling = self.telling
        if self.tells_names:
            names = {name: actor.name for actor, name in actors.items()}
            telling = replace(telling, name_of=lambda actor: names[actor.name])
        alerts = changes(self.ruleset, batch.known, new, now, telling)
        batch.enqueue(alerts, self.sinks)
        return Kept(len(new), len(alerts))

    def _count(self, batch: Batch, result: ScanResult) -> None:
        counts = result.counts
        batch.count(
            self.source,
            parsed=counts.parsed,
            filtered=counts.filtered,
            unparsed=counts.unparsed,
            oversize=counts.oversize,
            bytes_read=counts.bytes,
            newest_at=result.spans.last,
        )
