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

from detector import __version__
from detector.cli.audit import EXIT_INCOMPLETE, instant, written
from detector.cli.kept import asker, granted, with_asker, with_grant, writer_of
from detector.cli.options import (
    all_formats,
    asked_logs,
    load_cases,
    load_config,
    load_people,
    load_policy,
    load_ruleset,
    reading,
    site_of,
    standard_input_as_file,
    with_cases,
    with_people,
    with_policy,
    with_signatures,
)
from detector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.answers import Answer, Evidence, HandedIn, Origin, Question
    from detector.cli.evidence import Asked
    from detector.config import Config
    from detector.events import Kind
    from detector.formats import Formats
    from detector.identity import People
    from detector.report.answer import Showing
    from detector.signatures import Ruleset, Signature

_KINDS = ("proxy", "dns", "mail")
_STAGES = ("resolved", "visited", "signed_up", "signed_in", "used", "uploaded")


@click.command(
    epilog="Examples: shadowit answer clearview-ai /archive --since 2019-11-01 --until 2020-03-01 -- "
    "shadowit answer clearview-ai -c shadowit.yml --for public -f html -o statement.html"
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
              metavar="FILE", help="What people said, CSV (person,statement,date): put beside the logs.")  # fmt: skip
@click.option("-f", "--format", "output_format", type=click.Choice(("table", "json", "html", "md")), default="table",
              help="Output [table].")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write there, not to stdout.")
@click.option("--jobs", type=click.IntRange(1), default=None, help="Worker processes [number of cores].")
@click.option("--engine", default="", metavar="NAME", help="serial or processes [by size].")
@click.option("--no-progress", is_flag=True, help="Show no progress (there is none on a pipe).")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")
def command(service: str, paths: tuple[str, ...], **options: object) -> int:
    """Answer whether anybody signed up for a service or used it, and what the answer stands on.

    With PATHs (or a configuration whose store is not there yet) logs are read now; with a configuration alone the
    daemon's store answers. The outcome is FOUND, NOT OBSERVED (coverage met), NOT OBSERVED (coverage short) or CANNOT
    SAY; the exit status is 4 where coverage is short.
    """
    return Asking(service, paths, options).run()


