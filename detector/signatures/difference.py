"""What changed from one ruleset to another: services and indicators that were added, removed or changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.events import to_iso
from detector.signatures.model import Indicator, Signature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.signatures.ruleset import Ruleset

_OWN_WORDS = frozenset({"indicators", "tests"})
"""Fields of a signature that are compared in their own way, or not at all: tests change no finding."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        what: ``added``, ``removed`` or ``changed``.
        service: the service's id.
        indicator: the indicator's id, empty where the service itself is meant.
        field: what of it changed, empty for added and removed.
        old: its value before, as text.
        new: its value now, as text.
    """

    what: str
    service: str
    indicator: str = ""
    field: str = ""
    old: str = ""
    new: str = ""


def difference(old: Ruleset, new: Ruleset) -> list[Change]:
    """The changes from one ruleset to another, by service, then indicator; empty when they mean the same."""
    found: list[Change] = []
    for service in sorted({one.id for one in (*old.signatures, *new.signatures)}):
        if service not in new:
            found.append(Change("removed", service))
        elif service not in old:
            found.append(Change("added", service))
            found.extend(Change("added", service, one.id) for one in new[service].indicators)
        else:
            found.extend(_of_service(old[service], new[service]))
    return found


def _of_service(old: Signature, new: Signature) -> Iterator[Change]:
    for name, before, after in zip(Signature._fields, old, new, strict=True):
        if name not in _OWN_WORDS and before != after:
            yield Change("changed", new.id, "", name, _text(before), _text(after))
    olds, news = ({one.id: one for one in signature.indicators} for signature in (old, new))
    for name in sorted({*olds, *news}):
        if name not in news:
            yield Change("removed", new.id, name)
        elif name not in olds:
            yield Change("added", new.id, name)
        else:
            yield from _of_indicator(olds[name], news[name])


def _of_indicator(old: Indicator, new: Indicator) -> Iterator[Change]:
    for name, before, after in zip(Indicator._fields, old, new, strict=True):
        if before != after:
            yield Change("changed", new.service, new.id, name, _told(name, before), _told(name, after))


def _told(name: str, value: object) -> str:
    return to_iso(value)[:10] if name.startswith("valid_") and isinstance(value, int) else _text(value)


def _text(value: object) -> str:
    if isinstance(value, tuple) and (names := getattr(value, "_fields", ())):
        return "; ".join(f"{name} {_text(one)}" for name, one in zip(names, value, strict=True))
    if isinstance(value, (tuple, frozenset)):
        return ", ".join(sorted(map(_text, value)) if isinstance(value, frozenset) else map(_text, value))
    return "" if value is None else str(value)
