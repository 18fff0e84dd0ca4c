"""Which format a log is, by its content: every format tries the first lines, the one that reads most of them wins.

Some products write another's lines: what two formats read to the very same events is told as the one "or" the other,
never surely. Lines that nobody reads are no evidence against a format, only a reason to be unsure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from detector.events import Col, Envelope, Layout, Line, read_lines
from detector.events.envelope import peel
from detector.events.reading import UNREADABLE, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detector.events import Dialect, EventBatch, LogFormat

SAMPLE_LINES = 60
CERTAIN = 0.9
"""From this confidence on a format is taken without asking."""
EQUAL = 0.8
"""The most that a format is sure of where another reads the same lines to the same events."""
UNSURE = 0.5
"""The most that a format is sure of by few lines among many that nobody reads, or by lines that are no events."""
_LEAST_SHARE = 0.1
"""Of all lines, below which those that a format reads may be read by chance."""
_ENOUGH_EVENTS = 3


class Guess(NamedTuple):
    """One format that a log may be.

    Attributes:
        log_format: the format.
        dialect: with what the head of the log adds: its envelope, its header's columns.
        confidence: 0 to 1: the share of lines that read as this format, less where there are few, or where others
            read them alike.
        columns: mean number of columns that a line gives; decides between formats that read the same lines.
        behind: the dialect in force behind those lines: most logs keep their first header to the end.
        rivals: names of other formats that read the same lines to the same events.
        is_plain: whether many lines read as this format and none refused; logs beside it may be taken for the same.
    """

    log_format: LogFormat
    dialect: Dialect
    confidence: float
    columns: float
    behind: Dialect | None = None
    rivals: tuple[str, ...] = ()
    is_plain: bool = False


class _Attempt(NamedTuple):
    """A guess with what was read: the share of the lines that are events, and those."""

    guess: Guess
    share: float
    batch: EventBatch


def identify(lines: Sequence[bytes], dialect: Dialect, formats: Iterable[LogFormat]) -> list[Guess]:
    """The formats that the head of a log may be, best first; empty when none reads any of its lines.

    Args:
        lines: raw lines of the head of the log; the first ones are tried, where they hold nothing the last ones.
        dialect: what the site says of the log.
        formats: those to try.
    """
    sample = [Line(index, raw) for index, raw in enumerate(_worth_reading(lines))]
    tried = list(formats)
    attempts = _attempts(sample[:SAMPLE_LINES], dialect, tried)
    if not attempts and len(sample) > SAMPLE_LINES:  # a service that starts may have much to say
        attempts = _attempts(sample[-SAMPLE_LINES:], dialect, tried)
    attempts = _among_readable(attempts)
    attempts.sort(key=lambda one: (-round(one.guess.confidence, 1), -one.guess.columns, one.guess.log_format.name))
    return [_beside_rivals(attempts[0], attempts[1:]), *(one.guess for one in attempts[1:])] if attempts else []


def _attempts(sample: Sequence[Line], dialect: Dialect, formats: Iterable[LogFormat]) -> list[_Attempt]:
    if not sample:
        return []
    envelopes = _envelopes(sample)
    found = (_best_envelope(sample, dialect, log_format, envelopes) for log_format in formats)
    return [attempt for attempt in found if attempt is not None]


def _best_envelope(
    sample: Sequence[Line], dialect: Dialect, log_format: LogFormat, envelopes: Iterable[Envelope]
) -> _Attempt | None:
    """The format with the least peeled off that reads the lines as well: a tag may be what tells lines apart.

    Where it hides the time of the lines it tells nothing.
    """
    best: _Attempt | None = None
    for envelope in envelopes:
        one = _attempt(sample, replace(dialect, envelope=envelope), log_format)
        if one is None:
            continue
        if best is None or one.guess.confidence > best.guess.confidence + 0.05:
            best = one
        elif envelope is Envelope.TAGGED and one.guess.confidence >= best.guess.confidence:
            best = one if _has_own_time(one) and not _has_own_time(best) else best
    return best


def _has_own_time(attempt: _Attempt) -> bool:
    """Whether the format finds a time behind what is peeled off."""
    log_format, dialect = attempt.guess.log_format, attempt.guess.dialect
    return any(_has_stamp(log_format, dialect, _body(raw, dialect.envelope)) for raw in attempt.batch.lines)


def _body(raw: bytes, envelope: Envelope) -> bytes:
    header = peel(text_of(raw), envelope) if envelope is not Envelope.NONE else None
    return raw if header is None else header.body.encode()


def _among_readable(attempts: Sequence[_Attempt]) -> list[_Attempt]:
    """Formats that read few of all lines, but of those that anybody reads most, are unsurely what the log is."""
    readable = len({offset for one in attempts for offset in one.batch.offsets})
    found = []
    for one in attempts:
        confidence = one.guess.confidence
        if _LEAST_SHARE <= one.share < 1.0:
            unsure = UNSURE * len(one.batch) / readable * confidence / one.share
            confidence = max(confidence, unsure)
        found.append(one._replace(guess=one.guess._replace(confidence=confidence)))
    return found


def _beside_rivals(best: _Attempt, others: Sequence[_Attempt]) -> Guess:
    """The best guess, less sure where others give the same events; how much they like the lines is no matter."""
    events = _events(best.batch) if len(best.batch) else None
    rivals = tuple(
        one.guess.log_format.name
        for one in others
        if events and one.batch.offsets == best.batch.offsets and _events(one.batch) == events
    )
    guess = best.guess
    return guess._replace(rivals=rivals, confidence=min(guess.confidence, EQUAL)) if rivals else guess


def _events(batch: EventBatch) -> dict[Col, list[object]]:
    """The columns that hold anything."""
    return {name: list(cells) for name, cells in batch.columns.items() if any(cell is not None for cell in cells)}


def _worth_reading(lines: Sequence[bytes]) -> list[bytes]:
    """The lines that are not blank; NUL padding tells nothing."""
    return [raw for raw in lines if raw.strip(b"\0 \t\r")]


def _envelopes(sample: Sequence[Line]) -> list[Envelope]:
    """The envelopes that may be around the lines: syslog only where one of them has its header."""
    texts = [text_of(line.raw[:4096]) for line in sample[:10]]
    peeled = any(peel(text, Envelope.SYSLOG) is not None for text in texts)
    return list(Envelope) if peeled else [Envelope.NONE]


def _likeness(log_format: LogFormat, sample: Sequence[Line], envelope: Envelope) -> float:
    """By the lines as they are; inside syslog also by what a header of RFC 5424 makes of a program's tag."""
    if log_format.sniff is None:
        return 1.0
    texts = [text_of(line.raw) for line in sample]
    likeness = log_format.sniff(texts)
    if envelope is Envelope.NONE or likeness >= 1.0:
        return likeness
    headers = [peel(text, Envelope.SYSLOG) for text in texts]
    bodies = [text if header is None else header.body for text, header in zip(texts, headers, strict=True)]
    return max(likeness, log_format.sniff(bodies))


