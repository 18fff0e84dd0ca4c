r"""SonicWall SonicOS, syslog (default, enhanced, ArcSight): web site hits, content filter, connections.

``id=firewall sn=0006B1 time="2020-02-27 10:00:00 UTC" fw=192.0.2.9 pri=6 c=1024 m=97 msg="Web site hit" n=7
src=10.0.0.7:50123:X0:ws-0317 dst=192.0.2.1:443:X1 proto=tcp/https op=GET sent=700 rcvd=900 result=200
dstname=www.example.com arg=/a code=27 Category="Information Technology" usr="u1042"``

The same as CEF (``syslog format ArcSight``), in which ``out`` is sent by the client and ``in`` to it:

``CEF:0|SonicWall|TZ 670|7.0.1|97|Syslog Website Accessed|4|src=10.0.0.7 spt=50123 dst=192.0.2.1 … susr=u1042 out=700
in=900 requestMethod=1 dhost=www.example.com request=/a act=forward``

- ``time`` in UTC where it says so, else local
- ``src`` (``srcV6``) address, port, interface and name of the client; ``usr``, ``user`` who it is
- ``op`` method, in some versions as a number; ``result`` status; ``dstname`` and ``arg`` host and path
- ``sent`` sent by the client, ``rcvd`` sent to it
- ``fw_action`` forward, drop; else the message tells what was denied, blocked or dropped; else its number ``m``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import cef, kv, many, moments, records, rendering, shapes, spellings, values, verdicts
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_METHODS = {"1": "GET", "2": "POST", "3": "HEAD"}
_NUMBERED = {"14": Action.DENIED, "16": Action.ALLOWED, "97": Action.ALLOWED}
"""Numbers of messages that newer versions leave without words: web sites that were refused, opened, opened."""
_DROPPED = frozenset({"drop", "deny", "discard", "reject"})
_REFUSED = ("denied", "blocked", "dropped", "rejected", "prevented")
_ALLOWED = ("allowed", "web site hit", "website accessed", "connection opened", "connection closed")


def _tells(words: tuple[str, ...], action: Action) -> Callable[[str], Action | None]:
    return lambda message: action if any(word in message.lower() for word in words) else None


_VERDICT = verdicts.either(
    verdicts.told("fw_action", lambda said: Action.DENIED if said.lower() in _DROPPED else None),
    verdicts.told("msg", _tells(_REFUSED, Action.DENIED)),
    verdicts.told("fw_action", lambda said: Action.ALLOWED if said.lower() == "forward" else None),
    verdicts.told("msg", _tells(_ALLOWED, Action.ALLOWED)),
    verdicts.told("m", _NUMBERED.get),
)


def _address(text: str) -> str | None:
    """The address of ``10.0.0.7:50123:X0:name``; IPv6 stands in brackets or has more than three colons."""
    if text.startswith("["):
        return values.address(text.partition("]")[0])
    return values.address(text.partition(":")[0]) or values.address(text)


def _name(text: str) -> str | None:
    parts = text.split(":")
    return values.host(parts[3]) if len(parts) > 3 and "." in parts[0] else None


_NAMES = {
    Col.SOURCE_IP: "srcV6 src",
    Col.SOURCE_MAC: "srcMac smac",
    Col.USER: "usr user susr suser",
    Col.METHOD: "op requestMethod",
    Col.URL: "arg request",
    Col.DOMAIN: "dstname dhost",
    Col.STATUS: "result",
    Col.BYTES_SENT: "sent out",
    Col.BYTES_RECEIVED: "rcvd in",
}
_TABLE = records.table(
    {**_NAMES, Col.HOST_NAME: "src"},
    when=moments.first(moments.stamp("time"), spellings.written("rt start")),
    verdict=_VERDICT,
    readers={
        Col.SOURCE_IP: _address,
        Col.HOST_NAME: _name,
        Col.USER: many.but("", values.user, beginning="Unknown ("),
        Col.METHOD: lambda text: _METHODS.get(text) or records.READERS[Col.METHOD](text),
    },
    needs=(Col.SOURCE_IP,),
)


def _record(line: str, _dialect: Dialect) -> Cells:
    if (message := cef.find(line)) is not None:
        if message.vendor.lower() != "sonicwall":
            raise RefusedLine("not a message of SonicWall")
        return {"msg": message.name, "fw_action": message.fields.get("act", ""), **message.fields}
    cells = kv.quoted(line)
    if "sn" not in cells or not ("fw" in cells or "m" in cells):
        raise RefusedLine("no names of SonicOS")
    return cells


_READER = Reader(_record, _TABLE, Layouts((shapes.quoted(),)))


def example(row: Row) -> str:
    """A hit of a web site."""
    names: dict[Col, str] = {column: text.split()[0] for column, text in _NAMES.items() if column is not Col.SOURCE_MAC}
    cells = rendering.texts(row, names)
    url = str(row.get(Col.URL, ""))
    cells["arg"] = "/" + url.partition("://")[2].partition("/")[2] if url else ""
    cells["src"] = f"{cells.get('src', '-')}:50123:X0"
    if row.get(Col.ACTION) == Action.CHALLENGE:
        cells["result"] = "407"
    message = rendering.choice(row, allowed="Web site hit", denied="Web site access denied")
    at = rendering.written_at(row, "%Y-%m-%d %H:%M:%S UTC")
    fixed = {"id": "firewall", "sn": "0006B1000000", "time": at, "fw": "192.0.2.9", "pri": "6", "m": "97"}
    return kv.join({**fixed, "msg": message, **{name: cell for name, cell in cells.items() if cell}})


FORMAT = LogFormat(
    name="sonicwall",
    kind=Kind.PROXY,
    title="SonicWall SonicOS",
    reference="unverified: https://www.sonicwall.com/techdocs/pdf/sonicos-7-1-log-events-reference-guide.pdf",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.LOCAL,
)
