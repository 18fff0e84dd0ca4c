"""The verdict on one act of one subject, as of the act's own time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from detector.events import Stage
from detector.policy.decisions import Group, is_below
from detector.policy.words import Ruling, Status, Verdict, is_use

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.policy.decisions import Approval, Entry, Mute, Order, Tenant
    from detector.policy.words import Act, Subject

OBSERVED = "observers"
"""What decided where a subject is an observer."""

MUTED = "mutes"
"""What decided where an indicator is muted."""

_UNREVIEWED = Ruling(Verdict.UNREVIEWED, "", "nobody has decided about the service")
_OBSERVER = Ruling(Verdict.APPROVED, OBSERVED, "an observer's event is no use")
_MUTE = Ruling(Verdict.APPROVED, MUTED, "the indicator is muted")


class _Rules(NamedTuple):
    """What of a policy is about one service."""

    orders: tuple[Order, ...]
    approvals: tuple[Approval, ...]
    tenants: tuple[Tenant, ...]
    entry: Entry | None
    default: Status


@dataclass(frozen=True, slots=True)
class Policy:
    """All decisions of one organisation.

    An act is judged by what was in force at its own time: a later approval changes nothing about earlier use, an
    approval that has ended or was revoked still covers what was done while it counted. The first line that fits wins:

    ==============================================================  =====================================
    case                                                            verdict
    ==============================================================  =====================================
    the subject is an observer, or the indicator is muted then      approved (and counted apart)
    use, an order binds the subject, its grace period is over, and  after-order
    neither an approval given after the order nor a later status
    ``approved`` allows it
    within an approval                                              approved
    use within an approval that needs a case reference, none known  needs-reference
    status ``approved``, and no foreign tenant                      approved
    refused, advertising, an invitation, a deletion, a letter       unreviewed
    another customer's part of a service with tenants               unapproved
    status ``prohibited`` or ``restricted``                         unapproved
    status ``unreviewed`` or ``under-review``, but an approval for  unapproved
    the service or its category had begun: it was decided that
    only others may
    status ``unreviewed`` or ``under-review``                       unreviewed
    ==============================================================  =====================================

    Within an approval means: in its time, by its unit, people or devices, not above its stage, in no foreign tenant.
    What is not known (a unit, a time) is never within. ``prohibited`` differs from ``restricted``: an approval must
    name the service itself, one for its category does not lift the prohibition. A look-up alone is no use: it never
    breaches an order and needs no reference.

    Attributes:
        digest: of the content, empty for no policy.
        approvals: sorted by id.
        orders: sorted by their instants.
        entries: what is said about services, by id.
        defaults: statuses by category.
        observers: whose events are no use.
        tenants: whose hosts name a customer.
        mutes: indicators that are known to be wrong here.
    """

    digest: str = ""
    approvals: tuple[Approval, ...] = ()
    orders: tuple[Order, ...] = ()
    entries: tuple[Entry, ...] = ()
    defaults: tuple[tuple[str, Status], ...] = ()
    observers: tuple[Group, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    mutes: tuple[Mute, ...] = ()
    _rules: dict[tuple[str, str], _Rules] = field(default_factory=dict, init=False, repr=False, compare=False)

    def judge(self, act: Act, subject: Subject) -> Ruling:
        """The ruling on an act, see the table above."""
        if self.observers and self.is_observer(subject):
            return _OBSERVER
        if self.mutes and self.is_muted(act.indicator, act.at):
            return _MUTE
        rules = self._rules_for(act.service, act.category)
        used = is_use(act.stage, denied=act.denied)
        orders = [one for one in rules.orders if one.is_in_force_at(act.at) and one.binds(subject)] if used else []
        ordered_at = max((one.effective for one in orders), default=None)
        if allowed := _allowed(rules, act, subject, ordered_at, is_used=used):
            return allowed
        if orders:
            return Ruling(Verdict.AFTER_ORDER, orders[0].id, "used after the grace period of an order to cease use")
        if not used and (act.denied or act.stage is not Stage.RESOLVED):
            return Ruling(Verdict.UNREVIEWED, "", "an attempt, or mail that somebody got: no use")
        return _refused(rules, act)

    def is_observer(self, subject: Subject) -> bool:
        """Whether a subject's events are no use: security staff, sandboxes, mail gateways."""
        return any(group.holds(subject) for group in self.observers)

    def is_muted(self, indicator: str, at: int | None) -> bool:
        """Whether an indicator is muted at an instant; at an unknown one it is not."""
        return at is not None and any(one.indicator == indicator and at < one.until for one in self.mutes)

    def orders_for(self, service: str, category: str) -> tuple[Order, ...]:
        """The orders about a service, earliest first."""
        return self._rules_for(service, category).orders

    def approvals_for(self, service: str, category: str) -> tuple[Approval, ...]:
        """The approvals that can allow the use of a service, by id."""
        return self._rules_for(service, category).approvals

    def status_of(self, service: str, category: str) -> Status:
        """What was decided last about a service: by its own entry, else by the closest category, else nothing."""
        rules = self._rules_for(service, category)
        return rules.entry.status if rules.entry else rules.default

    @property
    def people(self) -> frozenset[str]:
        """Everybody whom it names: person ids, accounts, mail addresses."""
        return frozenset[str]().union(*(group.people for group in self._groups()))

    @property
    def devices(self) -> frozenset[str]:
        """Every device that it names."""
        return frozenset[str]().union(*(group.hosts for group in self._groups()))

    def _groups(self) -> tuple[Group, ...]:
        return (*(one.group for one in self.approvals), *(one.addressees for one in self.orders), *self.observers)

    def entry_of(self, service: str) -> Entry | None:
        """What is said about a service, ``None`` for nothing."""
        return next((one for one in self.entries if one.service == service), None)

    def pseudonymised(self, translate: Callable[[str], frozenset[str]]) -> Policy:
        """The same policy over pseudonyms, to judge again what a store holds.

        Args:
            translate: all pseudonyms that a person id, account, mail address or device may have.
        """
        return replace(
            self,
            approvals=tuple(one._replace(group=_pseudonymised(one.group, translate)) for one in self.approvals),
            orders=tuple(one._replace(addressees=_pseudonymised(one.addressees, translate)) for one in self.orders),
            observers=tuple(_pseudonymised(one, translate) for one in self.observers),
        )

    def _rules_for(self, service: str, category: str) -> _Rules:
        rules = self._rules.get((service, category))
        if rules is None:
            rules = self._rules[service, category] = self._selected(service, category)
        return rules

    def _selected(self, service: str, category: str) -> _Rules:
        fitting = [(len(parent), status) for parent, status in self.defaults if is_below(category, parent)]
        default = max(fitting, default=(0, Status.UNREVIEWED), key=lambda one: one[0])[1]
        return _Rules(
            orders=tuple(one for one in self.orders if one.scope.covers(service, category)),
            approvals=tuple(one for one in self.approvals if one.scope.covers(service, category)),
            tenants=tuple(one for one in self.tenants if one.service == service),
            entry=self.entry_of(service),
            default=default,
        )


