"""``shadowit audit``: who used which service, from logs, in one go."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from detector.cli.asking import EXIT_INCOMPLETE, Asking
from detector.cli.examples import examples
from detector.cli.options import (
    reading,
    with_cases,
    with_names,
    with_output,
    with_people,
    with_policy,
    with_signatures,
    with_workers,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.report import Report, Writer

EXIT_FOUND = 1
_COLLECT = 100_000, 50, 100
"""How seldom cycles of dead objects are looked for: an audit makes none, but many rows that would be looked through."""
_TURN_S = 0.0005
"""How long the thread that decompresses may have to wait for the interpreter's lock."""
_PART_BYTES = 16 * 1024 * 1024
"""While a child decompresses there is time to judge what was found so far: little of it is left for the end."""
_FORMATS = ("table", "json", "jsonl", "csv", "md", "html")


@click.command(
    epilog=examples(
        "shadowit audit /var/log/squid '/archive/dns/*.gz' mail.log",
        "zcat old.gz | shadowit audit - -f json --since 2020-02-01 --service clearview-ai",
    )
)
@click.argument("paths", nargs=-1, metavar="PATH...")
@reading
@with_signatures
@with_policy
@with_cases
@with_people
@click.option("-f", "--format", "output_format", type=click.Choice(_FORMATS), default="table", help="Output [table].")
@with_output
@click.option("--since", default="", metavar="TIME", help="Leave out what was before (ISO 8601, UTC unless it says).")
@click.option("--until", default="", metavar="TIME", help="Leave out what was at or after this time.")
@click.option(
    "--service", "services", multiple=True, metavar="ID", help="Only this service; may be given several times."
)
@with_names
@click.option("--fail-on", type=click.Choice(("never", "unapproved", "any")), default="never",
              help="Exit with 1 when there are such findings [never]; unapproved: the policy says that they are "
                   "unapproved or after an order (without a policy nothing is approved).")  # fmt: skip
@click.option("--require-coverage", type=click.FloatRange(0, 100), default=0.0, metavar="PCT",
              help="Exit with 4 when the logs of a kind cover less of the window.")  # fmt: skip
@click.option("--max-unparsed", type=click.FloatRange(0, 100), default=10.0, metavar="PCT",
              help="Exit with 4 when more lines of a log are not what its format says [10].")  # fmt: skip
@with_workers
@click.option("-v", "--verbose", is_flag=True, help="Say what each log was read as.")
def command(paths: tuple[str, ...], **options: object) -> int:
    """Find every use of and sign-up for the catalogued services in logs.

    PATH is a file, a folder, a glob or - for standard input; gz, zst, bz2, xz and zip are unpacked on the way, formats
    are told by content. Without --config nothing needs to be set up.
    """
    return _Run(paths, options).run()


class _Run(Asking):
    """One call of the command."""

    def run(self) -> int:
        gc.set_threshold(*_COLLECT)
        sys.setswitchinterval(_TURN_S)
        from detector.audit import audit
        from detector.report import writer_named

        writer = writer_named(self.text("output_format"))
        terms = self.terms(self.many("services"), key=self.key())
        if (begun := click.get_current_context().obj) is not None:
            terms = replace(terms, settings=replace(terms.settings, begun=begun, part_bytes=_PART_BYTES))
        with self.inputs() as inputs, self.progress(inputs) as advance:
            report = audit(inputs, self.ruleset, terms, advance)
        self.show(report, writer)
        return self.status(report)

    def show(self, report: Report, writer: Writer) -> None:
        """Write the report, and say what each log was read as."""
        on_terminal = self.path("output") is None and sys.stdout.isatty()
        colour = on_terminal and not os.environ.get("NO_COLOR")
        width = shutil.get_terminal_size().columns if on_terminal else 120
        self.write_all(writer.pieces(report, colour=colour, width=width))
        if self.is_set("verbose"):
            for source in report.sources:
                self.say(f"{source.path}: {source.format or 'not read'}, {source.lines} lines{_list(source.notes)}")

    def status(self, report: Report) -> int:
        """The exit status; incomplete evidence outranks findings."""
        from detector.coverage import covered_share

        shortcomings = [f"{one.path}: {one.unread}" for one in report.sources if one.unread]
        limit, wanted = float(self.text("max_unparsed")), float(self.text("require_coverage") or 0)
        for source in report.sources:
            share = 100 * source.unparsed / max(source.parsed + source.unparsed, 1)
            if share > limit:
                shortcomings.append(f"{source.path}: {share:.1f} % of the lines looked at are not {source.format}")
        shares = covered_share(
            [(one.kind, one.spans) for one in report.sources if one.kind], report.since, report.until
        )
        for kind, part in shares.items():
            if 100 * part < wanted:
                shortcomings.append(f"{kind} logs cover {100 * part:.1f} % of the window, {wanted:g} % are required")
        if wanted and not shares:
            shortcomings.append(f"no log covers any of the window, {wanted:g} % are required")
        for shortcoming in shortcomings:
            self.say(f"incomplete: {shortcoming}")
        if shortcomings:
            return EXIT_INCOMPLETE
        return EXIT_FOUND if self.is_failed(report) else 0

    def is_failed(self, report: Report) -> bool:
        """Whether there are findings at ``--fail-on``; without a policy nothing is approved."""
        from detector.policy import Verdict

        if self.text("fail_on") == "never":
            return False
        if self.text("fail_on") == "any" or not report.policy:
            return bool(report.findings)
        return any(Verdict(one.verdict).weight >= Verdict.UNAPPROVED.weight for one in report.findings)


def _list(notes: Sequence[str]) -> str:
    return "".join(f"; {note}" for note in notes)
