r"""Suricata, EVE JSON: events of types http, dns (versions 1 to 3), tls, quic and smtp, and alerts on these.

``{"timestamp":"2020-02-27T10:00:00.123456+0000","flow_id":1,"event_type":"http","src_ip":"10.0.0.7","src_port":50123,
"dest_ip":"192.0.2.1","dest_port":80,"proto":"TCP","http":{"hostname":"www.example.com","url":"/a","http_user_agent":"…",
"http_method":"GET","status":200,"length":900}}``

- ``timestamp`` with offset; ``src_ip`` the client
- http: ``hostname`` and ``url``, a path or ``host:443`` of CONNECT; ``length`` bytes of the body; of HTTP/2 they
  may stand in ``request_headers`` and ``response_headers`` (``:authority``, ``:path``, ``:method``, ``:status``)
- dns: version 1 and 2 ``{"type":"query","rrname":…,"rrtype":"A"}``, version 3 ``{"type":"request","queries":[{…}]}``;
  answers and responses repeat the question and are no events
- tls, quic: ``sni``, the name that the client asked the server for
- smtp: ``smtp.mail_from``, ``smtp.rcpt_to``, ``email.from``, ``email.subject``
- alert: the transaction that a rule spoke of, in the same fields. ``alert.action`` ``blocked`` (as an IPS) is denied.
  ``src_ip`` is whoever sent the packet: the client is that of ``flow`` (version 7 on), of ``direction``, else the side
  that has no server's port. Many sites keep alerts alone, so they count; where http, dns and tls are kept as well each
  transaction with an alert is then counted twice, unless the site sets the option ``alerts`` to ``pass``

All other types are no events. The object may lie as text in the ``message`` of a shipper's object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Zone
from detector.grammars import jsonlog, moments, records, rendering
from detector.grammars.reader import Reader
from detector.grammars.verdicts import verdict

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells, Table

_WHEN = moments.stamp("timestamp")
_DID = verdict("alert.action", denied="blocked", allowed="allowed")
_HTTP = records.table(
    {
        Col.SOURCE_IP: "src_ip",
        Col.METHOD: "http.http_method",
        Col.URL: "http.url",
        Col.DOMAIN: "http.hostname",
        Col.STATUS: "http.status",
        Col.BYTES_RECEIVED: "http.length",
        Col.USER_AGENT: "http.http_user_agent",
    },
    when=_WHEN,
    verdict=_DID,
    scheme="scheme",
)
_TLS = records.table(
    {Col.SOURCE_IP: "src_ip", Col.SERVER_NAME: "tls.sni quic.sni"},
    when=_WHEN,
    verdict=_DID,
    needs=(Col.SERVER_NAME,),
)
_DNS = records.table(
    {
        Col.SOURCE_IP: "src_ip",
        Col.QUESTION: "dns.rrname dns.queries.rrname dns.query.rrname dns.answer.rrname",
        Col.QUESTION_TYPE: "dns.rrtype dns.queries.rrtype dns.query.rrtype dns.answer.rrtype",
    },
    when=_WHEN,
    verdict=_DID,
    kind=Kind.DNS,
    needs=(Col.QUESTION,),
)
_MAIL = records.table(
    {
        Col.SOURCE_IP: "src_ip",
        Col.SENDER: "smtp.mail_from",
        Col.FROM: "email.from",
        Col.TO: "recipients",
        Col.SUBJECT: "email.subject",
        Col.MESSAGE_ID: "email.message_id",
    },
    when=_WHEN,
    verdict=_DID,
    kind=Kind.MAIL,
    readers={Col.MESSAGE_ID: lambda text: text.strip("<> ") or None},
)
_QUESTIONS = ("query", "request")
_HEADERS = {
    ":authority": "hostname", "host": "hostname", ":path": "url", ":method": "http_method",
    "user-agent": "http_user_agent", ":status": "status",
}  # fmt: skip
"""HTTP/2's headers."""

_TABLES = {"http": _HTTP, "tls": _TLS, "quic": _TLS, "dns": _DNS, "smtp": _MAIL}
_WELL_KNOWN, _PROXIES = 1024, frozenset({3128, 8000, 8080, 8443, 8888})


