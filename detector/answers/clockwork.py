"""Background or interactive: requests that a program makes by the clock, told from those of a person.

Programs that were left open ask again and again by the clock. Requests of one actor to one
host are background when there are at least ``BEATS`` of them, each proves no more than a visit and sent less than
``QUIET_BYTES`` (0 where the log does not say), and at least nine of ten intervals lie within a tenth of their median or
of a small multiple of it (a beat that was missed). Everything else is interactive: people come in bursts.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median_low
from typing import TYPE_CHECKING

from detector.events import MICROSECONDS, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.findings import Attributed

BEATS = 6
"""So many requests of a program are told from those of a person."""
QUIET_BYTES = 4096
"""Requests that send less carry nothing but cookies."""
_SHORTEST_BEAT = 5 * MICROSECONDS
"""Below it the requests are those of one page that is being loaded."""
_MISSED_BEATS = 3


def background(requests: Sequence[Attributed]) -> frozenset[str]:
    """Ids of the sightings that a program made by the clock, see the head of this file.

    Args:
        requests: of one actor, in any order.
    """
    by_host: dict[str, list[Attributed]] = {}
    for one in requests:
        if one.host and one.at is not None and one.stage is Stage.VISITED and one.bytes_sent < QUIET_BYTES:
            by_host.setdefault(one.host, []).append(one)
    return frozenset(one.id for rows in by_host.values() if _is_clockwork(rows) for one in rows)


def _is_clockwork(rows: Sequence[Attributed]) -> bool:
    instants = sorted(one.at for one in rows if one.at is not None)
    if len(instants) < BEATS:
        return False
    steps = [after - before for before, after in pairwise(instants)]
    beat = median_low(steps)
    if beat < _SHORTEST_BEAT:
        return False
    even = sum(any(abs(step - times * beat) * 10 <= beat for times in range(1, _MISSED_BEATS + 1)) for step in steps)
    return even * 10 >= len(steps) * 9
