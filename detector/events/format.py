"""What a log format is: the plug that every file in ``formats/`` fills in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from detector.events.batch import Row, Value
from detector.events.columns import Col, Kind
from detector.events.envelope import Envelope
from detector.events.glance import Cut


class Zone(StrEnum):
    """Where the time zone of a format's time stamps is written."""

    UTC = "utc"
    """The format is defined in UTC (or in seconds since the epoch)."""
    OFFSET = "offset"
    """Each line carries its offset."""
    LOCAL = "local"
    """Nowhere: local time of the device. Read as UTC, and said so, unless ``--timezone`` or the source gives it."""


class Layout(StrEnum):
    """What the records of a format may lie in, besides lines of their own; ``sources`` lays them out one a line."""

    LINES = ""
    """Nothing else: one record is one line."""
    JSON = "json"
    """A JSON document: an array, perhaps inside other objects, or objects over several lines."""
    MAILS = "mails"
    """Mails: header blocks, fields apart by 0x1F, with 0x1E where one was folded; what bodies hold is not there."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a site, a file or a header line adds to a format.

    Attributes:
        zone: time zone of stamps that carry none.
        written_until: the newest instant that the file can hold (its last change), microseconds since the epoch;
            gives the year to stamps that have none. ``None``: the year of the epoch's own dates is unknown, and such
            stamps are read as "time unknown".
        date_order: ``dmy``, ``mdy`` or ``ymd`` where the device's locale decides; empty: the format's own rule.
        columns: column names of the header in force (``#Fields``, a CSV header); empty before any header.
        separator: field separator of that header where a header can change it.
        envelope: the syslog header around every line; peeled before a format sees the line, which gets its time from
            the header where it has none of its own.
        options: the site's own settings of this format, such as squid's ``logformat`` string.
    """

    zone: tzinfo = UTC
    written_until: int | None = None
    date_order: str = ""
    columns: tuple[str, ...] = ()
    separator: str = ""
    envelope: Envelope = Envelope.NONE
    options: Mapping[str, str] = field(default_factory=dict)


Parse: TypeAlias = Callable[[str, Dialect], Row | None]
"""One line to one event; ``None`` for a line that is no event (a comment, an answer to a question already counted).

Raises ``ValueError`` (best ``RefusedLine`` with a reason), ``LookupError`` or ``OverflowError`` for a line that is not
what the format says.
"""


class Taken(NamedTuple):
    """Lines that were read at once.

    Attributes:
        places: which of the lines, ascending.
        columns: their cells, the same that ``Parse`` gives for each.
        passed: which other lines were read too, and are no events.
    """

    places: Sequence[int]
    columns: Mapping[Col, Sequence[Value | None]]
    passed: Sequence[int] = ()


Block: TypeAlias = Callable[[Sequence[str], Dialect], Taken | None]
"""Many lines at once. Those that are not the usual ones (or no events) may be left: they are read one by one."""

Glance: TypeAlias = Callable[[Dialect], Cut | str | None]
"""How a first look reads lines under a dialect without parsing them, see ``detector.events.glance``; ``None`` where
they must be parsed."""


def _utf8(host: str) -> bytes:
    return host.encode()


def _no_header(_line: str, _dialect: Dialect) -> Dialect | None:
    return None


def _not_at_once(_lines: Sequence[str], _dialect: Dialect) -> Dialect | None:
    return None


def _no_glance(_dialect: Dialect) -> Cut | str | None:
    return None


@dataclass(frozen=True, slots=True)
class LogFormat:
    """One log format. Found by walking ``formats/``; nothing registers it.

    Attributes:
        name: id, file name and ``event.dataset``.
        kind: what the log watches; of formats with several kinds of log the main one, ``Col.KIND`` tells the others.
        title: the product's own name, for the table of formats.
        reference: address of the vendor's document; starts with ``unverified:`` where it was written from memory.
        parse: one line to one event, see ``Parse``.
        timestamp: the instant of a line without parsing the rest, ``None`` where the line carries none; cheap, it runs
            on samples of every log, and raises what ``parse`` may raise.
        example: a synthetic event rendered as this format's line or lines (no newline at the end). Together with
            ``preamble`` it is the canary: what is rendered must be sighted.
        columns: what its lines can hold.
        zone: where the time zone is written.
        preamble: header lines (no newline at the end) that must come before an example, empty where none are needed.
        head: the dialect after a header line, ``None`` where the line is no header.
        heads: the dialect after many header lines in a row, ``None`` where they must be read one by one; for formats
            whose every record has a header.
        head_literals: bytes of which every header line holds one (exact case); how headers are found in mid-file.
        spell: a host name as the format writes it (lower case); used to look for names before anything is parsed.
        join: for formats whose one transaction spans lines: the fragments of one ``Col.TRANSACTION`` in order of
            writing to (position of the line that proves it, event) pairs.
        sniff: how surely lines from the head of a file are this format, 0 to 1; default: the share that parses.
        layout: what its records may lie in instead of lines of their own.
        encoded: bytes that make a line a candidate whatever it holds (names may lie there in another spelling).
        block: a short way for many lines, see ``Block``.
        glance: who asked for which host, read from many lines at once, see ``Glance``.
    """

    name: str
    kind: Kind
    title: str
    reference: str
    parse: Parse
    timestamp: Callable[[str, Dialect], int | None]
    example: Callable[[Row], str]
    columns: frozenset[Col]
    zone: Zone
    preamble: str = ""
    head: Callable[[str, Dialect], Dialect | None] = _no_header
    heads: Callable[[Sequence[str], Dialect], Dialect | None] = _not_at_once
    head_literals: tuple[bytes, ...] = ()
    spell: Callable[[str], bytes] = _utf8
    join: Callable[[Sequence[Row]], Iterable[tuple[int, Row]]] | None = None
    sniff: Callable[[Sequence[str]], float] | None = None
    layout: Layout = Layout.LINES
    encoded: tuple[bytes, ...] = ()
    block: Block | None = None
    glance: Glance = _no_glance
