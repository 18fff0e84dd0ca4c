"""A threat feed of domains for FortiGate (external resource): ``x`` is one host, ``*.x`` everything below.

Reference: https://docs.fortinet.com/document/fortigate/7.4.0/administration-guide/891236/domain-name-threat-feed
(unverified from here)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.exchange.blocking import block_list
from detector.exchange.plug import Export

if TYPE_CHECKING:
    from detector.exchange.selection import Selection


def render(selection: Selection) -> str:
    """One domain a line."""
    found = block_list(selection)
    entries = [entry for suffix in found.suffixes for entry in (suffix, f"*.{suffix}")]
    return found.comment("#") + "".join(f"{entry}\n" for entry in (*entries, *found.hosts))


EXPORT = Export(name="fortigate", render=render)
