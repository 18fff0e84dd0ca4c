"""New sightings against what was known → alerts. Pure: what changed, why it matters, and a key that repeats itself.

First use by one person is an alert, whatever the volume. What was refused, what an approval covers, and mail that
advertises or says good-bye alert nobody; all of it stays in the findings.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detector.events import Stage, to_iso
from detector.findings.alert import Alert, AlertKind, Severity
from detector.policy import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.findings.attributed import Attributed
    from detector.match import Actor
    from detector.signatures import Ruleset, Signature

SILENT_STAGES = frozenset({Stage.SOLICITED, Stage.CLOSED})
"""Stages that alert nobody: somebody else's advertising, and the end of an account."""

_SEVERITIES = {
    Stage.RESOLVED: Severity.INFO,
    Stage.INVITED: Severity.INFO,
    Stage.CONTACTED: Severity.INFO,
    Stage.VISITED: Severity.LOW,
    Stage.GUEST_VIEWED: Severity.LOW,
    Stage.SIGNED_UP: Severity.MEDIUM,
    Stage.SIGNED_IN: Severity.MEDIUM,
    Stage.USED: Severity.MEDIUM,
    Stage.UPLOADED: Severity.HIGH,
    Stage.PAID: Severity.HIGH,
}
_OUTSIDE = {Verdict.UNAPPROVED: Severity.HIGH, Verdict.NEEDS_REFERENCE: Severity.MEDIUM}


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of one service before.

    Attributes:
        actors: everybody who was seen there with something that was not refused, and the highest stage of it.
        units: their organisational units.
        after_order: those who were seen after an order to cease.
        outside: those who were seen outside an approval, or without the reference that one asks for.
    """

    actors: Mapping[Actor, Stage] = field(default_factory=dict)
    units: frozenset[str] = frozenset()
    after_order: frozenset[Actor] = frozenset()
    outside: frozenset[Actor] = frozenset()


@dataclass(frozen=True, slots=True)
class Telling:
    """How much alerts may tell.

    Attributes:
        k: a unit is named only when it has at least so many people.
        unit_sizes: people of each unit.
        name_of: the name behind a pseudonym, where the configuration says that alerts hold names; else ``None``.
        limit: alerts of one service at a time; what is above becomes one digest.
    """

    k: int = 5
    unit_sizes: Mapping[str, int] = field(default_factory=dict)
    name_of: Callable[[Actor], str] | None = None
    limit: int = 50

    def unit(self, name: str) -> str:
        """The unit's name, or what is said of a small one; empty for none."""
        if not name or self.unit_sizes.get(name, 0) >= self.k:
            return name
        return f"a unit of fewer than {self.k} people"


@dataclass(slots=True)
class _Seen:
    """What is new of one actor at one service."""

    actor: Actor
    rows: list[Attributed] = field(default_factory=list)

    @property
    def highest(self) -> Attributed:
        return max(self.rows, key=lambda one: (one.stage.height, one.confidence == "confirmed"))

    def facts(self, telling: Telling) -> dict[str, str | int]:
        highest = self.highest
        instants = [one.at for one in self.rows if one.at is not None]
        facts: dict[str, str | int] = {
            "actor": self.actor.name,
            "actor_kind": self.actor.kind.value,
            "grade": highest.grade,
            "stage": highest.stage.value,
            "confidence": highest.confidence.value,
            "verdict": max((one.verdict for one in self.rows), key=lambda one: one.weight).value,
            "sightings": len(self.rows),
            "bytes_sent": sum(one.bytes_sent for one in self.rows),
        }
        if instants:
            facts |= {"first_seen": to_iso(min(instants)), "last_seen": to_iso(max(instants))}
        sources = sorted({one.source for one in self.rows} - {""})
        units = sorted({telling.unit(one.unit) for one in self.rows} - {""})
        return facts | _listed("source", sources) | _listed("unit", units) | self._name(telling)

    def _name(self, telling: Telling) -> dict[str, str | int]:
        return {} if telling.name_of is None else {"name": telling.name_of(self.actor)}


