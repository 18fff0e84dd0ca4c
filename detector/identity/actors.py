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
    if sighting.account:
        return _attribution(ActorKind.ACCOUNT, sighting.account)
    if sighting.mailbox:
        return _attribution(ActorKind.MAILBOX, sighting.mailbox)
    if sighting.address:
        return _attribution(ActorKind.ADDRESS, sighting.address)
    return _NOBODY


@lru_cache(maxsize=8192)
def _attribution(kind: ActorKind, name: str) -> Attribution:
    return Attribution(Actor(kind, lower(name)), GRADES[kind])


_NOBODY = Attribution(Actor(ActorKind.UNKNOWN, "unknown"), GRADES[ActorKind.UNKNOWN])


def pseudonym(actor: Actor, key: bytes) -> str:
    """A stable name for an actor, HMAC-SHA-256: without the key it cannot be undone by trying the staff list.

    >>> pseudonym(Actor(ActorKind.ACCOUNT, "u1042"), b"k") == pseudonym(Actor(ActorKind.ACCOUNT, "u1042"), b"k")
    True
    """
    digest = hmac.new(key, f"{actor.kind}\0{actor.name}".encode(), hashlib.sha256).hexdigest()
    return f"p-{digest[:PSEUDONYM_DIGITS]}"
