"""``shadowit store``: looking after the store: checks, copies, retention, legal holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector.cli.examples import examples
from detector.cli.kept import asker, config_of, moment, now, reader_of, table, with_asker, with_config, writer_of
from detector.errors import StoreFault, UsageError

if TYPE_CHECKING:
    from detector.config import Config
    from detector.store import Store


@click.group(epilog=examples("shadowit store backup /backup/shadowit-2026-11-27.db"))
def command() -> None:
    """Check and copy the store, delete what is older than it may be kept, place legal holds."""


@command.command(
    "check", short_help="Read the whole store through: is it sound?", epilog=examples("shadowit store check")
)
@with_config
def check(config_path: Path) -> int:
    """Read the whole store through: is the file sound, do its counts agree, is the log of reveals whole?"""
    with reader_of(config_of(config_path)) as store:
        faults = store.faults()
        sightings = sum(one.sightings for one in store.standings())
        reveals = len(store.reveals())
    if faults:
        raise StoreFault("\n".join(faults))
    click.echo(f"sound: {sightings} sightings, {reveals} reveals in an unbroken chain")
    return 0


@command.command(
    "backup",
    short_help="Copy the store while the daemon goes on.",
    epilog=examples("shadowit store backup /backup/shadowit-2026-11-27.db"),
)
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@with_config
def backup(target: Path, config_path: Path) -> int:
    """Copy the store to the new file TARGET while the daemon goes on; retention ends for a copy when you delete it."""
    with reader_of(config_of(config_path)) as store:
        size = store.backup(target)
    click.echo(f"{target}: {size} bytes, sound")
    return 0


@command.command(
    "purge",
    short_help="Delete what is older than it may be kept.",
    epilog=examples("shadowit store purge --by 'records office'"),
)
@with_config
@with_asker
@click.option("--list", "only_list", is_flag=True, help="Only list what was purged before.")
def purge(config_path: Path, by: str, *, only_list: bool) -> int:
    """Delete what is older than the configuration's retention and held by no case; this is logged itself.

    What is deleted is overwritten in the file. Copies of the file are not touched.
    """
    from detector.store import Terms

    config = config_of(config_path)
    if not only_list:
        with writer_of(config) as store:
            done = store.purge(Terms.of(config.retention), by=asker(by), now=now())
        for one in done:
            kept = f", {one.held} kept for a case" if one.held else ""
            click.echo(f"{one.kind}: {one.rows} rows from before {moment(one.before)}{kept}")
        click.echo("" if done else "nothing is that old", nl=not done)
        return 0
    with reader_of(config) as store:
        table(("AT", "WHAT", "BEFORE", "ROWS", "HELD", "BY"), (
            (moment(one.at), one.kind, moment(one.before), f"{one.rows}", f"{one.held}", one.by)
            for one in store.purges()
        ))  # fmt: skip
    return 0


@command.command(
    "shred",
    short_help="Drop the sealed identities of pseudonyms for good.",
    epilog=examples("shadowit store shred p-9a1bb31c0de0f7aa --by 'records office'"),
)
@click.argument("pseudonyms", nargs=-1, required=True, metavar="PSEUDONYM...")
@with_config
@with_asker
def shred(pseudonyms: tuple[str, ...], config_path: Path, by: str) -> int:
    """Drop the sealed identities of PSEUDONYMs: both custodians together can open them no more. This is logged.

    Sightings stay, without a name; a name that is met in a log again is sealed again. Copies are not touched.
    """
    with writer_of(config_of(config_path)) as store:
        done = store.shred(pseudonyms, by=asker(by), now=now())
    click.echo(f"{done.rows} identities dropped")
    return 0


@command.command(
    "hold",
    short_help="Keep what a case needs beyond its retention.",
    epilog=examples("shadowit store hold --case 2026-7 --service clearview-ai --reason suit"),
)
@with_config
@with_asker
@click.option("--case", default="", metavar="ID", help="The case; without it, the holds are listed.")
@click.option("--service", default="", metavar="ID", help="Hold sightings of this service [of every service].")
@click.option("--pseudonym", default="", metavar="P-…", help="Hold sightings of this actor [of everybody].")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@click.option("--lift", is_flag=True, help="Lift all holds of the case.")
def hold(config_path: Path, by: str, case: str, service: str, pseudonym: str, reason: str, *, lift: bool) -> int:
    """Keep sightings beyond their retention for as long as a case needs them, or list or lift such holds."""
    config = config_of(config_path)
    if not case:
        if lift or service or pseudonym or reason:
            raise UsageError("a hold is placed for a case: say which with --case")
        _list_holds(config)
        return 0
    with writer_of(config) as store:
        if lift:
            click.echo(f"case {case}: {store.lift(case, by=asker(by), now=now())} holds lifted")
        else:
            _place(store, case, service, pseudonym, asker(by), reason)
    return 0


def _place(store: Store, case: str, service: str, pseudonym: str, by: str, reason: str) -> None:
    from detector.store import Hold

    if not reason:
        raise UsageError("a hold needs a reason: say it with --reason")
    store.hold(Hold(case, service, pseudonym, now(), by, reason))
    click.echo(f"case {case}: holds {service or 'every service'}, {pseudonym or 'everybody'}")


def _list_holds(config: Config) -> None:
    with reader_of(config) as store:
        table(("CASE", "SERVICE", "WHO", "PLACED", "BY", "REASON", "LIFTED"), (
            (one.case, one.service or "every", one.pseudonym or "everybody", moment(one.placed), one.by, one.reason,
             moment(one.lifted))
            for one in store.holds()
        ))  # fmt: skip
