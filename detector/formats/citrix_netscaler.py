r"""Citrix NetScaler (ADC), syslog: requests through its VPN, connections, and its application firewall in CEF.

``02/27/2020:10:00:00 GMT ns1 0-PPE-0 : default SSLVPN HTTPREQUEST 1234567 0 : Context u1042@10.0.0.7 -
SessionId: 12345- www.example.com User u1042 : Group(s) staff : Vserver 192.0.2.9:443 - 02/27/2020:10:00:00 GMT GET
/a - -``

- the time before the device's name, month first unless its ``DateFormat`` (``2020/02/27`` too) or a day over 12 says
  otherwise; ``GMT`` or local where no zone is named
- ``Context user@client``, host, user, group, then time, ``SSO is OFF`` in some versions, method and path of the request
- ``TCP CONN_TERMINATE`` and others: ``Source`` address, no name of a server
- a relay that writes RFC 5424 makes a header of the module: ``<time> ns1 TCP 2121 - - default CONN 1 0 : Source …``
- CEF ``CEF:0|Citrix|NetScaler|NS13.0|APPFW|APPFW_STARTURL|6|src=10.0.0.7 method=GET request=http://… act=blocked``

Other messages (commands, system, users) are no events.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone, stamps
from detector.grammars import cef, csvexport, moments, records, rendering, values, verdicts

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_DAY = r"(?:\d\d/\d\d/\d{4}|\d{4}/\d\d/\d\d)"
_AT = re.compile(rf"(?<![\d/])({_DAY}):(\d\d:\d\d:\d\d)(?: ?(GMT|UTC))?")
_REQUEST = re.compile(
    r"(?:SSLVPN|AAATM) HTTPREQUEST \d+(?: \d+)? ?: +Context (?P<who>\S+?)@(?P<ip>[0-9A-Fa-f.:]+) - "
    r"SessionId: \S+ (?P<host>\S+) "
    rf"User (?P<user>.{{1,200}}?) : .{{0,400}}? - {_DAY}:\d\d:\d\d:\d\d(?: (?:GMT|UTC))? "
    r"(?:: SSO is \w+ : )?(?P<method>(?!GMT |UTC )[A-Z]{3,10}) (?P<path>\S+)",
    re.DOTALL,
)
_CONNECTION = re.compile(
    r"(?:TCP|UDP|SSLVPN|CONN|default) ?\w* (?:CONN_\w+|CONN|\w*FLOW\w*|TCPCONN\w*|OTHERCONN_\w+)?.{0,40}?: +"
    r"(?:Context (?P<who>\S{1,200}?)@\S{1,60} .{0,100}?)?Source (?P<ip>\S{1,60}):\d+ - ",
    re.DOTALL,
)
_FIREWALL = re.compile(
    r"APPFW APPFW_\w+ \d+(?: \d+)? ?: +(?P<ip>[0-9A-Fa-f.:]{3,45}) \S+ \S+ .{0,400}?(?P<url>https?://\S{1,4000}) "
    r".{0,400}?<(?P<did>not blocked|blocked|transformed)>",
    re.DOTALL,
)
_COMMAND = re.compile(r" : (?:default )?(?:GUI|CLI|API|UI) CMD_EXECUTED ")
_MODULE = r"(?:AAA|AAATM|TCP|UDP|SSLVPN|SSLLOG|APPFW|GUI|CLI|API|EVENT|SNMP|CONN|ICA|SYSTEM|RESPONDER|REWRITE|TM|UI)"
_OWN = re.compile(
    rf"(?:<\d{{1,3}}> ?)?(?:{_DAY}:\d\d:\d\d:\d\d |\d\d:\d\d:\d\d )?(?:GMT |UTC )?"
    rf"(?:\S+ ){{0,4}}?\S*: (?:default )?{_MODULE} "
)
_RELAYED = re.compile(
    r"(?:(?:<\d{1,3}>)?(?:1 )?(?P<at>\d{4}-\d\d-\d\dT\d\S{7,24}) \S{1,255} )?"
    rf"(?P<module>{_MODULE}) (?:\d{{1,10}}|-) \S{{1,32}} (?:-|\[[^\]]{{0,400}}\]) (?:default )?(?=[A-Z_]{{3,40}} \d)"
)
_HEAD = 1000
"""Characters in which the client of a connection stands."""

_TABLE = records.table(
    {Col.SOURCE_IP: "src", Col.USER: "suser", Col.METHOD: "method requestMethod", Col.URL: "request"},
    when=moments.stamp("rt"),
    verdict=verdicts.verdict("act", denied="block", allowed="not~blocked transform"),
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One request or connection to one event."""
    if not line or line.isspace():
        return None
    if "CEF:" in line[:200] and (message := cef.find(line)) is not None:
        if message.vendor != "Citrix":
            raise RefusedLine("not a message of Citrix")
        return _TABLE.row(message.fields, dialect)
    if relayed := _RELAYED.match(line):
        return _relayed(relayed, line, dialect)
    if found := _REQUEST.search(line):
        host = values.host(found["host"])
        path = found["path"] if found["path"][:1] == "/" else f"/{found['path']}"
        cells = {
            Col.AT: _instant(line, dialect),
            Col.SOURCE_IP: values.address(found["ip"]),
            Col.USER: values.user(found["user"]) or values.user(found["who"]),
            Col.DOMAIN: host,
            Col.URL: f"{host}{path}" if host else None,
            Col.METHOD: found["method"],
            Col.ACTION: Action.ALLOWED,
        }
        return values.row_of(cells)
    if not _OWN.match(line):
        if _COMMAND.search(line[:_HEAD]):
            return None
        raise RefusedLine("not a message of a NetScaler")
    if found := _FIREWALL.search(line):
        return values.row_of(
            {
                Col.AT: _instant(line, dialect),
                Col.SOURCE_IP: values.address(found["ip"]),
                Col.URL: found["url"],
                Col.DOMAIN: values.host_of_url(found["url"]),
                Col.ACTION: Action.DENIED if found["did"] == "blocked" else Action.ALLOWED,
            }
        )
    if (found := _CONNECTION.search(line[:_HEAD])) and values.address(found["ip"]) is not None:
        who = values.user(found["who"])
        return values.row_of(
            {Col.AT: _instant(line, dialect), Col.SOURCE_IP: values.address(found["ip"]), Col.USER: who}
        )
    return None


