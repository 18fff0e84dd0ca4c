"""Lines become a batch of events; lines that refuse are counted with their reason, never lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from detector.errors import RefusedLine
from detector.events.batch import Columns, EventBatch, Row, Value
from detector.events.columns import Col
from detector.events.envelope import Envelope, instant, known_instant, peel
from detector.events.envelopes import known_instants, peel_all, with_hosts
from detector.events.format import Block, Dialect, LogFormat, Parse, Taken
from detector.events.heads import is_head

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

REASON_LIMIT = 120
"""Characters of a refusal's reason that are kept: reasons may quote the line."""


UNREADABLE = (ValueError, LookupError, OverflowError, RecursionError)
"""What a format's functions may raise for a line that is not what its format says, however deeply it is nested."""

_FEWEST_ROWS, _MOST_ROWS = 64, 512
"""Lines that are read at once: more after each success, few where one of them had to be read by itself."""
_NO_HEADER = (" ", "\t", "{", "")
"""How lines begin that surely have no syslog header."""
_AT, _TRANSACTION = Col.AT, Col.TRANSACTION  # looking a member up on its class costs 70 ns


class Line(NamedTuple):
    """One raw line.

    Attributes:
        offset: of its first byte in the decompressed stream.
        raw: its bytes without the newline.
    """

    offset: int
    raw: bytes


class Refusal(NamedTuple):
    """A line that is not what its format says."""

    offset: int
    length: int
    reason: str


class Reading(NamedTuple):
    """What n lines gave; ``len(batch) + passed + len(refusals) == n``.

    Attributes:
        batch: the events (of a joining format: the fragments).
        passed: lines that are no event: comments, headers, answers to a question already counted.
        refusals: lines that could not be read.
        dialect: the dialect in force after the last line.
    """

    batch: EventBatch
    passed: int
    refusals: tuple[Refusal, ...]
    dialect: Dialect


def text_of(raw: bytes) -> str:
    r"""The text of a raw line: NUL bytes, byte order mark and a carriage return at the end off, bad bytes as ``\xNN``.

    >>> text_of(b"a\xffb\x00\r")
    'a\\xffb'
    """
    if b"\0" in raw:
        raw = raw.replace(b"\0", b"")
    if raw.endswith(b"\r"):
        raw = raw[:-1]
    if raw.startswith(_BYTE_ORDER_MARK):
        raw = raw[3:]
    try:
        return raw.decode()  # without arguments it takes half the time
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace")


def read_lines(log_format: LogFormat, dialect: Dialect, lines: Iterable[tuple[int, bytes]]) -> Reading:
    """Parse lines in order; headers among them change the dialect for the lines behind them."""
    reader = _Reader(log_format, dialect)
    whole = list(lines)
    at = 0
    while some := whole[at : at + reader.rows]:
        at += len(some)
        reader.take(some)
    batch = EventBatch(log_format.name, log_format.kind, reader.columns.cells, reader.offsets, reader.raws)
    return Reading(batch=batch, passed=reader.passed, refusals=tuple(reader.refusals), dialect=reader.dialect)


class _Reader:
    """What was read so far, and how many lines to try next."""

    def __init__(self, log_format: LogFormat, dialect: Dialect) -> None:
        self._format = log_format
        self.dialect = dialect
        self.rows = _FEWEST_ROWS
        self.columns = Columns()
        self.offsets: list[int] = []
        self.raws: list[bytes] = []
        self.refusals: list[Refusal] = []
        self.passed = 0

    def take(self, lines: Sequence[tuple[int, bytes]]) -> None:
        """Read some lines: at once where their format can, what it leaves one by one."""
        whole = b"\n".join([raw for _, raw in lines])
        texts = _texts_of(whole, len(lines))
        if texts is not None and (dialect := self._format.heads(texts, self.dialect)) is not None:
            self.dialect = dialect
            self.passed += len(lines)
            return
        is_plain = texts is not None and not (
            is_head(whole, self._format.head_literals) and self._has_head(lines, texts)
        )
        taken = self._at_once(texts) if is_plain and texts is not None else None
        if taken is not None and (taken.places or taken.passed):
            self.rows = min(2 * self.rows, _MOST_ROWS)
            self._put(lines, texts or (), taken)
            return
        if len(lines) > _FEWEST_ROWS:
            for start in range(0, len(lines), _FEWEST_ROWS):
                self.take(lines[start : start + _FEWEST_ROWS])
        else:
            kept, rows = self._singly(lines, [text_of(raw) for _, raw in lines] if texts is None else texts)
            self.columns.take(rows)
            self._note(lines, kept)
        self.rows = _FEWEST_ROWS

    def _has_head(self, lines: Sequence[tuple[int, bytes]], texts: Sequence[str]) -> bool:
        return any(
            raw[:1] != b"{"
            and is_head(raw, self._format.head_literals)
            and self._format.head(text, self.dialect) is not None
            for (_, raw), text in zip(lines, texts, strict=True)
        )

    def _at_once(self, texts: Sequence[str]) -> Taken | None:
        """Some lines at once."""
        if (block := self._format.block) is None:
            return None
        dialect = self.dialect
        try:
            if dialect.envelope:
                return _peeled_at_once(block, texts, dialect)
            taken = block(texts, dialect)
        except RecursionError:
            return None  # one of them is nested too deeply: which, shows one by one
        return taken if taken is None or self._format.join is not None else _timed(taken, texts, dialect)

    def _put(self, lines: Sequence[tuple[int, bytes]], texts: Sequence[str], taken: Taken) -> None:
        """Add what was read at once and, each in its place, the other lines one by one."""
        self.passed += len(taken.passed)
        if len(taken.places) + len(taken.passed) == len(lines):
            self.columns.put(taken.columns, len(taken.places))
            self._note(lines, taken.places)
            return
        held = {*taken.places, *taken.passed}
        left = [place for place in range(len(lines)) if place not in held]
        kept, rows = self._singly([lines[place] for place in left], [texts[place] for place in left])
        places = [*taken.places, *(left[at] for at in kept)]
        order = sorted(range(len(places)), key=places.__getitem__)
        merged: dict[Col, Sequence[Value | None]] = {}
        for name in set(taken.columns).union(*rows):
            cells = [*(taken.columns.get(name) or [None] * len(taken.places)), *(row.get(name) for row in rows)]
            merged[name] = [cells[at] for at in order]
        self.columns.put(merged, len(order))
        self._note(lines, sorted(places))

    def _note(self, lines: Sequence[tuple[int, bytes]], places: Sequence[int]) -> None:
        self.offsets += [lines[place][0] for place in places]
        self.raws += [lines[place][1] for place in places]

    def _singly(self, lines: Sequence[tuple[int, bytes]], texts: Sequence[str]) -> tuple[list[int], list[Row]]:
        """The places of the lines that are events, and the events."""
        rows, kept = list[Row](), list[int]()
        dialect, head, literals = self.dialect, self._format.head, self._format.head_literals
        is_whole = self._format.join is None  # of a transaction only some lines have a time
        parse = partial(_parse_peeled, self._format.parse) if dialect.envelope else self._format.parse
        for place, ((offset, raw), text) in enumerate(zip(lines, texts, strict=True)):
            try:
                if literals and is_head(raw, literals) and (changed := head(text, dialect)) is not None:
                    dialect, row = changed, None
                else:
                    row = parse(text, dialect)
            except UNREADABLE as fault:
                self.refusals.append(Refusal(offset, len(raw), _reason(fault)))
                continue
            if row is None:
                self.passed += 1
                continue
            if is_whole and _AT not in row and (at := _instant_of(text, dialect)) is not None:
                row[_AT] = at
            rows.append(row)
            kept.append(place)
        self.dialect = dialect
        return kept, rows


