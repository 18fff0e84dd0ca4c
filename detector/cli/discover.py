"""``shadowit discover``: services that no signature names, from logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector import __version__
from detector.cli.asking import EXIT_INCOMPLETE, Asking, written
from detector.cli.examples import examples
from detector.cli.options import asked_logs, reading, site_of, with_names, with_output, with_signatures
from detector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.audit import Input
    from detector.discovery import Discovery, Log, Row, Terms


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "shadowit discover /var/log/squid mail.log --since 2020-02-01 --own example.org",
        "shadowit discover /var/log/squid --baseline /archive/2019 --stub facesearch.example "
        "--stub-folder my-signatures",
    ),
)
@click.argument("paths", nargs=-1, metavar="PATH...")
@reading
@with_signatures
@click.option("-f", "--format", "output_format", type=click.Choice(("table", "json", "csv")), default="table",
              help="Output [table].")  # fmt: skip
@with_output
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
@with_names
@click.option("--jobs", type=click.IntRange(1), default=None, help="Worker processes [number of cores].")
@click.option("--no-progress", is_flag=True, help="Show no progress (there is none on a pipe).")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")
def command(paths: tuple[str, ...], **options: object) -> int:
    """List services that no signature names: new, used by few people, ranked, with the reasons.

    Infrastructure, delivery networks, advertising, catalogued services and the organisation's own domains are left out.
    What was before --since, or is in a --baseline, is not new.
    """
    return _Run(paths, options).run()


class _Run(Asking):
    """One call of the command."""

    def run(self) -> int:
        from detector.discovery import discover, render
        from detector.discovery.leaving import Leaving, load_left_out, suffixes_named

        terms = self.terms_of_search()
        own = suffixes_named([*self.many("own"), *(self.config.own_domains if self.config else ())])
        leaving = Leaving(self.ruleset, load_left_out([Path(one) for one in self.many("signature_paths")]), own)
        with self.inputs() as asked:
            inputs = [*asked, *self.older()]
            with self.progress(inputs) as advance:
                found = discover(_logs(inputs, len(asked)), self.ruleset, leaving, terms, advance)
        self.write_stubs(found)
        self.write(render(found, self.text("output_format"), __version__))
        return EXIT_INCOMPLETE if is_incomplete(found) else 0

    def terms_of_search(self) -> Terms:
        from detector.discovery import Terms
        from detector.discovery.inventory import Window

        top, most = (self.options[name] for name in ("top", "max_people"))
        return Terms(
            window=Window(*self.window()),
            max_people=most if isinstance(most, int) else 10,
            top=top if isinstance(top, int) else 50,
            key=self.key(),
            jobs=self.jobs,
        )

    def older(self) -> list[Input]:
        """The planned logs of the baseline."""
        from detector.audit import plan

        if not self.many("baseline"):
            return []
        site = site_of(self.text("input_format"), self.text("timezone"), self.formats)
        return plan(asked_logs(self.many("baseline"), site, None, self.formats), self.formats)

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
            self.say(f"wrote {path}")


def _logs(inputs: Sequence[Input], asked: int) -> list[Log]:
    """Planned logs as a search reads them; those behind the first ``asked`` are the baseline."""
    from detector.discovery import Log

    return [
        Log(one.segment, one.size, one.log_format, one.dialect, one.unread, one.copy_of, is_baseline=at >= asked)
        for at, one in enumerate(inputs)
    ]


def is_incomplete(found: Discovery) -> bool:
    """Whether something that was asked for could not be read."""
    return any(one.unread and not one.unread.startswith("a copy of ") for one in found.sources)
