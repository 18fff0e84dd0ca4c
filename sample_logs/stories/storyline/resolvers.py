"""Layouts of resolvers: Unbound, BIND, dnsmasq, Windows DNS debug log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storyline.clock import SECOND, moment
from storyline.events import Lookup, dice_of, server_of
from storyline.layout import Layout, Line

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEGEND = """DNS Server log file creation at {start}
Log file wrap at {start}

Message logging key (for packets - other items use a subset of these fields):
\tField #  Information         Values
\t-------  -----------         ------
\t   1     Date
\t   2     Time
\t   3     Thread ID
\t   4     Context
\t   5     Internal packet identifier
\t   6     UDP/TCP indicator
\t   7     Send/Receive indicator
\t   8     Remote IP
\t   9     Xid (hex)
\t  10     Query/Response      R = Response
\t                             blank = Query
\t  11     Opcode              Q = Standard Query
\t                             N = Notify
\t                             U = Update
\t                             ? = Unknown
\t  12     [ Flags (hex)
\t  13     Flags (char codes)  A = Authoritative Answer
\t                             T = Truncated Response
\t                             D = Recursion Desired
\t                             R = Recursion Available
\t  14     ResponseCode ]
\t  15     Question Type
\t  16     Question Name
"""


def unbound_line(lookup: Lookup) -> Iterator[Line]:
    """``log-queries``: ``[epoch] unbound[pid:thread] info: ADDRESS NAME. TYPE CLASS``."""
    thread = dice_of(lookup).randrange(2)
    seconds = lookup.at // SECOND
    yield lookup.at, f"[{seconds}] unbound[811:{thread}] info: {lookup.address} {lookup.name}. {lookup.type} IN"


def bind_line(lookup: Lookup) -> Iterator[Line]:
    """``[time] queries: info: client @pointer address#port (name): query: NAME IN TYPE flags (server)``."""
    port = dice_of(lookup).randrange(20_000, 60_000)
    when = moment(lookup.at)
    stamp = f"{when:%d-%b-%Y %H:%M:%S}.{when.microsecond // 1000:03d}"
    client = f"client @0x7f0c740a2f10 {lookup.address}#{port} ({lookup.name})"
    yield lookup.at, f"{stamp} queries: info: {client}: query: {lookup.name} IN {lookup.type} + (10.20.0.53)"


def dnsmasq_lines(lookup: Lookup) -> Iterator[Line]:
    """The question, and what became of it (which is no second question)."""
    when = moment(lookup.at)
    head = f"{when:%b} {when.day:2d} {when:%H:%M:%S} dnsmasq[512]: "
    yield lookup.at, f"{head}query[{lookup.type}] {lookup.name} from {lookup.address}"
    yield lookup.at, f"{head}forwarded {lookup.name} to 192.0.2.53"
    if lookup.type == "A":
        yield lookup.at, f"{head}reply {lookup.name} is {server_of(lookup.name)}"


def windows_lines(lookup: Lookup) -> Iterator[Line]:
    """The question as it came in, and the server's answer (which is no second question)."""
    dice = dice_of(lookup)
    packet, xid = f"{dice.randrange(2**32):016X}", f"{dice.randrange(2**16):04x}"
    name = "".join(f"({len(label)}){label}" for label in lookup.name.split(".")) + "(0)"
    head = f"{_windows_time(lookup.at)} 0E{dice.randrange(256):02X} PACKET  {packet} UDP"
    told = f"{lookup.type:<6} {name}"
    yield lookup.at, f"{head} Rcv {lookup.address:<15} {xid}   Q [0001   D   NOERROR] {told}"
    yield lookup.at, f"{head} Snd {lookup.address:<15} {xid} R Q [8081   DR  NOERROR] {told}"


def windows_legend(start: int) -> list[str]:
    """What the server writes at the head of each file."""
    return _LEGEND.format(start=_windows_time(start)).split("\n")


def _windows_time(instant: int) -> str:
    when = moment(instant)
    return f"{when.month}/{when.day}/{when.year} {when.hour % 12 or 12}:{when:%M:%S} {'AM' if when.hour < 12 else 'PM'}"


UNBOUND = Layout(unbound_line, precision=SECOND)
BIND = Layout(bind_line)
DNSMASQ = Layout(dnsmasq_lines, precision=SECOND)
WINDOWS_DNS = Layout(windows_lines, header=windows_legend, precision=SECOND, end="\r\n")
