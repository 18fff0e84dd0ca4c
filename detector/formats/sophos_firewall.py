r"""Sophos Firewall (XG, SFOS), key=value: content filtering, firewall, SSL/TLS and application logs.

``device="SFW" date=2020-02-27 time=10:00:00 timezone="UTC" device_name="XG430" device_id=C1 log_id=050901616001
log_type="Content Filtering" log_component="HTTP" log_subtype="Allowed" status="" … user_name="u1042" …
url="https://www.example.com/a" … src_ip=10.0.0.7 … sent_bytes=700 recv_bytes=900 domain=www.example.com …``

- ``date``, ``time`` local, ``timezone`` an abbreviation; newer versions write ``timestamp="2020-02-27T10:00:00+0000"``
- ``user_name`` the user, ``src_ip``, ``src_mac`` the client; ``sent_bytes`` sent by it, ``recv_bytes`` sent to it
- ``log_subtype`` Allowed, Denied, Drop…, ``status`` Allow, Deny; ``status_code``, ``httpresponsecode`` of the reply
- ``domain``, ``url``, of SSL/TLS inspection ``server_name``, ``sni``

Lines without a client's address (system, events) are no events here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import kv, moments, records, rendering, shapes, spellings, verdicts
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_NAMES = {
    Col.SOURCE_IP: "src_ip",
    Col.SOURCE_MAC: "src_mac",
    Col.USER: "user_name user",
    Col.METHOD: "http_method method",
    Col.URL: "url",
    Col.DOMAIN: "domain",
    Col.SERVER_NAME: "server_name sni",
    Col.STATUS: "status_code httpresponsecode http_status",
    Col.BYTES_SENT: "sent_bytes bytes_sent",
    Col.BYTES_RECEIVED: "recv_bytes bytes_received",
    Col.USER_AGENT: "user_agent http_user_agent",
}


_TABLE = records.table(
    _NAMES,
    when=moments.first(moments.stamp("timestamp"), spellings.Zoned("timezone", moments.parts("date", "time"))),
    verdict=verdicts.verdict(
        "log_subtype status", denied="den drop block reject", allowed="allow accept decrypt do~not~decrypt warn"
    ),
    needs=(Col.SOURCE_IP,),
)


def _record(line: str, _dialect: Dialect) -> Cells:
    cells = kv.quoted(line)
    if "log_type" not in cells or not ("log_component" in cells or "device_id" in cells or "device_serial_id" in cells):
        raise RefusedLine("no names of Sophos Firewall's logs")
    return cells


_READER = Reader(_record, _TABLE, Layouts((shapes.quoted(),)))


def example(row: Row) -> str:
    """A record of content filtering."""
    skipped = (Col.SERVER_NAME, Col.SOURCE_MAC)
    names = {column: text.split()[0] for column, text in _NAMES.items() if column not in skipped}
    cells = {
        "device": "SFW",
        "date": rendering.written_at(row, "%Y-%m-%d"),
        "time": rendering.written_at(row, "%H:%M:%S"),
        "timezone": "UTC",
        "device_id": "C1",
        "log_type": "Content Filtering",
        "log_component": "HTTP",
        "log_subtype": rendering.choice(row, allowed="Allowed", denied="Denied"),
        **rendering.texts(row, names),
    }
    if row.get(Col.ACTION) == Action.CHALLENGE:
        cells["status_code"] = "407"
    return kv.join(cells)


FORMAT = LogFormat(
    name="sophos_firewall",
    kind=Kind.PROXY,
    title="Sophos Firewall (SFOS)",
    reference="unverified: https://docs.sophos.com/nsg/sophos-firewall/20.0/Help/en-us/webhelp/onlinehelp/",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.LOCAL,
)
