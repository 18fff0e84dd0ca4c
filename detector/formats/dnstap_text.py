r"""dnstap as text: what ``dnstap-read`` (BIND), ``dnstap -q`` (golang-dnstap) and DNS-collector (also JSON) write.

- ``27-Feb-2020 10:00:00.123 CQ 10.0.0.7:50123 -> 192.0.2.53:53 UDP 41b www.example.com/IN/A``: local time, type of the
  message, client, server, transport, size, question
- ``10:00:00.123456 CQ 10.0.0.7 UDP 41b "www.example.com." IN A``: the time of day only, so that the day is not known
- ``2020-02-27T10:00:00.123456Z ns1 CLIENT_QUERY NOERROR 10.0.0.7 50123 IPv4 UDP 41b www.example.com A 0.000000``: the
  usual text of DNS-collector, with the name of the server behind the time
- its JSON, nested or flat: ``{"network":{"query-ip":"10.0.0.7",…},"dns":{"qname":"www.example.com","qtype":"A",…},
  "dnstap":{"operation":"CLIENT_QUERY","timestamp-rfc3339ns":"2020-02-27T10:00:00.123456789Z",…}}``, ``dns.qname``…
- ``CQ`` (``CLIENT_QUERY``, ``AUTH_QUERY``) what a client asked; ``CR`` the response, ``RQ``, ``RR``, ``FQ``, ``FR``,
  ``AQ``, ``AR`` what resolvers say to each other, and all others are no events
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Col, Kind, LogFormat, Zone
from detector.events.instants import to_datetime
from detector.grammars import dns, jsonline, moments, namedlike, values
from detector.grammars.records import text_of

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect, Row

_AT = r"(?P<at>\d\S{4,6000}(?: \d\d?:\S+)?)"
_LINE = re.compile(
    _AT + r" (?P<type>[A-Z]{2}) (?P<ip>\[?[0-9A-Fa-f.:]+\]?)(?: (?:->|<-) \S+)? [A-Z]{3,4} -?\d+b "
    r'(?:"(?P<quoted>[^"]+)" \S+ (?P<kind>\S+)|(?P<name>[^ ]+)/[^/\s]+/(?P<last>[^/\s]+))(?: .*)?',
    re.DOTALL,
)
_COLLECTED = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\dT\S{8,30}) \S+ (?P<type>CLIENT|AUTH|RESOLVER|FORWARDER|STUB|TOOL|UPDATE)"
    r"_(?P<said>QUERY|RESPONSE) \S+ (?P<ip>\[?[0-9A-Fa-f.:]+\]?) \S+ \S+ \S+ \S+ "
    r"(?P<name>[^ ]+) (?P<kind>[A-Z0-9]+)(?: .*)?",
    re.DOTALL,
)
_OTHER = re.compile(_AT + r" [A-Z]{2} \S+")
_QUESTION = "CQ"


def parse(line: str, dialect: Dialect) -> Row | None:
    """One question of a client to one event."""
    if line[:1] == "{":
        return _of_json(jsonline.record(line), dialect.zone)
    found = _LINE.match(line)
    if not found and (collected := _COLLECTED.match(line)):
        return _of_collector(collected, dialect.zone)
    if not found:
        if not line or line.isspace() or (_OTHER.match(line) and f" {_QUESTION} " not in line[:60]):
            return None
        raise RefusedLine("not dnstap's text")
    if found["type"] != _QUESTION:
        return None
    client = found["ip"]
    cells = {
        Col.AT: _instant(found["at"], dialect.zone),
        Col.SOURCE_IP: values.address(client) if client.count(":") != 1 else values.address(client.partition(":")[0]),
        Col.QUESTION: dns.name(found["quoted"] or found["name"]),
        Col.QUESTION_TYPE: dns.type_name(found["kind"] or found["last"]),
    }
    if "->" in line[:120] and client.count(":") > 1 and "[" not in client:
        cells[Col.SOURCE_IP] = values.address(client.rpartition(":")[0])  # the port hangs on IPv6 without brackets
    return values.row_of(cells)


def _of_collector(found: re.Match[str], zone: tzinfo) -> Row | None:
    if found["said"] != "QUERY" or found["type"] not in ("CLIENT", "AUTH"):
        return None
    return values.row_of(
        {
            Col.AT: _instant(found["at"], zone),
            Col.SOURCE_IP: values.address(found["ip"]),
            Col.QUESTION: dns.name(found["name"]),
            Col.QUESTION_TYPE: dns.type_name(found["kind"]),
        }
    )


def _of_json(record: jsonline.Record, zone: tzinfo) -> Row | None:
    def told(part: str, name: str) -> str:
        inner = record.get(part)
        return text_of(inner.get(name) if isinstance(inner, dict) else record.get(f"{part}.{name}"))

    operation, asked = told("dnstap", "operation"), told("dns", "qname")
    if not operation or not asked:
        raise RefusedLine("not DNS-collector's JSON")
    if operation not in ("CLIENT_QUERY", "AUTH_QUERY"):
        return None
    return values.row_of(
        {
            Col.AT: moments.instant(told("dnstap", "timestamp-rfc3339ns"), zone),
            Col.SOURCE_IP: values.address(told("network", "query-ip")),
            Col.QUESTION: dns.name(asked),
            Col.QUESTION_TYPE: dns.type_name(told("dns", "qtype")),
        }
    )


def example(row: Row) -> str:
    """A question as ``dnstap-read`` writes it."""
    moment = to_datetime(moments.at_of(row) or 0)
    at = f"{moment:%d-%b-%Y %H:%M:%S}.{moment.microsecond // 1000:03d}"
    asked = f"{row.get(Col.QUESTION, dns.ROOT)}/IN/{row.get(Col.QUESTION_TYPE, 'A')}"
    return f"{at} CQ {row.get(Col.SOURCE_IP, '127.0.0.1')}:50123 -> 192.0.2.53:53 UDP 41b {asked}"


def _instant(at: str, zone: tzinfo) -> int | None:
    return None if at[2:3] == ":" else namedlike.instant(at, zone)


FORMAT = LogFormat(
    name="dnstap_text",
    kind=Kind.DNS,
    title="dnstap as text (dnstap-read, dnstap -q, DNS-collector)",
    reference="unverified: https://bind9.readthedocs.io/en/latest/manpages.html#dnstap-read-print-dnstap-data-in-human-readable-form",
    parse=parse,
    timestamp=lambda line, dialect: moments.at_of(parse(line, dialect)),
    example=example,
    columns=frozenset({Col.AT, Col.SOURCE_IP, Col.QUESTION, Col.QUESTION_TYPE}),
    zone=Zone.LOCAL,
    encoded=(b"\\u",),
)
