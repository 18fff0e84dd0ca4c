"""Slack, Teams, Matrix and a hundred others, through the library apprise (extra ``notify``).

::

    sinks:
      - {type: apprise, name: teams, url_file: teams.url}

The URL that apprise takes holds a secret, so it stands in a file; which service it is, apprise decides, and so the
rules for addresses of the other sinks do not hold here. Apprise knows no deadline and prints URLs: it runs in a process
of its own that gets the URL on its standard input, is ended at the deadline, and whose words are thrown away.

Reference: https://github.com/caronc/apprise/wiki
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from pydantic import model_validator

from detector.findings.alert import Alert, Severity
from detector.outward import ATTEMPT_S, Options, Outcome, Result, Sink, TooLate, read_secret_line
from detector.outward.wording import lines, title

_TYPES = {
    Severity.INFO: "info",
    Severity.LOW: "info",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "warning",
    Severity.CRITICAL: "failure",
}
_TOLD, _UNKNOWN_URL, _NOT_TOLD = 0, 3, 4
_PROGRAM = f"""
import json, sys, apprise
told = json.load(sys.stdin)
sender = apprise.Apprise()
if not sender.add(told["url"]):
    sys.exit({_UNKNOWN_URL})
sys.exit({_TOLD} if sender.notify(title=told["title"], body=told["body"], notify_type=told["type"]) else {_NOT_TOLD})
"""


class AppriseOptions(Options):
    """Options of ``apprise``.

    Attributes:
        url_file: file that holds the URL, as apprise's pages say it for each service.
    """

    url_file: Path

    @model_validator(mode="after")
    def _installed(self) -> AppriseOptions:
        if importlib.util.find_spec("apprise") is None:
            raise ValueError("needs the library apprise: pip install 'shadowit-detector[notify]'")
        return self


def deliver(alert: Alert, options: AppriseOptions, now: int) -> Outcome:  # noqa: ARG001 - apprise stamps it itself
    """Tell one alert."""
    url = read_secret_line(options.url_file)
    told = {"url": url, "title": title(alert), "body": lines(alert), "type": _TYPES[alert.severity]}
    kind = url.partition(":")[0]
    try:
        done = subprocess.run(  # noqa: S603 - this Python, with a program that stands above
            [sys.executable, "-I", "-c", _PROGRAM],
            input=json.dumps(told).encode(),
            capture_output=True,
            timeout=ATTEMPT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TooLate(f"{kind}: not done within {ATTEMPT_S:g} s") from None
    if done.returncode == _TOLD:
        return Outcome(Result.DELIVERED, f"{kind}: apprise says that it was taken")
    if done.returncode == _UNKNOWN_URL:
        return Outcome(Result.PARKED, f"{options.url_file}: no URL that apprise knows")
    return Outcome(Result.POSTPONED, f"{kind}: apprise could not deliver it")


SINK = Sink(type="apprise", options=AppriseOptions, deliver=deliver)