def _are_objects(sample: Sequence[Line]) -> bool:
    """Whether all lines are JSON objects: a format passes those of its own that are no events, and refuses others'."""
    return all(line.raw.lstrip().startswith(b"{") for line in sample)


def _attempt(sample: Sequence[Line], dialect: Dialect, log_format: LogFormat) -> _Attempt | None:
    first = text_of(sample[0].raw)
    header = log_format.head(first, dialect)
    reading = read_lines(log_format, header or dialect, sample)
    events, refused = len(reading.batch), len(reading.refusals)
    started = header or (reading.dialect if reading.dialect.columns != dialect.columns else None)
    if not events:
        if refused or (started is None and not _are_objects(sample)):
            return None
        sure = UNSURE if started is not None else UNSURE * _likeness(log_format, sample, dialect.envelope)
        guess = Guess(log_format, started or dialect, sure, 0.0, reading.dialect)
        return _Attempt(guess, 0.0, reading.batch) if sure else None
    share = events / (events + refused)
    is_sure = started is not None or log_format.layout is Layout.MAILS  # one mail may be the whole file
    few = 1.0 if is_sure else (7 + min(events, _ENOUGH_EVENTS)) / 10
    timed = 1.0 if _is_timed(log_format, reading.dialect, reading.batch) else 0.6
    confidence = share * few * timed * _likeness(log_format, sample, dialect.envelope)
    if confidence <= 0:
        return None
    cells = sum(cell is not None for column in reading.batch.columns.values() for cell in column)
    columns = cells / (events + reading.passed)
    is_plain = confidence >= 1.0
    guess = Guess(log_format, header or dialect, confidence, columns, reading.dialect, is_plain=is_plain)
    return _Attempt(guess, share, reading.batch)


def _is_timed(log_format: LogFormat, dialect: Dialect, batch: EventBatch) -> bool:
    """Whether a line has a time; a log without any is rarely what it seems.

    Where nothing is peeled off, a format must find it: that of a syslog header shows nothing of what stands behind.
    """
    if Col.AT not in batch.columns or dialect.envelope is not Envelope.NONE:
        return Col.AT in batch.columns
    return any(_has_stamp(log_format, dialect, raw) for raw in batch.lines)


def _has_stamp(log_format: LogFormat, dialect: Dialect, raw: bytes) -> bool:
    try:
        return log_format.timestamp(text_of(raw), dialect) is not None
    except UNREADABLE:
        return False
