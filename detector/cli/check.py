"""``shadowit check``: is a configuration, or are signatures, sound?"""

from __future__ import annotations

from pathlib import Path

import click

from detector.cli.options import all_formats, load_ruleset, site_of


@click.group()
def command() -> None:
    """Check a configuration or signatures; exit status 3 and file:line:col of every problem when they are not sound."""


@command.command("config")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
def check_config(path: Path) -> int:
    """Check a configuration: its keys, its formats and time zones, and that its signatures load."""
    from detector import config

    loaded = config.load(path)
    formats = all_formats(loaded)
    for source in loaded.sources:
        site_of(source.format, source.timezone, formats)
    ruleset = load_ruleset((), loaded)
    click.echo(f"{path}: sound: {len(loaded.sources)} sources, {len(loaded.formats)} own formats, "
               f"{len(ruleset.signatures)} services")  # fmt: skip
    return 0


@command.command("signatures")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def check_signatures(paths: tuple[Path, ...]) -> int:
    """Check signatures, as `shadowit signatures check` does."""
    from detector.cli.signatures import check

    return check(paths)
