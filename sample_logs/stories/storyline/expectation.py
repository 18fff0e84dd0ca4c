"""What an audit must find, told from what the stories planted; no detector is asked.

Rules: an event belongs to the account that was logged in at the proxy, or at the workstation by the logs of leases and
logins (lower case), else to the address; a mail to each mailbox. A finding's stage is the highest on the ladder;
without one, the last of those beside it. Five requests, or ten minutes between the first and the last, to the product
itself on one day (UTC) are probably a use. With the directory at hand all of these are the person who had them then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from storyline.clock import DAY, MINUTE, iso
from storyline.events import Lookup, Mail, Web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from storyline.desks import Desks
    from storyline.events import Event, Proof
    from storyline.layout import Log
    from storyline.people import Person

SERVICE = "clearview-ai"
LADDER = ("resolved", "visited", "signed_up", "signed_in", "used", "uploaded")
BESIDE = ("solicited", "invited", "guest_viewed", "contacted", "paid", "closed")
HIGH = LADDER[LADDER.index("signed_up") :]
USED_REQUESTS = 5
USED_MINUTES = 10

Actor: TypeAlias = tuple[str, str]
"""Id and kind."""
Key: TypeAlias = tuple[str, Actor]
"""Service and actor."""


@dataclass(slots=True)
class Planted:
    """What was planted for one actor.

    Attributes:
        proofs: instant and proof of each sighting.
        product: by day, instants of requests to the product itself that were not refused.
    """

    proofs: list[tuple[int, Proof]] = field(default_factory=list)
    product: dict[int, list[int]] = field(default_factory=dict)

    def add(self, instant: int, proof: Proof) -> None:
        """Note one sighting."""
        self.proofs.append((instant, proof))
        if proof.opaque and not proof.denied:
            self.product.setdefault(instant // DAY, []).append(instant)

    def reached(self) -> tuple[str, str]:
        """Stage and confidence."""
        stages = {proof.stage for _, proof in self.proofs}
        stage = max(stages, key=(*BESIDE, *LADDER).index)
        if stage in LADDER[: LADDER.index("used")] and any(map(_is_use, self.product.values())):
            return "used", "probable"
        sure = any(proof.stage == stage and proof.confidence == "confirmed" for _, proof in self.proofs)
        return stage, "confirmed" if sure else "probable"


class Owners:
    """Whose an event is: by what the log names, or by who had it then."""

    def __init__(self, people: Sequence[Person], desks: Sequence[Desks]) -> None:
        self._people = {name: one for one in people for name in (one.id, one.mailbox)}
        self._desks = desks

    def named(self, event: Event) -> Iterator[Actor]:
        """The actors that the log's line names, an address by whoever had logged in there."""
        if isinstance(event, Mail):
            for mailbox in (event.sender,) if event.outbound else event.recipients:
                yield mailbox.lower(), "mailbox"
        elif isinstance(event, Web) and event.user:
            yield event.user.lower(), "account"
        elif isinstance(event, Web | Lookup):
            person = self._seated(event)
            is_there = person is not None and person.is_valid(event.at)
            yield (person.id, "account") if person and is_there else (self._moved(event).address, "address")

    def known(self, event: Event) -> Iterator[Actor]:
        """The people behind them, where the directory tells."""
        for actor in self.named(event):
            person = self._people.get(actor[0])
            is_known = person is not None and person.is_valid(event.at)
            yield (person.id, "person") if person is not None and is_known else actor

    def _moved(self, event: Event) -> Event:
        for desks in self._desks:
            event = desks.moved(event)
        return event

    def _seated(self, event: Event) -> Person | None:
        found = (desks.seated(event.address) for desks in self._desks)
        return next((person for person in found if person is not None), None)


def planted(logs: Iterable[Log], actors: Callable[[Event], Iterable[Actor]]) -> dict[Key, Planted]:
    """What was planted, by service and actor."""
    found: dict[Key, Planted] = {}
    for log in logs:
        for event in log.events:
            if event.proof is not None:
                for actor in actors(event):
                    key = event.proof.service, actor
                    found.setdefault(key, Planted()).add(log.layout.seen_at(event), event.proof)
    return dict(sorted(found.items()))


def finding(key: Key, one: Planted) -> dict[str, object]:
    """One row of the report."""
    service, actor = key
    stage, confidence = one.reached()
    instants = [instant for instant, _ in one.proofs]
    denied = [proof.denied for _, proof in one.proofs]
    return {
        "service": service,
        "actor": {"id": actor[0], "kind": actor[1]},
        "stage": stage,
        "confidence": confidence,
        "first_seen": iso(min(instants)),
        "last_seen": iso(max(instants)),
        "days": len({instant // DAY for instant, refused in zip(instants, denied, strict=True) if not refused}),
        "sightings": len(instants),
        "denied": sum(denied),
    }


def with_accounts(people: dict[Key, Planted]) -> dict[str, Planted]:
    """Who reached the stage of an account at the service that the stories are about, by id."""
    return {
        actor[0]: one
        for (service, actor), one in people.items()
        if service == SERVICE and one.reached()[0] in HIGH
    }  # fmt: skip


def _is_use(instants: Sequence[int]) -> bool:
    return len(instants) >= USED_REQUESTS or max(instants) - min(instants) >= USED_MINUTES * MINUTE
