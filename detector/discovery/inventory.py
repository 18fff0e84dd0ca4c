"""What a first look gives: unknown domains in the window, with the few people who asked for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from detector.discovery.mails import Mails

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.match import Actor


@dataclass(frozen=True, slots=True)
class Window:
    """What counts: from ``since`` on, before ``until``; what lies before ``since`` only shows that a domain is old."""

    since: int | None = None
    until: int | None = None

    def covers(self, at: int | None) -> bool:
        """Whether an instant lies in the window; an unknown one does."""
        return at is None or ((self.since is None or at >= self.since) and (self.until is None or at < self.until))

    def is_before(self, at: int | None) -> bool:
        """Whether an instant lies before the window."""
        return at is not None and self.since is not None and at < self.since


class Place(StrEnum):
    """Where a chunk lies: before the window, inside, behind it, or where the window begins or ends."""

    BEFORE = "before"
    INSIDE = "inside"
    BEHIND = "behind"
    BORDER = "border"


@dataclass(slots=True)
class Presence:
    """A domain in the window that few people asked for.

    Attributes:
        people: who asked for it.
        lines: that name it.
    """

    people: set[Actor] = field(default_factory=set)
    lines: int = 0


@dataclass(slots=True)
class Inventory:
    """What a first look gives; merging is associative and commutative.

    Attributes:
        domains: in the window, asked for by few people.
        many: domains in the window that more people asked for than are of interest.
        old: domains that were asked for before the window.
        people: all in the window.
        mails: sign-up mail by the sender's domain.
        keys: of a joining format: transactions whose subject looks like a sign-up.
    """

    domains: dict[str, Presence] = field(default_factory=dict)
    many: set[str] = field(default_factory=set)
    old: set[str] = field(default_factory=set)
    people: set[Actor] = field(default_factory=set)
    mails: Mails = field(default_factory=Mails)
    keys: set[str] = field(default_factory=set)

    def note(self, domain: str, people: Iterable[Actor], limit: int, lines: int = 1) -> None:
        """Note lines of some people in the window."""
        if domain in self.many:
            return
        presence = self.domains.get(domain)
        if presence is None:
            presence = self.domains[domain] = Presence()
        presence.lines += lines
        presence.people.update(people)
        if len(presence.people) > limit:
            self.note_many({domain})

    def note_many(self, domains: set[str]) -> None:
        """Note domains of many people."""
        self.many |= domains
        for domain in domains & self.domains.keys():
            del self.domains[domain]

    def merge(self, other: Inventory, limit: int) -> None:
        """Take another part in."""
        self.note_many(other.many)
        for domain, presence in other.domains.items():
            self.note(domain, presence.people, limit, presence.lines)
        self.old |= other.old
        self.people |= other.people
        self.mails.merge(other.mails)
        self.keys |= other.keys
