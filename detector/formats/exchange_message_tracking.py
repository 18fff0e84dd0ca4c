r"""Microsoft Exchange message tracking (2007 to 2019 and SE): one mail is many lines, joined to one event.

``MSGTRK*.LOG`` is CSV in UTF-8 with a byte order mark; ``#Fields:`` names the columns and may recur with others. They
are read by name, so that ``Get-MessageTrackingLog | Export-Csv`` (``EventId``, ``Sender``, ``Recipients``; local time)
and the extended report of Exchange Online's message trace (``date_time_utc``, ``event_id``) are read too; so is JSON,
one line an object, with the names of either:

- ``date-time`` ISO 8601 UTC
- ``original-client-ip``, else ``client-ip`` who brought the mail
- ``source``, ``event-id`` which part did what: ``SMTP,RECEIVE``, ``STOREDRIVER,DELIVER``, ``ROUTING,FAIL`` …
- ``message-id``, ``network-message-id`` (2013 on) the mail, on all servers; ``internal-message-id`` of one server
- ``recipient-address`` separated by ``;``
- ``sender-address`` the header's sender, ``return-path`` the envelope's
- ``message-subject``, ``directionality`` ``Incoming`` or ``Originating``; who is outside is not said

``2020-02-27T10:00:00.463Z,192.0.2.7,mx1,…,SMTP,RECEIVE,29519319995411,<m1@clearview.ai>,…,u1042@example.org,…``

The rule by which a mail counts once: RECEIVE, HAREDIRECT, AGENTINFO, SEND and DELIVER of one inbound mail tell the same
story, but an Edge server writes only RECEIVE and SEND, the delivery log (``MSGTRKMD``) only DELIVER, the submission log
(``MSGTRKMS``) only SUBMIT. No single event-id is in all of them, so all lines of one mail are joined by
``network-message-id`` (else ``message-id``, else ``internal-message-id``):

- one event at the mail's first line with all recipients that did not fail, those of expanded groups included; allowed
  once any line says that Exchange took it over (RECEIVE, SUBMIT), sent, expanded or delivered it
- one denied event at the first FAIL (or POISONMESSAGE, BADMAIL, DROP, a moderator's refusal) with those that did
- shadow copies (``HA…``) and calendar notices are passed over; a DEFER, DSN or AGENTINFO by itself says no action

Logs of several servers tell a mail once each, with one message id.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import UNREADABLE, Action, Col, Kind, Layout, LogFormat, Taken, Zone, to_iso
from detector.grammars import csvexport, jsonline, many, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.events import Dialect, Row, Value

_MODERN = (
    "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,"
    "internal-message-id,message-id,network-message-id,recipient-address,recipient-status,total-bytes,recipient-count,"
    "related-recipient-address,reference,message-subject,sender-address,return-path,message-info,directionality,"
    "tenant-id,original-client-ip,original-server-ip,custom-data,transport-traffic-type,log-id,schema-version"
)
_FIELDS = "#Fields:"
_ODD = re.compile(r"\\x[0-9a-f]{2}|[^A-Za-z0-9.@_+=$-]")
_SPELLINGS = {
    "at": ("datetime", "datetimeutc", "timestamp"),
    "client": ("clientip",),
    "original": ("originalclientip",),
    "event": ("eventid",),
    "internal_id": ("internalmessageid",),
    "message_id": ("messageid",),
    "network_id": ("networkmessageid",),
    "recipients": ("recipientaddress", "recipients"),
    "subject": ("messagesubject",),
    "sender": ("senderaddress", "sender"),
    "return_path": ("returnpath",),
    "direction": ("directionality",),
}
_EVENT = tuple(_SPELLINGS).index("event")
_TAKEN = (
    "RECEIVE", "SUBMIT", "SEND", "SENDEXTERNAL", "DELIVER", "DUPLICATEDELIVER", "EXPAND", "DUPLICATEEXPAND", "REDIRECT",
    "DUPLICATEREDIRECT", "RESOLVE", "TRANSFER", "MODERATORAPPROVE",
)  # fmt: skip
_FAILED = ("FAIL", "SUBMITFAIL", "POISONMESSAGE", "BADMAIL", "DROP", "MODERATORREJECT", "MODERATIONEXPIRE")
_ACTIONS = dict.fromkeys(_TAKEN, Action.ALLOWED) | dict.fromkeys(_FAILED, Action.DENIED)
_NO_MAIL = frozenset({"NOTIFYMAPI", "PROCESSMEETINGMESSAGE", "THROTTLE"})
# Looking a member up on its class costs 70 ns, ten times a line.
_AT, _TRANSACTION, _CLIENT, _FROM, _SENDER = Col.AT, Col.TRANSACTION, Col.SOURCE_IP, Col.FROM, Col.SENDER
_TO, _SUBJECT, _MESSAGE_ID, _DIRECTION, _ACTION = Col.TO, Col.SUBJECT, Col.MESSAGE_ID, Col.DIRECTION, Col.ACTION
_DIRECTIONS = {"incoming": "inbound", "originating": "outbound"}


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line to a fragment of its mail."""
    if (texts := _texts(line, dialect)) is None:
        return None
    row = {column: cell for column, (cell,) in _columns([texts], dialect).items() if cell is not None}
    if _AT not in row and not dialect.columns:
        raise RefusedLine("neither a header in force nor a time")
    return row


