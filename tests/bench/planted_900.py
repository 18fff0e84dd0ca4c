"""What is hidden in the big corpus: the five stories, the negative twins, and people who only look.

Every story keeps its people, days and layouts, but gets ids, addresses and weeks of its own, so that all of them fit in
900 days of one organisation. The truth is told from what was planted (`storyline.expectation`), not by the program.
"""

import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[2] / "sample_logs" / "stories"))

from storyline import background, calgary, edmonton, halifax, opp, rcmp, service, twins
from storyline.clock import DAY, HOUR, MINUTE, WEEK, at, iso, moment
from storyline.desks import Desks, days_between
from storyline.events import Login, Lookup, Mail, Web
from storyline.expectation import Owners, planted, with_accounts
from storyline.leases import ISC_DHCPD, WINDOWS_SECURITY
from storyline.people import Person

START, DAYS, PEOPLE = at("2018-01-01"), 900, 5000
END = START + DAYS * DAY
SHIFTS = (
    # story, weeks by which it is moved
    (opp.story, -40), (calgary.story, -60), (edmonton.story, -90), (halifax.story, -20), (rcmp.story, 0),
    *zip(twins.STORIES, (-100, -75, -50, -30), strict=True),
)  # fmt: skip
UNITS = ("patrol", "investigations", "dispatch", "records", "administration", "traffic", "training", "courts")
LOOKERS, ADVERTISED = 600, 1500
_MAILBOX = re.compile(r"\b([uU])(\d{4})@service\.example")
_ABOUT = ("clearview", "xn--", "FW:", "search technology")


@dataclass
class Planted:
    """Everybody, what the devices saw of the stories, and what is true.

    Attributes:
        people: all 5,000.
        events: by layout, the events besides everyday traffic, with the addresses that workstations had at first.
        desks: who sat where, in each story.
        orders: (story, instant, ids that it binds).
        edges: who invited whom.
        story_of: id → story of everybody in one.
    """

    people: list = field(default_factory=list)
    events: dict = field(default_factory=dict)
    desks: list = field(default_factory=list)
    orders: list = field(default_factory=list)
    edges: list = field(default_factory=list)
    story_of: dict = field(default_factory=dict)

    def add(self, layout, *events):
        self.events.setdefault(layout, []).extend(events)

    def lines(self, layout):
        """(instant, line) of all of it in one layout, with the addresses that workstations had then, by time."""
        events = self.events.get(layout, [])
        for desks in self.desks:
            events = [desks.moved(event) for event in events] if desks.renumbered_at else events
        return sorted((line for event in events for line in layout.lines(event)), key=lambda line: line[0])

    def truth(self):
        """People at signed_up or above and edges, as `truth.json` holds them."""
        owners = Owners(self.people, self.desks)
        logs = [_Seen(layout, events) for layout, events in self.events.items()]
        units = {one.id: one.unit for one in self.people}
        rows = []
        for person, one in sorted(with_accounts(planted(logs, owners.known)).items()):
            instants = [instant for instant, proof in one.proofs if not proof.denied]  # an attempt is no time of use
            stage, confidence = one.reached()
            rows.append({
                "person": person, "story": self.story_of[person], "unit": units[person], "stage": stage, "confidence": confidence,
                "first_seen": iso(min(instants)), "last_seen": iso(max(instants)),
            })  # fmt: skip
        return {"people": rows, "edges": sorted(self.edges, key=lambda edge: edge["at"])}


@dataclass
class _Seen:
    layout: object
    events: list


def plant():
    """All of it; takes some seconds."""
    whole, base = Planted(), 10_001
    for tell, weeks in SHIFTS:
        with _quiet(background, "requests", "lookups", "mails", "beat"), _quiet(Desks, "leases", "logins"):
            story = tell()
        _settle(whole, story, weeks * WEEK, base)
        base += len(story.people)
    whole.people += [_person(number, UNITS[number % len(UNITS)]) for number in range(base, 10_001 + PEOPLE)]
    _look(whole, Random("lookers"))
    return whole


def _quiet(place, *names):
    """The stories without their everyday traffic: that of the corpus takes its place."""
    return mock.patch.multiple(place, **dict.fromkeys(names, lambda *_, **__: ()))


def address(number):
    """Of the workstation of somebody: one each."""
    offset = number - 10_001
    return f"10.{100 + offset // 40_000}.{offset // 200 % 200}.{10 + offset % 200}"


def _person(number, unit, like=None):
    known = like or Person("", "", "", unit, "hq", "2016-01-01")
    return replace(known, id=f"u{number}", host=f"ws-{number}", address=address(number), unit=unit)


