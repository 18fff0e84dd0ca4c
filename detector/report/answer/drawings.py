"""The drawings of an answer: what was read over time, and stages over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.coverage import HOUR
from detector.report.answer.blocks import Figure
from detector.report.document import ActorRow, FindingRow, Report, SourceRow
from detector.report.stagechart import stage_chart
from detector.report.timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.answers import Party
    from detector.report.answer.shown import Shown, ShownSource

_DAY_US = 86_400_000_000
_NOBODY = ActorRow("", "", "", "", "")


def figures_of_reading(shown: Shown) -> Iterator[Figure]:
    """When each source was being written, over the window."""
    drawing = timeline(_report(shown, sources=tuple(_source(one, shown) for one in shown.sources)))
    if drawing is not None:
        caption = "Sources over the time that is asked about (UTC). Solid: covered. Hatched: not covered."
        yield Figure(drawing, caption)


def figures_of_stages(shown: Shown) -> Iterator[Figure]:
    """Sightings by stage over time."""
    answer = shown.answer
    rows = tuple(_finding(party) for party in (*answer.found, *answer.traces))
    drawing = stage_chart(_report(shown, findings=rows))
    if drawing is not None:
        yield Figure(drawing, f"Sightings per {drawing.unit} (UTC), refused attempts included.")


def _report(shown: Shown, *, sources: tuple[SourceRow, ...] = (), findings: tuple[FindingRow, ...] = ()) -> Report:
    window, origin = shown.answer.question.window, shown.answer.origin
    return Report(origin.version, origin.ruleset, 1, window.since, window.until, sources, findings, names=False)


def _source(one: ShownSource, shown: Shown) -> SourceRow:
    window = shown.answer.question.window
    hours = sorted(one.source.covered(window)) if one.source.can_show else []
    edges = [window.since, *(edge for gap in one.gaps for edge in gap), window.until] if hours else []
    spans = tuple((start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end)
    return SourceRow(
        path=one.name,
        lines=one.lines,
        first_event=hours[0] * HOUR if hours else None,
        last_event=(hours[-1] + 1) * HOUR if hours else None,
        spans=spans,
        gaps=one.gaps,
        unread="" if hours else "nothing",
    )


def _finding(party: Party) -> FindingRow:
    return FindingRow(
        service="", service_name="", category="", actor=_NOBODY, stage=party.stage.value,
        confidence=party.confidence.value, verdict="", first_seen=party.first, last_seen=party.last, days=party.days,
        sightings=party.sightings, bytes_sent=party.bytes_sent, denied=party.attempts, sources=(), stages=(),
        per_day=tuple((day * _DAY_US, stage.value, count) for day, stage, count in party.per_day), evidence=(),
    )  # fmt: skip
