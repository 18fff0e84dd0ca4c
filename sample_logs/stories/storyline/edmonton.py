"""``edmonton``: three investigators of one unit, invited one by another; one of them returns after the order.

One site: Squid without logins, Unbound, Microsoft 365. Only leases and logins tell who had an address, and on 19
January the network is renumbered; at one machine of dispatch two people are logged in. An outside colleague invites the
first officer in December 2019, he invites two of his unit; one looks in once, one uses it in January. On 28 February
use is ordered to cease.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from storyline import policies, service
from storyline.answers import Statement, Told
from storyline.clock import DAY, SECOND, at
from storyline.decisions import Decisions
from storyline.events import Mail, Proof
from storyline.mailers import MESSAGE_TRACE
from storyline.proxies import SQUID
from storyline.resolvers import UNBOUND
from storyline.scene import Scene, hidden, set_up, site_of

if TYPE_CHECKING:
    from storyline.people import Person
    from storyline.story import Story

START, END = at("2019-11-24"), at("2020-03-22")
RENUMBERED = at("2020-01-19")
ORDER = at("2020-02-28 21:00:00")
BLOCKED = at("2020-03-03")
ASKED = "2020-02-21"
UNITS = {"auto theft": 9, "homicide": 8, "patrol": 26, "dispatch": 9, "records": 6}
OUTSIDER = "u7007@neighbour-police.example"


def story() -> Story:
    """The whole archive: who was invited first, who looked in, who used it."""
    scene = set_up("edmonton", (START, END), UNITS)
    devices = (
        (SQUID, "squid/access.log-{}.gz"), (UNBOUND, "unbound/unbound-{}.log.gz"),
        (MESSAGE_TRACE, "m365/message_trace-{}.csv.gz"),
    )  # fmt: skip
    site = site_of(scene, "hq", *devices)
    site.has_users = False
    host, guest = scene.members("dispatch", 2)
    site.desks = replace(site.desks, renumbered_at=RENUMBERED, shared={host.id: guest.id})
    first, glance, user = scene.members("auto theft", 3)
    _first(scene, first)
    _glance(scene, first, glance)
    _use(scene, first, user)
    _press(scene, [first, glance, user])
    seen = at("2020-02-27 20:15:00")
    scene.browse(
        host, service.tunnelled(seen, host, service.PUBLIC), service.tunnelled(seen + SECOND, host, service.PUBLIC)
    )
    scene.ordinary(80, 60, 18)
    others = [person for person in scene.people if person not in (first, glance, user)]
    said = (
        Statement(first.id, "I used it", ASKED),
        Statement(glance.id, "I never used it", ASKED),
        Statement(user.id, "I tried it", ASKED),
        *(Statement(person.id, "I never used it", ASKED) for person in scene.dice.sample(others, 5)),
    )
    order = policies.order("cease-use", ORDER, ("stop",), "All use has ceased.")
    papers = {"policy.yml": policies.RESTRICTED + order, "statements.csv": policies.statements(said)}
    return scene.story(Told(Decisions(order=ORDER), statements=said), papers)


def _first(scene: Scene, officer: Person) -> None:
    """Heard of it at a conference, invited from outside, short looks; comes back after the order."""
    scene.invite(OUTSIDER, officer, at("2019-12-09 15:31:00"))
    begun = at("2019-12-10 16:02:00")
    scene.sign_up(officer, begun)
    scene.tunnel(officer, begun, 2)
    scene.tunnel(officer, at("2019-12-12 19:40:00"), 3)
    scene.receive(officer, begun + 27 * DAY, service.EXPIRING, "signed_up")
    scene.tunnel(officer, at("2020-02-11 14:15:00"), 4)
    scene.tunnel(officer, at("2020-03-02 18:22:00"), 2, 4, 7, 9, 12)


def _glance(scene: Scene, inviter: Person, officer: Person) -> None:
    """Signed up, looked in once."""
    scene.invite(inviter, officer, at("2019-12-13 17:05:00"))
    begun = at("2019-12-16 14:48:00")
    scene.sign_up(officer, begun)
    scene.tunnel(officer, begun, 1)


def _use(scene: Scene, inviter: Person, officer: Person) -> None:
    """Got the first officer's invitation from him, used it in a file of January; an attempt after the order fails."""
    subject = service.INVITED_BY.format(inviter=OUTSIDER)
    scene.forward(inviter, officer, at("2020-01-06 20:30:00"), subject)
    begun = at("2020-01-07 16:20:00")
    scene.sign_up(officer, begun)
    scene.tunnel(officer, begun, 2)
    scene.tunnel(officer, at("2020-01-14 15:05:00"), 1, 3, 6, 9, 13, 15)
    scene.tunnel(officer, at("2020-01-23 18:05:00"), 2, 5, 8, 11)
    refused = replace(hidden(officer, at("2020-03-04 15:10:00")), status=403, proof=Proof("resolved", denied=True))
    scene.browse(officer, refused, replace(refused, at=refused.at + 20 * SECOND))


def _press(scene: Scene, officers: list[Person]) -> None:
    """News, the vendor's advertising, the order to everybody: mail about the service that shows no use."""
    mail = scene.sites["hq"].mail
    for number, person in enumerate(scene.dice.sample(scene.people, 14)):
        scene.receive(person, at("2020-01-23 15:02:00") + number * SECOND, service.ADVERTISED, "solicited")
        news = Mail(at("2020-02-27 12:30:00"), "desk@dispatchweekly.example", (person.mailbox,), "Clearview AI hacked")
        mail.add(news)
    others = [person for person in scene.people if person not in officers]
    for person in scene.dice.sample(others, 6):
        instant = at("2020-02-27 15:00:00") + scene.dice.randrange(300) * 60 * SECOND
        scene.browse(person, service.tunnelled(instant, person, service.PUBLIC))
    mail.add(Mail(at("2020-02-27 19:00:00"), officers[1].mailbox, (officers[2].mailbox,), "FW: Clearview AI hacked"))
    scene.announce(ORDER, "chief@service.example", "Order: cease all use of Clearview AI")
