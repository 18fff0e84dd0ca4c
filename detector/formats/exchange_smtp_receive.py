r"""Exchange SMTP protocol logs (``SmtpReceive``, ``SmtpSend``): a session's commands, joined to one event per mail.

CSV: ``#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context``

- ``date-time`` UTC; ``session-id`` 16 hexadecimal digits, the same on all lines of a session
- ``remote-endpoint`` ``ip:port`` of the client, in send logs of the server that got the mail
- ``event`` ``+`` connect, ``-`` disconnect, ``<`` received, ``>`` sent, ``*`` information
- ``data`` a command or a reply: ``MAIL FROM:<a@b> SIZE=…``, ``RCPT TO:<c@d>``, ``RSET``; who sends ``MAIL FROM`` tells
  receive logs (``<``) from send logs (``>``: outbound). ``250 2.6.0 <message id> [InternalId=…] Queued mail for
  delivery`` means that the mail was taken, a reply with 5 that it (or a recipient: replies name none) was refused
- ``*,DOMAIN\user,authenticated`` who had logged in; ``535`` a failed login: an event of the kind ``login``

``2020-02-27T10:00:00.123Z,MX1\Default MX1,08D7BB0000001042,4,10.0.0.25:25,192.0.2.7:4242,<,MAIL FROM:<…>,``
"""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone, stamps
from detector.grammars import csvexport, mail, mailsession, mailtable, rendering, values

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_COLUMNS = (
    "datetime", "connectorid", "sessionid", "sequencenumber", "localendpoint", "remoteendpoint", "event", "data",
    "context",
)  # fmt: skip
_SESSION = re.compile(r"[0-9A-Fa-f]{16}")
_PATH = re.compile(r"(MAIL FROM|RCPT TO):\s?<([^>]*)>", re.IGNORECASE)
_QUEUED = re.compile(r"250 2\.[06]\.0 (?:<([^>]*)> )?.*Queued mail", re.DOTALL)
_REFUSAL = re.compile(r"5\d\d[ -]5\.\d|55\d |571 ")
_PROXIED = re.compile(r"XPROXYFROM .*\bIP=([0-9A-Fa-f.:]{2,45})")
_EVENTS = frozenset("+-<>*")
_PREAMBLE = (
    "#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context"
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line to a fragment of its session."""
    if not line or line.isspace() or line[0] == "#":
        return None
    cells = csvexport.cells(line)
    if dialect.columns and dialect.columns != _COLUMNS:
        found = dict(zip(dialect.columns, cells, strict=False))
        cells = [found.get(name, "") for name in _COLUMNS]
    if len(cells) < 8 or cells[6] not in _EVENTS or not _SESSION.fullmatch(cells[2]):
        raise RefusedLine("not a line of an SMTP protocol log")
    row = _fragment(cells[2], cells[6], cells[7].strip(), cells[8].strip() if len(cells) > 8 else "", cells[5])
    if row is not None and (at := stamps.known_iso(cells[0], dialect.zone)) is not None:
        row[Col.AT] = at
    return row


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The line's own time, which is its first field in every version."""
    return None if line[:1] == "#" else stamps.known_iso(line.partition(",")[0].strip('"'), dialect.zone)


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The names of a ``#Fields`` line."""
    if not line.startswith("#Fields:"):
        return None
    names = tuple(csvexport.normal(name) for name in line[8:].split(","))
    return replace(dialect, columns=names) if {"sessionid", "event", "data"} <= set(names) else None


def example(row: Row) -> str:
    """The lines of one mail of a receive log."""
    at = rendering.written_at(row, "%Y-%m-%dT%H:%M:%S.000Z")
    session = f"08D7BB00{zlib.crc32(repr(sorted(row.items())).encode()):08X}"
    to = row.get(Col.TO)
    recipient = to[0] if isinstance(to, list) and to else "postmaster@example.org"
    message_id = row.get(Col.MESSAGE_ID, "m@example.net")
    told = [f"*,{row[Col.USER]},authenticated"] if Col.USER in row else []
    told += [
        f"<,MAIL FROM:<{row.get(Col.SENDER) or row.get(Col.FROM) or ''}> SIZE=4242,",
        f"<,RCPT TO:<{recipient}>,",
        ">,550 5.7.1 refused,"
        if row.get(Col.ACTION) == Action.DENIED
        else f'>,"250 2.6.0 <{message_id}> [InternalId=4242, Hostname=mx1] Queued mail for delivery",',
        "-,,Remote",
    ]
    ends = f"10.0.0.25:25,{row.get(Col.SOURCE_IP, '192.0.2.1')}:4242"
    return "\n".join(f"{at},MX1\\Default MX1,{session},{place},{ends},{text}" for place, text in enumerate(told))


def _fragment(session: str, event: str, data: str, context: str, remote: str) -> Row | None:
    row: Row = {Col.TRANSACTION: session}
    if event == "-" or data.upper() == "RSET":
        return row
    if found := _PATH.match(data):
        if found[1][0] in "rR":
            return {**row, Col.TO: [found[2].lower()]} if "@" in found[2] else None
        client = values.address(values.host(remote)) if event == "<" else None
        cells = {Col.SENDER: mail.address(found[2]), Col.SOURCE_IP: client}
        cells[Col.DIRECTION] = "outbound" if event == ">" else None
        return {**row, **values.row_of(cells)}
    if event == "*":
        user = values.user(data) if context.startswith("authenticated") else None
        return {**row, Col.USER: user} if user else None
    if found := _PROXIED.match(data):
        return {**row, Col.SOURCE_IP: found[1]}
    return _reply(row, data, remote)


def _reply(row: Row, data: str, remote: str) -> Row | None:
    if found := _QUEUED.match(data):
        message_id = mailtable.message_id(found[1] or "")
        return {**row, Col.ACTION: Action.ALLOWED, **({Col.MESSAGE_ID: message_id} if message_id else {})}
    if data.startswith("535"):
        client = values.address(values.host(remote))
        told: Row = {Col.TRANSACTION: f"login: {row[Col.TRANSACTION]}", Col.KIND: Kind.LOGIN.value}
        return {**told, Col.ACTION: Action.DENIED, **({Col.SOURCE_IP: client} if client else {})}
    return {**row, Col.ACTION: Action.DENIED} if _REFUSAL.match(data) else None


FORMAT = LogFormat(
    name="exchange_smtp_receive",
    kind=Kind.MAIL,
    title="Microsoft Exchange SMTP protocol logs (receive and send, joined by session)",
    reference="unverified: https://learn.microsoft.com/en-us/exchange/mail-flow/connectors/protocol-logging",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({
        Col.AT, Col.KIND, Col.SOURCE_IP, Col.USER, Col.SENDER, Col.TO, Col.MESSAGE_ID, Col.DIRECTION, Col.ACTION,
    }),
    zone=Zone.UTC,
    preamble=_PREAMBLE,
    head=head,
    head_literals=(b"#Fields:",),
    join=mailsession.join,
)  # fmt: skip
