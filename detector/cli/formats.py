"""``shadowit formats``: the log formats that can be read."""

from __future__ import annotations

import sys

import click
import orjson

from detector.cli.examples import examples


@click.command(epilog=examples("shadowit formats -f json | jq -r '.[].name'"))
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice(("table", "json", "md")),
    default="table",
    help="Output [table].",
)
def command(output_format: str) -> int:
    """List the log formats: name, what the log watches, where its time zone is written, the vendor's document."""
    from detector.formats import foreign_formats, own_formats

    known = {**own_formats(), **foreign_formats()}
    rows = [
        {
            "name": one.name, "kind": one.kind.value, "title": one.title, "zone": one.zone.value,
            "reference": one.reference, "columns": sorted(column.value for column in one.columns),
        }
        for one in known.values()
    ]  # fmt: skip
    if output_format == "json":
        sys.stdout.buffer.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    elif output_format == "md":
        click.echo("| name | kind | product | time zone |\n|---|---|---|---|")
        for row in rows:
            click.echo(f"| `{row['name']}` | {row['kind']} | {row['title']} | {row['zone']} |")
    else:
        width = max(len(str(row["name"])) for row in rows)
        for row in rows:
            click.echo(f"{row['name']!s:{width}}  {row['kind']!s:5}  {row['zone']!s:6}  {row['title']}")
    return 0
