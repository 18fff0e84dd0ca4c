"""The second look: every line of the chosen domains, parsed in full, for what a glance does not tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detector.discovery.people import cell, event_names, event_person
from detector.errors import UnreadableSource
from detector.events import Action, Col, Kind, Line, read_lines
from detector.sources import DamagedStream, chunks, open_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.discovery.inventory import Window
    from detector.discovery.leaving import Leaving
    from detector.discovery.outcome import Log
    from detector.events import Dialect, EventBatch
    from detector.match import Actor
    from detector.prefilter import LiteralScanner

_DAY = 86_400_000_000
MOST_HOSTS = 20


@dataclass(slots=True)
class Traits:
    """What the lines of one domain say; merging is associative and commutative.

    Attributes:
        people: who asked for it.
        hosts: below it.
        days: since the epoch.
        methods: of HTTP.
        formats: names of the logs' formats.
        kinds: of log.
        requests: lines in the window.
        denied: of those, refused.
        bytes_sent: of those that were not refused.
        first: microseconds since the epoch, ``None`` where no line tells.
        last: as ``first``.
        is_old: a line lies before the window.
    """

    people: set[Actor] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    days: set[int] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)
    formats: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    requests: int = 0
    denied: int = 0
    bytes_sent: int = 0
    first: int | None = None
    last: int | None = None
    is_old: bool = False

    def merge(self, other: Traits) -> None:
        """Take another part in."""
        self.people |= other.people
        self.hosts = set(sorted(self.hosts | other.hosts)[:MOST_HOSTS])
        self.days |= other.days
        self.methods |= other.methods
        self.formats |= other.formats
        self.kinds |= other.kinds
        self.requests += other.requests
        self.denied += other.denied
        self.bytes_sent += other.bytes_sent
        self.first = min((at for at in (self.first, other.first) if at is not None), default=None)
        self.last = max((at for at in (self.last, other.last) if at is not None), default=None)
        self.is_old = self.is_old or other.is_old


@dataclass(slots=True)
class SecondLook:
    """A second look at one range of a log.

    Attributes:
        log: the range.
        dialect: in force before its first line.
        leaving: tells the domain of a host.
        window: what counts.
        chosen: the domains.
        literals: finds their lines.
        traits: by domain.
    """

    log: Log
    dialect: Dialect
    leaving: Leaving
    window: Window
    chosen: frozenset[str]
    literals: LiteralScanner
    traits: dict[str, Traits] = field(default_factory=dict)

    def run(self, advance: Callable[[int], None]) -> None:
        """Look at every chunk; what could not be read is known from the first look."""
        segment, log_format = self.log.segment, self.log.log_format
        if log_format is None:
            return
        try:
            with open_stream(segment, ahead=True) as reader:
                for chunk in chunks(reader, segment.start, segment.stop):
                    found = self.literals.candidates(chunk.buffer, chunk.size)
                    lines = [Line(0, bytes(chunk.buffer[start:end]).lstrip(b"\0")) for start, end in found]
                    reading = read_lines(log_format, self.dialect, lines)
                    self.dialect = reading.dialect
                    self._take(reading.batch)
                    advance(chunk.stop - chunk.start)
        except (DamagedStream, UnreadableSource, OSError):
            return

    def _take(self, batch: EventBatch) -> None:
        for index in range(len(batch)):
            kind = str(cell(batch, Col.KIND, index) or batch.kind)
            if kind == Kind.MAIL or cell(batch, Col.ACTION, index) == Action.CHALLENGE:
                continue
            for name in event_names(batch, index):
                domain = self.leaving.news(name)
                if domain in self.chosen and domain is not None:
                    self._note(self.traits.setdefault(domain, Traits()), batch, index, name, kind)

    def _note(self, traits: Traits, batch: EventBatch, index: int, name: str, kind: str) -> None:
        at, sent, method = (cell(batch, column, index) for column in (Col.AT, Col.BYTES_SENT, Col.METHOD))
        when = at if isinstance(at, int) else None
        if not self.window.covers(when):
            traits.is_old = traits.is_old or self.window.is_before(when)
            return
        denied = cell(batch, Col.ACTION, index) == Action.DENIED
        person = event_person(batch, index)
        one = Traits(
            people=set() if person is None else {person},
            hosts={name},
            days=set() if when is None else {when // _DAY},
            methods={method} if isinstance(method, str) else set(),
            formats={batch.dataset},
            kinds={kind},
            requests=1,
            denied=int(denied),
            bytes_sent=sent if isinstance(sent, int) and not denied else 0,
            first=when,
            last=when,
        )
        traits.merge(one)
