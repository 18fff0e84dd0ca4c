"""The site's own feeds of a configuration as log formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.grammars.feed import Feed, feed_format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector import config
    from detector.events import LogFormat


def feed_formats(feeds: Mapping[str, config.Feed]) -> dict[str, LogFormat]:
    """A log format for each feed, by name.

    Raises:
        UsageError: a feed names a column or a time pattern that does not exist.
    """
    return {name: feed_format(name, _feed(feed)) for name, feed in feeds.items()}


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
