"""One segment, from bytes to sightings. Pure: the same segment and settings give the same result, anywhere.

The hot path runs once a chunk (1 MiB): count newlines, look for literals, keep the few lines that hold one for a look.
Besides the candidates a sample is looked at, so that a log that is not what its format says shows: every line of the
first 64 KiB and the first of each cell behind. By the prefilter's law no sighting lies outside the candidates; the
sample checks it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING

import stringzilla

from detector.errors import UnreadableSource
from detector.events import MICROSECONDS, timestamp
from detector.match import Matcher
from detector.prefilter import LiteralScanner, prefilter_of
from detector.scan.lines import all_lines, ranges, ranges_back
from detector.scan.looking import Look
from detector.scan.results import Counts, ScanResult
from detector.scan.sample import HEAD_BYTES, Sample
from detector.scan.spans import Spans, spans_of
from detector.sources import CHUNK_BYTES, Gap, Limits, chunks, open_stream
from detector.sources.compression import DamagedStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from detector.ahead import Begun
    from detector.events import Dialect, LogFormat
    from detector.match import Sighting
    from detector.signatures import Ruleset
    from detector.sources import Chunk, Segment

CELL_BYTES = 1024 * 1024
_NEWLINE = 0x0A
_LOOK_FOR_STAMP = 16
"""Lines at either end of a cell that are tried for a time stamp before all of it is read."""
_GIVE_UP_STAMPS = 8192
"""Lines after one another without a stamp after which the rest of a cell counts as having none: a gigabyte of junk may
not cost minutes."""
_MAY_HOLD_STAMP = re.compile(rb"^[ \t]*+[^\n]{8,}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run decides.

    Attributes:
        gap_s: seconds of silence that count as a gap.
        since: sightings before this instant are left out.
        until: sightings from this instant on are left out.
        chunk_bytes: size of chunks, a power of two up to 1 MiB; never changes a result.
        prefilter: look for literals first; without it every line is parsed, with the same sightings.
        ahead: decompress in a thread of its own.
        begun: the log whose decompression has begun in a child, ``None`` for none.
        limits: how large compressed data may become.
        part_bytes: a result is handed over each time that so much was read, so that memory stays flat.
    """

    gap_s: int = 86_400
    since: int | None = None
    until: int | None = None
    chunk_bytes: int = CHUNK_BYTES
    prefilter: bool = True
    ahead: bool = True
    begun: Begun | None = None
    limits: Limits = field(default_factory=Limits)
    part_bytes: int = 64 * 1024 * 1024

    @property
    def is_endless(self) -> bool:
        """Whether every instant lies in the window."""
        return self.since is None and self.until is None

    def covers(self, at: int | None) -> bool:
        """Whether an instant lies in the window; an unknown one does."""
        return at is None or ((self.since is None or at >= self.since) and (self.until is None or at < self.until))


@dataclass(slots=True)
class Scanner:
    """A ruleset made ready for scanning; keeps the compiled prefilter of each format."""

    ruleset: Ruleset
    matcher: Matcher = field(init=False)
    _prefilters: dict[str, LiteralScanner] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.matcher = Matcher(self.ruleset)

    def prefilter(self, log_format: LogFormat) -> LiteralScanner:
        """The prefilter of a format, compiled at the first call."""
        if log_format.name not in self._prefilters:
            self._prefilters[log_format.name] = prefilter_of(self.ruleset, log_format)
        return self._prefilters[log_format.name]


def scan(  # noqa: PLR0913 - it has that many parts
    segment: Segment,
    log_format: LogFormat,
    dialect: Dialect,
    scanner: Scanner,
    settings: Settings,
    advance: Callable[[int], None] = lambda _bytes: None,
) -> Iterator[ScanResult]:
    """Scan a segment in parts of about ``settings.part_bytes``; at least one part, also of an empty log.

    Args:
        segment: what to read.
        log_format: what its lines are.
        dialect: in force before its first line.
        scanner: the ruleset made ready.
        settings: of the run.
        advance: told the decompressed bytes of each chunk, for progress.
    """
    part = _Part(segment, log_format, dialect, scanner, settings)
    try:
        with open_stream(segment, settings.limits, ahead=settings.ahead, begun=settings.begun) as reader:
            for chunk in chunks(reader, segment.start, segment.stop, settings.chunk_bytes):
                if part.is_full_before(chunk):
                    yield part.result()
                    part = _Part(segment, log_format, part.dialect, scanner, settings)
                part.take(chunk)
                advance(chunk.stop - chunk.start)
    except (DamagedStream, OSError) as fault:
        part.gap(str(fault))
    except UnreadableSource as fault:
        part.gap(fault.reason)
    yield part.result()


