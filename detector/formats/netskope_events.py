r"""Netskope, events of the REST interface and of Cloud Exchange: application, page, alert and network events.

``{"timestamp":1582797600,"type":"nspolicy","access_method":"Client","activity":"Upload","app":"Example",
"ccl":"poor","user":"u1042@example.org","userip":"10.0.0.7","srcip":"198.51.100.7","hostname":"WS-0317",
"url":"www.example.com/a","domain":"www.example.com","action":"block","client_bytes":700,"server_bytes":900,…}``

- ``timestamp`` seconds since the epoch; ``userip`` the client's own address, ``srcip`` its address on the internet
- ``user`` a login; an address is none; ``hostname`` the client's computer, never the server
- ``url`` without a scheme, ``domain``, ``dsthost`` the server; ``page`` of page events
- ``client_bytes`` sent by the client, ``server_bytes`` sent to it
- ``action`` allow, alert, useralert, bypass; block, quarantine…; empty where no policy spoke
"""

from __future__ import annotations

from datetime import UTC
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
    Col.SOURCE_IP: "userip srcip src_ip",
    Col.HOST_NAME: "hostname",
    Col.USER: "user userkey ur_normalized from_user",
    Col.METHOD: "http_method request_method",
    Col.URL: "url",
    Col.DOMAIN: "domain dsthost page",
    Col.STATUS: "http_status http_transaction_status",
    Col.BYTES_SENT: "client_bytes",
    Col.BYTES_RECEIVED: "server_bytes",
    Col.USER_AGENT: "useragent user_agent",
}
_OWN = frozenset({"ccl", "cci", "traffic_type", "organization_unit", "ur_normalized", "netskope_pop", "app_session_id"})
_TABLE = records.table(
    {name: text for name, text in _NAMES.items() if name is not Col.DOMAIN},
    later={Col.DOMAIN: _NAMES[Col.DOMAIN]},  # a page may lie on another host than the object that was asked for
    when=moments.stamp("timestamp", UTC),
    verdict=verdicts.verdict(
        "action policy_action", denied="block deny quarantine reset", allowed="allow alert useralert bypass proceed"
    ),
)


def _record(line: str, _dialect: Dialect) -> Cells:
    cells = records.record(line)
    if "timestamp" not in cells or "access_method" not in cells or _OWN.isdisjoint(cells):
        raise RefusedLine("no names of Netskope's events")
    return cells


def _example(row: Row) -> str:
    names: dict[Col, str] = {column: text.split()[0] for column, text in _NAMES.items()}
    names.pop(Col.HOST_NAME)
    cells: dict[str, object] = {**rendering.texts(row, names), "access_method": "Client", "ccl": "unknown"}
    for name in ("client_bytes", "server_bytes"):
        cells[name] = int(str(cells.get(name, 0)))
    cells["action"] = rendering.choice(row, allowed="allow", denied="block")
    cells["timestamp"] = int(rendering.seconds(row).partition(".")[0])
    if row.get(Col.ACTION) == "challenge":
        cells["http_status"] = "407"
    return orjson.dumps(cells).decode()


FORMAT = jsonlog.log_format(
    "netskope_events",
    kind=Kind.PROXY,
    title="Netskope events (application, page, alert, network)",
    reference="unverified: https://docs.netskope.com/en/netskope-help/admin-console/rest-api/rest-api-v2-overview-312207/",
    reader=Reader(_record, _TABLE),
    example=_example,
    tables=(_TABLE,),
    zone=Zone.UTC,
)
