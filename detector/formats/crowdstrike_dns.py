r"""CrowdStrike Falcon, DnsRequest events (Falcon Data Replicator, exports of a search): what a process asked for.

``{"event_simpleName":"DnsRequest","ContextTimeStamp":"1582797600.123","timestamp":"1582797601000","aip":"198.51.100.7",
"LocalAddressIP4":"10.0.0.7","ComputerName":"WS-0317","DomainName":"www.example.com","RequestType":"1",…}``

- ``ContextTimeStamp`` when it happened, seconds since the epoch or ISO 8601 in UTC; ``timestamp`` when the cloud had it
- ``LocalAddressIP4`` the computer's address, ``aip`` its address on the internet; ``ComputerName``, ``UserName`` where
  the export adds them
- ``RequestType`` the record type's number; the fields may lie in an object ``event`` of their own

Events of other names, and requests without a name, are no events here.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import Col, Kind, Zone
from detector.grammars import jsonlog, moments, records, rendering
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_NAMES = ("event_simpleName", "event_simplename", "#event_simpleName", "eventSimpleName")
_TABLE = records.table(
    {
        Col.SOURCE_IP: "LocalAddressIP4 LocalIP LocalAddressIP6 aip",
        Col.HOST_NAME: "ComputerName",
        Col.USER: "UserName",
        Col.QUESTION: "DomainName",
        Col.QUESTION_TYPE: "RequestType",
    },
    when=moments.stamp("ContextTimeStamp ContextTimeStamp_decimal @timestamp timestamp", UTC),
    needs=(Col.QUESTION,),
)


def _record(line: str, _dialect: Dialect) -> Cells | None:
    cells = records.record(line)
    name = next((cells[one] for one in _NAMES if one in cells), None)
    if name is None:
        raise RefusedLine("no event of CrowdStrike")
    if name not in ("DnsRequest", "SuspiciousDnsRequest"):
        return None
    return jsonlog.inner(cells, "event")


def _example(row: Row) -> str:
    cells = {
        "event_simpleName": "DnsRequest",
        "ContextTimeStamp": rendering.seconds(row)[:-3],
        "LocalAddressIP4": row.get(Col.SOURCE_IP),
        "DomainName": row.get(Col.QUESTION),
        "RequestType": "1",
    }
    return orjson.dumps({name: cell for name, cell in cells.items() if cell is not None}).decode()


FORMAT = jsonlog.log_format(
    "crowdstrike_dns",
    kind=Kind.DNS,
    title="CrowdStrike Falcon, DNS requests",
    reference="unverified: https://falcon.crowdstrike.com/documentation/page/e3ce0b24/events-data-dictionary",
    reader=Reader(_record, _TABLE),
    example=_example,
    tables=(_TABLE,),
    zone=Zone.UTC,
)
