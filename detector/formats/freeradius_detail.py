r"""FreeRADIUS ``detail`` files: accounting (``detail-YYYYMMDD``), ``auth-detail``, ``reply-detail``.

A record is a line with the time of receipt, one indented line an attribute, and a blank line behind it:

- ``Thu Feb 27 10:00:00 2020`` local time of the server; ``Timestamp = 1582797600`` seconds since the epoch counts more;
  ``Event-Timestamp`` is the device's own clock and does not count; ``Acct-Delay-Time`` seconds were lost on the way
- ``User-Name = "u1042"`` (``Stripped-User-Name`` where there is no other); an outer identity (``anonymous@…``) and a
  MAC in its place are no account; ``host/NAME`` is a computer
- ``Framed-IP-Address``, ``Framed-IPv6-Address`` the address that the user got; ``Calling-Station-Id`` the MAC
- ``Acct-Status-Type`` Start begins the stay, Stop ends it, Interim-Update is in its midst, each also written as number;
  ``Acct-Session-Time`` how many seconds it has lasted; Accounting-On and -Off speak of no user and are passed
- ``Packet-Type`` Access-Accept allowed, Access-Reject denied, Access-Request says nothing yet

A line's record is the last stamp above it, which the dialect carries. Inside, ``START`` and ``END`` of a line are
counted from the time of the record: 0, or before it.

``Thu Feb 27 10:00:00 2020`` … ``	User-Name = "u1042"`` … ``	Framed-IP-Address = 10.0.0.7``
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, LogFormat, Zone, stamps
from detector.events.instants import to_datetime
from detector.grammars import leases, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from detector.events import Dialect, Row, Value

_TRANSACTION, _AT, _USER, _IP, _MAC, _HOST, _START, _END, _ACTION = (
    Col.TRANSACTION, Col.AT, Col.USER, Col.SOURCE_IP, Col.SOURCE_MAC, Col.HOST_NAME, Col.START, Col.END, Col.ACTION,
)  # fmt: skip
_STAMP = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4})\s*")
_PAIR = re.compile(r"\s+([A-Za-z][\w.:-]{0,120}) ?[:+]?= ?(.*?)\s*", re.DOTALL)
_BARE_PAIR = re.compile(r"([A-Z][\w.-]{0,120}) ?= ?(.*?)\s*", re.DOTALL)
_HEADS = re.compile(r"(?:[MTWFS][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d \d{4}[ \t]*+\n)++")
_ESCAPE = re.compile(r'\\([\\"])')
_STATUS = {"Start": (True, False), "1": (True, False), "Stop": (False, True), "2": (False, True)}
"""Whether a status begins the stay, and whether it ends it."""
_PACKETS = {"Access-Accept": Action.ALLOWED, "2": Action.ALLOWED, "Access-Reject": Action.DENIED, "3": Action.DENIED}
_ADDRESSES = frozenset({"Framed-IP-Address", "Framed-IPv6-Address", "Framed-Interface-Address"})
_DELAY = Col.STATUS
"""Column of a fragment with the seconds that a report was under way."""
_OUTER = re.compile(r"(?:anonymous)?@.*|anonymous", re.IGNORECASE | re.DOTALL)
_SECOND_NAME = Col.FROM_NAME
"""Column of a fragment with a name that counts where there is no other."""


def parse(line: str, dialect: Dialect) -> Row | None:
    """One attribute that counts to a fragment of its record; the others to nothing."""
    found = _PAIR.fullmatch(line) or (_BARE_PAIR.fullmatch(line) if dialect.columns else None)
    if found is None:
        if not line or line.isspace() or _STAMP.fullmatch(line):
            return None
        raise RefusedLine("neither a stamp nor an attribute")
    if not dialect.columns:
        return None
    stamp, number = dialect.columns
    name, text = found.groups()
    if name == "Timestamp":
        at = _epoch(text)
        return None if at is None else {_TRANSACTION: number, _AT: at}
    cells = _cells(name, text)
    if cells is None:
        return None
    cells[_TRANSACTION] = number
    if (at := _instant(stamp, dialect.zone)) is not None:
        cells[_AT] = at
    return cells


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The stamp at the head of a record, for its lines as for itself."""
    if _STAMP.fullmatch(line):
        return _instant(line.strip(), dialect.zone)
    row = parse(line, dialect)
    at = None if row is None else row.get(_AT)
    return at if isinstance(at, int) else None


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The dialect inside a record: its stamp, and its number in the file."""
    if line[:1] not in _WEEKDAYS or not _STAMP.fullmatch(line):
        return None
    return replace(dialect, columns=(line.strip(), f"record-{_number(dialect) + 1}"))


def heads(lines: Sequence[str], dialect: Dialect) -> Dialect | None:
    """The dialect inside the last of many records, of which only the stamps are here."""
    if _HEADS.fullmatch("\n".join((*lines, ""))) is None:
        return None
    return replace(dialect, columns=(lines[-1].strip(), f"record-{_number(dialect) + len(lines)}"))


def _number(dialect: Dialect) -> int:
    """Of the record that a dialect is inside of, 0 before any."""
    return int(dialect.columns[1].removeprefix("record-")) if len(dialect.columns) == 2 else 0


def sniff(lines: Sequence[str]) -> float:
    """1 where a record is among the lines: other logs have indented pairs too, but not below such a stamp."""
    after_stamp = [after for before, after in pairwise(lines) if _STAMP.fullmatch(before)]
    return 1.0 if any(_PAIR.fullmatch(line) for line in after_stamp) else 0.0


def example(row: Row) -> str:
    """The record of a user who comes, or goes where the event has an end."""
    at = row.get(_AT, 0)
    seconds = at // MICROSECONDS if isinstance(at, int) else 0
    status = "Stop" if _END in row else "Start"
    told = [
        f"{to_datetime(seconds * MICROSECONDS):%a %b %e %H:%M:%S %Y}",
        f'\tUser-Name = "{row.get(_USER, "")}"',
        "\tNAS-IP-Address = 192.0.2.1",
        f"\tFramed-IP-Address = {row.get(_IP, '192.0.2.7')}",
        f'\tCalling-Station-Id = "{row.get(_MAC, "00:00:5e:00:53:01")}"',
        f"\tAcct-Status-Type = {status}",
        '\tAcct-Unique-Session-Id = "5f3c2a81c0b4e6d2"',
        f"\tTimestamp = {seconds}",
        "",
    ]
    return "\n".join(told)


def join(rows: Sequence[Row]) -> Iterator[tuple[int, Row]]:
    """The event of one record, proved by the line that names the user, or else by the one with the address."""
    known: dict[Col, Value] = {}
    exact: Value | None = None
    for row in rows:
        if len(row) == 2 and _AT in row:
            exact = row[_AT]
        for name, cell in row.items():
            known.setdefault(name, cell)
    second, delay = known.pop(_SECOND_NAME, None), known.pop(_DELAY, 0)
    if second is not None:
        known.setdefault(_USER, second)
    user = str(known.get(_USER, ""))
    if leases.mac(user) is not None:
        del known[_USER]
    if _USER not in known and (_IP not in known or not {_MAC, _HOST} & known.keys()):
        return
    if exact is not None:
        known[_AT] = exact
    at, start, end = known.get(_AT), known.pop(_START, None), known.pop(_END, None)
    if isinstance(at, int) and isinstance(delay, int):
        at = known[_AT] = at - delay
        known.update({name: at + cell for name, cell in ((_START, start), (_END, end)) if isinstance(cell, int)})
    del known[_TRANSACTION]
    proof = next((at for at, row in enumerate(rows) if _USER in row), None)
    yield proof if proof is not None else next((at for at, row in enumerate(rows) if _IP in row), 0), dict(known)


_WEEKDAYS = frozenset("MTWFS")


def _cells(name: str, text: str) -> Row | None:
    """What an attribute says; ``None`` for those that do not count."""
    if text[:1] == '"':
        if text[-1] != '"' or len(text) == 1:
            raise RefusedLine("a value that breaks off")
        text = _ESCAPE.sub(r"\1", text[1:].removesuffix('"'))
    if name in ("User-Name", "Stripped-User-Name"):
        return _named(name, text)
    if name in _ADDRESSES:
        ip = values.address(text.partition("/")[0])
        return {_IP: ip} if ip and ip not in ("0.0.0.0", "255.255.255.254", "255.255.255.255") else None  # noqa: S104
    if name == "Calling-Station-Id":
        mac = leases.mac(text)
        return {_MAC: mac} if mac else None
    if name == "Acct-Status-Type" and text in _STATUS:
        starts, ends = _STATUS[text]
        return {_START: 0} if starts else {_END: 0} if ends else None
    if name == "Packet-Type":
        action = _PACKETS.get(text)
        return {_ACTION: action} if action else None
    if name in ("Acct-Session-Time", "Acct-Delay-Time"):
        stay = leases.stay_of(text)
        return None if stay is None else {_START: -stay} if name == "Acct-Session-Time" else {_DELAY: stay}
    return None


def _named(name: str, text: str) -> Row | None:
    if text.lower().startswith("host/"):
        host = leases.host_name(text[5:])
        return {_HOST: host} if host else None
    account = values.user(text)
    if account is None or _OUTER.fullmatch(account):
        return None
    return {_USER if name == "User-Name" else _SECOND_NAME: account}


def _epoch(text: str) -> int | None:
    try:
        return stamps.epoch(text)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def _instant(stamp: str, zone: tzinfo) -> int | None:
    found = _STAMP.fullmatch(stamp)
    if found is None:
        return None
    month, day, clock, year = found.groups()
    try:
        return stamps.syslog(f"{month} {day} {year} {clock}", zone, None)
    except (ValueError, OverflowError):  # a broken time does not unsay the record
        return None


FORMAT = LogFormat(
    name="freeradius_detail",
    kind=Kind.LOGIN,
    title="FreeRADIUS detail files",
    reference="unverified: https://wiki.freeradius.org/config/modules/rlm_detail",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({_AT, _USER, _IP, _MAC, _HOST, _START, _END, _ACTION, _DELAY, _SECOND_NAME}),
    zone=Zone.LOCAL,
    head=head,
    heads=heads,
    head_literals=(b"Mon ", b"Tue ", b"Wed ", b"Thu ", b"Fri ", b"Sat ", b"Sun "),
    join=join,
    sniff=sniff,
)
