"""``calgary``: two officers tested the service, each for himself; the approved mugshot system raises nothing.

One site: ProxySG that opens TLS, Windows DNS, Exchange. The first officer had an access code of a conference, the
second an invitation of a colleague at another force; the second has since been seconded: his entry in the directory
has ended. An outside agency tells on 27 February, an audit confirms on the 28th, both are told to delete their
accounts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from storyline import policies, service
from storyline.answers import Told
from storyline.clock import DAY, MINUTE, SECOND, at, office_hours, workdays
from storyline.decisions import Decisions
from storyline.events import Mail, Proof, Web
from storyline.mailers import EXCHANGE
from storyline.proxies import PROXYSG
from storyline.resolvers import WINDOWS_DNS
from storyline.scene import Scene, set_up, site_of

if TYPE_CHECKING:
    from storyline.people import Person
    from storyline.story import Story

START, END = at("2019-12-29"), at("2020-03-22")
ORDER = at("2020-02-28 17:00:00")
DELETED = at("2020-03-02 16:41:00")
LEFT = "2020-02-17"
UNITS = {"identification": 8, "robbery": 8, "homicide": 8, "patrol": 30, "traffic": 12, "records": 6}
_PAGES = ("index.html", "face/index.html", "face/neoface.html", "support.html")


POLICY = """\
services:
  nec-neoface:
    status: restricted
    since: 2014-06-01
    purpose: comparing mugshots with mugshots
    information: [images of faces that the service itself has taken]
    mitigations: [trained examiners, audit log]
    assessment: privacy assessment of 2014
    owner: identification
approvals:
  - id: neoface-mugshots
    services: nec-neoface
    units: identification
    purposes: comparing mugshots
    valid_from: 2014-06-01
    valid_until: 2021-01-01
    reference: privacy assessment of 2014
    approver: chief
    statement: Mugshots are compared with mugshots by trained examiners.
"""
APPROVED = ("nec-neoface", "identification", at("2014-06-01"), at("2021-01-01"), False)


def story() -> Story:
    """The whole archive."""
    scene = set_up("calgary", (START, END), UNITS)
    devices = (
        (PROXYSG, "proxysg/SG_main_{}.log.gz"), (WINDOWS_DNS, "dns/dns-{}.log.gz"),
        (EXCHANGE, "exchange/MSGTRK{}-1.LOG.gz"),
    )  # fmt: skip
    site_of(scene, "hq", *devices).is_opened = True
    first, second = _officers(scene)
    _conference(scene, first)
    _colleague(scene, second)
    _mugshots(scene)
    _press(scene, (first, second))
    scene.ordinary(90, 60, 24)
    duties = ("stop", "delete_account")
    order = policies.order("delete-accounts", ORDER, duties, "Accounts are deleted, the service is not used.")
    told = Told(Decisions(order=ORDER, approved=(APPROVED,)), duties)
    return scene.story(told, {"policy.yml": policies.RESTRICTED + POLICY + order})


def _officers(scene: Scene) -> list[Person]:
    """One of each unit; the entry of the second ends when he leaves."""
    first, second = scene.members("robbery", 1)[0], scene.members("homicide", 1)[0]
    seconded = replace(second, until=LEFT)
    scene.people[scene.people.index(second)] = seconded
    desks = scene.sites["hq"].desks
    scene.sites["hq"].desks = replace(desks, people=list(scene.people))
    return [first, seconded]


def _conference(scene: Scene, officer: Person) -> None:
    """An access code from a conference leaves no invitation; two days of searches; the trial ends by itself."""
    begun = at("2020-01-14 15:20:10")
    scene.sign_up(officer, begun)
    scene.browse(officer, *service.sign_up(begun + SECOND, officer))
    for instant, size in ((begun + 14 * MINUTE, 214_500), (at("2020-01-22 19:02:30"), 96_300)):
        scene.browse(officer, *service.search(instant, officer, size))
    scene.receive(officer, begun + 27 * DAY, service.EXPIRING, "signed_up")
    scene.receive(officer, begun + 30 * DAY, service.ENDED, "signed_up")
    scene.receive(officer, DELETED, service.DELETED, "closed")


def _colleague(scene: Scene, officer: Person) -> None:
    """Somebody of another force invites; three days of searches before the officer leaves."""
    scene.invite("u7310@neighbour-police.example", officer, at("2020-01-20 20:11:00"))
    begun = at("2020-01-21 16:05:00")
    scene.sign_up(officer, begun)
    scene.browse(officer, *service.sign_up(begun + SECOND, officer))
    for instant in (begun + 11 * MINUTE, at("2020-01-29 18:30:00"), at("2020-02-05 14:12:00")):
        scene.browse(officer, *service.search(instant, officer, scene.dice.randrange(80_000, 300_000)))


def _mugshots(scene: Scene) -> None:
    """The vendor's pages of the approved mugshot system, read by those who work with it; the system itself is here."""
    for person in scene.members("identification", 5):
        for day in sorted(scene.dice.sample(workdays("2020-01-06", "2020-03-18"), 6)):
            instant = office_hours(scene.dice, day)
            path = f"/en/global/solutions/biometrics/{scene.dice.choice(_PAGES)}"
            own = Web(instant, person.address, "neoface.service.example", person.id, "/match", "POST", sent=310_000)
            proof = Proof("visited", service="nec-neoface")
            page = Web(instant + 9 * MINUTE, person.address, "www.nec.com", person.id, path, "GET", proof=proof)
            scene.sites["hq"].proxy.add(own, page)


def _press(scene: Scene, officers: tuple[Person, ...]) -> None:
    """The news of the breach: some read the vendor's public page before the order; the order goes to everybody."""
    others = [person for person in scene.people if person not in officers]
    for person in scene.dice.sample(others, 5):
        instant = at("2020-02-27 14:00:00") + scene.dice.randrange(400) * MINUTE
        page = service.tunnelled(instant, person, service.PUBLIC, user=person.id)
        scene.browse(person, replace(page, path="/", method="GET", sent=700))
    told = Mail(
        at("2020-02-27 16:12:00"), "u7001@outside-agency.example", (officers[0].mailbox,), "Clearview AI client list"
    )
    scene.sites["hq"].mail.add(told)
    scene.announce(ORDER, "chief@service.example", "Order: delete Clearview AI accounts, cease use")
