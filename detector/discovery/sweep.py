"""The first look: every host of every line, reduced to unknown domains with the few people who asked for them.

Time is told a chunk at a time (1 MiB), which is enough to choose what is looked at line by line afterwards; a chunk in
which the window begins or ends is parsed in full.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from detector.discovery.glances import glance_of
from detector.discovery.inventory import Inventory, Place, Presence, Window
from detector.discovery.people import cell, event_names, event_person, person_written
from detector.errors import UnreadableSource
from detector.events import Action, Col, Kind, Line, read_lines, timestamp
from detector.sources import DamagedStream, chunks, open_stream

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator

    from detector.discovery.leaving import Leaving
    from detector.discovery.mails import SignUps
    from detector.discovery.outcome import Log
    from detector.events import Dialect, EventBatch
    from detector.match import Actor
    from detector.sources import Chunk

MEMORY_LIMIT = 100_000
"""People and hosts that are remembered as they are written."""
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
    """

    leaving: Leaving
    sign_ups: SignUps
    window: Window
    limit: int
    glances: bool = True


class FirstLook:
    """A first look at one range of a log."""

    def __init__(self, log: Log, dialect: Dialect, looker: Looker) -> None:
        self._log = log
        self.dialect = dialect
        self._looker = looker
        self.inventory = Inventory()
        self.bytes = self.lines = self.parsed = self.unparsed = 0
        self.unread = ""
        self._accounts: dict[bytes, Actor | None] = {}
        self._addresses: dict[bytes, Actor | None] = {}
        self._domains: dict[bytes, str | None] = {}

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

    def _take(self, chunk: Chunk) -> None:
        data = bytes(chunk.buffer[: chunk.size])
        if not data.endswith(b"\n"):
            data += b"\n"
        lines = data.count(b"\n")
        self.lines += lines
        glance = None
        if self._looker.glances and self._log.log_format is not None and not chunk.oversize_bytes:
            glance = glance_of(self._log.log_format, self.dialect)
        if glance is None or data.startswith(b"#") or b"\n#" in data:
            self._parse(data)
            return
        place = self._place(data)
        if place is Place.BORDER:
            self._parse(data)
        elif place is not Place.BEHIND:
            self._glance(glance, data, lines, is_before=place is Place.BEFORE)

    def _glance(self, glance: re.Pattern[bytes], data: bytes, lines: int, *, is_before: bool) -> None:
        """Read a chunk at a glance, and parse the lines that the pattern does not read."""
        found = glance.findall(data)
        if len(found) != lines:
            self._parse(glance.sub(b"", data))
        groups = glance.groupindex
        host, address, account = groups["host"] - 1, groups["address"] - 1, groups.get("user", 0) - 1
        domains, accounts, addresses, present = self._domains, self._accounts, self._addresses, self.inventory.domains
        for token in found:
            name = token[host]
            try:
                domain = domains[name]
            except KeyError:
                domain = self._domain(name)
            if is_before:
                if domain is not None:
                    self.inventory.old.add(domain)
                continue
            person = None
            if account >= 0:
                written = token[account]
                person = accounts[written] if written in accounts else self._person(accounts, written, b"")
            if person is None:
                written = token[address]
                person = addresses[written] if written in addresses else self._person(addresses, b"", written)
            if domain is not None:
                presence = present.get(domain)
                if presence is None or presence.people is not None:
                    self._note(domain, person)

    def _domain(self, name: bytes) -> str | None:
        if len(self._domains) >= MEMORY_LIMIT:
            self._domains.clear()
        found = self._domains[name] = self._looker.leaving.news(name.decode())
        return found

    def _person(self, memory: dict[bytes, Actor | None], account: bytes, address: bytes) -> Actor | None:
        if len(memory) >= MEMORY_LIMIT:
            memory.clear()
        found = memory[account or address] = person_written(account, address)
        if found is not None:
            self.inventory.people.add(found)
        return found

    def _note(self, domain: str, person: Actor | None) -> None:
        presence = self.inventory.domains.get(domain)
        if presence is None:
            presence = self.inventory.domains[domain] = Presence()
        presence.lines += 1
        if presence.people is not None and person is not None and person not in presence.people:
            presence.people.add(person)
            if len(presence.people) > self._looker.limit:
                presence.people = None

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
                self._note(domain, person)

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
