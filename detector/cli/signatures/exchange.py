"""``shadowit signatures export`` and ``import``."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector.cli.examples import examples
from detector.cli.options import load_ruleset
from detector.errors import UsageError

if TYPE_CHECKING:
    from detector.signatures import Ruleset

SIZE_LIMIT_BYTES = 64 * 1024 * 1024
"""Of one file that is imported."""


@click.command(
    "export", epilog=examples("shadowit signatures export --to rpz --category facial-recognition -o block.zone")
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
@click.option(
    "--to",
    "name",
    required=True,
    metavar="FORMAT",
    help="stix, misp, sigma, zeek-intel, suricata-dataset, csv; block lists: rpz, hosts, unbound, dnsmasq, "
    "squid, pan-edl, fortigate, pac, adguard.",
)
@click.option("--category", "categories", multiple=True, help="Only this category, or those below it.")
@click.option("--service", "services", multiple=True, metavar="ID", help="Only this service.")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    metavar="DATE",
    help="The day on which an indicator must be valid, where the format knows no dates [today].",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write to this file [standard output].",
)
def export_command(
    paths: tuple[Path, ...], name: str, categories: tuple[str, ...], services: tuple[str, ...],
    at: dt.datetime | None, output: Path | None,
) -> int:  # fmt: skip
    """Write signatures in the format of another program.

    The same signatures and the same day give the same bytes. A block list holds suffixes and single hosts only, never
    a shared host; its first lines say what is left out and what else is blocked.
    """
    from detector.events import from_iso
    from detector.exchange import Selection, export_named

    export = export_named(name)
    ruleset = load_ruleset(paths, None)
    chosen = _chosen(ruleset, categories, services)
    day = from_iso((at or dt.datetime.now(dt.UTC)).date().isoformat())
    text = export.render(Selection(ruleset, chosen, day))
    if output is None:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    else:
        _write(output, text)
    click.echo(f"{len(chosen)} services as {name}", err=True)
    return 0


@click.command("import", epilog=examples("shadowit signatures import --from v2fly -o my-signatures/ data/zoom"))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--from", "name", required=True, metavar="FORMAT", help="stix, misp, sigma, zeek-intel, csv, v2fly or lolrmm."
)
@click.option(
    "-o",
    "--output",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for <category>/<id>.yaml; no file in it is overwritten.",
)
@click.option("--category", default="imported", help="Of services that say none [imported].")
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), default=None, metavar="DATE",
              help="The day that is written as added and reviewed [today].")  # fmt: skip
def import_command(files: tuple[Path, ...], name: str, folder: Path, category: str, at: dt.datetime | None) -> int:
    """Make signature files of another program's files, with where each value comes from.

    Everything is confidence medium. Values that the catalogue's rules refuse (public suffixes, shared hosts, patterns
    that match unrelated sites) are listed on standard error. What is written passes `shadowit signatures check`.
    """
    from detector import signatures
    from detector.exchange import import_named, settle
    from detector.report.text import visible

    reader = import_named(name)
    readings = [reader.read(text, shown) for text, shown in _texts(files)]
    settled = settle(
        (draft for reading in readings for draft in reading.drafts),
        shared_hosts=signatures.load().shared_hosts,
        category=category,
        day=(at or dt.datetime.now(dt.UTC)).date().isoformat(),
        origin=name,
    )
    refusals = [*(one for reading in readings for one in reading.refusals), *settled.refusals]
    for refusal in refusals:
        click.echo(visible(f"refused: {refusal}"), err=True)
    if not settled.files:
        raise UsageError(f"nothing to import: {len(refusals)} values refused")
    if there := [str(folder / path) for path in settled.files if (folder / path).exists()]:
        raise UsageError(f"is there already, nothing was written: {', '.join(there)}")
    for path, text in settled.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        _write(folder / path, text)
    signatures.load((folder,))
    click.echo(f"{folder}: {len(settled.files)} services, {settled.values} values; {len(refusals)} refused")
    return 0


def _chosen(ruleset: Ruleset, categories: Sequence[str], services: Sequence[str]) -> frozenset[str]:
    """The services that are asked for; all when nothing is.

    Raises:
        UsageError: a service or category does not exist.
    """
    for service in services:
        if service not in ruleset:
            raise UsageError(f"no service {service!r}: see `shadowit signatures list`")
    chosen = set(services)
    for category in categories:
        found = {one.id for one in ruleset.signatures if f"{one.category}/".startswith(f"{category}/")}
        if not found:
            raise UsageError(f"no service has the category {category!r}: see `shadowit signatures stats`")
        chosen |= found
    return frozenset(chosen or (one.id for one in ruleset.signatures))


def _texts(paths: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Text and name of each file, of each file below a folder."""
    for path in paths:
        for file in sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else (path,):
            try:
                with file.open("rb") as opened:
                    content = opened.read(SIZE_LIMIT_BYTES + 1)
            except OSError as fault:
                raise UsageError(f"{file}: cannot be read: {fault.strerror}") from None
            if len(content) > SIZE_LIMIT_BYTES:
                raise UsageError(f"{file}: is larger than {SIZE_LIMIT_BYTES} bytes")
            yield content.decode("utf-8", "replace"), file.name


def _write(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode())
    except OSError as fault:
        raise UsageError(f"{path}: cannot be written: {fault.strerror}") from None
