"""``opp``: nine members of four units used a free trial for weeks; the answer lies in 120 days of archived logs.

Headquarters has Squid (nothing opened), Unbound, Postfix; the eastern site has ProxySG (opens TLS from 20 January
on), Windows DNS, Exchange. Invitations come in December and January, the press asks on 26 February, an internal review
follows, the order to discontinue comes on 4 March: no traffic with the service after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from storyline import background, policies, service
from storyline.answers import Told
from storyline.clock import DAY, MINUTE, SECOND, at, iso, office_hours, workdays
from storyline.decisions import Decisions
from storyline.desks import Desks, days_between
from storyline.events import Mail, Proof, Web
from storyline.layout import Log
from storyline.leases import ISC_DHCPD, WINDOWS_DHCP, WINDOWS_SECURITY
from storyline.mailers import EXCHANGE, POSTFIX
from storyline.people import Person, pick, staff
from storyline.proxies import PROXYSG, SQUID
from storyline.resolvers import UNBOUND, WINDOWS_DNS
from storyline.story import Story, weekly

if TYPE_CHECKING:
    from collections.abc import Sequence

SEED = "opp-2020"
START, END = at("2019-11-09"), at("2020-03-08")
OPENED_FROM = at("2020-01-20")
"""From here on the eastern proxy opens TLS."""
CHECKED_FROM = at("2020-02-01")
"""From here on the mail gateway of headquarters checks senders."""
ORDER = at("2020-03-04 14:00:00")


@dataclass(slots=True)
class Site:
    """The devices of one site."""

    proxy: Log
    resolver: Log
    mail: Log


@dataclass(slots=True)
class Archive:
    """Everything that is being written."""

    dice: Random
    people: list[Person]
    sites: dict[str, Site]

    def of(self, person: Person) -> Site:
        """The devices that a person's traffic passes."""
        return self.sites[person.site]

    def browse(self, person: Person, *requests: Web, early: int = SECOND) -> None:
        """Let a person's workstation ask for the host, then request."""
        first = requests[0]
        self.of(person).resolver.add(*service.resolved(first.at - early, person, first.host))
        if first.user and person.site == "hq":
            self.of(person).proxy.add(background.challenge(first))
        self.of(person).proxy.add(*requests)

    def receive(self, person: Person, instant: int, subject: str, stage: str) -> None:
        """Let a person get one of the service's mails."""
        if person.site == "east":
            written = service.mail(instant, person.mailbox.replace("u", "U", 1), subject, stage)
        else:
            verdict = "pass" if instant >= CHECKED_FROM else ""
            written = service.mail(instant, person.mailbox, subject, stage, verdict=verdict)
        greylisted = 7 * MINUTE if subject == service.INVITED else 0
        self.of(person).mail.add(replace(written, waited=greylisted))


def story() -> Story:
    """The whole archive."""
    dice = Random(SEED)
    people = staff(dice)
    archive = Archive(dice, people, _sites())
    members = _members(dice, people)
    for number, member in enumerate(members):
        _trial(archive, member, number)
    others = [person for person in people if person not in members]
    _visitors(archive, dice.sample(others, 14))
    _advertising(archive, dice.sample(people, 45))
    _review(archive, dice.choice([person for person in others if person.unit == "administration"]))
    _ordinary(archive)
    logs = [log for site in archive.sites.values() for log in (site.proxy, site.resolver, site.mail)]
    logs += _occupancy(archive, desks := Desks(people, unattended=frozenset({members[LABORATORY].id})))
    order = policies.order("discontinue", ORDER, ("stop",), "Use has been discontinued.")
    told = Told(Decisions(order=ORDER), edges=_invitations(logs))
    return Story("opp", people, logs, (desks,), told, {"policy.yml": policies.RESTRICTED + order})


def _sites() -> dict[str, Site]:
    def cut(name: str) -> list[tuple[int, int, str]]:
        return weekly(START, END, name)

    return {
        "hq": Site(
            Log(SQUID, cut("hq/squid/access.log-{}.gz")),
            Log(UNBOUND, cut("hq/unbound/unbound.log-{}.xz")),
            Log(POSTFIX, cut("hq/postfix/maillog-{}.gz")),
        ),
        "east": Site(
            Log(PROXYSG, cut("east/proxysg/SG_main_{}.log.gz")),
            Log(WINDOWS_DNS, cut("east/dns/dns-{}.log.gz")),
            Log(EXCHANGE, cut("east/exchange/MSGTRK{}-1.LOG.gz")),
        ),
    }


