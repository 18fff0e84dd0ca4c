r"""Blue Coat / Symantec ProxySG access log (ELFF), its names as key=value over syslog, and other W3C proxy logs.

``bcreportermain_v1``, the default (newer SGOS puts ``s-supplier-name s-supplier-ip s-supplier-country
s-supplier-failures`` in front of ``x-exception-id``)::

    #Fields: date time time-taken c-ip cs-username cs-auth-group x-exception-id sc-filter-result cs-categories
    cs(Referer)  sc-status s-action cs-method rs(Content-Type) cs-uri-scheme cs-host cs-uri-port cs-uri-path
    cs-uri-query cs-uri-extension cs(User-Agent) s-ip sc-bytes cs-bytes x-virus-id

- ``date time`` UTC; ``gmttime``, ``localtime`` (with offset) and ``timestamp`` (seconds since the epoch) elsewhere
- ``time-taken`` milliseconds
- ``c-ip`` client; ``cs-username``, ``cs-userdn`` user; ``cs-auth-group`` is a group, never a user
- ``x-exception-id`` why there was no answer: ``authentication_failed`` asks for a login, ``policy_denied`` refuses
- ``sc-filter-result`` ``OBSERVED`` and ``PROXIED`` went through, ``DENIED`` did not; ``s-action`` what the cache did
- ``sc-status`` HTTP status, two blanks in front of it; ``cs-uri-query`` keeps its ``?``
- ``cs-uri-scheme`` ``tcp`` and ``ssl`` are tunnels: host and port, never a path
- ``sc-bytes`` bytes of the reply, ``cs-bytes`` bytes that the client sent

``2020-02-27 10:00:00 45 10.0.0.7 u1042 - - OBSERVED "Technology/Internet" -  200 TCP_MISS GET text/html http``
``www.example.com 80 /a ?b=c - "Mozilla/5.0" 192.0.2.1 5120 700 -`` (one line)

Over syslog: ``SPLV5.1 c-ip=10.0.0.7 cs-bytes=700 cs-categories="Technology/Internet" cs-host=www.example.com …``.
The same names are read from W3C logs of ISA Server, TMG and Cisco's Secure Web Appliance. The columns follow the header
in force; without one, a line counts that clearly is ``bcreportermain_v1`` or the older ``main``, or what the option
``fields`` says. IBM has QRadar's feed written as ``Bluecoat|src=10.0.0.7|…|username=u1042|devicetime=[…]|s-action=…``,
Microsoft the one of Sentinel as ``bcreportermain_v1`` behind a ``1``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, LogFormat, Zone, stamps
from detector.events.envelope import peel
from detector.grammars import cacheresult, elff, sgos, values, w3cproxy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from detector.events import Dialect, Row

_LOOSE = frozenset({
    "cs(user-agent)", "c-agent", "cs-categories", "cs-username", "cs-userdn", "cs-auth-group", "rs(content-type)",
    "x-bluecoat-application-name", "x-bluecoat-application-operation", "x-virus-id", "cs-category", "rule",
})  # fmt: skip
_FOREIGN = frozenset(
    {"x-cs-url", "x-cs-access-method", "x-cs-app", "x-cs-traffic-type", "x-policy-action", "x-c-local-ip"}
    | {"sc-substatus", "sc-win32-status", "x-edge-location", "x-edge-result-type", "x-host-header"}
)
"""Names of headers that are not read here: of Netskope's transactions, and of web servers (IIS, CloudFront), whose
clients are visitors of the house."""
_PAIR = re.compile(
    r'(?<![^ \t])([A-Za-z][A-Za-z0-9_.()-]*+)=(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:"|\Z)|([^ \t]*+))', re.DOTALL
)
_WRAPPED = re.compile(r"\$\(((?:[^()]|\([^()]*\))+)\)")
_NOTHING = frozenset({"", "-", "None"})
_NO_METHOD = frozenset({"", "-", "unknown", "NONE"})
_NO_PORT = frozenset({"", "-", "0"})
_ISA_LOGIN = "12209"
_LEAD = re.compile(
    r"(?:[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} )?(?:[^\s:#]{1,64}:(?: |(?=#))){1,2}(?=[#\d\[])"
)
"""What stands before a line that has kept syslog's tag, or the log head of a Secure Web Appliance (``Info: ``)."""
_PORTS = {"http": "80", "https": "443", "ftp": "21"}
# Looking a member up on its class costs 70 ns, eleven times a line.
_AT, _CLIENT, _NAME, _USER, _METHOD, _URL = Col.AT, Col.SOURCE_IP, Col.HOST_NAME, Col.USER, Col.METHOD, Col.URL
_DOMAIN, _STATUS, _SENT, _RECEIVED = Col.DOMAIN, Col.STATUS, Col.BYTES_SENT, Col.BYTES_RECEIVED
_ACTION, _AGENT = Col.ACTION, Col.USER_AGENT
_COLUMNS = frozenset((
    _AT, _CLIENT, _NAME, _USER, _METHOD, _URL, _DOMAIN, _STATUS, _SENT, _RECEIVED, _ACTION, _AGENT,
))  # fmt: skip


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The columns of a ``#Fields:`` line, also of one inside a syslog header or behind a log head."""
    if not line.startswith(elff.HEADER):
        header = peel(line, dialect.envelope) if dialect.envelope else None
        line = line if header is None else header.body
        line = line[lead.end() :] if (lead := _LEAD.match(line)) else line
    names = elff.columns(line)
    return None if names is None or not _FOREIGN.isdisjoint(names) else replace(dialect, columns=names)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One ELFF or key=value line to one event."""
    if not line or line[0] == "#" or line.isspace():
        return None
    if names := dialect.columns or _named(dialect.options.get("fields", "")):
        found = elff.tokens(line, len(names))
        pick = w3cproxy.picker(names)
        if (len(found) != len(names) or ": " in found[0]) and (lead := _LEAD.match(line)):
            line = line[lead.end() :]
            if line[0] == "#":
                return None
            found = elff.tokens(line, len(names))
        if len(found) != len(names):
            found = elff.aligned(found, names, _LOOSE, lambda values: _fits(pick([*values, ""])))
        found.append("")
        return _row(pick(found), dialect)
    if line.startswith(sgos.QRADAR):
        told = sgos.qradar(line)
        return _row(w3cproxy.picker(tuple(name for name, _ in told))([*[value for _, value in told], ""]), dialect)
    if "c-ip=" in line or "cs-host=" in line:
        pairs = _PAIR.findall(line)
        pick = w3cproxy.picker(tuple([name for name, _, _ in pairs]))
        return _row(pick([*[quoted or bare for _, quoted, bare in pairs], ""]), dialect)
    if line.startswith("ProxySG:") or line.endswith("Info: Begin Logfile"):
        return None  # the appliance speaks of itself
    if (lead := _LEAD.match(line)) and line[lead.end()] == "#":
        return None
    found = elff.tokens(line, 0)
    names = sgos.names_of(found)
    return _row(w3cproxy.picker(names)([*found[: len(names)], ""]), dialect)


def timestamp(line: str, dialect: Dialect) -> int | None:
    """``date time`` at the head of the line, else as ``parse`` finds it."""
    if not line or line[0] == "#" or line.isspace():
        return None
    if line[:4].isdigit() and dialect.columns[:2] in ((), ("date", "time")) and not dialect.options:
        return stamps.iso(f"{line[:10]} {line[11:19]}", UTC)
    row = parse(line, dialect)
    at = None if row is None else row.get(_AT)
    return at if isinstance(at, int) else None


def example(row: Row) -> str:
    """A ``bcreportermain_v1`` line."""
    at = row.get(_AT, 0)
    moment = datetime.fromtimestamp((at if isinstance(at, int) else 0) // MICROSECONDS, UTC)
    verdict, done, reason, usual = _DONE.get(str(row.get(_ACTION, "")), ("OBSERVED", "TCP_MISS", "-", 200))
    url = str(row.get(_URL) or f"{row.get(_DOMAIN, '-')}:443")
    scheme, has_scheme, rest = url.partition("://")
    if not has_scheme:
        scheme, rest = "tcp", url
    authority, slash, rest = rest.partition("/")
    host, colon, port = authority.rpartition(":")
    if not colon or not port.isdigit():
        host, port = authority, _PORTS.get(scheme, "443")
    path, mark, query = f"{slash}{rest}".partition("?")
    method = row.get(_METHOD) or ("GET" if has_scheme else "CONNECT")
    user, agent = (str(row.get(name, "-")).replace('"', "'") for name in (_USER, _AGENT))
    return (
        f'{moment:%Y-%m-%d %H:%M:%S} 45 {row.get(_CLIENT, "-")} "{user}" - {reason} {verdict} "Technology/Internet" -  '
        f"{row.get(_STATUS, usual)} {done} {method} text/html {scheme} {host} {port} {path or '/'} "
        f'{mark + query or "-"} - "{agent}" 192.0.2.1 {row.get(_RECEIVED, 0)} {row.get(_SENT, 0)} -'
    )


_DONE = {
    Action.DENIED.value: ("DENIED", "TCP_DENIED", "policy_denied", 403),
    Action.CHALLENGE.value: ("DENIED", "TCP_DENIED", "authentication_failed", 407),
}


@lru_cache(maxsize=32)
def _named(option: str) -> tuple[str, ...]:
    """Field names as a header lists them, or as ProxySG's own format strings wrap them: ``$(c-ip)``."""
    return tuple(name.lower() for name in _WRAPPED.findall(option) or option.split() if name != "quot")


