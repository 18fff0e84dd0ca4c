r"""Proofpoint Targeted Attack Protection: messages and clicks of its SIEM API, as JSON and as syslog.

JSON objects, one a line, or the API's answer ``{"queryEndTime":…,"messagesDelivered":[…],"messagesBlocked":[…],
"clicksPermitted":[…],"clicksBlocked":[…]}``, in which the name of an array is a header of its records:

- ``messageTime`` UTC (of clicks ``clickTime``)
- ``sender`` the envelope's, ``headerFrom`` and ``fromAddress`` the header's sender
- ``recipient`` the envelope's (text or list), ``toAddresses`` the header's, which count where there is no envelope
- ``subject``, ``messageID``, ``senderIP``
- a click is a request of the recipient: ``clickIP``, ``userAgent``, ``url``
- ``quarantineFolder``, ``quarantineRule`` where the mail was quarantined: refused

``{"messageTime":"2020-02-27T10:00:00.000Z","GUID":"x","sender":"no-reply@clearview.ai","recipient":["u1042@example.org"],…}``

Syslog (RFC 5424 with the fields as structured data), message id ``MSGDLV``, ``MSGBLK``, ``CLKPER``, ``CLKBLK``:

``<38>1 2020-02-27T10:00:00Z - ProofpointTAP - MSGBLK [tapmsg@21139 messageTime="2020-02-27T10:00:00Z" sender="…" …]``
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Taken, Zone
from detector.grammars import kv, mailformat, mailtable, moments, rendering, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_DATA = ("[tapmsg@", "[tapclick@", "[tapclk@")
_WORDS = {"MSGDLV": Action.ALLOWED, "MSGBLK": Action.DENIED, "CLKPER": Action.ALLOWED, "CLKBLK": Action.DENIED}
_ARRAYS = {
    "messagesDelivered": Action.ALLOWED, "messagesBlocked": Action.DENIED, "clicksPermitted": Action.ALLOWED,
    "clicksBlocked": Action.DENIED,
}  # fmt: skip
_TYPES = {name.lower(): action for name, action in _ARRAYS.items()} | {
    "messagedelivered": Action.ALLOWED, "messageblocked": Action.DENIED,
    "clickpermitted": Action.ALLOWED, "clickblocked": Action.DENIED,
}  # fmt: skip
"""What shippers write into the record for the list in which it stood."""


def _verdict(cells: Cells) -> Action | None:
    for name in ("eventType", "event_type", "type"):
        cell = cells.get(name)
        if isinstance(cell, str) and (found := _TYPES.get(cell.lower().replace("-", "").replace("_", ""))) is not None:
            return found
    return Action.DENIED if cells.get("quarantineFolder") or cells.get("quarantineRule") else None


_MAILS = mailtable.table(
    {
        Col.SOURCE_IP: "clickIP senderIP",
        Col.SENDER: "sender",
        Col.FROM: "headerFrom fromAddress",
        Col.FROM_NAME: "headerFrom",
        Col.TO: "recipient toAddresses",
        Col.SUBJECT: "subject",
        Col.MESSAGE_ID: "messageID",
        Col.USER_AGENT: "userAgent",
        Col.URL: "url",
    },
    when=moments.stamp("messageTime clickTime"),
    verdict=_verdict,
)


def _written(row: Row) -> dict[str, object]:
    written: dict[str, object] = {"messageTime": rendering.written_at(row, "%Y-%m-%dT%H:%M:%S.%fZ"), "GUID": "g-4242"}
    return written | ({"quarantineFolder": "Phish"} if row.get(Col.ACTION) == Action.DENIED else {})


_JSON = mailformat.mail_format(
    "proofpoint_event",
    "Proofpoint Targeted Attack Protection (SIEM API: JSON and syslog)",
    reference="unverified: https://help.proofpoint.com/Threat_Insight_Dashboard/API_Documentation/SIEM_API",
    zone=Zone.OFFSET,
    mails=_MAILS,
    shape=mailformat.Shape(
        own="messageTime sender|messageTime recipient|clickTime recipient|clickTime clickIP", written=_written
    ),
)


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The array in which the records behind a line stand."""
    name = line.strip(' \t"')
    return replace(dialect, columns=(name,)) if name in _ARRAYS and line.strip()[:1] == '"' else None


def parse(line: str, dialect: Dialect) -> Row | None:
    """One message or click to one event."""
    if line[:1] == "{" or not any(name in line for name in _DATA):
        row = _JSON.parse(line.lstrip(), dialect)
        if row is None:
            return None
        if dialect.columns:
            row[Col.ACTION] = _ARRAYS[dialect.columns[0]]
        return _clicked(row)
    head, _, data = line.partition("[tap")
    pairs = kv.quoted(data.partition(" ")[2].rstrip().removesuffix("]"))
    cells = {name: _listed(cell) for name, cell in pairs.items()}
    if "recipient" not in cells and "sender" not in cells:
        raise RefusedLine("neither a sender nor a recipient")
    row = _MAILS.row(cells, dialect)
    if (action := next((action for word, action in _WORDS.items() if word in head), None)) is not None:
        row[Col.ACTION] = action
    return _clicked(row)


def _listed(cell: str) -> object:
    r"""A value of structured data, in which a bracket is escaped: text, or the JSON list ``["a@example.org"\]``."""
    text = cell.replace("\\]", "]") if "\\]" in cell else cell
    if text[:1] != "[":
        return text
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return found if isinstance(found, list) else text


def block(lines: Sequence[str], dialect: Dialect) -> Taken | None:
    """Many messages at once; clicks, and what is no JSON, are read one by one."""
    taken = None if _JSON.block is None else _JSON.block([line if line[:1] == "{" else "" for line in lines], dialect)
    if taken is None or any(url is not None for url in taken.columns.get(Col.URL, ())):
        return None
    if not dialect.columns:
        return taken
    return Taken(taken.places, {**taken.columns, Col.ACTION: [_ARRAYS[dialect.columns[0]]] * len(taken.places)})


def _clicked(row: Row) -> Row:
    """A click is no mail: the recipient asked for a page."""
    url, to = row.get(Col.URL), row.get(Col.TO)
    if not isinstance(url, str):
        return row
    who = {Col.USER: to[0]} if isinstance(to, list) else {}
    host = values.host_of_url(url)
    return {**row, **who, **({Col.DOMAIN: host} if host else {}), Col.KIND: Kind.PROXY.value}


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The message's or the click's time."""
    return moments.at_of(parse(line, dialect))


FORMAT = replace(
    _JSON,
    parse=parse,
    timestamp=timestamp,
    block=block,
    columns=_JSON.columns | {Col.KIND, Col.USER, Col.DOMAIN},
    head=head,
    head_literals=tuple(f'"{name}"'.encode() for name in _ARRAYS),
)
