"""Who is at an address, kept up to date from logs of leases and logins that grow.

The logs that lie there are read whole when the program begins, and read on where they were left at every pass: nothing
of them is kept but stays, and those only while their log lies there. A sighting belongs to whom these logs say at the
pass in which it is read; what a log of logins says later changes nothing that is kept.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from detector.audit.identities import IDENTITY_KINDS, Followed
from detector.audit.plan import Named, plan
from detector.errors import UnreadableSource
from detector.identity import Occupancies, People, Resolver, attribute
from detector.scan import Settings
from detector.sources import Compression, DamagedStream, Framing, find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from detector.audit.plan import Input, Site
    from detector.config import Source
    from detector.daemon.inforce import InForce
    from detector.formats import Formats
    from detector.identity import Stays
    from detector.match import Attribute

HEAD_BYTES = 256
"""Bytes at the head of a log that must be as before for it to be read on."""
_BLOCK_BYTES = 64 * 1024


class _Seen(NamedTuple):
    """What a file was when it was looked at."""

    size: int
    modified: int


@dataclass(slots=True)
class _Log:
    """One file of leases or logins; its streams are several only in an archive.

    Attributes:
        planned: the streams.
        followed: each as far as it was read.
        stays: that they tell.
        seen: the file when it was read, ``None`` before.
        head: its first bytes then.
        offset: behind the last line that was read of a plain file.
    """

    planned: list[Input]
    followed: list[Followed]
    stays: tuple[Stays, ...] = ()
    seen: _Seen | None = None
    head: bytes = b""
    offset: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether it can be read on in the middle."""
        segment = self.planned[0].segment
        plain = segment.compression is Compression.NONE and segment.framing is Framing.LINES
        return plain and not segment.is_recoded


@dataclass(slots=True)
class Whereabouts:
    """What logs of leases and logins have told so far."""

    _logs: dict[tuple[str, int, int], _Log] = field(default_factory=dict)
    _others: dict[str, Site] = field(default_factory=dict)
    _people: People | None = None
    _attribute: Attribute | None = None

    def attribute(self, force: InForce, progressed: Callable[[], None]) -> Attribute:
        """Whom sightings belong to, by the directory and by what the logs say now.

        Args:
            force: names the logs and the directory.
            progressed: told again and again while logs are read: a sign of life.
        """
        changed = []
        for source in force.config.sources:
            site = force.sites[source.name]
            if site.log_format is None or site.log_format.kind in IDENTITY_KINDS:
                changed.append(self._look(source, site, force.formats, progressed))
        if self._attribute is None or any(changed) or force.people is not self._people:
            self._people = force.people
            self._attribute = attribute
            if self._logs or force.people is not None:
                stays = (one for log in self._logs.values() for one in log.stays)
                self._attribute = Resolver(force.people or People(()), Occupancies(stays))
        return self._attribute

    def _look(self, source: Source, site: Site, formats: Formats, progressed: Callable[[], None]) -> bool:
        """Read what is new of a source; whether there was anything. Sources that turn out to be others are passed."""
        name, changed = source.name, False
        if self._others.get(name) == site:
            return False
        there = set()
        for path in find(source.paths).paths:
            with contextlib.suppress(OSError, UnreadableSource):  # the pass over the source says so
                status = os.stat(path)  # noqa: PTH116 - the name stays as the person wrote it
                key, seen = (name, status.st_dev, status.st_ino), _Seen(status.st_size, status.st_mtime_ns)
                there.add(key)
                log = self._logs.get(key)
                if log is not None and log.seen == seen:
                    continue
                if log is None or not log.is_plain or not _goes_on(log, path):
                    planned = [one for one in plan([Named([path], site)], formats) if one.log_format and not one.unread]
                    if not planned:
                        continue
                    if any(one.log_format and one.log_format.kind not in IDENTITY_KINDS for one in planned):
                        self._others[name] = site
                        return False
                    log = self._logs[key] = _Log(planned, list(_followed(planned)))
                _read(log, path, seen, lambda _bytes: progressed())
                changed = True
        gone = [key for key in self._logs if key[0] == name and key not in there]
        for key in gone:
            del self._logs[key]
        return changed or bool(gone)


def _followed(planned: list[Input]) -> Iterator[Followed]:
    for one in planned:
        if one.log_format is not None:
            yield Followed(one.log_format, one.dialect)


def _goes_on(log: _Log, path: str) -> bool:
    """Whether a file still begins as it did, and is not shorter."""
    with open(path, "rb") as file:  # noqa: PTH123 - the name stays as the person wrote it
        return file.read(len(log.head)) == log.head and file.seek(0, os.SEEK_END) >= log.offset


def _read(log: _Log, path: str, seen: _Seen, advance: Callable[[int], None]) -> None:
    """Read what is new: of a plain file up to its last whole line, of others everything."""
    log.seen = seen
    stop = None
    if log.is_plain:
        with open(path, "rb") as file:  # noqa: PTH123 - as above
            log.head = file.read(HEAD_BYTES)
            stop = _last_line(file.fileno(), log.offset, seen.size)
        if stop == log.offset:
            return
    for one, followed in zip(log.planned, log.followed, strict=True):
        segment = one.segment._replace(path=path, start=log.offset if log.is_plain else 0, stop=stop)
        with contextlib.suppress(DamagedStream, UnreadableSource, OSError):  # what lies before the break counts
            followed.read(segment, Settings(), advance)
    log.offset = stop or 0
    log.stays = tuple(followed.stays() for followed in log.followed)


def _last_line(file: int, start: int, stop: int) -> int:
    """The offset behind the last newline between two offsets; the first of them where there is none."""
    while stop > start:
        begin = max(start, stop - _BLOCK_BYTES)
        found = os.pread(file, stop - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        stop = begin
    return start
