"""Every event of a log, for ``shadowit parse``: the same rooms as an audit, with every line parsed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.errors import UnreadableSource
from detector.events import Col, Line, read_lines
from detector.report.text import encodable
from detector.scan import Fragment, joined
from detector.sources import DamagedStream, chunks, open_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from detector.audit.plan import Input
    from detector.events import EventBatch, Reading, Value


@dataclass(slots=True)
class Parsed:
    """What happened to a log's lines.

    Attributes:
        refusals: reason → refused lines.
        lines: read.
        events: given.
        unread: why not all of it was read, empty when it was.
    """

    refusals: Counter[str]
    lines: int = 0
    events: int = 0
    unread: str = ""


def events_of(one: Input, parsed: Parsed, unparsed: BinaryIO | None = None) -> Iterator[dict[str, Value]]:
    """The events of one log as ``parse`` prints them; refused lines go to ``unparsed`` as they are.

    Events of a format whose transactions span lines come when the whole log has been read.
    """
    parsed.unread = one.unread
    if one.log_format is None or one.unread:
        return
    fragments: list[Fragment] = []
    numbers: dict[int, int] = {}
    for reading, lines in _readings(one, parsed, unparsed):
        if one.log_format.join is None:
            yield from _objects(one, reading.batch, lines, parsed)
        else:
            numbers |= {offset: lines[offset] for offset in reading.batch.offsets}
            fragments += _fragments(one, reading.batch)
    for _, batch in joined(fragments, one.log_format):
        yield from _objects(one, batch, numbers, parsed)


def _readings(one: Input, parsed: Parsed, unparsed: BinaryIO | None) -> Iterator[tuple[Reading, dict[int, int]]]:
    """Each chunk, read; with the 1-based numbers of its lines by offset."""
    dialect = one.dialect
    try:
        with open_stream(one.segment, ahead=True) as reader:
            for chunk in chunks(reader, 0, None):
                raw = bytes(chunk.buffer[: chunk.size])
                lines, numbers, start = [], {}, chunk.offset
                for piece in raw.removesuffix(b"\n").split(b"\n") if not chunk.oversize_bytes else [raw.rstrip(b"\n")]:
                    bare = piece.lstrip(b"\0")
                    offset = start + len(piece) - len(bare)
                    parsed.lines += 1
                    numbers[offset] = parsed.lines
                    lines.append(Line(offset, bare))
                    start += len(piece) + 1
                reading = read_lines(one.log_format, dialect, lines) if one.log_format else None
                if reading is None:
                    return
                dialect = reading.dialect
                parsed.refusals.update(refusal.reason for refusal in reading.refusals)
                if unparsed is not None:
                    refused = {refusal.offset for refusal in reading.refusals}
                    unparsed.writelines(line.raw + b"\n" for line in lines if line.offset in refused)
                yield reading, numbers
    except (DamagedStream, UnreadableSource, OSError) as fault:
        parsed.unread = getattr(fault, "reason", str(fault))


def _objects(one: Input, batch: EventBatch, numbers: dict[int, int], parsed: Parsed) -> Iterator[dict[str, Value]]:
    for offset, event in zip(batch.offsets, batch.objects(), strict=True):
        event.pop(Col.TRANSACTION.value, None)
        parsed.events += 1
        place: dict[str, Value] = {
            Col.PATH.value: encodable(one.segment.name),
            Col.OFFSET.value: offset,
            Col.LINE.value: numbers[offset],
        }
        yield event | place


def _fragments(one: Input, batch: EventBatch) -> list[Fragment]:
    return [
        Fragment(str(key), 0, one.segment.stream, one.segment.name, batch.offsets[index], batch.lines[index],
                 {name: cell for name, cells in batch.columns.items() if (cell := cells[index]) is not None})
        for index, key in enumerate(batch.column(Col.TRANSACTION))
    ]  # fmt: skip
