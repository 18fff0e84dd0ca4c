"""An external dynamic list of URLs for PAN-OS: ``x/`` is one host, ``*.x/`` everything below.

The final slash keeps ``x`` from matching ``x.example.net``.

Reference: https://docs.paloaltonetworks.com/pan-os/11-0/pan-os-admin/policy/use-an-external-dynamic-list-in-policy/
formatting-guidelines-for-an-external-dynamic-list (unverified from here)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.exchange.blocking import block_list
from detector.exchange.plug import Export

if TYPE_CHECKING:
    from detector.exchange.selection import Selection


def render(selection: Selection) -> str:
    """One entry a line."""
    found = block_list(selection)
    entries = [entry for suffix in found.suffixes for entry in (f"{suffix}/", f"*.{suffix}/")]
    entries += [f"{host}/" for host in found.hosts]
    return found.comment("#") + "".join(f"{entry}\n" for entry in entries)


EXPORT = Export(name="pan-edl", render=render)
