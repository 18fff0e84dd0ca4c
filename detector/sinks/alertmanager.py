"""Prometheus Alertmanager, API version 2.

::

    sinks:
      - {type: alertmanager, url: "http://127.0.0.1:9093"}

Alertmanager forgets an alert that is not told again: alerts of open incidents are posted anew every minute, each with
an end four minutes ahead, and one that is over is told its end. Labels name the alert, the service, the severity and
the source only: who it was stands in no label.

Reference: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson
from pydantic import model_validator

from detector import __version__
from detector.events import MICROSECONDS, to_iso
from detector.findings.alert import Alert
from detector.outward import Options, Outcome, Result, Sink, read_secret_line
from detector.outward.http import Post, Url, basic, post
from detector.outward.wording import Plain, alert_name, seen

REPEAT_S = 60
_STANDS_S = 240


class AlertmanagerOptions(Options):
    """Options of ``alertmanager``.

    Attributes:
        url: of Alertmanager, without ``/api/v2/alerts``.
        username: for basic authentication.
        password_file: its password.
        bearer_file: or a token.
        ca_file: authorities to trust instead of the system's.
        allow_private: private addresses may be called.
    """

    url: Url
    username: str = ""
    password_file: Path | None = None
    bearer_file: Path | None = None
    ca_file: Path | None = None
    allow_private: bool = False

    @model_validator(mode="after")
    def _whole(self) -> AlertmanagerOptions:
        if bool(self.username) != (self.password_file is not None):
            raise ValueError("username and password_file go together")
        if self.username and self.bearer_file is not None:
            raise ValueError("write username and password_file, or bearer_file, not both")
        return self


def deliver(alert: Alert, options: AlertmanagerOptions, now: int) -> Outcome:
    """Post one alert."""
    return repeat([alert], options, now)


def repeat(alerts: Sequence[Alert], options: AlertmanagerOptions, now: int) -> Outcome:
    """Post alerts; of those with the same labels the last one speaks."""
    if not alerts:
        return Outcome(Result.DELIVERED, "nothing is open")
    entries = {tuple(_labels(alert).items()): _entry(alert, now) for alert in sorted(alerts, key=lambda one: one.at)}
    url = options.url.rstrip("/") + "/api/v2/alerts"
    return post(
        Post(url, _body(list(entries.values())), _headers(options), options.ca_file, options.allow_private), now
    )


def _body(entries: list[Plain]) -> bytes:
    return orjson.dumps(entries)


def _entry(alert: Alert, now: int) -> Plain:
    end = now if alert.resolved else now + _STANDS_S * MICROSECONDS
    facts = {f"fact_{seen(key)}": seen(str(value)) for key, value in alert.facts.items() if key != "source"}
    return {
        "labels": _labels(alert),
        "annotations": {"summary": seen(alert.reason), "incident": seen(alert.incident), "key": alert.key, **facts},
        "startsAt": to_iso(min(alert.at, now)),
        "endsAt": to_iso(end),
    }


def _labels(alert: Alert) -> dict[str, str]:
    """Alertmanager takes an empty label for none at all."""
    labels = {
        "alertname": alert_name(alert),
        "service": alert.service,
        "severity": alert.severity.value,
        "source": seen(alert.source),
    }
    return {name: value for name, value in labels.items() if value}


def _headers(options: AlertmanagerOptions) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": f"shadowit/{__version__}"}
    if options.password_file is not None:
        headers["Authorization"] = basic(options.username, read_secret_line(options.password_file))
    elif options.bearer_file is not None:
        headers["Authorization"] = f"Bearer {read_secret_line(options.bearer_file)}"
    return headers


SINK = Sink(
    type="alertmanager",
    options=AlertmanagerOptions,
    deliver=deliver,
    repeat=repeat,
    repeat_s=REPEAT_S,
)
