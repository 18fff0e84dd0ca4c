r"""Cisco Secure Firewall (FTD, Firepower): connection events 430001 to 430005; the URLs that an ASA logs (304001/2).

``%FTD-1-430003: FirstPacketSecond: 2020-02-27T10:00:00Z, AccessControlRuleAction: Allow, SrcIP: 10.0.0.7,
DstIP: 192.0.2.1, …, User: u1042, …, InitiatorBytes: 700, ResponderBytes: 900, …, URL: https://www.example.com/a``

- ``FirstPacketSecond`` UTC; older versions (``SFIMS: Protocol: TCP, …``) leave the time to the syslog header;
  the oldest name the client at the end, ``SFIMS: […][…] Connection Type: End, User: …, {TCP} 10.0.0.7:50123 -> …``
- ``SrcIP`` the client, ``User`` its user: ``Not Found``, ``No Authentication Required`` and others are none
- ``URL``, ``ReferencedHost``, ``SSLServerName``, ``DNSQuery``; values may hold commas
- ``InitiatorBytes`` sent by the client, ``ResponderBytes`` to it
- ``AccessControlRuleAction`` Allow, Trust, Monitor; Block, Block with reset, Interactive Block

``%ASA-5-304001: u1042@10.0.0.7 Accessed URL 192.0.2.1:http://www.example.com/a``; 304002 is ``Access denied URL``.
430002 is the start of a connection, 430003 its end; which of them is logged is a setting of each rule.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import dns, many, moments, records, rendering, values, verdicts
from detector.grammars.layouts import Drawing, Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_HEAD = re.compile(r"(?:[^%]{0,200}%(?:FTD|NGIPS)-\d-43000[1-5]|.{0,200}?SFIMS|SFIMS)(?:\[\d+\])?: ?", re.DOTALL)
_PAIR = re.compile(r"(?:^|, )([A-Z][A-Za-z]{1,40}(?:[ _][A-Z][A-Za-z]{1,20}){0,3}): ")
_URLS = re.compile(
    r"(?:[^%]{0,200}%(?:ASA|FTD|PIX)-\d-304001: )(?:(\S{1,256}?)@)?\[?([0-9A-Fa-f.:]+?)\]?(?:\(\S*\))? Accessed URL "
    r"(\[?[0-9A-Fa-f.:]*?[0-9A-Fa-f]\]?):(\S+:/*\S.*|/.*)",
    re.DOTALL,
)
_REFUSED = re.compile(
    r"(?:[^%]{0,200}%(?:ASA|FTD|PIX)-\d-304002: )Access denied URL (\S+) SRC ([0-9A-Fa-f.:]+)(?:\((\S+)\))? DEST \S+.*",
    re.DOTALL,
)
_TYPES = {
    "a host address": "A", "ip6 address": "AAAA", "an authoritative name server": "NS", "mail exchange": "MX",
    "the canonical name for an alias": "CNAME", "marks the start of a zone of authority": "SOA",
    "a domain name pointer": "PTR", "text strings": "TXT", "server selection": "SRV", "https binding": "HTTPS",
}  # fmt: skip
_ENDS = re.compile(r",? \{[A-Z0-9]{2,8}\} \[?([0-9A-Fa-f.:]{3,45}?)\]?(?::\d{1,5})? -> \S+\s*\Z")
_LEAST = 7
"""What is between the names of three fields, and around."""
_NOBODY = ("no authentication required", "not found", "unknown", "failed authentication", "guest", "leap")
_NOTHING = "(null) Unknown None N/A"
_NAMES = {
    Col.SOURCE_IP: "SrcIP InitiatorIP",
    Col.USER: "User",
    Col.METHOD: "HTTP_Method",
    Col.URL: "URL URI",
    Col.DOMAIN: "ReferencedHost HTTP_Hostname",
    Col.SERVER_NAME: "SSLServerName TLSServerName",
    Col.STATUS: "HTTPResponse HTTP_Response",
    Col.BYTES_SENT: "InitiatorBytes Initiator~Bytes",
    Col.BYTES_RECEIVED: "ResponderBytes Responder~Bytes",
    Col.USER_AGENT: "UserAgent",
    Col.QUESTION: "DNSQuery DNS~Query",
    Col.QUESTION_TYPE: "DNSRecordType DNS_RecordType",
}


def _user(text: str) -> str | None:
    return None if text.lower().startswith(_NOBODY) else values.user(text)


def _type(text: str) -> str | None:
    """``a host address`` is what the device calls an A record, as IANA's list of types does."""
    return _TYPES.get(text.lower(), text if text.isalnum() and text.isupper() else None)


