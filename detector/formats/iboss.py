r"""iboss, URL events of its cloud gateway: CEF, LEEF, key=value, JSON.

``CEF:0|iboss|cloud|10.0|100|URL|1|rt=1582797600123 src=10.0.0.7 suser=u1042 shost=ws-0317 dhost=www.example.com
request=https://www.example.com/a requestMethod=GET act=Allowed out=700 in=900 requestClientApplication=…
cs1Label=Category cs1=Business``

``LEEF:1.0|iboss|cloud|10.0|URL|devTime=…	src=10.0.0.7	usrName=u1042	url=https://www.example.com/a	…``

``vendor=iboss timestamp=2020-02-27T10:00:00Z sourceIp=10.0.0.7 username=u1042 url=… action=Allowed …``, and the same as
one JSON object a line

- ``rt``, ``timestamp``… milliseconds since the epoch, or as CEF and ISO 8601 write it; else the syslog header's time
- ``out``, ``bytesSent``, ``srcBytes`` sent *by the client*; ``in``, ``bytesReceived``, ``dstBytes`` sent to it
- ``act``, ``action`` Allowed, Monitored, Bypassed; Blocked, Soft Blocked…

Exports as W3C ELFF name their columns themselves: ``bluecoat_proxysg`` reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Layout, LogFormat, Zone
from detector.grammars import cef, jsonlog, kv, leef, moments, records, rendering, shapes, spellings, verdicts
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_VENDORS = ("vendor", "deviceVendor", "device_vendor")
_NAMES = {
    Col.SOURCE_IP: "src sourceAddress sourceIp source_ip clientIp client_ip userIp",
    Col.SOURCE_MAC: "smac sourceMacAddress macAddress mac",
    Col.HOST_NAME: "shost sourceHostName computerName deviceName",
    Col.USER: "suser usrName sourceUserName username userName user",
    Col.METHOD: "requestMethod httpMethod method",
    Col.URL: "request requestUrl requestURL url",
    Col.DOMAIN: "dhost destinationHostName destinationDnsDomain domain",
    Col.STATUS: "httpStatus statusCode responseCode httpResponseCode",
    Col.BYTES_SENT: "out bytesSent bytesOut srcBytes bytes_sent",
    Col.BYTES_RECEIVED: "in bytesReceived bytesIn dstBytes bytes_received",
    Col.USER_AGENT: "requestClientApplication userAgent user_agent",
}
_TABLE = records.table(
    _NAMES,
    when=moments.first(
        moments.stamp("rt start end timestamp time eventTime"), spellings.Patterned("devTime", "devTimeFormat")
    ),
    verdict=verdicts.verdict(
        "act deviceAction action", denied="block soft deny denied drop quarantin", allowed="allow permit monitor bypass"
    ),
    needs=(Col.DOMAIN, Col.URL),
    lacking="neither a URL nor a host",
)


def _record(line: str, _dialect: Dialect) -> Cells:
    fields: Cells
    if line[0] == "{":
        fields = jsonlog.inner(records.record(line), "event", "data")
    elif (message := cef.find(line) or leef.find(line)) is not None:
        fields = {**message.fields, "vendor": message.vendor}
    else:
        fields = kv.quoted(line)
    if not any(str(fields.get(name) or "").lower().startswith("iboss") for name in _VENDORS):
        raise RefusedLine("not an event of iboss")
    return fields


def example(row: Row) -> str:
    """An event in CEF."""
    cells = rendering.texts(row, {column: names.split()[0] for column, names in _NAMES.items()})
    if row.get(Col.ACTION) == Action.CHALLENGE:
        cells["httpStatus"] = "407"
    stamp = {"rt": str((moments.at_of(row) or 0) // 1000)}
    action = {"act": rendering.choice(row, allowed="Allowed", denied="Blocked")}
    return cef.join("iboss|cloud|10.0|100|URL|1", stamp | cells | action)


_READER = Reader(
    _record, _TABLE, Layouts((shapes.cef_message, shapes.leef_message, shapes.quoted()), " ".join(_VENDORS))
)
FORMAT = LogFormat(
    name="iboss",
    kind=Kind.PROXY,
    title="iboss cloud gateway, URL events (CEF, LEEF, key=value, JSON)",
    reference="unverified: https://www.iboss.com/platform/",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.LOCAL,
    layout=Layout.JSON,
    encoded=(b"\\u",),
)
