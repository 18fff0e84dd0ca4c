r"""Fortinet FortiProxy: http transactions, web filter and traffic logs.

``date=2020-02-27 time=10:00:00 devname="px1" devid="FPXVM4" eventtime=1582797600123456789 tz="+0000"
type="traffic" subtype="http-transaction" … srcip=10.0.0.7 … hostname="www.example.com" url="https://www.example.com/a"
… transid=51313645 reqlength=474 resplength=0 rcvdbyte=900 sentbyte=700 … user="u1042" … statuscode="200"``

The fields are FortiGate's (``date`` may be missing); of an http transaction ``reqlength`` and ``resplength`` are bodies
and headers of one request, ``sentbyte`` and ``rcvdbyte`` what went over the wire: these count where both are logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Kind, LogFormat, Zone
from detector.grammars import fortinet, shapes
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect
    from detector.grammars.records import Cells


def _record(line: str, _dialect: Dialect) -> Cells | None:
    """A record of traffic."""
    cells = fortinet.cells_of(line)
    device = str(cells.get("devid") or cells.get("deviceExternalId") or "")
    own = device.startswith("FPX") or "transid" in cells
    if "logid" not in cells or not own or device.startswith("FG"):
        raise RefusedLine("not a log of a FortiProxy")
    return cells if fortinet.is_traffic(cells) else None


_READER = Reader(_record, fortinet.table, Layouts((shapes.quoted(), shapes.quoted(",")), "type devid deviceExternalId"))


FORMAT = LogFormat(
    name="fortiproxy",
    kind=Kind.PROXY,
    title="Fortinet FortiProxy (http transactions, web filter, traffic)",
    reference="https://docs.fortinet.com/document/fortiproxy/7.2.6/log-message-reference/99",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=lambda row: fortinet.example(row, "FPXVM4TM20000001"),
    columns=fortinet.COLUMNS,
    zone=Zone.LOCAL,
)
