r"""The report as one JSON document: the stable machine output that other programs read.

Values are exact: what cannot be seen is written as JSON escapes, not replaced. The one exception are bytes of a file
name that are not UTF-8, which JSON cannot hold; they are spelled ``\xff``.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeAlias

import orjson

from detector.events import to_iso
from detector.forking import in_two
from detector.report.document import SCHEMA
from detector.report.ledger import add_up
from detector.report.series import series
from detector.report.text import encodable, escaped_json
from detector.report.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detector.report.document import ActorRow, EvidenceRow, FindingRow, Report, SourceRow

Json: TypeAlias = "str | int | float | bool | Mapping[str, Json] | Sequence[Json] | None"

_BEGIN, _END = '{\n  "findings": [', "\n  ]\n}\n"
_TOGETHER = 20
"""Findings that are written at once."""
_MUCH_EVIDENCE = 8192
"""Lines from which on it saves time that a child makes half of the document."""
_LARGEST = 2**63 - 1
"""Sums of forged sizes can be larger than JSON readers take; they are written as this."""


def render(report: Report, *, colour: bool = False, width: int = 0) -> str:
    """The report as indented JSON."""
    del colour, width
    return "".join(stream(report))


def stream(report: Report) -> Iterator[str]:
    """The same, some findings at a time: never is all of a large document in memory."""
    head, empty, tail = dump(document(report), indent=True).rpartition("[]")
    if not report.findings:
        yield f"{head}{empty}{tail}"
        return
    between, starts, some = f"{head}[", range(0, len(report.findings), _TOGETHER), partial(_some, report)
    is_much = sum([len(row.evidence) for row in report.findings]) >= _MUCH_EVIDENCE
    for text in in_two(starts, some) if is_much else map(some, starts):
        yield between
        yield text
        between = ","
    yield f"\n  ]{tail}"


def _some(report: Report, start: int) -> str:
    """The findings from one on, without what stands around them."""
    rows = report.findings[start : start + _TOGETHER]
    text = dump({"findings": [finding(row, names=report.names) for row in rows]}, indent=True)
    return text.removeprefix(_BEGIN).removesuffix(_END)


def dump(value: Json, *, indent: bool) -> str:
    """One JSON document with a newline at its end."""
    option = orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indent else 0)
    return escaped_json(_dumped(value, option).decode())


def document(report: Report) -> Json:
    """The report as JSON values without its findings, keys in the order in which they are documented."""
    ledger = add_up(report)
    return {
        "schema": SCHEMA,
        "tool": {"name": "shadowit", "version": report.version},
        "ruleset": {"digest": report.ruleset, "services": report.services},
        "window": {"since": _iso(report.since), "until": _iso(report.until)},
        "policy": {"digest": report.policy, "left_out": dict(report.left_out)},
        "names": report.names,
        "totals": {
            "files": ledger.files,
            "bytes": ledger.bytes,
            "lines": ledger.lines,
            "candidates": ledger.candidates,
            "sightings": ledger.sightings,
            "unparsed": ledger.unparsed,
            "unread_files": ledger.unread,
            "parsed": ledger.parsed,
            "filtered": ledger.filtered,
            "oversize": ledger.oversize,
        },
        "sources": [_source(source) for source in report.sources],
        "gaps_between_files": [
            {"folder": one.folder, "format": one.format, "from": _iso(start), "to": _iso(end)}
            for one in series(report)
            for start, end in one.gaps_between
        ],
        "canaries": [{"format": name, "sighted": sighted} for name, sighted in report.canaries],
        "findings": [],
    }


def finding(row: FindingRow, *, names: bool) -> Json:
    """One finding as JSON values; ``actor.name`` only when names are shown."""
    return {
        "service": row.service,
        "service_name": row.service_name,
        "category": row.category,
        **({"data_location": row.data_location} if row.data_location else {}),
        "actor": _actor(row.actor, names=names),
        "stage": row.stage,
        "confidence": row.confidence,
        "verdict": row.verdict,
        "first_seen": _iso(row.first_seen),
        "last_seen": _iso(row.last_seen),
        "days": row.days,
        "sightings": row.sightings,
        "bytes_sent": row.bytes_sent,
        "denied": row.denied,
        "sources": row.sources,
        "stages": [
            {"stage": stage, "first_seen": _iso(first), "last_seen": _iso(last), "sightings": count}
            for stage, first, last, count in row.stages
        ],
        "evidence": [_evidence(one) for one in row.evidence],
    }


def _source(row: SourceRow) -> Json:
    return {
        "path": row.path,
        "format": row.format,
        "kind": row.kind,
        "bytes": row.bytes,
        "lines": row.lines,
        "candidates": row.candidates,
        "parsed": row.parsed,
        "filtered": row.filtered,
        "unparsed": row.unparsed,
        "oversize": row.oversize,
        "first_event": _iso(row.first_event),
        "last_event": _iso(row.last_event),
        "gaps": [{"from": _iso(start), "to": _iso(end)} for start, end in row.gaps],
        "error": row.unread or None,
        "copy_of": row.copy_of or None,
        "notes": row.notes,
        "refusals": [{"reason": reason, "lines": count} for reason, count in row.refusals],
    }


def _actor(row: ActorRow, *, names: bool) -> Json:
    return {
        "id": row.id,
        "kind": row.kind,
        **({"name": row.name or row.id} if names else {}),
        "unit": row.unit,
        "confidence": row.confidence,
        **({"one_of": row.one_of} if row.one_of > 1 else {}),
    }


def _evidence(row: EvidenceRow) -> Json:
    path, offset, length, sha256, indicator, stage, at, denied, sighting = row
    return {
        "path": path,
        "offset": offset,
        "length": length,
        "sha256": sha256,
        "indicator": indicator,
        "stage": stage,
        "at": _iso(at),
        "denied": denied,
        "sighting": sighting,
    }


@lru_cache(maxsize=64)
def _iso(instant: int | None) -> str | None:
    return None if instant is None else to_iso(instant)


def _dumped(value: Json, option: int) -> bytes:
    """JSON bytes; text that UTF-8 cannot hold and integers over 64 bits are mended only where there are any."""
    try:
        return orjson.dumps(value, option=option)
    except TypeError:
        return orjson.dumps(_encodable(value), option=option)


def _encodable(value: Json) -> Json:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int):
        return min(value, _LARGEST)
    if isinstance(value, dict):
        return {key: _encodable(one) for key, one in value.items()}
    return [_encodable(one) for one in value]


WRITER = Writer(name="json", render=render, stream=stream)
