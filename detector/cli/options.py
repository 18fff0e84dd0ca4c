"""Options that several commands share, and what they turn into."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

import click

from detector.errors import UsageError

if TYPE_CHECKING:
    from detector.audit import Site
    from detector.audit.plan import Named
    from detector.config import Config
    from detector.formats import Formats
    from detector.identity import People, References
    from detector.policy import Policy
    from detector.signatures import Ruleset

Command = TypeVar("Command", bound=Callable[..., object])


def reading(command: Command) -> Command:
    """Options of commands that read logs."""
    for option in (
        click.option("--input-format", "input_format", metavar="NAME", default="",
                     help="What the logs are, instead of telling by content: a name from `shadowit formats`, with a "
                          "site's own settings after a colon: 'squid:logformat=%ts.%03tu %>a …'."),
        click.option("--timezone", metavar="ZONE", default="", help="Zone of time stamps that carry none [UTC]."),
        click.option("-c", "--config", "config_path", type=click.Path(path_type=Path, dir_okay=False), default=None,
                     help="Configuration with the site's sources and own formats."),
    ):  # fmt: skip
        command = option(command)
    return command


def with_workers(command: Command) -> Command:
    """Options of commands that go through many logs at once, and tell how far they have come."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors."),
        click.option("--no-progress", is_flag=True, help="Show no progress (there is none on a pipe)."),
        click.option("--engine", default="", metavar="NAME", help="serial or processes [by size]."),
        click.option("--jobs", type=click.IntRange(1), default=None, help="Worker processes [number of cores]."),
    ):
        command = option(command)
    return command


def with_names(command: Command) -> Command:
    """The option that says whether people are named."""
    return click.option(
        "--names/--no-names", "names", default=None,
        help="Show people by name, or as keyed pseudonyms [by name, but where the configuration says otherwise].",
    )(command)  # fmt: skip


def with_output(command: Command) -> Command:
    """The option that names a file to write to."""
    return click.option(
        "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help="Write there, not to stdout.",
    )(command)  # fmt: skip


def with_signatures(command: Command) -> Command:
    """The option that names signatures."""
    return click.option(
        "--signatures", "signature_paths", multiple=True, type=click.Path(path_type=Path), metavar="PATH",
        help="Folder or file of signatures; may be given several times [the catalogue that comes with shadowit].",
    )(command)  # fmt: skip


def with_policy(command: Command) -> Command:
    """The option that names a policy."""
    return click.option(
        "--policy", "policy_path", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="FILE",
        help="The organisation's decisions; verdicts are judged by them [the configuration's policy, else none].",
    )(command)  # fmt: skip


def with_people(command: Command) -> Command:
    """The option that names the directory."""
    return click.option(
        "--people", "people_path", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="FILE",
        help="The organisation's people, CSV (id, name, mails, accounts, unit, valid_from, valid_until) or LDIF "
             "[the configuration's people, else none].",
    )(command)  # fmt: skip


def with_cases(command: Command) -> Command:
    """The option that names a list of cases."""
    return click.option(
        "--cases", "cases_path", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="FILE",
        help="Who worked on which case when, CSV (who, from, until, reference): for approvals that need one.",
    )(command)  # fmt: skip


def load_cases(path: Path | None) -> References:
    """Which case somebody worked on when; no cases where no file is named.

    Raises:
        UsageError: the file cannot be read.
        InvalidFile: it is not what it should be.
    """
    from detector.identity.references import References, read

    if path is None:
        return References()
    try:
        return read(path.read_text(encoding="utf-8-sig"), str(path))
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path}: cannot be read: {getattr(fault, 'strerror', None) or 'is not UTF-8'}") from None


def load_config(path: Path | None) -> Config | None:
    """The configuration, ``None`` when none was named."""
    if path is None:
        return None
    from detector import config

    return config.load(path)


def load_ruleset(paths: Sequence[Path], config: Config | None) -> Ruleset:
    """The signatures that were named, else those of the configuration, else the own catalogue."""
    from detector import signatures

    return signatures.load(tuple(paths) or tuple(config.signatures if config else ()))


def load_policy(path: Path | None, config: Config | None) -> Policy:
    """The policy that was named, else that of the configuration, else one without decisions."""
    from detector import policy

    path = path or (config.policy if config else None)
    return policy.EMPTY if path is None else policy.load(path)


def load_people(path: Path | None, config: Config | None, timezone: str = "") -> People | None:
    """The directory that was named, else that of the configuration, else none.

    Args:
        path: of the command line.
        config: the configuration, if one was named.
        timezone: of days in the directory, empty for UTC.
    """
    path = path or (config.people if config else None)
    if path is None:
        return None
    from detector import identity

    return identity.load(path, zone_of(timezone or "UTC"))


def all_formats(config: Config | None) -> Formats:
    """The formats of this program and those that the site defines, by name."""
    from detector.audit.configured import formats_of

    return formats_of(config)


def site_of(input_format: str, timezone: str, formats: Formats) -> Site:
    """What options say about the logs.

    Raises:
        UsageError: no such format or zone.
    """
    from detector.audit import Site

    name, _, settings = input_format.partition(":")
    options = dict([settings.split("=", 1)]) if "=" in settings else {}
    if settings and not options:
        raise UsageError(f"--input-format {input_format}: settings are written name:key=value")
    log_format = formats.named(name) if name else None
    return Site(log_format=log_format, zone=zone_of(timezone) if timezone else None, options=options)


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name.

    Raises:
        UsageError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        raise UsageError(f"{name!r} is no time zone: write one like America/Edmonton or UTC") from None


def asked_logs(
    paths: Sequence[str], site: Site, config: Config | None, formats: Formats, standard_input: str = ""
) -> list[Named]:
    """The paths of the command line, or, when there are none, the sources of the configuration.

    Args:
        paths: of the command line.
        site: what its options say.
        config: the configuration, if one was named.
        formats: by name.
        standard_input: the file that holds what came in, see ``standard_input_as_file``.

    Raises:
        UsageError: neither names a log.
    """
    from detector.audit.configured import site_of_source
    from detector.audit.plan import Named

    def named_as(path: str, site: Site) -> Named:
        return Named([standard_input], site, label="-") if path == "-" else Named([path], site)

    if paths:
        return [named_as(path, site) for path in dict.fromkeys(paths)]
    if config is None or not config.sources:
        raise UsageError("no logs: name files, folders, globs or - for standard input (or a --config with sources)")
    named = []
    for source in config.sources:
        own = site_of_source(source, formats)
        named += [named_as(path, own) for path in source.paths]
    return named


@contextlib.contextmanager
def standard_input_as_file(paths: Sequence[str], config: Config | None) -> Iterator[str]:
    """The name of a file with what came in, when ``-`` is among the logs: a log is looked at before it is read.

    The file has no name in any folder, so that nothing of it stays behind, however this process ends.
    """
    if "-" not in (paths or [path for source in (config.sources if config else ()) for path in source.paths]):
        yield ""
        return
    import shutil
    import sys
    import tempfile

    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(sys.stdin.buffer, file, 1024 * 1024)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"
