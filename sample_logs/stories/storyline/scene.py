"""A story while it is being written: the devices of an organisation, who sits where, and what only its author knows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

from storyline import background, service
from storyline.clock import MINUTE, SECOND, iso
from storyline.desks import Desks, days_between
from storyline.events import Mail
from storyline.layout import Log
from storyline.leases import ISC_DHCPD, WINDOWS_DHCP, WINDOWS_SECURITY
from storyline.people import Person, crew
from storyline.story import Story, weekly

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storyline.answers import Told
    from storyline.events import Web
    from storyline.layout import Layout


@dataclass(frozen=True, slots=True)
class Edge:
    """An invitation that was followed: who invited whom.

    Attributes:
        inviter: person id, or the mail address of an outsider.
        invitee: person id.
        at: milliseconds since the epoch.
        by: ``invitation`` (the service's mail names the inviter) or ``forward`` (a colleague forwarded one).
    """

    inviter: str
    invitee: str
    at: int
    by: str


@dataclass(slots=True)
class Site:
    """The devices of one site.

    Attributes:
        proxy: its proxy, or sensor.
        resolver: its resolver.
        mail: the mail system of the people there.
        desks: who sits where.
        leases: what its DHCP server writes.
        is_opened: whether the proxy sees into TLS.
        has_users: whether people log in at the proxy.
        checks_senders: whether the mail system tells how authentication ended.
    """

    proxy: Log
    resolver: Log
    mail: Log
    desks: Desks
    leases: Log
    is_opened: bool = False
    has_users: bool = True
    checks_senders: bool = False

    @property
    def logs(self) -> tuple[Log, ...]:
        """Everything that it writes."""
        return self.proxy, self.resolver, self.mail, self.leases


@dataclass(slots=True)
class Scene:
    """Everything that is being written."""

    name: str
    start: int
    end: int
    dice: Random
    people: list[Person]
    sites: dict[str, Site]
    logins: Log
    edges: list[Edge] = field(default_factory=list)

    def members(self, unit: str, count: int) -> list[Person]:
        """Some people of a unit."""
        return self.dice.sample([person for person in self.people if person.unit == unit], count)

    def browse(self, person: Person, *requests: Web, early: int = SECOND) -> None:
        """Let a person's workstation ask for the host, then request."""
        site, first = self.sites[person.site], requests[0]
        site.resolver.add(*service.resolved(first.at - early, person, first.host))
        site.proxy.add(*(request if site.has_users else replace(request, user="") for request in requests))

    def tunnel(self, person: Person, instant: int, *minutes: int) -> None:
        """A session with the product whose content is hidden: requests at some minutes after an instant."""
        self.browse(person, *(hidden(person, instant + minute * MINUTE) for minute in (0, *minutes)))

    def receive(self, person: Person, instant: int, subject: str, stage: str) -> None:
        """Let a person get one of the service's mails."""
        site = self.sites[person.site]
        verdict = "pass" if site.checks_senders else ""
        site.mail.add(service.mail(instant, person.mailbox, subject, stage, verdict=verdict))

    def sign_up(self, person: Person, instant: int, *later: tuple[int, str]) -> None:
        """The mails of a new account: verify, welcome, and others some minutes later."""
        mails = ((2, service.VERIFY), (9, service.WELCOME), *later)
        for minutes, subject in mails:
            self.receive(person, instant + minutes * MINUTE, subject, "signed_up")

    def invite(self, inviter: Person | str, person: Person, instant: int) -> None:
        """The service invites somebody in somebody's name."""
        who, address = (inviter, inviter) if isinstance(inviter, str) else (inviter.id, inviter.mailbox)
        self.receive(person, instant, service.INVITED_BY.format(inviter=address), "invited")
        self.edges.append(Edge(who, person.id, instant, "invitation"))

    def forward(self, inviter: Person, person: Person, instant: int, subject: str) -> None:
        """A colleague sends on what the service has sent him."""
        self.sites[person.site].mail.add(Mail(instant, inviter.mailbox, (person.mailbox,), f"FW: {subject}"))
        self.edges.append(Edge(inviter.id, person.id, instant, "forward"))

    def announce(self, instant: int, sender: str, subject: str) -> None:
        """The same mail to everybody."""
        for person in self.people:
            self.sites[person.site].mail.add(Mail(instant, sender, (person.mailbox,), subject))

    def ordinary(self, requests: int, lookups: int, mails: int, minutes: int = 30) -> None:
        """Everybody's everyday traffic at each site, leases, logins, and what machines do by themselves."""
        days = days_between(self.start, self.end)
        for site in self.sites.values():
            people = site.desks.people
            web = background.requests(self.dice, people, days, requests, opened=site.is_opened)
            site.proxy.add(*(one if site.has_users or one.status == 407 else replace(one, user="") for one in web))
            site.resolver.add(*background.lookups(self.dice, people, days, lookups))
            site.mail.add(*background.mails(self.dice, people, days, mails))
            background.beat(range(self.start, self.end, minutes * MINUTE), site.proxy, site.resolver, site.mail)
            site.leases.add(*site.desks.leases(self.dice, days))
            self.logins.add(*site.desks.logins(self.dice, days))

    def story(self, told: Told, documents: Mapping[str, str]) -> Story:
        """The story, with the edges of the scene."""
        logs = [log for site in self.sites.values() for log in site.logs]
        desks = tuple(site.desks for site in self.sites.values())
        return Story(
            self.name, self.people, [*logs, self.logins], desks, replace(told, edges=edges_told(self.edges)), documents
        )


def set_up(
    name: str, window: tuple[int, int], units: Mapping[str, int], field: frozenset[str] = frozenset(), *, weeks: int = 1
) -> Scene:
    """People and logins; the sites come after."""
    dice, (start, end) = Random(name), window
    logins = Log(WINDOWS_SECURITY, weekly(start, end, "logins/dc1-security-{}.csv.gz", weeks))
    return Scene(name, start, end, dice, crew(dice, units, field), {}, logins)


def site_of(scene: Scene, place: str, *devices: tuple[Layout, str], weeks: int = 1) -> Site:
    """One site: its proxy, resolver and mail system with the names of their files, and a DHCP server of its own."""
    layouts, names = zip(*devices, strict=True)
    cuts = [weekly(scene.start, scene.end, name, weeks) for name in names]
    proxy, resolver, mail = (Log(layout, cut) for layout, cut in zip(layouts, cuts, strict=True))
    people = [person for person in scene.people if person.site == place]
    dhcp, name = (ISC_DHCPD, "dhcp/dhcpd-{}.log.gz") if place == "hq" else (WINDOWS_DHCP, "dhcp/DhcpSrvLog-{}.log.gz")
    site = Site(proxy, resolver, mail, Desks(people), Log(dhcp, weekly(scene.start, scene.end, name, weeks)))
    scene.sites[place] = site
    return site


def hidden(person: Person, instant: int) -> Web:
    """A request to the product whose content is hidden."""
    return service.tunnelled(instant, person, service.PRODUCT, sent=1_400, user=person.id)


def edges_told(edges: list[Edge]) -> list[dict[str, str]]:
    """Edges as ``expected.json`` holds them."""
    ordered = sorted(edges, key=lambda edge: (edge.at, edge.invitee))
    return [{"inviter": one.inviter, "invitee": one.invitee, "at": iso(one.at), "by": one.by} for one in ordered]