def changes(
    ruleset: Ruleset, known: Callable[[str], Known], new: Sequence[Attributed], now: int, telling: Telling
) -> list[Alert]:
    """Alerts for what is new, by service, the gravest first.

    Args:
        ruleset: names and categories of services.
        known: what was known of a service before ``new``.
        new: sightings that were not known; their actors are pseudonyms.
        now: the present instant, microseconds since the epoch, UTC.
        telling: how much may be told.
    """
    wanted: dict[str, dict[Actor, _Seen]] = {}
    for one in new:
        if one.denied or one.verdict is Verdict.APPROVED or one.stage in SILENT_STAGES:
            continue
        wanted.setdefault(one.service, {}).setdefault(one.actor, _Seen(one.actor)).rows.append(one)
    alerts: list[Alert] = []
    for service, seen in sorted(wanted.items()):
        signature = ruleset[service] if service in ruleset else None  # noqa: SIM401 - a ruleset is no dictionary
        changed = _Service(service, signature, known(service), now, telling)
        alerts += changed.alerts([seen[actor] for actor in sorted(seen)])
    return alerts


class _Service:
    """Alerts of one service."""

    def __init__(self, service: str, signature: Signature | None, known: Known, now: int, telling: Telling) -> None:
        self._service = service
        self._title = signature.name if signature else service
        self._category = signature.category if signature else ""
        self._known = known
        self._now = now
        self._telling = telling

    def alerts(self, seen: Sequence[_Seen]) -> list[Alert]:
        found = [alert for one in seen for alert in self._of_actor(one)] + self._new_units(seen)
        found.sort(key=lambda alert: (-alert.severity.rank, alert.key))
        return digested(found, self._telling.limit, f"at {self._title}", self._now)

    def _of_actor(self, seen: _Seen) -> list[Alert]:
        highest, known = seen.highest, self._known
        before = known.actors.get(seen.actor)
        who = f"{seen.actor.name} ({seen.actor.kind.value})"
        found = []
        if before is None or before in SILENT_STAGES:
            reason = f"{who} was seen at {self._title} for the first time: {_words(highest.stage)}."
            found.append(self._alert(seen, AlertKind.NEW_PERSON, _SEVERITIES[highest.stage], reason))
        elif highest.stage.rung > before.rung:
            reason = f"{who} went further at {self._title}: from {_words(before)} to {_words(highest.stage)}."
            kind, severity = AlertKind.HIGHER_STAGE, _SEVERITIES[highest.stage]
            found.append(self._alert(seen, kind, severity, reason, highest.stage))
        return found + self._of_verdicts(seen, who)

    def _of_verdicts(self, seen: _Seen, who: str) -> list[Alert]:
        found = []
        if seen.actor not in self._known.after_order:
            found += self._judged(
                seen, {Verdict.AFTER_ORDER: Severity.CRITICAL}, AlertKind.USE_AFTER_ORDER,
                f"{who} was seen at {self._title} after the order to cease",
            )  # fmt: skip
        if seen.actor not in self._known.outside:
            found += self._judged(
                seen, _OUTSIDE, AlertKind.OUTSIDE_APPROVAL, f"{who} was seen at {self._title} outside an approval"
            )
        return found

    def _judged(self, seen: _Seen, verdicts: Mapping[Verdict, Severity], kind: AlertKind, reason: str) -> list[Alert]:
        judged = _Seen(seen.actor, [one for one in seen.rows if one.verdict in verdicts])
        if not judged.rows:
            return []
        heaviest = max(judged.rows, key=lambda one: (one.verdict.weight, one.ruling))
        missing = " (the reference that it asks for is missing)" if heaviest.verdict is Verdict.NEEDS_REFERENCE else ""
        by = f", by {heaviest.ruling}" if heaviest.ruling else ""
        severity = verdicts[heaviest.verdict]
        facts = _listed("ruling", [heaviest.ruling] if heaviest.ruling else [])
        return [self._alert(judged, kind, severity, f"{reason}{missing}{by}.", heaviest.ruling, facts)]

    def _new_units(self, seen: Sequence[_Seen]) -> list[Alert]:
        first: dict[str, _Seen] = {}
        for one in seen:
            for row in one.rows:
                if row.unit and row.unit not in self._known.units:
                    first.setdefault(self._telling.unit(row.unit), _Seen(one.actor)).rows.append(row)
        return [self._new_unit(told, first[told]) for told in sorted(first)]

    def _new_unit(self, told: str, seen: _Seen) -> Alert:
        """The name of a small unit stands nowhere: the key of its alert is made of the person who was seen."""
        severity = min(_SEVERITIES[seen.highest.stage], Severity.LOW, key=lambda one: one.rank)
        part = f"unit:{told}" if told == seen.rows[0].unit else f"by:{seen.actor.name}"
        reason = f"{told[:1].upper()}{told[1:]} was seen at {self._title} for the first time."
        facts: dict[str, str | int] = {"unit": told, "sightings": len(seen.rows)}
        return self._made(AlertKind.NEW_UNIT, severity, reason, (part,), facts)

    def _alert(  # noqa: PLR0913 - the parts of an alert
        self, seen: _Seen, kind: AlertKind, severity: Severity, reason: str, more: str = "",
        facts: Mapping[str, str | int] | None = None,
    ) -> Alert:  # fmt: skip
        parts = (seen.actor.kind.value, seen.actor.name, more)
        return self._made(kind, severity, reason, parts, seen.facts(self._telling) | dict(facts or {}))

    def _made(
        self, kind: AlertKind, severity: Severity, reason: str, parts: Sequence[str], facts: Mapping[str, str | int]
    ) -> Alert:
        key = key_of(kind, self._service, *parts)
        incident = f"service:{self._service}"
        return Alert(key, incident, kind, severity, self._service, self._category, self._now, reason, facts)


