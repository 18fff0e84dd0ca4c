"""Who a sighting belongs to, and what stands for the name where names may not be shown."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.grammars.values import lower
from detector.match import Actor, ActorKind, Attribution

if TYPE_CHECKING:
    from detector.match import Sighting


GRADES = {
    ActorKind.PERSON: "high",
    ActorKind.ACCOUNT: "high",
    ActorKind.MAILBOX: "medium",
    ActorKind.ADDRESS: "low",
    ActorKind.UNKNOWN: "low",
}
"""How surely an actor is one person: an authenticated user, a mailbox (mail *to* somebody is not *by* somebody), an
address that others may have had."""

PSEUDONYM_DIGITS = 16


def attribute(sighting: Sighting) -> Attribution:
    r"""Whom a sighting belongs to: the account if the device knew one, else the mailbox, else the address.

    An account counts without its directory prefix's case: ``CORP\\U1042`` and ``corp\\u1042`` are one.
    """
    return _attribution(sighting.account, sighting.mailbox, sighting.address)


@lru_cache(maxsize=16_384)
def _attribution(account: str, mailbox: str, address: str) -> Attribution:
    kind, name = ActorKind.UNKNOWN, "unknown"
    if account:
        kind, name = ActorKind.ACCOUNT, lower(account)
    elif mailbox:
        kind, name = ActorKind.MAILBOX, lower(mailbox)
    elif address:
        kind, name = ActorKind.ADDRESS, lower(address)
    return Attribution(Actor(kind, name), GRADES[kind])


def pseudonym(actor: Actor, key: bytes) -> str:
    """A stable name for an actor, HMAC-SHA-256: without the key it cannot be undone by trying the staff list.

    >>> pseudonym(Actor(ActorKind.ACCOUNT, "u1042"), b"k") == pseudonym(Actor(ActorKind.ACCOUNT, "u1042"), b"k")
    True
    """
    digest = hmac.new(key, f"{actor.kind}\0{actor.name}".encode(), hashlib.sha256).hexdigest()
    return f"p-{digest[:PSEUDONYM_DIGITS]}"
