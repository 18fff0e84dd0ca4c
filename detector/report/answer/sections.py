"""The parts that pages for readers inside share: who, when, what was read, what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.coverage import DECLARED
from detector.events import Col
from detector.report.answer.blocks import Block, Grid, Points, Prose, Section
from detector.report.answer.drawings import figures_of_reading, figures_of_stages
from detector.report.answer.sentences import KINDS, listed, sentence, shortfall, sign
from detector.report.wording import STAGES, counted, day, duration, moment, share, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.answers import Party
    from detector.report.answer.shown import Shown, ShownParty, ShownSource

_MOST_GAPS = 40
_NUMBERS = frozenset({"Days", "Sightings", "Refused", "Sent", "People", "Lines", "Covered", "Unparsed", "Hours"})


def stage_of(party: Party) -> str:
    """The stage with its doubt."""
    text = f"{party.stage} (probable)" if party.confidence == "probable" else party.stage.value
    return f"{text}, refused" if party.is_attempt else text


def verdicts_of(party: Party) -> str:
    """The heaviest verdict, with how many of the sightings got it where others got another."""
    verdict, count = party.verdicts[0]
    return verdict.value if len(party.verdicts) == 1 else f"{verdict} ({count:,} of {party.sightings:,})"


def identity_of(party: Party) -> str:
    """On what it rests that the sightings are this actor's."""
    text = f"{party.actor.kind}, {party.grade} confidence"
    return f"{text}, one of {party.one_of:,}" if party.one_of > 1 else text


def people(rows: Sequence[ShownParty], caption: str, sources: Sequence[ShownSource]) -> Grid:
    """Actors, one a row; a column that nobody fills is left out.

    Args:
        rows: the actors.
        caption: of the table.
        sources: what was read: where none of it says how much was sent, that is no zero.
    """
    is_logged = any(one.source.fields is None or Col.BYTES_SENT in one.source.fields for one in sources)

    def sent(party: Party) -> str:
        return size(party.bytes_sent) if is_logged or party.bytes_sent else "not logged"

    has_units = any(one.units for one in rows)
    heads = [
        "Who",
        "Identity",
        "Unit",
        "Stage",
        "First seen",
        "Last seen",
        "Days",
        "Sightings",
        "Refused",
        "Sent",
        "Verdict",
    ]
    cells = [
        [
            one.label, identity_of(one.party), listed(one.units) or "unknown", stage_of(one.party),
            moment(one.party.first), moment(one.party.last), f"{one.party.days:,}", f"{one.party.sightings:,}",
            f"{one.party.attempts:,}", sent(one.party),
            verdicts_of(one.party),
        ]
        for one in rows
    ]  # fmt: skip
    if not has_units:
        heads, cells = [one for one in heads if one != "Unit"], [row[:2] + row[3:] for row in cells]
    return Grid(tuple(heads), tuple(map(tuple, cells)), caption, _NUMBERS, frozenset({"Who"}))


def units(shown: Shown) -> Grid | None:
    """People by unit, small ones not counted."""
    if not shown.units:
        return None
    rows = tuple(
        (unit, f"fewer than {shown.showing.k}, or hidden" if count is None else f"{count:,}")
        for unit, count in shown.units
    )
    return Grid(("Unit", "People"), rows, "Units of those who were found, at the times of the sightings.", _NUMBERS)


def stages(shown: Shown) -> Section:
    """Stages over time, and what they mean."""
    parties = (*shown.answer.found, *shown.answer.traces)
    seen = {row.stage.value for party in parties for row in party.stages}
    rows = tuple((name, words.proves, words.not_proven) for name, words in STAGES.items() if name in seen)
    words = Grid(("Stage", "What a line proves", "What it leaves open"), rows, "Stages, weakest first.")
    together = [name for name in STAGES if name in {party.stage.value for party in shown.answer.found} - seen]
    text = (
        f"{listed(together)}: told from many requests, minutes or bytes that went to the product itself; no single "
        "line proves it, so it is only probable."
    )
    return Section("Stages", (*figures_of_stages(shown), words, *([Prose(text)] if together else [])))


def reading(shown: Shown) -> Section:
    """What was read: by kind and by source."""
    answer = shown.answer
    blocks: list[Block] = [Points(tuple(map(sentence, _kinds(shown)))), *figures_of_reading(shown)]
    if shown.sources:
        blocks.append(_sources(shown))
    gaps = [(source, gap) for source in shown.sources for gap in source.gaps]
    if gaps:
        blocks.append(_gaps(gaps))
    unread = [*shown.stray, *(pair for source in shown.sources for pair in source.unread)]
    if unread:
        raw = frozenset({"Log"})
        blocks.append(Grid(("Log", "Why"), tuple(unread), "Not read, or not to its end.", raw=raw))
    canaries = ", ".join(f"{name} {'sighted' if ok else 'NOT sighted'}" for name, ok in answer.origin.canaries)
    if canaries:
        text = f"Canary (a synthetic line of each format, sent through the same program): {canaries}."
        blocks.append(Prose(text, "soft"))
    if answer.origin.is_store:
        blocks.append(Prose(_FROM_THE_STORE, "soft"))
    return Section("What was read", tuple(blocks))


