"""``shadowit signatures``: list, check and test what is looked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import orjson

from detector.cli.options import load_ruleset

EXIT_INVALID = 3


@click.group()
def command() -> None:
    """List, check and test signatures.

    PATH is a folder or file of signatures; without one, the catalogue that comes with shadowit.
    """


@command.command("list", epilog="Example: shadowit signatures list -f json | jq '.[].id'")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
@click.option(
    "-f", "--format", "output_format", type=click.Choice(("table", "json")), default="table", help="Output [table]."
)
@click.option("--category", default="", help="Only this category, or those below it.")
def list_signatures(paths: tuple[Path, ...], output_format: str, category: str) -> int:
    """List the services that are looked for."""
    ruleset = load_ruleset(paths, None)
    chosen = [one for one in ruleset.signatures if f"{one.category}/".startswith(f"{category}/" if category else "")]
    if output_format == "json":
        rows = [
            {"id": one.id, "name": one.name, "vendor": one.vendor, "category": one.category, "status": one.status,
             "attribution": one.attribution.value, "risk": one.risk_default,
             "indicators": [i.id for i in one.indicators]}
            for one in chosen
        ]  # fmt: skip
        sys.stdout.buffer.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return 0
    width = max((len(one.id) for one in chosen), default=0)
    for one in chosen:
        hosts = ", ".join(dict.fromkeys(indicator.host for indicator in one.indicators))
        click.echo(f"{one.id:{width}}  {one.category}  {one.status}  {hosts}")
    click.echo(
        f"{len(chosen)} services, {sum(len(one.indicators) for one in chosen)} indicators, {ruleset.digest[:12]}",
        err=True,
    )
    return 0


@command.command("check", epilog="Example: shadowit signatures check my-signatures/")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
def check_command(paths: tuple[Path, ...]) -> int:
    """Check signatures against the schema and against each other; every problem as file:line:col, exit status 3."""
    return check(paths)


@command.command("test", epilog="Example: shadowit signatures test --service clearview-ai")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
@click.option("--service", "services", multiple=True, metavar="ID", help="Only this service's tests.")
def test_command(paths: tuple[Path, ...], services: tuple[str, ...]) -> int:
    """Run the tests that stand in the signatures, against the whole catalogue; exit status 3 when one fails."""
    from detector.match.embedded import failures

    ruleset = load_ruleset(paths, None)
    failed, total = failures(ruleset, frozenset(services))
    for failure in failed:
        click.echo(failure, err=True)
    click.echo(f"{total - len(failed)} passed, {len(failed)} failed")
    return EXIT_INVALID if failed else 0


def check(paths: Sequence[Path]) -> int:
    """Load signatures and say what was loaded; problems are raised."""
    ruleset = load_ruleset(paths, None)
    click.echo(f"sound: {len(ruleset.signatures)} services, {len(ruleset.indicators())} indicators, {ruleset.digest}")
    return 0
