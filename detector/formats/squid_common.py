r"""Proxy log in Apache's common or combined format, as squid (``common``, ``combined``) and Apache mod_proxy write it.

``%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st "%{Referer}>h" "%{User-Agent}>h" %Ss:%Sh``:

- ``%>a`` client address (or its name)
- ``%[ui %[un`` ident and login, ``-`` where none
- ``[%tl]`` local time with its offset; also seen without one (``[05/02/2020 11:30:29]``)
- ``"%rm %ru HTTP/%rv"`` the request: a whole URL, or ``host:port`` of a tunnel; ``\"`` and ``\\`` where it holds such
- ``%>Hs`` status; 401 and 407 ask for a login
- ``%<st`` bytes of the reply, never an upload
- ``"%{Referer}>h" "%{User-Agent}>h"`` combined only
- ``%Ss:%Sh`` squid only: what it did, and where the answer came from

``10.0.0.7 - u1042 [27/Feb/2020:10:00:00 +0000] "GET http://example.com/ HTTP/1.1" 200 51 "-" "-" TCP_MISS:HIER_DIRECT``

A request for a mere path (``GET /index.html``) is a web server's own log: no event, unless the line starts with the
name of the virtual host (``vhost_combined``). Of ``05/02/2020`` a number above 12 is the day, else ``date_order`` says
which, else the month is read first.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, LogFormat, Zone, days, stamps
from detector.grammars import cacheresult, logformat, values

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect, Row

_LINE = re.compile(
    r'([^\s<]\S*) (\S+) (\S+|"[^"]*") \[([^\]]{0,64})\] "([^"\\]*(?:\\.[^"\\]*)*)" (\d+|-) (\S+)'
    r'(?: "[^"\\]*" "([^"\\]*)"([^"\\]*)|(.*))',  # what follows the size is mostly plain: no need to take it apart
    re.DOTALL,
)
_LENIENT = re.compile(
    r"\s*(?:[^\s\d]\S{0,63}: ++)?(?:(?P<site>[A-Za-z0-9.-]+):\d+ ++(?=[0-9A-Fa-f.:]+ ))?"
    r'([^\s<]\S*+)[ \t]++(\S+)[ \t]++("[^"]*"|[^\["]+?)[ \t]\[([^\]]{0,64})\][ \t]*"(.*?)"'
    r"[ \t]++(\d+|-)(?: (\d+|-))?(?!\S)(.*)",
    re.DOTALL,
)
_BARE_URL = re.compile(r"[A-Za-z0-9.-]+\.[A-Za-z0-9-]+(?:/|:\d)|\[[0-9A-Fa-f:.]+\]")
_QUOTED = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:"|\Z)', re.DOTALL)  # an open one takes the rest: linear time
_RESULT = re.compile(r"(?<!\S)((?:TCP|UDP|NONE|TAG|ERR)[A-Z0-9_]*)[:/][A-Z-]")
_NUMERIC = re.compile(
    r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})[ T:](\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?[AaPp][Mm])?)"
    r"(?: ?(Z|[+-]\d\d:?\d\d))?"
)
_SHORT = 160  # characters of what is remembered; forged lines must not fill the memory
# Looking a member up on its class costs 70 ns, ten times a line.
_AT, _CLIENT, _USER, _METHOD, _URL, _AGENT = Col.AT, Col.SOURCE_IP, Col.USER, Col.METHOD, Col.URL, Col.USER_AGENT
_DOMAIN, _STATUS, _RECEIVED, _ACTION = Col.DOMAIN, Col.STATUS, Col.BYTES_RECEIVED, Col.ACTION
_COLUMNS = frozenset({
    Col.AT, Col.SOURCE_IP, Col.HOST_NAME, Col.USER, Col.METHOD, Col.URL, Col.DOMAIN, Col.STATUS, Col.BYTES_RECEIVED,
    Col.ACTION, Col.USER_AGENT,
})  # fmt: skip


def parse(line: str, dialect: Dialect) -> Row | None:
    """One common or combined line to one event; ``None`` for a web server's own request."""
    if (fields := _fields(line)) is None:
        return None
    site, client, ident, login, stamp, request, status, size, agent, bare = fields
    method, url, domain = _request(request, site)
    if domain is None:
        return None
    action = (_action if len(bare) + len(status) < _SHORT else _action.__wrapped__)(bare, status)
    address = values.address(client)
    row: Row = {_URL: url, _DOMAIN: domain}
    if (at := _instant(stamp, dialect.zone, dialect.date_order)) is not None:
        row[_AT] = at
    if address is not None:
        row[_CLIENT] = address
    elif (name := values.host(client)) is not None:
        row[Col.HOST_NAME] = name
    if (user := _user(login) or _user(ident)) is not None:
        row[_USER] = user
    if method:
        row[_METHOD] = method
    if (code := values.status(status)) is not None:
        row[_STATUS] = code
    if (size_bytes := values.size(size)) is not None:
        row[_RECEIVED] = size_bytes
    if action is not None:
        row[_ACTION] = action
    if agent and agent != "-":
        row[_AGENT] = agent
    return row


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The instant of the first bracket."""
    if not line or line.isspace() or line.startswith("#"):
        return None
    stamp, closed, _ = line.partition(" [")[2].partition("]")
    if not closed:
        raise RefusedLine("not the common log format")
    return _instant(stamp, dialect.zone, dialect.date_order)


def example(row: Row) -> str:
    """A combined line."""
    at = row.get(Col.AT, 0)
    moment = datetime.fromtimestamp((at if isinstance(at, int) else 0) // MICROSECONDS, UTC)
    url = str(row.get(Col.URL) or f"{row.get(Col.DOMAIN, '-')}:443")
    method = row.get(Col.METHOD) or ("GET" if "://" in url else "CONNECT")
    result, usual = _RESULTS.get(str(row.get(Col.ACTION, "")), ("TCP_MISS", 200))
    user = str(row.get(Col.USER, "-")).replace("%", "%25").replace("\\", "\\\\").replace(" ", "%20")
    agent = str(row.get(Col.USER_AGENT, "-")).replace("\\", "\\\\").replace('"', '\\"')
    return (
        f"{row.get(Col.SOURCE_IP, '-')} - {user} [{moment:%d/%b/%Y:%H:%M:%S} +0000] "
        f'"{method} {url} HTTP/1.1" {row.get(Col.STATUS, usual)} {row.get(Col.BYTES_RECEIVED, 0)} "-" "{agent}" '
        f"{result}:HIER_DIRECT"
    )


_RESULTS: dict[str, tuple[str, int]] = {Action.DENIED: ("TCP_DENIED", 403), Action.CHALLENGE: ("TCP_DENIED", 407)}


def _fields(line: str) -> tuple[str, ...] | None:
    """The virtual host, the fields up to the size, the user agent and what stands outside of quotation marks.

    ``None`` for an empty line or a comment.
    """
    if found := _LINE.fullmatch(line):
        client, ident, login, stamp, request, status, size, agent, bare, rest = found.groups("")
        if rest:
            agent, bare = _quoted(rest)
        return "", client, ident, login, stamp, request, status, size, agent, bare
    if not line or line.isspace() or line.startswith("#"):
        return None
    if (found := _LENIENT.fullmatch(line)) and not _is_headed(*found.group(2, 3, 4)):
        *fields, rest = found.groups("")
        return *fields, *_quoted(rest)
    raise RefusedLine("not the common log format")


def _is_headed(client: str, ident: str, login: str) -> bool:
    """Whether what stands before the time is more than a client and its names: ``Feb 27 10:00:00 gw1 10.0.0.7 - -``."""
    return ident != "-" and " " in login.strip() and values.address(client) is None


def _request(request: str, site: str) -> tuple[str, str, str | None]:
    """Method, URL and host of a request line; no host for a mere path of an unnamed site."""
    if "\\" in request:
        request = logformat.unescape(request, '"')
    method, _, url = request.partition(" ")
    head, blank, protocol = url.rpartition(" ")
    if blank and protocol.startswith("HTTP/"):
        url = head
    url = url.strip()
    domain = values.host_of_url(url) if "://" in url or method == "CONNECT" or _BARE_URL.match(url) else None
    return "" if method == "-" else method, url, domain or (values.host(site) if url else None)


def _quoted(rest: str) -> tuple[str, str]:
    """The user agent of what follows the size, and what stands outside of quotation marks."""
    if '"' not in rest:
        return "", rest
    if "\\" in rest:
        texts, bare = _QUOTED.findall(rest), _QUOTED.sub(" ", rest)
    else:
        pieces = rest.split('"')
        texts, bare = pieces[1::2], " ".join(pieces[::2])
    agent: str = texts[1] if len(texts) > 1 else texts[0] if texts and "://" not in texts[0][:12] else ""
    return logformat.unescape(agent, '"') if "\\" in agent else agent, bare


@lru_cache(maxsize=1024)
def _action(bare: str, status: str) -> Action | None:
    result = _RESULT.search(bare)
    return cacheresult.action_of(result[1] if result else "", status)


def _user(value: str) -> str | None:
    if value == "-":
        return None
    return values.user(logformat.unescape(value, "[") if "%" in value or "\\" in value else value)


def _instant(stamp: str, zone: tzinfo, order: str) -> int | None:
    """The instant of a bracket, ``None`` where it holds no known time: the sighting counts without it."""
    try:
        if stamp[2:3] == "/" == stamp[6:7] and stamp[11:12] == ":":
            return stamps.clf(stamp, zone)
        if stamp[3:6].isalpha() or stamp[2:5].isalpha():
            return stamps.clf(stamp.replace(" ", ":", 1) if ":" not in stamp[:12] else stamp, zone)
        if found := _NUMERIC.fullmatch(stamp):
            return _numeric(found, zone, order)
        return stamps.iso(stamp, zone) if "-" in stamp else stamps.epoch(stamp)
    except RefusedLine:
        return None


def _numeric(found: re.Match[str], zone: tzinfo, order: str) -> int:
    first, second, year, clock, offset = found.groups()
    is_day_first = int(first) > 12 or (int(second) <= 12 and order == "dmy")
    day, month = (first, second) if is_day_first else (second, first)
    return stamps.civil(int(year), int(month), int(day), clock, days.zone_of(offset) if offset else zone)


FORMAT = LogFormat(
    name="squid_common",
    kind=Kind.PROXY,
    title="Squid, Apache proxy: common and combined log format",
    reference="https://www.squid-cache.org/Versions/v4/cfgman/logformat.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=_COLUMNS,
    zone=Zone.OFFSET,
)
