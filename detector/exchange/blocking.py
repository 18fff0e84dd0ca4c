"""What a block list may hold: whole hosts and suffixes that nobody else shares, each once.

A block list may leave out, must never hold a shared host: blocking one shuts out everybody who lives there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.exchange.selection import known_names
from detector.signatures import Attribution, IndicatorKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from detector.exchange.selection import Selection
    from detector.signatures import Indicator


_LEFT = {
    "address": "only a path tells the service from its neighbours",
    "pattern": "the host is a pattern",
    "shared": "the host is shared, or holds a shared host below it",
}
"""Why an indicator is not blocked."""


@dataclass(frozen=True, slots=True)
class BlockList:
    """What is blocked, what is not, and what comes with it.

    Attributes:
        suffixes: domains that are blocked with everything below them; none is below another.
        hosts: exact hosts that are blocked; none is below a suffix.
        head: sentences for the list's first lines.
        names: whole hosts for formats that know no subdomains: hosts, suffixes, ``www.`` and product hosts.
    """

    suffixes: tuple[str, ...]
    hosts: tuple[str, ...]
    names: tuple[str, ...]
    head: tuple[str, ...]

    def comment(self, mark: str) -> str:
        """The head as comment lines."""
        return "".join(f"{mark} {line}".rstrip() + "\n" for line in self.head)


def block_list(selection: Selection) -> BlockList:
    """The block list of a selection."""
    shared = selection.ruleset.shared_hosts
    suffixes: set[str] = set()
    hosts: set[str] = set()
    names: set[str] = set()
    left: dict[str, list[Indicator]] = {"address": [], "pattern": [], "shared": []}
    portfolio: list[str] = []
    products: list[str] = []
    for signature, one in selection.valid():
        if reason := _reason(one, shared):
            left[reason].append(one)
            continue
        (suffixes if one.kind is IndicatorKind.SUFFIX else hosts).add(one.host)
        names.update(known_names(signature, one))
        if below := known_names(signature, one)[2:]:
            products.append(f"{one.host}: {', '.join(below)}")
        if one.kind is IndicatorKind.SUFFIX and signature.attribution is Attribution.VENDOR_PORTFOLIO:
            portfolio.append(f"{one.host} ({signature.vendor})")
    suffixes = {one for one in suffixes if not is_below(one, suffixes)}
    hosts = {one for one in hosts if one not in suffixes and not is_below(one, suffixes)}
    parts = (tuple(sorted(suffixes)), tuple(sorted(hosts)))
    head = tuple(_head(selection, parts, left, (portfolio, products)))
    return BlockList(*parts, names=tuple(sorted(names - shared)), head=head)


def is_below(host: str, suffixes: Collection[str]) -> bool:
    """Whether a host lies below one of the suffixes (is not one itself).

    >>> is_below("app.clearview.ai", {"clearview.ai"}), is_below("notclearview.ai", {"clearview.ai"})
    (True, False)
    """
    _, _, rest = host.partition(".")
    while rest:
        if rest in suffixes:
            return True
        _, _, rest = rest.partition(".")
    return False


def _reason(one: Indicator, shared: frozenset[str]) -> str:
    """Why an indicator may not be blocked, empty when it may."""
    if one.kind is IndicatorKind.URL:
        return "address"
    if one.kind is IndicatorKind.HOST_PATTERN:
        return "pattern"
    holds_shared = one.kind is IndicatorKind.SUFFIX and any(is_below(host, {one.host}) for host in shared)
    return "shared" if one.host in shared or holds_shared else ""


def _head(
    selection: Selection, parts: tuple[tuple[str, ...], tuple[str, ...]], left: dict[str, list[Indicator]],
    wide: tuple[list[str], list[str]],
) -> Iterator[str]:  # fmt: skip
    suffixes, hosts = parts
    yield f"shadowit block list, {selection.day}, ruleset {selection.ruleset.digest[:12]}"
    yield f"{len(selection.services)} services, {len(suffixes)} suffixes, {len(hosts)} single hosts"
    yield "A suffix also blocks everything else below it, not only the product: the vendor's public site,"
    yield "documentation, trust and status pages, and the pages on which a person closes an account."
    portfolio, products = wide
    yield from _named("suffixes of which the product itself is only on these hosts", sorted(products))
    yield from _named("suffixes of vendors with several products, which are blocked with them", sorted(portfolio))
    yield from _named("services that were not asked for and are blocked too", _caught(selection, suffixes))
    blocked = {*suffixes, *hosts}
    whole = [one for found in left.values() for one in found if one.host in blocked or is_below(one.host, suffixes)]
    yield f"{len(whole)} addresses, patterns and hosts that are blocked whole, by one of the suffixes or hosts"
    for reason, title in _LEFT.items():
        yield from _named(f"left out, because {title}", sorted(one.id for one in left[reason] if one not in whole))


def _named(title: str, found: list[str]) -> Iterator[str]:
    yield f"{len(found)} {title}{':' if found else ''}"
    yield from (f"  {one}" for one in found)


def _caught(selection: Selection, suffixes: Collection[str]) -> list[str]:
    """Other services of which something lies below a blocked suffix."""
    found: dict[str, str] = {}
    for one in selection.ruleset.indicators():
        if one.service not in selection.services and (one.host in suffixes or is_below(one.host, suffixes)):
            found.setdefault(one.service, one.host)
    return [f"{service} ({host})" for service, host in sorted(found.items())]
