r"""Sophos Web Appliance, access log in key=value.

``h=10.0.0.7 u="CORP\u1042" s=200 X=- t=1582797600 T=284453 Ts=0 act=1 cat="0x220000002a" app="-" rsn=- threat="-"
type="text/html" … in=700 out=900 meth=GET ref="-" ua="Mozilla/5.0" req="GET http://www.example.com/a HTTP/1.1"
dom="example.com" filetype="-" rule="0" filesize=880 …``

- ``h`` the client, ``u`` its user, ``s`` the status, ``t`` seconds since the epoch
- ``in`` bytes that came in from the client, ``out`` bytes that went out to it (never less than ``filesize``)
- ``req`` the request line, ``dom`` the registered domain only: the host is taken from the request
- ``act`` 1 let through; ``rsn`` why it was refused, with status 403
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import kv, moments, records, rendering, shapes
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells


def _verdict(cells: Cells) -> Action | None:
    if cells.get("s") == "403" and cells.get("rsn") not in (None, "", "-"):
        return Action.DENIED
    return Action.ALLOWED if cells.get("act") == "1" else None


_TABLE = records.table(
    {
        Col.SOURCE_IP: "h",
        Col.USER: "u",
        Col.METHOD: "meth",
        Col.URL: "url",
        Col.STATUS: "s",
        Col.BYTES_SENT: "in",
        Col.BYTES_RECEIVED: "out",
        Col.USER_AGENT: "ua",
    },
    later={Col.DOMAIN: "dom"},
    when=moments.stamp("t"),
    verdict=_verdict,
)


def _record(line: str, _dialect: Dialect) -> Cells:
    cells = kv.quoted(line)
    if not {"h", "s", "t", "req"} <= cells.keys():
        raise RefusedLine("no names of the appliance's access log")
    request = cells["req"].split(" ")
    cells["url"] = " ".join(request[1:-1] if request[-1].startswith("HTTP/") else request[1:])
    return cells


_READER = Reader(_record, _TABLE, Layouts((shapes.quoted(),)))


def example(row: Row) -> str:
    """A request that the appliance refused or let through."""
    names = {
        Col.SOURCE_IP: "h", Col.USER: "u", Col.STATUS: "s", Col.BYTES_SENT: "in", Col.BYTES_RECEIVED: "out",
        Col.METHOD: "meth", Col.USER_AGENT: "ua", Col.URL: "req",
    }  # fmt: skip
    cells = {"h": "-", **rendering.texts(row, names)}
    cells["req"] = f"{cells.get('meth', 'GET')} {cells.get('req', '-')} HTTP/1.1"
    status = rendering.choice(row, allowed=str(row.get(Col.STATUS, 200)), denied="403", challenge="407")
    reason = rendering.choice(row, allowed="-", denied="category", challenge="-")
    act = "1" if reason == "-" else "2"
    return kv.join({**cells, "s": status, "t": rendering.seconds(row).partition(".")[0], "act": act, "rsn": reason})


FORMAT = LogFormat(
    name="sophos_web_appliance",
    kind=Kind.PROXY,
    title="Sophos Web Appliance",
    reference="unverified: https://docs.sophos.com/nsg/swa/help/en-us/nsg/swa/concepts/InterpretingLogFiles.html",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.UTC,
)
