"""Sigma rules: of each service one for proxies and one for DNS, on label boundaries (``x`` or ``.x`` at the end).

Reference: https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html (unverified from here)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

import yaml

from detector.exchange.plug import Export
from detector.exchange.selection import uuid_of
from detector.signatures import IndicatorKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.exchange.selection import Selection
    from detector.signatures import Indicator, Signature

Selections: TypeAlias = "dict[str, dict[str, list[str]]]"

_LEVELS = {"prohibited": "high", "restricted": "medium", "review": "low", "allowed": "informational"}
_FALSE_POSITIVES = ["Use that the organisation approved", "Link previews, prefetching and mail scanners"]


def render(selection: Selection) -> str:
    """Rules as one document each; a service without a valid indicator has none."""
    rules: list[object] = []
    for signature in selection.signatures:
        valid = [one for one in signature.indicators if one.is_valid_at(selection.at)]
        for category, field in (("proxy", "cs-host"), ("dns", "query")):
            found = _hosts(valid, field)
            if category == "proxy":
                found |= _addresses(valid)
            if found:
                rules.append(_rule(signature, valid, category, found))
    return yaml.dump_all(
        rules, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=120, explicit_start=True
    )


def _hosts(valid: Sequence[Indicator], field: str) -> Selections:
    suffixes = [one.host for one in valid if one.kind is IndicatorKind.SUFFIX]
    exact = [one.host for one in valid if one.kind in (IndicatorKind.HOST, IndicatorKind.HOST_PATTERN)]
    found: Selections = {}
    if suffixes or exact:
        found["selection_host"] = {field: list(dict.fromkeys((*suffixes, *exact)))}
    if suffixes:
        found["selection_below"] = {f"{field}|endswith": [f".{host}" for host in suffixes]}
    return found


def _addresses(valid: Sequence[Indicator]) -> Selections:
    found: Selections = {}
    for one in valid:
        if one.kind is IndicatorKind.URL:
            paths = found.setdefault(f"selection_address_{len(found) + 1}", {"cs-host": [one.host]})
            paths["c-uri|contains"] = [one.path.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")]
            if one.methods:
                paths["cs-method"] = list(one.methods)
    return found


def _rule(signature: Signature, valid: Sequence[Indicator], category: str, found: Selections) -> dict[str, object]:
    texts = (*signature.references, *(text for one in valid for text in one.sources))
    name = re.sub(r"[^a-z0-9-]", "-", signature.category.replace("/", "-"))
    return {
        "title": f"{signature.name} ({'proxy' if category == 'proxy' else 'DNS'})",
        "id": uuid_of("sigma", category, signature.id),
        "status": "experimental",
        "description": signature.description,
        "references": list(dict.fromkeys(text for text in texts)),
        "author": "shadowit",
        "date": signature.added or "1970-01-01",
        "modified": signature.reviewed or signature.added or "1970-01-01",
        "tags": [f"shadowit.{name}", f"service.{signature.id}"],
        "logsource": {"category": category},
        "detection": {**found, "condition": "1 of selection_*"},
        "falsepositives": list(_FALSE_POSITIVES),
        "level": _LEVELS[signature.risk_default],
    }


EXPORT = Export(name="sigma", render=render)
