r"""Skyhigh (McAfee) Secure Web Gateway: appliance access log, its key=value feeds, pairs and CSV of the cloud service.

- access log ``[27/Feb/2020:10:00:00 +0000] "u1042" 10.0.0.7 200 "GET https://www.example.com/a HTTP/1.1" "Business"
  "Minimal Risk" "text/html" 900 "Mozilla/5.0" "" "0"``: time, user, client, status, request, categories, reputation,
  type, bytes to the client, user agent, virus, block id (above 0: refused)
- feeds ``status="403/80" srcip="10.0.0.7" user="u1042" dhost="www.example.com" mtd="GET" bytes="700/509/2813/900"
  ua="…" rule="…" url="https://…"``: status and block id; four counters: client to proxy, proxy to server, server to
  proxy, proxy to client: the first is sent by the client, the last sent to it
- SIEM ``McAfeeWG|time_stamp=[27/Feb/2020:10:00:00 +0000]|auth_user=u1042|src_ip=10.0.0.7|…|bytes_from_client=700|…``
- cloud ``username=u1042 source_ip=198.51.100.7 http_action=GET server_to_client_bytes=900 client_to_server_bytes=700
  requested_host=www.example.com requested_path=/a result=OBSERVED request_timestamp_epoch=1582797600 …``
  and the same as CSV under a header; ``date="2020-02-27 10:00:00Z" source_bytes=… destination_bytes=… block_id=0``
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone, stamps
from detector.grammars import csvexport, delimited, kv, moments, records, rendering, spellings, verdicts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_ACCESS = re.compile(
    r'(?P<time_stamp>\[\d[^\]]{15,40}\]) "(?P<auth_user>[^"]*)" (?P<src_ip>\S+) (?P<status_code>\d+|-) '
    r'"(?P<line>[^"]*)" "(?P<categories>[^"]*)" "[^"]*" "[^"]*" (?P<bytes_to_client>\d+|-)'
    r'(?: (?P<bytes_from_client>\d+))? "(?P<user_agent>(?:[^"\\]|\\.)*)"'
    r'(?: "(?P<virus>[^"]*)")?(?: "(?P<block_id>[^"]*)")?.*',
    re.DOTALL,
)
_OWN = frozenset({
    "requested_host", "urlc", "rep_level", "block_id", "block_res", "client_to_server_bytes", "urlp", "mlwr",
    "bytes_from_client", "auth_user", "source_bytes", "destination_host", "srcip", "mtd", "dhost", "http_action",
    "requested_path", "server_to_client_bytes",
})  # fmt: skip
_ENOUGH = 3
_HEADER = frozenset({
    "username", "sourceip", "httpaction", "requestedhost", "requestedpath", "httpstatuscode", "requesttimestamp",
    "requesttimestampepoch", "urischeme", "clientip", "servertoclientbytes", "clienttoserverbytes",
})  # fmt: skip


def _verdict(cells: Cells) -> Action | None:
    block = cells.get("block_id") or cells.get("block_res")
    if isinstance(block, str) and block.isdecimal():
        return Action.DENIED if block != "0" else Action.ALLOWED
    return _RESULT(cells)


def _clf(written: str, dialect: Dialect) -> int | None:
    try:
        return stamps.clf(written, dialect.zone)
    except (ValueError, OverflowError):
        return None


_RESULT = verdicts.verdict("result action", denied="den block", allowed="observed allow ok")
_TABLE = records.table(
    {
        Col.SOURCE_IP: "client_ip clientip srcip src_ip source_ip sourceip",
        Col.HOST_NAME: "client_system_name clientsystemname",
        Col.USER: "username user auth_user",
        Col.METHOD: "http_action httpaction mtd method",
        Col.URL: "url requested_path requestedpath",
        Col.DOMAIN: "requested_host requestedhost dhost destination_host host",
        Col.STATUS: "http_status_code httpstatuscode status_code status",
        Col.BYTES_SENT: "client_to_server_bytes clienttoserverbytes bytes_from_client source_bytes sent",
        Col.BYTES_RECEIVED: "server_to_client_bytes servertoclientbytes bytes_to_client destination_bytes received",
        Col.USER_AGENT: "user_agent_comment useragentcomment ua user_agent",
    },
    when=moments.first(
        moments.stamp("request_timestamp_epoch requesttimestampepoch request_timestamp requesttimestamp date"),
        spellings.spelled("time_stamp", _clf),
    ),
    verdict=_verdict,
    scheme="scheme",
)


def _record(line: str, dialect: Dialect) -> Cells | None:
    """The record of a request; comments are none."""
    if line[0] == "#":
        return None
    if found := _ACCESS.match(line):
        cells = {name: cell for name, cell in found.groupdict().items() if cell is not None}
    elif dialect.columns:
        cells = dict(zip(dialect.columns, delimited.cells(line, dialect.separator), strict=False))
        if len(cells) < len(dialect.columns):
            raise RefusedLine("fewer fields than the header has names")
    else:
        cells = _pairs(line)
    return _completed(cells)


_READER = Reader(_record, _TABLE)


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The names of the cloud service's CSV."""
    found = csvexport.columns(line, _HEADER, 5)
    return None if found is None or "=" in line else replace(dialect, columns=found[0], separator=found[1])


