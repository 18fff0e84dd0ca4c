"""What the sample of a log says about the log: which columns it fills, who writes into it, what it cannot see.

The sample is what is parsed in any case (every line of the first 64 KiB, the first of each cell behind), so it costs
nothing to speak of, and is the same whatever the prefilter, the chunk size or the number of workers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.events import Col, Kind

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from detector.events import EventBatch, Value

HEAD_BYTES = 64 * 1024
"""At the start of a log, of which every line belongs to the sample."""
RESOLVERS = frozenset({
    "dns.google", "dns64.dns.google", "8888.google", "cloudflare-dns.com", "one.one.one.one",
    "chrome.cloudflare-dns.com",
    "mozilla.cloudflare-dns.com", "security.cloudflare-dns.com", "family.cloudflare-dns.com", "dns.quad9.net",
    "dns9.quad9.net", "dns10.quad9.net", "dns11.quad9.net", "doh.opendns.com", "doh.familyshield.opendns.com",
    "dns.umbrella.com", "dns.nextdns.io", "firefox.dns.nextdns.io", "chromium.dns.nextdns.io", "dns.adguard.com",
    "dns.adguard-dns.com", "unfiltered.adguard-dns.com", "family.adguard-dns.com", "doh.cleanbrowsing.org",
    "dns.controld.com", "freedns.controld.com", "dns.mullvad.net", "doh.dns.sb", "doh.xfinity.com",
    "private.canadianshield.cira.ca",
    "protected.canadianshield.cira.ca", "family.canadianshield.cira.ca", "dns.apple.com", "doh.dns.apple.com",
    "mask.icloud.com", "mask-h2.icloud.com",
})  # fmt: skip
"""Public resolvers that answer over HTTPS, and relays that hide names: who asks them asks no resolver of the site.

Reference: https://github.com/curl/curl/wiki/DNS-over-HTTPS (unverified from here)
"""
HIDDEN_NAMES = frozenset({"cloudflare-ech.com", "crypto.cloudflare.com"})
"""Outer names of connections that hide the inner one (ECH).

Reference: https://datatracker.ietf.org/doc/draft-ietf-tls-esni/ (unverified from here)
"""
_HOSTS = (Col.DOMAIN, Col.SERVER_NAME, Col.QUESTION)
_is_address = re.compile(r"[\d.]+|\[?[0-9a-f.]*:[0-9a-f:.%]*\]?", re.IGNORECASE).fullmatch


@dataclass(frozen=True, slots=True)
class Sample:
    """The lines of a sample, summed up; adding is associative and commutative.

    Attributes:
        events: lines that are events.
        kinds: what they watch.
        columns: filled by at least one of them.
        flows: requests and connections (of proxies and of name-reading devices).
        nameless: those of them that name no host, only an address.
        resolvers: events that ask for a public resolver over HTTPS or a relay.
        hidden: events whose name is the outer one of a hidden name.
        accounts: user names, as written, in lower case.
        backward: how far the last line of a cell lies before its first one, in microseconds, at most.
    """

    events: int = 0
    kinds: frozenset[Kind] = frozenset()
    columns: frozenset[Col] = frozenset()
    flows: int = 0
    nameless: int = 0
    resolvers: int = 0
    hidden: int = 0
    accounts: frozenset[str] = frozenset()
    backward: int = 0

    def __add__(self, other: Sample) -> Sample:
        return Sample(
            self.events + other.events,
            self.kinds | other.kinds,
            self.columns | other.columns,
            self.flows + other.flows,
            self.nameless + other.nameless,
            self.resolvers + other.resolvers,
            self.hidden + other.hidden,
            self.accounts | other.accounts,
            max(self.backward, other.backward),
        )


NOTHING = Sample()
"""Of a log of which nothing was looked at."""


def sample_of(batch: EventBatch, starts: Container[int]) -> Sample:
    """Sum up the events of a batch that belong to the sample.

    Args:
        batch: some events of one log.
        starts: offsets of lines that begin a cell.
    """
    places = [at for at, offset in enumerate(batch.offsets) if offset < HEAD_BYTES or offset in starts]
    if not places:
        return NOTHING
    count = len(places)
    cells = {name: [column[at] for at in places] for name, column in batch.columns.items()}
    kinds = [Kind(str(kind)) if kind else batch.kind for kind in cells.get(Col.KIND, [None] * count)]
    hosts = list(_hosts(cells, count))
    flows = [host for host, kind in zip(hosts, kinds, strict=True) if kind is Kind.PROXY]
    return Sample(
        events=count,
        kinds=frozenset(kinds),
        columns=frozenset(name for name, column in cells.items() if any(cell not in (None, "") for cell in column)),
        flows=len(flows),
        nameless=sum(not host or _is_address(host) is not None for host in flows),
        resolvers=sum(host in RESOLVERS for host in hosts),
        hidden=sum(host in HIDDEN_NAMES for host in hosts),
        accounts=frozenset(str(user).lower() for user in cells.get(Col.USER, ()) if user),
    )


def _hosts(cells: Mapping[Col, Sequence[Value | None]], count: int) -> Iterator[str]:
    """The name that each event asks for; of several the first that is a name, empty where there is none."""
    columns = [cells[name] for name in _HOSTS if name in cells]
    for index in range(count):
        named = [str(cell).lower() for column in columns if (cell := column[index])]
        yield next((one for one in named if not _is_address(one)), named[0] if named else "")
