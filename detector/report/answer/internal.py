"""The answer for the people who have to act on it: everything, names only where they were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.report.answer import spreading
from detector.report.answer.blocks import Block, Page, Prose, Section
from detector.report.answer.decisions import decisions
from detector.report.answer.handed import handed_in
from detector.report.answer.sections import evidence, foot, limits, people, reading, stages, units, window
from detector.report.answer.sentences import headline, name_of, state
from detector.report.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.report.answer.shown import Shown


_BELOW = "Traces below that stage"
_NOT_WHO = (
    "A log knows accounts, mailboxes and addresses, not who sat there: a row says where to ask, it is no proof against "
    "a person. Identity says what it rests on, Evidence the lines that anybody can open again."
)


def page(shown: Shown) -> Page:
    """The whole answer."""
    answer = shown.answer
    lead = [window(shown)]
    if answer.service.data_location:
        lead.append(f"The service keeps data in: {answer.service.data_location}.")
    if shown.showing.purpose:
        lead.append(f"Purpose of this answer: {shown.showing.purpose}")
    proof = evidence(shown)
    sections = [
        Section("Who", _who(shown)),
        *decisions(shown),
        *handed_in(shown),
        *spreading.sections(shown),
        *([stages(shown)] if answer.found or answer.traces else []),
    ]
    sections += [reading(shown), limits(shown), *_below(shown), *([proof] if proof else [])]
    return Page(
        title=f"{name_of(answer)}: internal answer",
        headline=headline(answer),
        lead=tuple(lead),
        tone="good" if answer.is_covered else "bad",
        state=state(answer),
        sections=tuple(sections),
        foot=foot(shown),
    )


def _who(shown: Shown) -> tuple[Block, ...]:
    blocks: list[Block] = []
    if shown.showing.names:
        blocks.append(Prose("This page names people: keep it as personal data."))
    if shown.found:
        caption = "Who reached the stage that is asked about. Times are UTC; a verdict is what the policy says."
        blocks.append(people(shown.found, caption, shown.sources))
        blocks += [grid for grid in [units(shown)] if grid]
        blocks.append(Prose(_NOT_WHO))
    else:
        blocks.append(Prose("Nobody is seen at the stage that is asked about."))
    if traces := len(shown.traces):
        whose = counted(traces, "other") if shown.found else f"{traces:,}"
        text = f"{whose} left traces below that stage: these prove neither an account nor a use."
        blocks.append(Prose(f"{text} See {_BELOW}, further down."))
    return tuple(blocks)


def _below(shown: Shown) -> Iterator[Section]:
    """Those who did not reach the stage, behind everything that says more."""
    if shown.traces:
        caption = "Look-ups, visits, advertising, refused attempts: neither an account nor a use. Times are UTC."
        yield Section(_BELOW, (people(shown.traces, caption, shown.sources),))