_FROM_THE_STORE = (
    "Answered from what the daemon kept while it read. Of people who did nothing that is looked for nothing is kept: "
    "how many people of the directory these logs show cannot be told."
)


def _kinds(shown: Shown) -> Iterator[str]:
    answer = shown.answer
    for kind, words in KINDS.items():
        sources = [one for one in shown.sources if one.source.kind == kind]
        needed = "" if kind in answer.question.needed else " (not needed for this service)"
        if sources:
            lines = sum(one.lines for one in sources)
            part = share(answer.ledger.share(sources[0].source.kind))
            yield (
                f"{words} logs cover {part} of the time: {counted(len(sources), 'source')}, "
                f"{counted(lines, 'line')}{needed}."
            )
        else:
            yield f"{words} logs were not read{needed}."


def _sources(shown: Shown) -> Grid:
    rows = tuple(
        (
            one.name, KINDS[one.source.kind], listed(one.source.formats) or "unknown", f"{one.lines:,}",
            share(one.share), share(one.source.unparsed_share), _fields(one), "yes" if one.source.sighted else "NO",
        )
        for one in shown.sources
    )  # fmt: skip
    heads = ("Source", "Kind", "Formats", "Lines", "Covered", "Unparsed", "Shows", "Canary")
    return Grid(
        heads, rows, "Sources of logs, with the share of the time that each covers.", _NUMBERS, frozenset({"Source"})
    )


def _fields(one: ShownSource) -> str:
    """What the sampled lines fill, in words."""
    if one.source.fields is None:
        return "not sampled"
    if one.source.missing:
        return "MISSING: " + "; ".join(" or ".join(sorted(group)) for group in one.source.missing)
    return ", ".join(words for name, words in _COLUMNS if name in one.source.fields)


_COLUMNS = (
    ("user.name", "accounts"), ("source.ip", "addresses"), ("url.domain", "hosts"),
    ("tls.client.server_name", "TLS names"), ("url.full", "paths"), ("http.request.bytes", "bytes sent"),
    ("dns.question.name", "names asked for"), ("email.from.address", "authors"),
    ("email.sender.address", "envelope senders"), ("email.to.address", "receivers"), ("email.subject", "subjects"),
    ("email.authentication", "authentication"),
)  # fmt: skip


def _gaps(gaps: Sequence[tuple[ShownSource, tuple[int, int]]]) -> Grid:
    rows = [
        (source.name, KINDS[source.source.kind], moment(start)[:16], moment(end)[:16], duration(end - start))
        for source, (start, end) in sorted(gaps, key=lambda one: one[1][0] - one[1][1])[:_MOST_GAPS]
    ]
    rest = f" The longest {_MOST_GAPS} of {len(gaps):,}." if len(gaps) > _MOST_GAPS else ""
    caption = f"Times that a source does not cover (UTC): a use could lie in any of them.{rest}"
    return Grid(("Source", "Kind", "From", "To", "Length"), tuple(rows), caption, _NUMBERS, frozenset({"Source"}))


def limits(shown: Shown) -> Section:
    """Why coverage is short, what the logs themselves cannot see, and what no log can."""
    blocks: list[Block] = []
    if shown.answer.lacking:
        blocks += [
            Prose("Coverage is short:", "bad"),
            Points(tuple(sentence(shortfall(one, shown)) for one in shown.answer.lacking)),
        ]
    if shown.answer.signs:
        texts = tuple(dict.fromkeys(sentence(sign(one, shown.places)) for one in shown.answer.signs))
        blocks += [Prose("Signs that these logs do not see everything:"), Points(texts)]
    blocks += [Prose("Not visible to any log of this kind (declared):"), Points(DECLARED)]
    return Section("What was not read, and what cannot be seen", tuple(blocks))


def evidence(shown: Shown) -> Section | None:
    """Lines that anybody can open again."""
    rows = tuple(
        (
            one.label, proof.stage.value, moment(proof.at), f"{proof.path}:{proof.offset}", f"{proof.length:,}",
            proof.sha256, proof.indicator,
        )
        for one in shown.found
        for proof in one.evidence
    )  # fmt: skip
    if not rows:
        return None
    heads = ("Who", "Stage", "Time (UTC)", "Path and offset", "Bytes", "SHA-256", "Indicator")
    caption = "Earliest and latest lines of each stage; shadowit explain --at PATH:OFFSET opens one again."
    raw = frozenset({"Who", "Path and offset", "SHA-256", "Indicator"})
    return Section("Evidence", (Grid(heads, rows, caption, frozenset({"Bytes"}), raw, is_detail=True),))


def foot(shown: Shown) -> tuple[tuple[str, str], ...]:
    """What the answer was made with."""
    answer = shown.answer
    rows = [("Program", f"shadowit {answer.origin.version}"), ("Signatures", answer.origin.ruleset)]
    rows.append(("Policy", answer.policy or "none: nobody has decided about the service"))
    if shown.showing.purpose:
        rows.append(("Purpose", shown.showing.purpose))
    return tuple(rows)


def window(shown: Shown) -> str:
    """What was asked, in one sentence."""
    question = shown.answer.question
    text = f"Asked about: {day(question.window.since)} to {day(question.window.until - 1)} (UTC)"
    return f"{text}, the time of the logs themselves: no time was asked for." if question.is_open else f"{text}."
