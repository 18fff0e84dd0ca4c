"""A STIX 2.x bundle: indicators whose pattern is about host names and addresses only.

Read are ``domain-name:value`` and ``url:value`` with ``=`` and ``LIKE``, joined by ``OR``; anything else, and what was
revoked, is refused. The service is what the indicator ``indicates`` (a tool, malware, infrastructure), else its
registered domain names it.

Reference: https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html (unverified from here)
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from detector.exchange.drafts import Draft, Value
from detector.exchange.plug import Import, Reading
from detector.exchange.reading import Gathering, of_address, slug
from detector.exchange.trees import load, text_of, texts_of, trees
from detector.signatures import IndicatorKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.exchange.trees import Tree

_TERM = re.compile(r"(domain-name|url):value\s*(=|LIKE)\s*'((?:[^'\\]|\\.)*)'")
_GLUE = re.compile(r"(?:\s|[\[\]()]|OR)*")


def read(text: str, name: str) -> Reading:
    """The indicators of one file.

    Raises:
        UsageError: it is not JSON.
    """
    objects = [inner for one in trees(load(text, name)) for inner in (trees(one.get("objects")) or [one])]
    by_id = {text_of(one, "id"): one for one in objects}
    services = {
        text_of(one, "source_ref"): by_id.get(text_of(one, "target_ref"), {})
        for one in objects
        if one.get("type") == "relationship" and one.get("relationship_type") == "indicates"
    }
    found = Gathering(f"stix {name}", name)
    for one in objects:
        if one.get("type") == "indicator":
            _take(found, one, services)
    return found.reading()


def _take(found: Gathering, indicator: Tree, services: Mapping[str, Tree]) -> None:
    pattern = text_of(indicator, "pattern")
    values = _values(pattern)
    if indicator.get("revoked") is True:
        found.refuse(pattern, "was revoked")
    elif not values:
        found.refuse(pattern, "is not about host names or addresses only")
    else:
        draft = _draft(services.get(text_of(indicator, "id"), {}))
        start = text_of(indicator, "valid_from")
        for value in values:
            dated = replace(
                value,
                stage=_labels(indicator).get("stage", "visited"),
                valid_from="" if start == text_of(indicator, "created") else start[:10],
                valid_until=text_of(indicator, "valid_until")[:10],
            )
            found.take(dated, draft=draft, sources=_sources(indicator))


def _values(pattern: str) -> list[Value]:
    """What a pattern looks for; nothing when it says more than this house can keep.

    ``x OR LIKE '%.x'`` is one suffix.
    """
    if not _GLUE.fullmatch(_TERM.sub("", pattern)):
        return []
    values = [_value(*term.groups()) for term in _TERM.finditer(pattern)]
    suffixes = {value.host for value in values if value.kind is IndicatorKind.SUFFIX}
    return [value for value in values if value.kind is not IndicatorKind.HOST or value.host not in suffixes]


def _value(subject: str, operator: str, quoted: str) -> Value:
    text = re.sub(r"\\(.)", r"\1", quoted)
    if subject == "url":
        bare = re.sub(r"^(?:http)?s?%?://", "", text) if operator == "LIKE" else text
        return of_address(bare.removesuffix("%").replace("%", "*") if operator == "LIKE" else bare)
    if operator == "=":
        return Value(IndicatorKind.HOST, text.lower())
    if text.startswith("%.") and "%" not in text[2:]:
        return Value(IndicatorKind.SUFFIX, text[2:].lower())
    return Value(IndicatorKind.HOST_PATTERN, text.lower().replace("%", "*"))


def _draft(service: Tree) -> Draft | None:
    title = text_of(service, "name")
    if not title:
        return None
    references = trees(service.get("external_references"))
    own = [text_of(one, "external_id") for one in references if one.get("source_name") == "shadowit"]
    urls = tuple(text for one in references if (text := text_of(one, "url")))
    return Draft(slug(own[0] if own else title), title, (), "", _labels(service).get("category", ""), urls)


def _labels(one: Tree) -> dict[str, str]:
    """Labels of the form ``key:value``."""
    return {key: value for key, _, value in (label.partition(":") for label in texts_of(one.get("labels")))}


def _sources(indicator: Tree) -> list[str]:
    references = trees(indicator.get("external_references"))
    said = [text_of(one, "url") or text_of(one, "description") for one in references]
    return [*said, f"STIX {text_of(indicator, 'id')} {text_of(indicator, 'name')}"]


IMPORT = Import(name="stix", read=read)
