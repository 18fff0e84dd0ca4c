"""Which logs will be read, and as what: format, dialect, compression and identity of each."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from detector.audit.copies import IDENTITY_BYTES, without_copies
from detector.audit.telling import HEAD_BYTES, Teller
from detector.errors import UnreadableSource
from detector.events import Dialect, Envelope, LogFormat, Zone
from detector.events.instants import from_datetime
from detector.scan import CERTAIN, Guess
from detector.sources import (
    Compression,
    DamagedStream,
    Framing,
    Limits,
    Segment,
    detect,
    find,
    framing_of,
    members,
    open_regular,
    open_stream,
    utf16_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.formats import Formats

_DATE_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Site:
    """What a person or a configuration says about some logs.

    Attributes:
        log_format: what they are; ``None``: told by content.
        zone: of stamps that carry none; ``None``: nobody said.
        date_order: ``dmy``, ``mdy``, ``ymd`` or empty.
        options: of the format.
        gap_s: seconds of silence that count as a gap.
        source: name of the configured source, empty for logs that were named one by one.
    """

    log_format: LogFormat | None = None
    zone: tzinfo | None = None
    date_order: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    gap_s: int = 86_400
    source: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """One log that was asked for.

    Attributes:
        segment: the whole log.
        size: bytes on disk, for progress.
        log_format: what it is, ``None`` when nothing reads it.
        dialect: with what the site and the head of the log say, in force before its first line.
        behind: the dialect behind its head; ranges further on are read with it, and again if another header came.
        gap_s: seconds of silence that count as a gap.
        confidence: 0 to 1, how surely it is that format.
        rivals: names of other formats that its first lines read as well, to the same events.
        unread: why it is not read, empty when it is.
        notes: assumptions that a reader must know.
        copy_of: the log whose copy it is, empty when it is none.
        head: its first ``IDENTITY_BYTES``, all of it where it is shorter.
        source: name of the configured source, empty where none is.
    """

    segment: Segment
    size: int = 0
    log_format: LogFormat | None = None
    dialect: Dialect = field(default_factory=Dialect)
    behind: Dialect = field(default_factory=Dialect)
    gap_s: int = 86_400
    confidence: float = 0.0
    rivals: tuple[str, ...] = ()
    unread: str = ""
    notes: tuple[str, ...] = ()
    copy_of: str = ""
    head: bytes = field(default=b"", repr=False)
    source: str = ""


class Named(NamedTuple):
    """Names of logs with what the site says about them."""

    names: Sequence[str]
    site: Site
    label: str = ""


def plan(asked: Sequence[Named], formats: Formats) -> list[Input]:
    """Look at every log: what cannot be read is an input with a reason, never left out."""
    logs: dict[str, Named] = {}
    inputs: list[Input] = []
    for named in asked:
        found = find(named.names)
        for path in found.paths:
            logs.setdefault(path, named)
        inputs += [_refused(fault, named.site) for fault in found.refused]
    teller = Teller(formats)
    for path, named in sorted(logs.items()):  # in one order, whatever the order of naming: siblings tell each other
        looked = (_inspect(segment, size, named.site, teller) for segment, size in _parts(path, named.label))
        inputs += [replace(one, source=named.site.source) for one in looked]
    teller.keep()
    return without_copies(inputs)


def _refused(fault: UnreadableSource, site: Site) -> Input:
    """A name that leads to no log; of a configured source it is known what would lie there."""
    log_format = site.log_format if site.source else None
    segment = _segment(fault.path, "")
    return Input(segment, log_format=log_format, gap_s=site.gap_s, unread=fault.reason, source=site.source)


def _segment(path: str, label: str) -> Segment:
    return Segment("", path, "", Compression.NONE, label=label)


def _parts(path: str, label: str) -> Iterator[tuple[Segment | UnreadableSource, int]]:
    """The streams of one file: itself, or the members of a zip archive."""
    try:
        with open_regular(path) as file:
            head, size = file.read(4096) or b"", os.fstat(file.fileno()).st_size
        whole = _segment(path, label)._replace(compression=detect(head), is_recoded=utf16_of(head) is not None)
        if whole.compression is not Compression.ZIP:
            yield whole, size
            return
        for member, _ in members(path):
            yield whole._replace(member=member), size
    except UnreadableSource as fault:
        yield fault, 0
    except OSError as fault:
        yield UnreadableSource(path, fault.strerror or str(fault)), 0


def _inspect(segment: Segment | UnreadableSource, size: int, site: Site, teller: Teller) -> Input:
    """Look at the head of one stream."""
    if isinstance(segment, UnreadableSource):
        return Input(_segment(segment.path, ""), unread=segment.reason)
    try:
        head = _head(segment)
    except (UnreadableSource, DamagedStream, OSError) as fault:
        return Input(segment, size, unread=getattr(fault, "reason", str(fault)))
    stream = hashlib.sha256(head[:IDENTITY_BYTES]).hexdigest()[:32]
    named = site.log_format
    segment = segment._replace(stream=stream, framing=framing_of(head, named.layout if named else None))
    planned = Input(segment, size, gap_s=site.gap_s, head=head[:IDENTITY_BYTES])
    if not head.strip(b"\0\n\r "):
        return replace(planned, notes=("is empty",), log_format=site.log_format)
    if detect(head) is Compression.TAR:
        return replace(planned, unread="is a tar archive: unpack it first")
    segment, guess = _told(segment, head, site, teller)
    if guess is None:
        return replace(planned, unread="no log format reads its lines: name one with --input-format")
    return replace(
        planned,
        log_format=guess.log_format,
        dialect=guess.dialect,
        behind=guess.behind or guess.dialect,
        confidence=guess.confidence,
        rivals=guess.rivals,
        notes=_notes(guess, site),
        segment=segment,
    )


def _told(segment: Segment, head: bytes, site: Site, teller: Teller) -> tuple[Segment, Guess | None]:
    """The format of a log; its records stay laid out only where the format's records lie so."""
    dialect = _dialect(segment, site)
    if segment.framing is not Framing.LINES:
        guess = teller.tell(segment.name, _head(segment), dialect, site.log_format)
        if guess is not None and guess.log_format.layout is segment.framing.layout:
            return segment, guess
    plain = segment._replace(framing=Framing.LINES)
    return plain, teller.tell(segment.name, head, dialect, site.log_format)


