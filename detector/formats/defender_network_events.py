r"""Microsoft Defender XDR, DeviceNetworkEvents: JSON of the streaming interface, JSON and CSV of advanced hunting.

``{"time":"…","category":"AdvancedHunting-DeviceNetworkEvents","properties":{"Timestamp":"2020-02-27T10:00:00.1234567Z",
"DeviceName":"ws-0317.example.org","ActionType":"ConnectionSuccess","RemoteIP":"192.0.2.1","RemotePort":443,
"RemoteUrl":"www.example.com","LocalIP":"10.0.0.7","InitiatingProcessAccountUpn":"u1042@example.org",…}}``

- ``Timestamp`` UTC; ``LocalIP`` the computer, ``DeviceName`` its name
- ``InitiatingProcessAccountUpn``, else domain and name of the account; accounts of the system are nobody
- ``RemoteUrl`` a name or a URL; ``AdditionalFields`` (JSON, often as text) of ``HttpConnectionInspected``,
  ``SslConnectionInspected`` and ``DnsConnectionInspected`` holds ``host``, ``uri``, ``server_name``, ``query``
- ``ActionType`` ConnectionSuccess is a connection; what network protection blocks is denied

Advanced hunting's CSV has a header line with the same names; Log Analytics writes ``Timestamp [UTC]``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Layout, LogFormat, Zone
from detector.grammars import (
    csvexport,
    delimited,
    jsonline,
    jsonlog,
    moments,
    records,
    rendering,
    spellings,
    values,
    verdicts,
)
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_SYSTEM = frozenset({"system", "network service", "local service", "nt authority", "root", "_mdnsresponder"})
_SHOWN = "timestamputc timegenerated timegeneratedutc"
"""How Log Analytics calls the time, written as the portal's culture shows it: ``2/27/2020, 10:00:00.123 AM``."""
_OWN = frozenset({"deviceid", "devicename", "localip", "localport", "actiontype", "reportid", "remoteip", "remoteurl"})


def _user(text: str) -> str | None:
    return None if text.lower() in _SYSTEM else values.user(text)


def _civil(text: str, dialect: Dialect) -> int | None:
    return csvexport.instant(text, UTC, dialect.date_order)


_TABLE = records.table(
    {
        Col.SOURCE_IP: "localip",
        Col.HOST_NAME: "devicename",
        Col.USER: "initiatingprocessaccountupn account",
        Col.URL: "inspectedurl fullurl",
        Col.DOMAIN: "remoteurl host",
        Col.SERVER_NAME: "server_name",
        Col.METHOD: "method",
        Col.STATUS: "status_code",
        Col.BYTES_SENT: "request_body_len",
        Col.BYTES_RECEIVED: "response_body_len",
        Col.USER_AGENT: "user_agent",
        Col.QUESTION: "query",
        Col.QUESTION_TYPE: "qtype_name",
    },
    when=moments.first(moments.stamp(f"timestamp time {_SHOWN}", UTC), spellings.spelled(_SHOWN, _civil)),
    verdict=verdicts.verdict("actiontype", denied="exploitguardnetworkprotectionblocked", allowed="connectionsuccess"),
    readers={Col.USER: _user},
    asked=records.Asked.DNS,
)


def _record(line: str, dialect: Dialect) -> Cells:
    if dialect.columns and line[0] != "{":
        found = delimited.cells(line, dialect.separator)
        if len(found) < len(dialect.columns):
            raise RefusedLine("fewer fields than the header has names")
        cells: dict[str, object] = dict(zip(dialect.columns, found, strict=False))
    else:
        record = jsonlog.inner(records.record(line), "properties")
        cells = dict(zip(_lower(tuple(record)), record.values(), strict=True))
    if "actiontype" not in cells or not ("remoteurl" in cells or "remoteip" in cells):
        raise RefusedLine("no names of DeviceNetworkEvents")
    return _completed(cells)


@lru_cache(maxsize=1024)
def _lower(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(str.lower, names))


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The names of a CSV's header."""
    found = None if line.lstrip().startswith("{") else csvexport.columns(line, _OWN, 4)
    if found is None or "actiontype" not in found[0]:
        return None
    return replace(dialect, columns=found[0], separator=found[1])


def example(row: Row) -> str:
    """A connection of advanced hunting's JSON; a URL where the event has one."""
    url = row.get(Col.URL)
    more = {
        "method": row.get(Col.METHOD),
        "status_code": row.get(Col.STATUS),
        "request_body_len": row.get(Col.BYTES_SENT),
    }
    cells = {
        "Timestamp": rendering.written_at(row, "%Y-%m-%dT%H:%M:%S.%fZ"),
        "DeviceName": "ws-0317.example.org",
        "ActionType": rendering.choice(row, allowed="ConnectionSuccess", denied="ExploitGuardNetworkProtectionBlocked"),
        "RemoteUrl": url or row.get(Col.DOMAIN),
        "LocalIP": row.get(Col.SOURCE_IP),
        "InitiatingProcessAccountUpn": row.get(Col.USER),
    }
    if url is not None:
        cells["AdditionalFields"] = orjson.dumps({key: cell for key, cell in more.items() if cell is not None}).decode()
    if row.get(Col.ACTION) == Action.CHALLENGE:
        cells["AdditionalFields"] = '{"status_code":407}'
    return orjson.dumps({name: cell for name, cell in cells.items() if cell is not None}).decode()


def _completed(cells: dict[str, object]) -> Cells:
    """The cells with those of ``AdditionalFields``, the account in one, and URLs apart from names."""
    more = cells.get("additionalfields")
    if isinstance(more, str) and more.startswith("{"):
        try:
            more = jsonline.record(more)
        except RefusedLine:
            more = None
    if isinstance(more, dict):
        cells = {**more, **cells}
        if isinstance(uri := more.get("uri"), str) and uri.startswith("/"):
            cells["inspectedurl"] = f"http://{more.get('host') or cells.get('remoteurl') or ''}{uri}"
    name, domain = cells.get("initiatingprocessaccountname"), cells.get("initiatingprocessaccountdomain")
    if isinstance(name, str) and name and name.lower() not in _SYSTEM:
        cells["account"] = f"{domain}\\{name}" if domain else name
    url = cells.get("remoteurl")
    if isinstance(url, str) and ("://" in url or "/" in url):
        cells["fullurl"] = url
    return cells


_READER = Reader(_record, _TABLE)
FORMAT = LogFormat(
    name="defender_network_events",
    kind=Kind.PROXY,
    title="Microsoft Defender XDR, DeviceNetworkEvents (JSON, CSV)",
    reference="unverified: https://learn.microsoft.com/en-us/defender-xdr/advanced-hunting-devicenetworkevents-table",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns | {Col.KIND},
    zone=Zone.UTC,
    head=head,
    head_literals=(b"ActionType",),
    layout=Layout.JSON,
    encoded=(b"\\u",),
)