def _fits(picked: Sequence[str]) -> bool:
    """Whether the fields that have a shape have it: how columns are found again behind a value with bare blanks."""
    found = w3cproxy.Fields._make(picked)
    counts = (found.port, found.sent, found.received, found.status)
    return (
        all(value in _NOTHING or value.isdecimal() for value in counts)
        and (found.verdict in _NOTHING or found.verdict in sgos.RESULTS)
        and (found.scheme in _NOTHING or found.scheme[0].isalpha())
        and "/" not in found.host
    )


def _row(picked: Sequence[str], dialect: Dialect) -> Row:
    (
        date, time, stamp, client, client_name, login, login_dn, method, url, client_url, scheme, host, port, path,
        query, status, sent, received, verdict, done, exception, agent,
    ) = picked  # fmt: skip
    address = url if url not in _NOTHING else _url(client_url, scheme, host, port, path, query)
    if address is None and path and not host:
        raise RefusedLine("a mere path: a web server's own log")
    row: Row = {} if address is None else {_URL: address}
    if (at := _instant(date, time, stamp, dialect.zone)) is not None:
        row[_AT] = at
    if (source := values.address(client)) is not None:
        row[_CLIENT] = source
    if client_name and (name := values.host(client_name)) is not None:
        row[_NAME] = name
    if (user := values.user(login) or values.user(login_dn)) is not None:
        row[_USER] = user
    if method not in _NO_METHOD:
        row[_METHOD] = method
    if (domain := values.host(host) or values.host_of_url(address)) is not None:
        row[_DOMAIN] = domain
    if agent not in _NOTHING:
        row[_AGENT] = agent
    if (action := _action(verdict[:16], done[:64], exception[:64], status[:8])) is not None:
        row[_ACTION] = action
    _add_counts(row, status or done.partition("/")[2], sent, received)
    return row


