"""The answer for those who decide: how many, since when, against which order; pseudonyms, no small units, no logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.report.answer.blocks import Block, Grid, Page, Prose, Section
from detector.report.answer.decisions import decisions
from detector.report.answer.handed import handed_in
from detector.report.answer.sections import foot, limits, reading, stage_of, stages, units, verdicts_of, window
from detector.report.answer.sentences import headline, name_of, state
from detector.report.wording import counted, day

if TYPE_CHECKING:
    from detector.report.answer.shown import Shown


def page(shown: Shown) -> Page:
    """The whole answer."""
    answer = shown.answer
    lead = [window(shown)]
    if answer.service.data_location:
        lead.append(f"The service keeps data in: {answer.service.data_location}.")
    return Page(
        title=f"{name_of(answer)}: answer for leadership",
        headline=headline(answer),
        lead=tuple(lead),
        tone="good" if answer.is_covered else "bad",
        state=state(answer),
        sections=(
            Section("Who", _who(shown)),
            *decisions(shown),
            *handed_in(shown),
            *([stages(shown)] if answer.found or answer.traces else []),
            reading(shown),
            limits(shown),
        ),
        foot=foot(shown),
    )


def _who(shown: Shown) -> tuple[Block, ...]:
    blocks: list[Block] = []
    if shown.found:
        rows = tuple(
            (
                one.label, stage_of(one.party), day(one.party.first), day(one.party.last), f"{one.party.days:,}",
                verdicts_of(one.party),
            )
            for one in shown.found
        )  # fmt: skip
        heads = ("Who", "Stage", "First seen", "Last seen", "Days", "Verdict")
        caption = "Who reached the stage that is asked about, without names. Days are UTC."
        blocks.append(Grid(heads, rows, caption, frozenset({"Days"}), frozenset({"Who"})))
        blocks += [grid for grid in [units(shown)] if grid]
    else:
        blocks.append(Prose("Nobody is seen at the stage that is asked about."))
    if traces := len(shown.answer.traces):
        text = (
            f"{counted(traces, 'other')} left traces below that stage: look-ups, visits, advertising, refused attempts."
        )
        blocks.append(Prose(f"{text} These prove neither an account nor a use."))
    return tuple(blocks)
