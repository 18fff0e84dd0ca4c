"""``rcmp``: licences and trials in five units, an approval for one of them from March, and the vendor's own records.

Headquarters has ProxySG that opens TLS, Windows DNS, Exchange; the field has a Zeek sensor and Microsoft 365: only
leases and logins tell who had an address there. Two licences come in October 2019, invitations spread from unit to
unit. From 1 March the centre may use the service for two purposes, each use with the reference of a case. The vendor
counts 19 accounts: thirteen are in our logs, six are not; two people of our logs are not in the vendor's list.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from storyline import records, service
from storyline.clock import DAY, HOUR, MINUTE, SECOND, at
from storyline.mailers import EXCHANGE, MESSAGE_TRACE
from storyline.proxies import PROXYSG
from storyline.resolvers import WINDOWS_DNS
from storyline.scene import Scene, set_up, site_of
from storyline.zeek import ZEEK_DNS, ZEEK_SSL

if TYPE_CHECKING:
    from storyline.people import Person
    from storyline.story import Story

START, END = at("2019-09-29"), at("2020-04-12")
RENUMBERED = at("2020-01-12")
UNITS = {records.CENTRE: 8, "financial crime": 6, "national security": 6, "records": 5, "border": 10, "major crime": 12}
FIELD = frozenset({"border", "major crime"})
COLLEAGUE, ABROAD = "u7102@neighbour-police.example", "u7255@state-police.example"


def story() -> Story:
    """The whole archive."""
    scene = set_up("rcmp", (START, END), UNITS, FIELD, weeks=4)
    devices = (
        (PROXYSG, "hq/proxysg/SG_main_{}.log.xz"), (WINDOWS_DNS, "hq/dns/dns-{}.log.xz"),
        (EXCHANGE, "hq/exchange/MSGTRK{}-1.LOG.xz"),
    )  # fmt: skip
    site_of(scene, "hq", *devices, weeks=4).is_opened = True
    devices = (
        (ZEEK_SSL, "field/zeek/ssl-{}.log.xz"), (ZEEK_DNS, "field/zeek/dns-{}.log.xz"),
        (MESSAGE_TRACE, "field/m365/message_trace-{}.csv.xz"),
    )  # fmt: skip
    field = site_of(scene, "east", *devices, weeks=4)
    field.has_users = False
    field.desks = replace(field.desks, renumbered_at=RENUMBERED)
    roles = _roles(scene)
    _spread(scene, roles)
    _within_and_outside(scene, roles)
    scene.ordinary(32, 24, 8, minutes=55)
    return scene.story(*records.papers(scene, roles))


def _roles(scene: Scene) -> dict[str, Person]:
    """Six of the centre, two of financial crime, four of major crime, three of the border."""
    counts = (("c", records.CENTRE, 6), ("f", "financial crime", 2), ("m", "major crime", 4), ("b", "border", 3))
    return {
        f"{letter}{number}": person
        for letter, unit, count in counts
        for number, person in enumerate(scene.members(unit, count), start=1)
    }


_INVITED = (
    # inviter, invitee, when invited, hours until signed up, days after signing up with a session
    (COLLEAGUE, "c1", "2019-10-03 15:10:00", 2, (0, 5, 12, 40, 96)),
    ("c1", "c2", "2019-10-08 14:40:00", 25, (0, 9, 51)),
    ("c2", "c3", "2019-11-18 16:00:00", 3, (0, 2, 15)),
    ("c2", "c4", "2019-11-19 15:20:00", 22, (0,)),
    ("c1", "m1", "2019-12-02 18:15:00", 1, (0, 3, 8, 45)),
    ("m1", "m2", "2019-12-04 15:33:00", 24, (0, 6)),
    ("m1", "m3", "2019-12-10 19:01:00", 1, (0, 1, 34)),
    (ABROAD, "m4", "2019-12-12 14:12:00", 5, (0, 4)),
    ("c3", "f1", "2019-12-09 17:48:00", 2, (0, 7, 37)),
    ("f1", "f2", "2019-12-16 15:05:00", 3, (0,)),
    ("m2", "b1", "2020-01-06 16:22:00", 4, (0, 2, 9)),
    ("b1", "b2", "2020-01-13 14:30:00", 2, (0, 3)),
    ("b1", "b3", "2020-01-15 15:45:00", 23, (0, 5)),
)  # fmt: skip
_FORWARDED = frozenset({"f2", "b3"})
"""Who got a colleague's invitation from him, none in his name."""


def _spread(scene: Scene, roles: dict[str, Person]) -> None:
    """Invitations, accounts, sessions: from outside into the centre, from there into other units."""
    for inviter, invitee, invited, hours, days in _INVITED:
        person, instant = roles[invitee], at(invited)
        if invitee in _FORWARDED:
            scene.forward(roles[inviter], person, instant, service.INVITED_BY.format(inviter=COLLEAGUE))
        else:
            scene.invite(roles.get(inviter, inviter), person, instant)
        begun = instant + hours * HOUR
        scene.sign_up(person, begun)
        for day in days:
            _session(scene, person, begun + day * DAY + (9 if day else 3) * MINUTE, is_first=day == 0)
    for role in ("c5", "c6"):  # licences of the centre, given out in March
        begun = at("2020-03-04 14:00:00") + int(role[1]) * HOUR
        scene.sign_up(roles[role], begun)
        _session(scene, roles[role], begun + 4 * MINUTE, is_first=True)


def _session(scene: Scene, person: Person, instant: int, *, is_first: bool) -> None:
    """A few minutes at the product: opened at headquarters, hidden in the field."""
    if person.site == "east":
        steps = (1,) if is_first else sorted(scene.dice.sample(range(1, 14), scene.dice.randrange(2, 7)))
        scene.tunnel(person, instant, *steps)
    elif is_first:
        scene.browse(person, *service.sign_up(instant, person))
    else:
        scene.browse(person, *service.search(instant, person, scene.dice.randrange(60_000, 400_000)))


WITHIN = (("c1", "2020-03-05 16:10:00"), ("c1", "2020-03-12 15:02:00"), ("c5", "2020-03-17 18:20:00"))
"""Searches of the centre for cases of the register, in the order of ``records.CASES``."""
NEEDS_REFERENCE = (("c2", "2020-03-10 14:45:00"), ("c6", "2020-03-24 17:05:00"))
"""Searches of the centre without a case."""
OUTSIDE = (("f1", "2020-03-09 15:15:00"), ("m1", "2020-03-11 16:40:00"), ("b1", "2020-03-26 14:05:00"))
"""Searches of other units in the same weeks."""


def _within_and_outside(scene: Scene, roles: dict[str, Person]) -> None:
    for role, text in (*WITHIN, *NEEDS_REFERENCE, *OUTSIDE):
        _session(scene, roles[role], at(text) + 2 * SECOND, is_first=False)
