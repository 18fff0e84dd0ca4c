"""Which indicators a host leads to: dictionaries of labels, walked from the longest suffix to the shortest.

Longest match wins; an exact host beats a pattern, a pattern beats a suffix, a path beats them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from detector.match.hosts import normalise
from detector.signatures import IndicatorKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.signatures import Indicator, Ruleset, Thresholds

_PLAIN = re.compile(r"[a-z0-9._-]*[a-z0-9_-]")
"""What is already spelled as hosts are, if it is one."""
MEMORY_LIMIT = 200_000
"""Hosts whose answer is remembered; the memory is emptied when it is full, so that it never grows with the log."""


class Tier(StrEnum):
    """Whether a name was asked for itself or through a proxy that carries it in its own name."""

    DIRECT = "direct"
    PROXIED = "proxied"


@dataclass(frozen=True, slots=True)
class Candidates:
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

    def __post_init__(self) -> None:
        for indicator in self.ruleset.indicators():
            if "*" in indicator.host:
                tail = ".".join(indicator.host.rsplit(".", 2)[-2:])
                self._patterns.setdefault(tail, []).append((_pattern(indicator.host), indicator))
            elif indicator.kind is IndicatorKind.SUFFIX:
                self._suffixes.setdefault(indicator.host, []).append(indicator)
            else:
                places = self._urls if indicator.kind is IndicatorKind.URL else self._exact
                places.setdefault(indicator.host, []).append(indicator)
        named = (self._exact, self._suffixes, self._urls, self._patterns)
        self._heads = self.ruleset.session_proxies.union(self.ruleset.translators, *named)

    def candidates(self, host: str) -> Candidates | None:
        """What a host as a log writes it leads to, ``None`` for nothing."""
        memory = self._memory
        if host in memory:
            return memory[host]
        if len(memory) >= MEMORY_LIMIT:
            memory.clear()
        found = memory[host] = self._find(host)
        return found

    def _find(self, raw: str) -> Candidates | None:
        if _PLAIN.fullmatch(raw):  # nearly every host of a log, told in a quarter of the time
            heads, rest, at = self._heads, raw, 0
            while rest not in heads:
                at = raw.find(".", at) + 1
                if not at:
                    return None
                rest = raw[at:]
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
        tail = ".".join(host.rsplit(".", 2)[-2:])
        for pattern, indicator in self._patterns.get(tail, ()):
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


def _suffixes_of(host: str) -> Iterator[str]:
    """The host itself, then without its first label, and so on."""
    yield host
    at = host.find(".")
    while at >= 0:
        yield host[at + 1 :]
        at = host.find(".", at + 1)


def _pattern(value: str) -> re.Pattern[str]:
    return re.compile(re.escape(value).replace(r"\*", "[^.]*"))
