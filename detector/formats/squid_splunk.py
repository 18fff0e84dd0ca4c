r"""Squid access log in the ``logformat`` that Splunk recommends (``splunk_recommended_squid``): key=value pairs.

``%ts.%03tu logformat=splunk_recommended_squid duration=%tr src_ip=%>a src_port=%>p dest_ip=%<a dest_port=%<p
user_ident="%[ui" user="%[un" local_time=[%tl] http_method=%rm request_method_from_client=%<rm
request_method_to_server=%>rm url="%ru" http_referrer="%{Referer}>h" http_user_agent="%{User-Agent}>h" status=%>Hs
vendor_action=%Ss dest_status=%Sh total_time_milliseconds=%<tt http_content_type="%mt" bytes=%st bytes_in=%>st
bytes_out=%<st sni="%ssl::>sni"``

- seconds since the epoch with milliseconds, UTC
- ``bytes_in`` what the proxy got from the client (an upload), ``bytes_out`` what it sent to it
- ``vendor_action`` what squid did: ``TCP_DENIED`` is refused, status 407 asks for a login

``1582797600.123 logformat=splunk_recommended_squid duration=45 src_ip=10.0.0.7 … url="app.clearview.ai:443" …``
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import kv, moments, records, rendering, verdicts
from detector.grammars.layouts import Drawing, Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_START = re.compile(r"(\d{9,11}\.\d{3}) (?=\w+=)")
_FIELD = re.compile(r'( (\w+)=(["\[]?)(?:(?<=")[^"]*"|(?<=\[)[^\]"]*\]|(?<==)[^" =\[]*))')
_OWN = frozenset({"vendor_action", "dest_status", "src_ip", "url"})
_NAMES = {
    Col.SOURCE_IP: "src_ip",
    Col.USER: "user",
    Col.METHOD: "http_method",
    Col.URL: "url",
    Col.SERVER_NAME: "sni",
    Col.STATUS: "status",
    Col.BYTES_SENT: "bytes_in",
    Col.BYTES_RECEIVED: "bytes_out",
    Col.USER_AGENT: "http_user_agent",
}
_AT = "ts"
_TABLE = records.table(
    {**_NAMES, Col.USER: "user user_ident"},
    when=moments.stamp(_AT),
    verdict=verdicts.told("vendor_action", lambda word: Action.DENIED if word.startswith("TCP_DENIED") else None),
)


def _record(line: str, _dialect: Dialect) -> Cells:
    found = _START.match(line)
    cells: dict[str, str] = kv.quoted(line)
    if found is None or not cells.keys() >= _OWN:
        raise RefusedLine("not the logformat that Splunk recommends for squid")
    cells.pop("local_time", None)
    cells[_AT] = found[1]
    return cells


def _shape(line: str) -> Drawing | None:
    """The layout of a line whose cells are written plainly; the local time, which has a blank, is no cell."""
    found = _START.match(line)
    fields = _FIELD.findall(line, found.end() - 1) if found is not None else ()
    if found is None or "\\" in line or len(line) != found.end() - 1 + sum(len(field) for field, *_ in fields):
        return None
    pieces, names, before = [("", r"\d{9,11}\.\d{3}")], [_AT], ""
    for _, key, mark in fields:
        if mark == "[":
            before += rf" {key}=\[[^\]\"=]*+\]"
            continue
        pieces.append((f"{before} {key}={mark}", r'[^"\\]*+' if mark else r'[^"\\ =\t]*+'))
        names.append(key)
        before = mark
    return Drawing(pieces, names, before)


_READER = Reader(_record, _TABLE, Layouts((_shape,)))


def example(row: Row) -> str:
    """A request, refused or let through."""
    cells = {"src_ip": "-", "url": "-", **rendering.texts(row, _NAMES)}
    status = rendering.choice(row, allowed=str(row.get(Col.STATUS, 200)), denied="403", challenge="407")
    did = rendering.choice(row, allowed="TCP_TUNNEL", denied="TCP_DENIED")
    told = {**cells, "status": status, "vendor_action": did, "dest_status": "HIER_DIRECT"}
    return f"{rendering.seconds(row)[:-3]} {kv.join({'logformat': 'splunk_recommended_squid', **told})}"


FORMAT = LogFormat(
    name="squid_splunk",
    kind=Kind.PROXY,
    title="Squid, the logformat that Splunk recommends",
    reference="unverified: https://docs.splunk.com/Documentation/AddOns/released/SquidProxy/Recommendedfields",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.UTC,
)
