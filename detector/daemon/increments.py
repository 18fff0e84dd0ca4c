"""What is unread of one file becomes parts: scanned as an audit scans, each with the state that it leaves."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from detector.audit.plan import Named, plan, written_until
from detector.errors import UnreadableSource
from detector.sources import Compression, Framing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.audit.plan import Input, Site
    from detector.audit.sighter import Sighter
    from detector.events import Dialect, LogFormat
    from detector.formats import Formats
    from detector.match import SightingBatch
    from detector.scan import ScanResult
    from detector.sources import Fingerprints, Log, Prints, Segment, StreamState

REST_US = 600_000_000
"""A rotated log is final when it was left alone for so long."""
_BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines of a stream, scanned and not yet kept.

    Attributes:
        state: of the stream once they are kept.
        segment: their range; readable while the log is open.
        log_format: what they are.
        result: of the scan.
        batch: their sightings.
        notes: assumptions that were made about the log.
    """

    state: StreamState
    segment: Segment
    log_format: LogFormat
    result: ScanResult
    batch: SightingBatch
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Increment:
    """A file with something unread in it.

    Attributes:
        log: the file.
        state: its stream, as far as it was read.
        planned: what it is.
        stop: offset behind the last line that counts; ``None``: to the end.
        is_final: nothing more is expected behind it.
    """

    log: Log
    state: StreamState
    planned: Input
    stop: int | None
    is_final: bool


def seen(state: StreamState, log: Log) -> StreamState:
    """A stream, met in a file."""
    return state._replace(
        path=log.name,
        device=log.device,
        inode=log.inode,
        size=log.size,
        modified=log.modified,
        compression=log.compression,
        is_final=False,
    )


def planned(log: Log, site: Site, formats: Formats, state: StreamState) -> Input:
    """What a file is: the stream's own format where that is known.

    Raises:
        UnreadableSource: it cannot be opened.
    """
    if state.format and state.format in formats:
        site = replace(site, log_format=formats[state.format])
    with log.segment() as segment:
        found = plan([Named([segment.path], site, log.path)], formats)
    return next((one for one in found if one.segment.member == log.member), found[0])


def increment(log: Log, state: StreamState, found: Input, *, is_left_alone: bool) -> Increment | None:
    """What is unread of a file, ``None`` for nothing; an unterminated end counts only where the file is final.

    Args:
        log: the file.
        state: its stream, as it was kept.
        found: what it is.
        is_left_alone: it was rotated or is a document, and nobody wrote to it for ``REST_US``.

    Raises:
        UnreadableSource: it cannot be opened.
    """
    if state.is_final and (log.size, log.modified) == (state.size, state.modified):
        return None
    met = seen(state, log)
    if log.compression is not Compression.NONE:
        return Increment(log, met, found, None, is_final=True)
    if found.segment.framing is not Framing.LINES and not is_left_alone:
        return None  # a document is read when it has been written
    with log.prints() as prints:
        stop = log.length if is_left_alone else prints.last_line()
    return Increment(log, met, found, stop, is_final=is_left_alone) if stop > state.offset else None


def parts(work: Increment, sighter: Sighter, gap_s: int) -> Iterator[Part]:
    """Scan what is unread, part by part; ends early where the file changes under the reader's hands.

    Raises:
        UnreadableSource: the file cannot be opened.
    """
    held: Part | None = None
    for part in _parts(work, sighter, gap_s):
        if held is not None:
            yield held
        held = part
    if held is not None:
        is_last = work.is_final and (work.stop is None or held.state.offset >= work.stop)
        yield replace(held, state=held.state._replace(is_final=is_last))


def _parts(work: Increment, sighter: Sighter, gap_s: int) -> Iterator[Part]:
    log, state, log_format = work.log, work.state, work.planned.log_format
    if log_format is None:
        return
    with log.prints() as prints, log.prints() as witness, log.segment() as whole:
        start = _line_start(log, state.offset)
        segment = whole._replace(stream=state.id, start=start, stop=work.stop, framing=work.planned.segment.framing)
        dialect = _dialect(work, segment)
        before = prints.at(start) if log.is_plain else None
        for result, batch in sighter.parts(segment, log_format, dialect, gap_s):
            end = start + result.counts.bytes
            after = prints.at(end)
            if after is None or not _is_same(log, witness, start, before):
                return
            state = _moved(state, end, after, result, log_format.name)
            yield Part(state, segment._replace(start=start, stop=end), log_format, result, batch, work.planned.notes)
            start, before = end, after


def _is_same(log: Log, witness: Fingerprints, offset: int, before: Prints | None) -> bool:
    """Whether a file that can be truncated still holds what it held before it was read."""
    if not log.is_plain:
        return True
    with log.opened() as file:
        return os.pread(file.fileno(), len(log.head), 0) == log.head and witness.at(offset) == before


def _moved(state: StreamState, end: int, found: Prints, result: ScanResult, name: str) -> StreamState:
    return state._replace(
        offset=end,
        head_bytes=found.head_bytes,
        head_sha256=found.head_sha256,
        guard_bytes=found.guard_bytes,
        guard_sha256=found.guard_sha256,
        format=name,
        dialect_columns=result.left.columns,
        dialect_separator=result.left.separator,
        kinds=state.kinds | result.sample.kinds,
    )


def _dialect(work: Increment, segment: Segment) -> Dialect:
    """The dialect in force where reading goes on."""
    dialect = replace(work.planned.dialect, written_until=written_until(segment._replace(start=0, stop=None)))
    if not segment.start:
        return dialect
    return replace(dialect, columns=work.state.dialect_columns, separator=work.state.dialect_separator)


def _line_start(log: Log, offset: int) -> int:
    """Where the next line starts: a final file that grew after all goes on in the middle of the line it ended with."""
    if not offset or not log.is_plain:
        return offset
    with log.opened() as file:
        place = offset - 1
        while block := os.pread(file.fileno(), _BLOCK_BYTES, place):
            if (found := block.find(b"\n")) >= 0:
                return place + found + 1
            place += len(block)
    raise UnreadableSource(log.path, "became shorter while it was looked at")
