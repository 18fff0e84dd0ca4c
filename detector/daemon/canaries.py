"""Live proof that a source is seen: planted look-ups that must come through, and a synthetic line of each format.

A planted look-up is one for ``<id>.<domain>`` on the ordinary way of a monitored client. It is found as any service is
(by a signature that is added to the others), and kept as an instant, never as a sighting.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from detector.audit.canary import proves
from detector.events import Stage
from detector.signatures import Attribution, Indicator, IndicatorKind, MailRules, Signature, Thresholds
from detector.signatures.model import EmbeddedTests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.formats import Formats
    from detector.scan import Scanner
    from detector.signatures import Ruleset

PLANTED = "shadowit-canary"
"""The id of the added signature."""


def fact_of(source: str) -> str:
    """Under which the store keeps when a source's planted look-up last came through."""
    return f"canary {source}"


def with_planted(ruleset: Ruleset, domain: str) -> Ruleset:
    """The same signatures, and one of planted look-ups; the digest is that of the signatures alone."""
    if not domain:
        return ruleset
    indicator = Indicator(
        id=f"{PLANTED}:suffix:{domain}", service=PLANTED, kind=IndicatorKind.SUFFIX, host=domain.lower().strip("."),
        path="", query="", methods=(), min_request_bytes=0, stage=Stage.VISITED, confidence="high", valid_from=None,
        valid_until=None,
    )  # fmt: skip
    planted = Signature(
        id=PLANTED, name="Planted look-up", vendor="", category="", status="active", attribution=Attribution.DEDICATED,
        description="", risk_default="", risk_factors=(), vendor_country="", data_location="",
        indicators=(indicator,), thresholds=Thresholds(1 << 30, 1 << 30, 1 << 60, frozenset()),
        mail=MailRules((), (), ()), tests=EmbeddedTests(positive=(), negative=(), mail=()),
    )  # fmt: skip
    return replace(ruleset, signatures=tuple(sorted((*ruleset.signatures, planted), key=lambda one: one.id)))


def unproven(names: Iterable[str], formats: Formats, scanner: Scanner, ruleset: Ruleset) -> list[str]:
    """Formats whose synthetic line is not sighted: something between the bytes and the sightings is broken."""
    return [name for name in sorted(names) if name in formats and not proves(scanner, formats[name], ruleset)]
