"""What a first look gives: unknown domains in the window, with the few people who asked for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from detector.discovery.mails import Mails

if TYPE_CHECKING:
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
    """A domain in the window.

    Attributes:
        people: who asked for it; ``None`` when they are too many to be of interest.
        lines: that name it, counted while its people are few.
    """

    people: set[Actor] | None = field(default_factory=set)
    lines: int = 0

    def add(self, people: set[Actor] | None, lines: int, limit: int) -> None:
        """Take others in."""
        self.lines += lines
        if self.people is not None:
            self.people = None if people is None else self.people | people
            if self.people is not None and len(self.people) > limit:
                self.people = None


@dataclass(slots=True)
class Inventory:
    """What a first look gives; merging is associative and commutative.

    Attributes:
        domains: in the window.
        old: domains that were asked for before the window.
        people: all in the window.
        mails: sign-up mail by the sender's domain.
        keys: of a joining format: transactions whose subject looks like a sign-up.
    """

    domains: dict[str, Presence] = field(default_factory=dict)
    old: set[str] = field(default_factory=set)
    people: set[Actor] = field(default_factory=set)
    mails: Mails = field(default_factory=Mails)
    keys: set[str] = field(default_factory=set)

    def note(self, domain: str, person: Actor | None, limit: int, lines: int = 1) -> bool:
        """Note lines of one person in the window; gives whether the domain's people are still few."""
        presence = self.domains.get(domain)
        if presence is None:
            presence = self.domains[domain] = Presence()
        presence.lines += lines
        if presence.people is not None and person is not None and person not in presence.people:
            presence.people.add(person)
            if len(presence.people) > limit:
                presence.people = None
        return presence.people is not None

    def merge(self, other: Inventory, limit: int) -> None:
        """Take another part in."""
        for domain, presence in other.domains.items():
            self.domains.setdefault(domain, Presence()).add(presence.people, presence.lines, limit)
        self.old |= other.old
        self.people |= other.people
        self.mails.merge(other.mails)
        self.keys |= other.keys
