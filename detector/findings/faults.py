"""Alerts about what was read and what was not: silent sources, gaps, canaries, look-backs, incidents that stay open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from detector.events import MICROSECONDS, to_iso
from detector.findings.alert import Alert, AlertKind, Severity
from detector.findings.alerts import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

REMINDED_AFTER = 86_400 * MICROSECONDS
"""An open incident is told again at most daily."""


class Open(Protocol):
    """An incident that nobody has acknowledged or closed.

    Attributes:
        id: the incident's.
        service: the service's id, empty where a source is meant.
        category: of the service, else empty.
        severity: of its gravest alert.
        opened: when.
        told: when its last alert was put into the outbox.
    """

    @property
    def id(self) -> str: ...  # noqa: D102 - see above
    @property
    def service(self) -> str: ...  # noqa: D102 - see above
    @property
    def category(self) -> str: ...  # noqa: D102 - see above
    @property
    def severity(self) -> str: ...  # noqa: D102 - see above
    @property
    def opened(self) -> int: ...  # noqa: D102 - see above
    @property
    def told(self) -> int: ...  # noqa: D102 - see above


def silent_source(source: str, newest: int | None, max_silence_s: int, now: int) -> Alert:
    """A source that wrote nothing for longer than it may. A silence is known by the record that it began behind."""
    since = "nothing was ever read of it" if newest is None else f"its newest record is of {to_iso(newest)}"
    reason = f"Source {source} is silent: {since}, and {max_silence_s} s without one are a fault."
    facts = {"source": source} | ({} if newest is None else {"newest": to_iso(newest)})
    return _of_source(AlertKind.SILENT_SOURCE, Severity.HIGH, source, reason, facts, now, str(newest))


def coverage_gap(source: str, path: str, since: int | None, until: int | None, reason: str, now: int) -> Alert:  # noqa: PLR0913 - what a gap is
    """A part of a log that could not be read: of that time nothing can be said."""
    span = f"{_spelled(since)} to {_spelled(until)}"
    facts = {"source": source, "path": path, "since": _spelled(since), "until": _spelled(until), "why": reason}
    told = f"A part of {path} could not be read ({reason}): of {span} nothing can be said about source {source}."
    return _of_source(AlertKind.COVERAGE_GAP, Severity.MEDIUM, source, told, facts, now, path, span, reason)


def canary_missed(source: str, newest: int | None, within_s: int, now: int) -> Alert:
    """A planted look-up that did not arrive: the way from the client to the findings is broken somewhere."""
    since = "none ever arrived" if newest is None else f"the last one arrived {to_iso(newest)}"
    reason = f"No canary came through source {source} within {within_s} s: {since}."
    facts = {"source": source} | ({} if newest is None else {"newest": to_iso(newest)})
    return _of_source(AlertKind.CANARY_MISSED, Severity.HIGH, source, reason, facts, now, str(newest))


def look_back_finished(ruleset: str, findings: Mapping[str, int], reached: int | None, now: int) -> Alert | None:
    """A look-back over archived logs that found something; ``None`` where it found nothing.

    Args:
        ruleset: digest of the signatures that were looked for.
        findings: actors by service.
        reached: the earliest instant that was read.
        now: the present instant.
    """
    if not any(findings.values()):
        return None
    told = ", ".join(f"{service} ({count})" for service, count in sorted(findings.items()) if count)
    reason = f"A look-back with new signatures reached {_spelled(reached)} and found actors of: {told}."
    services = sum(1 for one in findings.values() if one)
    facts: dict[str, str | int] = {"ruleset": ruleset, "reached": _spelled(reached), "services": services}
    key = key_of(AlertKind.LOOK_BACK_FINISHED, ruleset)
    return Alert(key, f"look-back:{ruleset}", AlertKind.LOOK_BACK_FINISHED, Severity.MEDIUM, "", "", now, reason, facts)


def reminder(incident: Open, now: int) -> Alert | None:
    """An incident that is still open, told again; ``None`` within a day of its last alert."""
    if now - incident.told < REMINDED_AFTER:
        return None
    days = max((now - incident.opened) // REMINDED_AFTER, 1)
    key = key_of(AlertKind.STILL_OPEN, incident.id, str(incident.opened), str(days))
    reason = f"{incident.service or incident.id} is still open, since {to_iso(incident.opened)}, and not acknowledged."
    return Alert(
        key, incident.id, AlertKind.STILL_OPEN, Severity(incident.severity), incident.service, incident.category, now,
        reason, {"days": days},
    )  # fmt: skip


def over(incident: Open, reason: str, now: int) -> Alert:
    """The end of a fault of a source, under the labels of the alert that began it.

    Args:
        incident: of a source.
        reason: why it is over.
        now: the present instant.
    """
    source, _, kind = incident.id.removeprefix("source:").rpartition(":")
    key = key_of(AlertKind(kind), incident.id, str(incident.opened))
    facts = {"source": source}
    return Alert(
        f"{key}/resolved", incident.id, AlertKind(kind), Severity(incident.severity), "", "", now, reason, facts,
        resolved=True,
    )  # fmt: skip


def _of_source(  # noqa: PLR0913 - the parts of an alert
    kind: AlertKind, severity: Severity, source: str, reason: str, facts: Mapping[str, str], now: int, *parts: str
) -> Alert:
    incident = f"source:{source}:{kind.value}"
    return Alert(key_of(kind, source, *parts), incident, kind, severity, "", "", now, reason, dict(facts))


def _spelled(instant: int | None) -> str:
    return "an unknown time" if instant is None else to_iso(instant)
