"""What an audit must find, told from what the stories planted; no detector is asked.

Rules: an event belongs to the account that was logged in (lower case), else to the address; a mail to each mailbox. A
finding's stage is the highest on the ladder; without one, the last of those beside it. Five requests, or ten minutes
between the first and the last, to the product itself on one day (UTC) are probably a use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from storyline.clock import DAY, MINUTE, iso
from storyline.events import Mail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from storyline.events import Event, Proof
    from storyline.layout import Log
    from storyline.people import Person

SERVICE = "clearview-ai"
LADDER = ("resolved", "visited", "signed_up", "signed_in", "used", "uploaded")
BESIDE = ("solicited", "invited", "guest_viewed", "contacted", "paid", "closed")
USED_REQUESTS = 5
USED_MINUTES = 10

Actor: TypeAlias = tuple[str, str]
"""Id and kind."""


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


def expected(logs: Sequence[Log], people: Sequence[Person], files: int) -> dict[str, object]:
    """The findings, who they are, and how many logs there are to read."""
    planted = dict(sorted(_planted(logs).items()))
    return {
        "files": files,
        "findings": [_finding(actor, one) for actor, one in planted.items()],
        "people_at_signed_up_or_above": sorted(_with_accounts(planted, people)),
    }


def _planted(logs: Iterable[Log]) -> dict[Actor, Planted]:
    planted: dict[Actor, Planted] = {}
    for log in logs:
        for event in log.events:
            if event.proof is not None:
                for actor in _actors(event):
                    planted.setdefault(actor, Planted()).add(log.layout.seen_at(event), event.proof)
    return planted


def _actors(event: Event) -> Iterator[Actor]:
    if isinstance(event, Mail):
        for mailbox in (event.sender,) if event.outbound else event.recipients:
            yield mailbox.lower(), "mailbox"
    elif user := getattr(event, "user", ""):
        yield user.lower(), "account"
    else:
        yield event.address, "address"


def _finding(actor: Actor, planted: Planted) -> dict[str, object]:
    stage, confidence = planted.reached()
    instants = [instant for instant, _ in planted.proofs]
    denied = [proof.denied for _, proof in planted.proofs]
    return {
        "service": SERVICE,
        "actor": {"id": actor[0], "kind": actor[1]},
        "stage": stage,
        "confidence": confidence,
        "first_seen": iso(min(instants)),
        "last_seen": iso(max(instants)),
        "days": len({instant // DAY for instant, refused in zip(instants, denied, strict=True) if not refused}),
        "sightings": len(instants),
        "denied": sum(denied),
    }


def _with_accounts(planted: dict[Actor, Planted], people: Sequence[Person]) -> set[str]:
    owners = {name: one.id for one in people for name in (one.id, one.address, one.mailbox)}
    high = LADDER[LADDER.index("signed_up") :]
    return {owners[name] for (name, _), one in planted.items() if one.reached()[0] in high}


def _is_use(instants: Sequence[int]) -> bool:
    return len(instants) >= USED_REQUESTS or max(instants) - min(instants) >= USED_MINUTES * MINUTE
