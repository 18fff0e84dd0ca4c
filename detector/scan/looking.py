"""Lines that are looked at, of one part of a log: gathered until there are enough to read them at once, then matched.

What a few lines cost a chunk is mostly the price of beginning: so the lines of many chunks are read together. A header
line is read at once, for it says what the lines behind it mean.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from detector.events import Col, read_lines
from detector.events.heads import holds_head
from detector.scan.results import REFUSED_KEPT, RefusedAt
from detector.scan.sample import NOTHING, Sample, sample_of

if TYPE_CHECKING:
    from detector.events import Dialect, LogFormat, Reading
    from detector.match import Matcher, Sighting

TOGETHER_LINES = 2048
TOGETHER_BYTES = 1024 * 1024
"""So many lines, or so much of them, are read together."""


class Look:
    """The lines of one part that are looked at, and what they gave.

    Attributes:
        dialect: in force behind the lines so far.
        candidates: lines that could hold a sighting.
        parsed: lines that are events.
        unparsed: lines that are not what their format says.
        sightings: in the order of the lines.
        refusals: reason → how many lines were refused for it.
        refused: places of the first of them.
        keys: of a joining format: transactions that have a line here.
        sample: what the lines say that are looked at in any case.
    """

    def __init__(self, log_format: LogFormat, dialect: Dialect, matcher: Matcher) -> None:
        self._format = log_format
        self._matcher = matcher
        self._lines: list[tuple[int, bytes]] = []
        self._bytes = 0
        self._starts: set[int] = set()
        self.dialect = dialect
        self.candidates = self.parsed = self.unparsed = 0
        self.sightings: list[Sighting] = []
        self.refusals: Counter[str] = Counter()
        self.refused: list[RefusedAt] = []
        self.keys: set[str] = set()
        self.sample: Sample = NOTHING

    def take(self, lines: list[tuple[int, bytes]], start: int | None) -> None:
        """Look at lines of a chunk.

        Args:
            lines: offset and bytes of each.
            start: the offset whose line belongs to the sample, if one is among them.
        """
        if start is not None:
            self._starts.add(start)
        self._lines += lines
        self._bytes += sum([len(raw) for _, raw in lines])
        if (
            len(self._lines) >= TOGETHER_LINES
            or self._bytes >= TOGETHER_BYTES
            or holds_head(lines, self._format.head_literals)
        ):
            self.read()

    def take_cut(self, lines: list[tuple[int, bytes]], kept_bytes: int) -> None:
        """Look at what is left of a line that is too long: it is counted elsewhere, and only its head can be proven."""
        self.read()
        self._find(lines, kept_bytes)

    def read(self) -> None:
        """Read what was gathered."""
        lines, starts = self._lines, self._starts
        if not lines:
            return
        self._lines, self._bytes, self._starts = [], 0, set()
        reading = self._find(lines)
        self.parsed += len(reading.batch)
        self.unparsed += len(reading.refusals)
        self.sample += sample_of(reading.batch, starts)
        if reading.refusals:
            self.refusals.update(refusal.reason for refusal in reading.refusals)
            raws = dict(lines)
            for one in reading.refusals[: REFUSED_KEPT - len(self.refused)]:
                digest = hashlib.sha256(raws[one.offset]).hexdigest()
                self.refused.append(RefusedAt(one.offset, one.length, digest, one.reason))

    def _find(self, lines: list[tuple[int, bytes]], kept_bytes: int | None = None) -> Reading:
        """Parse and match lines."""
        reading = read_lines(self._format, self.dialect, lines)
        self.dialect = reading.dialect
        if self._format.join is not None:
            self.keys.update(str(key) for key in reading.batch.column(Col.TRANSACTION) if key is not None)
            return reading
        found = self._matcher.match(reading.batch)
        self.sightings += found if kept_bytes is None else [one._replace(line=one.line[:kept_bytes]) for one in found]
        return reading