_TABLE = records.table(
    _NAMES,
    when=moments.stamp("FirstPacketSecond"),
    verdict=verdicts.verdict(
        "AccessControlRuleAction Access~Control~Rule~Action Firewall~Rule~Action FileAction InlineResult",
        denied="block interactive~block reset drop dropped malware~block domain~not~found sinkhole",
        allowed="allow trust monitor fastpath analyze detect malware~cloud",
    ),
    readers={
        Col.USER: _user,
        Col.QUESTION_TYPE: _type,
        Col.URL: many.but(_NOTHING, values.text),
        Col.QUESTION: many.but(_NOTHING, dns.name),
    },
    asked=records.Asked.ALONE,
    needs=tuple(_NAMES),
    lacking="no fields of a connection event",
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One event of the device to one event."""
    return _READER.parse(line, dialect) if not line or _HEAD.match(line) or line.isspace() else _asa(line)


def _record(line: str, _dialect: Dialect) -> Cells:
    head = _HEAD.match(line)
    if head is None:
        raise RefusedLine("not a connection event")
    ends = _ENDS.search(line) if "SFIMS" in head[0] else None
    pieces = _PAIR.split(line[head.end() : None if ends is None else ends.start()])
    if len(pieces) < _LEAST:
        raise RefusedLine("no fields of a connection event")
    cells = dict(zip(reversed(pieces[1::2]), reversed(pieces[2::2]), strict=True))
    return cells if ends is None else {"SrcIP": ends[1], **cells}


def _shape(line: str) -> Drawing | None:
    head = _HEAD.match(line)
    pieces = [] if head is None else _PAIR.split(line[head.end() :])
    if len(pieces) < _LEAST or pieces[0]:
        return None
    names = pieces[1::2]
    before = [f"(?>{_HEAD.pattern})", *[", "] * (len(names) - 1)]
    return Drawing([(f"{sign}{name}: ", "[^,]*+") for sign, name in zip(before, names, strict=True)], names)


_READER = Reader(_record, _TABLE, Layouts((_shape,)))


def example(row: Row) -> str:
    """A connection event at its end."""
    skipped = (Col.SERVER_NAME, Col.METHOD, Col.QUESTION_TYPE, Col.QUESTION)
    names = {column: text.split()[0] for column, text in _NAMES.items() if column not in skipped}
    action = rendering.choice(row, allowed="Allow", denied="Block")
    cells = {"AccessControlRuleAction": action, **rendering.texts(row, names)}
    if row.get(Col.ACTION) == Action.CHALLENGE:
        cells["HTTPResponse"] = "407"
    at = rendering.written_at(row, "%Y-%m-%dT%H:%M:%SZ")
    pairs = ", ".join(f"{name}: {cell}" for name, cell in cells.items())
    return f"%FTD-1-430003: EventPriority: Low, FirstPacketSecond: {at}, {pairs}"


def _asa(line: str) -> Row | None:
    if found := _URLS.match(line):
        who, client, url, action = found[1], found[2], found[4].rstrip(), Action.ALLOWED
        if url[0] == "/":  # a request that names no host, only its server's address
            url = f"http://{found[3]}{url}"
    elif found := _REFUSED.match(line):
        url, client, who, action = found[1], found[2], found[3], Action.DENIED
    else:
        raise RefusedLine("not a connection event of the firewall")
    cells = {
        Col.SOURCE_IP: values.address(client), Col.USER: values.user(who), Col.URL: url,
        Col.DOMAIN: values.host_of_url(url), Col.ACTION: action,
    }  # fmt: skip
    return values.row_of(cells)


FORMAT = LogFormat(
    name="cisco_ftd",
    kind=Kind.PROXY,
    title="Cisco Secure Firewall (FTD connection events, ASA URL log)",
    reference="unverified: https://www.cisco.com/c/en/us/td/docs/security/firepower/Syslogs/b_fptd_syslog_guide.html",
    parse=parse,
    timestamp=lambda line, dialect: moments.at_of(parse(line, dialect)),
    block=_READER.block,
    example=example,
    columns=_TABLE.columns | {Col.KIND},
    zone=Zone.UTC,
)
