"""``shadowit selftest``: does this installation work, and with ``-c`` what the configuration asks for?"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector.cli.examples import examples
from detector.cli.kept import dumped, now, table
from detector.cli.options import load_ruleset, with_signatures
from detector.errors import ShadowitError, UnreadableSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from detector.audit.installation import Tried
    from detector.config import Config, Source
    from detector.signatures import Ruleset

_FILES = 10_000
"""Logs of a source that are tried to be opened."""


@click.command(epilog=examples("shadowit selftest", "shadowit selftest -c /etc/shadowit/shadowit.yml -f json"))
@click.option("-c", "--config", "config_path", type=click.Path(path_type=Path, dir_okay=False), default=None,
              metavar="FILE", help="Also try what this configuration names: its sinks' settings, keys, logs, store.",
              )  # fmt: skip
@with_signatures
@click.option("-f", "--format", "output_format", type=click.Choice(("table", "json")), default="table",
              help="Output [table].")  # fmt: skip
@click.option("--no-progress", is_flag=True, help="Do not say what is being tried (on a pipe nothing is said).")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")
def command(
    config_path: Path | None, signature_paths: tuple[Path, ...], output_format: str, no_progress: bool, quiet: bool
) -> int:
    """Try every part of this installation, in a few seconds and without the network.

    The signatures load and their own tests pass; a synthetic line of every format is found; a store is made, written
    and read in a temporary folder; clock, time zones, cache and disk are as they must be. With --config also what that
    names: nothing of it is changed, nothing goes out (`shadowit notify test` sends an alert).

    Exit status: that of the first part that is broken: 3 signatures or configuration, 4 a format or a log cannot be
    read, 5 the store or the disk fails, 2 anything else. What is only noted works.
    """
    shows = sys.stderr.isatty() and not (no_progress or quiet)
    found = []
    with tempfile.TemporaryDirectory(prefix="shadowit-selftest-") as folder:
        for name, part in _parts(config_path, signature_paths, Path(folder)):
            if shows:
                click.echo(f"\r\x1b[Kshadowit: trying {name}", err=True, nl=False)
            found.append(_tried(name, part))
    if shows:
        click.echo("\r\x1b[K", err=True, nl=False)
    broken = [one for one in found if one.status]
    if output_format == "json":
        checks = [{"name": one.name, "state": one.state.value, "said": one.said} for one in found]
        dumped({"schema": "shadowit.selftest/1", "sound": not broken, "checks": checks})
    else:
        table(("PART", "STATE", "WHAT"), ((one.name, one.state.value, one.said) for one in found))
    if not quiet:
        text = f"{len(broken)} of {len(found)} parts are broken" if broken else f"all {len(found)} parts work"
        click.echo(f"shadowit: {text}", err=True)
    return broken[0].status if broken else 0


def _tried(name: str, part: Callable[[], str]) -> Tried:
    from detector.audit.installation import tried

    return tried(name, part)


def _parts(
    config_path: Path | None, signature_paths: Sequence[Path], folder: Path
) -> Iterator[tuple[str, Callable[[], str]]]:
    """(name, what tries it) of each part; what another part needs is made by the one before."""
    from detector.audit import installation

    loaded: list[Ruleset] = []

    def signatures() -> str:
        ruleset = load_ruleset(signature_paths, _named(config_path))
        loaded.append(ruleset)
        return f"{len(ruleset.signatures):,} services, {len(ruleset.indicators()):,} indicators, {ruleset.digest[:12]}"

    yield "program", installation.program
    yield "signatures", signatures
    if loaded:
        yield "signature tests", lambda: installation.embedded(loaded[0])
        yield "canaries", lambda: installation.canaries(loaded[0])
        yield "clock", lambda: installation.clock(now(), loaded[0])
    yield "time zones", installation.zones
    yield "cache", installation.cached
    yield "store", lambda: installation.stored(folder, now())
    yield "disk", lambda: installation.durable(folder)
    if config_path is not None:
        yield from _configured(config_path)


def _configured(path: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """(name, what tries it) of what a configuration names; without one that is sound, of nothing else."""
    from detector.cli.check import sound

    sentences: list[str] = []

    def configuration() -> str:
        sentences.append(sound(path))
        return sentences[0]

    yield "configuration", configuration
    if not sentences:
        return
    config = _config(path)
    yield "pseudonyms", lambda: _key(path, config)
    yield "custodians", lambda: _custodians(config)
    for source in config.sources:
        yield f"source {source.name}", lambda source=source: _readable(source)  # type: ignore[misc] # mypy: lambda
    yield "store in use", lambda: _store(config)


def _named(path: Path | None) -> Config | None:
    """The configuration; ``None`` for one that is broken, which is told as a part of its own."""
    try:
        return None if path is None else _config(path)
    except ShadowitError:
        return None


def _config(path: Path) -> Config:
    from detector import config

    return config.load(path)


def _key(path: Path, config: Config) -> str:
    from detector.audit.configured import read_key
    from detector.audit.installation import Noted
    from detector.daemon.inforce import key_path

    file = key_path(path, config)
    if not file.exists():
        raise Noted(f"{file}: there is no key yet: `shadowit run` makes one, where there is no store either")
    read_key(file)
    return f"{file}: only its owner may read it"


def _custodians(config: Config) -> str:
    from detector.audit.installation import Noted
    from detector.store import custodians_of

    found = custodians_of(config.privacy.custodians)
    if found is None:
        raise Noted("none: nobody will ever open a pseudonym (`shadowit reveal keygen` makes their keys)")
    return f"names are sealed to two keys, {found.digest}"


def _readable(source: Source) -> str:
    """How many logs there are, each of which can be opened."""
    from detector.audit.installation import Noted
    from detector.sources import find, open_regular

    found = find(source.paths)
    for path in found.paths[:_FILES]:
        with open_regular(path):
            pass
    if not found.paths and not any(os.path.lexists(one.path) for one in found.refused):
        raise Noted(f"no log yet: {'; '.join(f'{one.path}: {one.reason}' for one in found.refused)}")
    if found.refused:
        raise found.refused[0]
    return f"{len(found.paths):,} logs can be opened"


def _store(config: Config) -> str:
    """Whether the store can be read; where there is none yet, whether one can be made."""
    from detector.audit.installation import Noted, durable
    from detector.store import Store
    from detector.store.opening import place_of

    file = place_of(config.store).file
    if file is None or file.exists():
        with Store.open(config.store, writable=False) as store:
            streams = sum(len(store.streams(one.name)) for one in config.sources)
            written = f"; {durable(file.parent)}" if file is not None else ""
            return f"{store.session.place.name}: can be read, {streams:,} logs are known{written}"
    there = next(one for one in file.absolute().parents if one.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise UnreadableSource(str(there), "this account may not make the store in it")
    raise Noted(f"{file}: there is no store yet: `shadowit run` makes one")
