r"""Zimbra: ``mailbox.log`` and ``audit.log``: mail put into mailboxes, joined by message id, and logins.

``<date> <time>,<ms> <LEVEL>  [thread] [name=<account>;ip=;oip=<client>;ua=<agent>;…] <category> - <text>``:

- ``lmtp - Delivering message: size=, nrcpts=, sender=<a@b>, msgid=<id>`` a mail from the MTA; the recipient is not said
- ``lmtp - Dropping message …`` and ``mailop - Adding Message: id=, Message-ID=<id>, …, folderName=Inbox`` in ``name``'s
  mailbox; copies of sent mail and drafts are none
- ``smtp - Sending message to MTA at …: Message-ID=<id>, …`` of ``name``
- ``security - cmd=Auth; account=<account>; protocol=…;`` a login, with ``error=`` a failed one; so is
  ``SoapEngine - handler exception: authentication failed for [account], …``: events of the kind ``login``

``oip`` is the client behind Zimbra's own proxy and counts before ``ip``. Times are local.

``2020-02-27 10:00:00,123 INFO  [LmtpServer-1] [ip=10.0.0.25;] lmtp - Delivering message: size=5360, …``
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone, stamps
from detector.grammars import mail, mailsession, mailtable, moments, rendering, values, verdicts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row, Value
    from detector.grammars.records import Cells

_LINE = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) +(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) +\[[^\]]*\] +\[([^\]]*)\] +"
    r"(\w+) - (.*)",
    re.DOTALL,
)
_PAIR = re.compile(r"(\w+)=([^;]*);")
_SENDER = re.compile(r"sender=(?<!\wsender=)<?([^,>\s]*)")
_MESSAGE_ID = re.compile(r"(?:msgid=(?<!\wmsgid=)|Message-ID=(?<!\wMessage-ID=))(<[^>]*>|[^,\s]+)")
"""A pattern that begins with what it looks for is found in half the time."""
_FAILED = re.compile(r"authentication failed for \[([^\]]*)\]")
_OWN_COPY = re.compile(r"folderName=(?:Sent|Drafts|Outbox)\b")
_PUTTING = ("lmtp", "mailop")
_PUTS = ("Delivering message", "Adding Message", "Dropping message")
_ACCOUNT = re.compile(r"\bcmd=(\w*Auth\w*); (?:.*?\b)?account=([^;]*);")


def _owner(text: str) -> list[str] | None:
    found = mail.address(text)
    return [found] if found else None


def _alone(cells: Cells) -> str:
    """The key of a line without a message id, which stands alone."""
    return f"mail: {mail.address(str(cells['sender'])) or _owner(str(cells['name']))}"


_DELIVERED = mailtable.table(
    {
        Col.SOURCE_IP: "oip ip",
        Col.USER_AGENT: "agent",
        Col.SENDER: "sender",
        Col.TO: "name",
        Col.MESSAGE_ID: "id",
        Col.TRANSACTION: "id",
    },
    when=moments.Stamp((("at", ()),), zone=None),
    verdict=verdicts.told("told", lambda text: Action.DENIED if text == "Dropping" else Action.ALLOWED),
    readers={Col.SOURCE_IP: values.address, Col.TO: _owner, Col.TRANSACTION: mailtable.message_id},
    derived={Col.TRANSACTION: _alone},
)


def _record(line: str, _dialect: Dialect) -> Cells | None:
    """What a line says of a mail that is put into a mailbox; other lines, and copies of sent mail, are none."""
    found = _LINE.match(line)
    if found is None or found[3] not in _PUTTING or not found[4].startswith(_PUTS):
        return None
    told, pairs = found[4], dict(_PAIR.findall(found[2] + ";"))
    sender, mid = _SENDER.search(told), _MESSAGE_ID.search(told)
    cells = {
        "at": found[1], "told": told.partition(" ")[0], "sender": sender[1] if sender else "",
        "id": mid[1] if mid else "",
        "oip": pairs.get("oip", "").partition(",")[0], "ip": pairs.get("ip", ""), "agent": pairs.get("ua", ""),
        "name": pairs.get("name", ""),
    }  # fmt: skip
    return None if _OWN_COPY.search(told) and not mail.address(cells["sender"]) else cells


_READER = Reader(_record, _DELIVERED)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line to one event."""
    if not line or line.isspace():
        return None
    if (row := _READER.parse(line, dialect)) is not None:
        return row
    found = _LINE.match(line)
    if found is None:
        if line[:1] in "\t " or line.startswith(("com.zimbra.", "java.", "javax.", "Code:", "ExceptionId:")):
            return None  # the rest of a stack trace
        raise RefusedLine("not a line of mailbox.log or audit.log")
    row = _row(found[3], found[4], dict(_PAIR.findall(found[2] + ";")))
    if row is not None and (at := stamps.known_iso(found[1], dialect.zone)) is not None:
        row[Col.AT] = at
    return row


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The line's own time."""
    return stamps.known_iso(line[:23], dialect.zone) if _LINE.match(line) else None


