"""``shadowit run``: the daemon."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import click

from detector.cli.examples import examples
from detector.cli.options import with_signatures

EXIT_INCOMPLETE = 4
EXIT_UNDELIVERED = 5


@click.command(epilog=examples("shadowit run -c /etc/shadowit/shadowit.yml"))
@click.option("-c", "--config", "path", type=click.Path(path_type=Path, dir_okay=False), default="shadowit.yml",
              help="The configuration [shadowit.yml].")  # fmt: skip
@with_signatures
@click.option("--once", is_flag=True, help="Go over everything once, and end.")
@click.option("--dry-run", is_flag=True, help="Say what would be read and told; write and send nothing.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")
def command(path: Path, signature_paths: tuple[Path, ...], *, once: bool, dry_run: bool, quiet: bool) -> int:
    """Read the logs of a configuration's sources as they grow, keep what is found, and send alerts to its sinks.

    Every line is read once, whatever rotates, and whenever this program or the machine dies. SIGHUP takes the
    configuration, signatures and policy anew; a bad file changes nothing. SIGTERM ends it.
    """
    from detector.daemon import inforce, lookback, rehearsal
    from detector.daemon.running import assembled
    from detector.report.text import visible
    from detector.store import Store

    def said(message: str) -> None:
        if not quiet:
            click.echo(f"shadowit: {visible(message)}", err=True)

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # a scraper or a receiver that goes away ends no daemon
    if not dry_run and (made := inforce.make_key(path)) is not None:
        said(f"{made}: made the key of the pseudonyms: keep it, and away from the store")
    force = inforce.load(path, signature_paths)
    if dry_run:
        with rehearsal.copied(force.config.store, force.key) as copy:
            for line in rehearsal.lines(assembled(force, copy, signature_paths, _now, said).crew):
                click.echo(visible(line))
        return 0
    with Store.open(force.config.store, writable=True, key=force.key) as store:
        daemon = assembled(force, store, signature_paths, _now, said)
        if not once:
            daemon.serve()
            return 0
        outcome = daemon.crew.run([source.name for source in force.config.sources])
        lookback.run(daemon.crew)
        waiting = daemon.voice.notifier.drain(force.channels)
    for fault in outcome.faults:
        said(f"incomplete: {fault}")
    said(f"{outcome.bytes} bytes read, {outcome.sightings} new sightings, {outcome.alerts} alerts")
    if waiting:
        said(f"{waiting} alerts wait in the outbox: they could not be delivered now")
    return EXIT_INCOMPLETE if outcome.faults else EXIT_UNDELIVERED if waiting else 0


def _now() -> int:
    return time.time_ns() // 1000
