"""The answer for the people who have to act on it: everything, names only where they were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.report.answer import spreading
from detector.report.answer.blocks import Block, Page, Prose, Section
from detector.report.answer.decisions import decisions
from detector.report.answer.handed import handed_in
from detector.report.answer.sections import evidence, foot, limits, people, reading, stages, units, window
from detector.report.answer.sentences import headline, name_of, state

if TYPE_CHECKING:
    from detector.report.answer.shown import Shown


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
    sections += [reading(shown), limits(shown), *([proof] if proof else [])]
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
        blocks.append(people(shown.found, "Who reached the stage that is asked about. Times are UTC."))
        blocks += [grid for grid in [units(shown)] if grid]
    else:
        blocks.append(Prose("Nobody is seen at the stage that is asked about."))
    if shown.traces:
        text = "Below that stage: these prove neither an account nor a use. Times are UTC."
        blocks.append(people(shown.traces, text))
    return tuple(blocks)
