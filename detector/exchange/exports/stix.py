"""A STIX 2.1 bundle: each service as a ``tool``, each indicator as an ``indicator`` that indicates it.

Ids are made of the indicator's own id (UUIDv5) and times are those of the signature, so the same catalogue gives the
same bundle. A suffix is the domain or ``LIKE '%.domain'``, which keeps the label's border.

Reference: https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html (unverified from here)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import orjson

from detector.events import to_iso
from detector.exchange.plug import Export
from detector.exchange.selection import uuid_of
from detector.signatures import IndicatorKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.exchange.selection import Selection
    from detector.signatures import Indicator, Signature

Json: TypeAlias = "dict[str, object]"

_CONFIDENCE = {"high": 85, "medium": 50, "low": 15}
"""The numbers of STIX's None/Low/Med/High scale."""


def render(selection: Selection) -> str:
    """A bundle, also with indicators whose time is over: they carry it."""
    objects: list[Json] = []
    for signature in selection.signatures:
        objects.extend(_of_service(signature))
    digest = uuid_of("stix", selection.ruleset.digest, *sorted(selection.services))
    bundle = {"type": "bundle", "id": f"bundle--{digest}", "objects": objects}
    return orjson.dumps(bundle, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def pattern_of(one: Indicator) -> str:
    """An indicator as a STIX pattern."""
    host = one.host.replace("\\", "\\\\").replace("'", "\\'")
    if one.kind is IndicatorKind.SUFFIX:
        return f"[domain-name:value = '{host}' OR domain-name:value LIKE '%.{host}']"
    if one.kind is IndicatorKind.HOST:
        return f"[domain-name:value = '{host}']"
    if one.kind is IndicatorKind.HOST_PATTERN:
        return f"[domain-name:value LIKE '{host.replace('*', '%')}']"
    path = one.path.replace("\\", "\\\\").replace("'", "\\'")
    return f"[url:value LIKE 'http%://{host.replace('*', '%')}{path}%']"


def _of_service(signature: Signature) -> Iterator[Json]:
    times = {"created": _midnight(signature.added), "modified": _midnight(max(signature.added, signature.reviewed))}
    tool = f"tool--{uuid_of('stix', 'tool', signature.id)}"
    references = [{"source_name": "shadowit", "external_id": signature.id}]
    references += [_reference(text) for text in signature.references]
    yield {
        "type": "tool", "spec_version": "2.1", "id": tool, **times, "name": signature.name,
        "description": signature.description, "labels": [f"category:{signature.category}"],
        "external_references": references,
    }  # fmt: skip
    for one in signature.indicators:
        name = f"indicator--{uuid_of('stix', one.id)}"
        start = times["created"] if one.valid_from is None else _midnight(to_iso(one.valid_from)[:10])
        until = {} if one.valid_until is None else {"valid_until": _midnight(to_iso(one.valid_until)[:10])}
        if until and until["valid_until"] <= start:
            start = _midnight("1970-01-01")
        yield {
            "type": "indicator", "spec_version": "2.1", "id": name, **times, "name": f"{signature.name}: {one.host}",
            "indicator_types": ["unknown"], "pattern": pattern_of(one), "pattern_type": "stix",
            "valid_from": start, **until, "confidence": _CONFIDENCE[one.confidence],
            "labels": [f"stage:{one.stage.value}"],
            "external_references": [
                {"source_name": "shadowit", "external_id": one.id}, *(_reference(text) for text in one.sources)
            ],
        }  # fmt: skip
        yield {
            "type": "relationship", "spec_version": "2.1",
            "id": f"relationship--{uuid_of('stix', 'indicates', one.id)}", **times,
            "relationship_type": "indicates", "source_ref": name, "target_ref": tool,
        }  # fmt: skip


def _reference(text: str) -> dict[str, str]:
    if text.startswith(("http://", "https://")) and " " not in text:
        return {"source_name": text.split("/")[2], "url": text}
    return {"source_name": "source", "description": text}


def _midnight(date: str) -> str:
    return f"{date or '1970-01-01'}T00:00:00.000Z"


EXPORT = Export(name="stix", render=render)
