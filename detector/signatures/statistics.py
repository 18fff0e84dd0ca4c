"""A ruleset in numbers: services and indicators by category, kind, confidence and age."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.signatures.lints import is_overdue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from detector.signatures.ruleset import Ruleset

_AGES = ((90, "up to 90 days"), (180, "up to 180 days"), (365, "up to 365 days"))
_OLDER, _UNKNOWN = "older", "unknown"


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of one ruleset on one day; every table is a name and its count, in a fixed order.

    Attributes:
        services: how many there are.
        indicators: how many there are.
        overdue: services whose review is overdue.
        tables: by title: services by category, status, attribution, risk and days since the review;
            indicators by kind, stage and confidence.
    """

    services: int
    indicators: int
    overdue: int
    tables: Mapping[str, Mapping[str, int]]


def statistics(ruleset: Ruleset, today: dt.date) -> Statistics:
    """Count a ruleset; ages are those on a day."""
    services, indicators = ruleset.signatures, ruleset.indicators()
    ages = Counter(_age(one.reviewed, today) for one in services)
    order = [*(name for _, name in _AGES), _OLDER, _UNKNOWN]
    tables = {
        "services by category": _counted(one.category.partition("/")[0] for one in services),
        "services by status": _counted(one.status for one in services),
        "services by attribution": _counted(one.attribution.value for one in services),
        "services by risk": _counted(one.risk_default for one in services),
        "services by days since review": {name: ages[name] for name in order if ages[name]},
        "indicators by kind": _counted(one.kind.value for one in indicators),
        "indicators by stage": _counted(one.stage.value for one in indicators),
        "indicators by confidence": _counted(one.confidence for one in indicators),
    }
    overdue = sum(is_overdue(one, today) for one in services)
    return Statistics(len(services), len(indicators), overdue, tables)


def _age(reviewed: str, today: dt.date) -> str:
    if not reviewed:
        return _UNKNOWN
    days = (today - dt.date.fromisoformat(reviewed)).days
    return next((name for limit, name in _AGES if days <= limit), _OLDER)


def _counted(names: Iterable[str]) -> dict[str, int]:
    """Names by count, the most frequent first, equal ones by name."""
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))
