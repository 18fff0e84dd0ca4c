r"""Any product's CEF (ArcSight's Common Event Format), read by the names that ArcSight gives to keys.

``CEF:0|vendor|product|version|event|name|severity|key=value …``, behind a syslog header or without one:

- ``rt``, ``start``, ``end``: milliseconds since the epoch or ``MMM dd yyyy HH:mm:ss``, else the syslog header's time
- ``src`` (``c6a2`` for IPv6) the client, ``smac`` and ``shost`` what it is; ``suser`` who (``duser`` is the other side)
- ``request`` the URL, ``dhost`` (``destinationDnsDomain``) the host, ``requestMethod``, ``requestClientApplication``
- ``act`` what the device did: words that begin with deny, block, drop … are refusals; else ``outcome``
- ``in`` and ``out`` are left alone: some vendors count them from the client's side, some from the server's, and a reply
  must never count as an upload

Long names (``sourceAddress``) are read like the short ones. A vendor's own format knows more and goes first: this one
is told only where no other reads the lines.

``CEF:0|Example|Gateway|1.0|100|visit|3|rt=1582797600123 src=10.0.0.7 suser=u1042 request=http://… act=allowed``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Col, Kind, LogFormat, Zone
from detector.grammars import cef, moments, records, rendering, shapes, spellings, values, verdicts
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
"""A name that no field can have."""
_NAMES = {
    Col.SOURCE_IP: "src sourceAddress c6a2",
    Col.SOURCE_MAC: "smac sourceMacAddress",
    Col.HOST_NAME: "shost sourceHostName",
    Col.USER: "suser sourceUserName suid sourceUserId",
    Col.DOMAIN: "dhost destinationHostName destinationDnsDomain",
    Col.URL: "request requestUrl requestURL",
    Col.METHOD: "requestMethod",
    Col.USER_AGENT: "requestClientApplication",
}


_TABLE = records.table(
    _NAMES,
    when=moments.first(spellings.written("rt deviceReceiptTime start startTime end endTime"), moments.header(_LINE)),
    verdict=verdicts.verdict(
        "act deviceAction outcome eventOutcome categoryOutcome",
        denied="den block drop reject reset refus quarantin prevent discard fail /fail",
        allowed="allow accept permit pass forward success /success",
    ),
    readers={Col.URL: values.unquoted, Col.USER_AGENT: values.unquoted},
    needs=tuple(_NAMES),
)


_WINDOWS = "|Microsoft|Microsoft Windows|"


def _shape(line: str) -> Drawing | None:
    drawing = shapes.cef_message(line)
    known = drawing is not None and "CEF:" in drawing.header and _WINDOWS not in drawing.header
    return drawing if known else None


def _record(line: str, _dialect: Dialect) -> Cells | None:
    """The fields of a message, with the line's head; a record of the Windows event log is nobody's visit."""
    message = cef.find(line)
    if message is None or "CEF:" not in line[:_HEAD_CHARS]:
        raise RefusedLine("not CEF")
    if _WINDOWS in line[:_HEAD_CHARS]:
        return None
    return {**message.fields, _LINE: line[:_HEAD_CHARS]}


_READER = Reader(_record, _TABLE, Layouts((_shape,), beginning=(_LINE, _HEAD_CHARS)))


def sniff(_lines: Sequence[str]) -> float:
    """A format that knows the vendor goes first."""
    return _SURE


def example(row: Row) -> str:
    """A request."""
    cells = rendering.texts(row, {column: names.split()[0] for column, names in _NAMES.items()})
    stamp = {"rt": str((moments.at_of(row) or 0) // 1000)}
    action = {"act": rendering.choice(row, allowed="allowed", denied="denied")}
    return cef.join("Example|Gateway|1.0|100|visit|3", stamp | cells | action)


FORMAT = LogFormat(
    name="cef_generic",
    kind=Kind.PROXY,
    title="CEF of any product (ArcSight)",
    reference="unverified: https://www.microfocus.com/documentation/arcsight/arcsight-smartconnectors/",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.LOCAL,
    sniff=sniff,
)
