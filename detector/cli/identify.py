"""``shadowit identify``: which format a log is, and how surely."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from detector.cli.examples import examples
from detector.cli.options import all_formats, asked_logs, load_config, site_of, standard_input_as_file

if TYPE_CHECKING:
    from detector.audit import Input

SHOWN_EVENTS = 3
EXIT_INCOMPLETE = 4


@click.command(epilog=examples("shadowit identify /var/log/squid/access.log '/archive/*.gz'"))
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("-c", "--config", "config_path", type=click.Path(path_type=Path, dir_okay=False),
              help="Configuration with the site's own formats.")  # fmt: skip
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice(("table", "json", "jsonl")),
    default="table",
    help="Output [table].",
)
def command(paths: tuple[str, ...], config_path: Path | None, output_format: str) -> int:
    """Tell the format of each log by its content, how surely, and show its first events."""
    from detector.audit import plan

    config = load_config(config_path)
    formats = all_formats(config)
    with standard_input_as_file(paths, config) as standard_input:
        inputs = plan(asked_logs(paths, site_of("", "", formats), config, formats, standard_input), formats)
        rows = [_row(one) for one in inputs]
    if output_format == "table":
        for row in rows:
            _show(row)
    elif output_format == "json":
        sys.stdout.buffer.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    else:
        for row in rows:
            sys.stdout.buffer.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()
    return EXIT_INCOMPLETE if any(row["error"] and row["format"] != "unknown" for row in rows) else 0


def _row(one: Input) -> dict[str, object]:
    from collections import Counter
    from itertools import islice

    from detector.audit.events import Parsed, events_of
    from detector.report.text import encodable

    unknown = one.log_format is None and "--input-format" in one.unread
    return {
        "path": encodable(one.segment.name),
        "format": one.log_format.name if one.log_format else "unknown" if unknown else None,
        "kind": one.log_format.kind.value if one.log_format else None,
        "confidence": round(one.confidence, 3),
        "or": list(one.rivals),
        "compression": one.segment.compression.value or None,
        "envelope": one.dialect.envelope.value or None,
        "notes": list(one.notes),
        "copy_of": encodable(one.copy_of) or None,
        "error": one.unread or None,
        "sample": list(islice(events_of(one, Parsed(Counter())), SHOWN_EVENTS)),
    }


def _show(row: dict[str, object]) -> None:
    from detector.report.text import visible

    around = ", ".join(str(row[key]) for key in ("compression", "envelope") if row[key])
    told = (
        f"{row['format']} (confidence {row['confidence']})" if row["confidence"] else str(row["format"] or "not read")
    )
    told += "".join(f", or {name}" for name in _texts(row["or"]))
    click.echo(visible(f"{row['path']}: {told}{f', in {around}' if around else ''}"))
    for note in (*_texts(row["notes"]), *([f"error: {row['error']}"] if row["error"] else [])):
        click.echo(f"  {visible(note)}")
    for event in _texts(row["sample"]):
        click.echo(f"  {visible(orjson.dumps(event).decode())}")


def _texts(value: object) -> list[str]:
    return value if isinstance(value, list) else []
