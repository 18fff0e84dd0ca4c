"""dnsmasq: suffixes that do not exist (``address=/x/``), and single hosts that lead nowhere (``host-record``).

Reference: https://thekelleys.org.uk/dnsmasq/docs/dnsmasq-man.html (unverified from here)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.exchange.blocking import block_list
from detector.exchange.plug import Export

if TYPE_CHECKING:
    from detector.exchange.selection import Selection


def render(selection: Selection) -> str:
    """A file for ``conf-dir`` or ``conf-file``."""
    found = block_list(selection)
    lines = [f"address=/{suffix}/" for suffix in found.suffixes]
    lines += [f"host-record={host},0.0.0.0,::" for host in found.hosts]
    return found.comment("#") + "".join(f"{line}\n" for line in lines)


EXPORT = Export(name="dnsmasq", render=render)