def _settle(whole, story, shift, base):
    """Give a story's people their ids, and everything its weeks."""
    people, ids = {}, {}
    for number, one in enumerate(story.people):
        since = "2016-01-01"
        until = f"{moment(at(one.until) + shift):%Y-%m-%d}" if one.until else ""
        mapped = _person(base + number, one.unit, replace(one, since=since, until=until))
        people[one.address], ids[one.id] = mapped, mapped.id
        whole.story_of[mapped.id] = story.name
    whole.people += people.values()
    whole.desks += [_moved_desks(desks, people, ids, shift) for desks in story.desks]
    members = sorted(ids.values())
    if story.told.decisions.order:
        whole.orders.append((story.name, story.told.decisions.order + shift, members))
    for edge in story.told.edges:
        when = iso(at(edge["at"].removesuffix("Z").replace("T", " ")) + shift)
        inviter = ids.get(edge["inviter"], edge["inviter"])
        whole.edges.append(
            {**edge, "inviter": inviter, "invitee": ids[edge["invitee"]], "at": when, "story": story.name}
        )
    for log in story.logs:
        spans = [(start, end) for start, end, _ in log.cuts]
        for event in log.events:
            if _is_told(event) and any(start <= event.at < end for start, end in spans):
                whole.add(log.layout, _moved(event, people, ids, shift))
    if story.told.decisions.order or story.told.edges:  # nobody in a twin has to be found
        for desks in whole.desks[len(whole.desks) - len(story.desks) :]:
            _occupy(whole, desks, story, shift)


def _is_told(event):
    """Whether an event belongs to the story, not to its everyday traffic, leases and logins."""
    if not isinstance(event, Web | Lookup | Mail):
        return False
    text = event.subject if isinstance(event, Mail) else repr(event)
    return event.proof is not None or any(word in text for word in _ABOUT)


def _moved(event, people, ids, shift):
    when = event.at + shift
    if isinstance(event, Mail):
        recipients = tuple(_renamed(one, ids) for one in event.recipients)
        return replace(
            event,
            at=when,
            sender=_renamed(event.sender, ids),
            recipients=recipients,
            subject=_renamed(event.subject, ids),
        )
    owner = people.get(event.address)
    where = owner.address if owner else event.address
    if isinstance(event, Web):
        user = event.user and (event.user[0] + ids[event.user.lower()][1:])
        return replace(event, at=when, address=where, user=user)
    return replace(event, at=when, address=where)


def _renamed(text, ids):
    return _MAILBOX.sub(lambda found: f"{found[1]}{ids.get('u' + found[2], 'u' + found[2])[1:]}@service.example", text)


def _moved_desks(desks, people, ids, shift):
    return Desks(
        [people[one.address] for one in desks.people],
        desks.renumbered_at + shift if desks.renumbered_at else 0,
        frozenset(ids[one] for one in desks.unattended),
    )


def _occupy(whole, desks, story, shift):
    """Leases and logins of a story's weeks for those who did something, in one DHCP server's and one directory's log."""
    told = {event.address for events in whole.events.values() for event in events if isinstance(event, Web | Lookup)}
    neighbours = {desks.address(one, END) for one in told}
    seated = [one for one in desks.people if one.address in told | neighbours]
    start = min(begin for log in story.logs for begin, _, _ in log.cuts) + shift
    end = max(stop for log in story.logs for _, stop, _ in log.cuts) + shift
    days, dice = days_between(start, end), Random(f"{story.name} desks 900")
    ids = {one.id for one in seated}
    hosts = {one.host for one in seated}
    whole.add(ISC_DHCPD, *(one for one in desks.leases(dice, days) if one.host in hosts))
    whole.add(WINDOWS_SECURITY, *(one for one in desks.logins(dice, days) if one.user in ids))


def _look(whole, dice):
    """People of no story who read the public page, open the product once, or get the vendor's advertising."""
    free = [one for one in whole.people if one.id not in whole.story_of]
    layouts = {layout: layout for layout in whole.events}
    web = [one for one in layouts if any(isinstance(event, Web) for event in whole.events[one])]
    mail = [one for one in layouts if any(isinstance(event, Mail) for event in whole.events[one])]
    for number, person in enumerate(dice.sample(free, LOOKERS)):
        instant = START + dice.randrange(DAYS) * DAY + 14 * HOUR + dice.randrange(7 * 60) * MINUTE
        host = service.PRODUCT if number % 12 == 0 else service.PUBLIC
        whole.add(WINDOWS_SECURITY, Login(instant - HOUR, person.address, person.host, person.id))
        for step in range(1 + number % 3):
            whole.add(web[number % len(web)], service.tunnelled(instant + step * MINUTE, person, host, user=person.id))
    for number, person in enumerate(dice.sample(free, ADVERTISED)):
        instant = START + dice.randrange(DAYS) * DAY + 15 * HOUR + number
        whole.add(mail[number % len(mail)], service.mail(instant, person.mailbox, service.ADVERTISED, "solicited"))
