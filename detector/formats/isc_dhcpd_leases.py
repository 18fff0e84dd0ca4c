r"""ISC dhcpd's lease file, ``dhcpd.leases`` and ``dhcpd6.leases``: blocks of several lines, one a lease.

``lease ADDRESS {`` or ``iaaddr ADDRESS {``, statements that end with ``;``, ``}``:

- ``starts W yyyy/mm/dd hh:mm:ss;`` UTC, ``W`` the weekday; ``epoch SECONDS;`` with ``db-time-format local``, a comment
  behind it; ``ends`` the same, or ``never``; ``cltt`` the client's last word
- ``binding state active|free|expired|released|abandoned|backup;`` only the first line of the kind counts, not
  ``next binding state`` and ``rewind binding state``
- ``hardware ethernet MAC;`` ``client-hostname "NAME";`` ``set ddns-client-fqdn = "NAME";`` ``uid "…";``
- IPv6: ``preferred-life`` and ``max-life SECONDS``, ``cltt``, inside ``ia-na "IAID+DUID" {``, whose DUID holds the MAC

The server appends a block whenever a lease changes: one address has many blocks, and each is an event. It happened at
``cltt`` (else ``starts``); one of a lease that is not active any more is denied, and happened at its end. Blocks
``abandoned`` and those that nobody ever held (``backup`` or ``free`` without a client) are passed, as is everything
outside blocks.

A line's block is the last head above it, which the dialect carries; a block that breaks off gives what it says.

``lease 10.0.0.7 {`` … ``hardware ethernet 00:00:5e:00:53:07;`` … ``}``
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, LogFormat, Zone, from_iso
from detector.events.instants import to_datetime
from detector.grammars import leases, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.events import Dialect, Row

_TRANSACTION, _AT, _IP, _MAC, _HOST, _START, _END, _ACTION = (
    Col.TRANSACTION, Col.AT, Col.SOURCE_IP, Col.SOURCE_MAC, Col.HOST_NAME, Col.START, Col.END, Col.ACTION,
)  # fmt: skip
_HEAD = re.compile(r"\s*(?:lease|iaaddr) ([0-9A-Fa-f.:]+) \{\s*(?:#.*)?")
_HEADS = re.compile(r"(?:[ \t]*+lease [0-9A-Fa-f.:]++ \{[ \t]*+\n)++")
_OWNER = re.compile(r'\s*ia-(?:na|ta|pd) "(.*)" \{\s*')
_TIME = re.compile(
    r"\s*(starts|ends|cltt) (?:\d (\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d)|epoch (\d{1,12})|(never));\s*(?:#.*)?"
)
_SAID = re.compile(
    r'\s*(hardware ethernet|client-hostname|set ddns-client-fqdn =|binding state|max-life) "?([^";]*)"?;?\s*'
)
_OUTSIDE = re.compile(
    r"\s*(?:#|\}|(?:server-duid|authoring-byte-order|failover|tstp|tsfp|atsfp|uid|set|option|on|next|rewind|my|partner|"
    r"mclt|preferred-life|client-identifier|supersede|abandoned|bootp|reserved|vendor|billing|dynamic|deleted|fixed|"
    r"host|group|agent\.\S+|execute|if|hardware|peer)\b)"
)
_OCTET = re.compile(r"\\([0-7]{3})|\\(.)|(.)", re.DOTALL)
_HELD = frozenset({"active", "reserved"})
_NOBODYS = frozenset({"abandoned"})
_OUTSIDE_BLOCKS = ("", "", "", "")
"""Address, number of the block, MAC and ``cltt`` of the IPv6 client around it."""
_NEVER = -1
"""``END`` of a fragment whose lease does not end."""


def parse(line: str, dialect: Dialect) -> Row | None:
    """One statement to a fragment of its block; ``}`` and statements that do not count to nothing."""
    if found := _TIME.fullmatch(line):
        return _timed(found, dialect)
    if found := _SAID.fullmatch(line):
        return _said(found[1], found[2].strip(), dialect)
    if not line or line.isspace() or _OUTSIDE.match(line) or _HEAD.match(line) or _OWNER.match(line):
        return None
    raise RefusedLine("not a statement of a lease file")


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The instant of ``starts`` and ``cltt``."""
    row = parse(line, dialect)
    at = None if row is None else row.get(_AT)
    return at if isinstance(at, int) else None


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The dialect inside a block: its address, its number in the file, and the IPv6 client it lies under."""
    address, number, owner, heard = dialect.columns or _OUTSIDE_BLOCKS
    if found := _OWNER.fullmatch(line):
        return replace(dialect, columns=("", number or "0", leases.mac_of_duid(_octets(found[1])) or "", ""))
    if found := _HEAD.fullmatch(line):
        inside = line.lstrip().startswith("iaaddr")
        address, count = values.address(found[1]) or "", str(int(number or 0) + 1)
        return replace(dialect, columns=(address, count, owner, heard) if inside else (address, count, "", ""))
    if not address and number and "cltt" in line and (found := _TIME.fullmatch(line)) and not found[7]:
        at = _at_of(found)
        return None if at is None else replace(dialect, columns=("", number, owner, str(at)))
    return None


def heads(lines: Sequence[str], dialect: Dialect) -> Dialect | None:
    """The dialect inside the last of many blocks of IPv4, of which only the head lines are here."""
    if _HEADS.fullmatch("\n".join((*lines, ""))) is None:
        return None
    number = int(dialect.columns[1] or 0) if dialect.columns else 0
    return replace(dialect, columns=(values.address(lines[-1].split()[1]) or "", str(number + len(lines)), "", ""))


def example(row: Row) -> str:
    """The block of one lease."""
    at, ends = row.get(_START, row.get(_AT, 0)), row.get(_END)
    state = "free" if row.get(_ACTION) == Action.DENIED else "active"
    name = [f'  client-hostname "{row[_HOST]}";'] if _HOST in row else []
    told = [
        f"lease {row.get(_IP, '192.0.2.1')} {{",
        f"  starts {_written(at if isinstance(at, int) else 0)};",
        f"  ends {_written(ends) if isinstance(ends, int) else 'never'};",
        f"  binding state {state};",
        f"  hardware ethernet {row.get(_MAC, '00:00:5e:00:53:01')};",
        *name,
        "}",
    ]
    return "\n".join(told)


def join(rows: Sequence[Row]) -> Iterator[tuple[int, Row]]:
    """The event of one block, proved by its first statement."""
    known: Row = {}
    for row in rows:
        known.update(row)
    state = known.pop(_ACTION, "")
    start, end = known.get(_START), known.get(_END)
    life = known.pop(Col.STATUS, None)
    if isinstance(life, int) and isinstance(at := known.get(_AT), int):
        start, end = at, end or at + life * MICROSECONDS
    held = not state or state in _HELD
    if state in _NOBODYS or (not held and not {_MAC, _HOST} & known.keys()):
        return
    del known[_TRANSACTION]
    event = {name: cell for name, cell in known.items() if name not in (_START, _END)}
    if isinstance(start, int):
        event[_START] = start
    if isinstance(end, int) and end != _NEVER:
        event[_END] = end
        if not held:
            event[_AT] = end
    event[_ACTION] = Action.ALLOWED if held else Action.DENIED
    yield 0, event


def _row(dialect: Dialect) -> Row | None:
    """What every fragment of a block holds; the address stands last in the key: it is what its head line holds."""
    if not dialect.columns or not dialect.columns[0]:
        return None
    address, number, owner, heard = dialect.columns
    row: Row = {_TRANSACTION: f"{number} {address}", _IP: address}
    if owner:
        row[_MAC] = owner
    if heard:
        row[_AT] = int(heard)
    return row


def _timed(found: re.Match[str], dialect: Dialect) -> Row | None:
    row = _row(dialect)
    if row is None:
        return None
    word, never = found[1], found[7]
    at = _NEVER if never else _at_of(found)
    if word == "ends":
        if at is not None:
            row[_END] = at
    elif at is not None and not never:
        row[_AT] = at
        if word == "starts":
            row[_START] = at
    return row


def _at_of(found: re.Match[str]) -> int | None:
    _, year, month, day, clock, seconds, _ = found.groups()
    return int(seconds) * MICROSECONDS if seconds else _instant(f"{year}-{month}-{day}T{clock}")


def _said(word: str, text: str, dialect: Dialect) -> Row | None:
    row = _row(dialect)
    if row is None:
        return None
    if word == "hardware ethernet":
        if mac := leases.mac(text):
            row[_MAC] = mac
    elif word == "binding state":
        row[_ACTION] = text
    elif word == "max-life":
        if (life := values.size(text)) is not None:
            row[Col.STATUS] = life
    elif name := leases.host_name(text):
        row[_HOST] = name
    return row


@lru_cache(maxsize=4096)
def _instant(text: str) -> int | None:
    try:
        return from_iso(text)
    except (ValueError, OverflowError):  # a broken time does not unsay the lease
        return None


def _written(at: int) -> str:
    moment = to_datetime(at)
    return f"{moment.isoweekday() % 7} {moment:%Y/%m/%d %H:%M:%S}"


def _octets(text: str) -> str:
    """The DUID behind the four octets of the IAID, as pairs of hexadecimal digits."""
    found = [
        int(octal, 8) & 0xFF if octal else ord(escaped or plain) & 0xFF
        for octal, escaped, plain in _OCTET.findall(text[:1024])
    ]
    return ":".join(f"{octet:02x}" for octet in found[4:])


FORMAT = LogFormat(
    name="isc_dhcpd_leases",
    kind=Kind.LEASE,
    title="ISC dhcpd lease file (dhcpd.leases)",
    reference="unverified: https://kb.isc.org/docs/isc-dhcp-44-manual-pages-dhcpdleases",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=leases.COLUMNS | {Col.STATUS},
    zone=Zone.UTC,
    head=head,
    heads=heads,
    head_literals=(b"lease ", b"iaaddr ", b"ia-na ", b"ia-ta ", b"ia-pd ", b"cltt "),
    join=join,
)
