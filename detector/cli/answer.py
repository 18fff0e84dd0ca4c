"""``shadowit answer``: did anybody sign up for a service or use it; for three readers, with what was read."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector.cli.asking import EXIT_INCOMPLETE, Asking
from detector.cli.examples import examples
from detector.cli.kept import asker, granted, with_asker, with_grant, writer_of
from detector.cli.options import (
    reading,
    with_cases,
    with_output,
    with_people,
    with_policy,
    with_signatures,
    with_workers,
)
from detector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.answers import Answer, Evidence, HandedIn, Origin, Question
    from detector.cli.evidence import Asked
    from detector.events import Kind
    from detector.report.answer import Showing
    from detector.signatures import Signature

_KINDS = ("proxy", "dns", "mail")
_STAGES = ("resolved", "visited", "signed_up", "signed_in", "used", "uploaded")


@click.command(
    epilog=examples(
        "shadowit answer clearview-ai /archive --since 2019-11-01 --until 2020-03-01",
        "shadowit answer clearview-ai -c shadowit.yml --for public -f html -o statement.html",
    )
)
@click.argument("service", metavar="SERVICE")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@reading
@with_signatures
@with_policy
@with_cases
@with_people
@click.option("--since", default="", metavar="TIME", help="Start of the time that is asked about [the first event].")
@click.option("--until", default="", metavar="TIME", help="End of it, not included [the last event].")
@click.option("--stage", type=click.Choice(_STAGES), default="signed_up",
              help="The lowest stage that counts as found; the rest is told as traces [signed_up].")  # fmt: skip
@click.option("--kinds", default="", metavar="KIND,...",
              help="Kinds of log that have to cover the time: proxy, dns, mail [those in which the service can "
                   "show].")  # fmt: skip
@click.option("--require-coverage", type=click.FloatRange(0, 100), default=95.0, metavar="PCT",
              help="Share of the time that each kind has to cover [95].")  # fmt: skip
@click.option("--for", "reader", type=click.Choice(("internal", "leadership", "public")), default="internal",
              help="Whom the answer is for: leadership sees no names and no logs, the public no person "
                   "[internal].")  # fmt: skip
@click.option("--names", is_flag=True, help="Show actors by name to the internal reader; needs --purpose.")
@with_grant
@with_asker
@click.option("--purpose", default="", metavar="TEXT", help="What the answer is for; printed with it.")
@click.option("--vendor-list", "vendor_path", type=click.Path(path_type=Path, dir_okay=False), default=None,
              metavar="FILE", help="The vendor's own accounts, CSV (organisation, e-mail, created, logins, searches, "
                                   "last login, last search): put beside the logs.")  # fmt: skip
@click.option("--statements", "statements_path", type=click.Path(path_type=Path, dir_okay=False), default=None,
              metavar="FILE", help="What people said, CSV (person, statement, date): put beside the logs.")  # fmt: skip
@click.option("-f", "--format", "output_format", type=click.Choice(("table", "json", "html", "md")), default="table",
              help="Output [table].")  # fmt: skip
@with_output
@with_workers
def command(service: str, paths: tuple[str, ...], **options: object) -> int:
    """Answer whether anybody signed up for SERVICE or used it, and what the answer stands on.

    SERVICE is an id, such as clearview-ai: `shadowit signatures list` shows them all. With PATHs (or a configuration
    whose store is not there yet) logs are read now; with a configuration alone the daemon's store answers.

    The outcome is FOUND, NOT OBSERVED (coverage met), NOT OBSERVED (coverage short) or CANNOT SAY; the exit status is
    4 where coverage is short.
    """
    return Answering(service, paths, options).run()


class Answering(Asking):
    """One call of a command that answers a question about a service."""

    def __init__(self, service: str, paths: Sequence[str], options: dict[str, object]) -> None:
        super().__init__(paths, options)
        self.service = service

    def run(self) -> int:
        """Answer and write; the exit status."""
        signature, showing = self.signature(self.service), self.showing()
        evidence, origin = self.evidence()
        grant_path = self.path("grant_path")
        if origin.is_store and showing.names and grant_path is None:
            raise UsageError("the store holds pseudonyms only: name a --grant, which `shadowit reveal --save` makes")
        if not origin.is_store and grant_path is not None:
            raise UsageError("--grant is for answers of the store: here logs are read, which hold the names")
        if origin.is_store:
            showing = replace(showing, units=self.units(evidence.ledger.window.until))
        evidence = replace(evidence, handed_in=self.handed_in(is_store=origin.is_store))
        answer = self.answered(signature, evidence, origin)
        if grant_path is not None and showing.names:
            showing = self.revealed(answer, grant_path, showing)
        self.show(answer, showing)
        return 0 if answer.is_covered else EXIT_INCOMPLETE

    def evidence(self) -> tuple[Evidence, Origin]:
        """The evidence of the logs that are named, else of the store."""
        from detector.cli import evidence

        asked = self.question_asked()
        if not self.paths and self.config is not None and evidence.has_store(self.config):
            return evidence.of_store(self.config, self.formats, asked)
        with self.inputs() as inputs:
            return evidence.of_logs(inputs, asked)

    def question_asked(self) -> Asked:
        """What is asked of logs, or of the store."""
        return replace(self.asked([self.service]), spread_of=self.signature(self.service))

    def units(self, until: int) -> frozenset[str]:
        """Units that may stand beside a pseudonym: of at least k people at the end of the window."""
        entries = self.people.entries if self.people is not None else ()
        sizes = Counter(one.unit for one in entries if one.bounds[0] < until <= one.bounds[1])
        least = self.config.privacy.k if self.config else 0
        return frozenset(unit for unit, size in sizes.items() if size >= least)

    def handed_in(self, *, is_store: bool) -> HandedIn:
        """A vendor's list and people's statements."""
        from detector.answers import HandedIn, statements, vendor
        from detector.cli.evidence import who_of

        listed, said = self.path("vendor_path"), self.path("statements_path")
        if listed is None and said is None:
            return HandedIn()
        key_file = self.config.privacy.key_file if self.config and is_store else None
        return HandedIn(
            accounts=None if listed is None else vendor.read(_content(listed), str(listed)),
            statements=() if said is None else statements.read(_content(said), str(said)),
            who=who_of(self.people, key_file, is_store=is_store),
        )

    def answered(self, service: Signature, evidence: Evidence, origin: Origin) -> Answer:
        """The answer that the evidence gives."""
        from detector.answers import answer

        return answer(self.question(service, evidence), service, evidence, origin)

    def question(self, service: Signature, evidence: Evidence) -> Question:
        """The question that the options ask."""
        from detector.answers import Question, kinds_of
        from detector.events import Stage

        return Question(
            service=service.id,
            window=evidence.ledger.window,
            needed=_kinds(self.text("kinds")) or kinds_of(service),
            stage=Stage(self.text("stage")),
            required=float(self.text("require_coverage") or 0) / 100,
            is_open=not (self.text("since") and self.text("until")),
        )

    def showing(self) -> Showing:
        """How the options want it shown."""
        from detector.audit.configured import read_key
        from detector.report.answer import Reader, Showing

        names, reader, purpose = self.is_set("names"), Reader(self.text("reader")), self.text("purpose").strip()
        if names and reader is not Reader.INTERNAL:
            raise UsageError(f"--names is for the internal reader: answers for {reader.value} readers hold no names")
        if names and not purpose:
            raise UsageError("--names needs --purpose: what the names are for is printed with the answer")
        if not names and self.path("grant_path") is not None:
            raise UsageError("--grant goes with --names: a grant shows names")
        key_file = self.config.privacy.key_file if self.config else None
        return Showing(
            reader=reader,
            names=names,
            purpose=purpose,
            key=None if names or key_file is None else read_key(key_file),
            people=self.people if names else None,
            k=self.config.privacy.k if self.config else 5,
        )

    def revealed(self, answer: Answer, grant_path: Path, showing: Showing) -> Showing:
        """With the names of a grant; that they are shown is logged before."""
        wanted = [one.actor.name for one in (*answer.found, *answer.traces)]
        if self.config is None or not wanted:
            return showing
        with writer_of(self.config) as store:
            shown = granted(store, grant_path, wanted, asker(self.text("by")), is_partial=True)
        purpose = f"{showing.purpose} (names under reveal {shown.granted.number}, case {shown.granted.case})"
        return replace(showing, purpose=purpose, revealed={name: one.name for name, one in shown.actors.items()})

    def show(self, answer: Answer, showing: Showing) -> None:
        """Write the answer where the options say."""
        from detector.report.answer import render

        on_terminal = self.path("output") is None and sys.stdout.isatty()
        colour = on_terminal and not os.environ.get("NO_COLOR")
        width = shutil.get_terminal_size().columns if on_terminal else 120
        self.write(render(answer, showing, self.text("output_format"), colour=colour, width=width))


def _kinds(text: str) -> frozenset[Kind]:
    """The kinds of log that an option names, none where it is empty.

    Raises:
        UsageError: there is no such kind.
    """
    from detector.events import Kind

    names = [one.strip() for one in text.split(",") if one.strip()]
    unknown = [one for one in names if one not in _KINDS]
    if unknown:
        raise UsageError(f"--kinds {text}: {unknown[0]!r} is none of {', '.join(_KINDS)}")
    return frozenset(map(Kind, names))


def _content(path: Path) -> str:
    """The text of a file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path}: cannot be read: {getattr(fault, 'strerror', None) or 'is not UTF-8'}") from None