def _head(segment: Segment) -> bytes:
    """The first bytes; of a stream that breaks soon, what lies before the break."""
    head = b""
    with open_stream(segment, Limits()) as reader:
        try:
            while len(head) < HEAD_BYTES and (block := reader.read(HEAD_BYTES - len(head))):
                head += block
        except DamagedStream:
            if not head:
                raise
    return head


def _dialect(segment: Segment, site: Site) -> Dialect:
    return Dialect(
        zone=site.zone or UTC,
        written_until=written_until(segment),
        date_order=site.date_order,
        options=site.options,
    )


def written_until(segment: Segment) -> int | None:
    """The newest instant that a log can hold: by what it says itself, else its last change on the disk."""
    if (sealed := sealed_at(segment)) is not None:
        return sealed
    with open_regular(segment.path) as file:
        return os.fstat(file.fileno()).st_mtime_ns // 1000


def sealed_at(segment: Segment) -> int | None:
    """When a log was finished, by a date in its name or the time in a gzip head; ``None`` where neither says."""
    if found := _DATE_IN_NAME.findall(os.path.basename(segment.name)):  # noqa: PTH119 - may be archive!member
        year, month, day = (int(part) for part in found[-1])
        try:
            return from_datetime(datetime(year, month, day, tzinfo=UTC)) + _DAY_US
        except ValueError:
            pass  # digits that are no date, such as 20200231
    if segment.compression is not Compression.GZIP:
        return None
    with open_regular(segment.path) as file:
        head = file.read(8) or b""
    return int.from_bytes(head[4:8], "little") * 1_000_000 or None


def _notes(guess: Guess, site: Site) -> tuple[str, ...]:
    notes = []
    carried = guess.dialect.envelope is not Envelope.NONE
    if guess.log_format.zone is Zone.LOCAL and site.zone is None:
        where = " where the syslog header does not say" if carried else ""
        notes.append(f"times carry no zone: read as UTC{where} (--timezone)")
    if guess.confidence < CERTAIN and not (guess.rivals and guess.is_plain):
        notes.append("its first lines do not surely tell its format: check it, and name it with --input-format")
    return tuple(notes)
