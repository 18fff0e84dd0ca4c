r"""Mimecast: SIEM logs as JSON (v2) and as ``key=value|`` (v1), and tracked mails of the message finder's API.

JSON, one record a line, of the types ``receipt``, ``process``, ``delivery``, ``spam``, ``av``, ``internal email
protect``, ``impersonation protect``, ``url protect``, ``attachment protect``:

- ``timestamp`` milliseconds since the epoch
- ``senderEnvelope``, ``senderHeader`` the envelope's and the header's sender; ``recipients`` comma-separated or a list
- ``senderIp`` who brought the mail; ``destinationIp`` the host that it was given to is no source
- ``direction`` Inbound, Outbound or Internal
- ``action`` Acc, Hld (held), Bnc (bounced), Rej (rejected), Sdbx (sandboxed); Ign and Rty (tried again) say no action;
  ``delivered`` true or false

``{"type":"receipt","timestamp":1582797600123,"action":"Acc","senderEnvelope":"no-reply@clearview.ai",…}``

Text, with the same meaning: ``datetime`` with an offset, ``Sender``, ``headerFrom``, ``Rcpt``, ``Subject``, ``MsgId``,
``IP`` (of deliveries the destination), ``Dir``, ``Act``, ``Delivered``; also as JSON with these names:

``datetime=2020-02-27T10:00:00+0000|aCode=9q_HeIH|acc=C0A0|IP=192.0.2.7|Dir=Inbound|MsgId=<m1@clearview.ai>|…``

The logs of Targeted Threat Protection have ``senderAddress``, ``recipientAddress``, ``senderIpAddress``, ``eventTime``
or ``date``, those of clicks ``userEmailAddress`` and ``fromUserEmailAddress``. A record with a ``url`` is a click: a
request of the recipient, whose address nobody logs (``sourceIp`` brought the mail). One mail is a receipt, a process
and a delivery: each is an event where it names sender or recipient.
``spamProcessingDetail`` is a JSON text that says how DMARC ended.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Taken, Zone
from detector.grammars import mail, mailformat, mailtable, moments, values, verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_PAIR = re.compile(r"(?:^|\|)([A-Za-z]\w{0,40})=(.*?)(?=\|[A-Za-z]\w{0,40}=|$)", re.DOTALL)  # subjects may hold bars
_DMARC = re.compile(r'"dmarc"\s*:\s*\{([^{}]*)', re.IGNORECASE)
_INFO = re.compile(r'"info"\s*:\s*"(\w+)')
_INFOS = {"ALLOW": "pass", "PASS": "pass", "DENY": "fail", "FAIL": "fail"}
_ACTIONS = verdicts.verdict(
    "action Act Action actionTriggered status",
    denied="hld hold held bnc bounce rej reject block sdbx quarantine drop",
    allowed="acc deliver allow release user~release",
)
_DELIVERED = verdicts.verdict("delivered Delivered", denied="false", allowed="true")
_V1 = frozenset({"datetime", "acc"})


def _authentication(cells: Cells) -> str | None:
    detail = cells.get("spamProcessingDetail") or cells.get("SpamProcessingDetail")
    found = _DMARC.search(detail) if isinstance(detail, str) else None
    info = None if found is None else _INFO.search(found[1])
    return (
        None if info is None else _INFOS.get(info[1].upper())
    )  # "allow":true alone is no verdict: NONE is allowed too


def _unwrapped(text: str) -> str:
    r"""A subject without the backslashes that some exports of the text write around it, ``\Your account\``."""
    return text[1:-1] if len(text) > 2 and text[0] == "\\" == text[-1] else text


_MAILS = mailtable.table(
    {
        Col.SOURCE_IP: "senderIp sourceIp SourceIP IP senderIP senderIpAddress sendingIp",
        Col.SENDER: "senderEnvelope Sender fromEnv.emailAddress senderAddress fromUserEmailAddress sender",
        Col.FROM: "senderHeader headerFrom fromHdr.emailAddress",
        Col.FROM_NAME: "senderHeader headerFrom fromHdr.displayableName",
        Col.TO: "recipients Rcpt Recipient recipient to.emailAddress recipientAddress userEmailAddress",
        Col.SUBJECT: "subject Subject",
        Col.MESSAGE_ID: "messageId MsgId",
        Col.URL: "url",
    },
    when=moments.stamp("timestamp datetime received eventTime date"),
    verdict=lambda cells: _ACTIONS(cells) or _DELIVERED(cells),
    direction=mailtable.word("direction Dir route Route", mailtable.DIRECTIONS),
    authentication=_authentication,
    readers={
        Col.FROM_NAME: mailtable.name,
        Col.SUBJECT: lambda text: mail.decode_subject(_unwrapped(text)),
    },
)


def _text(line: str) -> Cells | None:
    """A record of the old text."""
    if "datetime=" not in line[:300]:
        return None
    cells: dict[str, object] = dict(_PAIR.findall(line[line.find("datetime=", 0, 300) :]))
    if not cells.keys() >= _V1:
        raise RefusedLine("neither JSON nor the text of Mimecast")
    return _unwrap(cells)


def _unwrap(record: dict[str, object]) -> Cells:
    """Of a delivery the address is the destination's."""
    if "Delivered" in record:
        record.pop("IP", None)
    return record


def _written(row: Row) -> dict[str, object]:
    denied = row.get(Col.ACTION) == Action.DENIED
    return {
        "type": "receipt",
        "processingId": "p-4242",
        "aggregateId": "a-4242",
        "timestamp": (moments.at_of(row) or 0) // 1000,
        "action": "Rej" if denied else "Acc",
        "direction": str(row.get(Col.DIRECTION, "inbound")).capitalize(),
    }


_READ = mailformat.mail_format(
    "mimecast",
    "Mimecast (SIEM logs as JSON and text, message finder)",
    reference="unverified: https://integrations.mimecast.com/documentation/tutorials/understanding-siem-logs/",
    zone=Zone.OFFSET,
    mails=_MAILS,
    shape=mailformat.Shape(
        own="aggregateId type|processingId type|accountId senderEnvelope|fromEnv to|acc datetime|aCode datetime"
        "|senderAddress recipientAddress messageId|userEmailAddress fromUserEmailAddress",
        written=_written,
        unwrap=_unwrap,
        text=_text,
    ),
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One mail or click to one event."""
    row = _READ.parse(line, dialect)
    url = None if row is None else row.get(Col.URL)
    if row is None or not isinstance(url, str):
        return row
    to, host = row.get(Col.TO), values.host_of_url(url)
    row.pop(Col.SOURCE_IP, None)
    who = {Col.USER: to[0]} if isinstance(to, list) else {}
    return {**row, **who, **({Col.DOMAIN: host} if host else {}), Col.KIND: Kind.PROXY.value}


def block(lines: Sequence[str], dialect: Dialect) -> Taken | None:
    """Many mails at once; clicks are read one by one."""
    taken = None if _READ.block is None else _READ.block(lines, dialect)
    return None if taken is None or any(url is not None for url in taken.columns.get(Col.URL, ())) else taken


FORMAT = replace(
    _READ,
    parse=parse,
    timestamp=lambda line, dialect: moments.at_of(parse(line, dialect)),
    block=block,
    columns=_READ.columns | {Col.KIND, Col.USER, Col.DOMAIN},
)
