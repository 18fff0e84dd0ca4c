"""What of a ruleset is exported, and on which day."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.events import to_iso

if TYPE_CHECKING:
    from detector.signatures import Indicator, Ruleset, Signature

NAMESPACE = uuid.UUID("6f2a6b0e-0c0d-5d4e-9a51-5a6d1c1f7e34")
"""Under which ids of other formats are made of ours: the same indicator has the same id in every export."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Services of a ruleset on a day.

    Attributes:
        ruleset: everything, also what is not exported: a block may catch it.
        services: ids of what is exported.
        at: the instant at which an indicator must be valid where a format knows no dates.
    """

    ruleset: Ruleset
    services: frozenset[str]
    at: int

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """The services that are exported, by id."""
        return tuple(one for one in self.ruleset.signatures if one.id in self.services)

    @property
    def day(self) -> str:
        """The day as an ISO date."""
        return to_iso(self.at)[:10]

    def valid(self) -> Iterator[tuple[Signature, Indicator]]:
        """Indicators that are valid at the instant, with their services."""
        for signature in self.signatures:
            for indicator in signature.indicators:
                if indicator.is_valid_at(self.at):
                    yield signature, indicator


def uuid_of(*parts: str) -> str:
    """An id (UUIDv5) that depends on nothing but the parts."""
    return str(uuid.uuid5(NAMESPACE, "\0".join(parts)))


def known_names(signature: Signature, indicator: Indicator) -> tuple[str, ...]:
    """Whole host names that stand for an indicator where a format knows no subdomains.

    For a suffix: itself, its ``www.`` and the product hosts below it; for a host: itself; for a pattern: none.
    """
    if "*" in indicator.host:
        return ()
    if indicator.kind.value != "suffix":
        return (indicator.host,)
    below = (host for host in signature.thresholds.opaque_hosts if host.endswith(f".{indicator.host}"))
    return tuple(dict.fromkeys((indicator.host, f"www.{indicator.host}", *sorted(below))))
