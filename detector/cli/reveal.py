"""``shadowit reveal``: the names behind pseudonyms, with the keys of both custodians, logged before they show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector.cli.kept import (
    asker,
    config_of,
    dumped,
    moment,
    now,
    reader_of,
    table,
    with_asker,
    with_config,
    writer_of,
)
from detector.errors import StoreFault, UsageError

if TYPE_CHECKING:
    from nacl.public import PrivateKey

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
    epilog="Example: shadowit reveal p-9a1bb31c0de0f7aa --key security.key --key privacy.key --case 2026-7 "
    "--purpose 'complaint of 3 March'",
)
def command() -> None:
    """Open the identities behind pseudonyms; make custodians' keys; show the log of all reveals.

    `shadowit reveal PSEUDONYM…` needs the keys of both custodians, a case and a purpose.
    """


@command.command("open", epilog="Example: shadowit reveal p-9a1bb31c0de0f7aa --key a --key b --case 2026-7 --purpose x")
@click.argument("pseudonyms", nargs=-1, required=True, metavar="PSEUDONYM...")
@with_config
@with_asker
@click.option("--key", "key_paths", multiple=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="A custodian's secret key; both are needed.")  # fmt: skip
@click.option("--case", default="", metavar="ID", help="The case that needs the names.")
@click.option("--purpose", default="", metavar="TEXT", help="What the names are needed for.")
@click.option("--days", type=click.IntRange(1), default=30, metavar="N",
              help="How long the names may be used for that, as the log will say [30].")  # fmt: skip
@click.option("-f", "--format", "output_format", type=click.Choice(("table", "json")), default="table", help="Output.")
def open_identities(
    pseudonyms: tuple[str, ...], config_path: Path, by: str, key_paths: tuple[Path, ...], case: str, purpose: str,
    days: int, output_format: str,
) -> int:  # fmt: skip
    """Show the names behind pseudonyms. The log entry is on the disk before the first name is shown."""
    if len(set(key_paths)) != KEYS or not case or not purpose:
        raise UsageError("a reveal needs --key twice (both custodians), --case and --purpose")
    from detector.store import Ask
    from detector.store.custody import fingerprint, secret_key

    keys = [secret_key(path) for path in key_paths]
    wanted = tuple(dict.fromkeys(pseudonyms))
    ask = Ask(wanted, case, purpose, asker(by), tuple(fingerprint(key.public_key) for key in keys), days)
    with writer_of(config_of(config_path)) as store:
        boxes = store.boxes(list(wanted))
        unknown = [name for name in wanted if name not in boxes]
        if unknown:
            raise UsageError(f"{unknown[0]}: no identity is sealed under this pseudonym in {store.session.place.name}")
        entry = store.reveal(ask, now())
    _show(entry, {name: boxes[name] for name in wanted}, keys, output_format)
    return 0


@command.command("keygen", epilog="Example: shadowit reveal keygen privacy-officer -o /media/stick")
@click.argument("name")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(),
              metavar="FOLDER", help="Where to [this folder].")  # fmt: skip
def keygen(name: str, folder: Path) -> int:
    """Make the keys of the custodian NAME: NAME.key, which only they may have, and NAME.pub for the configuration."""
    if "/" in name or name.startswith("."):
        raise UsageError(f"{name!r} is no name for a file: write one like privacy-officer")
    from detector.store.custody import make_keys

    secret, public = make_keys(name, folder)
    click.echo(f"{secret}: keep it where only {name} can read it; without it no identity can be opened\n"
               f"{public}: name it in the configuration, privacy: {{custodians: [{public.name}, …]}}")  # fmt: skip
    return 0


@command.command("log", epilog="Example: shadowit reveal log --contains 5f0c…")
@with_config
@click.option("--contains", default="", metavar="DIGEST",
              help="Also check that an entry that was noted elsewhere is still in the log.")  # fmt: skip
@click.option("-f", "--format", "output_format", type=click.Choice(("table", "json")), default="table", help="Output.")
def log(config_path: Path, contains: str, output_format: str) -> int:
    """Show every reveal that there was, and check that none was changed, taken out or put in.

    Note the digest of the last entry somewhere else from time to time: --contains finds out whether the end of the
    log was cut off.
    """
    with reader_of(config_of(config_path)) as store:
        entries = store.reveals()
        broken = _broken(store, entries, contains)
    if output_format == "json":
        dumped({"entries": [entry._asdict() for entry in entries], "broken": broken or None})
    else:
        table(("NO", "AT", "CASE", "PURPOSE", "BY", "WHO", "UNTIL", "DIGEST"), (
            (f"{one.number}", moment(one.at), one.case, one.purpose, one.by, " ".join(one.pseudonyms),
             moment(one.expires), one.digest[:16])
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


def _show(entry: Reveal, boxes: dict[str, bytes], keys: list[PrivateKey], output_format: str) -> None:
    from detector.store.custody import opened

    actors = {name: opened(box, keys) for name, box in boxes.items()}
    found = {name: actor for name, actor in actors.items() if actor is not None}
    if output_format == "json":
        dumped({"reveal": entry.number, "identities": [
            {"pseudonym": name, "kind": actor.kind.value, "name": actor.name} for name, actor in found.items()
        ]})  # fmt: skip
    else:
        table(("PSEUDONYM", "KIND", "NAME"), ((name, one.kind.value, one.name) for name, one in found.items()))
    if len(found) < len(actors):
        closed = next(name for name in actors if name not in found)
        raise UsageError(f"{closed}: these two keys do not open it: it was sealed to other custodians; the attempt is "
                         f"logged as reveal {entry.number}")  # fmt: skip
