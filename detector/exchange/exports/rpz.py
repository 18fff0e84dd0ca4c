"""A DNS response policy zone: names that do not exist (``CNAME .``), for BIND, Unbound, Knot Resolver and PowerDNS.

The zone's serial is the day of the list, so that a list of another day is a newer zone.

Reference: https://datatracker.ietf.org/doc/html/draft-vixie-dnsop-dns-rpz-00 section 4 (unverified from here)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.exchange.blocking import block_list
from detector.exchange.plug import Export

if TYPE_CHECKING:
    from detector.exchange.selection import Selection


def render(selection: Selection) -> str:
    """A zone file with names relative to the zone, whatever it is called."""
    found = block_list(selection)
    serial = selection.day.replace("-", "") + "00"
    lines = [
        "$TTL 300",
        f"@ IN SOA localhost. hostmaster.invalid. ({serial} 3600 600 604800 300)",
        "@ IN NS localhost.",
    ]
    for suffix in found.suffixes:
        lines += [f"{suffix} CNAME .", f"*.{suffix} CNAME ."]
    lines += [f"{host} CNAME ." for host in found.hosts]
    return found.comment(";") + "\n".join(lines) + "\n"


EXPORT = Export(name="rpz", render=render)
