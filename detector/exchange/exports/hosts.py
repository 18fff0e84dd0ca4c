"""A hosts file: whole names that lead nowhere.

A hosts file knows no subdomains: of a suffix only the domain itself, its ``www.`` and the product's known hosts stand
here, so it blocks less than every other list.

Reference: https://man7.org/linux/man-pages/man5/hosts.5.html (unverified from here)
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
    note = "# A hosts file knows no subdomains: of a suffix, only known names stand here.\n"
    return found.comment("#") + note + "".join(f"0.0.0.0 {name}\n" for name in found.names)


EXPORT = Export(name="hosts", render=render)