def _record(line: str, dialect: Dialect) -> Cells | None:
    cells = {**jsonlog.kept_as_text(records.record(line), "message")}
    kind = cells.get("event_type")
    if not isinstance(kind, str) or not kind.islower():
        raise RefusedLine("no event of Suricata")
    if not ("src_ip" in cells or "flow_id" in cells or kind in ("stats", "engine")):
        raise RefusedLine("no event of Suricata")
    if kind == "alert":
        if dialect.options.get("alerts") == "pass":
            return None
        kind = cells["about"] = next((one for one in _TABLES if isinstance(cells.get(one), dict)), kind)
        cells["src_ip"] = _client(cells)
    if kind == "http":
        cells["scheme"] = "http"
        http = cells.get("http")
        if isinstance(http, dict) and "request_headers" in http and "hostname" not in http:
            cells["http"] = {**_named(http["request_headers"]), **_named(http.get("response_headers")), **http}
    elif kind == "smtp":
        to = records.value_at(cells, ("smtp", "rcpt_to"))
        cells["recipients"] = ", ".join(str(one) for one in to) if isinstance(to, list) else to
    return cells


def _client(cells: Cells) -> object:
    """Who began the flow of an alert."""
    sender, receiver = cells.get("src_ip"), cells.get("dest_ip")
    if (first := records.value_at(cells, ("flow", "src_ip"))) is not None:
        return first
    if (way := cells.get("direction")) is not None:
        return receiver if way == "to_client" else sender
    out, to = cells.get("src_port"), cells.get("dest_port")
    is_answer = isinstance(out, int) and isinstance(to, int) and out < to and (out < _WELL_KNOWN or out in _PROXIES)
    return receiver if is_answer else sender


def _named(headers: object) -> dict[str, object]:
    """What HTTP/2's headers say, by the names of HTTP/1's fields; of a header that comes twice the first."""
    found: dict[str, object] = {}
    for one in headers if isinstance(headers, list) else ():
        name = _HEADERS.get(str(one.get("name", "")).lower()) if isinstance(one, dict) else None
        if name is not None:
            found.setdefault(name, one.get("value"))
    return found


def _table(cells: Cells) -> Table | None:
    """What reads an event; answers to questions are no events."""
    if "about" in cells:
        return _TABLES.get(str(cells["about"]))
    kind = cells["event_type"]
    if kind == "dns":
        said = records.value_at(cells, ("dns", "type"))
        if said is not None and said not in _QUESTIONS:
            return None
    return _TABLES.get(str(kind))


def _example(row: Row) -> str:
    url = str(row.get(Col.URL) or f"{row.get(Col.DOMAIN) or row.get(Col.SERVER_NAME) or '-'}:443")
    host, _, path = url.removeprefix("https://").removeprefix("http://").partition("/")
    http = {
        "hostname": host.removesuffix(":443"),
        "url": f"/{path}" if "://" in url else url,
        "http_method": row.get(Col.METHOD) or ("GET" if "://" in url else "CONNECT"),
        "status": 407 if row.get(Col.ACTION) == Action.CHALLENGE else row.get(Col.STATUS, 200),
        "length": row.get(Col.BYTES_RECEIVED, 0),
    }
    at = rendering.written_at(row, "%Y-%m-%dT%H:%M:%S.%f+0000")
    ends = {"src_ip": row.get(Col.SOURCE_IP), "src_port": 50123, "dest_ip": "192.0.2.1", "dest_port": 80}
    if Col.SENDER in row:
        return orjson.dumps({"timestamp": at, "flow_id": 1, "event_type": "smtp", **ends, **_mail_of(row)}).decode()
    return orjson.dumps({"timestamp": at, "flow_id": 1, "event_type": "http", **ends, "http": http}).decode()


def _mail_of(row: Row) -> dict[str, object]:
    email = {"from": row.get(Col.FROM), "to": row.get(Col.TO), "subject": row.get(Col.SUBJECT)}
    return {"smtp": {"mail_from": f"<{row[Col.SENDER]}>", "rcpt_to": row.get(Col.TO)}, "email": email}


FORMAT = jsonlog.log_format(
    "suricata_eve",
    kind=Kind.PROXY,
    title="Suricata EVE JSON (http, dns, tls, quic, smtp, alerts)",
    reference="unverified: https://docs.suricata.io/en/latest/output/eve/eve-json-format.html",
    reader=Reader(_record, _table),
    example=_example,
    tables=(_HTTP, _TLS, _DNS, _MAIL),
    zone=Zone.OFFSET,
)
