"""What goes into a discovery and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.events import Dialect, LogFormat
    from detector.sources import Segment


@dataclass(frozen=True, slots=True)
class Log:
    """One log to look through.

    Attributes:
        segment: the whole log.
        size: bytes on disk.
        log_format: what it is, ``None`` when nothing reads it.
        dialect: with what the site and the head of the log say.
        unread: why it is not read, empty when it is.
        copy_of: the log whose copy it is, empty when it is none.
        is_baseline: it only tells which domains are old.
    """

    segment: Segment
    size: int
    log_format: LogFormat | None
    dialect: Dialect
    unread: str = ""
    copy_of: str = ""
    is_baseline: bool = False

    @property
    def is_read(self) -> bool:
        """Whether its lines are looked at."""
        return self.log_format is not None and not self.unread and not self.copy_of


@dataclass(slots=True)
class Source:
    """What was read of one log.

    Attributes:
        path: the log.
        format: its format's name, empty when nothing reads it.
        bytes: read, decompressed.
        lines: read.
        parsed: lines that had to be parsed in full; the others were read at a glance.
        unparsed: lines of those that are not what their format says.
        unread: why not all of it was read, empty when it was.
        is_baseline: it only tells which domains are old.
    """

    path: str
    format: str = ""
    bytes: int = 0
    lines: int = 0
    parsed: int = 0
    unparsed: int = 0
    unread: str = ""
    is_baseline: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One domain that may be a service nobody has reviewed.

    Attributes:
        domain: the registrable domain.
        score: higher is more worth a look; made of the reasons.
        reasons: in words.
        hosts: below the domain, at most 20, ascending.
        people: actors that asked for it, by name or pseudonym, ascending.
        mailboxes: that got its sign-up mail, by name or pseudonym, ascending.
        first_seen: microseconds since the epoch, ``None`` where no line tells.
        last_seen: as ``first_seen``.
        days: with a request or a mail.
        requests: lines.
        denied: requests that the device refused.
        bytes_sent: by the clients, of requests that were not refused.
        methods: HTTP methods, ascending.
        formats: of the logs that hold it, ascending.
    """

    domain: str
    score: int
    reasons: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ()
    first_seen: int | None = None
    last_seen: int | None = None
    days: int = 0
    requests: int = 0
    denied: int = 0
    bytes_sent: int = 0
    methods: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a discovery found.

    Attributes:
        rows: best first.
        sources: what was read, by path.
        ruleset: digest of the catalogue.
        since: start of the window, ``None`` for the beginning.
        until: end of the window, ``None`` for the end.
        people: actors in the window, of all logs.
        domains: unknown domains in the window.
        rare: of those, new ones that few people asked for.
        looked: of those, the ones that were looked at line by line.
        names: people are shown by name, not as pseudonyms.
        dated: a window or a baseline says what came before, so that "new" means something.
    """

    rows: tuple[Row, ...]
    sources: tuple[Source, ...]
    ruleset: str
    since: int | None = None
    until: int | None = None
    people: int = 0
    domains: int = 0
    rare: int = 0
    looked: int = 0
    names: bool = True
    dated: bool = False
