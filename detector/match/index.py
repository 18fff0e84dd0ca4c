"""Which indicators a host leads to: dictionaries of labels, walked from the longest suffix to the shortest.

Longest match wins; an exact host beats a pattern, a pattern beats a suffix, a path beats them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from detector.match.hosts import normalise
from detector.signatures import IndicatorKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.signatures import Indicator, Ruleset, Thresholds

_ODD = re.compile(r"[^a-z0-9._-]")
"""What does not stand in a host that is already spelled as hosts are, but for its final dot."""
MEMORY_LIMIT = 200_000
"""Hosts whose answer is remembered; the memory is emptied when it is full, so that it never grows with the log."""


class Tier(StrEnum):
    """Whether a name was asked for itself or through a proxy that carries it in its own name."""

    DIRECT = "direct"
    PROXIED = "proxied"


class Candidates(NamedTuple):
    """Indicators that a host leads to, best first.

    Attributes:
        urls: those that also need a path, longest path first.
        hosts: those that need no more: exact, patterns, suffixes from long to short.
        tier: how the name was asked for.
        host: the name that was matched (behind a session proxy: the one in front).
        thresholds: of the service of the best one.
        is_timeless: no indicator began or ceased to count at some time.
        is_particular: what a request proves depends on more than its host, method, status and action.
    """

    urls: tuple[Indicator, ...]
    hosts: tuple[Indicator, ...]
    tier: Tier
    host: str
    thresholds: Thresholds
    is_timeless: bool
    is_particular: bool


@dataclass(slots=True)
class Index:
    """A ruleset's hosts, ready to be asked; remembers its answers."""

    ruleset: Ruleset
    _exact: dict[str, list[Indicator]] = field(default_factory=dict)
    _suffixes: dict[str, list[Indicator]] = field(default_factory=dict)
    _urls: dict[str, list[Indicator]] = field(default_factory=dict)
    _patterns: dict[str, list[tuple[re.Pattern[str], Indicator]]] = field(default_factory=dict)
    _memory: dict[str, Candidates | None] = field(default_factory=dict)
    _heads: frozenset[str] = frozenset()
    _tails: frozenset[str] | None = None

    def __post_init__(self) -> None:
        for indicator in self.ruleset.indicators():
            if "*" in indicator.host:
                self._patterns.setdefault(_tail(indicator.host), []).append((_pattern(indicator.host), indicator))
            elif indicator.kind is IndicatorKind.SUFFIX:
                self._suffixes.setdefault(indicator.host, []).append(indicator)
            else:
                places = self._urls if indicator.kind is IndicatorKind.URL else self._exact
                places.setdefault(indicator.host, []).append(indicator)
        named = (self._exact, self._suffixes, self._urls, self._patterns)
        self._heads = self.ruleset.session_proxies.union(self.ruleset.translators, *named)
        if all("." in head for head in self._heads):
            tails = {_tail(head) for head in self._heads}
            self._tails = frozenset(tails | {f"{tail.partition('.')[2]}." for tail in tails})

    def candidates(self, host: str) -> Candidates | None:
        """What a host as a log writes it leads to, ``None`` for nothing."""
        memory = self._memory
        if host in memory:
            return memory[host]
        if self.is_unknown(host):
            return None
        if len(memory) >= MEMORY_LIMIT:
            memory.clear()
        found = memory[host] = self._find(host)
        return found

    def is_unknown(self, raw: str) -> bool:
        """Whether a host as nearly every log writes it leads to nothing, told before it is spelled anew.

        ``False`` decides nothing. The last two labels tell most, at a fifth of the cost; of a host with a final dot
        these are the last label.
        """
        if _ODD.search(raw) is not None:
            return False
        at = raw.rfind(".")
        if at > 0 and (tails := self._tails) is not None and raw[raw.rfind(".", 0, at) + 1 :] not in tails:
            return True
        rest, at, heads = raw, 0, self._heads
        while rest not in heads:
            at = raw.find(".", at) + 1
            if not at:
                return not raw.endswith(".")
            rest = raw[at:]
        return False

    def _find(self, raw: str) -> Candidates | None:
        host = normalise(raw)
        if host is None:
            return None
        if found := self._collect(host, Tier.DIRECT):
            return found
        inner = self._behind(host)
        return None if inner is None else self._collect(inner, Tier.PROXIED)

    def _collect(self, host: str, tier: Tier) -> Candidates | None:
        urls = list(self._urls.get(host, ()))
        hosts = list(self._exact.get(host, ()))
        for pattern, indicator in self._patterns.get(_tail(host), ()):
            if pattern.fullmatch(host):
                (urls if indicator.kind is IndicatorKind.URL else hosts).append(indicator)
        for suffix in _suffixes_of(host):
            hosts.extend(self._suffixes.get(suffix, ()))
        if not urls and not hosts:
            return None
        urls.sort(key=lambda indicator: (-len(indicator.path), -len(indicator.query), indicator.id))
        thresholds = self.ruleset[(hosts or urls)[0].service].thresholds
        is_timeless = all(one.valid_from is None and one.valid_until is None for one in (*urls, *hosts))
        return Candidates(tuple(urls), tuple(hosts), tier, host, thresholds, is_timeless, bool(urls) or not is_timeless)

    def _behind(self, host: str) -> str | None:
        """The host in front of a session proxy's or translator's own name."""
        for suffix in _suffixes_of(host):
            if suffix == host:
                continue
            front = host[: -len(suffix) - 1]
            if suffix in self.ruleset.session_proxies:
                return front
            if suffix in self.ruleset.translators:
                return front.replace("--", "\0").replace("-", ".").replace("\0", "-")
        return None


def _tail(host: str) -> str:
    """The last two labels."""
    return host[host.rfind(".", 0, max(host.rfind("."), 0)) + 1 :]


def _suffixes_of(host: str) -> Iterator[str]:
    """The host itself, then without its first label, and so on."""
    yield host
    at = host.find(".")
    while at >= 0:
        yield host[at + 1 :]
        at = host.find(".", at + 1)


def _pattern(value: str) -> re.Pattern[str]:
    return re.compile(re.escape(value).replace(r"\*", "[^.]*"))
