"""One line's way through the rooms, in sentences."""

from __future__ import annotations

import hashlib
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import orjson

from detector.audit.plan import Named, plan
from detector.errors import UnreadableSource, UsageError
from detector.events import Col, Dialect, Envelope, EventBatch, Line, LogFormat, read_lines
from detector.scan import Fragment, Scanner, Settings, gather, identify, joined
from detector.sources import DamagedStream, chunks, open_stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.audit.plan import Input, Site
    from detector.formats import Formats
    from detector.match import Sighting
    from detector.signatures import Ruleset

Explanation: TypeAlias = "list[tuple[str, str]]"
"""(room, what it says), in the order in which a line goes through the rooms."""


def explain_line(raw: bytes, site: Site, formats: Formats, ruleset: Ruleset) -> Explanation:
    """Explain a line that stands alone; a format that needs a header is best explained with ``explain_at``."""
    dialect = Dialect(zone=site.zone or UTC, date_order=site.date_order, options=site.options)
    if site.log_format is not None:
        guesses = identify([raw], dialect, [site.log_format])
        log_format, dialect = site.log_format, guesses[0].dialect if guesses else dialect
    else:
        guesses = identify([raw], dialect, formats.values())
        if not guesses:
            return [*_bytes(0, raw), ("formats", "no log format reads this line: name one with --input-format")]
        log_format, dialect = guesses[0].log_format, guesses[0].dialect
    return [*_bytes(0, raw), *_rooms(Line(0, raw), log_format, dialect, Scanner(ruleset), None)]


def explain_at(path: str, offset: int, site: Site, formats: Formats, ruleset: Ruleset) -> Explanation:
    """Explain the line of a log that starts at an offset (in decompressed bytes).

    Raises:
        UsageError: the log cannot be read, or no line starts there.
    """
    file, member = _file_and_member(path)
    inputs = [one for one in plan([Named([file], site)], formats) if not member or one.segment.member == member]
    if not inputs or inputs[0].unread or inputs[0].log_format is None:
        reason = inputs[0].unread if inputs else "has no such member"
        raise UsageError(f"{path}: {reason or 'holds no line'}")
    one = inputs[0]
    line, dialect, kept = _line_at(one, offset)
    return [*_bytes(offset, line.raw[:kept]), *_rooms(line, inputs[0].log_format, dialect, Scanner(ruleset), one)]


def _file_and_member(path: str) -> tuple[str, str]:
    """``archive.zip!member`` in two; a file may have the sign in its own name, and a member too."""
    parts = path.split("!")
    for count in range(len(parts), 1, -1):
        if Path(file := "!".join(parts[:count])).is_file():
            return file, "!".join(parts[count:])
    return parts[0], "!".join(parts[1:])


def _line_at(one: Input, offset: int) -> tuple[Line, Dialect, int | None]:
    """The line that starts at an offset, the dialect in force there, and how much of the line is evidence."""
    dialect = one.dialect
    try:
        with open_stream(one.segment) as reader:
            for chunk in chunks(reader, 0, None):
                lines = list(_lines(bytes(chunk.buffer[: chunk.size]), chunk.offset))
                if one.log_format is not None:
                    heads = [line for line in lines if line.offset < offset and _may_be_head(line, one.log_format)]
                    dialect = read_lines(one.log_format, dialect, heads).dialect
                if chunk.stop > offset:
                    if (found := next((line for line in lines if line.offset == offset), None)) is not None:
                        return found, dialect, chunk.evidence_bytes
                    break
    except (DamagedStream, UnreadableSource) as fault:
        raise UsageError(f"{one.segment.name}: {fault}") from None
    raise UsageError(f"{one.segment.name}: no line starts at byte {offset}")


def _may_be_head(line: Line, log_format: LogFormat) -> bool:
    return any(literal in line.raw for literal in log_format.head_literals)


def _lines(data: bytes, offset: int) -> Iterator[Line]:
    for raw in data.removesuffix(b"\n").split(b"\n"):
        bare = raw.lstrip(b"\0")
        yield Line(offset + len(raw) - len(bare), bare)
        offset += len(raw) + 1


def _bytes(offset: int, raw: bytes) -> Explanation:
    shown = raw[:2000].decode("utf-8", "backslashreplace") + ("…" if len(raw) > 2000 else "")
    return [
        ("sources", f"{len(raw)} bytes at offset {offset}, SHA-256 {hashlib.sha256(raw).hexdigest()}"),
        ("sources", shown),
    ]


def _rooms(line: Line, log_format: LogFormat, dialect: Dialect, scanner: Scanner, one: Input | None) -> Explanation:
    envelope = "" if dialect.envelope is Envelope.NONE else f", in a {dialect.envelope} header"
    steps: Explanation = [("formats", f"{log_format.name} ({log_format.title}){envelope}")]
    data = bytearray(line.raw)
    found = bool(scanner.prefilter(log_format).candidates(data, len(data)))
    steps.append(("prefilter", "a candidate: a literal of the signatures stands in it" if found else
                  "no candidate: no literal of the signatures stands in it"))  # fmt: skip
    read = read_lines(log_format, dialect, [line])
    if read.refusals:
        return [*steps, ("formats", f"refused: {read.refusals[0].reason}")]
    if not len(read.batch):
        return [*steps, ("formats", "no event: a comment, a header or an answer that is counted elsewhere")]
    batches = [read.batch] if log_format.join is None else list(_transaction(read.batch, log_format, dialect, one))
    for batch in batches:
        for event in batch.objects():
            steps.append(("formats", orjson.dumps(event).decode()))
        steps += _judged(scanner.matcher.match(batch), scanner)
    return steps


def _transaction(batch: EventBatch, log_format: LogFormat, dialect: Dialect, one: Input | None) -> Iterator[EventBatch]:
    """The whole transaction that the line is part of, from its own log."""
    key = str(batch.column(Col.TRANSACTION)[0])
    if one is None:
        row = {name: cell for name, cells in batch.columns.items() if (cell := cells[0]) is not None}
        fragments = [Fragment(key, 0, "", "", batch.offsets[0], batch.lines[0], row)]
    else:
        fragments = list(gather(one.segment, log_format, dialect, frozenset({key}), Settings(), 0))
    for _, whole in joined(fragments, log_format):
        yield whole


def _judged(sightings: Sequence[Sighting], scanner: Scanner) -> Explanation:
    if not sightings:
        return [("match", "no service: nothing in the signatures fits, or the event proves nothing")]
    steps = []
    for one in sightings:
        who = one.account or one.mailbox or one.address or "nobody known"
        name = scanner.ruleset[one.service].name
        steps.append(("match", f"{name} by {one.indicator}"))
        outcome = "refused: an attempt, not a use" if one.denied else "allowed"
        steps.append(("match", f"{who}: stage {one.stage} ({one.confidence}), {outcome}"))
    return steps