EMPTY = Policy()
"""No decisions: every verdict is ``unreviewed``."""


def _status_at(rules: _Rules, at: int | None) -> Status:
    entry = rules.entry
    if entry is None or (entry.since is not None and (at is None or at < entry.since)):
        return rules.default
    return entry.status


def _is_foreign(rules: _Rules, act: Act) -> bool:
    return any(one.is_foreign(act.host) for one in rules.tenants)


def _allowed(rules: _Rules, act: Act, subject: Subject, ordered_at: int | None, *, is_used: bool) -> Ruling | None:
    """What allows an act in spite of an order, ``None`` for nothing; an approval without conditions goes first."""
    if _is_foreign(rules, act):
        return None
    status = _status_at(rules, act.at)
    missing: Approval | None = None
    for one in rules.approvals:
        if (ordered_at is not None and one.given <= ordered_at) or not one.allows(act, subject):
            continue
        if status is Status.PROHIBITED and act.service not in one.scope.services:
            continue
        if not (one.needs_reference and is_used and not act.reference):
            return Ruling(Verdict.APPROVED, one.id, "within an approval")
        missing = missing or one
    if status is Status.APPROVED:
        since = rules.entry.since if rules.entry else None
        if ordered_at is None or (since is not None and since > ordered_at):
            return Ruling(Verdict.APPROVED, "", "the service is approved")
    if missing:
        return Ruling(Verdict.NEEDS_REFERENCE, missing.id, "within an approval, but no case reference is known")
    return None


def _refused(rules: _Rules, act: Act) -> Ruling:
    if _is_foreign(rules, act):
        return Ruling(Verdict.UNAPPROVED, "", "another customer's part of the service")
    status = _status_at(rules, act.at)
    if status in (Status.PROHIBITED, Status.RESTRICTED):
        return Ruling(Verdict.UNAPPROVED, "", f"the service is {status.value}, and no approval allows it")
    if act.at is not None and any(one.valid_from <= act.at for one in rules.approvals):
        return Ruling(Verdict.UNAPPROVED, "", "outside of the approvals that there are for the service")
    return _UNREVIEWED


def _pseudonymised(group: Group, translate: Callable[[str], frozenset[str]]) -> Group:
    people = frozenset[str]().union(*map(translate, group.people))
    return Group(group.units, people, group.hosts.union(*map(translate, group.hosts)))
