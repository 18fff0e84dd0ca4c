"""How a service came into the organisation: who invited whom, who came first, which units it crossed.

What counts as an edge, and why nothing else does:

===========  ============================================================================================
edge         evidence
===========  ============================================================================================
invitation   the vendor's own mail at stage ``invited`` whose subject or sender's name tells who invited
forward      a colleague's mail whose subject is that of a mail of the vendor behind ``FW:``, ``TR:``, …
mention      a colleague's mail that names the service, written by somebody who had to do with it before,
             to somebody who had not and was there (stage ``visited`` or above) within 30 days
===========  ============================================================================================

A mail is what it is by its subject line: who wrote to whom. It does not prove that the invitation was wanted.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from detector.events import MICROSECONDS, Stage
from detector.match import Actor, ActorKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from detector.findings import Attributed

MENTION_DAYS = 30
CLUSTER_MINUTES = 120
CLUSTER_PEOPLE = 3
TOGETHER_MINUTES = 10
TOGETHER_DAYS = 2
_DAY = 86_400 * MICROSECONDS
_MINUTE = 60 * MICROSECONDS
_ADDRESS = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_FORWARDED = re.compile(r"\s*(?:(?:fwd?|wg|tr|rv|vs|i|enc|doorst)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_INVITED = re.compile(
    r"^(?P<who>.{2,80}?)\s+(?:has |have |vous |hat |te |ha )?"
    r"(?:invited|invites|a invité|invite|eingeladen|lädt|invitado|invita)\b",
    re.IGNORECASE,
)
UNKNOWN = Actor(ActorKind.UNKNOWN, "unknown")

WhoIs: TypeAlias = Callable[[str, int | None], Actor]
"""Whom a mailbox (or a name) belongs to at an instant."""


class Mail(NamedTuple):
    """One mail that may tell of the service.

    Attributes:
        at: microseconds since the epoch, ``None`` where unknown.
        author: address in its header, or of its envelope; lower case.
        name: what stands before the address.
        recipients: addresses, lower case.
        subject: decoded.
        stage: what it proves for the service, ``None`` for a mail that is not the vendor's.
    """

    at: int | None
    author: str
    name: str
    recipients: tuple[str, ...]
    subject: str
    stage: Stage | None


class Correspondence(NamedTuple):
    """Mails that may tell how a service came into the organisation.

    Attributes:
        mails: of the vendor and of colleagues.
        who_is: whom a mailbox belongs to.
        names: what the service is called in subjects.
    """

    mails: tuple[Mail, ...]
    who_is: WhoIs
    names: tuple[str, ...]


class Edge(NamedTuple):
    """Somebody brought somebody to a service.

    Attributes:
        inviter: who; ``unknown`` where the mail does not say.
        invitee: who got it.
        at: when.
        by: ``invitation``, ``forward`` or ``mention``.
    """

    inviter: Actor
    invitee: Actor
    at: int | None
    by: str


@dataclass(frozen=True, slots=True)
class Spread:
    """How a service spread.

    Attributes:
        edges: by time.
        came: actors who signed up, or who were brought and then visited, with their first instant on the ladder.
        first: those of them whom no colleague brought, earliest first; the first of them is patient zero.
        generations: 0 for the first, 1 for whom they brought, and so on.
        crossings: (unit, other unit) → edges between them.
        clusters: at least three actors whose first sign-up fell within two hours of the one before.
        together: pairs who used it within ten minutes of each other on at least two days, with the days.
    """

    edges: tuple[Edge, ...]
    came: Mapping[Actor, int]
    first: tuple[Actor, ...]
    generations: Mapping[Actor, int]
    crossings: Mapping[tuple[str, str], int]
    clusters: tuple[tuple[Actor, ...], ...]
    together: Mapping[tuple[Actor, Actor], int]


def spread(mails: Iterable[Mail], sightings: Sequence[Attributed], who_is: WhoIs, names: Sequence[str]) -> Spread:
    """The spread of one service.

    Args:
        mails: of the vendor and of colleagues, in any order.
        sightings: of the service.
        who_is: whom a mailbox belongs to.
        names: what the service is called in subjects.
    """
    known = sorted(mails, key=lambda one: (one.at is None, one.at or 0, one.author, one.recipients, one.subject))
    begun, signed_up = _begun(sightings, Stage.VISITED.rung), _begun(sightings, Stage.SIGNED_UP.rung)
    edges = _unique([*_invitations(known, who_is), *_passed_on(known, who_is, begun, names)])
    brought = {one.invitee for one in edges}
    came = {actor: at for actor, at in begun.items() if actor in signed_up or actor in brought}
    units = {one.actor: one.unit for one in sightings if one.unit}
    parents = _parents(edges, came)
    return Spread(
        edges=tuple(edges),
        came=came,
        first=tuple(sorted((actor for actor in came if actor not in parents), key=lambda one: (came[one], one))),
        generations=_generations(came, parents),
        crossings=Counter(
            (units[one.inviter], units[one.invitee])
            for one in edges
            if units.get(one.inviter, "") != units.get(one.invitee, "")
            and one.inviter in units
            and one.invitee in units
        ),
        clusters=tuple(_clusters(signed_up)),
        together=_together(sightings),
    )


def _begun(sightings: Iterable[Attributed], rung: int) -> dict[Actor, int]:
    """The first instant at which each actor reached a rung of the ladder."""
    first: dict[Actor, int] = {}
    for one in sightings:
        if one.at is not None and not one.denied and one.stage.rung >= rung:
            first[one.actor] = min(one.at, first.get(one.actor, one.at))
    return first


def _invitations(mails: Iterable[Mail], who_is: WhoIs) -> Iterator[Edge]:
    for mail in mails:
        if mail.stage is Stage.INVITED:
            inviter = _inviter(mail, who_is)
            for recipient in mail.recipients:
                yield Edge(inviter, who_is(recipient, mail.at), mail.at, "invitation")


def _inviter(mail: Mail, who_is: WhoIs) -> Actor:
    """Whoever the subject or the sender's name tells."""
    for text in (mail.subject, mail.name):
        if found := _ADDRESS.search(text):
            return who_is(found[0].lower(), mail.at)
    told = _INVITED.match(mail.subject)
    actor = UNKNOWN if told is None else who_is(told["who"].strip(" \"'").lower(), mail.at)
    return actor if actor.kind is ActorKind.PERSON else UNKNOWN


