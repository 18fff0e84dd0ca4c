"""Alerts in the words of those who take them: our own document, OCSF, ECS, CEF, and a few lines for people.

What cannot be seen, or changes how others are seen, is spelled out in all of them: a path in a log may hold anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import orjson

from detector import __version__
from detector.events import to_iso
from detector.findings.alert import Alert

SCHEMA = "shadowit.alert/1"
OCSF_VERSION = "1.3.0"
ECS_VERSION = "8.11.0"

Plain: TypeAlias = "str | int | bool | Sequence[Plain] | Mapping[str, Plain]"

_OCSF_SEVERITIES = {"info": (1, "Informational"), "low": (2, "Low"), "medium": (3, "Medium"), "high": (4, "High"),
                    "critical": (5, "Critical")}  # fmt: skip
_CEF_SEVERITIES = {"info": 1, "low": 3, "medium": 5, "high": 8, "critical": 10}


def seen(text: str) -> str:
    r"""The text with what cannot be seen spelled out.

    >>> seen("a\x1b[31m\u202eb")
    'a\\x1b[31m\\u202eb'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _spelled(one) for one in text)


def _spelled(one: str) -> str:
    return one.encode("ascii", "backslashreplace").decode() if ord(one) > 0x7F else f"\\x{ord(one):02x}"


def title(alert: Alert) -> str:
    """A line that says what it is about.

    >>> from detector.findings.alert import AlertKind, Severity
    >>> title(Alert("k", "i", AlertKind.NEW_PERSON, Severity.LOW, "clearview-ai", "c", 0, "…"))
    '[low] clearview-ai: new person'
    """
    about = alert.service or alert.source or "shadowit"
    return seen(f"[{alert.severity}] {about}: {alert.kind.replace('-', ' ')}{' (over)' if alert.resolved else ''}")


def lines(alert: Alert) -> str:
    """A few lines for people: the sentence, then what it stands on."""
    facts = "".join(f"{seen(key)}: {seen(str(value))}\n" for key, value in alert.facts.items())
    return (
        f"{seen(alert.reason)}\n\ntime: {to_iso(alert.at)}\nincident: {seen(alert.incident)}\n{facts}key: {alert.key}\n"
    )


def alert_name(alert: Alert) -> str:
    """The kind as names of Prometheus alerts are spelled.

    >>> from detector.findings.alert import AlertKind, Severity
    >>> alert_name(Alert("k", "i", AlertKind.NEW_PERSON, Severity.LOW, "s", "c", 0, "…"))
    'ShadowitNewPerson'
    """
    return "Shadowit" + "".join(part.capitalize() for part in alert.kind.split("-"))


def as_json(document: Mapping[str, Plain]) -> bytes:
    """The document on one line, keys in order: the same alert gives the same bytes."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def document(alert: Alert) -> dict[str, Plain]:
    """All of an alert, as our own stable document."""
    return {
        "schema": SCHEMA,
        "key": alert.key,
        "incident": seen(alert.incident),
        "kind": alert.kind.value,
        "severity": alert.severity.value,
        "service": alert.service,
        "category": alert.category,
        "at": to_iso(alert.at),
        "reason": seen(alert.reason),
        "facts": _facts(alert),
        "resolved": alert.resolved,
    }


def ocsf(alert: Alert) -> dict[str, Plain]:
    """A Detection Finding; a change of an open incident is an update, its end is its closing.

    Reference: https://schema.ocsf.io/1.3.0/classes/detection_finding
    """
    activity, name, status = (3, "Close", (4, "Resolved")) if alert.resolved else (1, "Create", (1, "New"))
    severity = _OCSF_SEVERITIES[alert.severity]
    milliseconds = alert.at // 1000
    return {
        "activity_id": activity,
        "activity_name": name,
        "category_name": "Findings",
        "category_uid": 2,
        "class_name": "Detection Finding",
        "class_uid": 2004,
        "finding_info": {
            "analytic": {"name": alert.kind.value, "type": "Rule", "type_id": 1},
            "created_time": milliseconds,
            "desc": seen(alert.reason),
            "title": title(alert),
            "types": [alert.kind.value],
            "uid": seen(alert.incident),
        },
        "message": seen(alert.reason),
        "metadata": {
            "product": {"name": "shadowit", "vendor_name": "shadowit", "version": __version__},
            "uid": alert.key,
            "version": OCSF_VERSION,
        },
        "severity": severity[1],
        "severity_id": severity[0],
        "status": status[1],
        "status_id": status[0],
        "time": milliseconds,
        "type_name": f"Detection Finding: {name}",
        "type_uid": 200400 + activity,
        "unmapped": {"category": alert.category, "service": alert.service, **_facts(alert)},
    }


def ecs(alert: Alert) -> dict[str, Plain]:
    """An Elastic Common Schema event of kind ``alert``; what ECS has no field for stands under ``shadowit``.

    Reference: https://www.elastic.co/guide/en/ecs/8.11/ecs-event.html
    """
    actor = str(alert.facts.get("actor", ""))
    return {
        "@timestamp": to_iso(alert.at),
        "ecs": {"version": ECS_VERSION},
        "event": {
            "action": alert.kind.value,
            "dataset": "shadowit.alert",
            "id": alert.key,
            "kind": "alert",
            "provider": "shadowit",
            "reason": seen(alert.reason),
            "severity": alert.severity.rank,
            "type": ["end" if alert.resolved else "info"],
        },
        "message": title(alert),
        "observer": {"product": "shadowit", "version": __version__},
        "shadowit": {
            "category": alert.category,
            "facts": _facts(alert),
            "incident": seen(alert.incident),
            "service": alert.service,
            "severity": alert.severity.value,
        },
        **({"user": {"hash": actor}} if actor else {}),
    }


def cef(alert: Alert) -> str:
    """One line of the Common Event Format.

    Reference: https://www.microfocus.com/documentation/arcsight/arcsight-smartconnectors-8.4/cef-implementation-standard/
    """
    header = ("shadowit", "shadowit", __version__, alert.kind.value, title(alert))
    fields = {
        "rt": alert.at // 1000,
        "externalId": alert.key,
        "cat": alert.category,
        "cs1Label": "service",
        "cs1": alert.service,
        "cs2Label": "incident",
        "cs2": alert.incident,
        "cs3Label": "facts",
        "cs3": as_json(_facts(alert)).decode(),
        "outcome": "resolved" if alert.resolved else "open",
        "msg": alert.reason,
    }
    extension = " ".join(f"{key}={_cef_value(str(value))}" for key, value in fields.items() if value != "")
    return f"CEF:0|{'|'.join(map(_cef_header, header))}|{_CEF_SEVERITIES[alert.severity]}|{extension}"


def _cef_header(text: str) -> str:
    return seen(text).replace("\\", "\\\\").replace("|", "\\|")


def _cef_value(text: str) -> str:
    return seen(text).replace("\\", "\\\\").replace("=", "\\=")


def _facts(alert: Alert) -> dict[str, Plain]:
    return {seen(key): seen(value) if isinstance(value, str) else value for key, value in alert.facts.items()}
