"""The answer for everybody, ready to publish: plain sentences, no person, no small unit, no log, the limits stated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.answers import Compliance, Outcome, Position
from detector.coverage import DECLARED
from detector.events import Kind
from detector.policy import Verdict
from detector.report.answer.blocks import Page, Points, Prose, Section
from detector.report.answer.drawings import figures_of_reading
from detector.report.answer.sections import foot
from detector.report.answer.sentences import KINDS, done, listed, name_of, period, sentence
from detector.report.wording import counted, day, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.report.answer.shown import Shown

_MOST_TIMES = 12


def page(shown: Shown) -> Page:
    """The whole statement."""
    answer = shown.answer
    return Page(
        title=f"Statement on {name_of(answer)}",
        headline=_headline(shown),
        lead=(f"We were asked whether anybody in the organisation {done(answer)} {period(answer)}.",),
        tone="good" if answer.is_covered else "bad",
        state=_state(shown),
        sections=(
            Section("What the records show", tuple(Prose(text) for text in _records(shown))),
            Section("What we read", (Points(tuple(map(sentence, _read(shown)))), *figures_of_reading(shown))),
            Section("What we did not read", (Points(_missing(shown)),)),
            Section("What no record of this kind can show", (Points(DECLARED),)),
        ),
        foot=foot(shown),
    )


def people(shown: Shown) -> str:
    """How many were found; small numbers are not told.

    One person may have several accounts: without a directory of people it is accounts and addresses that are counted.
    """
    if shown.people is None:
        return f"fewer than {shown.showing.k} people"
    is_certain = all(party.actor.kind == "person" for party in shown.answer.found)
    return counted(shown.people, "person", "people") if is_certain else f"{shown.people:,} accounts or addresses"


def _headline(shown: Shown) -> str:
    answer = shown.answer
    if answer.outcome is Outcome.FOUND:
        return f"Our records show that {people(shown)} {done(answer)}."
    if answer.outcome is Outcome.CANNOT_SAY:
        return f"Our records do not allow us to say whether anybody {done(answer)}."
    if answer.outcome is Outcome.NOT_OBSERVED_SHORT:
        return f"In the records that we could read we observed nobody who {done(answer)}; the records are not complete."
    return f"In our records we observed nobody who {done(answer)}."


def _state(shown: Shown) -> str:
    answer = shown.answer
    if answer.is_covered:
        return "The records that we read cover the time that we were asked about."
    if answer.outcome is Outcome.FOUND:
        return "The records do not cover all of the time that we were asked about: there may have been more."
    return (
        "The records do not cover all of the time that we were asked about: we cannot rule out what they do not show."
    )


def _records(shown: Shown) -> Iterator[str]:
    answer = shown.answer
    if answer.outcome is Outcome.FOUND:
        yield _dates(shown)
        yield from _judged(shown)
        if shown.units:
            told = listed([f"{unit} ({counted(count or 0, 'person', 'people')})" for unit, count in shown.units])
            yield f"Of these, by unit: {told}. Units of fewer than {shown.showing.k} people are not named."
    elif answer.outcome is Outcome.CANNOT_SAY:
        yield "No record that could have shown an account or a use could be read for this time."
    else:
        yield f"No record that we read shows that anybody {done(answer)}."
    if answer.traces:
        yield (
            "The records also hold look-ups of the service's name, visits of its public site, mail from it or refused "
            "attempts. By themselves these show neither an account nor a use."
        )
    if answer.service.data_location and answer.outcome is Outcome.FOUND:
        yield f"The service keeps data in: {answer.service.data_location}."


def _dates(shown: Shown) -> str:
    """First and last seen; by month where so few were found that a day could tell who."""
    found = shown.answer.found
    firsts = [party.first for party in found if party.first is not None]
    lasts = [party.last for party in found if party.last is not None]
    if not firsts:
        return "The time of these records cannot be read."
    cut = 7 if shown.people is None else 10
    first, last = day(min(firsts))[:cut], day(max(lasts))[:cut]
    if first == last:
        return f"These records are from {first}."
    return f"The first of these records is from {first}, the last from {last}."


def _judged(shown: Shown) -> Iterator[str]:
    """What the organisation's decisions say of it."""
    answer = shown.answer
    if not answer.policy:
        return
    verdicts = [{verdict for verdict, _ in party.verdicts} for party in answer.found]
    if all(one == {Verdict.APPROVED} for one in verdicts):
        yield "All of it lies within approvals of the organisation."
    elif answer.approved is not None:
        positions = {use.position for use in answer.approved.uses}
        yield (
            "Some of it lies within an approval of the organisation, some does not."
            if Position.WITHIN in positions
            else "None of it is shown to lie within an approval of the organisation."
        )
    for one in answer.followed:
        after = sum(follower.compliance is Compliance.BREACH for follower in one.followers)
        few = f"fewer than {shown.showing.k} people"
        number = few if after < shown.showing.k else counted(after, "person", "people")
        later = f"After it, use by {number} is seen." if after else "No use is seen after it in what was read."
        if not after and one.compliance is Compliance.UNPROVEN:
            later += " What was read does not prove that there was none."
        yield f"An order to cease use took effect on {day(one.order.effective)}. {later}"


def _read(shown: Shown) -> Iterator[str]:
    answer = shown.answer
    for kind in sorted(answer.ledger.kinds, key=list(Kind).index):
        lines = sum(one.lines for one in shown.sources if one.source.kind is kind)
        covered = share(answer.ledger.share(kind))
        yield f"{KINDS[kind]} logs, {counted(lines, 'line')}: they cover {covered} of the time."
    if not answer.ledger.kinds:
        yield "No log could be read."
    if answer.origin.canaries and all(ok for _, ok in answer.origin.canaries):
        yield "A synthetic record in each form of log was found by the same program: it can see what it looks for."


def _missing(shown: Shown) -> tuple[str, ...]:
    return tuple(map(sentence, _not_read(shown))) or ("Nothing that was asked for.",)


def _not_read(shown: Shown) -> Iterator[str]:
    answer = shown.answer
    for kind in sorted(answer.question.needed - set(answer.ledger.kinds), key=list(Kind).index):
        yield f"{KINDS[kind]} logs were not read."
    for kind in sorted(answer.ledger.kinds, key=list(Kind).index):
        gaps = sorted({gap for one in shown.sources if one.source.kind is kind for gap in one.gaps})
        if gaps:
            told = [_time(*gap) for gap in sorted(gaps, key=lambda gap: gap[0] - gap[1])[:_MOST_TIMES]]
            rest = (
                f" and {counted(len(gaps) - len(told), 'other stretch', 'other stretches')}"
                if gaps[len(told) :]
                else ""
            )
            yield f"{KINDS[kind]} logs, in at least one of our devices: {'; '.join(sorted(told))}{rest}."
    if answer.vendor is not None and answer.vendor.vendor_only:
        only = len(answer.vendor.vendor_only)
        number = f"fewer than {shown.showing.k}" if only < shown.showing.k else f"{only:,}"
        yield f"The vendor's own list names {number} accounts that these records do not show."
    if unread := len(answer.ledger.unread):
        yield f"{counted(unread, 'log')} could not be read, or not to the end."
    if answer.origin.canaries and not all(ok for _, ok in answer.origin.canaries):
        yield "A synthetic record was not found by the program: it cannot be relied on here."


def _time(start: int, end: int) -> str:
    first, last = day(start), day(end - 1)
    return f"hours of {first}" if first == last else f"{first} to {last}"
