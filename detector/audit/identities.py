"""Logs of leases and logins, read whole before the others: who was at an address when."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from detector.engines import engine_named
from detector.errors import UnreadableSource
from detector.events import Col, Kind, Line, read_lines
from detector.identity import Occupancies, People, Reader, Resolver, attribute
from detector.scan.lines import all_lines
from detector.sources import DamagedStream, chunks, open_stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.audit.plan import Input
    from detector.events import Dialect, EventBatch, LogFormat, Row
    from detector.identity import Stays
    from detector.match import Attribute
    from detector.scan import Settings
    from detector.sources import Segment

Devices: TypeAlias = Callable[[str, int | None], str]
"""The name of the machine that had an address at an instant, empty where it is not known."""

IDENTITY_KINDS = frozenset({Kind.LEASE, Kind.LOGIN})
_ADDRESSED_KINDS = frozenset({Kind.PROXY, Kind.DNS})


def attribute_of(
    inputs: Sequence[Input], people: People | None, settings: Settings, engine: str, jobs: int
) -> Attribute:
    """Whom sightings belong to, by the directory and by the logs of leases and logins among the inputs."""
    occupancies = occupancies_of(inputs, settings, engine, jobs)
    if people is None and not len(occupancies):
        return attribute
    return Resolver(People(()) if people is None else people, occupancies)


def device_of(attribute: Attribute) -> Devices:
    """Which machine had an address, by the same logs; nobody knows without any."""
    return attribute.device if isinstance(attribute, Resolver) else _nowhere


def _nowhere(_address: str, _at: int | None) -> str:
    return ""


def occupancies_of(inputs: Sequence[Input], settings: Settings, engine: str, jobs: int) -> Occupancies:
    """Who was at an address when, as the logs of leases and logins among the inputs say.

    Only stays are kept of them. A log that breaks off says what lies before the break; that it breaks off is noted when
    it is scanned. Where no log shows addresses that somebody may have had, nothing is read.
    """
    readable = [one for one in inputs if one.log_format is not None and not one.unread and not one.copy_of]
    kinds = {one.log_format.kind for one in readable if one.log_format is not None}
    if not kinds & _ADDRESSED_KINDS or not kinds & IDENTITY_KINDS:
        return Occupancies()
    logs = [one for one in readable if one.log_format is not None and one.log_format.kind in IDENTITY_KINDS]

    def work(index: int, advance: Callable[[int], None]) -> Stays:
        del advance  # these bytes are told when the logs are scanned
        return stays_of(logs[index], settings)

    return Occupancies(engine_named(engine).run(range(len(logs)), work, jobs=jobs, advance=lambda _bytes: None))


def stays_of(one: Input, settings: Settings) -> Stays:
    """The stays that one log tells."""
    if one.log_format is None:
        return Reader().stays()
    followed = Followed(one.log_format, one.dialect)
    with contextlib.suppress(DamagedStream, UnreadableSource, OSError):  # the scan notes the gap
        followed.read(one.segment, settings)
    return followed.stays()


class Followed:
    """A log of leases or logins while it is read; one that grows is read on where it was left."""

    def __init__(self, log_format: LogFormat, dialect: Dialect) -> None:
        self._format = log_format
        self._dialect = dialect
        self._reader = Reader()
        self._held = _Held(log_format)

    def read(self, segment: Segment, settings: Settings, advance: Callable[[int], None] = lambda _bytes: None) -> None:
        """Read the next range of the log.

        Args:
            segment: the range.
            settings: of reading.
            advance: told the bytes of each chunk.

        Raises:
            DamagedStream: it breaks off; what lies before the break has been read.
            UnreadableSource: it cannot be opened.
            OSError: it cannot be read.
        """
        with open_stream(segment, settings.limits, ahead=settings.ahead) as stream:
            for chunk in chunks(stream, segment.start, segment.stop, settings.chunk_bytes):
                lines = [Line(*chunk.line(start, end)) for start, end in all_lines(chunk)]
                reading = read_lines(self._format, self._dialect, lines)
                self._dialect = reading.dialect
                if self._format.join is None:
                    self._reader.read(reading.batch)
                for row in self._held.whole(reading.batch):
                    self._reader.take(self._format.kind, row)
                advance(chunk.size)

    def stays(self) -> Stays:
        """What was read so far; a record at the end counts as whole."""
        for row in self._held.rest():
            self._reader.take(self._format.kind, row)
        return self._reader.stays()


class _Held:
    """Lines of a record, held until it is whole: all of a record's lines follow each other."""

    def __init__(self, log_format: LogFormat) -> None:
        self._join = log_format.join
        self._key: object = None
        self._rows: list[Row] = []

    def whole(self, batch: EventBatch) -> Iterator[Row]:
        """The events of the records that another one follows; nothing where every line is one."""
        for row in _rows(batch) if self._join else ():
            if row.get(Col.TRANSACTION) != self._key:
                yield from self.rest()
                self._key = row.get(Col.TRANSACTION)
            self._rows.append(row)

    def rest(self) -> Iterator[Row]:
        """The event of the record that is held."""
        if self._rows and self._join is not None:
            for _, row in self._join(self._rows):
                yield row
        self._rows = []


def _rows(batch: EventBatch) -> Iterator[Row]:
    """The events of a batch by themselves."""
    names = tuple(batch.columns)
    for cells in zip(*batch.columns.values(), strict=True):
        yield {name: cell for name, cell in zip(names, cells, strict=True) if cell is not None}
