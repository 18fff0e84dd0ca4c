"""``shadowit signatures list``, ``show``, ``stats`` and ``diff``: the catalogue for people, and as JSON."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from detector.cli.examples import examples
from detector.cli.options import load_ruleset

if TYPE_CHECKING:
    from detector.signatures import Signature

_FORMAT = click.option(
    "-f", "--format", "output_format", type=click.Choice(("table", "json")), default="table", help="Output [table]."
)
_PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
_HEADS = ("service", "name", "category", "risk", "status", "reviewed", "hosts")


@click.command("list", epilog=examples("shadowit signatures list -f json | jq '.[].id'"))
@_PATHS
@_FORMAT
@click.option("--category", default="", help="Only this category, or those below it.")
def list_command(paths: tuple[Path, ...], output_format: str, category: str) -> int:
    """List the services that are looked for."""
    from detector.report.columns import columns

    ruleset = load_ruleset(paths, None)
    chosen = [one for one in ruleset.signatures if f"{one.category}/".startswith(f"{category}/" if category else "")]
    if output_format == "json":
        _print_json([
            {"id": one.id, "name": one.name, "vendor": one.vendor, "category": one.category, "status": one.status,
             "attribution": one.attribution.value, "risk": one.risk_default, "added": one.added,
             "reviewed": one.reviewed, "indicators": [i.id for i in one.indicators]}
            for one in chosen
        ])  # fmt: skip
        return 0
    width = shutil.get_terminal_size((160, 24)).columns if sys.stdout.isatty() else 0
    for line in columns([_HEADS, *map(_row, chosen)], width):
        click.echo(line)
    click.echo(
        f"{len(chosen)} services, {sum(len(one.indicators) for one in chosen)} indicators, {ruleset.digest[:12]}",
        err=True,
    )
    return 0


@click.command("show", epilog=examples("shadowit signatures show clearview-ai -f md > clearview-ai.md"))
@click.argument("service", metavar="ID")
@_PATHS
@click.option(
    "-f", "--format", "output_format", type=click.Choice(("table", "json", "md")), default="table",
    help="Output [table].",
)  # fmt: skip
def show_command(service: str, paths: tuple[Path, ...], output_format: str) -> int:
    """Show one service: hosts, paths with their stages, mail, thresholds, risk, sources and tests."""
    from detector.cli.signatures.pages import as_data, markdown, page
    from detector.errors import UsageError

    ruleset = load_ruleset(paths, None)
    if service not in ruleset:
        from difflib import get_close_matches

        near = get_close_matches(service, [one.id for one in ruleset.signatures], n=3)
        raise UsageError(f"no service {service!r}" + (f": did you mean {', '.join(near)}?" if near else ""))
    if output_format == "json":
        _print_json(as_data(ruleset[service]))
        return 0
    click.echo((markdown if output_format == "md" else page)(ruleset[service]), nl=False)
    return 0


@click.command("stats", epilog=examples("shadowit signatures stats -f json"))
@_PATHS
@_FORMAT
@click.option(
    "--at", type=click.DateTime(["%Y-%m-%d"]), default=None, metavar="DATE", help="Ages as of this day [today]."
)
def stats_command(paths: tuple[Path, ...], output_format: str, at: dt.datetime | None) -> int:
    """Count services and indicators by category, confidence, age and more."""
    from detector.report.wording import counted
    from detector.signatures.statistics import statistics

    found = statistics(load_ruleset(paths, None), (at or dt.datetime.now(dt.UTC)).date())
    if output_format == "json":
        _print_json(asdict(found))
        return 0
    click.echo(
        f"{counted(found.services, 'service')}, {counted(found.indicators, 'indicator')}, "
        f"{counted(found.overdue, 'review')} overdue"
    )
    for title, table in found.tables.items():
        click.echo(f"\n{title}")
        for name, count in table.items():
            click.echo(f"{count:7,}  {name}")
    return 0


@click.command("diff", epilog=examples("shadowit signatures diff old-signatures/ signatures/"))
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@_FORMAT
def diff_command(old: Path, new: Path, output_format: str) -> int:
    """Tell which services and indicators were added, removed or changed from OLD to NEW."""
    from detector.report.text import visible
    from detector.signatures.difference import difference

    before, after = load_ruleset((old,), None), load_ruleset((new,), None)
    changes = difference(before, after)
    if output_format == "json":
        digests = {"old": before.digest, "new": after.digest}
        _print_json({**digests, "changes": [asdict(one) for one in changes]})
        return 0
    for one in changes:
        field = f" {one.field}: {one.old or '(nothing)'} -> {one.new or '(nothing)'}" if one.field else ""
        click.echo(visible(f"{one.what:7} {one.indicator or one.service}{field}"))
    counts = {what: sum(one.what == what for one in changes) for what in ("added", "removed", "changed")}
    click.echo(", ".join(f"{count} {what}" for what, count in counts.items()), err=True)
    return 0


def _row(one: Signature) -> Sequence[str]:
    hosts = list(dict.fromkeys(indicator.host for indicator in one.indicators))
    more = f" +{len(hosts) - 3}" if len(hosts) > 3 else ""
    return (
        one.id, one.name, one.category, one.risk_default, one.status, one.reviewed, ", ".join(hosts[:3]) + more
    )  # fmt: skip


def _print_json(data: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()
