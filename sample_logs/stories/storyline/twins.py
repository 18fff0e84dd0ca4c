"""The negative twins: stories that look like use and are none, so that nobody in them is found to have an account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from storyline import background, policies, service, traps
from storyline.answers import Told
from storyline.clock import DAY, MINUTE, SECOND, at, office_hours, workdays
from storyline.decisions import Decisions
from storyline.desks import Desks
from storyline.events import Lookup, Mail, Proof, Web
from storyline.layout import Log
from storyline.leases import ISC_DHCPD, WINDOWS_SECURITY
from storyline.mailers import EXCHANGE, MESSAGE_TRACE, POSTFIX
from storyline.people import Person, staff
from storyline.proxies import PROXYSG, SQUID
from storyline.resolvers import BIND, DNSMASQ, UNBOUND, WINDOWS_DNS
from storyline.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storyline.layout import Layout

START, END = at("2020-02-10"), at("2020-03-02")
SCANNER = "10.20.1.25"
"""The mail system's scanner, which opens links by itself."""
_DAYS = range(START, END, DAY)


@dataclass(slots=True)
class Scene:
    """One negative story while it is being written."""

    name: str
    dice: Random
    people: list[Person]
    proxy: Log
    resolver: Log
    mail: Log
    more: tuple[Log, ...] = ()

    def told(self, *, opened: bool) -> Story:
        """The story with everybody's everyday traffic around it."""
        self.proxy.add(*background.requests(self.dice, self.people, _DAYS, 60, opened=opened))
        self.resolver.add(*background.lookups(self.dice, self.people, _DAYS, 40))
        self.mail.add(*background.mails(self.dice, self.people, _DAYS, 14))
        background.beat(range(START, END, 50 * MINUTE), self.proxy, self.resolver, self.mail)
        logs = [self.proxy, self.resolver, self.mail, *self.more, *self._occupancy(desks := Desks(self.people))]
        told = Told(Decisions("unreviewed", observers=frozenset({SCANNER})))
        return Story(self.name, self.people, logs, (desks,), told, {"policy.yml": policies.UNDECIDED})

    def _occupancy(self, desks: Desks) -> tuple[Log, Log]:
        """Who had which address, and who had logged in: drawn apart, so that nothing else changes with it."""
        dice = Random(f"{self.name} desks")
        leases = _log(ISC_DHCPD, "dhcp/dhcpd-20200302.log.xz")
        logins = _log(WINDOWS_SECURITY, "logins/dc1-security-20200302.csv.xz")
        leases.add(*desks.leases(dice, _DAYS))
        logins.add(*desks.logins(dice, _DAYS))
        return leases, logins


def _scene(name: str, proxy: Log, resolver: Log, mail: Log, *more: Log) -> Scene:
    dice = Random(name)
    return Scene(name, dice, staff(dice), proxy, resolver, mail, more)


def _log(layout: Layout, name: str) -> Log:
    return Log(layout, [(START, END, name)])


def _visits_only() -> Story:
    """People read the news and the vendor's public page: often, long, with a form and its attachment."""
    scene = _scene(
        "visits-only",
        _log(PROXYSG, "proxysg/SG_main_20200302.log"),
        _log(BIND, "bind/query.log"),
        _log(MESSAGE_TRACE, "m365/message_trace.csv"),
    )
    for number, person in enumerate(scene.dice.sample(scene.people, 24)):
        for day in sorted(scene.dice.sample(workdays("2020-02-18", "2020-02-28"), 1 + number % 3)):
            instant = office_hours(scene.dice, day)
            scene.resolver.add(*service.resolved(instant - SECOND, person, service.PUBLIC))
            scene.proxy.add(*_public_pages(instant, person, number))
    for number, person in enumerate(scene.people[:40]):
        news = Mail(
            at("2020-02-27 12:00:00") + number * SECOND,
            "desk@dispatchweekly.example",
            (person.mailbox,),
            "Clearview AI in the news",
        )
        scene.mail.add(news)
    return scene.told(opened=True)


def _public_pages(instant: int, person: Person, number: int) -> Iterator[Web]:
    """Pages of the public site: hidden, opened, a whole quarter of an hour, a form with a large attachment."""
    page = service.tunnelled(instant, person, service.PUBLIC, user=person.id)
    yield page
    for step in range(1, 7 if number % 4 == 0 else 1):
        yield replace(page, at=instant + step * 150 * SECOND)
    if number % 3 == 0:
        yield replace(page, at=instant + 20 * SECOND, path="/blog/our-technology?ref=clearview.ai", method="GET")
    if number == 6:
        yield replace(page, at=instant + 90 * SECOND, path="/contact", method="POST", sent=184_220)
    if number == 7:
        yield replace(page, at=instant + 60 * SECOND, user="")
    if number == 8:
        yield replace(
            page, at=instant + 2 * MINUTE, host="clearview.ai", path="/", method="GET", scheme="http", status=301
        )


def _advertised() -> Story:
    """Bulk advertising reaches 200 people at two mail systems; scanners resolve its links, five people follow them."""
    checked = _log(POSTFIX, "postfix/maillog-20200302.gz")
    scene = _scene(
        "advertised",
        _log(SQUID, "squid/access.log"),
        _log(WINDOWS_DNS, "dns/dns.log"),
        _log(EXCHANGE, "exchange/MSGTRK20200302-1.LOG"),
        checked,
    )
    addressees = scene.dice.sample(scene.people, 200)
    for number, person in enumerate(addressees):
        house, verdict = (scene.mail, "") if number < 120 else (checked, "pass")
        for wave in range(1 + number % 3):
            instant = at("2020-02-12 15:00:00") + wave * 6 * DAY + number * 400
            house.add(service.mail(instant, person.mailbox, traps.ADVERTISING[wave], "solicited", verdict=verdict))
    _followed(scene, addressees)
    return scene.told(opened=False)