def _relayed(head: re.Match[str], line: str, dialect: Dialect) -> Row | None:
    """A message without its own stamp; the other times in it are of what it tells about."""
    row = parse(f"- : default {head['module']} {line[head.end() :]}", dialect)
    if row is not None and head["at"]:
        row[Col.AT] = stamps.iso(head["at"], dialect.zone)
    return row


def example(row: Row) -> str:
    """A request through the VPN, or what the application firewall blocked."""
    url = str(row.get(Col.URL) or f"http://{row.get(Col.DOMAIN, '-')}/")
    host, _, path = url.partition("://")[2].partition("/")
    client, method = str(row.get(Col.SOURCE_IP, "-")), str(row.get(Col.METHOD) or "GET")
    if row.get(Col.ACTION) == Action.DENIED:
        millis = str((moments.at_of(row) or 0) // 1000)
        fields = {"rt": millis, "src": client, "method": method, "request": url, "act": "blocked"}
        return cef.join("Citrix|NetScaler|NS13.0|APPFW|APPFW_STARTURL|6", fields)
    at, user = rendering.written_at(row, "%m/%d/%Y:%H:%M:%S GMT"), row.get(Col.USER, "-")
    return (
        f"{at} ns1 0-PPE-0 : default SSLVPN HTTPREQUEST 1 0 : Context {user}@{client} - SessionId: 1- {host} "
        f"User {user} : Group(s) staff : Vserver 192.0.2.9:443 - {at} {method} /{path} - -"
    )


def _instant(line: str, dialect: Dialect) -> int | None:
    found = _AT.search(line)
    if not found:
        return None
    zone = UTC if found[3] else dialect.zone
    return csvexport.instant(f"{found[1]} {found[2]}", zone, dialect.date_order or "mdy")


FORMAT = LogFormat(
    name="citrix_netscaler",
    kind=Kind.PROXY,
    title="Citrix NetScaler (VPN requests, connections, application firewall)",
    reference="unverified: https://developer-docs.netscaler.com/en-us/netscaler-syslog-message-reference/current-release",
    parse=parse,
    timestamp=lambda line, dialect: moments.at_of(parse(line, dialect)),
    example=example,
    columns=_TABLE.columns,
    zone=Zone.LOCAL,
)
