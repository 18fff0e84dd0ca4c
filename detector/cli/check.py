"""``shadowit check``: is a configuration, a policy, or are signatures, sound?"""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector.cli.examples import examples
from detector.cli.options import all_formats, load_people, load_policy, load_ruleset, site_of, with_signatures
from detector.errors import InvalidFile, UsageError

if TYPE_CHECKING:
    from detector.config import Config
    from detector.formats import Formats


@click.group(epilog=examples("shadowit check config shadowit.yml"))
def command() -> None:
    """Check a configuration, a policy or signatures; exit status 3 with every problem as file:line:col."""


@command.command(
    "config",
    short_help="Check a configuration and all that it names.",
    epilog=examples("shadowit check config /etc/shadowit/shadowit.yml"),
)
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
def check_config(path: Path) -> int:
    """Check a configuration: its keys, formats and time zones, and that all files that it names load."""
    click.echo(f"{path}: sound: {sound(path)}")
    return 0


def sound(path: Path) -> str:
    """What a configuration holds that is sound, in a few words.

    Raises:
        InvalidFile: it is not: every problem with its place.
        UsageError: a file that it names cannot be used.
    """
    from detector import config, sinks
    from detector.daemon import webconfig

    loaded = config.load(path)
    formats = _formats(path, loaded)
    for index, source in enumerate(loaded.sources):
        with _at(path, "sources", index, "format"):
            site_of(source.format, source.timezone, formats)
    ruleset = load_ruleset((), loaded)
    load_policy(None, loaded)
    load_people(None, loaded)
    channels = sinks.channels(path)
    if loaded.web_config_file is not None:
        webconfig.load(loaded.web_config_file)
    return (f"{len(loaded.sources)} sources, {len(loaded.formats)} own formats, {len(ruleset.signatures)} services, "
            f"{len(channels)} sinks")  # fmt: skip


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


@command.command("signatures", epilog=examples("shadowit check signatures my-signatures/"))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def check_signatures(paths: tuple[Path, ...]) -> int:
    """Check signatures, as `shadowit signatures check` does."""
    from detector.cli.signatures import check

    return check(paths)


@command.command(
    "policy",
    short_help="Check a policy, and show what it decides.",
    epilog=examples(
        "shadowit check policy --at 2020-03-01 /etc/shadowit/policy.yml",
        note="A table of its statuses, approvals and orders; what is doubtful (an approval that has ended, a service "
        "without a signature, orders that overlap or were told to nobody) stands on standard error with its place.",
    ),
)
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@with_signatures
@click.option("-f", "--format", "output_format", type=click.Choice(("table", "json")), default="table",
              help="Output [table].")  # fmt: skip
@click.option("--strict", is_flag=True, help="Warnings are errors.")
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), default=None, metavar="DATE",
              help="Judge what has ended as of this day [today].")  # fmt: skip
def check_policy(
    path: Path, signature_paths: tuple[Path, ...], output_format: str, strict: bool, at: dt.datetime | None
) -> int:
    """Check a policy, and show what it decides; every problem as file:line:col.

    Exit status 3 when it cannot be read as one, or when a decision cannot do what it says: it names a service that
    no signature has, or approves every service.
    """
    import orjson

    from detector.cli.decisions import as_data, page
    from detector.events.instants import from_datetime
    from detector.policy.lints import lint
    from detector.policy.loader import load_with_places
    from detector.report.text import visible

    loaded = load_with_places(path)
    ruleset = load_ruleset(signature_paths, None)
    now = from_datetime((at or dt.datetime.now(dt.UTC)).replace(tzinfo=dt.UTC))
    categories = {one.id: one.category for one in ruleset.signatures}
    found = lint(loaded, categories, frozenset(one.id for one in ruleset.indicators()), now)
    if output_format == "json":
        sys.stdout.buffer.write(orjson.dumps(as_data(loaded.policy), option=orjson.OPT_INDENT_2))
        click.echo()
    else:
        for line in page(loaded.policy):
            click.echo(line)
    for one in found:
        if not (one.is_error or strict):
            click.echo(f"warning: {visible(str(one.problem))}", err=True)
    if errors := [one.problem for one in found if one.is_error or strict]:
        raise InvalidFile(errors)
    click.echo(f"{visible(str(path))}: sound: {loaded.policy.digest}", err=True)
    return 0
