"""``shadowit notify``: does an alert arrive, and what did not, again?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector.cli.examples import examples
from detector.cli.kept import config_of, now, with_config, writer_of
from detector.errors import SinkFault, UsageError

if TYPE_CHECKING:
    from detector.outward import Channel


@click.group(epilog=examples("shadowit notify test alertmanager -c shadowit.yml"))
def command() -> None:
    """Try the sinks of a configuration, and send again what one of them has refused."""


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

    from detector.findings import Alert, AlertKind, Severity
    from detector.outward import Result

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # a receiver that goes away is a failed delivery
    channel = _channel(name, config_path)
    at = now()
    alert = Alert(
        f"test-{secrets.token_hex(8)}", "test", AlertKind.TEST, Severity.INFO, "", "", at,
        "This is a test of shadowit: nothing was seen, nothing needs to be done.",
    )  # fmt: skip
    outcome = channel.deliver(alert, at)
    if outcome.result is not Result.DELIVERED:
        advice = "refused for good" if outcome.result is Result.PARKED else "a real alert would be tried again"
        raise SinkFault(f"{name}: not delivered: {outcome.detail} ({advice})")
    click.echo(f"{name}: delivered: {outcome.detail}")


@command.command(
    "retry",
    short_help="Send again what a sink has refused for good.",
    epilog=examples("shadowit notify retry alertmanager -c /etc/shadowit/shadowit.yml"),
)
@click.argument("name")
@with_config
def retry(name: str, config_path: Path) -> None:
    """Let the daemon send the parked alerts of the sink NAME again, in their order and under the same keys.

    An alert is parked when its receiver refuses it for good; mend the receiver first, and try it with `notify test`.
    """
    config = config_of(config_path)
    _channel(name, config_path)
    with writer_of(config) as store:
        count = store.revived(name, now())
    click.echo(f"{name}: {count} parked, now waiting to be sent" if count else f"{name}: nothing is parked")


def _channel(name: str, config_path: Path) -> Channel:
    """A sink of a configuration, ready.

    Raises:
        UsageError: the configuration has none of this name.
    """
    from detector import config, sinks

    config.load(config_path)
    channels = {channel.name: channel for channel in sinks.channels(config_path)}
    if name not in channels:
        there = f"there are {', '.join(channels)}" if channels else "it has none"
        raise UsageError(f"{config_path} has no sink called {name!r}: {there}")
    return channels[name]
