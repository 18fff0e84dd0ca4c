"""``shadowit check``: is a configuration, or are signatures, sound?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector.cli.options import all_formats, load_ruleset, site_of
from detector.errors import InvalidFile, UsageError

if TYPE_CHECKING:
    from detector.config import Config
    from detector.formats import Formats


@click.group(epilog="Example: shadowit check config shadowit.yml")
def command() -> None:
    """Check a configuration or signatures; exit status 3 and file:line:col of every problem when they are not sound."""


@command.command("config", epilog="Example: shadowit check config /etc/shadowit/shadowit.yml")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
def check_config(path: Path) -> int:
    """Check a configuration: its keys, its formats and time zones, and that its signatures load."""
    from detector import config

    loaded = config.load(path)
    formats = _formats(path, loaded)
    for index, source in enumerate(loaded.sources):
        with _at(path, "sources", index, "format"):
            site_of(source.format, source.timezone, formats)
    ruleset = load_ruleset((), loaded)
    click.echo(f"{path}: sound: {len(loaded.sources)} sources, {len(loaded.formats)} own formats, "
               f"{len(ruleset.signatures)} services")  # fmt: skip
    return 0


def _formats(path: Path, loaded: Config) -> Formats:
    """The formats, with the site's own made one after the other so that a fault has its place."""
    for name, feed in loaded.formats.items():
        with _at(path, "formats", name):
            all_formats(loaded.model_copy(update={"formats": {name: feed}}))
    return all_formats(loaded)


@contextlib.contextmanager
def _at(path: Path, *keys: str | int) -> Iterator[None]:
    """What is wrong in the block is wrong at a place of the configuration."""
    try:
        yield
    except UsageError as fault:
        from detector import documents

        raise InvalidFile([documents.read(path).problem(keys, str(fault))]) from None


@command.command("signatures", epilog="Example: shadowit check signatures my-signatures/")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def check_signatures(paths: tuple[Path, ...]) -> int:
    """Check signatures, as `shadowit signatures check` does."""
    from detector.cli.signatures import check

    return check(paths)