def _occupancy(archive: Archive, desks: Desks) -> list[Log]:
    """Who had which address, and who had logged in: drawn apart, so that nothing else changes with it."""
    dice, days = Random(f"{SEED} desks"), days_between(START, END)
    hq = Log(ISC_DHCPD, [(START, END, "hq/dhcp/dhcpd-20200308.log.xz")])
    east = Log(WINDOWS_DHCP, [(START, END, "east/dhcp/DhcpSrvLog-20200308.log.xz")])
    logins = Log(WINDOWS_SECURITY, [(START, END, "hq/logins/dc1-security-20200308.csv.xz")])
    sites = {person.address: person.site for person in archive.people}
    for lease in desks.leases(dice, days):
        (hq if sites[lease.address] == "hq" else east).add(lease)
    logins.add(*desks.logins(dice, days))
    return [hq, east, logins]


def _invitations(logs: Sequence[Log]) -> list[dict[str, str]]:
    """Who was invited when; the mails do not say by whom."""
    invited = [
        (log.layout.seen_at(event), event.recipients[0].lower().partition("@")[0])
        for log in logs
        for event in log.events
        if isinstance(event, Mail) and event.proof and event.proof.stage == "invited"
    ]
    edges = sorted(invited)
    return [{"inviter": "unknown", "invitee": one, "at": iso(instant), "by": "invitation"} for instant, one in edges]


def _members(dice: Random, people: Sequence[Person]) -> list[Person]:
    """Nine members of four units: five at headquarters, then four in the east."""
    places = (
        ("child exploitation", "hq"), ("child exploitation", "hq"), ("anti-trafficking", "hq"), ("cyber crime", "hq"),
        ("digital forensics", "hq"), ("child exploitation", "east"), ("anti-trafficking", "east"),
        ("cyber crime", "east"), ("digital forensics", "east"),
    )  # fmt: skip
    members: list[Person] = []
    for unit, site in places:
        members.append(pick(dice, [person for person in people if person not in members], unit, site))
    return members


def _trial(archive: Archive, member: Person, number: int) -> None:
    """Invitation, account, use, expiry of one member's trial."""
    dice = archive.dice
    use, first, last = _TRIALS[number]
    begun = office_hours(dice, dice.choice(workdays(first, last)))
    archive.receive(member, begun - 3 * DAY, service.INVITED, "invited")
    archive.receive(member, begun + 2 * MINUTE, service.VERIFY, "signed_up")
    archive.receive(member, begun + 9 * MINUTE, service.WELCOME, "signed_up")
    for days_after, subject in ((27, service.EXPIRING), (30, service.ENDED)):
        if begun + days_after * DAY < at("2020-03-03"):
            archive.receive(member, begun + days_after * DAY, subject, "signed_up")
    use(archive, member, begun)


