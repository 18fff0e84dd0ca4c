r"""HAProxy, ``option httplog``: one line a request that passed a frontend.

``%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r``

``10.0.0.7:50123 [27/Feb/2020:10:00:00.123] web~ app/srv1 0/0/1/2/3 200 900 - - ---- 1/1/0/0/0 0/0
{www.example.com|Mozilla/5.0} "GET /a?b HTTP/1.1"``

- client address and port; time of the request, local; frontend, backend and server, timers in milliseconds
- ``%ST`` status, ``%B`` bytes sent *to* the client; ``%tsc`` how it ended: ``P`` first is a refusal by a rule
- ``%hr`` captured request headers: the first one that is the name of a host is taken for it, or the one that the option
  ``captures`` names (``captures: user-agent,host``)
- the request in quotes, with a host only for proxy requests and HTTP/2: that one counts before a captured one
- ``option httpslog`` adds errors and ``%[ssl_fc_sni]/%sslv/%sslc``: ``0/0/0/0/0 www.example.com/TLSv1.3/TLS_AES_…``,
  where no other name is known

Lines of ``option tcplog`` hold no names; errors of handshakes and messages of the server are no events.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone, stamps
from detector.events.instants import to_datetime
from detector.grammars import moments, records, spellings, together, values
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_LINE = re.compile(
    r"(?:[^\s:\[\]]{1,64}+(?:\[\d*\])?: )?(?P<ip>[0-9A-Fa-f.:]+|unix):\d+ \[(?P<at>[^\]]{1,6000})\] \S+ \S+ "
    r"[+-]?\d+(?:/[+-]?\d+){2,4} (?P<status>-?\d+) (?P<bytes>[+-]?\d+) \S+ \S+ (?P<end>\S{4}) "
    r'\d+(?:/\+?\d+){4} \d+/\d+ (?:\{(?P<headers>[^}]*)\} )?(?:\{[^}]*\} )?"(?P<request>[^"]*)'
    r'(?:"(?: \w{1,20}(?:/\w{1,20}){4} (?P<sni>[^\s/]{1,255})/(?:TLS|SSL)v)?)?',
    re.DOTALL,
)
_OTHER = re.compile(
    r"(?:[^\s:\[\]]{1,64}(?:\[\d*\])?: )?(?:[0-9A-Fa-f.:]+:\d+ \[[^\]]{1,40}\] \S+|Proxy |Server |Connect )"
)
_VERSION = re.compile(r" HTTP/[\d.]+$")
_HOST = re.compile(r"(?=[^|]*[A-Za-z])[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})+\.?(?::\d{1,5})?")


def _action(status: str, end: str) -> Action | None:
    if end[:1] == "P":
        return Action.DENIED
    return Action.ALLOWED if values.status(status) is not None and end[:1] == "-" else None


def _instant(at: str, dialect: Dialect) -> int | None:
    try:
        return stamps.clf(at, dialect.zone)
    except (ValueError, OverflowError):
        return None


_TABLE = records.table(
    {
        Col.SOURCE_IP: "ip",
        Col.METHOD: "method",
        Col.DOMAIN: "host",
        Col.STATUS: "status",
        Col.BYTES_RECEIVED: "bytes",
    },
    when=spellings.spelled("at", _instant),
    verdict=together.together("status end", _action),
    readers={Col.SOURCE_IP: values.address, Col.DOMAIN: values.host},
    derived={
        Col.URL: lambda cells: str(cells["url"]) or None,
        Col.USER_AGENT: lambda cells: str(cells["agent"]) or None,
    },
)


def _record(line: str, dialect: Dialect) -> Cells | None:
    """The fields of a request."""
    found = _LINE.match(line)
    if not found:
        if _OTHER.match(line):
            return None
        raise RefusedLine("not haproxy's http log")
    ip, at, status, size, end, headers, request, sni = found.groups()
    method, _, rest = request.partition(" ")
    url = values.text(_VERSION.sub("", rest)) or ""
    host, agent = _captured(headers or "", dialect.options.get("captures", ""))
    if url[:1] == "/":
        if values.host(host) is None:
            host = values.host(sni)
        url = f"{host or ''}{url}"
    elif url and url[0] not in "*<":
        host = values.host_of_url(url) or host
    return {
        "ip": ip, "at": at, "status": status, "bytes": size.lstrip("+"), "end": end, "method": method, "url": url,
        "host": host or "", "agent": agent or "",
    }  # fmt: skip


_READER = Reader(_record, _TABLE)


def example(row: Row) -> str:
    """A request with its host captured; the log holds no upload."""
    moment = to_datetime(moments.at_of(row) or 0)
    url = str(row.get(Col.URL) or f"{row.get(Col.DOMAIN, '-')}:443")
    host = values.host_of_url(url) or str(row.get(Col.DOMAIN, "-"))
    path = "/" + url.partition("://")[2].partition("/")[2] if "://" in url else url
    method = row.get(Col.METHOD) or ("GET" if "://" in url else "CONNECT")
    status: object = {Action.DENIED.value: 403, Action.CHALLENGE.value: 407}.get(str(row.get(Col.ACTION, "")))
    end = "PR--" if row.get(Col.ACTION) == Action.DENIED else "----"
    at = f"{moment:%d/%b/%Y:%H:%M:%S}.{moment.microsecond // 1000:03d}"
    status = status or row.get(Col.STATUS, 200)
    return (
        f"{row.get(Col.SOURCE_IP, '127.0.0.1')}:50123 [{at}] web~ app/srv1 0/0/1/2/3 {status} "
        f'{row.get(Col.BYTES_RECEIVED, 0)} - - {end} 1/1/0/0/0 0/0 {{{host}}} "{method} {path} HTTP/1.1"'
    )


def _captured(headers: str, names: str) -> tuple[str | None, str | None]:
    """The host and the user agent among the captured headers."""
    found = headers.split("|") if headers else []
    if names:
        by_name = dict(zip((name.strip().lower() for name in names.split(",")), found, strict=False))
        return by_name.get("host") or None, by_name.get("user-agent") or None
    host = agent = None
    for one in found:
        if host is None and _HOST.fullmatch(one):
            host = one
        if agent is None and "/" in one:
            agent = one
    return host, agent


FORMAT = LogFormat(
    name="haproxy",
    kind=Kind.PROXY,
    title="HAProxy http log",
    reference="unverified: https://docs.haproxy.org/2.8/configuration.html#8.2.3",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.LOCAL,
)
