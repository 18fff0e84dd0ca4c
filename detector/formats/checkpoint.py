r"""Check Point firewalls, logs of the Log Exporter: pairs with bars, ``key:"value"``, structured data, CEF, LEEF, JSON.

``time=1582797600|hostname=fw1|product=URL Filtering|action=Block|ifdir=outbound|loguid={0x1,0x2,0x3,0x4}|
origin=192.0.2.9|src=10.0.0.7|src_user_name=Jane Doe (u1042)|resource=https://www.example.com/a|method=GET|…``

- ``time`` seconds since the epoch; ``rt`` (CEF) milliseconds, ``devTime`` (LEEF) seconds
- ``src`` the client, ``src_user_name`` (``suser``, ``usrName``) its user, a name with the login in parentheses
- ``resource`` (``request``) the URL, ``http_host``, ``dst_domain_name``, ``tls_server_host_name`` names of the server
- ``sent_bytes`` (``out``) from the client, ``received_bytes`` (``in``) to it
- of questions to a DNS server ``dns_query``, ``question_rdata`` or ``domain_name``, and ``dns_type``
- of mails (Anti-Spam, MTA, DLP): ``from`` (``sender``) and ``to`` (``recipient``) of the envelope, ``email_subject``
- ``action`` Accept, Allow, Detect, Inspect, Bypass, Decrypt let through; Drop, Block, Reject, Prevent do not

Lines without a client's address (audit, updates) are no events.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Col, Kind, Layout, LogFormat, Zone
from detector.grammars import (
    cef,
    dns,
    kv,
    leef,
    mail,
    mailtable,
    moments,
    records,
    rendering,
    shapes,
    spellings,
    values,
    verdicts,
)
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.events import Dialect, Row
    from detector.grammars.layouts import Drawing
    from detector.grammars.records import Cells

_LOGIN = re.compile(r"[^()]*\(([^()]+)\)(?:\([+-]\))?\s*")
_OWN = frozenset({"loguid", "originsicname", "origin_sic_name", "ifdir", "sequencenum", "origin"})
_HEADER = re.compile(r"(?:<\d{1,3}>)?1 (\d{4}-\d\d-\d\dT\S{8,30}) ")
_OBJECT = re.compile(r"(?:<\d{1,3}>)?1 [^\s\"={]{8,64} (?:[^\s\"={]{1,255} ){3,5}\{")
_OF_MAILS = frozenset({"email_subject", "email_id", "email_control", "email_session_id", "original_queue_id"})
_VENDOR = "Check Point"
_BAR, _BACKSLASH = "\0b", "\0s"
_CUT = shapes.cut("|")
_ID = "{0x1,0x2,0x3,0x4}"


@lru_cache(maxsize=8192)
def _user(text: str) -> str | None:
    r"""The login behind the name: ``Jane Doe (u1042)(+)``."""
    found = _LOGIN.fullmatch(text) if len(text) < 256 else None
    return values.user(found[1] if found else text)


_WHEN = moments.first(
    moments.stamp("time rt devTime start"),
    spellings.Patterned("devTime", "devTimeFormat"),
)
_VERDICT = verdicts.verdict(
    "action Action act",
    denied="block drop reject prevent redirect quarantine",
    allowed="accept allow detect inspect bypass decrypt inform encrypt https",
)
_MAILS = records.table(
    {
        Col.SOURCE_IP: "src sip",
        Col.SENDER: "from sender",
        Col.FROM: "mime_from",
        Col.TO: "to recipient mime_to",
        Col.SUBJECT: "email_subject subject",
        Col.MESSAGE_ID: "email_message_id",
    },
    when=_WHEN,
    verdict=_VERDICT,
    readers={
        Col.TO: lambda text: mail.addresses(text) or None,
        Col.SUBJECT: lambda text: mail.decode_subject(text) or None,
        Col.MESSAGE_ID: mailtable.message_id,
    },
    kind=Kind.MAIL,
    needs=(Col.SENDER, Col.TO, Col.SOURCE_IP),
)
_TABLE = records.table(
    {
        Col.SOURCE_IP: "src sip",
        Col.HOST_NAME: "src_machine_name shost",
        Col.USER: "src_user_name suser usrName login src_user user",
        Col.METHOD: "method requestMethod",
        Col.URL: "resource request url",
        Col.DOMAIN: "http_host dst_domain_name dhost",
        Col.SERVER_NAME: "tls_server_host_name sni",
        Col.STATUS: "http_status",
        Col.BYTES_SENT: "sent_bytes out bytesout client_inbound_bytes srcBytes",
        Col.BYTES_RECEIVED: "received_bytes in bytesin client_outbound_bytes dstBytes",
        Col.USER_AGENT: "user_agent requestClientApplication",
        Col.QUESTION: "dns_query question_rdata domain_name",
        Col.QUESTION_TYPE: "dns_type",
    },
    when=_WHEN,
    verdict=_VERDICT,
    asked=records.Asked.ALONE,
    readers={
        Col.USER: _user,
        Col.HOST_NAME: lambda text: values.host(text.partition("@")[0]),
        Col.URL: lambda text: text if "." in text or "/" in text else None,
        Col.QUESTION: lambda text: dns.name(text) if "." in text else None,
    },
    needs=(Col.SOURCE_IP,),
)


def example(row: Row) -> str:
    """A line of pairs with bars."""
    action = rendering.choice(row, allowed="Accept", denied="Block")
    fixed = {"time": rendering.seconds(row).partition(".")[0], "hostname": "fw1", "action": action}
    if row.get(Col.KIND) == Kind.MAIL:
        to = row.get(Col.TO)
        texts = {"from": str(row.get(Col.SENDER, "")), "to": ", ".join(to) if isinstance(to, list) else ""}
        texts |= {"src": str(row.get(Col.SOURCE_IP, "")), "email_subject": str(row.get(Col.SUBJECT, ""))}
        return _joined({**fixed, "product": "Anti-Spam and Email Security", "loguid": _ID, **texts})
    names = {
        Col.SOURCE_IP: "src", Col.USER: "src_user_name", Col.METHOD: "method", Col.URL: "resource",
        Col.DOMAIN: "http_host", Col.STATUS: "http_status", Col.BYTES_SENT: "sent_bytes",
        Col.BYTES_RECEIVED: "received_bytes", Col.USER_AGENT: "user_agent",
    }  # fmt: skip
    return _joined({**fixed, "product": "URL Filtering", "loguid": _ID, **rendering.texts(row, names)})


def _joined(pairs: Mapping[str, str]) -> str:
    return "|".join(f"{name}={kv.one_line(cell).replace('|', '/')}" for name, cell in pairs.items())


def _choose(cells: Cells) -> records.Table:
    """Told by names alone: lines of one layout have one table."""
    if "recipient" in cells and "sender" in cells:
        return _MAILS
    return _MAILS if "to" in cells and "from" in cells and not _OF_MAILS.isdisjoint(cells) else _TABLE


def _record(line: str, _dialect: Dialect) -> Cells:
    cells: Cells
    if line[0] == "{" or _OBJECT.match(line):
        cells = records.record(line)
        if _OWN.isdisjoint(cells) or not ("product" in cells or "ProductName" in cells):
            raise RefusedLine("no names of Check Point's logs")
        return cells
    if (message := cef.find(line) or leef.find(line)) is not None:
        if not message.vendor.startswith(_VENDOR):
            raise RefusedLine("not a message of Check Point")
        return message.fields
    if ':"' in line:
        cells = kv.colon(line)
    else:
        cells = _between_bars(line) if "|" in line and '="' not in line else kv.quoted(line)
    if "time" not in cells:
        stamp = _HEADER.match(line)  # structured data belongs to the syslog header, which is not taken off then
        if stamp:
            cells = {**cells, "time": stamp[1]}
        elif "|" in line:
            cells = {**cells, "time": line.partition("time=")[2].partition("|")[0]}
    if _OWN.isdisjoint(cells) or not ("product" in cells or "ProductName" in cells):
        raise RefusedLine("no names of Check Point's logs")
    return cells


def _between_bars(line: str) -> dict[str, str]:
    r"""The pairs of ``a=1|b=2``, in whose values ``\=``, ``\|`` and ``\\`` are escapes."""
    if "\\" not in line:
        return kv.cut(line, "|")
    fields = kv.cut(line.replace("\\\\", _BACKSLASH).replace("\\|", _BAR), "|")
    return {name: _whole(cell) for name, cell in fields.items()}


def _whole(cell: str) -> str:
    return (
        cell.replace("\\=", "=").replace(_BAR, "|").replace(_BACKSLASH, "\\") if "\\" in cell or "\0" in cell else cell
    )


def _unescaped(cell: str) -> str:
    return _whole(cell.replace("\\\\", _BACKSLASH))


def _bars(line: str) -> Drawing | None:
    """Of pairs with bars; a cell that ends in a backslash may hold the bar behind it."""
    drawing = _CUT(line)
    if drawing is None:
        return None
    pieces = [(before, rf"{cell}(?<!\\)") for before, cell in drawing.pieces]
    return replace(drawing, pieces=pieces, unescape=_unescaped)


_READER = Reader(_record, _choose, Layouts((_bars, shapes.cef_message, shapes.leef_message)))
FORMAT = LogFormat(
    name="checkpoint",
    kind=Kind.PROXY,
    title="Check Point Log Exporter (Splunk, syslog, generic, CEF, LEEF, JSON)",
    reference="unverified: https://support.checkpoint.com/results/sk/sk122323",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns | _MAILS.columns | {Col.KIND},
    zone=Zone.UTC,
    layout=Layout.JSON,
    encoded=(b"\\u",),
)