def _days_after(archive: Archive, begun: int, count: int) -> list[int]:
    """Instants in office hours of some later workdays of a trial."""
    midnight = begun - begun % DAY
    days = [midnight + offset * DAY for offset in range(1, 30) if (midnight // DAY + offset + 3) % 7 < 5]
    return [office_hours(archive.dice, day) for day in sorted(archive.dice.sample(days, count))]


def _searches(archive: Archive, member: Person, begun: int) -> None:
    """Long sessions that the proxy cannot see into: probably a use, no more."""
    archive.browse(member, _tunnel(begun, member), _tunnel(begun + 3 * MINUTE, member))
    for instant in _days_after(archive, begun, archive.dice.randrange(5, 9)):
        steps = sorted(archive.dice.sample(range(1, 25), archive.dice.randrange(5, 10)))
        archive.browse(member, *(_tunnel(instant + step * MINUTE, member) for step in (0, *steps)))


def _glances(archive: Archive, member: Person, begun: int) -> None:
    """Short looks: the account visits, only the mail shows that it signed up."""
    for instant in (begun, *_days_after(archive, begun, 3)):
        archive.browse(member, _tunnel(instant, member), _tunnel(instant + 2 * MINUTE, member))


def _shared_machine(archive: Archive, member: Person, begun: int) -> None:
    """A laboratory machine where nobody logs in: an address, whose look-ups are no requests."""
    for instant in (begun, *_days_after(archive, begun, 4)):
        web = replace(_tunnel(instant, member), user="")
        archive.browse(member, web, replace(web, at=instant + MINUTE), early=40 * MINUTE)


def _photographs(archive: Archive, member: Person, begun: int) -> None:
    """Uploads: first told by size only, then, when the proxy opens TLS, by path."""
    for instant in (begun, *_days_after(archive, begun, 6)):
        size = archive.dice.randrange(60_000, 900_000)
        if instant < OPENED_FROM:
            archive.browse(member, _tunnel(instant, member), _tunnel(instant + MINUTE, member, sent=size))
        else:
            archive.browse(member, _tunnel(instant, member), *service.search(instant + MINUTE, member, size))


def _hidden(archive: Archive, member: Person, begun: int) -> None:
    """Two uploads, both before TLS was opened, under a user name in capitals."""
    for instant in (begun, begun + 6 * DAY):
        for later, sent in ((0, 2_100), (MINUTE, 187_400), (3 * MINUTE, 1_900)):
            web = _tunnel(instant + later, member, sent=sent)
            archive.browse(member, replace(web, user=member.id.upper()))


def _own_image(archive: Archive, member: Person, begun: int) -> None:
    """Signed up, entered one's own image, never came back."""
    archive.browse(member, _tunnel(begun, member), *service.sign_up(begun + SECOND, member))
    archive.browse(member, *service.search(begun + 12 * MINUTE, member, archive.dice.randrange(80_000, 400_000)))


_TRIALS = (
    (_searches, "2019-12-02", "2019-12-06"),
    (_searches, "2019-12-09", "2019-12-17"),
    (_searches, "2020-01-20", "2020-01-24"),
    (_glances, "2019-12-09", "2019-12-20"),
    (_shared_machine, "2020-01-06", "2020-01-17"),
    (_photographs, "2020-01-06", "2020-01-10"),
    (_hidden, "2019-12-09", "2020-01-10"),
    (_own_image, "2020-01-27", "2020-01-31"),
    (_own_image, "2020-01-27", "2020-02-07"),
)
"""How each member used the trial, and between which dates it began."""
LABORATORY = 4
"""Whose trial ran on a machine where nobody logs in."""


def _tunnel(instant: int, person: Person, *, sent: int = 1_400) -> Web:
    return service.tunnelled(instant, person, service.PRODUCT, sent=sent, user=person.id)


def _visitors(archive: Archive, visitors: Sequence[Person]) -> None:
    """Readers of the news who open the public page, once or on several days; one is refused, one never gets through."""
    dice = archive.dice
    for number, visitor in enumerate(visitors):
        for day in sorted(dice.sample(workdays("2020-01-20", "2020-03-02"), 1 + number % 3)):
            instant = office_hours(dice, day)
            page = service.tunnelled(instant, visitor, service.PUBLIC, user=visitor.id)
            if visitor.site == "east":
                page = replace(page, path="/", method="GET", sent=700)
            if number in (0, 1):
                page = replace(page, status=(403, 503)[number], proof=Proof("resolved", denied=True))
            pages = [
                replace(page, at=instant + step * 20 * SECOND) for step in range(8 if number == 2 else 1 + number % 4)
            ]
            archive.browse(visitor, *pages)


def _advertising(archive: Archive, addressees: Sequence[Person]) -> None:
    """The vendor's bulk mail."""
    sent = at("2020-01-23 15:02:00")
    for number, person in enumerate(addressees):
        archive.receive(person, sent + number * 700, service.ADVERTISED, "solicited")


def _review(archive: Archive, reviewer: Person) -> None:
    """The press asks, a reviewer asks the vendor, the order is sent: mail about the service that is not from it."""
    house = archive.of(reviewer).mail
    asked = at("2020-02-26 19:40:00")
    house.add(Mail(asked, "reporter@dispatchweekly.example", (reviewer.mailbox,), "Question: do you use Clearview AI?"))
    for hours, subject in ((1, "FW: Question: do you use Clearview AI?"), (20, "Internal review: Clearview AI")):
        to = tuple(person.mailbox for person in archive.people[:6])
        house.add(Mail(asked + hours * 60 * MINUTE, "office@neighbour-police.example", to, subject))
    letter = Mail(
        at("2020-03-02 15:10:00"), reviewer.mailbox, ("privacy@clearview.ai",), "Request for account information",
        outbound=True, proof=Proof("contacted"),
    )  # fmt: skip
    house.add(letter)
    archive.receive(reviewer, at("2020-03-03 16:21:00"), "RE: Request for account information", "contacted")
    for person in archive.people:
        direction = Mail(
            ORDER, "commissioner@service.example", (person.mailbox,), "Direction: discontinue Clearview AI"
        )
        archive.of(person).mail.add(direction)


def _ordinary(archive: Archive) -> None:
    """Everybody's everyday traffic, before and after the order."""
    days = range(START, END, DAY)
    for name, share in (("hq", 10), ("east", 4)):
        site, people = archive.sites[name], [person for person in archive.people if person.site == name]
        opened = name == "east"
        site.proxy.add(*background.requests(archive.dice, people, days, 28 * share, opened=opened))
        site.resolver.add(*background.lookups(archive.dice, people, days, 20 * share))
        site.mail.add(*background.mails(archive.dice, people, days, 3 * share))
        background.beat(range(START, END, 50 * MINUTE), site.proxy, site.resolver, site.mail)
