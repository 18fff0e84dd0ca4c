r"""Microsoft 365 message trace: CSV of PowerShell and of the portals, JSON of Graph and of the old reporting service.

One record is one recipient (or, in the portal's enhanced summary, one mail with all of them). Columns are read by name,
in any order and spelling (``SenderAddress``, ``sender_address``, ``Sender address``, ``senderAddress``):

- ``Received``, ``origin_timestamp_utc``, ``receivedDateTime`` UTC: ISO 8601 with or without ``Z``, the United States'
  ``2/27/2020 10:00:00 AM`` or the exporter's culture (``date_order``), ``/Date(milliseconds)/``
- ``SenderAddress`` the envelope's sender: the service does not name the header's
- ``RecipientAddress``; or ``recipient_status``, ``a@example.org##Receive, Deliver;b@example.org##Receive, Fail``
- ``Subject``, ``message_subject``; ``MessageId``, ``message_id`` in angle brackets
- ``Status``: Delivered, Expanded (a group), Resolved (another address) and GettingStatus (taken over, no more is known
  yet) are allowed; Failed, Quarantined and FilteredAsSpam (documented as rejected or blocked) are denied; Pending is
  neither. A mail of the enhanced summary is allowed where one of its recipients got it (those that it failed for are
  then none of them), denied where all failed
- ``FromIP``, ``original_client_ip``; ``directionality`` Incoming or Originating, in some exports only

``"2/27/2020 10:00:00 AM","no-reply@clearview.ai","u1042@example.org","Verify your email","Delivered","<m1@…>"``
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Layout, LogFormat, Zone, to_iso
from detector.grammars import csvexport, jsonline, mail, values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.events import Dialect, Row

_SPELLINGS = {
    "at": (
        "received", "receivedutc", "receiveddatetime", "origintimestamputc", "origintimestamp", "datereceived",
        "date", "dateutc", "datetime", "datetimeutc", "timestamp",
    ),
    "sender": ("senderaddress", "sender"),
    "recipients": ("recipientaddress", "recipientstatus", "recipients", "recipient"),
    "subject": ("subject", "messagesubject"),
    "status": ("status", "deliverystatus", "recipientstatus"),
    "message_id": ("messageid", "internetmessageid"),
    "client": ("fromip", "originalclientip", "clientip", "senderip"),
    "direction": ("directionality", "direction"),
}  # fmt: skip
_PREAMBLE = '"MessageId","Received","SenderAddress","RecipientAddress","Subject","Status","ToIP","FromIP","Size"'
_NOBODY = ("", "<>")
"""The sender of bounces."""
_ALLOWED = frozenset({"delivered", "deliver", "expanded", "expand", "resolved", "resolve", "gettingstatus", "send"})
_DENIED = frozenset({"failed", "fail", "quarantined", "quarantine", "filteredasspam", "rejected", "drop"})
# Looking a member up on its class costs 70 ns, eight times a line.
_AT, _CLIENT, _SENDER, _TO, _SUBJECT = Col.AT, Col.SOURCE_IP, Col.SENDER, Col.TO, Col.SUBJECT
_MESSAGE_ID, _DIRECTION, _ACTION = Col.MESSAGE_ID, Col.DIRECTION, Col.ACTION
_DIRECTIONS = {
    "incoming": "inbound", "inbound": "inbound", "originating": "outbound", "outbound": "outbound",
    "internal": "internal", "intraorg": "internal",
}  # fmt: skip
_HEADS = (b"ddress,", b'ddress",', b"ddress;", b'ddress";', b"ddress\t", b"Sender,", b'Sender",')


class _Record(NamedTuple):
    """The texts of a record, empty where it has none."""

    at: str
    sender: str
    recipients: str
    subject: str
    status: str
    message_id: str
    client: str
    direction: str


def parse(line: str, dialect: Dialect) -> Row | None:
    """One record to one event."""
    if not line or line.isspace() or line.startswith("#"):
        return None
    record = _record(line, dialect)
    recipients = mail.addresses(_reached(record.recipients))
    sender = mail.address(record.sender)
    at = csvexport.instant(record.at, dialect.zone, dialect.date_order)
    if not sender and (not recipients or (at is None and record.sender.strip() not in _NOBODY)):
        raise RefusedLine("not a record: no sender, and no recipient or time")  # such as the rest of one cut in two
    row: Row = {}
    if at is not None:
        row[_AT] = at
    if address := values.address(record.client.strip()):
        row[_CLIENT] = address
    if sender:
        row[_SENDER] = sender
    if recipients:
        row[_TO] = recipients
    if subject := mail.decode_subject(record.subject):
        row[_SUBJECT] = subject
    if message_id := record.message_id.strip("<> "):
        row[_MESSAGE_ID] = message_id
    if direction := _DIRECTIONS.get(record.direction.lower()):
        row[_DIRECTION] = direction
    if action := _action(record.status):
        row[_ACTION] = action
    return row


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The record's time of receipt."""
    if not line or line.isspace() or line.startswith("#"):
        return None
    return csvexport.instant(_record(line, dialect).at, dialect.zone, dialect.date_order)


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The columns of a CSV header, which recurs where exports were put together."""
    if line.lstrip().startswith("{"):
        return None
    found = csvexport.columns(line, _names(), 3)
    if found is None or "@" in line or "eventid" in found[0]:  # with events it is exchange_message_tracking
        return None
    try:
        _plan(found[0])
    except RefusedLine:
        return None
    return replace(dialect, columns=found[0], separator=found[1])


def example(row: Row) -> str:
    """A line of ``Get-MessageTrace | Export-Csv``."""
    at = row.get(Col.AT, 0)
    to = row.get(Col.TO)
    told = (
        f"<{row[Col.MESSAGE_ID]}>" if Col.MESSAGE_ID in row else "",
        to_iso(at if isinstance(at, int) else 0).removesuffix("Z"),
        row.get(Col.SENDER) or row.get(Col.FROM) or "",
        ";".join(to) if isinstance(to, list) else "",
        row.get(Col.SUBJECT, ""),
        "Failed" if row.get(Col.ACTION) == Action.DENIED else "Delivered",
        "",
        row.get(Col.SOURCE_IP, ""),
        4242,
    )
    return ",".join('"' + str(cell).replace('"', '""') + '"' for cell in told)


def _record(line: str, dialect: Dialect) -> _Record:
    if line[0] == "{" or line.lstrip().startswith("{"):
        return _of_json(jsonline.record(line))
    if not dialect.columns:
        raise RefusedLine("no header line names the columns")
    return _Record(*_plan(dialect.columns).texts(line, dialect.separator or ","))


def _of_json(record: Mapping[str, object]) -> _Record:
    return _Record(*[_text(record.get(key)) for key in _keys(tuple(record))])


@lru_cache(maxsize=64)
def _keys(written: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of the fields that count, an empty one for those that records with these keys do not have."""
    found = {csvexport.normal(key): key for key in written}
    if "senderaddress" not in found and "recipientaddress" not in found:
        raise RefusedLine("neither a sender's nor a recipient's address")
    return tuple(next((found[name] for name in names if name in found), "") for names in _SPELLINGS.values())


