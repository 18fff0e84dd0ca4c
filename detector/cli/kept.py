"""What commands that work on the store share: opening it, its findings as rows, who is asking, its tables."""

from __future__ import annotations

import getpass
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from detector.cli.options import load_config
from detector.errors import UsageError

if TYPE_CHECKING:
    from detector.config import Config
    from detector.identity import People
    from detector.report.document import FindingRow
    from detector.signatures import Ruleset
    from detector.store import Reader, Store
    from detector.store.grants import Shown

Command = TypeVar("Command", bound=Callable[..., object])


def with_config(command: Command) -> Command:
    """The option that names the configuration, and with it the store."""
    return click.option(
        "-c", "--config", "config_path", type=click.Path(path_type=Path, dir_okay=False), default=Path("shadowit.yml"),
        metavar="FILE", help="The configuration, which says where the store is [shadowit.yml].",
    )(command)  # fmt: skip


def with_asker(command: Command) -> Command:
    """Options of commands that are logged with who asked and why."""
    return click.option("--by", default="", metavar="NAME", help="Who does this [your account].")(command)


def config_of(path: Path) -> Config:
    """The configuration.

    Raises:
        UsageError: there is none.
    """
    if not path.exists():
        raise UsageError(f"{path}: there is no such configuration: name one with --config")
    config = load_config(path)
    if config is None:
        raise UsageError(f"{path}: there is no such configuration: name one with --config")
    return config


def reader_of(config: Config) -> Store:
    """The store, to be read while the daemon may be writing it."""
    from detector.store import Store

    return Store.open(config.store, writable=False)


def writer_of(config: Config) -> Store:
    """The store, to write single things beside the daemon."""
    from detector.store import Store

    return Store.open(config.store, writable=True, is_sole=False)


def finding_rows_of(
    store: Reader, config: Config, ruleset: Ruleset, people: People | None, *, service: str | None = None,
    since: int | None = None, until: int | None = None,
) -> tuple[list[FindingRow], dict[str, int]]:  # fmt: skip
    """Findings as an audit reports them, and how many there are of services that have no signature any more.

    Actors are pseudonyms; a unit shows only when the directory has at least k people in it.
    """
    from detector.audit.rows import finding_rows

    found = store.findings(ruleset, service, since, until)
    orphans = Counter(one.service for one in found if one.service not in ruleset)
    rows = finding_rows([one for one in found if one.service in ruleset], ruleset, None, None)
    shown = shown_units(people, config.privacy.k)
    return [
        row._replace(actor=row.actor._replace(name="", unit=row.actor.unit if row.actor.unit in shown else ""))
        for row in rows
    ], dict(orphans)


def shown_units(people: People | None, k: int) -> frozenset[str]:
    """Units with at least k people now."""
    at = now()
    entries = people.entries if people is not None else ()
    sizes = Counter(one.unit for one in entries if one.bounds[0] <= at < one.bounds[1])
    return frozenset(unit for unit, size in sizes.items() if size >= k)


def asker(named: str) -> str:
    """Who asks: as they say, else the account of this session.

    Raises:
        UsageError: neither is known.
    """
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise UsageError("nobody knows who you are: say it with --by") from None


def with_grant(command: Command) -> Command:
    """The options of commands that show the names of a grant."""
    return click.option(
        "--grant", "grant_path", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="FILE",
        help="With --names: show the names of this grant, from `shadowit reveal --save`, while it lasts.",
    )(command)  # fmt: skip


def granted(store: Store, path: Path, wanted: Sequence[str], by: str, *, is_partial: bool = False) -> Shown:
    """The names of a grant; that they are shown is on the disk.

    Args:
        store: open to write.
        path: of the grant's file.
        wanted: pseudonyms, nothing for all of the grant.
        by: who asks.
        is_partial: some of them need not be the grant's.

    Raises:
        InvalidFile: the file is no grant.
        UsageError: the grant is over, or does not cover that.
    """
    from detector.store import Use, grants

    return store.use_grant(grants.read_file(path), Use(tuple(wanted), by, now(), is_partial))


def span_of(text: str) -> int:
    """Microseconds of a time such as 30m, 8h or 2d.

    Raises:
        UsageError: it is none, or longer than a grant may last.
    """
    from detector.store.grants import LONGEST_US

    seconds = {"m": 60, "h": 3_600, "d": 86_400}.get(text[-1:], 0)
    number = text[:-1]
    span = int(number) * seconds * 1_000_000 if number.isdecimal() and len(number) <= 6 else 0
    if not 0 < span <= LONGEST_US:
        raise UsageError(f"--for {text}: write a time such as 30m, 8h or 2d, of 30 days at most")
    return span


def now() -> int:
    """Microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


def moment(instant: int | None) -> str:
    """An instant for a person, to the minute; a dash where there is none."""
    from detector.events import to_iso

    return "-" if instant is None else to_iso(instant)[:16].replace("T", " ")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, harmless on a terminal."""
    from detector.report.columns import columns

    for line in columns([tuple(heads), *rows]):
        click.echo(line)


def dumped(value: object) -> None:
    """Print a JSON document."""
    import sys

    import orjson

    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()