def _peeled_at_once(block: Block, texts: Sequence[str], dialect: Dialect) -> Taken | None:
    """Some lines behind syslog headers; those have the time of lines without one of their own, and the host."""
    headers = peel_all(texts, dialect.envelope)
    if headers is None or (taken := block(headers.bodies, dialect)) is None:
        return None
    columns, places = dict(taken.columns), taken.places
    known = columns.get(_AT) or [None] * len(places)
    if None in known:
        outer = known_instants([headers.ats[place] for place in places], dialect)
        columns[_AT] = [there if at is None else at for at, there in zip(known, outer, strict=True)]
    if keys := columns.get(_TRANSACTION):
        columns[_TRANSACTION] = with_hosts(keys, [headers.hosts[place] for place in places])
    return taken._replace(columns=columns)


def _timed(taken: Taken, texts: Sequence[str], dialect: Dialect) -> Taken:
    """The same, lines without a time of their own with that of a syslog header around them."""
    known = taken.columns.get(_AT) or [None] * len(taken.places)
    if None not in known:
        return taken
    ats = [
        _instant_of(texts[place], dialect) if at is None else at for place, at in zip(taken.places, known, strict=True)
    ]
    return taken._replace(columns={**taken.columns, _AT: ats})


def _texts_of(whole: bytes, count: int) -> list[str] | None:
    """The texts of so many lines, decoded at once; ``None`` where one of them needs more than that."""
    if b"\r" in whole:
        whole = whole.replace(b"\r\n", b"\n").removesuffix(b"\r")
    if b"\r" in whole or b"\0" in whole or (not whole.isascii() and _BYTE_ORDER_MARK in whole):
        return None
    try:
        texts = whole.decode().split("\n")
    except UnicodeDecodeError:
        return None
    return texts if len(texts) == count else None


def timestamp(log_format: LogFormat, dialect: Dialect, raw: bytes) -> int | None:
    """The instant of one raw line, ``None`` where it carries none or is not what its format says."""
    text = text_of(raw)
    try:
        header = peel(text, dialect.envelope) if dialect.envelope else None
        if header is None:
            at = log_format.timestamp(text, dialect)
            return at or _instant_of(text, dialect) if log_format.join is None else at
        return log_format.timestamp(header.body, dialect) or instant(header, dialect)
    except UNREADABLE:
        return None


def _parse_peeled(parse: Parse, text: str, dialect: Dialect) -> Row | None:
    header = peel(text, dialect.envelope)
    if header is None:
        return _parse_bare(parse, text, dialect)
    row = parse(header.body, dialect)
    if row is None:
        return None
    if header.host and _TRANSACTION in row:
        row[_TRANSACTION] = f"{header.host} {row[_TRANSACTION]}"
    if _AT not in row and (at := known_instant(header, dialect)) is not None:
        row[_AT] = at
    return row


def _parse_bare(parse: Parse, text: str, dialect: Dialect) -> Row | None:
    """A line without a header among those that have one: collectors write into the files of others."""
    if not text.strip():
        return None
    try:
        return parse(text, dialect)
    except UNREADABLE:
        raise RefusedLine("no syslog header") from None


def _instant_of(text: str, dialect: Dialect) -> int | None:
    """The time of a syslog header around a line, among lines that have none."""
    if dialect.envelope or text[:1] in _NO_HEADER:
        return None
    header = peel(text, Envelope.SYSLOG)
    return None if header is None else known_instant(header, dialect)


def _reason(fault: Exception) -> str:
    text = str(fault) if type(fault).__name__ == "RefusedLine" else f"{type(fault).__name__}: {fault}"
    return text[:REASON_LIMIT]
