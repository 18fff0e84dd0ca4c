"""The sentences of an answer: one set of words for every reader and every way out.

What was not seen is never said to be absent: "nobody is seen to have …", always with what was read beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.answers import Outcome
from detector.events import MICROSECONDS, Kind, Stage
from detector.match import ActorKind
from detector.report.wording import counted, day, duration, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from detector.answers import Answer, Shortfall
    from detector.coverage import Sign
    from detector.match import Actor
    from detector.report.answer.shown import Shown

KINDS: Mapping[str, str] = {Kind.PROXY: "web proxy", Kind.DNS: "name look-up (DNS)", Kind.MAIL: "mail"}
"""A kind of log as a reader outside of IT understands it."""

_DONE = {
    Stage.RESOLVED: "looked up, visited, signed up for or used",
    Stage.VISITED: "visited, signed up for or used",
    Stage.SIGNED_UP: "signed up for or used",
    Stage.SIGNED_IN: "signed in to or used",
    Stage.USED: "worked with",
    Stage.UPLOADED: "sent data to",
}
_ACTORS = (
    (ActorKind.PERSON, "person", "people"),
    (ActorKind.ACCOUNT, "account", "accounts"),
    (ActorKind.MAILBOX, "mailbox", "mailboxes"),
    (ActorKind.ADDRESS, "address", "addresses"),
    (ActorKind.UNKNOWN, "unknown actor", "unknown actors"),
)


def done(answer: Answer) -> str:
    """What is asked about, as in "somebody has …"."""
    return f"{_DONE.get(answer.question.stage, 'used')} {name_of(answer)}"


def name_of(answer: Answer) -> str:
    """The service's name for people."""
    return answer.service.name or answer.service.id


def period(answer: Answer) -> str:
    """The window in words; its end is the last day that belongs to it."""
    window = answer.question.window
    return f"from {day(window.since)} to {day(window.until - 1)} (UTC)"


def actors(found: Iterable[Actor]) -> str:
    """How many actors there are, by kind."""
    kinds = [actor.kind for actor in found]
    texts = [counted(kinds.count(kind), one, many) for kind, one, many in _ACTORS if kind in kinds]
    return listed(texts)


def listed(texts: Sequence[str]) -> str:
    """Texts in a row.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    return " and ".join(part for part in (", ".join(texts[:-1]), *texts[-1:]) if part)


def sentence(text: str) -> str:
    """A text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]


def headline(answer: Answer) -> str:
    """The answer in one sentence, for readers inside."""
    words, who = answer.outcome.words, actors(party.actor for party in answer.found)
    if answer.outcome is Outcome.FOUND:
        return f"{words}: {who} {done(answer)}, {seen(answer)}."
    if answer.outcome is Outcome.CANNOT_SAY:
        return f"{words}: nothing that was read could show whether anybody {done(answer)} {period(answer)}."
    where = " in what was read" if answer.outcome is Outcome.NOT_OBSERVED_SHORT else ""
    return f"{words}: nobody is seen{where} to have {done(answer)} {period(answer)}."


def seen(answer: Answer) -> str:
    """When what was found was first and last seen."""
    firsts = [party.first for party in answer.found if party.first is not None]
    lasts = [party.last for party in answer.found if party.last is not None]
    if not firsts:
        return "at a time that cannot be read"
    return f"first seen on {day(min(firsts))}, last on {day(max(lasts))}"


def state(answer: Answer) -> str:
    """Whether coverage is met, in one sentence."""
    needed = listed([KINDS[kind] for kind in sorted(answer.question.needed, key=list(Kind).index)])
    required = share(answer.question.required)
    if answer.is_covered:
        return f"Coverage is met: {needed} logs each cover at least {required} of the time."
    if [one.kind for one in answer.lacking] == ["vendor"]:
        return "Coverage is short: the vendor's own list names accounts that these logs do not show."
    more = " More may lie where nothing was read." if answer.outcome is Outcome.FOUND else ""
    return f"Coverage is short of what is required ({needed} logs, each {required} of the time).{more}"


def shortfall(one: Shortfall, shown: Shown) -> str:
    """One reason why coverage is short."""
    place = shown.places.get(one.place, KINDS.get(one.place, one.place))
    required = share(shown.answer.question.required)
    if one.kind == "canary":
        return f"{place}: the synthetic line of its format was not sighted, a real one would have been missed too"
    if one.kind == "nothing":
        kinds = " or ".join(KINDS[kind] for kind in one.place.split(", ") if kind in KINDS) or "suitable"
        why = "name look-ups alone prove neither account nor use"
        return f"no {kinds} log that covers any of the time could be read; {why}"
    if one.kind == "not-read":
        return f"{place} logs were not read"
    if one.kind == "short":
        whose = f"{KINDS.get(one.text, one.text)} logs" if place == KINDS.get(one.text) else place
        return f"{whose} cover {share(one.share)} of the time, {required} are required"
    if one.kind == "vendor":
        return "the vendor's own list names accounts that these logs do not show"
    known = dict([*shown.stray, *(pair for source in shown.sources for pair in source.unread)])
    if one.place in known:
        return f"{one.place}: {one.text}; nobody knows of which time it was"
    return "a log could not be read, and nobody knows of which time it was"


def sign(one: Sign, places: Mapping[str, str]) -> str:
    """One sign that logs do not see everything."""
    place, number = places.get(one.place, one.place), f"{one.number:,}"
    sampled = f"{number} of {one.whole:,} sampled lines"
    logs = counted(one.number, "log")
    return {
        "nameless": f"{place}: {share(one.number / max(one.whole, 1))} of the sampled requests name no host, only an "
        "address: a use could hide among them",
        "resolvers": f"{place}: {sampled} ask for a public resolver over HTTPS or a relay: such look-ups pass by the "
        "resolvers of the house",
        "hidden": f"{place}: {sampled} carry the outer name of a hidden one (ECH)",
        "backward": f"{place}: time stamps step back by up to {duration(one.number * MICROSECONDS)}: a clock was set, "
        "or local times changed",
        "ahead": f"{place}: events from after the last change in {logs}: a clock is wrong",
        "late": f"{place}: finished more than a week after the last event: {logs}",
        "people": f"{number} of {one.whole:,} people of the directory are seen in the sampled lines and the sightings: "
        "a lower bound; of the others no log need speak",
    }[one.kind]