class _Part:
    """Some chunks of one segment, on their way to a result."""

    def __init__(
        self, segment: Segment, log_format: LogFormat, dialect: Dialect, scanner: Scanner, settings: Settings
    ) -> None:
        self._segment = segment
        self._format = log_format
        self._settings = settings
        self._prefilter = scanner.prefilter(log_format) if settings.prefilter else None
        self._look = Look(log_format, dialect, scanner.matcher)
        self._entered = dialect
        self._position = segment.start
        self._bytes = self._lines = self._candidates = self._oversize = self._backward = 0
        self._spans = Spans(settings.gap_s)
        self._gaps: list[Gap] = []
        self._cell = _Cell()

    @property
    def dialect(self) -> Dialect:
        """In force behind the lines so far."""
        return self._look.dialect

    def is_full_before(self, chunk: Chunk) -> bool:
        """Whether enough was read to hand it over; parts end where cells end."""
        return self._bytes >= self._settings.part_bytes and self._cell.index != chunk.start // CELL_BYTES

    def take(self, chunk: Chunk) -> None:
        """Scan one chunk."""
        self._enter_cell(chunk)
        before = self.dialect
        found = self._prefilter.candidates(chunk.buffer, chunk.size) if self._prefilter else all_lines(chunk)
        looked = chunk.lines(self._with_sample(chunk, found))
        if chunk.evidence_bytes is None:
            with memoryview(chunk.buffer) as view:
                self._lines += stringzilla.count(view[: chunk.size], b"\n") if chunk.size else 0
            if chunk.size and chunk.buffer[chunk.size - 1] != _NEWLINE:
                self._lines += 1
            self._look.take(looked, chunk.start if self._cell.is_new else None)
        else:
            self._lines += 1
            self._oversize += 1
            self._look.take_cut(looked, chunk.evidence_bytes)
        self._bytes += chunk.stop - chunk.start
        self._candidates += len(found)
        self._position = chunk.stop
        self._cell.take(chunk, before)
        if not self._cell.pieces:
            self._span(chunk.buffer, chunk.size, before)

    def gap(self, reason: str) -> None:
        """Note that nothing behind the last whole line could be read."""
        self._gaps.append(Gap(self._segment.name, self._position, self._segment.stop, reason))

    def result(self) -> ScanResult:
        """What was found so far."""
        self._close_cell()
        look, sightings = self._look, self._look.sightings
        look.read()
        passed = self._lines - look.parsed - look.unparsed - self._oversize
        return ScanResult(
            counts=Counts(
                self._bytes, self._lines, self._candidates, look.parsed, passed, look.unparsed, self._oversize
            ),
            spans=self._spans,
            sightings=tuple(sightings if self._settings.is_endless else filter(self._covers, sightings)),
            refusals=dict(look.refusals),
            gaps=tuple(self._gaps),
            keys=frozenset(look.keys),
            entered=self._entered,
            left=look.dialect,
            sample=look.sample + Sample(backward=self._backward),
            refused=tuple(look.refused),
        )

    def _with_sample(self, chunk: Chunk, found: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The candidates and the lines of the sample, ascending."""
        if self._prefilter is None:
            return found
        if chunk.start < HEAD_BYTES:
            return sorted({*all_lines(chunk, HEAD_BYTES - chunk.start), *found})
        if self._cell.is_new:
            first = next(ranges(chunk.buffer, chunk.size))
            return found if found and found[0] == first else [first, *found]
        return found

    def _covers(self, sighting: Sighting) -> bool:
        return self._settings.covers(sighting.at)

    def _enter_cell(self, chunk: Chunk) -> None:
        """Close the cell before when the chunk begins another."""
        index = chunk.start // CELL_BYTES
        self._cell.is_new = index != self._cell.index
        if self._cell.is_new:
            self._close_cell()
            self._cell.index = index

    def _close_cell(self) -> None:
        """The span of a cell whose chunks were kept."""
        if self._cell.pieces:
            data = bytearray(b"".join(self._cell.pieces))
            self._span(data, len(data), self._cell.dialect or self.dialect)
            self._cell.pieces.clear()

    def _span(self, data: bytearray, size: int, before: Dialect) -> None:
        """Add the span of one cell's lines."""
        first = self._stamp(data, ranges(data, size), before) or self._stamp(data, ranges(data, size), self.dialect)
        last = self._stamp(data, ranges_back(data, size), self.dialect)
        if first is not None and last is not None:
            self._backward = max(self._backward, first - last)
        reach = self._settings.gap_s * MICROSECONDS
        if first is not None and last is not None and abs(last - first) <= reach:
            self._spans = self._spans.union([(min(first, last), max(first, last))])
            return
        instants = chain((first, last), self._instants(data, size))
        self._spans = self._spans.union(spans_of(instants, self._settings.gap_s).parts)

    def _instants(self, data: bytearray, size: int) -> Iterator[int | None]:
        """Every stamp of a cell's lines, until too many lines after one another have none."""
        missed = 0
        for line in _MAY_HOLD_STAMP.finditer(data, 0, size):
            yield (at := timestamp(self._format, self.dialect, bytes(line[0])))
            missed = missed + 1 if at is None else 0
            if missed > _GIVE_UP_STAMPS:
                return

    def _stamp(self, data: bytearray, ranges: Iterator[tuple[int, int]], dialect: Dialect) -> int | None:
        """The first time stamp among some lines."""
        for start, end in islice(ranges, _LOOK_FOR_STAMP):
            if (at := timestamp(self._format, dialect, bytes(data[start:end]))) is not None:
                return at
        return None


@dataclass(slots=True)
class _Cell:
    """The cell that is being read.

    Attributes:
        index: which one.
        is_new: the chunk at hand is its first.
        pieces: its chunks so far, kept only where one is not the whole cell.
        dialect: in force before the first piece.
    """

    index: int = -1
    is_new: bool = False
    pieces: list[bytes] = field(default_factory=list)
    dialect: Dialect | None = None

    def take(self, chunk: Chunk, before: Dialect) -> None:
        """Keep a chunk that is not the whole cell."""
        if self.is_new and chunk.stop // CELL_BYTES != self.index:
            return
        if not self.pieces:
            self.dialect = before
        self.pieces.append(bytes(chunk.buffer[: chunk.size]))
