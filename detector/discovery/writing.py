"""A discovery as a table for people, as JSON or as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import orjson

from detector.events import to_iso
from detector.report.csv import safe
from detector.report.text import escaped_json, visible
from detector.report.wording import counted, day, moment, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.discovery.outcome import Discovery, Row, Source

SCHEMA = "shadowit.discovery/1"
COLUMNS = (
    "domain", "score", "reasons", "hosts", "people", "mailboxes", "first_seen", "last_seen", "days", "requests",
    "denied", "bytes_sent", "methods", "formats",
)  # fmt: skip
"""The columns of the CSV, in their order; they are the keys of a row in JSON."""
LISTED = 20
"""Logs that the table lists one by one; JSON lists all."""


def render(found: Discovery, output_format: str, version: str) -> str:
    """The text of a discovery: ``table``, ``json`` or ``csv``."""
    if output_format == "json":
        return _json(found, version)
    return _csv(found) if output_format == "csv" else "\n".join(_table(found)) + "\n"


def _json(found: Discovery, version: str) -> str:
    document = {
        "schema": SCHEMA,
        "tool": {"name": "shadowit", "version": version},
        "ruleset": {"digest": found.ruleset},
        "window": {"since": _time(found.since), "until": _time(found.until)},
        "totals": {"people": found.people, "domains": found.domains, "rare": found.rare, "looked": found.looked},
        "sources": [
            {"path": one.path, "format": one.format, "baseline": one.is_baseline, "bytes": one.bytes,
             "lines": one.lines, "parsed": one.parsed, "unparsed": one.unparsed, "error": one.unread or None}
            for one in found.sources
        ],
        "rows": [_object(row) for row in found.rows],
    }  # fmt: skip
    return escaped_json(
        orjson.dumps(_encodable(document), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    )


def _encodable(value: object) -> object:
    """Names of files may hold bytes that are not UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _encodable(one) for key, one in value.items()}
    return [_encodable(one) for one in value] if isinstance(value, list | tuple) else value


def _object(row: Row) -> dict[str, object]:
    cells: dict[str, object] = {name: getattr(row, name) for name in COLUMNS}
    return cells | {"first_seen": _time(row.first_seen), "last_seen": _time(row.last_seen)}


def _csv(found: Discovery) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in found.rows:
        writer.writerow(safe(_cell(cell)) for cell in _object(row).values())
    return out.getvalue()


def _cell(cell: object) -> str:
    if isinstance(cell, tuple):
        return "; ".join(str(one) for one in cell)
    return "" if cell is None else str(cell)


def _table(found: Discovery) -> Iterator[str]:
    yield f"{counted(len(found.rows), 'unknown domain')} worth a look, most telling first"
    if found.rows:
        width = max(6, *(len(row.domain) for row in found.rows))
        yield ""
        yield f"{'score':>5}  {'domain':{width}}  {'first seen':10}  {'last seen':10}  reasons"
        for row in found.rows:
            reasons = visible(", ".join(row.reasons))
            yield f"{row.score:5}  {row.domain:{width}}  {day(row.first_seen):10}  {day(row.last_seen):10}  {reasons}"
            yield f"{'':7}{visible(_who(row))}"
    yield ""
    yield from _foot(found)


def _who(row: Row) -> str:
    return ", ".join(dict.fromkeys((*row.people, *row.mailboxes))) or "nobody is named"


def _foot(found: Discovery) -> Iterator[str]:
    rare = f"{found.rare:,} of them {'new and rare' if found.dated else 'rare'}"
    looked = f", {found.looked:,} of these looked at line by line" if found.looked < found.rare else ""
    yield (
        f"{counted(found.domains, 'domain')} that no signature names, asked for by "
        f"{counted(found.people, 'person', 'people')}; {rare}{looked}"
    )
    if found.since is not None or found.until is not None:
        start = "the beginning" if found.since is None else f"{moment(found.since)} UTC"
        yield f"window: from {start} to {'the end' if found.until is None else f'{moment(found.until)} UTC'}"
    yield from _read([one for one in found.sources if not one.unread])
    yield from _not_read([one for one in found.sources if one.unread])


def _read(sources: Sequence[Source]) -> Iterator[str]:
    """What was read: log by log, of many logs format by format."""
    groups: dict[tuple[str, bool, str], list[Source]] = {}
    for one in sources:
        groups.setdefault((one.format, one.is_baseline, one.path if len(sources) <= LISTED else ""), []).append(one)
    for (name, is_baseline, path), logs in sorted(groups.items(), key=lambda group: group[0][::-1]):
        lines, wrong = sum(one.lines for one in logs), sum(one.unparsed for one in logs)
        what = visible(path) if path else counted(len(logs), "log")
        said = f"{size(sum(one.bytes for one in logs))}, {counted(lines, 'line')}" if lines else "empty"
        odd = f", {wrong:,} not what their format says" if wrong else ""
        yield f"read: {what}{' (baseline)' if is_baseline else ''}: {f'{name}, ' if name else ''}{said}{odd}"


def _not_read(sources: Sequence[Source]) -> Iterator[str]:
    """What was not read: log by log, of many logs reason by reason."""
    reasons: dict[str, list[Source]] = {}
    for one in sources:
        reasons.setdefault(one.unread, []).append(one)
    for reason, logs in reasons.items():
        if len(sources) <= LISTED:
            yield from (f"not read: {visible(one.path)}: {visible(reason)}" for one in logs)
        else:
            first = "" if len(logs) == 1 else f"{counted(len(logs), 'log')}, the first is "
            yield f"not read: {first}{visible(logs[0].path)}: {visible(reason)}"


def _time(instant: int | None) -> str | None:
    return None if instant is None else to_iso(instant)
