"""A domain list for Squid: ``acl unapproved dstdomain "/etc/squid/unapproved.txt"``.

A leading dot means the domain and everything below it. Parent and child in one list are fatal for Squid, so each name
stands once.

Reference: http://www.squid-cache.org/Doc/config/acl/ (unverified from here)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.exchange.blocking import block_list
from detector.exchange.plug import Export

if TYPE_CHECKING:
    from detector.exchange.selection import Selection


def render(selection: Selection) -> str:
    """One line a name."""
    found = block_list(selection)
    names = [*(f".{suffix}" for suffix in found.suffixes), *found.hosts]
    return found.comment("#") + "".join(f"{name}\n" for name in names)


EXPORT = Export(name="squid", render=render)
