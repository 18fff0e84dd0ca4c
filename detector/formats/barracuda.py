r"""Barracuda: web log of the Web Security Gateway, and traffic of the Web Application Firewall.

Web Security Gateway (``http_scan``):
``1582797600 1 10.0.0.7 192.0.2.1 text/html 10.0.0.7 http://www.example.com/a 900 BYF ALLOWED CLEAN 2 1 0 1 0 (-) 1
business 0 - 0 www.example.com business,web [ldap0:u1042] http://www.example.com/ - - 0``

- seconds since the epoch, kind of request, client, server, content type, client, URL, bytes of the reply, a constant,
  action (ALLOWED, BLOCKED, DETECTED), reason, …, in brackets who it was: ``[ldap0:u1042]``, ``[ANON]``

Web Application Firewall: ``src=10.0.0.7 spt=… actionTaken=DENY … logType=WF request=/a requestMethod=GET
rt=1582797600123 userAgent=…``; it guards the site's own servers, so that hosts are rarely named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import kv, moments, records, rendering, values, verdicts

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_LINE = re.compile(
    r"(?:[^\s:\[\]]{1,64}(?:\[\d*\])?: )?(?P<at>\S{1,6000}) \d+ (?P<ip>[0-9A-Fa-f.:]+|-) \S+ \S+ \S+ "
    r"(?P<url>\S+) (?P<size>-?\d+) \S+ (?P<action>ALLOWED|BLOCKED|DETECTED|WARNED|MONITORED) (?P<rest>.*)",
    re.DOTALL,
)
_USER = re.compile(r" \[([^\]\s]{1,200})\] ")
_ACTIONS = {"ALLOWED": Action.ALLOWED, "MONITORED": Action.ALLOWED, "DETECTED": Action.ALLOWED}
_TABLE = records.table(
    {
        Col.SOURCE_IP: "src",
        Col.USER: "suser user",
        Col.METHOD: "requestMethod",
        Col.URL: "request",
        Col.DOMAIN: "dhost host",
        Col.STATUS: "responseCode",
        Col.BYTES_SENT: "in",
        Col.BYTES_RECEIVED: "out",
        Col.USER_AGENT: "userAgent requestClientApplication",
    },
    when=moments.stamp("rt"),
    verdict=verdicts.verdict("actionTaken act", denied="deny block", allowed="log allow"),
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One request to one event."""
    if not line or line.isspace():
        return None
    found = _LINE.match(line)
    if not found:
        cells = kv.opened(line)
        if "logType" not in cells or not ("actionTaken" in cells or "requestMethod" in cells):
            raise RefusedLine("not a log of Barracuda")
        return _TABLE.row(cells, dialect)
    url = found["url"]
    who = _USER.search(found["rest"])
    user = who[1].rpartition(":")[2] if who else None
    row = {
        Col.AT: moments.instant(found["at"], dialect.zone),
        Col.SOURCE_IP: values.address(found["ip"]),
        Col.USER: None if user in (None, "ANON", "NOAUTH") else values.user(user),
        Col.URL: url,
        Col.DOMAIN: values.host_of_url(url),
        Col.BYTES_RECEIVED: values.size(found["size"]),
        Col.ACTION: _ACTIONS.get(found["action"], Action.DENIED),
    }
    return values.row_of(row)


def example(row: Row) -> str:
    """A request of the Web Security Gateway, which writes no method and no upload."""
    url = row.get(Col.URL) or f"https://{row.get(Col.DOMAIN, '-')}/"
    action = rendering.choice(row, allowed="ALLOWED", denied="BLOCKED")
    client, at = row.get(Col.SOURCE_IP, "-"), rendering.seconds(row).partition(".")[0]
    return (
        f"{at} 1 {client} 192.0.2.1 text/html {client} {url} {row.get(Col.BYTES_RECEIVED, 0)} BYF {action} CLEAN 2 1 0 "
        f"1 0 (-) 1 business 0 - 0 - business [ldap0:{row.get(Col.USER, '-')}] - - - 0"
    )


FORMAT = LogFormat(
    name="barracuda",
    kind=Kind.PROXY,
    title="Barracuda Web Security Gateway, Web Application Firewall",
    reference="unverified: https://campus.barracuda.com/product/websecuritygateway/doc/6160446/syslog-and-the-barracuda-web-security-gateway/",
    parse=parse,
    timestamp=lambda line, dialect: moments.at_of(parse(line, dialect)),
    example=example,
    columns=_TABLE.columns,
    zone=Zone.UTC,
)
