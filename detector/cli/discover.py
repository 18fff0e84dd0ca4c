"""``shadowit discover``: services that no signature names, from logs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector import __version__
from detector.cli.audit import EXIT_INCOMPLETE, instant, key_of, written
from detector.cli.options import (
    all_formats,
    asked_logs,
    load_config,
    load_ruleset,
    reading,
    site_of,
    standard_input_as_file,
    with_signatures,
)
from detector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.audit import Input
    from detector.config import Config
    from detector.discovery import Discovery, Log, Row, Terms
    from detector.formats import Formats


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: shadowit discover /var/log/squid mail.log --since 2020-02-01 --own example.org -- "
    "shadowit discover /var/log/squid --baseline /archive/2019 --stub facesearch.example --stub-folder my-signatures",
)
@click.argument("paths", nargs=-1, metavar="PATH...")
@reading
@with_signatures
@click.option("-f", "--format", "output_format", type=click.Choice(("table", "json", "csv")), default="table",
              help="Output [table].")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write there, not to stdout.")
@click.option("--since", default="", metavar="TIME", help="Only domains first seen from this time on (ISO 8601, UTC).")
@click.option("--until", default="", metavar="TIME", help="Leave out what was at or after this time.")
@click.option("--baseline", multiple=True, metavar="PATH", help="Older logs: what is in them is not new.")
@click.option("--max-people", type=click.IntRange(1), default=10, help="Leave out what more people asked for [10].")
@click.option("--top", type=click.IntRange(1), default=50, help="How many domains to list [50].")
@click.option(
    "--own", multiple=True, metavar="DOMAIN", help="The organisation's own domain; may be given several times."
)
@click.option("--stub", "stubs", multiple=True, metavar="DOMAIN", help="Write a signature stub for this listed domain.")
@click.option("--stub-folder", type=click.Path(path_type=Path, file_okay=False), default=Path(),
              help="Where stubs are written [this folder].")  # fmt: skip
@click.option("--names/--no-names", "names", default=None, help="Show people by name, or as keyed pseudonyms.")
@click.option("--jobs", type=click.IntRange(1), default=None, help="Worker processes [number of cores].")
@click.option("--no-progress", is_flag=True, help="Show no progress (there is none on a pipe).")
def command(paths: tuple[str, ...], **options: object) -> int:
    """List services that no signature names: new, used by few people, ranked, with the reasons.

    Infrastructure, delivery networks, advertising, catalogued services and the organisation's own domains are left out.
    What was before --since, or is in a --baseline, is not new.
    """
    return _Run(paths, options).run()


class _Run:
    """One call of the command."""

    def __init__(self, paths: Sequence[str], options: dict[str, object]) -> None:
        self.paths = paths
        self.options = options
        path = options["config_path"]
        self.config: Config | None = load_config(path if isinstance(path, Path) else None)

    def text(self, name: str) -> str:
        return str(self.options[name] or "")

    def many(self, name: str) -> list[str]:
        value = self.options[name]
        return [str(one) for one in value] if isinstance(value, tuple) else []

    def run(self) -> int:
        from detector.discovery import discover, render
        from detector.discovery.leaving import Leaving, load_left_out, suffixes_named

        terms, folders = self.terms(), [Path(one) for one in self.many("signature_paths")]
        ruleset = load_ruleset(folders, self.config)
        own = suffixes_named([*self.many("own"), *(self.config.own_domains if self.config else ())])
        leaving = Leaving(ruleset, load_left_out(folders), own)
        formats = all_formats(self.config)
        with standard_input_as_file(self.paths, self.config) as standard_input:
            inputs, logs = self.logs(formats, standard_input)
            if self.has_progress():
                from detector.cli.progress import shown

                with shown(inputs) as advance:
                    found = discover(logs, ruleset, leaving, terms, advance)
            else:
                found = discover(logs, ruleset, leaving, terms)
        self.write_stubs(found)
        self.write(render(found, self.text("output_format"), __version__))
        return EXIT_INCOMPLETE if is_incomplete(found) else 0

    def terms(self) -> Terms:
        from detector.discovery import Terms
        from detector.discovery.inventory import Window

        since, until = instant(self.text("since"), "--since"), instant(self.text("until"), "--until")
        if since is not None and until is not None and since >= until:
            raise UsageError("--since must be before --until: nothing lies between them")
        jobs, top, most = (self.options[name] for name in ("jobs", "top", "max_people"))
        return Terms(
            window=Window(since, until),
            max_people=most if isinstance(most, int) else 10,
            top=top if isinstance(top, int) else 50,
            key=key_of(self.options["names"], self.config),
            jobs=jobs if isinstance(jobs, int) else len(os.sched_getaffinity(0)),
        )

    def logs(self, formats: Formats, standard_input: str) -> tuple[list[Input], list[Log]]:
        """The planned logs, those of the baseline behind the others."""
        from detector.audit import plan
        from detector.discovery import Log

        site = site_of(self.text("input_format"), self.text("timezone"), formats)
        asked = plan(asked_logs(self.paths, site, self.config, formats, standard_input), formats)
        older = plan(asked_logs(self.many("baseline"), site, None, formats), formats) if self.many("baseline") else []
        inputs = [*asked, *older]
        logs = [
            Log(
                one.segment,
                one.size,
                one.log_format,
                one.dialect,
                one.unread,
                one.copy_of,
                is_baseline=at >= len(asked),
            )
            for at, one in enumerate(inputs)
        ]
        return inputs, logs

    def has_progress(self) -> bool:
        return sys.stderr.isatty() and not self.options["no_progress"]

    def write_stubs(self, found: Discovery) -> None:
        """Write a stub for each row that was asked for.

        Raises:
            UsageError: a domain is not listed, or its stub is there already.
        """
        from datetime import UTC, datetime

        from detector.discovery.stub import CATEGORY, id_of, stub_of

        rows: dict[str, Row] = {row.domain: row for row in found.rows}
        for domain in self.many("stubs"):
            if domain not in rows:
                raise UsageError(f"--stub {domain}: is not among the {len(rows)} listed domains (--top lists more)")
            path = Path(self.text("stub_folder")) / CATEGORY / f"{id_of(domain)}.yaml"
            if path.exists():
                raise UsageError(f"{path}: is there already")
            path.parent.mkdir(parents=True, exist_ok=True)
            written(path, (stub_of(rows[domain], f"{datetime.now(UTC):%Y-%m-%d}"),))
            click.echo(f"shadowit: wrote {path}", err=True)

    def write(self, text: str) -> None:
        output = self.options["output"]
        if isinstance(output, Path):
            written(output, (text,))
            click.echo(f"shadowit: wrote {output}", err=True)
        else:
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
            sys.stdout.buffer.flush()


def is_incomplete(found: Discovery) -> bool:
    """Whether something that was asked for could not be read."""
    return any(one.unread and not one.unread.startswith("a copy of ") for one in found.sources)
