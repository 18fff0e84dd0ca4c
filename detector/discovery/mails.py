"""Sign-up-like mail from senders that no signature names: verification, welcome, trial, by the shared subject lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detector.events import Action, Col, Stage
from detector.grammars.values import lower
from detector.match import Actor, ActorKind
from detector.match.mail import sender_domain
from detector.signatures.patterns import PatternSet
from detector.signatures.suffixes import registered

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.discovery.leaving import Leaving
    from detector.events import EventBatch
    from detector.signatures import Ruleset

_DAY = 86_400_000_000


@dataclass(slots=True)
class Mailing:
    """The sign-up mail of one domain.

    Attributes:
        mailboxes: that got it.
        days: since the epoch.
        first: microseconds since the epoch, ``None`` where no line tells.
        last: as ``first``.
        formats: names of the logs' formats.
    """

    mailboxes: set[Actor] = field(default_factory=set)
    days: set[int] = field(default_factory=set)
    first: int | None = None
    last: int | None = None
    formats: set[str] = field(default_factory=set)

    def merge(self, other: Mailing) -> None:
        """Take another part in."""
        self.mailboxes |= other.mailboxes
        self.days |= other.days
        self.formats |= other.formats
        self.first = min((at for at in (self.first, other.first) if at is not None), default=None)
        self.last = max((at for at in (self.last, other.last) if at is not None), default=None)


@dataclass(slots=True)
class Mails:
    """Sign-up mail by the sender's registrable domain."""

    domains: dict[str, Mailing] = field(default_factory=dict)

    def merge(self, other: Mails) -> None:
        """Take another part in."""
        for domain, mailing in other.domains.items():
            self.domains.setdefault(domain, Mailing()).merge(mailing)


class SignUps:
    """Tells sign-up mail of unknown senders; mail of a platform that many services share names nobody."""

    def __init__(self, ruleset: Ruleset, leaving: Leaving) -> None:
        self._leaving = leaving
        self._platforms = frozenset(registered(domain) for domain in ruleset.mail_platforms)
        self._kinds = [(kind.stage, PatternSet(kind.subjects)) for kind in ruleset.mail_kinds]  # all in one: too large

    def is_sign_up(self, subject: object) -> bool:
        """Whether a subject line is one of a sign-up; the first shared kind that is found decides."""
        if not isinstance(subject, str):
            return False
        return next((stage for stage, kind in self._kinds if kind.matching(subject)), None) is Stage.SIGNED_UP

    def keys(self, batch: EventBatch) -> set[str]:
        """Transactions of a joining format that hold such a subject line."""
        pairs = zip(batch.column(Col.TRANSACTION), batch.column(Col.SUBJECT), strict=True)
        return {str(key) for key, subject in pairs if key is not None and self.is_sign_up(subject)}

    def of(self, batch: EventBatch, covers: Callable[[int | None], bool]) -> Mails:
        """The sign-up mail among some events."""
        found = Mails()
        for index, subject in enumerate(batch.column(Col.SUBJECT)):
            if not self.is_sign_up(subject):
                continue
            at, to = batch.column(Col.AT)[index], batch.column(Col.TO)[index]
            when = at if isinstance(at, int) else None
            domain = self._sender(batch, index)
            if domain is None or not covers(when) or not isinstance(to, list):
                continue
            mailboxes = {Actor(ActorKind.MAILBOX, lower(one)) for one in to}
            days = set() if when is None else {when // _DAY}
            found.domains.setdefault(domain, Mailing()).merge(Mailing(mailboxes, days, when, when, {batch.dataset}))
        return found

    def _sender(self, batch: EventBatch, index: int) -> str | None:
        """The unknown domain that an incoming mail is from; ``None`` where header and envelope disagree."""
        direction, said, action, header, envelope = (
            str(batch.column(name)[index] or "")
            for name in (Col.DIRECTION, Col.AUTHENTICATION, Col.ACTION, Col.FROM, Col.SENDER)
        )
        if direction in ("outbound", "internal") or said == "fail" or action == Action.DENIED:
            return None
        senders = [registered(sender_domain(one)) for one in (header, envelope) if one]
        if not senders or senders[0] in self._platforms:
            return None
        if said != "pass" and any(one != senders[0] and one not in self._platforms for one in senders[1:]):
            return None
        return self._leaving.news(senders[0]) if senders[0] else None
