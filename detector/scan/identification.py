"""Which format a log is, by its content: every format tries the first lines, the one that reads most of them wins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from detector.events import Col, Envelope, Layout, Line, read_lines
from detector.events.envelope import peel
from detector.events.reading import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detector.events import Dialect, LogFormat

SAMPLE_LINES = 60
CERTAIN = 0.9
"""From this confidence on a format is taken without asking."""
_ENOUGH_EVENTS = 3


@dataclass(frozen=True, slots=True)
class Guess:
    """One format that a log may be.

    Attributes:
        log_format: the format.
        dialect: with what the head of the log adds: its envelope, its header's columns.
        confidence: 0 to 1: the share of lines that read as this format, less where there are few.
        columns: mean number of columns that a line gives; decides between formats that read the same lines.
        behind: the dialect in force behind those lines: most logs keep their first header to the end.
    """

    log_format: LogFormat
    dialect: Dialect
    confidence: float
    columns: float
    behind: Dialect | None = None


def identify(lines: Sequence[bytes], dialect: Dialect, formats: Iterable[LogFormat]) -> list[Guess]:
    """The formats that the first lines of a log may be, best first; empty when none reads any of them.

    Args:
        lines: raw lines from the head of the log, the first ones.
        dialect: what the site says of the log.
        formats: those to try.
    """
    sample = [Line(index, raw) for index, raw in enumerate(_worth_reading(lines))]
    if not sample:
        return []
    envelopes = _envelopes(sample)
    guesses = [
        guess for log_format in formats if (guess := _best_envelope(sample, dialect, log_format, envelopes)) is not None
    ]
    guesses.sort(key=lambda one: (-round(one.confidence, 1), -one.columns, one.log_format.name))
    return guesses


def _best_envelope(
    sample: Sequence[Line], dialect: Dialect, log_format: LogFormat, envelopes: Iterable[Envelope]
) -> Guess | None:
    """The format with the least peeled off that reads the lines as well: a tag may be what tells lines apart."""
    best: Guess | None = None
    for envelope in envelopes:
        guess = _guess(sample, replace(dialect, envelope=envelope), log_format)
        if guess is not None and (best is None or guess.confidence > best.confidence + 0.05):
            best = guess
    return best


def _worth_reading(lines: Sequence[bytes]) -> list[bytes]:
    """The first lines that are not blank; very long ones and NUL padding tell nothing."""
    return [raw for raw in lines if raw.strip(b"\0 \t\r")][:SAMPLE_LINES]


def _envelopes(sample: Sequence[Line]) -> list[Envelope]:
    """The envelopes that may be around the lines: syslog only where most lines have its header."""
    texts = [text_of(line.raw[:4096]) for line in sample[:10]]
    peeled = sum(peel(text, Envelope.SYSLOG) is not None for text in texts)
    return list(Envelope) if peeled * 2 > len(texts) else [Envelope.NONE]


def _likeness(log_format: LogFormat, sample: Sequence[Line]) -> float:
    return 1.0 if log_format.sniff is None else log_format.sniff([text_of(line.raw) for line in sample])


def _are_objects(sample: Sequence[Line]) -> bool:
    """Whether all lines are JSON objects: a format passes those of its own that are no events, and refuses others'."""
    return all(line.raw.lstrip().startswith(b"{") for line in sample)


def _guess(sample: Sequence[Line], dialect: Dialect, log_format: LogFormat) -> Guess | None:
    first = text_of(sample[0].raw)
    header = log_format.head(first, dialect)
    reading = read_lines(log_format, header or dialect, sample)
    events, refused = len(reading.batch), len(reading.refusals)
    started = header or (reading.dialect if reading.dialect.columns != dialect.columns else None)
    if not events:
        if refused or (started is None and not _are_objects(sample)):
            return None
        sure = 0.5 if started is not None else 0.5 * _likeness(log_format, sample)
        return Guess(log_format, started or dialect, sure, 0.0, reading.dialect) if sure else None
    share = events / (events + refused) * _likeness(log_format, sample)
    is_sure = started is not None or log_format.layout is Layout.MAILS  # one mail may be the whole file
    few = 1.0 if is_sure else min(1.0, 0.7 + 0.1 * min(events, _ENOUGH_EVENTS))
    cells = sum(cell is not None for column in reading.batch.columns.values() for cell in column)
    if Col.AT not in reading.batch.columns:
        share *= 0.6  # a log without any time stamp is rarely what it seems
    if share * few <= 0:
        return None
    return Guess(log_format, header or dialect, share * few, cells / (events + reading.passed), reading.dialect)