def _text(value: object) -> str:
    """A JSON value as text; PowerShell writes some times and enumerations as objects with a ``value``."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return _text(value.get("value") or value.get("Value"))
    if isinstance(value, list):
        return ";".join(one for one in value if isinstance(one, str))
    return ""


def _reached(recipients: str) -> str:
    """The recipients that a mail did not fail for, all where it reached nobody; ``recipient_status`` says so."""
    if "##" not in recipients:
        return recipients
    parts = [part.rpartition("##") for part in recipients.split(";")]
    kept = [name for name, _, words in parts if _action_of(words.rpartition(",")[2]) is not Action.DENIED]
    return ";".join(kept or [name for name, _, _ in parts])


def _action(status: str) -> Action | None:
    """Of a status; or of the last word that ``recipient_status`` says of each recipient."""
    if "##" not in status:
        return _action_of(status)
    words = [part.rpartition("##")[2].rpartition(",")[2] for part in status.split(";") if "##" in part]
    found = {_action_of(word) for word in words}
    if Action.ALLOWED in found:
        return Action.ALLOWED
    return Action.DENIED if found == {Action.DENIED} else None


@lru_cache(maxsize=256)
def _action_of(word: str) -> Action | None:
    word = csvexport.normal(word)
    return Action.ALLOWED if word in _ALLOWED else Action.DENIED if word in _DENIED else None


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(spelling for spellings in _SPELLINGS.values() for spelling in spellings)


@lru_cache(maxsize=64)
def _plan(columns: tuple[str, ...]) -> csvexport.Plan:
    return csvexport.plan(columns, _SPELLINGS, ("sender", "recipients"))


FORMAT = LogFormat(
    name="m365_message_trace",
    kind=Kind.MAIL,
    title="Microsoft 365 message trace (CSV of PowerShell and portals, JSON of Graph and the reporting service)",
    reference="https://learn.microsoft.com/en-us/powershell/module/exchange/get-messagetracev2",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({
        Col.AT, Col.SOURCE_IP, Col.SENDER, Col.TO, Col.SUBJECT, Col.MESSAGE_ID, Col.DIRECTION, Col.ACTION,
    }),
    zone=Zone.UTC,
    preamble=_PREAMBLE,
    head=head,
    head_literals=_HEADS,
    layout=Layout.JSON,
    encoded=(b"\\u",),
)  # fmt: skip
