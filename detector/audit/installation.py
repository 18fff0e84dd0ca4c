"""Whether this installation works: each part of it tried once, in a temporary folder, with nothing but itself."""

from __future__ import annotations

import datetime as dt
import os
import platform
import secrets
import sqlite3
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from detector import __version__
from detector.audit.canary import proves
from detector.errors import InvalidFile, Problem, ShadowitError, StoreFault, UnreadableSource, UsageError
from detector.formats import format_named, format_names
from detector.match.embedded import failures
from detector.scan import Scanner
from detector.signatures import cache
from detector.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from detector.signatures import Ruleset

_SHOWN = 5
_SUMMER, _WINTER = dt.datetime(2020, 7, 1, tzinfo=dt.UTC), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_KNOWN = {"UTC": (0, 0), "America/Edmonton": (-6, -7), "Asia/Kolkata": (5.5, 5.5)}
"""Zone → hours ahead of UTC in summer and in winter 2020.

Reference: https://data.iana.org/time-zones/ (unverified from here)
"""


class State(StrEnum):
    """How a part was found."""

    SOUND = "sound"
    NOTED = "noted"
    """It works, and somebody should know something about it."""
    BROKEN = "broken"


class Tried(NamedTuple):
    """One part.

    Attributes:
        name: of the part.
        state: how it was found.
        said: what was seen, or what is wrong and what to do.
        status: exit status that it asks for, 0 where it is not broken.
    """

    name: str
    state: State
    said: str
    status: int = 0


class Noted(Exception):
    """A part works; the message says what somebody should know about it."""


def tried(name: str, part: Callable[[], str]) -> Tried:
    """Try one part; what is wrong with it is told, never raised.

    Args:
        name: of the part.
        part: gives what was seen.
    """
    try:
        return Tried(name, State.SOUND, part())
    except Noted as noted:
        return Tried(name, State.NOTED, str(noted))
    except InvalidFile as fault:
        return Tried(name, State.BROKEN, _few(map(str, fault.problems)), fault.exit_status)
    except ShadowitError as fault:
        return Tried(name, State.BROKEN, str(fault), fault.exit_status)
    except OSError as fault:
        said = f"{fault.filename}: {fault.strerror}" if fault.filename else str(fault.strerror or fault)
        return Tried(name, State.BROKEN, said, StoreFault.exit_status)


def program() -> str:
    """What runs, on what."""
    return f"shadowit {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"


def embedded(ruleset: Ruleset) -> str:
    """The tests that stand in the signatures.

    Raises:
        InvalidFile: one fails.
    """
    failed, total = failures(ruleset)
    if failed:
        raise InvalidFile([Problem(one.partition(":")[0], 0, 0, one.partition(": ")[2]) for one in failed])
    return f"all {total:,} tests of the signatures pass"


def canaries(ruleset: Ruleset) -> str:
    """A synthetic line of every format, through all rooms.

    Raises:
        UnreadableSource: one is not sighted.
    """
    scanner, names = Scanner(ruleset), format_names()
    missed = [name for name in names if not proves(scanner, format_named(name), ruleset)]
    if missed:
        raise UnreadableSource(_few(missed), "a synthetic line of the format is not sighted: nor would a real one be")
    return f"a synthetic line of each of {len(names)} formats is sighted"


def clock(now: int, ruleset: Ruleset) -> str:
    """Whether this machine's clock is not behind what it has.

    Raises:
        UsageError: it is.
    """
    today = dt.datetime.fromtimestamp(now / 1_000_000, dt.UTC).date().isoformat()
    newest = max((one.reviewed for one in ruleset.signatures if one.reviewed), default="")
    if today < newest:
        raise UsageError(f"the clock says {today}, but a signature was reviewed on {newest}: set the clock of this "
                         "machine, else orders, approvals and reveals are judged by a wrong time")  # fmt: skip
    return f"{today} UTC, not before the newest signature"


def zones() -> str:
    """Whether time zones are known, and right.

    Raises:
        UsageError: one is missing or wrong.
    """
    for name, hours in _KNOWN.items():
        try:
            zone = ZoneInfo(name)
        except (LookupError, OSError, ValueError):
            raise UsageError(f"time zone {name} is unknown: install tzdata") from None
        found = tuple((zone.utcoffset(at) or dt.timedelta()).total_seconds() / 3600 for at in (_SUMMER, _WINTER))
        if found != hours:
            raise UsageError(f"time zone {name} was {found} hours ahead of UTC, should be {hours}: renew tzdata")
    return f"zone data is there and right for {', '.join(_KNOWN)}"


def cached() -> str:
    """The private folder for what is slow to make.

    Raises:
        Noted: there is none; everything works without it.
    """
    folder, name, content = cache.folder(), f"selftest-{os.getpid()}", secrets.token_bytes(32)
    if folder is None:
        raise Noted("no folder that only this account may write (XDG_CACHE_HOME, else ~/.cache): every start is slower")
    cache.put(name, content)
    is_there = cache.get(name) == content
    (folder / name).unlink(missing_ok=True)
    if not is_there:
        raise Noted(f"{folder}: what is written there is not kept: every start is slower")
    return f"{folder}: only this account may write it; written and read back"


def durable(folder: Path) -> str:
    """Whether a folder takes what must be on the disk before anything else happens.

    Raises:
        OSError: it does not.
    """
    path, content = folder / f".selftest-{os.getpid()}", secrets.token_bytes(4096)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
        back = os.pread(handle, len(content), 0)
        below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.fsync(below)
        os.close(below)
    finally:
        os.close(handle)
        path.unlink()
    if back != content:
        raise StoreFault(f"{folder}: gave back other bytes than were written: look at its disk")
    return f"{folder}: written, on the disk, read back"


def stored(folder: Path, now: int) -> str:
    """Whether a store can be made, written, checked, copied and read by another one.

    Raises:
        StoreFault: it cannot.
    """
    url, value = f"sqlite:///{folder}/selftest.db", secrets.token_hex(8)
    with Store.open(url, writable=True, key=secrets.token_bytes(32)) as store:
        with store.batch(now) as batch:
            batch.note("selftest", value)
        with Store.open(url, writable=False) as reader:
            seen, faults = reader.fact("selftest"), reader.faults()
            size = reader.backup(folder / "copy.db")
    if seen != value or faults:
        raise StoreFault(_few([*faults, "" if seen == value else "a reader does not see what was written"]))
    return f"made, written, read through and copied ({size:,} bytes)"


def _few(texts: Iterable[str]) -> str:
    said = [one for one in texts if one]
    more = f"; and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return "; ".join(said[:_SHOWN]) + more
