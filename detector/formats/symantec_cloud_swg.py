r"""Symantec (Broadcom) Cloud Secure Web Gateway, JSON with the names of ProxySG's access log.

``{"date":"2020-02-27","time":"10:00:00","c-ip":"10.0.0.7","cs-userdn":"CORP\\u1042","sc-filter-result":"OBSERVED",
"sc-status":"200","cs-method":"GET","cs-uri-scheme":"https","cs-host":"www.example.com","cs-uri-port":"443",
"cs-uri-path":"/a","cs-uri-query":"?b","cs(User-Agent)":"…","sc-bytes":"900","cs-bytes":"700",…}``

- ``date`` and ``time`` UTC; ``c-ip`` the client (``x-client-address`` or the egress of a site)
- ``cs-userdn``, ``cs-username`` the user; ``cs-bytes`` sent by the client, ``sc-bytes`` sent to it
- ``cs-uri-scheme`` ``ssl`` and ``tcp`` are tunnels: their path was never seen
- ``sc-filter-result`` DENIED refused, OBSERVED and PROXIED let through; names may end in a stray carriage return

The same log as text with ``#Fields:`` lines is format ``bluecoat_proxysg``.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Zone
from detector.grammars import jsonlog, moments, records, rendering, values, verdicts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_TUNNELS = ("ssl", "tcp", "tunnel", "")
_AUTH = ("authentication_failed", "authentication_redirect", "authentication_failed_password_expired")
_WORDS = verdicts.verdict("sc-filter-result", denied="denied", allowed="observed proxied")
_HOST = records.one("cs-host cs-uri-host r-host", values.host_of_url)
_METHOD = records.one("cs-method", records.READERS[Col.METHOD])


def _verdict(cells: Cells) -> Action | None:
    return Action.CHALLENGE if cells.get("x-exception-id") in _AUTH else _WORDS(cells)


def _url(cells: Cells) -> str | None:
    """The URL put together of its parts."""
    host, scheme = _HOST(cells), str(cells.get("cs-uri-scheme") or "")
    if not isinstance(host, str):
        return None
    name = f"[{host}]" if ":" in host else host
    port = str(cells.get("cs-uri-port") or "")
    if scheme in _TUNNELS or _METHOD(cells) == "CONNECT":
        return f"{name}:{port}" if port.isdecimal() else name
    usual = {"http": "80", "https": "443"}.get(scheme)
    query = values.text(str(cells.get("cs-uri-query") or "")) or ""
    path = values.text(str(cells.get("cs-uri-path") or "")) or "/"
    behind = f"{path}{'' if query.startswith('?') or not query else '?'}{query}"
    return f"{scheme}://{name}{f':{port}' if port.isdecimal() and port != usual else ''}{behind}"


_TABLE = records.table(
    {
        Col.SOURCE_IP: "x-client-address c-ip",
        Col.HOST_NAME: "x-client-device-name",
        Col.USER: "cs-userdn cs-username cs-auth-user",
        Col.METHOD: "cs-method",
        Col.URL: "cs-uri c-uri",
        Col.DOMAIN: "cs-host cs-uri-host r-host",
        Col.STATUS: "sc-status",
        Col.BYTES_SENT: "cs-bytes",
        Col.BYTES_RECEIVED: "sc-bytes",
        Col.USER_AGENT: "cs(User-Agent) cs(user-agent)",
    },
    when=moments.first(moments.parts("date", "time", UTC), moments.stamp("gmttime x-timestamp-unix-utc")),
    verdict=_verdict,
    derived={Col.URL: _url},
)


def _record(line: str, _dialect: Dialect) -> Cells:
    cells = records.record(line)
    if "cs-host" not in cells and "cs-uri" not in cells:
        raise RefusedLine("no names of an access log")
    return cells


def _example(row: Row) -> str:
    names = {
        Col.SOURCE_IP: "c-ip", Col.USER: "cs-userdn", Col.METHOD: "cs-method", Col.DOMAIN: "cs-host",
        Col.STATUS: "sc-status", Col.BYTES_SENT: "cs-bytes", Col.BYTES_RECEIVED: "sc-bytes",
        Col.USER_AGENT: "cs(User-Agent)",
    }  # fmt: skip
    cells = rendering.texts(row, names)
    scheme, _, rest = str(row.get(Col.URL, "")).rpartition("://")
    path, _, query = rest.partition("/")[2].partition("?")
    cells |= {
        "cs-uri-scheme": scheme or "ssl",
        "cs-uri-path": f"/{path}",
        "cs-uri-query": f"?{query}" if query else "-",
    }
    if row.get(Col.ACTION) == Action.CHALLENGE:
        cells["sc-status"] = "407"
    verdict = rendering.choice(row, allowed="OBSERVED", denied="DENIED")
    at = {"date": rendering.written_at(row, "%Y-%m-%d"), "time": rendering.written_at(row, "%H:%M:%S")}
    port = "80" if scheme == "http" else "443"
    return orjson.dumps({**at, **cells, "cs-uri-port": port, "sc-filter-result": verdict}).decode()


FORMAT = jsonlog.log_format(
    "symantec_cloud_swg",
    kind=Kind.PROXY,
    title="Symantec Cloud Secure Web Gateway (JSON)",
    reference="unverified: https://techdocs.broadcom.com/us/en/symantec-security-software/web-and-network-security/"
    "cloud-swg/help.html",
    reader=Reader(_record, _TABLE),
    example=_example,
    tables=(_TABLE,),
    zone=Zone.UTC,
)
