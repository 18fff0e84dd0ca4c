"""Formats whose one transaction spans lines: candidates give keys, keys give the other lines.

The keys of all candidate lines of all logs of a format are looked for in all of them, so that a transaction is whole
even when its lines lie in different chunks, files or rotations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detector.errors import UnreadableSource
from detector.events import Col, Line, Row, read_lines
from detector.events.batch import batch_of
from detector.prefilter import scanner_of
from detector.sources import chunks, open_stream
from detector.sources.compression import DamagedStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detector.events import Dialect, EventBatch, LogFormat
    from detector.scan.scanning import Settings
    from detector.sources import Segment


class Fragment(NamedTuple):
    """One line of a transaction.

    Attributes:
        key: the transaction.
        order: position of the log among the logs of its format, oldest first.
        stream: identity of the log's content.
        path: the log.
        offset: of the line.
        raw: the line without its newline.
        row: what it says.
    """

    key: str
    order: int
    stream: str
    path: str
    offset: int
    raw: bytes
    row: Row


def literal_of(key: str) -> bytes:
    """The part of a transaction's key that stands in each of its lines (a host may have been put before it)."""
    return key.rpartition(" ")[2].encode()


def gather(  # noqa: PLR0913 - it has that many parts
    segment: Segment, log_format: LogFormat, dialect: Dialect, keys: frozenset[str], settings: Settings, order: int
) -> Iterator[Fragment]:
    """The lines of some transactions in one log; a log that breaks gives what lies before the break."""
    literals = scanner_of(sorted({literal_of(key) for key in keys}), log_format.head_literals)
    try:
        with open_stream(segment, settings.limits, ahead=settings.ahead) as reader:
            for chunk in chunks(reader, segment.start, segment.stop, settings.chunk_bytes):
                found = literals.candidates(chunk.buffer, chunk.size)
                lines = [Line(*chunk.line(start, end)) for start, end in found]
                reading = read_lines(log_format, dialect, lines)
                dialect, batch = reading.dialect, reading.batch
                for index, key in enumerate(batch.column(Col.TRANSACTION)):
                    if key in keys:
                        yield Fragment(
                            str(key), order, segment.stream, segment.name, batch.offsets[index],
                            batch.lines[index][: chunk.evidence_bytes], _row(batch, index),
                        )  # fmt: skip
    except (DamagedStream, UnreadableSource, OSError):
        return  # the scan before has noted the gap


def joined(fragments: Iterable[Fragment], log_format: LogFormat) -> Iterator[tuple[Fragment, EventBatch]]:
    """Whole transactions as events, each with the fragment whose line proves it."""
    groups: dict[str, list[Fragment]] = {}
    for fragment in sorted(fragments, key=lambda one: (one.order, one.path, one.offset)):
        groups.setdefault(fragment.key, []).append(fragment)
    join = log_format.join
    if join is None:
        return
    for members in groups.values():
        for position, row in join([member.row for member in members]):
            proof = members[position]
            yield (
                proof,
                batch_of(
                    [row], dataset=log_format.name, kind=log_format.kind, offsets=[proof.offset], lines=[proof.raw]
                ),
            )


def _row(batch: EventBatch, index: int) -> Row:
    return {name: cell for name, cells in batch.columns.items() if (cell := cells[index]) is not None}
