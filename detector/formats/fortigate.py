r"""Fortinet FortiGate: traffic, web filter, application control and DNS filter logs.

``date=2020-02-27 time=10:00:00 devname="fw1" devid="FGT60E" eventtime=1582797600 tz="+0000" logid="0317013312"
type="utm" subtype="webfilter" … user="u1042" srcip=10.0.0.7 … service="HTTPS" hostname="www.example.com" …
action="passthrough" url="/a" sentbyte=700 rcvdbyte=900``

- ``date`` and ``time`` are local, ``tz`` (6.2 on) their offset; ``eventtime`` counts UTC seconds or nanoseconds
- ``srcip`` the client, ``user`` or ``unauthuser`` who it is, ``agent`` its user agent
- ``hostname`` and ``url``: a path (``service`` tells the scheme) or the whole; ``httpmethod`` (``method`` is another)
- ``sentbyte`` sent by the client, ``rcvdbyte`` by the server; both are totals so far in logs of long sessions
- ``action`` passthrough, blocked, accept, close, deny…; ``utmaction=block`` where a profile refused
- SSL inspection: ``sni``, the name that the client asked the server for
- before 5.2 ``status`` for ``action``; before 5.0 ``device_id``, ``log_id``, ``src``, ``sent``, ``rcvd``
- DNS: ``qname``, ``qtype``; questions and answers are lines of their own, and most sites log only one of both

- mails: ``from`` of the header, ``sender`` and ``recipient`` of the envelope, ``subject``

The same with commas between the pairs (``format csv``), and CEF (``format cef``), where the user is ``duser`` and names
of Fortinet's own start with ``FTNTFGT``. System events are no events here.
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
    device = str(cells.get("devid") or cells.get("deviceExternalId") or cells.get("device_id") or "")
    is_old = "log_id" in cells and device.startswith("FG")
    if not ((is_old or "logid" in cells) and (device or "vd" in cells)):
        raise RefusedLine("not a log of a FortiGate")
    if device.startswith("FPX") or ("transid" in cells and not device.startswith("FG")):
        raise RefusedLine("a log of a FortiProxy")
    return cells if fortinet.is_traffic(cells) else None


_LAYOUTS = Layouts((shapes.quoted(), shapes.quoted(",")), "type devid deviceExternalId device_id")
_READER = Reader(_record, fortinet.table, _LAYOUTS)


FORMAT = LogFormat(
    name="fortigate",
    kind=Kind.PROXY,
    title="Fortinet FortiGate (traffic, web filter, application control, DNS: key=value, CSV, CEF)",
    reference="unverified: https://docs.fortinet.com/document/fortigate/7.4.0/fortios-log-message-reference",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=lambda row: fortinet.example(row, "FGT60E4Q16000001"),
    columns=fortinet.COLUMNS,
    zone=Zone.LOCAL,
)