def example(row: Row) -> str:
    """The line of one delivery, with the recipient's mailbox."""
    at = rendering.written_at(row, "%Y-%m-%d %H:%M:%S,%f")[:-3]
    to = row.get(Col.TO)
    name = to[0] if isinstance(to, list) and to else ""
    pairs = f"name={name};ip={row.get(Col.SOURCE_IP, '10.0.0.25')};"
    sender = row.get(Col.SENDER) or row.get(Col.FROM) or ""
    told = f"Delivering message: size=4242 bytes, nrcpts=1, sender={sender}, msgid=<{row.get(Col.MESSAGE_ID, '')}>"
    return f"{at} INFO  [LmtpServer-42] [{pairs}] lmtp - {told}"


def _row(category: str, told: str, pairs: dict[str, str]) -> Row | None:
    client = values.address(pairs.get("oip", "").partition(",")[0]) or values.address(pairs.get("ip"))
    name, mid = mail.address(pairs.get("name", "")), _MESSAGE_ID.search(told)
    cells: dict[Col, Value | None] = {
        Col.SOURCE_IP: client,
        Col.USER_AGENT: values.text(pairs.get("ua")),
        Col.MESSAGE_ID: mailtable.message_id(mid[1]) if mid else None,
    }
    if category == "smtp" and told.startswith("Sending message") and name:
        row = values.row_of({**cells, Col.SENDER: name, Col.USER: name, Col.DIRECTION: "outbound"})
        return {Col.TRANSACTION: str(row.get(Col.MESSAGE_ID) or f"mail: {name}"), **row}
    return None if category in _PUTTING and told.startswith(_PUTS) else _login(told, cells)


def _login(told: str, cells: dict[Col, Value | None]) -> Row | None:
    kind: dict[Col, Value | None] = {**cells, Col.KIND: Kind.LOGIN.value}
    if found := _FAILED.search(told):
        user, action = found[1], Action.DENIED
    elif found := _ACCOUNT.search(told):
        user, action = found[2], Action.DENIED if "error=" in told else Action.ALLOWED
    else:
        return None
    return {
        Col.TRANSACTION: f"login: {user}",
        **values.row_of({**kind, Col.USER: values.user(user), Col.ACTION: action}),
    }


FORMAT = LogFormat(
    name="zimbra",
    kind=Kind.MAIL,
    title="Zimbra (mailbox.log, audit.log)",
    reference="unverified: https://wiki.zimbra.com/wiki/Log_Files",
    parse=parse,
    timestamp=timestamp,
    block=_READER.block,
    example=example,
    columns=frozenset({
        Col.AT, Col.KIND, Col.SOURCE_IP, Col.USER, Col.USER_AGENT, Col.SENDER, Col.TO, Col.MESSAGE_ID, Col.DIRECTION,
        Col.ACTION,
    }),
    zone=Zone.LOCAL,
    join=mailsession.join,
)  # fmt: skip
