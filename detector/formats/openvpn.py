r"""OpenVPN server: its log, and its status file in the versions 1, 2 (commas) and 3 (tabs).

Log, ``2020-02-27 10:00:00 TEXT`` (2.5 on), ``Thu Feb 27 10:00:00 2020 [us=123456] TEXT`` (before), ``EPOCH.MICROS
FLAGS TEXT`` (``--machine-readable-output``), or syslog's header and ``openvpn[pid]: TEXT``; local time. A client's
TEXT begins with ``[USER/]ADDRESS:PORT``, the address that it comes from:

- ``[USER] Peer Connection Initiated with …`` and ``… authentication succeeded for username 'USER'``: the user at the
  outer address. Without a client before it the first is the server as a client sees it, and is passed
- ``MULTI: Learn: ADDRESS -> USER/…``: the user got the inner address, which other logs of the house show
- Access Server: ``TIME [stdout#info] [OVPN 0] OUT: "MESSAGE"``, the message with its own time
- pfSense: ``openvpn server 'ovpns1' user 'USER' address 'ADDRESS' - connected`` and ``disconnected``, outer address
- ``SIGTERM[…] received, client-instance exiting`` and ``SIGUSR1[…] … restarting``: the stay at the outer address ends

Status file, of which each row says who is there when it is written:

- ``CLIENT_LIST,USER,OUTER:PORT,INNER,[INNER6,]received,sent,Connected Since,epoch,USERNAME,…``: the inner address; in
  version 1 (``USER,OUTER:PORT,received,sent,Connected Since``) there is only the outer one
- version 1's routing table, ``INNER,USER,OUTER:PORT,Last Ref``; ``ROUTING_TABLE`` of the others repeats the client list
  without its user names and is passed
- ``TIME,text,epoch`` or ``Updated,text``: when it was written, the time of the client list's rows

``USERNAME`` (a password was asked) counts more than the certificate's name; ``UNDEF`` is nobody.

``2020-02-27 10:00:00 u1042/203.0.113.5:1194 MULTI: Learn: 10.8.0.6 -> u1042/203.0.113.5:1194``
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, LogFormat, Zone, stamps
from detector.events.instants import to_datetime
from detector.grammars import leases, values

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect, Row

_AT, _USER, _IP, _MAC, _START, _END, _ACTION = (
    Col.AT, Col.USER, Col.SOURCE_IP, Col.SOURCE_MAC, Col.START, Col.END, Col.ACTION,
)  # fmt: skip
_TIME = re.compile(
    r"(?:(?P<iso>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)|(?P<text>[A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} [\d:]{8} \d{4})"
    r"|(?P<epoch>\d{9,11}\.\d{1,6}) [0-9a-f]{1,8}) (?:us=(?P<micros>\d{1,6}) +)?"
)
_TAG = re.compile(r"(?:ovpn|openvpn)[^\s:\[\]]*(?:\[[^\]\s]*\])?: ?", re.IGNORECASE)
_CLIENT = re.compile(
    r"(?:(?P<user>[^\n]{1,200}?)/)?"
    r"(?P<ip>(?:\w+:)?(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]+?\]?)):(?P<port>\d{1,6}) (?P<told>.*)",
    re.DOTALL,
)
_INITIATED = re.compile(r"\[(.*)\] Peer Connection Initiated with ", re.DOTALL)
_LEARN = re.compile(r"MULTI: Learn: (\S+) -> (.+?)/[^/\s]+:\d+\s*", re.DOTALL)
_PASSWORD = re.compile(r"TLS: Username/Password authentication succeeded for username '(.*?)'", re.DOTALL)
_ACCESS_SERVER = re.compile(
    r"""(?:\S{10,40} (?:\S{8,30} )?)?(?:\[[\w#-]{1,40}\] )?\[OVPN \d{1,4}\] OUT: ['"](.*)['"]\s*""", re.DOTALL
)
_PFSENSE = re.compile(
    r"openvpn server '[^'\n]{1,80}' user '([^'\n]{1,200})' address '([^'\s]{1,80})' - (connected|disconnected)"
)
_GONE = re.compile(r"SIG\w+\[[^\]]*\] received, client-instance (?:exiting|restarting)")
_TALK = re.compile(
    r"(?:MULTI|TLS|VERIFY|OpenVPN|Data Channel|Control Channel|Outgoing|Incoming|Initialization|PUSH|SENT CONTROL|UDP|"
    r"TCP|TUN/TAP|Socket|Listening|Diffie|library versions|IFCONFIG|GID|UID|Peer Connection|WARNING|NOTE|Note:|"
    r"AUTH-PAM|PLUGIN|MANAGEMENT|ROUTE|CRL|Closing|Local Options|Expected Remote|Current Parameter|Re-using|"
    r"Options|read |write |event_wait|net_|do_ifconfig|/\S+bin/|Could not determine|ECDH|tun_|SIG\w+\[|\[)"
)
_ENDPOINT = re.compile(
    r"(?:(?:udp|tcp)[46]?(?:-server)?:)?(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)|([0-9A-Fa-f:]+?)):(\d{1,6})"
    r"|([0-9A-Fa-f:.]+)"
)
_OTHERS = (
    "HEADER,", "HEADER\t", "GLOBAL_STATS", "TITLE,", "TITLE\t", "OpenVPN CLIENT LIST", "OpenVPN STATISTICS",
    "Common Name,Real Address", "Virtual Address,Common Name", "ROUTING TABLE", "ROUTING_TABLE,", "ROUTING_TABLE\t",
    "GLOBAL STATS", "Max bcast/mcast", "END",
)  # fmt: skip
_STAMP_TEXT = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) ([\d:]{8}) (\d{4})")
_LAST = re.compile(rf"{_STAMP_TEXT.pattern}|\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d")
"""How a row of version 1 ends, before 2.5 and since."""
_LIST_CELLS = 5
_ROUTE_CELLS = 4
_ALLOWED = Action.ALLOWED
_NOBODY = frozenset({"UNDEF", ""})


def parse(line: str, dialect: Dialect) -> Row | None:
    """One row of a status file, or one message about a client's coming, address and going, to one event."""
    if line[:2] == "20" and (found := _TIME.match(line)):
        return _message(line, found, dialect)
    if line.find("[OVPN ", 0, 100) >= 0 and (wrapped := _ACCESS_SERVER.match(line)):
        line = wrapped[1]
    separator = "\t" if "\t" in line else ","
    cells = line.split(separator)
    if cells[0] == "CLIENT_LIST":
        return _client(cells, dialect)
    if not line or line.isspace() or line.startswith(_OTHERS) or head(line, dialect):
        return None
    found = _TIME.match(line)
    if found is None and _LAST.fullmatch(cells[-1].rstrip()):
        return _first_version(cells, dialect)
    return _message(line, found, dialect)


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The time before a message, or the one of a row of a status file."""
    if found := _TIME.match(line):
        return _written(found, dialect)
    if line.startswith(("TIME", "Updated,")) and (inside := head(line, dialect)):
        return _status_at(inside)
    row = parse(line, dialect)
    at = None if row is None else row.get(_AT)
    return at if isinstance(at, int) else None


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The dialect below the line that says when a status file was written."""
    if not line.startswith(("TIME,", "TIME\t", "Updated,")):
        return None
    cells = re.split("[,\t]", line.strip())
    epoch = cells[2] if len(cells) > 2 and cells[2].isdecimal() else ""
    return replace(dialect, columns=(cells[1], epoch))


def example(row: Row) -> str:
    """The message that a user got an inner address."""
    at = row.get(_AT, 0)
    who = f"{row.get(_USER, 'UNDEF')}/203.0.113.5:1194"
    stamp = f"{to_datetime(at if isinstance(at, int) else 0):%Y-%m-%d %H:%M:%S}"
    return f"{stamp} {who} MULTI: Learn: {row.get(_IP, '192.0.2.7')} -> {who}"


def _message(line: str, found: re.Match[str] | None, dialect: Dialect) -> Row | None:
    if found:
        text, at, known = line[found.end() :], _written(found, dialect), False
    else:
        text, at = leases.unwrapped(line, dialect)
        known = False
    if tag := _TAG.match(text):
        text, known = text[tag.end() :], True
    if known and (stay := _PFSENSE.match(text)):
        row = _row(at, stay[1], outer=values.address(stay[2]) or _endpoint(stay[2]))
        return row if stay[3] == "connected" else _ended(row, at)
    client = _CLIENT.match(text)
    if client is None:
        if known or ((found or at is not None) and _TALK.match(text)):
            return None
        raise RefusedLine("not what OpenVPN writes")
    if not known and not (found or at is not None or dialect.envelope):
        raise RefusedLine("a message without a time")
    return _told(client, at)


def _told(client: re.Match[str], at: int | None) -> Row | None:
    told = client["told"]
    if found := _LEARN.match(told):
        return _row(at, found[2], inner=found[1])
    outer = _endpoint(f"{client['ip']}:{client['port']}")
    if found := _INITIATED.match(told):
        return _row(at, found[1] or client["user"], outer=outer)
    if found := _PASSWORD.match(told):
        return _row(at, found[1], outer=outer)
    if _GONE.match(told):
        return _ended(_row(at, client["user"], outer=outer), at)
    return None


def _ended(row: Row | None, at: int | None) -> Row | None:
    """The end of a stay."""
    if row is not None:
        row.pop(_ACTION)
        if at is not None:
            row[_END] = at
    return row


def _row(at: int | None, user: str | None, *, inner: str = "", outer: str | None = None) -> Row | None:
    """The event of a user at an address; nothing where there is no user."""
    account = None if user in _NOBODY else values.user(user)
    if account is None:
        return None
    row: Row = {_USER: account, _ACTION: _ALLOWED}
    if at is not None:
        row[_AT] = at
    bare = inner.partition("@")[0].removesuffix("C") if "." in inner or "@" in inner else inner
    if inner and (mac := leases.mac(bare)):
        row[_MAC] = mac
    elif ip := (values.address(bare) if inner else outer):
        row[_IP] = ip
    else:  # a whole net behind the client: which of its addresses is the user's own is not said
        return None
    return row


def _client(cells: list[str], dialect: Dialect) -> Row | None:
    """A row of the client list: the inner IPv6 address is a column of its own from 2.4 on."""
    if len(cells) < 8 or _endpoint(cells[2]) is None:
        raise RefusedLine("a row that breaks off")
    shift = 0 if cells[4].isdecimal() else 1
    since, epoch, user = ([*cells[6 + shift : 9 + shift], "", "", ""])[:3]
    name = user.strip() if user.strip() not in _NOBODY else cells[1]
    return _present(name, cells[3] or (cells[4] if shift else ""), cells[2], (since, epoch), dialect)


def _first_version(cells: list[str], dialect: Dialect) -> Row | None:
    if len(cells) == _LIST_CELLS and _endpoint(cells[1]) and cells[2].isdecimal() and cells[3].isdecimal():
        return _present(cells[0], "", cells[1], (cells[4], ""), dialect)
    if len(cells) == _ROUTE_CELLS and _endpoint(cells[2]):
        return _row(_moment(cells[3], "", dialect.zone), cells[1], inner=cells[0])
    raise RefusedLine("neither a row of the client list nor of the routing table")


def _present(user: str, inner: str, outer: str, since: tuple[str, str], dialect: Dialect) -> Row | None:
    start = _moment(*since, dialect.zone)
    at = _status_at(dialect)
    row = _row(start if at is None else at, user, inner=inner, outer=_endpoint(outer))
    if row is not None and start is not None:
        row[_START] = start
    return row


def _endpoint(text: str) -> str | None:
    """The address of ``ADDRESS:PORT``, which may have a protocol before it and no brackets around IPv6."""
    found = _ENDPOINT.fullmatch(text)
    return values.address(found[1] or found[2] or found[3] or found[5]) if found else None


def _status_at(dialect: Dialect) -> int | None:
    return _moment(dialect.columns[0], dialect.columns[1], dialect.zone) if len(dialect.columns) > 1 else None


@lru_cache(maxsize=4096)
def _moment(text: str, epoch: str, zone: tzinfo) -> int | None:
    """A stamp of a status file: the exact seconds where there are any, else the local text."""
    try:
        if epoch.strip().isdecimal() and len(epoch.strip()) < 12:
            return int(epoch) * MICROSECONDS
        if found := _STAMP_TEXT.match(text):
            return stamps.syslog(f"{found[1]} {found[2]} {found[4]} {found[3]}", zone, None)
        return stamps.iso(text.strip(), zone)
    except (ValueError, OverflowError):  # a broken time does not unsay the stay
        return None


def _written(found: re.Match[str], dialect: Dialect) -> int | None:
    if found["epoch"]:
        return stamps.epoch(found["epoch"])
    at = _moment(found["iso"] or found["text"], "", dialect.zone)
    return at + int(found["micros"]) if at is not None and found["micros"] else at


FORMAT = LogFormat(
    name="openvpn",
    kind=Kind.LOGIN,
    title="OpenVPN server (log and status file)",
    reference="unverified: https://openvpn.net/community-resources/reference-manual-for-openvpn-2-6/",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({_AT, _USER, _IP, _MAC, _START, _END, _ACTION}),
    zone=Zone.LOCAL,
    head=head,
    head_literals=(b"TIME,", b"TIME\t", b"Updated,"),
)
