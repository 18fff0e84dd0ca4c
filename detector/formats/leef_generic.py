r"""Any product's LEEF (IBM QRadar's Log Event Extended Format), read by the names that IBM gives to keys.

``LEEF:1.0|vendor|product|version|event|key=value<tab>key=value``, behind a syslog header or without one; 2.0 names the
delimiter (``grammars/leef.py``):

- ``devTime`` with ``devTimeFormat`` (a Java date pattern), else the time of the syslog header
- ``src`` the client, ``srcMAC`` (``identMac``) and ``identHostName`` what it is; ``usrName`` (``accountName``) who
- ``url``, and not IBM's but common: ``request``, ``domain``, ``dstHostName`` …
- ``srcBytes`` sent by the client, ``dstBytes`` by the server
- ``action`` (``act``) what the device did: words that begin with deny, block, drop … are refusals

A vendor's own format knows more and goes first: this one is told only where no other reads the lines.

``LEEF:1.0|Example|Gateway|1.0|100|devTime=1582797600123<tab>src=10.0.0.7<tab>usrName=u1042<tab>url=http://…``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Col, Kind, LogFormat, Zone
from detector.grammars import leef, moments, records, rendering, shapes, spellings, verdicts
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row
    from detector.grammars.layouts import Drawing
    from detector.grammars.records import Cells

_SURE = 0.5
_HEAD_CHARS = 400
_LINE = "syslog header"
_NAMES = {
    Col.SOURCE_IP: "src identSrc srcIP srcip",
    Col.SOURCE_MAC: "srcMAC identMac srcMac",
    Col.HOST_NAME: "identHostName srcHostName",
    Col.USER: "usrName accountName SourceUser srcUser user",
    Col.DOMAIN: "dstHostName domain host hostname dstHost fqdn",
    Col.URL: "url request URL requestUrl",
    Col.METHOD: "method requestMethod httpMethod",
    Col.STATUS: "httpStatus httpStatusCode responseCode",
    Col.BYTES_SENT: "srcBytes",
    Col.BYTES_RECEIVED: "dstBytes",
    Col.USER_AGENT: "userAgent requestClientApplication",
}


_TABLE = records.table(
    _NAMES,
    when=moments.first(spellings.Patterned("devTime", "devTimeFormat"), moments.header(_LINE)),
    verdict=verdicts.verdict(
        "action act",
        denied="den block drop reject reset refus quarantin prevent discard",
        allowed="allow accept permit pass forward",
    ),
    needs=tuple(_NAMES),
)


def _record(line: str, _dialect: Dialect) -> Cells:
    """The fields of a message, with the line's head, whose name no field can have."""
    message = leef.find(line)
    if message is None or "LEEF:" not in line[:_HEAD_CHARS]:
        raise RefusedLine("not LEEF")
    return {**message.fields, _LINE: line[:_HEAD_CHARS]}


def _shape(line: str) -> Drawing | None:
    drawing = shapes.leef_message(line)
    return drawing if drawing is not None and "LEEF:" in drawing.header else None


_READER = Reader(_record, _TABLE, Layouts((_shape,), beginning=(_LINE, _HEAD_CHARS)))


def sniff(_lines: Sequence[str]) -> float:
    """A format that knows the vendor goes first."""
    return _SURE


def example(row: Row) -> str:
    """A request."""
    cells = rendering.texts(row, {column: names.split()[0] for column, names in _NAMES.items()})
    stamp = {"devTime": str((moments.at_of(row) or 0) // 1000)}
    action = {"action": rendering.choice(row, allowed="allowed", denied="denied")}
    return leef.join("Example|Gateway|1.0|100", stamp | cells | action)


FORMAT = LogFormat(
    name="leef_generic",
    kind=Kind.PROXY,
    title="LEEF of any product (IBM QRadar)",
    reference="unverified: https://www.ibm.com/docs/en/dsm?topic=overview-predefined-leef-event-attributes",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.LOCAL,
    sniff=sniff,
)
