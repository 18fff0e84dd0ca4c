"""An answer as one JSON document, for programs; it holds no more than its reader may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.coverage import DECLARED
from detector.events import Kind, to_iso
from detector.report.answer import schema, spreading
from detector.report.answer.blocks import Points, Prose
from detector.report.answer.decided import approvals, order
from detector.report.answer.handed import statements_data, vendor_data
from detector.report.answer.sentences import KINDS, shortfall, sign
from detector.report.answer.shown import Reader
from detector.report.answer.values import iso, percent
from detector.report.json import dump

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.findings import Attributed
    from detector.report.answer.blocks import Page
    from detector.report.answer.shown import Shown, ShownParty, ShownSource


def render(shown: Shown, page: Page) -> str:
    """The document; of the page it has the sentences."""
    answer, showing = shown.answer, shown.showing
    document = schema.Answer(
        document=schema.SCHEMA,
        tool=schema.Tool(name="shadowit", version=answer.origin.version),
        ruleset=answer.origin.ruleset,
        policy=answer.policy or None,
        reader=showing.reader.value,
        purpose=showing.purpose or None,
        question=_question(shown),
        outcome=answer.outcome.value,
        verdict=answer.outcome.words,
        headline=page.headline,
        text=list(_sentences(page)),
        coverage=_coverage(shown),
        k=showing.k,
        found=shown.people,
        units=[schema.Unit(unit=unit, people=count) for unit, count in shown.units],
        people=[_who(one, shown) for one in shown.found],
        traces=[_who(one, shown) for one in shown.traces],
        orders=[order(one, shown) for one in answer.followed],
        approvals=approvals(shown),
        vendor=vendor_data(shown),
        statements=statements_data(shown),
        spread=spreading.data(shown) if showing.reader is Reader.INTERNAL else None,
    )
    return dump(document.model_dump(mode="json", by_alias=True), indent=True)


def _sentences(page: Page) -> Iterator[str]:
    """What the page says in sentences."""
    yield from (page.state, *page.lead)
    for section in page.sections:
        for block in section.blocks:
            if isinstance(block, Prose):
                yield block.text
            elif isinstance(block, Points):
                yield from block.items


def _question(shown: Shown) -> schema.Question:
    question, service = shown.answer.question, shown.answer.service
    return schema.Question(
        service=service.id,
        service_name=service.name,
        category=service.category,
        data_location=service.data_location,
        since=to_iso(question.window.since),
        until=to_iso(question.window.until),
        window_given=not question.is_open,
        stage=question.stage.value,
        needed=[kind.value for kind in KINDS_IN_ORDER if kind in question.needed],
        required_pct=percent(question.required),
    )


KINDS_IN_ORDER = tuple(kind for kind in Kind if kind in KINDS)


def _coverage(shown: Shown) -> schema.Coverage:
    answer = shown.answer
    ledger = answer.ledger
    return schema.Coverage(
        met=answer.is_covered,
        kinds=[
            schema.KindOfLog(
                kind=kind.value,
                needed=kind in answer.question.needed,
                read=kind in ledger.kinds,
                share_pct=percent(ledger.share(kind)),
            )
            for kind in KINDS_IN_ORDER
        ],
        sources=[_source(one) for one in shown.sources],
        stray=[schema.Unread(place=place, reason=reason) for place, reason in shown.stray],
        lacking=[
            schema.Lacking(
                kind=one.kind, place=shown.places.get(one.place, _place(one.place)), text=shortfall(one, shown)
            )
            for one in answer.lacking
        ],
        signs=list(dict.fromkeys(sign(one, shown.places) for one in answer.signs)),
        directory=None if ledger.people is None else schema.Directory(people=ledger.people, seen=ledger.seen),
        declared_blind_spots=list(DECLARED),
        canaries=[schema.Canary(format=name, sighted=ok) for name, ok in answer.origin.canaries],
    )


def _place(place: str) -> str:
    """Kinds of log are told to everybody; what else is no source's name is a path."""
    return place if all(one in KINDS for one in place.split(", ")) else ""


def _source(one: ShownSource) -> schema.SourceOfLogs:
    source = one.source
    return schema.SourceOfLogs(
        name=one.name,
        kind=source.kind.value,
        formats=list(source.formats),
        lines=one.lines,
        share_pct=percent(one.share),
        unparsed_pct=percent(source.unparsed_share),
        can_show=source.can_show,
        canary=source.sighted,
        fields=None if source.fields is None else sorted(source.fields),
        gaps=[schema.Span(since=to_iso(start), until=to_iso(end)) for start, end in one.gaps],
        unread=[schema.Unread(place=place, reason=reason) for place, reason in one.unread],
    )


def _who(one: ShownParty, shown: Shown) -> schema.Who:
    party = one.party
    return schema.Who(
        id=shown.id_of(party.actor),
        name=shown.name_of(party.actor),
        kind=party.actor.kind.value,
        confidence=party.grade,
        one_of=party.one_of,
        units=list(one.units),
        stage=party.stage.value,
        stage_confidence=party.confidence.value,
        verdict=party.verdicts[0][0].value,
        verdicts={verdict.value: count for verdict, count in party.verdicts},
        first_seen=iso(party.first),
        last_seen=iso(party.last),
        days=party.days,
        sightings=party.sightings,
        denied=party.attempts,
        bytes_sent=party.bytes_sent,
        stages=[
            schema.StageSeen(
                stage=row.stage.value, first_seen=iso(row.first), last_seen=iso(row.last), sightings=row.count
            )
            for row in party.stages
        ],
        evidence=[_evidence(proof) for proof in one.evidence],
    )


def _evidence(proof: Attributed) -> schema.Evidence:
    return schema.Evidence(
        path=proof.path, offset=proof.offset, length=proof.length, sha256=proof.sha256, indicator=proof.indicator,
        stage=proof.stage.value, at=iso(proof.at), denied=proof.denied, sighting=proof.id,
    )  # fmt: skip