def block(lines: Sequence[str], dialect: Dialect) -> Taken | None:
    """The fragments of many lines; broken ones are left."""
    places, told, passed = list[int](), list[tuple[str, ...]](), list[int]()
    for place, line in enumerate(lines):
        try:
            texts = _texts(line, dialect)
        except RefusedLine:
            continue
        if texts is None:
            passed.append(place)
        else:
            places.append(place)
            told.append(texts)
    try:
        columns = _columns(told, dialect) if told else {}
    except UNREADABLE:
        return None
    return None if not dialect.columns and None in columns.get(_AT, ()) else Taken(places, columns, passed)


def _texts(line: str, dialect: Dialect) -> tuple[str, ...] | None:
    """The cells of a line in the order of ``_SPELLINGS``, ``None`` where it is no event."""
    if not line or line.isspace() or line[0] == "#":
        return None
    if line[0] == "{":
        texts = _of_json(line)
    else:
        separator = dialect.separator or ","
        texts = _plan(dialect.columns or _assumed(line.count(separator) + 1)).texts(line, separator)
    event = texts[_EVENT].upper()
    if not event.isalpha() or not event.isascii():
        raise RefusedLine("no event-id where the header has it")
    return None if event in _NO_MAIL or event.startswith("HA") else texts


def _of_json(line: str) -> tuple[str, ...]:
    record = {csvexport.normal(name): value for name, value in jsonline.record(line).items()}
    if not record.keys() & {"recipientaddress", "recipients"} or not record.keys() & {"messageid", "internalmessageid"}:
        raise RefusedLine("no record of message tracking")
    found = [next((record[name] for name in names if name in record), None) for names in _SPELLINGS.values()]
    return tuple(
        cell if isinstance(cell, str) else ";".join(map(str, cell)) if isinstance(cell, list) else "" for cell in found
    )


def _columns(told: Sequence[tuple[str, ...]], dialect: Dialect) -> dict[Col, Sequence[Value | None]]:
    """The cells of n lines that are events."""
    (
        ats, clients, originals, events, internal_ids, ids, network_ids, recipients, subjects, senders, return_paths,
        directions,
    ) = zip(*told, strict=True)  # fmt: skip
    message_ids = [one.strip("<> ") for one in ids]
    authors = many.mailboxes(senders)
    actions = {event: _ACTIONS.get(event.upper()) for event in set(events)}
    return {
        _TRANSACTION: [
            network.strip() or _key(message_id) or internal or at or "unknown"
            for network, message_id, internal, at in zip(network_ids, message_ids, internal_ids, ats, strict=True)
        ],
        _AT: csvexport.instants(ats, dialect.zone, dialect.date_order),
        _CLIENT: _first(_addresses(originals), _addresses(clients)),
        _FROM: authors,
        _SENDER: _first(many.mailboxes(return_paths), authors),
        _TO: [to or None for to in many.lists_of_mailboxes([text.strip("{}") for text in recipients])],
        _SUBJECT: [title or None for title in many.subjects(subjects)],
        _MESSAGE_ID: [message_id or None for message_id in message_ids],
        _DIRECTION: [_DIRECTIONS.get(way.lower()) for way in directions],
        _ACTION: [actions[event] for event in events],
    }  # fmt: skip


def _addresses(texts: Sequence[str]) -> Sequence[str | None]:
    return many.addresses([text.strip() for text in texts]) if any(texts) else [None] * len(texts)


def _first(best: Sequence[str | None], others: Sequence[str | None]) -> Sequence[str | None]:
    return [other if one is None else one for one, other in zip(best, others, strict=True)] if None in best else best


def _key(message_id: str) -> str:
    """A message id whose last word stands in the raw line as it is: senders may write bytes and quotes into it."""
    if message_id.isascii() and not _ODD.search(message_id):
        return message_id
    plain = max(_ODD.split(message_id), key=len)
    return f"{message_id} {plain}" if plain else ""


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The first field's, or that of the column that the header names."""
    if not line or line.isspace() or line.startswith("#"):
        return None
    separator = dialect.separator or ","
    if line[0] == "{":
        at = _of_json(line)[0]
    elif not dialect.columns or dialect.columns[0] in _SPELLINGS["at"]:
        at = line.split(separator, 1)[0].strip('"')
    else:
        at = _plan(dialect.columns).texts(line, separator)[0]
    return csvexport.instant(at, dialect.zone, dialect.date_order)


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The columns of a ``#Fields:`` line or of an export's first line."""
    start = line.find(_FIELDS)
    if 0 <= start <= len("\\xef\\xbb\\xbf"):
        line = line[start + len(_FIELDS) :]
    found = csvexport.columns(line, _names(), 4)
    if found is None or "eventid" not in found[0]:
        return None
    return replace(dialect, columns=found[0], separator=found[1])


