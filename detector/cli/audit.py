"""``shadowit audit``: who used which service, from logs, in one go."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detector import __version__
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
    from collections.abc import Iterable, Sequence

    from detector.audit import Input, Terms
    from detector.config import Config
    from detector.report.document import Report
    from detector.signatures import Ruleset

EXIT_FOUND = 1
EXIT_INCOMPLETE = 4
_COLLECT = 100_000, 50, 100
"""How seldom cycles of dead objects are looked for: an audit makes none, but many rows that would be looked through."""
_TURN_S = 0.0005
"""How long the thread that decompresses may have to wait for the interpreter's lock."""
_FORMATS = ("table", "json", "jsonl", "csv", "md", "html")


@click.command(
    epilog="Examples: shadowit audit /var/log/squid '/archive/dns/*.gz' mail.log -- "
    "zcat old.gz | shadowit audit - -f json --since 2020-02-01 --service clearview-ai"
)
@click.argument("paths", nargs=-1, metavar="PATH...")
@reading
@with_signatures
@with_policy
@with_cases
@with_people
@click.option("-f", "--format", "output_format", type=click.Choice(_FORMATS), default="table", help="Output [table].")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write there, not to stdout.")
@click.option("--since", default="", metavar="TIME", help="Leave out what was before (ISO 8601, UTC unless it says).")
@click.option("--until", default="", metavar="TIME", help="Leave out what was at or after this time.")
@click.option(
    "--service", "services", multiple=True, metavar="ID", help="Only this service; may be given several times."
)
@click.option("--names/--no-names", "names", default=None, help="Show actors by name, or as keyed pseudonyms.")
@click.option("--jobs", type=click.IntRange(1), default=None, help="Worker processes [number of cores].")
@click.option("--engine", default="", metavar="NAME", help="serial or processes [by size].")
@click.option("--fail-on", type=click.Choice(("never", "unapproved", "any")), default="never",
              help="Exit with 1 when there are such findings [never]; unapproved: the policy says that they are "
                   "unapproved or after an order (without a policy nothing is approved).")  # fmt: skip
@click.option("--require-coverage", type=click.FloatRange(0, 100), default=0.0, metavar="PCT",
              help="Exit with 4 when the logs of a kind cover less of the window.")  # fmt: skip
@click.option("--max-unparsed", type=click.FloatRange(0, 100), default=10.0, metavar="PCT",
              help="Exit with 4 when more lines of a log are not what its format says [10].")  # fmt: skip
@click.option("--no-progress", is_flag=True, help="Show no progress (there is none on a pipe).")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")
@click.option("-v", "--verbose", is_flag=True, help="Say what each log was read as.")
def command(paths: tuple[str, ...], **options: object) -> int:
    """Find every use of and sign-up for the catalogued services in logs.

    PATH is a file, a folder, a glob or - for standard input; gz, zst, bz2, xz and zip are unpacked on the way, formats
    are told by content. Without --config nothing needs to be set up.
    """
    return _Run(paths, options).run()


class _Run:
    """One call of the command."""

    def __init__(self, paths: Sequence[str], options: dict[str, object]) -> None:
        self.paths = paths
        self.options = options

    def text(self, name: str) -> str:
        return str(self.options[name] or "")

    def path(self, name: str) -> Path | None:
        chosen = self.options[name]
        return chosen if isinstance(chosen, Path) else None

    def run(self) -> int:
        gc.set_threshold(*_COLLECT)
        sys.setswitchinterval(_TURN_S)
        from detector.audit import plan

        config = load_config(self.path("config_path"))
        signature_paths = [Path(str(one)) for one in _many(self.options["signature_paths"])]
        ruleset = load_ruleset(signature_paths, config)
        formats = all_formats(config)
        terms = self.terms(config)
        site = site_of(self.text("input_format"), self.text("timezone"), formats)
        with standard_input_as_file(self.paths, config) as standard_input:
            inputs = plan(asked_logs(self.paths, site, config, formats, standard_input), formats)
            report = self.audited(inputs, ruleset, terms)
        self.write(report)
        return self.status(report)

    def terms(self, config: Config | None) -> Terms:
        from detector.audit import Terms
        from detector.scan import Settings

        jobs = self.options["jobs"]
        since, until = instant(self.text("since"), "--since"), instant(self.text("until"), "--until")
        if since is not None and until is not None and since >= until:
            raise UsageError("--since must be before --until: nothing lies between them")
        return Terms(
            version=__version__,
            settings=Settings(since=since, until=until),
            services=frozenset(str(one) for one in _many(self.options["services"])),
            key=key_of(self.options["names"], config),
            jobs=jobs if isinstance(jobs, int) else len(os.sched_getaffinity(0)),
            engine=self.text("engine"),
            people=load_people(self.path("people_path"), config, self.text("timezone")),
            policy=load_policy(self.path("policy_path"), config),
            references=load_cases(self.path("cases_path")),
        )

    def audited(self, inputs: Sequence[Input], ruleset: Ruleset, terms: Terms) -> Report:
        from detector.audit import audit

        if not sys.stderr.isatty() or self.options["no_progress"] or self.options["quiet"]:
            return audit(inputs, ruleset, terms)
        from detector.cli.progress import shown

        with shown(inputs) as advance:
            return audit(inputs, ruleset, terms, advance)

    def write(self, report: Report) -> None:
        from detector.report import writer_named

        output = self.options["output"]
        on_terminal = output is None and sys.stdout.isatty()
        colour = on_terminal and not os.environ.get("NO_COLOR")
        width = shutil.get_terminal_size().columns if on_terminal else 120
        pieces = writer_named(self.text("output_format")).pieces(report, colour=colour, width=width)
        if isinstance(output, Path):
            written(output, pieces)
            self.say(f"wrote {output}")
        else:
            for piece in pieces:
                sys.stdout.buffer.write(piece.encode("utf-8", "backslashreplace"))
            sys.stdout.buffer.flush()
        if self.options["verbose"]:
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

    def say(self, message: str) -> None:
        from detector.report.text import visible

        if not self.options["quiet"]:
            click.echo(f"shadowit: {visible(message)}", err=True)


def key_of(chosen: object, config: Config | None) -> bytes | None:
    """The key of the pseudonyms, ``None`` when names are shown.

    Args:
        chosen: what ``--names`` or ``--no-names`` say, ``None`` for neither.
        config: the configuration, if one was named.

    Raises:
        UsageError: pseudonyms are wanted and there is no key.
    """
    names = (config.privacy.names if config else True) if chosen is None else bool(chosen)
    if names:
        return None
    if config is None or config.privacy.key_file is None:
        raise UsageError("pseudonyms need a key: write privacy: {key_file: …} into a configuration (--config)")
    from detector.audit.configured import read_key

    return read_key(config.privacy.key_file)


def written(path: Path, pieces: Iterable[str]) -> None:
    """Write a file whole or not at all; what is no regular file (``/dev/null``, a pipe) is written into, not replaced.

    Raises:
        UsageError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(pieces)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(pieces)
        temporary.replace(path)
    except OSError as fault:
        raise UsageError(f"{path}: cannot be written: {fault.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _many(value: object) -> Sequence[object]:
    return value if isinstance(value, tuple) else ()


def _list(notes: Sequence[str]) -> str:
    return "".join(f"; {note}" for note in notes)


def instant(text: str, option: str) -> int | None:
    """The time that an option says, ``None`` for none.

    Raises:
        UsageError: it is no time.
    """
    from detector.events import from_iso

    if not text:
        return None
    try:
        return from_iso(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no time: write 2020-02-27 or 2020-02-27T10:00:00Z") from None
