"""Ordinary traffic of an office: many sites, delivery networks, vendors, mail; no service that is looked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from storyline.clock import MINUTE, SECOND, any_hour, is_workday
from storyline.events import Lookup, Mail, Web
from storyline.people import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from random import Random

    from storyline.layout import Log
    from storyline.people import Person

SITES = (
    "www.cbc.ca", "www.theglobeandmail.com", "www.thestar.com", "www.ctvnews.ca", "weather.gc.ca", "www.ontario.ca",
    "www.canada.ca", "laws-lois.justice.gc.ca", "www.canlii.org", "www.rcmp-grc.gc.ca", "511on.ca",
    "www.aircanada.com", "www.staples.ca", "www.canadiantire.ca", "www.timhortons.com", "www.viarail.ca",
    "www.cpic-portal.example", "roster.shiftplanner.example", "portal.fleetcare.example",
    "claims.benefits-north.example", "training.academy.example", "news.dispatchweekly.example",
    "forms.cityhall.example", "court-calendar.example", "maps.geodata.example", "radio.vendor-comms.example",
    "evidence.lockerware.example", "www.uniformsupply.example", "parts.cruiserworks.example",
    "timesheet.payworks-like.example", "lab.forensic-supplies.example", "www.visionplan.example",
    "www.clearwater-pools.example",
)  # fmt: skip
"""Hosts that people open."""
DELIVERY = (
    "fonts.gstatic.com", "fonts.googleapis.com", "ajax.googleapis.com", "cdn.jsdelivr.net", "code.jquery.com",
    "d2k7x0example.cloudfront.net", "d3p9q1example.cloudfront.net", "static-assets.s3.amazonaws.com",
    "img.akamaized.net", "outlook.office365.com", "login.microsoftonline.com", "settings-win.data.microsoft.com",
    "www.google-analytics.com", "sb.scorecardresearch.com", "tags.tiqcdn.com",
)  # fmt: skip
"""Hosts that pages and programs open by themselves."""
PLAIN = (
    "ctldl.windowsupdate.com", "ocsp.digicert.com", "crl.microsoft.com", "ocsp.pki.goog", "www.msftconnecttest.com",
)  # fmt: skip
"""Hosts that are still asked without TLS."""
SERVER = "10.20.1.10"
"""Address of a server that fetches updates."""
PATHS = (
    "/", "/index.html", "/news/local/council-votes-on-budget-1.54", "/search?q=winter+tires",
    "/api/v2/events?limit=50", "/news/2020/01/clearview-ai-police-app.html", "/search?q=clearview.ai",
    "/assets/app.3f2a.js", "/images/header.png", "/feed.xml", "/account/login?next=%2F",
    "/weather/ottawa?units=metric",
)  # fmt: skip
SENDERS = (
    "bulletin@cityhall.example", "noreply@shiftplanner.example", "billing@uniformsupply.example",
    "clerk@court-calendar.example", "desk@dispatchweekly.example", "alerts@geodata.example",
    "registrar@academy.example", "partner@neighbour-police.example", "service@fleetcare.example",
    "no-reply@benefits-north.example",
)  # fmt: skip
SUBJECTS = (
    "Shift changes for next week", "Agenda for Thursday", "Invoice 20-{n}", "Road closures on Highway 4{n}",
    "Course confirmation {n}", "Court schedule, room {n}", "Your vehicle is due for service", "Weekly bulletin",
    "RE: file {n}", "Claim {n} was received", "Verify your email address", "Welcome to the academy",
    "Your free trial of Shiftplanner ends soon",
)  # fmt: skip
"""Subjects of ordinary mail; some read like those of a service that is looked for, from other senders."""


def requests(dice: Random, people: Sequence[Person], days: Iterable[int], count: int, *, opened: bool) -> Iterator[Web]:
    """About ``count`` requests each workday, a quarter on other days."""
    for day in days:
        for _ in range(_busy(day, count)):
            person, instant = dice.choice(people), any_hour(dice, day)
            yield from _request(dice, person, instant, opened=opened)


def lookups(dice: Random, people: Sequence[Person], days: Iterable[int], count: int) -> Iterator[Lookup]:
    """About ``count`` questions each workday, a quarter on other days."""
    for day in days:
        for _ in range(_busy(day, count)):
            person, other = dice.choice(people), dice.choice(people)
            name = dice.choice((*SITES, *DELIVERY, *DELIVERY, *PLAIN, f"{other.host}.{DOMAIN}", f"dc1.{DOMAIN}"))
            yield Lookup(any_hour(dice, day), person.address, name, dice.choice(("A", "A", "A", "AAAA")))


def mails(dice: Random, people: Sequence[Person], days: Iterable[int], count: int) -> Iterator[Mail]:
    """About ``count`` mails each workday from outside and inside, a quarter on other days."""
    for day in days:
        for _ in range(_busy(day, count)):
            to = tuple(person.mailbox for person in dice.sample(list(people), dice.choice((1, 1, 1, 2))))
            subject = dice.choice(SUBJECTS).format(n=dice.randrange(100, 999))
            mail = Mail(any_hour(dice, day), dice.choice(SENDERS), to, subject)
            kind = dice.randrange(8)
            if kind == 0:
                yield Mail(
                    mail.at, dice.choice(people).mailbox, (dice.choice(SENDERS),), f"RE: {subject}", outbound=True
                )
            elif kind == 1:
                yield replace(mail, waited=dice.randrange(3, 12) * MINUTE)
            else:
                yield mail


def beat(instants: Iterable[int], proxy: Log, resolver: Log, mail: Log) -> None:
    """What machines do by themselves, day and night: a log that is silent for an hour has a hole."""
    to = (f"operations@{DOMAIN}",)
    for instant in instants:
        resolver.add(Lookup(instant, SERVER, PLAIN[0]))
        mail.add(Mail(instant + 9 * SECOND, "report@backup-vendor.example", to, "Backup report: complete"))
        web = Web(instant + SECOND, SERVER, PLAIN[0], "", "/msdownload/update", "GET", 200, 312, 4_406, "http")
        proxy.add(web, Web(instant + 2 * SECOND, SERVER, "outlook.office365.com", sent=2_204, received=9_120))


def challenge(web: Web) -> Web:
    """The proxy's question for a login that comes before a request: neither a use nor an attempt."""
    return replace(web, at=web.at - SECOND // 5, user="", status=407, sent=320, received=4_011, proof=None)


def _busy(day: int, count: int) -> int:
    return count if is_workday(day) else count // 4


def _request(dice: Random, person: Person, instant: int, *, opened: bool) -> Iterator[Web]:
    user = "" if dice.randrange(40) == 0 else person.id
    sent, received = dice.randrange(300, 4_000), dice.randrange(400, 90_000)
    kind = dice.randrange(20)
    if kind < 2:
        yield Web(instant, person.address, dice.choice(PLAIN), user, "/", "GET", 200, sent, received, "http")
        return
    web = Web(
        instant, person.address, dice.choice(SITES if kind < 12 else DELIVERY), user, sent=sent, received=received
    )
    if kind == 2 and user:
        yield challenge(web)
    if opened and kind < 15:
        upload = dice.randrange(30) == 0
        web = replace(
            web, path=dice.choice(PATHS), method="POST" if upload else "GET", sent=sent * (90 if upload else 1)
        )
    yield replace(web, status=403, received=3_921) if kind == 19 and dice.randrange(8) == 0 else web
