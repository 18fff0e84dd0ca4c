"""The first look: every host of every line, reduced to unknown domains with the few people who asked for them.

Time is told a chunk at a time (1 MiB), which is enough to choose what is looked at line by line afterwards; a chunk in
which the window begins or ends is parsed in full.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import stringzilla

from detector.discovery.inventory import Inventory, Place, Window
from detector.discovery.patterns import PatternLook
from detector.discovery.people import cell, event_names, event_person
from detector.errors import UnreadableSource
from detector.events import Action, Col, Kind, Line, read_lines, timestamp
from detector.sources import DamagedStream, chunks, open_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from detector.discovery.columns import ColumnLook
    from detector.discovery.leaving import Leaving
    from detector.discovery.mails import SignUps
    from detector.discovery.outcome import Log
    from detector.events import Dialect, EventBatch
    from detector.events.glance import Cut
    from detector.sources import Chunk

_LOOK_FOR_STAMP = 16


@dataclass(frozen=True, slots=True)
class Looker:
    """What a first look needs.

    Attributes:
        leaving: tells news from no news.
        sign_ups: tells sign-up mail.
        window: what counts.
        limit: people up to which a domain is of interest.
        glances: read chunks at a glance; without, every line is parsed, with the same result.
        looks: how chunks are read at a glance, by what their format says; they remember what values mean.
    """

    leaving: Leaving
    sign_ups: SignUps
    window: Window
    limit: int
    glances: bool = True
    looks: dict[Cut | str, ColumnLook | PatternLook] = field(default_factory=dict)


class FirstLook:
    """A first look at one range of a log."""

    def __init__(self, log: Log, dialect: Dialect, looker: Looker) -> None:
        self._log = log
        self.dialect = dialect
        self._looker = looker
        self.inventory = Inventory()
        self.bytes = self.lines = self.parsed = self.unparsed = 0
        self.unread = ""

    def run(self, advance: Callable[[int], None]) -> None:
        """Look at every chunk; a log that breaks gives what lies before the break."""
        segment = self._log.segment
        gc.disable()  # chunks make many short-lived tuples and no cycles
        try:
            with open_stream(segment, ahead=True) as reader:
                for chunk in chunks(reader, segment.start, segment.stop):
                    self._take(chunk)
                    self.bytes += chunk.stop - chunk.start
                    advance(chunk.stop - chunk.start)
        except (DamagedStream, UnreadableSource, OSError) as fault:
            self.unread = getattr(fault, "reason", str(fault))
        finally:
            gc.enable()
        for look in self._looker.looks.values():
            look.finish(self.inventory)

    def _take(self, chunk: Chunk) -> None:
        with memoryview(chunk.buffer) as view:
            data = view[: chunk.size].tobytes()
        if not data.endswith(b"\n"):
            data += b"\n"
        self.lines += stringzilla.count(data, b"\n")
        has_head = data.startswith(b"#") or stringzilla.find(data, b"\n#") >= 0
        look = None if chunk.oversize_bytes or has_head else self._look()
        place = Place.BORDER if look is None else self._place(data)
        if look is None or place is Place.BORDER:
            self._parse(data)
        elif place is not Place.BEHIND:
            self._parse(look.take(data, self.inventory, is_before=place is Place.BEFORE))

    def _look(self) -> ColumnLook | PatternLook | None:
        """How chunks are read at a glance under the dialect in force, ``None`` where they must be parsed."""
        looker, log_format = self._looker, self._log.log_format
        glance = log_format.glance(self.dialect) if looker.glances and log_format is not None else None
        if glance is None or glance in looker.looks:
            return None if glance is None else looker.looks[glance]
        if isinstance(glance, str):
            looker.looks[glance] = PatternLook(glance, looker.leaving.news, looker.limit)
        else:
            from detector.discovery.columns import ColumnLook  # noqa: PLC0415 - 0.1 s that other logs need not pay

            looker.looks[glance] = ColumnLook(glance, looker.leaving.news, looker.limit)
        return looker.looks[glance]

    def _parse(self, data: bytes) -> None:
        """Every line of some bytes, in full."""
        log_format = self._log.log_format
        if log_format is None or not data.strip():
            return
        lines = [Line(0, raw.lstrip(b"\0")) for raw in data.removesuffix(b"\n").split(b"\n")]
        reading = read_lines(log_format, self.dialect, lines)
        self.dialect = reading.dialect
        self.parsed += len(lines)
        self.unparsed += len(reading.refusals)
        batch = reading.batch
        if batch.kind is Kind.MAIL:
            self._mails(batch)
            return
        kinds = batch.columns.get(Col.KIND)
        for index in range(len(batch)):
            if kinds is None or kinds[index] != Kind.MAIL:
                self._event(batch, index)
        if kinds is not None and Kind.MAIL in kinds:
            self._mails(batch)

    def _mails(self, batch: EventBatch) -> None:
        looker, log_format = self._looker, self._log.log_format
        if log_format is not None and log_format.join is not None:
            self.inventory.keys |= looker.sign_ups.keys(batch)
        elif not self._log.is_baseline:
            self.inventory.mails.merge(looker.sign_ups.of(batch, looker.window.covers))

    def _event(self, batch: EventBatch, index: int) -> None:
        at = cell(batch, Col.AT, index)
        when = at if isinstance(at, int) else None
        if cell(batch, Col.ACTION, index) == Action.CHALLENGE:
            return
        is_old = self._looker.window.is_before(when)
        if not is_old and not self._looker.window.covers(when):
            return
        person = event_person(batch, index)
        if person is not None and not is_old:
            self.inventory.people.add(person)
        for name in event_names(batch, index):
            domain = self._looker.leaving.news(name)
            if domain is not None and is_old:
                self.inventory.old.add(domain)
            elif domain is not None:
                self.inventory.note(domain, () if person is None else (person,), self._looker.limit)

    def _place(self, data: bytes) -> Place:
        """Where a chunk lies, by its first and last time stamp."""
        window = self._looker.window
        if window.since is None and window.until is None:
            return Place.INSIDE
        first, last = self._stamp(_heads(data)), self._stamp(_tails(data))
        if first is None or last is None:
            return Place.BORDER
        first, last = min(first, last), max(first, last)
        if window.is_before(last):
            return Place.BEFORE
        if window.until is not None and first >= window.until:
            return Place.BEHIND
        return Place.INSIDE if window.covers(first) and window.covers(last) else Place.BORDER

    def _stamp(self, lines: Iterator[bytes]) -> int | None:
        log_format = self._log.log_format
        for raw in islice(lines, _LOOK_FOR_STAMP):
            if log_format is not None and (at := timestamp(log_format, self.dialect, raw)) is not None:
                return at
        return None


def _heads(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        yield data[start:end]
        start = end + 1


def _tails(data: bytes) -> Iterator[bytes]:
    end = len(data) - 1
    while end >= 0:
        start = data.rfind(b"\n", 0, end) + 1
        yield data[start:end]
        end = start - 1
