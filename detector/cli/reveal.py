"""``shadowit reveal``: the names behind pseudonyms, with the keys of both custodians, logged before they show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector.cli.examples import examples
from detector.cli.kept import (
    asker,
    config_of,
    dumped,
    granted,
    moment,
    now,
    reader_of,
    span_of,
    table,
    with_asker,
    with_config,
    writer_of,
)
from detector.errors import ShadowitError, StoreFault, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.match import Actor
    from detector.store import Reveal, Store

KEYS = 2


class _Reveal(click.Group):
    """``reveal PSEUDONYM…`` is short for ``reveal open PSEUDONYM…``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["open", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_Reveal,
    epilog=examples(
        "shadowit reveal p-9a1bb31c0de0f7aa --key security.key --key privacy.key --case "
        "2026-7 --purpose 'complaint of 3 March' --for 8h --save case-2026-7.grant"
    ),
)
def command() -> None:
    """Open the identities behind pseudonyms; make custodians' keys; show the log of all reveals.

    `shadowit reveal PSEUDONYM...` needs the keys of both custodians, a case and a purpose, and shows the names once.
    With --save the same names can be shown again until --for is over, by `shadowit reveal --grant FILE`,
    `shadowit findings show --names --grant FILE` and `shadowit answer --names --grant FILE`. Each showing is logged
    first. When the time is over what the grant opens is erased, and only both keys open the names again; what somebody
    has seen, or copied while the grant lasted, no program takes back.
    """


@command.command(
    "open",
    epilog=examples(
        "shadowit reveal p-9a1bb31c0de0f7aa --key a.key --key b.key --case 2026-7 --purpose complaint",
        "shadowit reveal --grant case-2026-7.grant",
    ),
)
@click.argument("pseudonyms", nargs=-1, metavar="[PSEUDONYM...]")
@with_config
@with_asker
@click.option("--key", "key_paths", multiple=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="A custodian's secret key; both are needed.")  # fmt: skip
@click.option("--case", default="", metavar="ID", help="The case that needs the names.")
@click.option("--purpose", default="", metavar="TEXT", help="What the names are needed for.")
@click.option("--for", "lasts", default="8h", metavar="TIME",
              help="How long they can be shown again, with --save: 30m, 8h, 2d; 30 days at most [8h].")  # fmt: skip
@click.option("--save", "save_path", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="FILE",
              help="Write a grant there: with it the names can be shown again until --for is over.")  # fmt: skip
@click.option("--grant", "grant_path", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="FILE",
              help="Show the names of a grant again, without keys [all of its pseudonyms].")  # fmt: skip
@click.option(
    "-f", "--format", "output_format", type=click.Choice(("table", "json")), default="table", help="Output [table]."
)
def open_identities(pseudonyms: tuple[str, ...], config_path: Path, by: str, **options: object) -> int:
    """Show the names behind pseudonyms. The log entry is on the disk before the first name is shown."""
    wanted = tuple(dict.fromkeys(pseudonyms))
    output_format, grant_path = str(options["output_format"]), options["grant_path"]
    if isinstance(grant_path, Path):
        if options["key_paths"] or options["save_path"] or options["case"] or options["purpose"]:
            raise UsageError("--grant stands alone: keys, case, purpose and end are those of the reveal that made it")
        with writer_of(config_of(config_path)) as store:
            shown = granted(store, grant_path, wanted, asker(by))
        _show(shown.entry, shown.actors, output_format)
        return 0
    _open(wanted, config_path, asker(by), options)
    return 0


def _open(wanted: tuple[str, ...], config_path: Path, by: str, options: dict[str, object]) -> None:
    """Show names with both keys, and keep a grant where one is asked for."""
    named, save_path = options["key_paths"], options["save_path"]
    case, purpose = str(options["case"]), str(options["purpose"])
    key_paths = dict.fromkeys(map(str, named)) if isinstance(named, tuple) else {}
    if not wanted or len(key_paths) != KEYS or not case or not purpose:
        raise UsageError("a reveal needs PSEUDONYMs, --key twice (both custodians), --case and --purpose")
    from detector.store import Ask
    from detector.store.custody import fingerprint, opened, secret_key

    if isinstance(save_path, Path) and save_path.exists():
        raise UsageError(f"{save_path}: is there already: name a new file")
    lasts_us = span_of(str(options["lasts"])) if isinstance(save_path, Path) else 0
    keys = [secret_key(Path(path)) for path in key_paths]
    ask = Ask(wanted, case, purpose, by, tuple(fingerprint(key.public_key) for key in keys), lasts_us)
    with writer_of(config_of(config_path)) as store:
        boxes = store.boxes(list(wanted))
        unknown = [name for name in wanted if name not in boxes]
        if unknown:
            raise UsageError(f"{unknown[0]}: no identity is sealed under this pseudonym in {store.session.place.name}")
        entry = store.reveal(ask, now())
        actors = {name: actor for name in wanted if (actor := opened(boxes[name], keys)) is not None}
        if isinstance(save_path, Path) and len(actors) == len(wanted):
            _save(store, entry, save_path, actors)
    _show(entry, actors, str(options["output_format"]))
    if len(actors) < len(wanted):
        closed = next(name for name in wanted if name not in actors)
        raise UsageError(f"{closed}: these two keys do not open it: it was sealed to other custodians; the attempt is "
                         f"logged as reveal {entry.number}")  # fmt: skip