class Asking:
    """One call of a command that asks about a service."""

    def __init__(self, service: str, paths: Sequence[str], options: dict[str, object]) -> None:
        self.service = service
        self.paths = paths
        self.options = options

    def text(self, name: str) -> str:
        """An option's text, empty where it is not given."""
        return str(self.options[name] or "")

    def path(self, name: str) -> Path | None:
        """An option's file, ``None`` where it is not given."""
        chosen = self.options[name]
        return chosen if isinstance(chosen, Path) else None

    def run(self) -> int:
        """Answer and write; the exit status."""
        config = load_config(self.path("config_path"))
        chosen = self.options["signature_paths"]
        named = [Path(str(one)) for one in chosen] if isinstance(chosen, tuple) else []
        ruleset = load_ruleset(named, config)
        if self.service not in ruleset:
            raise UsageError(f"no service is called {self.service!r}: `shadowit signatures list` shows them all")
        showing = self.showing(config)
        evidence, origin = self.evidence(config, all_formats(config), self.asked(config, ruleset))
        if origin.is_store and showing.names and self.path("grant_path") is None:
            raise UsageError("the store holds pseudonyms only: name a --grant, which `shadowit reveal --save` makes")
        if not origin.is_store and self.path("grant_path") is not None:
            raise UsageError("--grant is for answers of the store: here logs are read, which hold the names")
        if origin.is_store:
            showing = replace(showing, units=self.units(config, evidence.ledger.window.until))
        evidence = replace(evidence, handed_in=self.handed_in(config, is_store=origin.is_store))
        answer = self.answered(ruleset[self.service], evidence, origin)
        if config is not None and showing.names and origin.is_store:
            showing = self.revealed(answer, config, showing)
        self.write(answer, showing)
        return 0 if answer.is_covered else EXIT_INCOMPLETE

    def asked(self, config: Config | None, ruleset: Ruleset) -> Asked:
        """What the options ask for."""
        from detector.audit import Terms
        from detector.cli.evidence import Asked
        from detector.scan import Settings

        since, until = instant(self.text("since"), "--since"), instant(self.text("until"), "--until")
        if since is not None and until is not None and since >= until:
            raise UsageError("--since must be before --until: nothing lies between them")
        jobs = self.options["jobs"]
        people = self.people(config)
        references = load_cases(self.path("cases_path"))
        terms = Terms(
            version=__version__,
            settings=Settings(since=since, until=until),
            services=frozenset({self.service}),
            jobs=jobs if isinstance(jobs, int) else len(os.sched_getaffinity(0)),
            engine=self.text("engine"),
            people=people,
            policy=load_policy(self.path("policy_path"), config),
            references=references,
            keep=True,
        )
        is_shown = not self.options["no_progress"] and not self.options["quiet"]
        cases = references if people is None else references.named_by(people)
        return Asked(since, until, ruleset, terms, cases, is_shown, self.path("config_path"))

    def evidence(self, config: Config | None, formats: Formats, asked: Asked) -> tuple[Evidence, Origin]:
        """The evidence of the logs that are named, else of the store."""
        from detector.audit import plan
        from detector.cli import evidence

        if not self.paths and config is not None and evidence.has_store(config):
            return evidence.of_store(config, formats, asked)
        site = site_of(self.text("input_format"), self.text("timezone"), formats)
        with standard_input_as_file(self.paths, config) as standard_input:
            inputs = plan(asked_logs(self.paths, site, config, formats, standard_input), formats)
            return evidence.of_logs(inputs, asked)

    def people(self, config: Config | None) -> People | None:
        """The directory."""
        return load_people(self.path("people_path"), config, self.text("timezone"))

    def units(self, config: Config | None, until: int) -> frozenset[str]:
        """Units that may stand beside a pseudonym: of at least k people at the end of the window."""
        people = self.people(config)
        sizes = Counter(one.unit for one in people.entries if one.bounds[0] < until <= one.bounds[1]) if people else {}
        least = config.privacy.k if config else 0
        return frozenset(unit for unit, size in sizes.items() if size >= least)

    def handed_in(self, config: Config | None, *, is_store: bool) -> HandedIn:
        """A vendor's list and people's statements."""
        from detector.answers import HandedIn, statements, vendor
        from detector.cli.evidence import who_of

        listed, said = self.path("vendor_path"), self.path("statements_path")
        if listed is None and said is None:
            return HandedIn()
        key_file = config.privacy.key_file if config and is_store else None
        return HandedIn(
            accounts=None if listed is None else vendor.read(_content(listed), str(listed)),
            statements=() if said is None else statements.read(_content(said), str(said)),
            who=who_of(self.people(config), key_file, is_store=is_store),
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

    def showing(self, config: Config | None) -> Showing:
        """How the options want it shown."""
        from detector.audit.configured import read_key
        from detector.report.answer import Reader, Showing

        names, reader = bool(self.options["names"]), Reader(self.text("reader"))
        if names and reader is not Reader.INTERNAL:
            raise UsageError(f"--names is for the internal reader: answers for {reader.value} readers hold no names")
        if names and not self.text("purpose").strip():
            raise UsageError("--names needs --purpose: what the names are for is printed with the answer")
        key_file = config.privacy.key_file if config else None
        return Showing(
            reader=reader,
            names=names,
            purpose=self.text("purpose").strip(),
            key=None if names or key_file is None else read_key(key_file),
            people=self.people(config) if names else None,
            k=config.privacy.k if config else 5,
        )

    def revealed(self, answer: Answer, config: Config, showing: Showing) -> Showing:
        """With the names of a grant; that they are shown is logged before."""
        wanted = [one.actor.name for one in (*answer.found, *answer.traces)]
        path = self.path("grant_path")
        if path is None or not wanted:
            return showing
        with writer_of(config) as store:
            shown = granted(store, path, wanted, asker(self.text("by")), is_partial=True)
        case = f"{showing.purpose} (names under reveal {shown.granted.number}, case {shown.granted.case})"
        return replace(showing, purpose=case, revealed={name: one.name for name, one in shown.actors.items()})

    def write(self, answer: Answer, showing: Showing) -> None:
        """Write the answer where the options say."""
        from detector.report.answer import render

        output = self.options["output"]
        on_terminal = output is None and sys.stdout.isatty()
        colour = on_terminal and not os.environ.get("NO_COLOR")
        width = shutil.get_terminal_size().columns if on_terminal else 120
        text = render(answer, showing, self.text("output_format"), colour=colour, width=width)
        if isinstance(output, Path):
            written(output, text)
            if not self.options["quiet"]:
                click.echo(f"shadowit: wrote {output}", err=True)
        else:
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
            sys.stdout.buffer.flush()


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
