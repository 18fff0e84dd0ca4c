"""The register of technologies that regulators ask for: facts, decisions and use of each service in one row.

Facts come from signatures, decisions from the policy, use from findings. Nobody is named: people are counted, units are
written out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from detector.events import Stage
from detector.policy import Duty, Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from detector.policy import Approval, Order, Policy
    from detector.signatures import Signature


class Found(NamedTuple):
    """One finding, as far as a register counts it.

    Attributes:
        service: the service's id.
        actor: who, by name or pseudonym: only counted.
        units: organisational units.
        stage: the highest that was reached.
        verdict: what the policy says.
        first: earliest sighting, ``None`` where unknown.
        last: latest sighting.
        days: calendar days with a sighting that was not denied.
        sightings: all of them.
        denied: refused attempts.
        bytes_sent: to the service.
        sources: logs that hold the sightings.
    """

    service: str
    actor: str
    units: tuple[str, ...]
    stage: Stage
    verdict: Verdict
    first: int | None
    last: int | None
    days: int
    sightings: int
    denied: int
    bytes_sent: int
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """What was seen of one service: what, when, how, who, how long, with which result.

    Attributes:
        what: (stage, actors whose highest it is), highest first.
        first: earliest sighting, ``None`` where unknown.
        last: latest sighting.
        sightings: all of them.
        denied: refused attempts.
        bytes_sent: to the service.
        sources: logs that hold the sightings.
        actors: how many people, accounts, mailboxes and addresses.
        units: organisational units.
        actor_days: days of all actors, added up.
        result: (verdict, actors), heaviest first.
    """

    what: tuple[tuple[Stage, int], ...]
    first: int | None
    last: int | None
    sightings: int
    denied: int
    bytes_sent: int
    sources: int
    actors: int
    units: tuple[str, ...]
    actor_days: int
    result: tuple[tuple[Verdict, int], ...]


@dataclass(frozen=True, slots=True)
class Technology:
    """One row of the register.

    Attributes:
        service: the service's id.
        name: of the service, empty without a signature.
        vendor: who makes it.
        vendor_country: where the vendor sits.
        data_location: where data is kept.
        category: of the service.
        description: public facts.
        risks: what a reviewer weighs.
        status: what the organisation has decided.
        since: from when on that counts, ``None`` for ever.
        owner: who answers for it.
        purpose: what it is used for; without an entry the purposes of its approvals.
        information: what it collects.
        mitigations: what limits the risk.
        retention: how long information is kept.
        assessment: reference of the assessment.
        approvals: about the service, by id.
        orders: about the service, earliest first.
        usage: what was seen, ``None`` where no findings were given or none is about the service.
    """

    service: str
    name: str
    vendor: str
    vendor_country: str
    data_location: str
    category: str
    description: str
    risks: tuple[str, ...]
    status: Status
    since: int | None
    owner: str
    purpose: str
    information: tuple[str, ...]
    mitigations: tuple[str, ...]
    retention: str
    assessment: str
    approvals: tuple[Approval, ...]
    orders: tuple[Order, ...]
    usage: Usage | None

    def authorised(self, now: int) -> str:
        """Who may use it at an instant, nobody by name."""
        stopped = [one for one in self.orders if one.is_in_force_at(now) and Duty.STOP in one.duties]
        valid = [
            _users(one)
            for one in self.approvals
            if one.is_valid_at(now) and all(one.given > order.effective for order in stopped)
        ]
        if self.status is Status.APPROVED and not stopped:
            return "everybody"
        return "; ".join(dict.fromkeys(valid)) or "nobody"

    @property
    def lacking(self) -> tuple[str, ...]:
        """What the register needs for a service that is allowed to somebody or under review, and nobody has written."""
        is_needed = self.status in (Status.APPROVED, Status.RESTRICTED, Status.UNDER_REVIEW)
        written = {
            "purpose": self.purpose,
            "information": self.information,
            "mitigations": self.mitigations,
            "assessment": self.assessment,
        }
        return tuple(name for name, value in written.items() if is_needed and not value)


def register(
    signatures: Mapping[str, Signature], policy: Policy, found: Iterable[Found], *, everything: bool = False
) -> tuple[Technology, ...]:
    """The register, sorted by category and id.

    Args:
        signatures: by id.
        policy: the organisation's decisions.
        found: findings of an audit or of the store.
        everything: every service there is a signature of, not only those that were decided about or seen.
    """
    usage: dict[str, list[Found]] = {}
    for one in found:
        usage.setdefault(one.service, []).append(one)
    named = {one.service for one in policy.entries} | usage.keys()
    for scope in (*(one.scope for one in policy.approvals), *(one.scope for one in policy.orders)):
        named |= scope.services
    services = named | (signatures.keys() if everything else set())
    rows = [_technology(service, signatures.get(service), policy, usage.get(service, [])) for service in services]
    return tuple(sorted(rows, key=lambda row: (row.category, row.service)))


def _technology(service: str, signature: Signature | None, policy: Policy, found: Sequence[Found]) -> Technology:
    category = signature.category if signature else ""
    entry = policy.entry_of(service)
    approvals = policy.approvals_for(service, category)
    purposes = dict.fromkeys(purpose for approval in approvals for purpose in approval.purposes)
    return Technology(
        service=service,
        name=signature.name if signature else "",
        vendor=signature.vendor if signature else "",
        vendor_country=signature.vendor_country if signature else "",
        data_location=signature.data_location if signature else "",
        category=category,
        description=signature.description if signature else "",
        risks=signature.risk_factors if signature else (),
        status=policy.status_of(service, category),
        since=entry.since if entry else None,
        owner=entry.owner if entry else "",
        purpose=(entry.purpose if entry else "") or "; ".join(purposes),
        information=entry.information if entry else (),
        mitigations=entry.mitigations if entry else (),
        retention=entry.retention if entry else "",
        assessment=entry.assessment if entry else "",
        approvals=approvals,
        orders=policy.orders_for(service, category),
        usage=_usage(found) if found else None,
    )


def _usage(found: Sequence[Found]) -> Usage:
    stages = Counter(one.stage for one in found)
    verdicts = Counter(one.verdict for one in found)
    return Usage(
        what=tuple(sorted(stages.items(), key=lambda item: item[0].rank)),
        first=min((one.first for one in found if one.first is not None), default=None),
        last=max((one.last for one in found if one.last is not None), default=None),
        sightings=sum(one.sightings for one in found),
        denied=sum(one.denied for one in found),
        bytes_sent=sum(one.bytes_sent for one in found),
        sources=len({source for one in found for source in one.sources}),
        actors=len({one.actor for one in found}),
        units=tuple(sorted({unit for one in found for unit in one.units})),
        actor_days=sum(one.days for one in found),
        result=tuple(sorted(verdicts.items(), key=lambda item: -item[0].weight)),
    )


def _users(approval: Approval) -> str:
    """Who an approval is for: units by name, people and devices as numbers."""
    group = approval.group
    parts = [*(f"unit {unit}" for unit in sorted(group.units))]
    if group.people:
        parts.append(f"{len(group.people)} {'person' if len(group.people) == 1 else 'people'} by name")
    who = ", ".join(parts) or "anybody"
    if group.hosts:
        who += f" on {len(group.hosts)} {'device' if len(group.hosts) == 1 else 'devices'}"
    return f"{who}, with the reference of a case" if approval.needs_reference else who
