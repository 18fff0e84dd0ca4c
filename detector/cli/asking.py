"""One call of a command that asks logs, or the store: its options, and what they turn into, each loaded once."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
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
    site_of,
    standard_input_as_file,
)
from detector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.audit import Input, Terms
    from detector.cli.evidence import Asked
    from detector.config import Config
    from detector.formats import Formats
    from detector.identity import People, References
    from detector.policy import Policy
    from detector.signatures import Ruleset, Signature

EXIT_INCOMPLETE = 4


class Asking:
    """One call; a command has its own, or its own kind of it.

    Attributes:
        paths: of logs, as they were named.
        options: by the names of their parameters; those that a command does not have count as not given.
    """

    def __init__(self, paths: Sequence[str], options: Mapping[str, object]) -> None:
        self.paths = paths
        self.options = options

    def text(self, name: str) -> str:
        """An option's text, empty where it is not given."""
        return str(self.options.get(name) or "")

    def path(self, name: str) -> Path | None:
        """An option's file, ``None`` where it is not given."""
        chosen = self.options.get(name)
        return chosen if isinstance(chosen, Path) else None

    def many(self, name: str) -> list[str]:
        """What an option that may be given several times was given."""
        chosen = self.options.get(name)
        return [str(one) for one in chosen] if isinstance(chosen, tuple) else []

    def is_set(self, name: str) -> bool:
        """Whether a flag is set."""
        return bool(self.options.get(name))

    @cached_property
    def config(self) -> Config | None:
        """The configuration, ``None`` where none was named."""
        return load_config(self.path("config_path"))

    @cached_property
    def formats(self) -> Formats:
        """Log formats, the site's own too."""
        return all_formats(self.config)

    @cached_property
    def ruleset(self) -> Ruleset:
        """The signatures."""
        return load_ruleset([Path(one) for one in self.many("signature_paths")], self.config)

    @cached_property
    def people(self) -> People | None:
        """The directory, ``None`` for none."""
        return load_people(self.path("people_path"), self.config, self.text("timezone"))

    @cached_property
    def policy(self) -> Policy:
        """The organisation's decisions."""
        return load_policy(self.path("policy_path"), self.config)

    @cached_property
    def references(self) -> References:
        """Which case somebody worked on when."""
        return load_cases(self.path("cases_path"))

    def signature(self, service: str) -> Signature:
        """The signature of a service.

        Raises:
            UsageError: there is none.
        """
        if service not in self.ruleset:
            raise UsageError(f"no service is called {service!r}: `shadowit signatures list` shows them all")
        return self.ruleset[service]

    def window(self) -> tuple[int | None, int | None]:
        """(since, until) that is asked for, each ``None`` where nothing is.

        Raises:
            UsageError: one is no time, or nothing lies between them.
        """
        since, until = instant(self.text("since"), "--since"), instant(self.text("until"), "--until")
        if since is not None and until is not None and since >= until:
            raise UsageError("--since must be before --until: nothing lies between them")
        return since, until

    @property
    def jobs(self) -> int:
        """Worker processes."""
        jobs = self.options.get("jobs")
        return jobs if isinstance(jobs, int) else len(os.sched_getaffinity(0))

    def key(self) -> bytes | None:
        """The key of the pseudonyms, ``None`` when names are shown."""
        return key_of(self.options.get("names"), self.config)

    def terms(self, services: Iterable[str] = (), *, key: bytes | None = None, keep: bool = False) -> Terms:
        """How an audit is to be done.

        Args:
            services: ids of those that are asked about, none for all.
            key: of the pseudonyms.
            keep: keep every sighting.
        """
        from detector.audit import Terms
        from detector.scan import Settings

        since, until = self.window()
        return Terms(
            version=__version__,
            settings=Settings(since=since, until=until),
            services=frozenset(services),
            key=key,
            jobs=self.jobs,
            engine=self.text("engine"),
            people=self.people,
            policy=self.policy,
            references=self.references,
            keep=keep,
        )

    def asked(self, services: Iterable[str]) -> Asked:
        """What is asked of logs, or of the store, about services."""
        from detector.cli.evidence import Asked

        since, until = self.window()
        terms, people = self.terms(services, keep=True), self.people
        cases = terms.references if people is None else terms.references.named_by(people)
        return Asked(since, until, self.ruleset, terms, cases, self.shows_progress(), self.path("config_path"))

    @contextlib.contextmanager
    def inputs(self) -> Iterator[list[Input]]:
        """The planned logs: those that are named, else those of the configuration's sources."""
        from detector.audit import plan

        site = site_of(self.text("input_format"), self.text("timezone"), self.formats)
        with standard_input_as_file(self.paths, self.config) as standard_input:
            yield plan(asked_logs(self.paths, site, self.config, self.formats, standard_input), self.formats)

    def shows_progress(self) -> bool:
        """Whether a terminal is told how far reading has come."""
        return sys.stderr.isatty() and not (self.is_set("no_progress") or self.is_set("quiet"))

    @contextlib.contextmanager
    def progress(self, inputs: Sequence[Input]) -> Iterator[Callable[[int], None]]:
        """What is told bytes as they are read."""
        if not self.shows_progress():
            yield _told_to_nobody
            return
        from detector.cli.progress import shown

        with shown(inputs) as advance:
            yield advance

    def say(self, message: str) -> None:
        """Tell a person, unless they want it quiet."""
        from detector.report.text import visible

        if not self.is_set("quiet"):
            click.echo(f"shadowit: {visible(message)}", err=True)

    def write(self, *pieces: str) -> None:
        """Write to the file that is asked for, else to standard output."""
        self.write_all(pieces)

    def write_all(self, pieces: Iterable[str]) -> None:
        """The same of a text that is made piece by piece."""
        output = self.path("output")
        if output is not None:
            written(output, pieces)
            self.say(f"wrote {output}")
            return
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()


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
    try:
        if path.exists() and not path.is_file():
            _write(path, pieces)
        else:
            _replace(path, pieces)
    except OSError as fault:
        raise UsageError(f"{path}: cannot be written: {fault.strerror}") from None


def _write(path: Path, pieces: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(pieces)


def _replace(path: Path, pieces: Iterable[str]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write(temporary, pieces)
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


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


def _told_to_nobody(_bytes: int) -> None:
    """Progress on a pipe."""
