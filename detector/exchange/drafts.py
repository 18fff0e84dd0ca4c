"""Values of other programs become signature files: what the catalogue's rules refuse is listed, never bent.

What is imported is a claim of somebody else: ``confidence: medium``, with the file that it comes from in ``sources``,
and ``vendor-portfolio`` at best, so that no mail is counted by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeAlias

from detector.signatures import Attribution, IndicatorKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import TypeAdapter

Plain: TypeAlias = "str | Sequence[Plain] | Mapping[str, Plain]"
"""Data as it stands in a signature file."""

REVIEW_EVERY_DAYS = 90
"""What others claim wants a look sooner than what was written by hand."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a service.

    Attributes:
        kind: what it is compared with.
        host: host, suffix or label pattern.
        path: path prefix of an address, else empty.
        query: name of a query parameter that must be present, else empty.
        methods: request methods that count, empty for all.
        min_request_bytes: bytes that the client must have sent, 0 for any.
        stage: what it proves.
        valid_from: ISO date from which it counts, empty for always.
        valid_until: ISO date from which it no longer counts, empty for always.
        sources: where it is known from.
    """

    kind: IndicatorKind
    host: str
    path: str = ""
    query: str = ""
    methods: tuple[str, ...] = ()
    min_request_bytes: int = 0
    stage: str = "visited"
    valid_from: str = ""
    valid_until: str = ""
    sources: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind.value} {self.host}{self.path}{f'?{self.query}' if self.query else ''}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A service as another program's file describes it.

    Attributes:
        id: the signature's id.
        name: what it is called.
        values: what it is recognised by.
        vendor: who offers it; the name when empty.
        category: its category; the one asked for when empty.
        references: addresses of pages about it.
    """

    id: str
    name: str
    values: tuple[Value, ...]
    vendor: str = ""
    category: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that does not become a signature.

    Attributes:
        where: the file, with a line or a name where there is one.
        value: as it was found.
        reason: why not.
    """

    where: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.value}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Settled:
    """What drafts came to.

    Attributes:
        files: text of signature files by path below the folder, ``<category>/<id>.yaml``.
        values: how many values stand in them.
        refusals: what was refused.
    """

    files: Mapping[str, str]
    values: int
    refusals: tuple[Refusal, ...]


@dataclass(slots=True)
class _Owners:
    """Which service has a suffix or host: one may not have two."""

    shared_hosts: frozenset[str]
    taken: dict[tuple[IndicatorKind, str], str] = field(default_factory=dict)

    def reason(self, service: str, value: Value) -> str:
        """Why a service may not have a value, empty when it may."""
        from detector.signatures.checks import is_public_suffix  # noqa: PLC0415 - its list is slow to load

        if _is_address(value.host):
            return "is an address, not a name"
        wide = value.kind in (IndicatorKind.SUFFIX, IndicatorKind.HOST)
        if wide and is_public_suffix(value.host):
            return "is a public suffix: it would catch unrelated sites"
        if value.kind is IndicatorKind.SUFFIX and value.host in self.shared_hosts:
            return "is shared by many services: name hosts or paths instead"
        owner = self.taken.setdefault((value.kind, value.host), service) if wide else service
        return "" if owner == service else f"already belongs to {owner}"


def settle(drafts: Iterable[Draft], *, shared_hosts: frozenset[str], category: str, day: str, origin: str) -> Settled:
    """Make signature files of drafts.

    Args:
        drafts: services; those of one id become one file.
        shared_hosts: suffixes that may not become one.
        category: for services that have none.
        day: ISO date that is written as ``added`` and ``reviewed``.
        origin: what is said about where they come from.
    """
    files: dict[str, str] = {}
    refusals: list[Refusal] = []
    owners = _Owners(shared_hosts)
    count = 0
    for draft in _merged(drafts):
        kept = []
        for value in draft.values:
            if reason := owners.reason(draft.id, value) or _fault("indicator", _indicator(value)):
                refusals.append(Refusal(draft.id, str(value), reason))
            else:
                kept.append(value)
        if not kept:
            continue
        document = _document(replace(draft, values=tuple(kept), category=draft.category or category), day, origin)
        if reason := _fault("file", document):
            refusals.append(Refusal(draft.id, f"{len(kept)} values", reason))
            continue
        count += len(kept)
        files[f"{str(document['category']).partition('/')[0]}/{draft.id}.yaml"] = _yaml(document)
    return Settled(dict(sorted(files.items())), count, tuple(refusals))


def _merged(drafts: Iterable[Draft]) -> list[Draft]:
    """Drafts of one id as one, values that are the same but for their sources as one; by id."""
    found: dict[str, Draft] = {}
    for draft in drafts:
        known = found.get(draft.id, replace(draft, values=()))
        values = {replace(value, sources=()): value for value in known.values}
        for value in draft.values:
            bare = replace(value, sources=())
            before = values[bare].sources if bare in values else ()
            values[bare] = replace(value, sources=tuple(dict.fromkeys((*before, *value.sources))))
        one_each: dict[tuple[str, ...], Value] = {}
        for value in values.values():
            one_each.setdefault((str(value), *value.methods), value)
        references = tuple(dict.fromkeys((*known.references, *draft.references)))
        found[draft.id] = replace(known, values=tuple(one_each.values()), references=references)
    return [found[name] for name in sorted(found)]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _fault(what: str, data: Mapping[str, Plain]) -> str:
    """What the schema finds wrong, empty for nothing."""
    from pydantic import ValidationError  # noqa: PLC0415 - slow to load, and rarely needed

    try:
        _adapter(what).validate_python(data)
    except ValidationError as fault:
        return "; ".join(
            f"{error['loc'][-1] if error['loc'] else what}: {error['msg'].removeprefix('Value error, ')}"
            for error in fault.errors()
        )
    return ""


@cache
def _adapter(what: str) -> TypeAdapter[object]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - slow to load, and rarely needed

    from detector.signatures import schema  # noqa: PLC0415 - as above

    return TypeAdapter(schema.Indicator if what == "indicator" else schema.SignatureFile)


def _indicator(value: Value) -> dict[str, Plain]:
    found: dict[str, Plain] = {"kind": value.kind.value, "value": value.host}
    if value.kind is IndicatorKind.URL:
        found["path_prefix"] = value.path
        optional = {"query_has": value.query, "methods": list(value.methods)}
        found |= {key: part for key, part in optional.items() if part}
        if value.min_request_bytes:
            found["min_request_bytes"] = str(value.min_request_bytes)
    dates = {"valid_from": value.valid_from, "valid_until": value.valid_until}
    found |= {"stage": value.stage, "confidence": "medium", **{key: date for key, date in dates.items() if date}}
    return found | {"sources": list(value.sources)}


def _document(draft: Draft, day: str, origin: str) -> dict[str, Plain]:
    has_suffix = any(value.kind is IndicatorKind.SUFFIX for value in draft.values)
    attribution = Attribution.VENDOR_PORTFOLIO if has_suffix else Attribution.HOST_OR_PATH_ONLY
    return {
        "schema_version": "1",
        "id": draft.id,
        "name": draft.name,
        "vendor": draft.vendor or draft.name,
        "category": draft.category,
        "attribution": attribution.value,
        "description": f"Imported from {origin}; nobody here has reviewed it yet.",
        "indicators": [_indicator(value) for value in draft.values],
        "references": list(draft.references),
        "added": day,
        "reviewed": day,
        "review_every_days": str(REVIEW_EVERY_DAYS),
        "tests": {"positive": list(_positive(draft)), "negative": _negative(draft)},
    }


def _positive(draft: Draft) -> Iterator[list[str]]:
    for value in draft.values[:3]:
        bare = value.host.replace("*", "a") + value.path + (f"?{value.query}=1" if value.query else "")
        yield [bare, value.stage]
        yield [f"https://{bare}" if value.path else f"{bare}:443", value.stage]


def _negative(draft: Draft) -> list[str]:
    host = draft.values[0].host.replace("*", "a")
    return [f"{host}.domain.invalid", f"https://domain.invalid/?q={host}", f"https://{host}@domain.invalid/"]


def _yaml(document: Mapping[str, Plain]) -> str:
    import yaml  # noqa: PLC0415 - slow to load, and rarely needed

    class Dumper(yaml.CSafeDumper):
        """Writes text with quotes only where it needs them, and never an alias: a signature may hold none."""

        def ignore_aliases(self, _data: object) -> bool:
            return True

    text = yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    return re.sub(
        r"^(schema_version|review_every_days|added|reviewed): '([\d-]+)'$", r"\1: \2", text, flags=re.MULTILINE
    )