def digested(alerts: Sequence[Alert], limit: int, where: str, now: int) -> list[Alert]:
    """The alerts of one incident, or the first ``limit`` of them and one digest that stands for all others.

    >>> from detector.findings.alert import AlertKind, Severity
    >>> few = [Alert(str(n), "i", AlertKind.NEW_PERSON, Severity.LOW, "s", "c", 0, "…") for n in range(3)]
    >>> [alert.reason for alert in digested(few, 1, "at S", 0)]
    ['…', '2 more changes at S: 2 new person. The findings list them all.']
    """
    if len(alerts) <= limit:
        return list(alerts)
    rest = alerts[limit:]
    return [*alerts[:limit], digest_of(rest, f"{len(rest)} more changes {where}", now)]


def digest_of(alerts: Sequence[Alert], beginning: str, now: int) -> Alert:
    """One alert that stands for several of one incident, as grave as the gravest of them."""
    kinds = Counter(alert.kind.value for alert in alerts)
    told = ", ".join(f"{count} {kind.replace('-', ' ')}" for kind, count in sorted(kinds.items()))
    gravest = max(alerts, key=lambda alert: alert.severity.rank)
    key = key_of(AlertKind.DIGEST, *sorted(alert.key for alert in alerts))
    return Alert(
        key, gravest.incident, AlertKind.DIGEST, gravest.severity, gravest.service, gravest.category, now,
        f"{beginning}: {told}. The findings list them all.", {"alerts": len(alerts), **kinds},
    )  # fmt: skip


def key_of(kind: AlertKind, *parts: str) -> str:
    """The key of an alert: the same parts give the same key, and it gives nothing away.

    >>> key_of(AlertKind.TEST, "a", "b") == key_of(AlertKind.TEST, "a", "b") != key_of(AlertKind.TEST, "ab")
    True
    """
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return f"{kind.value}-{digest}"


def _words(stage: Stage) -> str:
    return stage.value.replace("_", " ")


def _listed(key: str, values: Sequence[str]) -> dict[str, str | int]:
    return {key: ", ".join(values)} if values else {}
