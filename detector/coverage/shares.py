"""The share of a window in which logs were being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.scan import Spans

if TYPE_CHECKING:
    from collections.abc import Iterable


def covered_share(
    spans: Iterable[tuple[str, Iterable[tuple[int, int]]]], since: int | None, until: int | None
) -> dict[str, float]:
    """The share of a window (0 to 1) in which the logs of each kind were being written.

    Args:
        spans: (kind, spans) of each log.
        since: start of the window, ``None``: the first instant of any log.
        until: its end, ``None``: the last instant of any log.

    >>> covered_share([("dns", [(0, 50)]), ("dns", [(50, 75)]), ("mail", [(0, 100)])], 0, 100)
    {'dns': 0.75, 'mail': 1.0}
    """
    kinds: dict[str, list[tuple[int, int]]] = {}
    for kind, parts in spans:
        kinds.setdefault(kind, []).extend(parts)
    everything = [instant for parts in kinds.values() for span in parts for instant in span]
    start = min(everything, default=0) if since is None else since
    stop = max(everything, default=0) if until is None else until
    shares = {}
    for kind, parts in sorted(kinds.items()):
        clipped = [(max(first, start), min(last, stop)) for first, last in parts if first < stop and last > start]
        covered = sum(last - first for first, last in Spans(0).union(clipped).parts)
        shares[kind] = covered / (stop - start) if stop > start else float(bool(parts))
    return shares
