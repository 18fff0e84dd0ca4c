r"""AdGuard Home, query log (``querylog.json``): one JSON object a question.

``{"T":"2020-02-27T11:00:00.123456789+01:00","QH":"www.example.com","QT":"A","QC":"IN","CP":"",
"IP":"10.0.0.7","CID":"laptop","Answer":"…","Result":{"IsFiltered":true,"Reason":3,"Rules":[…]},"Elapsed":1234,"Upstream":"…"}``

- ``T`` with offset; ``QH`` the name, ``QT`` its type; ``IP`` the client, ``CID`` the name that it gives itself
- ``Result.Reason`` 3 to 6 and 8: refused by a block list, safe browsing, parental control, as invalid, as a service;
  7 and 9 to 11 rewrite the answer; 0 to 2 and an empty result let through

The server's own text log (``2020/02/27 10:00:00 [info] …``) holds no questions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Layout, LogFormat, Zone
from detector.grammars import moments, records, rendering
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_REFUSED = frozenset({3, 4, 5, 6, 8})
_NOTE = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?:\d+#\d+ )?\[\w+\]")


def _verdict(cells: Cells) -> Action | None:
    result = cells.get("Result")
    if not isinstance(result, dict):
        return None
    return Action.DENIED if result.get("Reason") in _REFUSED else Action.ALLOWED


_TABLE = records.table(
    {Col.SOURCE_IP: "IP", Col.HOST_NAME: "CID", Col.QUESTION: "QH", Col.QUESTION_TYPE: "QT"},
    when=moments.stamp("T"),
    verdict=_verdict,
    needs=(Col.QUESTION,),
    lacking="no name was asked for",
)


def _record(line: str, _dialect: Dialect) -> Cells | None:
    """The record of a question; notes of the server are none."""
    if _NOTE.match(line):
        return None
    cells = records.record(line)
    if "QH" not in cells or not ("T" in cells or "IP" in cells):
        raise RefusedLine("no names of AdGuard's query log")
    return cells


_READER = Reader(_record, _TABLE)


def example(row: Row) -> str:
    """A question that was refused by a block list or let through."""
    denied = row.get(Col.ACTION) == Action.DENIED
    cells = {
        "T": rendering.written_at(row, "%Y-%m-%dT%H:%M:%S.%fZ"),
        "QH": row.get(Col.QUESTION),
        "QT": row.get(Col.QUESTION_TYPE, "A"),
        "QC": "IN",
        "IP": row.get(Col.SOURCE_IP),
        "Result": {"IsFiltered": True, "Reason": 3} if denied else {},
    }
    return orjson.dumps({name: cell for name, cell in cells.items() if cell is not None}).decode()


FORMAT = LogFormat(
    name="adguard_home",
    kind=Kind.DNS,
    title="AdGuard Home, query log",
    reference="unverified: https://github.com/AdguardTeam/AdGuardHome/wiki/Configuration",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.OFFSET,
    layout=Layout.JSON,
    encoded=(b"\\u",),
)
