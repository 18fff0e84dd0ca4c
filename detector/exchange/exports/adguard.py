"""A filter list in AdGuard's syntax: ``||x^`` is a domain with everything below it, ``|x^`` one host.

Reference: https://adguard-dns.io/kb/general/dns-filtering-syntax/ (unverified from here)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.exchange.blocking import block_list
from detector.exchange.plug import Export

if TYPE_CHECKING:
    from detector.exchange.selection import Selection


def render(selection: Selection) -> str:
    """One rule a line."""
    found = block_list(selection)
    rules = [*(f"||{suffix}^" for suffix in found.suffixes), *(f"|{host}^" for host in found.hosts)]
    return found.comment("!") + "".join(f"{rule}\n" for rule in rules)


EXPORT = Export(name="adguard", render=render)
