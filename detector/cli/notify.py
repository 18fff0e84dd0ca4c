"""``shadowit notify``: does an alert arrive?"""

from __future__ import annotations

from pathlib import Path

import click

from detector.cli.examples import examples
from detector.errors import SinkFault, UsageError


@click.group(epilog=examples("shadowit notify test alertmanager -c shadowit.yml"))
def command() -> None:
    """Try the sinks of a configuration."""


@command.command(
    "test",
    short_help="Send one test alert to a sink.",
    epilog=examples("shadowit notify test alertmanager -c /etc/shadowit/shadowit.yml"),
)
@click.argument("name")
@click.option("-c", "--config", "config_path", type=click.Path(path_type=Path, dir_okay=False), required=True,
              help="Configuration whose sink is tried.")  # fmt: skip
def test_sink(name: str, config_path: Path) -> None:
    """Send one test alert to the sink NAME and say what happened; exit status 5 when it did not arrive.

    The alert has the kind "test" and the severity "info", names nobody, and is sent at once, beside the outbox.
    """
    import secrets
    import signal
    import time

    from detector import config, sinks
    from detector.findings import Alert, AlertKind, Severity
    from detector.outward import Result

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # a receiver that goes away is a failed delivery
    config.load(config_path)
    channels = {channel.name: channel for channel in sinks.channels(config_path)}
    if name not in channels:
        there = f"there are {', '.join(channels)}" if channels else "it has none"
        raise UsageError(f"{config_path} has no sink called {name!r}: {there}")
    now = time.time_ns() // 1000
    alert = Alert(
        f"test-{secrets.token_hex(8)}", "test", AlertKind.TEST, Severity.INFO, "", "", now,
        "This is a test of shadowit: nothing was seen, nothing needs to be done.",
    )  # fmt: skip
    outcome = channels[name].deliver(alert, now)
    if outcome.result is not Result.DELIVERED:
        advice = "refused for good" if outcome.result is Result.PARKED else "a real alert would be tried again"
        raise SinkFault(f"{name}: not delivered: {outcome.detail} ({advice})")
    click.echo(f"{name}: delivered: {outcome.detail}")
