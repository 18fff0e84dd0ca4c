"""An organisation's policy, asked about single sightings: new ones by name, kept ones by pseudonym."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.grammars.values import lower
from detector.identity import References, pseudonym
from detector.match import Actor, ActorKind
from detector.policy import EMPTY, Act, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from detector.audit.identities import Devices
    from detector.findings import Attributed, Judge
    from detector.identity import People
    from detector.match import Attribution, Sighting
    from detector.policy import Policy, Ruling
    from detector.signatures import Ruleset

_FIRST, _LAST = -(1 << 62), 1 << 62


class Aliases:
    """Names that a policy or a list of cases uses for people of the directory: accounts and mail addresses.

    A policy may name somebody by any of their names: what is seen under another one is theirs too, at that time.
    """

    def __init__(self, names: Iterable[str], people: People | None) -> None:
        self._spans: dict[str, list[tuple[int, int, str]]] = {}
        self._people: dict[str, set[str]] = {}
        if people is None:
            return
        for entry in people.entries:
            self._people.setdefault(lower(entry.id), set()).add(entry.id)
        for name in sorted(names):
            for tenure in (people.account(name), people.mailbox(name)):
                for since, until, holders in tenure.spans(_FIRST, _LAST):
                    for one in holders:
                        self._spans.setdefault(one.id, []).append((since, until, lower(name)))
                        self._people.setdefault(lower(name), set()).add(one.id)

    def of(self, person: str, at: int | None) -> frozenset[str]:
        """The names of a person at an instant; at an unknown one none."""
        spans = self._spans.get(person)
        if spans is None or at is None:
            return frozenset()
        return frozenset(name for since, until, name in spans if since <= at < until)

    def people(self, name: str) -> frozenset[str]:
        """Ids of everybody who ever had a name, or whose id it is."""
        return frozenset(self._people.get(lower(name), ()))


def judge_of(
    policy: Policy,
    ruleset: Ruleset,
    people: People | None = None,
    references: References | None = None,
    devices: Devices | None = None,
) -> Judge | None:
    """What a policy says of sightings; ``None`` where it says nothing.

    Args:
        policy: the organisation's decisions.
        ruleset: whose services they are about.
        people: the directory, for those whom the policy names by another name than logs do.
        references: which case somebody worked on when.
        devices: which machine had an address, for those whom the policy names by their machines.
    """
    if policy is EMPTY:
        return None
    categories = {one.id: one.category for one in ruleset.signatures}
    cases = references or References()
    aliases = Aliases(policy.people | cases.people, people)
    device = devices if policy.devices else None

    def judge(sighting: Sighting, attribution: Attribution) -> Ruling:
        actor, at = attribution.actor, sighting.at
        told = (actor.name, sighting.account, sighting.mailbox, sighting.address)
        known = frozenset(lower(name) for name in told if name)
        if actor.kind is ActorKind.PERSON:
            known |= aliases.of(actor.name, at)
        return policy.judge(
            Act(
                service=sighting.service,
                category=categories[sighting.service],
                stage=sighting.stage,
                at=at,
                denied=sighting.denied,
                host=sighting.host,
                reference=cases.of(known, at),
                indicator=sighting.indicator,
            ),
            Subject(known, attribution.unit, device(sighting.address, at) if device is not None else ""),
        )

    return judge


def named_of(policy: Policy, people: People | None) -> Policy:
    """The same policy, in which people are also named by the ids that the directory gives to them."""
    if people is None:
        return policy
    aliases = Aliases(policy.people, people)
    return policy.pseudonymised(lambda name: frozenset({name, *map(lower, aliases.people(name))}))


def hidden_of(policy: Policy, key: bytes, people: People | None = None) -> Policy:
    """The same policy over pseudonyms, as a store has them.

    A store has forgotten who used which account: whom the policy names by an account or address is found as such, and
    as everybody who ever had it.

    Args:
        policy: the organisation's decisions.
        key: of the pseudonyms.
        people: the directory, for those whom the policy names by another name than the store does.
    """
    aliases = Aliases(policy.people, people)

    def translated(name: str) -> frozenset[str]:
        persons = (Actor(ActorKind.PERSON, person) for person in aliases.people(name))
        others = (Actor(kind, name) for kind in ActorKind)
        return frozenset(pseudonym(actor, key) for actor in (*persons, *others))

    return policy.pseudonymised(translated)


def rejudge_of(hidden: Policy, ruleset: Ruleset) -> Callable[[Attributed], Ruling]:
    """What a policy says of sightings that a store keeps. Case references and devices are not known there.

    What was found within an approval that names devices was on one of them: it is so again.

    Args:
        hidden: the policy over pseudonyms.
        ruleset: whose services it is about; those of others are unreviewed.
    """
    categories = {one.id: one.category for one in ruleset.signatures}
    devices = {one.id: min(one.group.hosts) for one in hidden.approvals if one.group.hosts}

    def judge(one: Attributed) -> Ruling:
        act = Act(
            service=one.service,
            category=categories.get(one.service, ""),
            stage=one.stage,
            at=one.at,
            denied=one.denied,
            host=one.host,
            indicator=one.indicator,
        )
        return hidden.judge(act, Subject(frozenset({one.actor.name}), one.unit, devices.get(one.ruling, "")))

    return judge
