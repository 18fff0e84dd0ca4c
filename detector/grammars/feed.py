r"""The column map of a site's own feed becomes a log format: a new vendor needs no code.

``{"source.ip": "client", "url.full": ["url", "host"], "@timestamp": "when"}`` says which column of the feed is which
column of an event; ``denied: {"verdict": ["block"]}`` which of its values mean that the request was refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import orjson

from detector.errors import RefusedLine, UsageError
from detector.events import Action, Col, Kind, Layout, LogFormat, Zone
from detector.grammars import feedcells, feedlines, jsonline

if TYPE_CHECKING:
    from detector.events import Dialect, Row


class Syntax(StrEnum):
    """The shape of a feed's lines."""

    CSV = "csv"
    KV = "kv"
    NDJSON = "ndjson"


@dataclass(frozen=True, slots=True)
class Feed:
    r"""What a site says about its feed.

    Attributes:
        kind: ``proxy``, ``dns`` or ``mail``.
        syntax: ``csv``, ``kv`` or ``ndjson``.
        fields: an event's column (``source.ip``) → the feed's own name of it, or several of which the first that a line
            holds counts; in JSON a dotted path.
        columns: names of a CSV's columns in order; empty: a header line gives them, and may give others in mid-file.
        delimiter: between cells of a CSV; one character where cells are quoted.
        quote: around cells and values that hold separators; empty for none.
        pair_separator: between pairs.
        value_separator: between key and value.
        time: ``iso``, ``epoch`` (seconds; 13, 16, 19 digits are milli-, micro-, nanoseconds), ``clf``, ``syslog``, or a
            ``strptime`` pattern such as ``%d.%m.%Y %H:%M:%S``.
        denied: a column of the feed → its values (in any case) that mean "refused".
        challenge: the same for "asked who the client is".
        constants: an event's column → the value that every line has.
    """

    kind: str
    syntax: str
    fields: Mapping[str, str | Sequence[str]]
    columns: Sequence[str] = ()
    delimiter: str = ","
    quote: str = '"'
    pair_separator: str = " "
    value_separator: str = "="
    time: str = "iso"
    denied: Mapping[str, Sequence[str]] = field(default_factory=dict)
    challenge: Mapping[str, Sequence[str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)


class _Map(NamedTuple):
    """A feed that was found to be sound.

    Attributes:
        feed: as the site said it.
        names: an event's column → the feed's names of it, best first.
        verdicts: the feed's column → its value in lower case → what it means.
        constants: an event's column → the value that every line has.
        steps: the same as ``names``, with what reads each column's cells; ``None`` for the time.
    """

    feed: Feed
    names: Mapping[Col, tuple[str, ...]]
    verdicts: Mapping[str, Mapping[str, Action]]
    constants: Row
    steps: tuple[tuple[Col, feedcells.Reader | None, tuple[str, ...]], ...]

    @property
    def known(self) -> frozenset[str]:
        """Every name of the feed that the map speaks of."""
        return frozenset(name for names in self.names.values() for name in names) | frozenset(self.verdicts)


_KINDS = (Kind.PROXY, Kind.DNS, Kind.MAIL)
_ACTION, _TO, _ALLOWED, _CHALLENGE = Col.ACTION, Col.TO, Action.ALLOWED, Action.CHALLENGE  # enums are slow to look up
_REFERENCE = "unverified: the column map in the site's own configuration"
_Reader = Callable[[str, "Dialect"], Mapping[str, object] | None]


def feed_format(name: str, feed: Feed) -> LogFormat:
    """The log format of a feed.

    Raises:
        UsageError: the map is not sound; one message names all that is wrong.
    """
    site = _checked(name, feed)
    read = _reader(site)
    header = _columns_of(site) if feed.syntax == Syntax.CSV else ()
    stamps = site.names.get(Col.AT) or tuple(sorted(site.known))
    return LogFormat(
        name=name,
        kind=Kind(feed.kind),
        title=f"{name} (the site's own {feed.syntax} feed)",
        reference=_REFERENCE,
        parse=lambda line, dialect: _parse(site, read(line, dialect), dialect),
        timestamp=lambda line, dialect: _timestamp(site, read(line, dialect), dialect),
        example=lambda row: _example(site, row),
        columns=_produced(site),
        zone=_zone(feed.time),
        preamble=feedlines.join_csv(header, feed.delimiter, feed.quote) if header and not feed.columns else "",
        head=lambda line, dialect: _head(site, line, dialect),
        head_literals=tuple(one.encode() for one in stamps) if header else (),
        layout=Layout.JSON if feed.syntax == Syntax.NDJSON else Layout.LINES,
        encoded=(*((b"\\u",) if feed.syntax == Syntax.NDJSON else ()), *((b"=?",) if feed.kind == Kind.MAIL else ())),
    )


def _parse(site: _Map, cells: Mapping[str, object] | None, dialect: Dialect) -> Row | None:
    if cells is None:
        return None
    row: Row = {}
    for column, read, names in site.steps:
        for name in names:
            cell = cells.get(name)
            text = cell.strip() if type(cell) is str else feedlines.text_at(cells, name, every=column is _TO)
            if not text or text == "-":
                continue
            value = read(text) if read else feedcells.instant(text, site.feed.time, dialect)
            if value is not None and value != []:
                row[column] = value
                break
    if not row:
        raise RefusedLine("none of the feed's columns")
    feedcells.complete(row)
    if site.verdicts and (verdict := _verdict(site, cells)) is not None:
        row[_ACTION] = verdict
    return {**site.constants, **row} if site.constants else row


def _timestamp(site: _Map, cells: Mapping[str, object] | None, dialect: Dialect) -> int | None:
    for name in site.names.get(Col.AT, ()) if cells is not None else ():
        at = feedcells.instant(feedlines.text_at(cells or {}, name), site.feed.time, dialect)
        if at is not None:
            return at
    return None


def _verdict(site: _Map, cells: Mapping[str, object]) -> Action | None:
    """A challenge outranks a refusal; any other value in such a column means allowed, an empty one nothing."""
    found: Action | None = None
    for name, meanings in site.verdicts.items():
        word = feedlines.text_at(cells, name).lower()
        if not word or word == "-":
            continue
        meaning = meanings.get(word, _ALLOWED)
        if meaning is _CHALLENGE:
            return meaning
        if found is None or found is _ALLOWED:
            found = meaning
    return found


def _reader(site: _Map) -> _Reader:
    feed, known = site.feed, site.known

    def read_csv(line: str, dialect: Dialect) -> Mapping[str, object] | None:
        columns = dialect.columns or tuple(feed.columns)
        if _is_blank(line) or line[0] == "#":
            return None
        if not columns:
            raise RefusedLine("no CSV header before this line")
        cells = feedlines.split_csv(line, feed.delimiter, feed.quote, len(columns))
        if len(cells) < len(columns) or any(cells[len(columns) :]):
            raise RefusedLine("another number of cells than the header has")
        return {name: cells[place] for name, place in feedlines.places(columns, known)}

    def read_pairs(line: str, _dialect: Dialect) -> Mapping[str, object] | None:
        if _is_blank(line):
            return None
        return feedlines.split_pairs(line, feed.pair_separator, feed.value_separator, feed.quote)

    def read_json(line: str, _dialect: Dialect) -> Mapping[str, object] | None:
        return None if _is_blank(line) else jsonline.record(line)

    return {Syntax.CSV: read_csv, Syntax.KV: read_pairs, Syntax.NDJSON: read_json}[Syntax(feed.syntax)]


def _head(site: _Map, line: str, dialect: Dialect) -> Dialect | None:
    """A header names the time (where the map does) and at least two of the feed's columns."""
    if site.feed.syntax != Syntax.CSV:
        return None
    names = tuple(cell.strip() for cell in feedlines.split_csv(line, site.feed.delimiter, site.feed.quote))
    times = site.names.get(Col.AT)
    known = site.known.intersection(names)
    if len(known) < min(2, len(site.known)) or (times and known.isdisjoint(times)):
        return None
    return replace(dialect, columns=names)


def _example(site: _Map, row: Row) -> str:
    feed = site.feed
    cells = {
        site.names[Col(column)][0]: text
        for column in feed.fields
        if (text := feedcells.written(Col(column), row, feed.time)) is not None
    }
    action = row.get(Col.ACTION, Action.ALLOWED)
    for name, meanings in site.verdicts.items():
        if words := [word for word, meaning in meanings.items() if meaning == action]:
            cells[name] = words[0]
            break
        cells.setdefault(name, "allowed")
    if feed.syntax == Syntax.NDJSON:
        return orjson.dumps(cells).decode()
    if feed.syntax == Syntax.KV:
        return feedlines.join_pairs(cells, feed.pair_separator, feed.value_separator, feed.quote)
    return feedlines.join_csv((cells.get(name, "") for name in _columns_of(site)), feed.delimiter, feed.quote)


def _columns_of(site: _Map) -> tuple[str, ...]:
    """The columns of a CSV as a site lists them, else those that the map speaks of."""
    best = (names[0] for names in site.names.values())
    return tuple(site.feed.columns) or tuple(dict.fromkeys((*best, *site.verdicts)))


def _checked(name: str, feed: Feed) -> _Map:
    faults = [*_shape_faults(feed), *_column_faults(feed)]
    if faults:
        raise UsageError(f"feed {name}: " + "; ".join(faults))
    names = {Col(column): (one,) if isinstance(one, str) else tuple(one) for column, one in feed.fields.items()}
    if Col.FROM in names:
        names.setdefault(Col.FROM_NAME, names[Col.FROM])  # "Name <address>" holds both
    verdicts: dict[str, dict[str, Action]] = {}
    for action, columns in ((Action.DENIED, feed.denied), (Action.CHALLENGE, feed.challenge)):
        for column, words in columns.items():
            verdicts.setdefault(column, {}).update((str(word).lower(), action) for word in words)
    constants = {Col(column): feedcells.constant(Col(column), text) for column, text in feed.constants.items()}
    steps = (
        (column, None if column is Col.AT else feedcells.reader_of(column), best) for column, best in names.items()
    )
    return _Map(feed, names, verdicts, constants, tuple(steps))


def _shape_faults(feed: Feed) -> list[str]:
    faults = []
    if feed.kind not in _KINDS:
        faults.append(f"kind is {feed.kind!r}, not one of {', '.join(_KINDS)}")
    if feed.syntax not in list(Syntax):
        faults.append(f"syntax is {feed.syntax!r}, not one of {', '.join(Syntax)}")
    if not feed.delimiter or not feed.pair_separator or not feed.value_separator:
        faults.append("delimiter, pair_separator and value_separator cannot be empty")
    if len(feed.quote) > 1 or feed.quote in (feed.delimiter, "\\"):
        faults.append(f"quote is {feed.quote!r}, not one character that is no separator")
    if feed.time not in feedcells.TIMES and "%" not in feed.time:
        faults.append(f"time is {feed.time!r}, neither one of {', '.join(feedcells.TIMES)} nor a strptime pattern")
    if len(set(feed.columns)) != len(feed.columns):
        faults.append("columns names one twice")
    return faults


def _column_faults(feed: Feed) -> list[str]:
    faults = [] if feed.fields else ["fields is empty"]
    for column in (*feed.fields, *feed.constants):
        if column not in feedcells.COLUMNS:
            near = get_close_matches(column, [known.value for known in feedcells.COLUMNS], n=1)
            faults.append(f"{column!r} is no column of an event" + (f", did you mean {near[0]!r}?" if near else ""))
    faults += [
        f"fields names no column for {one!r}" for one, names in feed.fields.items() if not (names and all(names))
    ]
    for column, text in feed.constants.items():
        if column in feedcells.COLUMNS and not feedcells.constant(Col(column), text):
            faults.append(f"constants: {text!r} is no {column}")
    if feed.columns:
        named = {one for names in feed.fields.values() for one in ([names] if isinstance(names, str) else names)}
        missing = sorted({*named, *feed.denied, *feed.challenge}.difference(feed.columns))
        faults += [f"{one!r} is not among columns" for one in missing]
    return faults


def _produced(site: _Map) -> frozenset[Col]:
    held = {*site.names, *site.constants, *((Col.ACTION,) if site.verdicts else ())}
    return frozenset(held | feedcells.derived(held))


def _zone(time: str) -> Zone:
    if time == "epoch" or "%s" in time:
        return Zone.UTC
    return Zone.OFFSET if time == "clf" or "%z" in time else Zone.LOCAL


def _is_blank(line: str) -> bool:
    return not line or line.isspace()
