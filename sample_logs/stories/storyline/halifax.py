"""``halifax``: "we have not used it" on 21 February; a week later: one investigator, very recently.

One site: Squid (a file a day, those of 18 and 19 February are lost), BIND, Postfix with checked senders. On the 21st
the proxy log alone shows nothing, and cannot: the first days of use lie in the two lost files. Mail and DNS show them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storyline import policies, service
from storyline.answers import Told
from storyline.clock import DAY, at, iso, moment
from storyline.events import Mail
from storyline.layout import Log
from storyline.mailers import POSTFIX
from storyline.proxies import SQUID
from storyline.resolvers import BIND
from storyline.scene import Scene, set_up, site_of

if TYPE_CHECKING:
    from storyline.people import Person
    from storyline.story import Story

START, END = at("2020-02-02"), at("2020-03-08")
LOST = (at("2020-02-18"), at("2020-02-19"))
"""Days of which the proxy's log is missing."""
DENIED = "2020-02-21"
"""The day of the first answer."""
UNITS = {"special investigations": 6, "major crime": 8, "patrol": 24, "dispatch": 8, "records": 6}


POLICY = """\
services:
  clearview-ai:
    status: prohibited
    purpose: none; personal data may not be reached from outside the country
    information: [images of faces]
"""


def story() -> Story:
    """The whole archive, and the answers of the 21st and of the 28th."""
    scene = set_up("halifax", (START, END), UNITS)
    devices = (SQUID, "squid/{}"), (BIND, "bind/query-{}.log.gz"), (POSTFIX, "postfix/maillog-{}.gz")
    site = site_of(scene, "hq", *devices)
    days = [day for day in range(START, END, DAY) if day not in LOST]
    site.proxy = Log(SQUID, [(day, day + DAY, f"squid/access.log-{moment(day):%Y%m%d}.gz") for day in days])
    site.checks_senders = True
    (investigator,) = scene.members("special investigations", 1)
    _trial(scene, investigator)
    _press(scene, investigator)
    scene.ordinary(120, 90, 24)
    told = Told(more={"cutouts": [_proxy_only(), _everything(investigator)]})
    return scene.story(told, {"policy.yml": policies.RESTRICTED + POLICY})


def _proxy_only() -> dict[str, object]:
    return {
        "name": "proxy log, 21 February",
        "inputs": ["squid"],
        "since": iso(START),
        "until": iso(at(DENIED)),
        "verdict": "NOT OBSERVED (coverage short)",
        "people": [],
        "not_read": ["dns", "mail"],
        "gaps": [{"kind": "proxy", "from": iso(LOST[0]), "to": iso(LOST[1] + DAY)}],
    }


def _everything(investigator: Person) -> dict[str, object]:
    return {
        "name": "all sources, 28 February",
        "inputs": ["squid", "bind", "postfix", "dhcp", "logins"],
        "since": iso(START),
        "until": iso(at("2020-02-28")),
        "verdict": "FOUND",
        "people": [investigator.id],
        "data_location": "US",
    }


def _trial(scene: Scene, investigator: Person) -> None:
    """Signed up on the 18th, tried it on two days, used it on two more."""
    scene.invite("u7420@neighbour-police.example", investigator, at("2020-02-17 19:12:00"))
    begun = at("2020-02-18 15:04:00")
    scene.sign_up(investigator, begun)
    scene.tunnel(investigator, begun, 3)
    scene.tunnel(investigator, at("2020-02-19 13:50:00"), 2, 5)
    scene.tunnel(investigator, at("2020-02-24 17:31:00"), 2, 3, 7, 10, 12)
    scene.tunnel(investigator, at("2020-02-26 14:20:00"), 4, 6, 11)


def _press(scene: Scene, investigator: Person) -> None:
    """The media ask, the answer is given, the breach is in the news; some read the vendor's public page then."""
    mail = scene.sites["hq"].mail
    office = next(person for person in scene.people if person.unit == "records")
    question = "Question: has the service used Clearview AI?"
    mail.add(Mail(at("2020-02-20 18:00:00"), "reporter@dispatchweekly.example", (office.mailbox,), question))
    mail.add(Mail(at("2020-02-21 15:30:00"), office.mailbox, ("reporter@dispatchweekly.example",), f"RE: {question}",
                  outbound=True))  # fmt: skip
    others = [person for person in scene.people if person != investigator]
    for person in scene.dice.sample(others, 4):
        instant = at("2020-02-27 14:00:00") + scene.dice.randrange(24_000) * 1_000
        scene.browse(person, service.tunnelled(instant, person, service.PUBLIC, user=person.id))
