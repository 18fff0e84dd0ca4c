"""Which hosts are no news: catalogued services, shared data, what `left_out.yml` names, the organisation's own domains.

A host is reduced to its registrable domain by the public suffix list that comes with tldextract, once per unique host;
a tenant of a platform (``vendor.github.io``) is a domain of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from detector import documents
from detector.errors import InvalidFile
from detector.match import Index, normalise
from detector.signatures import checks, own_folder
from detector.signatures.schema import Host, Strict, Text
from detector.signatures.suffixes import registered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from detector.signatures import Ruleset

LEFT_OUT = "left_out.yml"
MEMORY_LIMIT = 200_000
"""Hosts that are remembered; the memory is emptied when it is full, so that it never grows with the log."""


class Group(Strict):
    """Domains that are left out for one reason."""

    reason: Text
    domains: list[Host]


class TopLevel(Strict):
    """Endings below which no service lives, such as ``arpa``."""

    reason: Text
    endings: list[Text]


class LeftOutFile(Strict):
    """``left_out.yml``: what no organisation would call a service that somebody signed up for."""

    schema_version: Literal["1"]
    groups: list[Group]
    endings: TopLevel


def load_left_out(paths: Sequence[Path] = ()) -> frozenset[str]:
    """The suffixes of ``left_out.yml`` of the last folder that has one, else of the own catalogue.

    Raises:
        InvalidFile: it is not what its schema says.
    """
    path = next((one / LEFT_OUT for one in reversed(paths) if (one / LEFT_OUT).is_file()), own_folder() / LEFT_OUT)
    document = documents.read(path)
    found, problems = checks.against(LeftOutFile, document)
    if found is None:
        raise InvalidFile(problems)
    return frozenset(found["endings"]["endings"]).union(*(group["domains"] for group in found["groups"]))


@dataclass(slots=True)
class Leaving:
    """Tells news from what is no news.

    Attributes:
        ruleset: the catalogue.
        left_out: suffixes that are no news.
        own: the organisation's own domains.
    """

    ruleset: Ruleset
    left_out: frozenset[str]
    own: frozenset[str] = frozenset()
    _suffixes: frozenset[str] = frozenset()
    _known: frozenset[str] = frozenset()
    _index: Index = field(init=False)
    _memory: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._index = Index(self.ruleset)
        self._suffixes = self.left_out | self.own
        catalogued = {registered(one.host) for one in self.ruleset.indicators() if "*" not in one.host}
        senders = {registered(domain) for one in self.ruleset.signatures for domain in one.mail.domains}
        self._known = frozenset(catalogued | senders | self.ruleset.shared_hosts)

    def news(self, host: str) -> str | None:
        """The registrable domain of a host as a log writes it, ``None`` where it is no news or no domain."""
        try:
            return self._memory[host]
        except KeyError:
            if len(self._memory) >= MEMORY_LIMIT:
                self._memory.clear()
            found = self._memory[host] = self._find(host)
            return found

    def _find(self, raw: str) -> str | None:
        host = normalise(raw)
        domain = registered(host) if host is not None else ""
        if host is None or not domain or domain in self._known or self._is_left_out(host):
            return None
        return domain if self._index.candidates(host) is None else None

    def _is_left_out(self, host: str) -> bool:
        rest, at, suffixes = host, 0, self._suffixes
        while rest not in suffixes:
            at = host.find(".", at) + 1
            if not at:
                return False
            rest = host[at:]
        return True


def suffixes_named(domains: Iterable[str]) -> frozenset[str]:
    """Domains as a person writes them, normalised; what is no domain is left out."""
    return frozenset(host for domain in domains if (host := normalise(domain.strip().removeprefix("."))))