def example(row: Row) -> str:
    """A line of the feed with the four counters."""
    names = {
        Col.SOURCE_IP: "srcip", Col.USER: "user", Col.DOMAIN: "dhost", Col.METHOD: "mtd", Col.URL: "url",
        Col.USER_AGENT: "ua",
    }  # fmt: skip
    usual = 407 if row.get(Col.ACTION) == Action.CHALLENGE else row.get(Col.STATUS, 200)
    block = rendering.choice(row, allowed="0", denied="10", challenge="0")
    counters = f"{row.get(Col.BYTES_SENT, 0)}/0/0/{row.get(Col.BYTES_RECEIVED, 0)}"
    cells = {"status": f"{usual}/{block}", **rendering.texts(row, names), "urlp": "443", "bytes": counters}
    at = rendering.written_at(row, "[%d/%b/%Y:%H:%M:%S +0000]")
    pairs = " ".join(f'{name}="{kv.one_line(cell).replace(chr(34), chr(39))}"' for name, cell in cells.items())
    return f'time_stamp="{at}" {pairs}'


def _pairs(line: str) -> dict[str, str]:
    if "McAfeeWG|" in line or line.count("|") > 8:
        cells = kv.cut(line.partition("McAfeeWG|")[2] or line, "|")
    else:
        cells = kv.quoted(line) if '="' in line else kv.opened(line)
    if len(_OWN.intersection(cells)) < _ENOUGH:
        raise RefusedLine("no names of Skyhigh's logs")
    return cells


def _completed(cells: dict[str, str]) -> Cells:
    """The cells with what stands together in one taken apart."""
    status, _, block = cells.get("status", "").partition("/")
    if block:
        cells |= {"status": status, "block_id": block}
    counters = cells.get("bytes", "").split("/")
    if len(counters) == 4:
        cells |= {"sent": counters[0], "received": counters[3]}
    if "line" in cells:
        request = cells["line"].split(" ")
        cells["method"], cells["url"] = request[0], " ".join(request[1:-1] if len(request) > 2 else request[1:])
    cells["scheme"] = cells.get("uri_scheme") or cells.get("urischeme") or ""
    return cells


FORMAT = LogFormat(
    name="skyhigh_mcafee_swg",
    kind=Kind.PROXY,
    title="Skyhigh (McAfee) Secure Web Gateway (access log, SIEM feeds, cloud)",
    reference="unverified: https://success.skyhighsecurity.com/Skyhigh_Secure_Web_Gateway_(On_Prem)",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.OFFSET,
    head=head,
    head_literals=(b"requested_host", b"http_action"),
)
