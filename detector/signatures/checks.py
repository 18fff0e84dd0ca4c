"""What is wrong with signature files: each against the schema, and all against each other."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from detector.errors import Problem
from detector.signatures import suffixes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.documents import Document

Read = tuple["Document", dict[str, Any]]
_BYTE = r"(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])"
_ADDRESS = re.compile(rf"(?:{_BYTE}\.){{3}}{_BYTE}", re.ASCII)


def against(model: type[BaseModel], document: Document) -> tuple[dict[str, Any] | None, list[Problem]]:
    """A document's content as plain JSON data by a schema, or its problems."""
    if document.problems:
        return None, list(document.problems)
    try:
        return model.model_validate(document.data).model_dump(mode="json"), []
    except ValidationError as fault:
        return None, [document.problem(error["loc"], _sentence(error["loc"], error["msg"])) for error in fault.errors()]


def across(read: Sequence[Read], shared_hosts: frozenset[str]) -> list[Problem]:
    """Problems that only show when all files are seen together."""
    return [*_ids(read), *_twice(read), *_suffixes(read, shared_hosts)]


def _sentence(location: Sequence[str | int], message: str) -> str:
    name = ".".join(str(step) for step in location) or "the file"
    return f"{name}: {message.removeprefix('Value error, ')}"


def _ids(read: Sequence[Read]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for document, found in read:
        service = found["id"]
        if document.path.rpartition(os.sep)[2].rpartition(".")[0] != service:
            yield document.problem(("id",), f"id {service!r} must be the file's name")
        if service in seen:
            yield document.problem(("id",), f"id {service!r} is already used by {seen[service]}")
        seen[service] = document.path


def _twice(read: Sequence[Read]) -> Iterator[Problem]:
    """Indicators that would get one id: a signature may say a value of a kind once."""
    named = ("kind", "value", "path_prefix", "query_has", "methods")
    for document, found in read:
        seen: set[str] = set()
        for index, indicator in enumerate(found["indicators"]):
            name = " ".join(str(indicator.get(key) or "") for key in named)
            if name in seen:
                yield document.problem(("indicators", index), f"{indicator['kind']} {indicator['value']} stands twice")
            seen.add(name)


def _suffixes(read: Sequence[Read], shared_hosts: frozenset[str]) -> Iterator[Problem]:
    owners: dict[tuple[str, str], str] = {}
    for document, found in read:
        for index, indicator in enumerate(found["indicators"]):
            place = ("indicators", index, "value")
            value, kind = indicator["value"], indicator["kind"]
            if kind == "suffix":
                if value in shared_hosts:
                    yield document.problem(place, f"{value} is shared by many services: name hosts or paths instead")
                elif is_public_suffix(value):
                    yield document.problem(place, f"{value} is a public suffix: it would catch unrelated sites")
            if kind in ("suffix", "host"):
                owner = owners.setdefault((kind, value), found["id"])
                if owner != found["id"]:
                    yield document.problem(place, f"{kind} {value} already belongs to {owner}")


def is_public_suffix(domain: str) -> bool:
    """Whether a domain is a public suffix by the list that comes with tldextract (no network, no cache).

    >>> is_public_suffix("co.uk"), is_public_suffix("github.io"), is_public_suffix("clearview.ai")
    (True, True, False)
    """
    rules = suffixes.rules()
    name = domain.encode().decode("idna") if "xn--" in domain else domain
    if f"!{name}" in rules:
        return False
    return name in rules or ("." in name and f"*.{name.partition('.')[2]}" in rules)


def registrable(domain: str) -> str:
    """The part of a host that somebody registered, empty for a public suffix and an address.

    Below a top-level domain that the list does not know, the last two labels.

    >>> registrable("app.example.co.uk"), registrable("co.uk"), registrable("192.0.2.7"), registrable("a.b.test")
    ('example.co.uk', '', '', 'b.test')
    """
    labels = suffixes.labels_of(domain)
    if suffixes.suffix_at(labels) < len(labels) or _ADDRESS.fullmatch(domain):
        return suffixes.registered(domain)
    return ".".join(domain.rsplit(".", 2)[-2:]) if "." in domain else ""