def _add_counts(row: Row, status: str, sent: str, received: str) -> None:
    if (code := values.status(status)) is not None:
        row[_STATUS] = code
    if (size := values.size(sent)) is not None:
        row[_SENT] = size
    if (size := values.size(received)) is not None:
        row[_RECEIVED] = size


def _url(  # noqa: PLR0913 - a URL has that many parts
    client_url: str, scheme: str, host: str, port: str, path: str, query: str
) -> str | None:
    """The URL put together; of a tunnel only what the log says."""
    if query in _NOTHING:
        query = ""
    elif query[0] != "?":
        query = f"?{query}"
    if path in _NOTHING:
        path = ""
    elif "://" in path[:12]:
        return f"{path}{query}"
    if host in _NOTHING or scheme in _NOTHING:
        return None if client_url in _NOTHING else client_url
    if ":" in host and values.address(host) and host[0] != "[":
        host = f"[{host}]"
    is_usual = port in _NO_PORT or _PORTS.get(scheme) == port
    return f"{scheme}://{host}{path}{query}" if is_usual else f"{scheme}://{host}:{port}{path}{query}"


def _instant(date: str, time: str, stamp: str, zone: tzinfo) -> int | None:
    """The instant, ``None`` where the line tells none: the sighting counts without it."""
    try:
        if date and time:
            return stamps.iso(f"{date} {time}", UTC)
        if stamp:
            return _stamp(stamp.strip("[]"), zone)
    except RefusedLine:
        pass
    return None


def _stamp(value: str, zone: tzinfo) -> int:
    """``27/02/2020:10:00:00 GMT``, ``27/Feb/2020:10:00:00 +0000``, seconds since the epoch, or ISO 8601."""
    if "/" in value[1:3]:
        if value[3:5].isdecimal():
            return stamps.iso(f"{value[6:10]}-{value[3:5]}-{value[:2]} {value[11:19]}", UTC)
        return stamps.clf(value.replace(" GMT", " Z"), zone)
    return stamps.iso(value, zone) if "-" in value else stamps.epoch(value)


@lru_cache(maxsize=4096)
def _action(verdict: str, done: str, exception: str, status: str) -> Action | None:
    """What the proxy did; a login challenge is neither a use nor a block, though the verdict says ``DENIED``."""
    verdict, result, reason = verdict.upper(), done.partition("/")[0].upper(), exception.lower()
    code = status or done.partition("/")[2]
    if code in ("401", "407", _ISA_LOGIN) or reason.startswith("authentication_") or "AUTH_REDIRECT" in result:
        return Action.CHALLENGE
    if verdict == "DENIED" or "DENIED" in result or "denied" in reason or reason.startswith("block_"):
        return Action.DENIED
    if verdict in sgos.RESULTS or result in ("ALLOWED", "TUNNELED"):
        return Action.ALLOWED
    return cacheresult.action_of(result, code) if result.startswith(("TCP_", "NONE")) else None


FORMAT = LogFormat(
    name="bluecoat_proxysg",
    kind=Kind.PROXY,
    title="Blue Coat / Symantec ProxySG (ELFF, key=value), W3C proxy logs",
    reference='"SG Appliance, Volume 8: Access Logging", https://techdocs.broadcom.com/',
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=_COLUMNS,
    zone=Zone.UTC,
    preamble="#Software: SGOS 6.7.5.3\n#Version: 1.0\n#Fields: "
    + " ".join(sgos.MAIN[:25]).replace(" sc-status", "  sc-status"),
    head=head,
    head_literals=(elff.HEADER.encode(),),
    glance=w3cproxy.glance_of,
)
