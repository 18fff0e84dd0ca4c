r"""Cato Networks SASE, events of the events feed or of its integration with a store: one JSON object an event.

``{"time":"1582797600123","event_type":"Security","event_sub_type":"Internet Firewall","account_id":"1",
"src_ip":"10.0.0.7","user_name":"u1042","domain_name":"www.example.com","full_path_url":"https://www.example.com/a",
"http_request_method":"GET","action":"Monitor","user_agent":"…","src_site_name":"HQ",…}``

- ``time`` milliseconds since the epoch (``time_str`` is ISO 8601); the fields may lie in an object ``fieldsMap``
- ``src_ip`` the client, ``user_name``, ``vpn_user_email`` its user, ``src_device_name``… its computer
- ``domain_name``, ``tls_sni`` the server, ``full_path_url``, ``url`` where it was opened; ``dns_query`` of DNS events
- ``action`` Allow, Monitor, Succeeded; Block, Prompt, RBI…

Events without an address of a client are no events here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import Col, Kind, Zone
from detector.grammars import jsonlog, moments, records, rendering, verdicts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_NAMES = {
    Col.SOURCE_IP: "src_ip source_ip src_isp_ip client_ip",
    Col.HOST_NAME: "device_name src_device_name host_name",
    Col.USER: "user_name vpn_user_email user_email src_user_name ad_name",
    Col.METHOD: "http_request_method request_method",
    Col.URL: "full_path_url url",
    Col.DOMAIN: "domain_name dest_domain http_host_name",
    Col.SERVER_NAME: "tls_sni sni",
    Col.STATUS: "http_response_code",
    Col.BYTES_SENT: "bytes_upload upstream_bytes flows_bytes_upload",
    Col.BYTES_RECEIVED: "bytes_download downstream_bytes flows_bytes_download",
    Col.USER_AGENT: "user_agent",
    Col.QUESTION: "dns_query",
}
_OWN = frozenset({
    "account_id", "accountId", "src_site_name", "src_is_site_or_vpn", "ISP_name", "pop_name", "internalId",
    "event_count",
})  # fmt: skip
_TABLE = records.table(
    _NAMES,
    when=moments.stamp("time time_str event_timestamp"),
    verdict=verdicts.verdict(
        "action", denied="block reject drop deny prompt rbi", allowed="allow monitor succe accept alert"
    ),
    asked=records.Asked.ONLY,
    needs=(Col.SOURCE_IP,),
)


def _record(line: str, _dialect: Dialect) -> Cells:
    cells = jsonlog.inner(records.record(line), "fieldsMap", "event")
    if "event_sub_type" not in cells or _OWN.isdisjoint(cells):
        raise RefusedLine("no names of Cato's events")
    return cells


_READER = Reader(_record, _TABLE)


def _example(row: Row) -> str:
    skipped = (Col.QUESTION, Col.SERVER_NAME, Col.HOST_NAME)
    names = {column: text.split()[0] for column, text in _NAMES.items() if column not in skipped}
    cells = {"event_type": "Security", "event_sub_type": "Internet Firewall", "account_id": "1"}
    cells |= rendering.texts(row, names)
    if row.get(Col.ACTION) == "challenge":
        cells["http_response_code"] = "407"
    cells["time"] = str((moments.at_of(row) or 0) // 1000)
    return orjson.dumps({**cells, "action": rendering.choice(row, allowed="Monitor", denied="Block")}).decode()


FORMAT = jsonlog.log_format(
    "cato_sase",
    kind=Kind.PROXY,
    title="Cato Networks SASE events",
    reference="unverified: https://support.catonetworks.com/hc/en-us/articles/360019839477-Cato-API-EventsFeed",
    reader=_READER,
    example=_example,
    tables=(_TABLE,),
    zone=Zone.UTC,
)