def _passed_on(
    mails: Sequence[Mail], who_is: WhoIs, begun: Mapping[Actor, int], names: Sequence[str]
) -> Iterator[Edge]:
    """Forwards of the vendor's mails, and other mails of colleagues that were followed by a visit."""
    subjects = {mail.subject.strip().lower() for mail in mails if mail.stage not in (None, Stage.SOLICITED)}
    told = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in names) or r"(?!)", re.IGNORECASE)
    involved = {
        who_is(recipient, mail.at): mail.at or 0
        for mail in reversed(mails)
        if mail.stage not in (None, Stage.SOLICITED)
        for recipient in mail.recipients
    }
    for mail in mails:
        if mail.stage is not None:
            continue
        forwarded = _FORWARDED.match(mail.subject)
        is_forward = forwarded is not None and mail.subject[forwarded.end() :].strip().lower() in subjects
        author = who_is(mail.author, mail.at)
        for recipient in mail.recipients:
            invitee = who_is(recipient, mail.at)
            if invitee == author:
                continue
            if is_forward:
                yield Edge(author, invitee, mail.at, "forward")
            elif told.search(mail.subject) and _followed(mail.at, author, invitee, begun, involved):
                yield Edge(author, invitee, mail.at, "mention")


def _followed(
    at: int | None, author: Actor, invitee: Actor, begun: Mapping[Actor, int], involved: Mapping[Actor, int]
) -> bool:
    """Whether the author knew the service before the mail, and the recipient came to it soon behind the mail."""
    if at is None or invitee not in begun:
        return False
    knew = min(begun.get(author, at), involved.get(author, at))
    return knew < at <= begun[invitee] <= at + MENTION_DAYS * _DAY


def _unique(edges: Iterable[Edge]) -> list[Edge]:
    """One edge for each pair and way, the earliest: a mail has many lines in a log, and more than one log."""
    first: dict[tuple[Actor, Actor, str], Edge] = {}
    for edge in edges:
        first.setdefault((edge.inviter, edge.invitee, edge.by), edge)
    return sorted(first.values(), key=lambda one: (one.at is None, one.at or 0, one))


def _parents(edges: Iterable[Edge], came: Mapping[Actor, int]) -> dict[Actor, Actor]:
    """Who brought each actor: the first edge to it from somebody who was there before."""
    parents: dict[Actor, Actor] = {}
    brought: set[Actor] = set()
    for edge in edges:
        inviter = edge.inviter
        if inviter in came and edge.invitee not in parents and edge.invitee not in brought:
            parents[edge.invitee] = inviter
        brought.add(edge.invitee)
    return parents


def _generations(came: Mapping[Actor, int], parents: Mapping[Actor, Actor]) -> dict[Actor, int]:
    generations: dict[Actor, int] = {}
    for actor in sorted(came):
        chain = [actor]
        while (parent := parents.get(chain[-1])) is not None and parent not in chain:
            chain.append(parent)
        generations[actor] = len(chain) - 1
    return generations


def _clusters(signed_up: Mapping[Actor, int]) -> Iterator[tuple[Actor, ...]]:
    """Runs of first sign-ups that follow each other closely: a conference, a demonstration."""
    run: list[Actor] = []
    before = 0
    for at, actor in sorted((at, actor) for actor, at in signed_up.items()):
        if run and at - before > CLUSTER_MINUTES * _MINUTE:
            if len(run) >= CLUSTER_PEOPLE:
                yield tuple(run)
            run = []
        run.append(actor)
        before = at
    if len(run) >= CLUSTER_PEOPLE:
        yield tuple(run)


def _together(sightings: Iterable[Attributed]) -> dict[tuple[Actor, Actor], int]:
    """Pairs of actors by the days on which they used the service in the same minutes."""
    slots: defaultdict[int, set[Actor]] = defaultdict(set)
    for one in sightings:
        if one.at is not None and not one.denied and one.stage.rung >= Stage.VISITED.rung:
            slots[one.at // (TOGETHER_MINUTES * _MINUTE)].add(one.actor)
    days: defaultdict[tuple[Actor, Actor], set[int]] = defaultdict(set)
    for slot, actors in slots.items():
        if len(actors) <= 2 * CLUSTER_PEOPLE:  # more are a news page that everybody opens, not a meeting
            for pair in combinations(sorted(actors), 2):
                days[pair].add(slot * TOGETHER_MINUTES * _MINUTE // _DAY)
    return {pair: len(on) for pair, on in sorted(days.items()) if len(on) >= TOGETHER_DAYS}
