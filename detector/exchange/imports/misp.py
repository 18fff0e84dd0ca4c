"""MISP events: attributes of the types ``domain``, ``hostname``, ``url`` and those two with an address or a port.

Reads an event, a list of events and the answer of ``/events/restSearch``, attributes of objects too. Tags of the form
``shadowit:service="…"`` name the service, else its registered domain does; the event's id and title are kept as source.

Reference: https://github.com/MISP/misp-rfc/blob/main/misp-core-format/raw.md (unverified from here)
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from detector.exchange.drafts import Draft, Value
from detector.exchange.plug import Import, Reading
from detector.exchange.reading import Gathering, of_address, of_name, slug
from detector.exchange.trees import load, text_of, trees
from detector.signatures import IndicatorKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.exchange.trees import Tree

_TAG = re.compile(r'shadowit:([a-z]+)="(.*)"')


def read(text: str, name: str) -> Reading:
    """The attributes of all events of one file.

    Raises:
        UsageError: it is not JSON.
    """
    found = Gathering(f"misp {name}", name)
    for event in _events(load(text, name)):
        title = f"MISP event {text_of(event, 'uuid')} {text_of(event, 'info')}"
        attributes = trees(event.get("Attribute"))
        for part in trees(event.get("Object")):
            attributes += trees(part.get("Attribute"))
        for attribute in attributes:
            _take(found, attribute, title)
    return found.reading()


def _events(data: object) -> Iterator[Tree]:
    waiting = trees(data)
    while waiting:
        one = waiting.pop(0)
        inner = one.get("response", one.get("Event"))
        if inner is None:
            yield one
        else:
            waiting[:0] = trees(inner)


def _take(found: Gathering, attribute: Tree, title: str) -> None:
    kind, text = text_of(attribute, "type"), text_of(attribute, "value")
    names = (text_of(tag, "name") for tag in trees(attribute.get("Tag")))
    tags = [(match[1], match[2]) for match in map(_TAG.fullmatch, names) if match]
    said = dict(tags)
    value = _value(kind, text, known=bool(said))
    if value is None:
        found.refuse(text, f"type {kind} holds no host")
        return
    value = replace(
        value,
        stage=said.get("stage", "visited"),
        valid_from=text_of(attribute, "first_seen")[:10] if said else "",
        valid_until=text_of(attribute, "last_seen")[:10] if said else "",
    )
    draft = None
    if service := said.get("service"):
        title_of_service = text_of(attribute, "comment") or service
        draft = Draft(slug(service), title_of_service, (), category=said.get("category", ""))
    sources = [part for key, part in tags if key == "source"]
    found.take(value, draft=draft, sources=[*sources, title])


def _value(kind: str, text: str, *, known: bool) -> Value | None:
    host = text.partition("|")[0]
    if kind in ("domain", "domain|ip"):
        return Value(IndicatorKind.SUFFIX, host.lower()) if known else of_name(host)
    if kind in ("hostname", "hostname|port"):
        return Value(IndicatorKind.HOST, host.lower())
    if kind == "pattern-in-traffic" and known:
        return Value(IndicatorKind.HOST_PATTERN, text)
    return of_address(text) if kind in ("url", "uri") else None


IMPORT = Import(name="misp", read=read)
