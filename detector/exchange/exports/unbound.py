"""Unbound's local zones: suffixes that do not exist, and single hosts that lead nowhere.

``always_nxdomain`` covers everything below a name; a single host is a transparent zone with addresses of its own, so
that names below it still resolve.

Reference: https://unbound.docs.nlnetlabs.nl/en/latest/manpages/unbound.conf.html (unverified from here)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.exchange.blocking import block_list
from detector.exchange.plug import Export

if TYPE_CHECKING:
    from detector.exchange.selection import Selection


def render(selection: Selection) -> str:
    """A file for ``include:``."""
    found = block_list(selection)
    lines = ["server:"]
    lines += [f'local-zone: "{suffix}." always_nxdomain' for suffix in found.suffixes]
    for host in found.hosts:
        lines += [
            f'local-zone: "{host}." transparent',
            f'local-data: "{host}. 300 IN A 0.0.0.0"',
            f'local-data: "{host}. 300 IN AAAA ::"',
        ]
    return found.comment("#") + "\n".join(lines) + "\n"


EXPORT = Export(name="unbound", render=render)
