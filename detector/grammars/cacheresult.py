"""What a squid-like proxy did with a request: the result code and the status beside it.

Reference: https://wiki.squid-cache.org/SquidFaq/SquidLogs (unverified from here)
"""

from __future__ import annotations

import re
from functools import lru_cache

from detector.events import Action

_OUTCOME = re.compile(r"([A-Z][A-Z0-9_]*)/(\d{1,3}|-)")


def action_of(result: str, status: str) -> Action | None:
    """What the proxy did; a login challenge is neither a use nor a block (formats.md pitfall 4).

    Nothing is said by a question of a neighbour cache (``UDP_…``), by what was no request (``NONE/400``) and by an
    answer of the site's redirector, which may be a block page or not. Without a result only the challenge is sure.

    >>> action_of("TCP_DENIED", "407"), action_of("TCP_DENIED", "403"), action_of("NONE", "400")
    (<Action.CHALLENGE: 'challenge'>, <Action.DENIED: 'denied'>, None)
    """
    if status in ("407", "401") or "AUTH_REDIRECT" in result:
        return Action.CHALLENGE
    if "DENIED" in result:
        return Action.DENIED
    nothing = not result or (result.startswith(("NONE", "TAG_NONE")) and status != "200")
    return None if nothing or result.startswith(("UDP_", "TCP_REDIRECT")) else Action.ALLOWED


@lru_cache(maxsize=1024)
def outcome(value: str) -> tuple[int | None, Action | None] | None:
    """The status and the action of ``TCP_MISS/200``, ``None`` for what is no such pair.

    >>> outcome("TCP_MISS_ABORTED/000"), outcome("200")
    ((None, <Action.ALLOWED: 'allowed'>), None)
    """
    found = _OUTCOME.fullmatch(value)
    if not found:
        return None
    status = int(found[2]) if len(found[2]) == 3 and found[2] >= "100" else None
    return status, action_of(found[1], found[2])
