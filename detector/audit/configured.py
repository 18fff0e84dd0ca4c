"""What a configuration says: the site's own log formats, what its sources are, the key of its pseudonyms."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from detector.audit.plan import Site
from detector.errors import UsageError
from detector.formats import Formats
from detector.grammars.feed import Feed, feed_format
from detector.permissions import others_may_read

if TYPE_CHECKING:
    from pathlib import Path

    from detector import config

KEY_BYTES = 16
"""A shorter key could be tried out."""


def formats_of(configured: config.Config | None) -> Formats:
    """The formats of this program and those that the site defines, by name.

    Raises:
        UsageError: a feed names a column or a time pattern that does not exist.
    """
    if configured is None or not configured.formats:
        return Formats()
    return Formats({name: feed_format(name, _feed(feed)) for name, feed in configured.formats.items()})


def site_of_source(source: config.Source, formats: Formats) -> Site:
    """What a configuration says about the logs of a source.

    Raises:
        UsageError: no such format.
    """
    return Site(
        log_format=formats.named(source.format) if source.format else None,
        zone=ZoneInfo(source.timezone),
        date_order=source.date_order,
        options=source.options,
        gap_s=source.max_silence_s,
        source=source.name,
    )


def read_key(path: Path) -> bytes:
    """The key of the pseudonyms.

    Raises:
        UsageError: it cannot be read, is too short, or others may read it.
    """
    try:
        status, key = path.stat(), path.read_bytes().strip()
    except OSError as fault:
        raise UsageError(f"{path}: the key of the pseudonyms cannot be read: {fault.strerror}") from None
    if others_may_read(status):
        raise UsageError(f"{path}: others may read the key: chmod 600 it")
    if len(key) < KEY_BYTES:
        raise UsageError(f"{path}: the key must have at least {KEY_BYTES} bytes: openssl rand -hex 32 makes one")
    return key


def _feed(feed: config.Feed) -> Feed:
    return Feed(
        kind=feed.kind,
        syntax=feed.syntax,
        fields=feed.fields,
        columns=tuple(feed.columns),
        delimiter=feed.delimiter,
        quote=feed.quote,
        pair_separator=feed.pair_separator,
        value_separator=feed.value_separator,
        time=feed.time,
        denied={name: [value] if isinstance(value, str) else value for name, value in feed.denied.items()},
        challenge={name: [value] if isinstance(value, str) else value for name, value in feed.challenge.items()},
        constants=feed.constants,
    )
