"""``shadowit parse``: the events of logs as JSON lines."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from detector.cli.examples import examples
from detector.cli.options import all_formats, asked_logs, load_config, reading, site_of, standard_input_as_file
from detector.errors import UsageError

if TYPE_CHECKING:
    from typing import BinaryIO

    from detector.audit import Input

EXIT_INCOMPLETE = 4


@click.command(epilog=examples("shadowit parse access.log.gz | jq -r '.\"url.domain\"' | sort | uniq -c"))
@click.argument("paths", nargs=-1, metavar="PATH...")
@reading
@click.option(
    "--unparsed", type=click.Path(path_type=Path, dir_okay=False), help="Write refused lines there, as they are."
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")
def command(
    paths: tuple[str, ...],
    input_format: str,
    timezone: str,
    config_path: Path | None,
    unparsed: Path | None,
    quiet: bool,
) -> int:
    """Print one JSON object per event, with keys of the Elastic Common Schema (ECS), to standard output.

    Lines that are no event (comments, answers) are left out; refused lines are counted on standard error.
    """
    from detector.audit import plan

    config = load_config(config_path)
    formats = all_formats(config)
    site = site_of(input_format, timezone, formats)
    with standard_input_as_file(paths, config) as standard_input:
        inputs = plan(asked_logs(paths, site, config, formats, standard_input), formats)
        with contextlib.nullcontext() if unparsed is None else _opened(unparsed) as file:
            complete = [_parse(one, file, quiet=quiet) for one in inputs]
    sys.stdout.buffer.flush()
    return 0 if all(complete) else EXIT_INCOMPLETE


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as fault:
        raise UsageError(f"{path}: cannot be written: {fault.strerror}") from None


def _parse(one: Input, unparsed: BinaryIO | None, *, quiet: bool) -> bool:
    """Print one log's events; whether all of it could be read."""
    from detector.audit.events import Parsed, events_of
    from detector.report.text import visible

    parsed = Parsed(refusals=Counter())
    for event in events_of(one, parsed, unparsed):
        sys.stdout.buffer.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
    name = visible(one.segment.name)
    if parsed.unread:
        click.echo(f"shadowit: {name}: {visible(parsed.unread)}", err=True)
    elif not quiet:
        click.echo(f"shadowit: {name}: {one.log_format.name if one.log_format else 'empty'}, {parsed.lines} lines, "
                   f"{parsed.events} events, {parsed.refusals.total()} unparsed", err=True)  # fmt: skip
        for reason, count in parsed.refusals.most_common(5):
            click.echo(f"shadowit: {name}: {count} × {visible(reason)}", err=True)
    return not parsed.unread
