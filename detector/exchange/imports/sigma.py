"""Sigma rules about host names: fields of proxy, DNS and network connection logs, compared whole or at their end.

``endswith`` without a leading dot matches unrelated sites (dairyqueen.com through een.com); it is read as the domain
that is meant, on label boundaries. ``contains``, ``re`` and keywords are refused, other fields of a rule are passed
over. The rule's title is the service, its id, author and references are kept as sources.

Reference: https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html (unverified from here)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector import documents
from detector.exchange.drafts import Draft
from detector.exchange.plug import Import, Reading
from detector.exchange.reading import Gathering, of_name, slug
from detector.exchange.trees import text_of, texts_of, trees

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.exchange.trees import Tree

_FIELDS = frozenset({
    "cs-host", "r-dns", "query", "queryname", "destinationhostname", "dns.question.name", "dns_query", "url.domain",
    "dest_host", "remoteurl", "c-uri-host", "host", "domain",
})  # fmt: skip


def read(text: str, name: str) -> Reading:
    """The rules of one file, one document each."""
    found = Gathering(f"sigma {name}", name)
    for number, part in enumerate(re.split(r"(?m)^---[ \t]*$", text), start=1):
        if not part.strip():
            continue
        document = documents.parse(part.encode(), f"{name} document {number}")
        if not isinstance(document.data, dict):
            reason = document.problems[0].message if document.problems else "is not a mapping"
            found.refuse(f"document {number}", reason)
            continue
        _take(found, dict(document.data))
    return found.reading()


def _take(found: Gathering, rule: Tree) -> None:
    title = text_of(rule, "title")
    tags = (tag.partition(".") for tag in texts_of(rule.get("tags")))
    own = [value for key, _, value in tags if key == "service"]
    draft = Draft(slug(own[0] if own else title), re.sub(r" \((?:proxy|DNS)\)$", "", title), ())
    sources = [*texts_of(rule.get("references")), f"Sigma {text_of(rule, 'id')} {title} ({text_of(rule, 'author')})"]
    detection = rule.get("detection")
    parts = dict(detection) if isinstance(detection, dict) else {}
    condition = " ".join(texts_of(parts.pop("condition", "")))
    if re.search(r"\bnot\b", condition):
        found.refuse(title, "its condition holds a not: what is excluded cannot be told from what is meant")
        return
    for selection in parts.values():
        for one in trees(selection):
            if any(field.partition("|")[0] == "c-uri" for field in one):
                found.refuse(title, "a selection needs more than the host")
                continue
            for modifier, value in _hosts(one):
                if modifier not in ("", "endswith"):
                    found.refuse(value, f"{modifier} matches unrelated sites")
                    continue
                meant = f"*.{value.lstrip('*.')}" if modifier else value
                found.take(of_name(meant), draft=draft, sources=sources)


def _hosts(selection: Tree) -> Iterator[tuple[str, str]]:
    """Modifiers and values of the fields that hold host names."""
    for key, data in selection.items():
        field, _, modifier = key.partition("|")
        if field.lower() in _FIELDS:
            for value in texts_of(data):
                yield modifier, value


IMPORT = Import(name="sigma", read=read)