def join(rows: Sequence[Row]) -> Iterator[tuple[int, Row]]:
    """The mail that its lines tell: at its first line, and at its first failure for the recipients that failed."""
    failures = [(index, row) for index, row in enumerate(rows) if row.get(Col.ACTION) == Action.DENIED]
    others = [(index, row) for index, row in enumerate(rows) if row.get(Col.ACTION) != Action.DENIED]
    failed = _recipients(failures)
    kept = [one for one in _recipients(others) if one not in failed]
    known: Row = {}
    for row in rows:
        known = {**row, **known}
    known = {name: cell for name, cell in known.items() if name not in (Col.TRANSACTION, Col.TO, Col.ACTION, Col.AT)}
    taken = any(row.get(Col.ACTION) == Action.ALLOWED for row in rows)
    if others and (kept or not failures):
        yield others[0][0], _event(others[0][1], known, kept, Action.ALLOWED if taken else None)
    if failures:
        yield failures[0][0], _event(failures[0][1], known, failed or _recipients(others), Action.DENIED)


def example(row: Row) -> str:
    """The RECEIVE or FAIL line of a mail in Exchange 2016's columns."""
    at = row.get(Col.AT, 0)
    to = row.get(Col.TO)
    sender = str(row.get(Col.FROM) or row.get(Col.SENDER) or "")
    told = {
        "date-time": to_iso(at if isinstance(at, int) else 0),
        "client-ip": str(row.get(Col.SOURCE_IP, "192.0.2.7")),
        "source": "ROUTING" if row.get(Col.ACTION) == Action.DENIED else "SMTP",
        "event-id": "FAIL" if row.get(Col.ACTION) == Action.DENIED else "RECEIVE",
        "message-id": f"<{row[Col.MESSAGE_ID]}>" if Col.MESSAGE_ID in row else "",
        "recipient-address": ";".join(to) if isinstance(to, list) else "",
        "message-subject": str(row.get(Col.SUBJECT, "")),
        "sender-address": sender,
        "return-path": str(row.get(Col.SENDER) or sender),
        "directionality": "Originating" if row.get(Col.DIRECTION) == "outbound" else "Incoming",
    }
    return ",".join(_quoted(told.get(name, "")) for name in _MODERN.split(","))


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if "," in cell or '"' in cell else cell


def _recipients(lines: Sequence[tuple[int, Row]]) -> list[str]:
    found: dict[str, None] = {}
    for _, row in lines:
        to = row.get(Col.TO)
        found.update(dict.fromkeys(to if isinstance(to, list) else ()))
    return list(found)


def _event(first: Row, known: Row, to: list[str], action: Action | None) -> Row:
    cells: dict[Col, Value | None] = {**known, Col.AT: first.get(Col.AT), Col.TO: to or None, Col.ACTION: action}
    return values.row_of(cells)


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(spelling for spellings in _SPELLINGS.values() for spelling in spellings)


@lru_cache(maxsize=4)
def _assumed(fields: int) -> tuple[str, ...]:
    """The columns where no header came first: those of 2013 on, or of 2010, which had no ``network-message-id``."""
    names = tuple(csvexport.normal(name) for name in _MODERN.split(","))
    return names if fields > 26 or not fields else tuple(name for name in names if name != "networkmessageid")


@lru_cache(maxsize=64)
def _plan(columns: tuple[str, ...]) -> csvexport.Plan:
    return csvexport.plan(columns, _SPELLINGS, ("event", "recipients", "sender"))


FORMAT = LogFormat(
    name="exchange_message_tracking",
    kind=Kind.MAIL,
    title="Microsoft Exchange message tracking (log files and exports)",
    reference="https://technet.microsoft.com/en-us/library/bb124375.aspx",
    parse=parse,
    timestamp=timestamp,
    block=block,
    example=example,
    columns=frozenset({
        Col.AT, Col.SOURCE_IP, Col.FROM, Col.SENDER, Col.TO, Col.SUBJECT, Col.MESSAGE_ID, Col.DIRECTION, Col.ACTION,
    }),
    zone=Zone.UTC,
    preamble=f"#Software: Microsoft Exchange Server\n{_FIELDS} {_MODERN}",
    head=head,
    head_literals=(_FIELDS.encode(), b"EventId", b"event_id"),
    join=join,
    layout=Layout.JSON,
    encoded=(b"\\u",),
)  # fmt: skip
