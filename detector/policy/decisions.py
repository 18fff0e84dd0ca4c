"""The decisions of a policy, as plain frozen values: instants are microseconds since the epoch, texts lower case."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from detector.policy.words import Status

if TYPE_CHECKING:
    from detector.events import Stage
    from detector.policy.words import Act, Subject


class Duty(StrEnum):
    """What an order asks for."""

    STOP = "stop"
    DELETE_ACCOUNT = "delete_account"
    NOTIFY = "notify"


class Group(NamedTuple):
    """People and devices.

    Attributes:
        units: organisational units.
        people: person ids, accounts, mail addresses.
        hosts: devices: names or addresses.
    """

    units: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether it names nobody and nothing."""
        return not (self.units or self.people or self.hosts)

    def holds(self, subject: Subject) -> bool:
        """Whether a subject is in it: by unit or by person, and, where devices are named too, on one of them.

        What is not known of the subject is not in it.
        """
        is_named = subject.unit.lower() in self.units or not self.people.isdisjoint(subject.ids)
        if (self.units or self.people) and not is_named:
            return False
        if self.hosts and subject.host.lower() not in self.hosts and self.hosts.isdisjoint(subject.ids):
            return False
        return not self.is_empty


class Scope(NamedTuple):
    """Services that a decision is about.

    Attributes:
        services: their ids.
        category: a category with everything below it, empty for none.
    """

    services: frozenset[str] = frozenset()
    category: str = ""

    def covers(self, service: str, category: str) -> bool:
        """Whether a service is meant.

        >>> Scope(category="facial-recognition").covers("x", "facial-recognition/search")
        True
        >>> Scope(category="facial").covers("x", "facial-recognition/search")
        False
        """
        return service in self.services or (bool(self.category) and is_below(category, self.category))


def is_below(category: str, parent: str) -> bool:
    """Whether a category is another one or below it."""
    return f"{category}/".startswith(f"{parent}/")


class Approval(NamedTuple):
    """Somebody may use something for a time.

    Attributes:
        id: unique in the policy.
        scope: what may be used.
        group: who may use it.
        purposes: what for; logs do not show it.
        needs_reference: whether each use needs the reference of a case.
        max_stage: the highest stage that is allowed, ``None`` for any.
        given: when it was given.
        valid_from: first instant at which it counts: what was done before it was given stays what it was.
        valid_until: first instant at which it no longer counts: its end, or when it was revoked.
        reference: of the document.
        approver: who gave it.
        statement: what may be said about it.
    """

    id: str
    scope: Scope
    group: Group
    purposes: tuple[str, ...]
    needs_reference: bool
    max_stage: Stage | None
    given: int
    valid_from: int
    valid_until: int
    reference: str
    approver: str
    statement: str

    def is_valid_at(self, at: int | None) -> bool:
        """Whether it counts at an instant; at an unknown one it does not."""
        return at is not None and self.valid_from <= at < self.valid_until

    def allows(self, act: Act, subject: Subject) -> bool:
        """Whether an act is within it, apart from a reference."""
        if not self.is_valid_at(act.at) or not self.group.holds(subject):
            return False
        return self.max_stage is None or act.stage.rung <= self.max_stage.rung


class Order(NamedTuple):
    """Use has to cease.

    Attributes:
        id: unique in the policy.
        scope: what may no longer be used.
        effective: when it was given.
        breach_from: first instant at which a use is a breach: behind the grace period.
        lifted: first instant at which it no longer counts, ``None`` when it stands.
        addressees: whom it binds; nobody named: everybody.
        duties: what it asks for.
        reference: of the document.
        statement: what may be said about it.
    """

    id: str
    scope: Scope
    effective: int
    breach_from: int
    lifted: int | None
    addressees: Group
    duties: tuple[Duty, ...]
    reference: str
    statement: str

    def binds(self, subject: Subject) -> bool:
        """Whether it was given to a subject."""
        return self.addressees.is_empty or self.addressees.holds(subject)

    def is_in_force_at(self, at: int | None) -> bool:
        """Whether a use at an instant is a breach; at an unknown one it cannot be said to be."""
        return at is not None and self.breach_from <= at and (self.lifted is None or at < self.lifted)


class Entry(NamedTuple):
    """What the organisation says about one service.

    Attributes:
        service: its id.
        status: what was decided.
        since: first instant at which the decision counts, ``None`` for ever.
        purpose: what it is used for.
        information: what it collects.
        mitigations: what limits the risk.
        assessment: reference of the assessment.
        owner: who answers for it.
        retention: how long information is kept.
    """

    service: str
    status: Status
    since: int | None = None
    purpose: str = ""
    information: tuple[str, ...] = ()
    mitigations: tuple[str, ...] = ()
    assessment: str = ""
    owner: str = ""
    retention: str = ""


class Tenant(NamedTuple):
    """Of a service whose host names name the customer, only the organisation's own may be used.

    Attributes:
        service: its id.
        domains: below which the first label is a customer: ``agency`` of ``agency.evidence.com``.
        own: the organisation's own labels.
        common: labels of everybody, such as ``www``.
    """

    service: str
    domains: tuple[str, ...]
    own: frozenset[str]
    common: frozenset[str]

    def is_foreign(self, host: str) -> bool:
        """Whether a host is another customer's.

        >>> Tenant("s", ("evidence.com",), frozenset({"own"}), frozenset({"www"})).is_foreign("other.evidence.com")
        True
        """
        for domain in self.domains:
            if host.endswith(f".{domain}"):
                label = host[: -len(domain) - 1].rpartition(".")[2]
                return label not in self.own and label not in self.common
        return False


class Mute(NamedTuple):
    """An indicator that is known to be wrong here for a time.

    Attributes:
        indicator: its id.
        reason: why.
        until: first instant whose sightings count again.
    """

    indicator: str
    reason: str
    until: int