def _save(store: Store, entry: Reveal, path: Path, actors: Mapping[str, Actor]) -> None:
    """Keep the names of a reveal until it expires, and write what opens them."""
    from detector.store import grants

    secret = grants.make_file(path, entry.case, entry.expires)
    try:
        store.grant(entry, secret, actors)
    except ShadowitError:
        path.unlink()
        raise
    click.echo(f"shadowit: {path}: shows these names until {moment(entry.expires)} UTC", err=True)


@command.command(
    "end", short_help="End a grant before its time.", epilog=examples("shadowit reveal end 7 --by 'privacy officer'")
)
@click.argument("number", type=click.IntRange(1))
@with_config
@with_asker
def end(number: int, config_path: Path, by: str) -> int:
    """End the grant of reveal NUMBER before its time: what it opens is erased, and the log says so."""
    with writer_of(config_of(config_path)) as store:
        entry = store.end_grant(number, by=asker(by), now=now())
    click.echo(f"the grant of reveal {number} is ended; this is noted as entry {entry.number} of the log")
    return 0


@command.command(
    "keygen",
    short_help="Make a custodian's two key files.",
    epilog=examples("shadowit reveal keygen privacy-officer -o /media/stick"),
)
@click.argument("name")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(),
              metavar="FOLDER", help="Folder for both files [this folder].")  # fmt: skip
def keygen(name: str, folder: Path) -> int:
    """Make the keys of the custodian NAME: NAME.key, which only they may have, and NAME.pub for the configuration."""
    if "/" in name or name.startswith("."):
        raise UsageError(f"{name!r} is no name for a file: write one like privacy-officer")
    from detector.store.custody import make_keys

    secret, public = make_keys(name, folder)
    click.echo(f"{secret}: keep it where only {name} can read it; without it no identity can be opened\n"
               f"{public}: name it in the configuration, privacy: {{custodians: [{public.name}, …]}}")  # fmt: skip
    return 0


@command.command(
    "log",
    short_help="Show every reveal, and check that none was changed.",
    epilog=examples("shadowit reveal log --contains 5f0c…"),
)
@with_config
@click.option("--contains", default="", metavar="DIGEST",
              help="Also check that an entry that was noted elsewhere is still in the log.")  # fmt: skip
@click.option(
    "-f", "--format", "output_format", type=click.Choice(("table", "json")), default="table", help="Output [table]."
)
def log(config_path: Path, contains: str, output_format: str) -> int:
    """Show every reveal that there was, and check that none was changed, taken out or put in.

    Note the digest of the last entry somewhere else from time to time: --contains finds out whether the end of the
    log was cut off.
    """
    with reader_of(config_of(config_path)) as store:
        entries, lasting = store.reveals(), store.lasting_grants()
        broken = _broken(store, entries, contains)
    if output_format == "json":
        dumped({"entries": [entry._asdict() for entry in entries], "broken": broken or None})
    else:
        table(("NO", "AT", "WHAT", "CASE", "PURPOSE", "BY", "WHO", "UNTIL", "DIGEST"), (
            (f"{one.number}", moment(one.at), _what(one, lasting), one.case, one.purpose, one.by,
             " ".join(one.pseudonyms), moment(one.expires) if one.expires > one.at else "-", one.digest[:16])
            for one in entries
        ))  # fmt: skip
    if broken:
        raise StoreFault(f"the log of reveals was tampered with: {broken}")
    click.echo(f"unbroken; the last entry is {entries[-1].digest}" if entries else "nothing was revealed", err=True)
    return 0


def _broken(store: Store, entries: list[Reveal], contains: str) -> str:
    if contains and not any(one.digest.startswith(contains) for one in entries):
        return f"no entry has the digest {contains}"
    return store.broken_reveals()


def _what(one: Reveal, lasting: set[int]) -> str:
    if one.grant:
        return f"{one.act.value} (grant of {one.grant})"
    return f"{one.act.value}, granted" if one.number in lasting and one.expires > now() else one.act.value


def _show(entry: Reveal, actors: Mapping[str, Actor], output_format: str) -> None:
    if output_format == "json":
        dumped({"reveal": entry.grant or entry.number, "entry": entry.number, "identities": [
            {"pseudonym": name, "kind": actor.kind.value, "name": actor.name} for name, actor in actors.items()
        ]})  # fmt: skip
    else:
        table(("PSEUDONYM", "KIND", "NAME"), ((name, one.kind.value, one.name) for name, one in actors.items()))
