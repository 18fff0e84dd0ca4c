"""One service as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from detector.events import to_iso
from detector.report.columns import columns
from detector.report.text import visible

if TYPE_CHECKING:
    from detector.signatures import Indicator, Signature

Section = tuple[str, list[Sequence[str]]]
"""A title and its rows; the first row holds the heads."""


def page(one: Signature) -> str:
    """A service for a terminal."""
    lines = [f"{one.name} ({one.id})", *wrap(visible(one.description), 100), ""]
    lines += columns([(f"{name}:", value) for name, value in _facts(one)])
    for title, rows in _sections(one):
        lines += ["", title, *(f"  {line}" for line in columns(rows))]
    return "\n".join(lines) + "\n"


def markdown(one: Signature) -> str:
    """A service as Markdown."""
    lines = [f"# {_cell(one.name)}", "", _cell(one.description), ""]
    lines += [f"- **{name}**: {_cell(value)}" for name, value in _facts(one)]
    for title, (heads, *rows) in _sections(one):
        lines += ["", f"## {title[0].upper()}{title[1:]}", ""]
        lines += [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
        lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join(lines) + "\n"


def as_data(one: Signature) -> dict[str, object]:
    """A service as JSON data: everything that is known of it."""
    return {
        "id": one.id, "name": one.name, "vendor": one.vendor, "category": one.category, "status": one.status,
        "attribution": one.attribution.value, "description": one.description,
        "risk": {"default": one.risk_default, "factors": one.risk_factors, "vendor_country": one.vendor_country,
                 "data_location": one.data_location,
                 "events": [{"date": date, "what": what, "ref": ref} for date, what, ref in one.risk_events]},
        "indicators": [
            {"id": i.id, "kind": i.kind.value, "value": i.host, "path_prefix": i.path, "query_has": i.query,
             "methods": i.methods, "min_request_bytes": i.min_request_bytes, "stage": i.stage.value,
             "confidence": i.confidence, "valid_from": _day(i.valid_from), "valid_until": _day(i.valid_until),
             "sources": i.sources} for i in one.indicators],
        "evidence": {"used_requests": one.thresholds.used_requests, "used_minutes": one.thresholds.used_minutes,
                     "uploaded_request_bytes": one.thresholds.uploaded_request_bytes,
                     "opaque_hosts": sorted(one.thresholds.opaque_hosts)},
        "mail": {"domains": one.mail.domains, "names": one.mail.names,
                 "subjects": [{"stage": stage.value, "regex": regex} for stage, regex in one.mail.subjects]},
        "references": one.references, "added": one.added, "reviewed": one.reviewed,
        "review_every_days": one.review_every_days,
        "tests": {"positive": one.tests.positive, "negative": one.tests.negative, "mail": one.tests.mail},
    }  # fmt: skip


def _facts(one: Signature) -> list[tuple[str, str]]:
    limits = one.thresholds
    facts = [
        ("vendor", one.vendor),
        ("category", one.category),
        ("status", f"{one.status}, attribution {one.attribution.value}"),
        ("risk", ", ".join((one.risk_default, *one.risk_factors))),
        ("country", one.vendor_country),
        ("data location", one.data_location),
        ("probably used", f"from {limits.used_requests} requests or {limits.used_minutes} minutes on one day"),
        ("probably uploaded", f"from {limits.uploaded_request_bytes:,} bytes sent in one connection"),
        ("product hosts", ", ".join(sorted(limits.opaque_hosts))),
        ("mail domains", ", ".join(one.mail.domains)),
        ("mail names", ", ".join(one.mail.names)),
        ("references", ", ".join(one.references)),
        ("added", one.added),
        ("reviewed", f"{one.reviewed}, every {one.review_every_days} days" if one.reviewed else ""),
    ]
    return [(name, value) for name, value in facts if value]


def _sections(one: Signature) -> Iterator[Section]:
    yield "indicators", [("kind", "value", "stage", "confidence", "valid", "sources"), *map(_indicator, one.indicators)]
    if one.mail.subjects:
        yield "subjects", [("stage", "pattern"), *((stage.value, regex) for stage, regex in one.mail.subjects)]
    if one.risk_events:
        yield "events", [("date", "what", "reference"), *one.risk_events]
    tests = [
        *((value, stage) for value, stage in one.tests.positive),
        *((value, "not this service") for value in one.tests.negative),
        *((f"mail {sender}: {subject}", stage) for sender, subject, stage in one.tests.mail),
    ]
    if tests:
        yield "tests", [("value", "expected"), *tests]


def _indicator(one: Indicator) -> Sequence[str]:
    query = f"?{one.query}" if one.query else ""
    methods = f"{'|'.join(one.methods)} " if one.methods else ""
    size = f" from {one.min_request_bytes} bytes" if one.min_request_bytes else ""
    value = f"{methods}{one.host}{one.path}{query}{size}"
    valid = "" if one.valid_from is one.valid_until is None else f"{_day(one.valid_from)}..{_day(one.valid_until)}"
    return (one.kind.value, value, one.stage.value, one.confidence, valid, ", ".join(one.sources))


def _day(instant: int | None) -> str:
    return "" if instant is None else to_iso(instant)[:10]


def _cell(text: str) -> str:
    """Text that stays inside a Markdown cell and is not taken for markup."""
    escaped = visible(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
    return escaped.replace("*", "\\*").replace("_", "\\_") if "://" not in text else escaped