def _followed(scene: Scene, addressees: Sequence[Person]) -> None:
    """Five people open the link, the mail system's scanner resolves it in each wave, two people want no more of it."""
    for person in addressees[:5]:
        instant = at("2020-02-12 15:30:00") + scene.dice.randrange(60) * MINUTE
        scene.resolver.add(*service.resolved(instant - SECOND, person, service.PUBLIC))
        scene.proxy.add(service.tunnelled(instant, person, service.PUBLIC, user=person.id))
    scanner = replace(scene.people[0], address=SCANNER)
    for wave in range(3):
        scene.resolver.add(*service.resolved(at("2020-02-12 15:00:03") + wave * 6 * DAY, scanner, service.PUBLIC))
    for person in addressees[:2]:
        sent, proof = at("2020-02-13 14:12:00"), Proof("contacted")
        vendor = ("info@clearview.ai",)
        scene.mail.add(Mail(sent, person.mailbox, vendor, "Unsubscribe", outbound=True, proof=proof))


def _lookalikes() -> Story:
    """Names that resemble the service's, and mail that claims to be from it and failed authentication."""
    active = _log(WINDOWS_DNS, "dns/dns.log")
    exchange, trace = _log(EXCHANGE, "exchange/MSGTRK20200302-1.LOG"), _log(MESSAGE_TRACE, "m365/message_trace.csv")
    scene = _scene(
        "lookalikes",
        _log(SQUID, "squid/access.log"),
        _log(UNBOUND, "unbound/unbound.log"),
        _log(POSTFIX, "postfix/maillog-20200302.gz"),
        active, exchange, trace,
    )  # fmt: skip
    for number, host in enumerate((*traps.NAMES, *traps.NAMES)):
        person, instant = scene.dice.choice(scene.people), _some_time(scene)
        (scene.resolver if number % 2 else active).add(Lookup(instant, person.address, host.rpartition("@")[2]))
        scene.proxy.add(*(replace(_tunnel(person, host), at=instant + step * 3 * MINUTE) for step in range(1, 7)))
    for question in traps.QUESTIONS:
        scene.resolver.add(Lookup(_some_time(scene), scene.dice.choice(scene.people).address, question))
    for host, path in traps.PLACES:
        person = scene.dice.choice(scene.people)
        web = replace(_tunnel(person, host), at=_some_time(scene), path=path, method="GET", scheme="http")
        scene.proxy.add(web, replace(web, at=web.at + MINUTE, method="POST"))
    for number, (sender, author, verdict, subject) in enumerate(traps.FORGED):  # at the head of the log
        to = (scene.dice.choice(scene.people).mailbox,)
        scene.mail.add(Mail(START + number * MINUTE, sender, to, subject, author, verdict))
    for number, subject in enumerate((service.VERIFY, service.WELCOME, service.ENDED, service.INVITED)):
        _stopped(scene, exchange, trace, subject, "quarantined" if number % 2 else "spam")
    _eyewear(scene, exchange, trace)
    return scene.told(opened=False)


def _stopped(scene: Scene, exchange: Log, trace: Log, subject: str, status: str) -> None:
    """A forged mail that the filter kept back: the service is named in the log, nobody got anything."""
    for house in (exchange, trace):
        to = (scene.dice.choice(scene.people).mailbox,)
        proof = Proof("solicited", "probable", denied=True)
        house.add(Mail(_some_time(scene), "no-reply@clearview.ai", to, subject, status=status, proof=proof))


def _eyewear(scene: Scene, exchange: Log, trace: Log) -> None:
    """An eyewear chain writes to its customers."""
    for number, subject in enumerate(
        ("Welcome to Clearview", "Verify your email address", "Your Clearview order 20311")
    ):
        for house in (exchange, trace):
            to = tuple(person.mailbox for person in scene.people[number * 5 : number * 5 + 3])
            house.add(Mail(_some_time(scene), "orders@clearview-eyewear.example", to, subject))


def _shared_infra() -> Story:
    """Delivery networks, object stores, status pages, mail platforms: many services share them."""
    scene = _scene(
        "shared-infra",
        _log(PROXYSG, "proxysg/SG_main_20200302.log"),
        _log(DNSMASQ, "dnsmasq/pihole.log-20200302.gz"),
        _log(POSTFIX, "postfix/maillog-20200302.gz"),
    )
    for _ in range(220):
        person, instant = scene.dice.choice(scene.people), _some_time(scene)
        host, path = scene.dice.choice(traps.SHARED)
        web = Web(instant, person.address, host, person.id, sent=scene.dice.randrange(400, 200_000))
        scene.resolver.add(Lookup(instant - SECOND, person.address, host))
        scene.proxy.add(
            web, replace(web, at=instant + SECOND, path=path, method="POST" if web.sent > 90_000 else "GET")
        )
    for number, (sender, subject) in enumerate(traps.PLATFORM_MAIL * 4):
        to = (scene.dice.choice(scene.people).mailbox,)
        scene.mail.add(Mail(_some_time(scene) + number, sender, to, subject, verdict="pass"))
    return scene.told(opened=True)


def _some_time(scene: Scene) -> int:
    return office_hours(scene.dice, scene.dice.choice(workdays("2020-02-10", "2020-02-28")))


def _tunnel(person: Person, host: str) -> Web:
    return Web(START, person.address, host, person.id, received=31_900)


STORIES = (_visits_only, _advertised, _lookalikes, _shared_infra)
"""All negative twins."""
