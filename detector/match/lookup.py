"""One value without a log around it: which service it belongs to, and what it would prove."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from detector.events import Kind, Stage
from detector.match.hosts import target_of
from detector.match.index import Index, Tier
from detector.match.mail import MailIndex, sender_domain
from detector.match.stages import Request, best

if TYPE_CHECKING:
    from detector.signatures import Ruleset


_ADDRESS = re.compile(r"(?:mailto:)?([^/?#\\:]*@[^/?#\\:]*)(?:\?.*)?", re.IGNORECASE | re.DOTALL)
"""A mail address, and what a ``mailto:`` may append; an ``@`` behind a port, a path or a query makes no address."""


class Found(NamedTuple):
    """What a value belongs to.

    Attributes:
        service: the service's id.
        category: the service's category.
        indicator: the id of the best indicator.
        stage: what it would prove.
        tier: ``direct``, or ``proxied`` behind a session proxy's name.
    """

    service: str
    category: str
    indicator: str
    stage: str
    tier: str


class Lookup:
    """A ruleset, ready to be asked for single values."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._hosts = Index(ruleset)
        self._mail = MailIndex(ruleset)

    def of(self, value: str) -> Found | None:
        """The service of a host, URL, ``host:port`` or mail address; ``None`` for no service."""
        if self._hosts.is_unknown(value):
            return None
        if "@" in value and (address := _ADDRESS.fullmatch(value)):
            return self._of_address(address[1])
        target = target_of(value)
        candidates = self._hosts.candidates(target.host) if target.host else None
        if candidates is None:
            return None
        request = Request(Kind.PROXY, None, target, "", 0, None, 0)
        indicator = best(candidates, request)
        if indicator is None:
            return None
        return self._found(indicator.service, indicator.id, indicator.stage, candidates.tier)

    def _of_address(self, address: str) -> Found | None:
        domain = sender_domain(address)
        service = self._mail.service_of(domain)
        if service is None:
            return None
        return self._found(service, f"{service}:mail:{domain}", Stage.CONTACTED, Tier.DIRECT)

    def _found(self, service: str, indicator: str, stage: Stage, tier: Tier) -> Found:
        return Found(service, self._ruleset[service].category, indicator, stage.value, tier.value)
