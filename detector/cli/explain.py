"""``shadowit explain``: one line's way through the rooms, so that a person can check a finding by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from detector.cli.examples import examples
from detector.cli.options import all_formats, load_config, load_ruleset, reading, site_of, with_signatures
from detector.errors import UsageError

if TYPE_CHECKING:
    from detector.audit.explain import Explanation


@click.command(
    epilog=examples(
        "shadowit explain --at /var/log/squid/access.log.1:48211",
        "tail -1 access.log | shadowit explain - --input-format squid",
    )
)
@click.argument("line", required=False, metavar="[LINE|-]")
@click.option(
    "--at",
    "place",
    default="",
    metavar="PATH:OFFSET",
    help="The line that starts at this byte of a log (decompressed).",
)
@reading
@with_signatures
@click.option(
    "-f", "--format", "output_format", type=click.Choice(("table", "json")), default="table", help="Output [table]."
)
def command(
    line: str | None,
    place: str,
    input_format: str,
    timezone: str,
    config_path: Path | None,
    signature_paths: tuple[Path, ...],
    output_format: str,
) -> int:
    """Show step by step what becomes of one line: its bytes, its event, its host, the indicator, the stage, and why.

    LINE is the text of a line, or - to read it from standard input; with --at it is read from a log, as the evidence
    of a report names it.
    """
    from detector.audit.explain import explain_at, explain_line

    config = load_config(config_path)
    formats = all_formats(config)
    site = site_of(input_format, timezone, formats)
    ruleset = load_ruleset(signature_paths, config)
    if place:
        path, _, offset = place.rpartition(":")
        if not path or not offset.isdigit():
            raise UsageError(f"--at {place!r}: write PATH:OFFSET, with the offset in bytes")
        explanation = explain_at(path, int(offset), site, formats, ruleset)
    else:
        if line is None:
            raise UsageError("nothing to explain: give a line, - for standard input, or --at PATH:OFFSET")
        raw = sys.stdin.buffer.readline() if line == "-" else line.encode("utf-8", "surrogateescape")
        explanation = explain_line(raw.removesuffix(b"\n"), site, formats, ruleset)
    _print(explanation, output_format)
    return 0


def _print(explanation: Explanation, output_format: str) -> None:
    from detector.report.text import visible

    if output_format == "json":
        steps = [{"room": room, "says": says} for room, says in explanation]
        sys.stdout.buffer.write(orjson.dumps(steps, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return
    for room, says in explanation:
        click.echo(f"{room:10} {visible(says)}")
