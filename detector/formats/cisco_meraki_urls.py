r"""Cisco Meraki, syslog of type ``urls``: every request that passed an appliance or access point; what it refused.

``<134>1 1582797600.123456789 MX84 urls src=10.0.0.7:50123 dst=192.0.2.1:443 mac=00:00:5E:00:53:07
agent='Mozilla/5.0' request: UNKNOWN https://www.example.com/...``

- seconds since the epoch with a fraction; the device's name; its other types (flows, …) are no events here, but for
  those with a URL: ``security_event security_filtering_file_scanned url=… src=… mac=… action=block`` and
  ``events content_filtering_block url='…' server='…' client_mac='…'``
- ``src`` address and port of the client, of IPv6 with the port glued on: ``2001:db8::7:50123``
- ``mac`` of the client; ``agent`` or ``user`` only where the version writes them
- method and URL; TLS is ``UNKNOWN https://host/...``: the path was never seen
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import moments, records, rendering, values

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_START = r"(?:[^=]{0,120}?[ >])??(?:<\d{1,3}>)?(?:1 )?(?P<at>\d{9,19}(?:\.\d{1,9})?|\S{1,40}) (?P<device>\S+) "
_HEAD = re.compile(_START + r"(\S+) ")
_URLS = re.compile(
    _START
    + r"urls src=(?P<src>\S+) dst=\S*(?P<pairs>(?: \w+=(?:'[^']*'|\S*))*) request: (?P<method>\S+) (?P<url>\S.*)",
    re.DOTALL,
)
_PAIR = re.compile(r" (\w+)=(?:'([^']*)'|(\S*))")
_FILTERED = re.compile(
    _START + r"(?:security_event|events) (?P<what>security_filtering_\w+|content_filtering_block)"
    r"(?P<pairs>(?: \w+=(?:'[^']*'|\S*))*)\s*"
)
_ACTIONS = {"block": Action.DENIED, "allow": Action.ALLOWED}
_OTHERS = frozenset({
    "events", "flows", "firewall", "ids-alerts", "security_event", "airmarshal_events", "ip_flow_start", "ip_flow_end",
    "vpn_firewall", "cellular_firewall", "bridge_anyconnect_client_vpn_firewall",
})  # fmt: skip


def parse(line: str, dialect: Dialect) -> Row | None:
    """One request to one event."""
    found = _URLS.match(line)
    if not found:
        return None if not line or line.isspace() else _other(line, dialect)
    pairs = {key: quoted or bare for key, quoted, bare in _PAIR.findall(found["pairs"])}
    url, method = found["url"].strip(), found["method"]
    cells = {
        Col.AT: moments.instant(found["at"], dialect.zone),
        Col.SOURCE_IP: _client(found["src"]),
        Col.SOURCE_MAC: values.text(pairs.get("mac")),
        Col.USER: values.user(pairs.get("user")),
        Col.METHOD: records.READERS[Col.METHOD](method),
        Col.URL: url,
        Col.DOMAIN: None if url.partition("://")[2].startswith("...") else values.host_of_url(url),
        Col.USER_AGENT: values.text(pairs.get("agent")),
    }
    return values.row_of(cells)


def _other(line: str, dialect: Dialect) -> Row | None:
    """What was filtered, of other types nothing."""
    if found := _FILTERED.match(line):
        pairs = {key: quoted or bare for key, quoted, bare in _PAIR.findall(found["pairs"])}
        url = values.text(pairs.get("url"))
        refused = Action.DENIED if found["what"] == "content_filtering_block" else None
        cells = {
            Col.AT: moments.instant(found["at"], dialect.zone),
            Col.SOURCE_IP: _client(pairs.get("src", "")),
            Col.SOURCE_MAC: values.text(pairs.get("mac") or pairs.get("client_mac")),
            Col.URL: url,
            Col.DOMAIN: values.host_of_url(url),
            Col.ACTION: _ACTIONS.get(pairs.get("action", ""), refused),
        }
        return values.row_of(cells) if url else None
    head = _HEAD.match(line)
    if head and head[3] in _OTHERS and head[1].replace(".", "", 1).isdecimal():
        return None
    raise RefusedLine("not a line of an appliance's URLs")


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The seconds behind the syslog priority."""
    found = _URLS.match(line) or _FILTERED.match(line)
    return moments.instant(found["at"], dialect.zone) if found else None


def example(row: Row) -> str:
    """A request; the appliance neither blocks nor counts bytes here."""
    url = str(row.get(Col.URL) or f"https://{row.get(Col.DOMAIN, '-')}/...")
    method = row.get(Col.METHOD) if Col.URL in row else "UNKNOWN"
    return (
        f"<134>1 {rendering.seconds(row)}000 MX84 urls src={row.get(Col.SOURCE_IP, '-')}:50123 dst=192.0.2.1:443 "
        f"mac={row.get(Col.SOURCE_MAC, '00:00:5E:00:53:07')} request: {method or 'GET'} {url}"
    )


def _client(written: str) -> str | None:
    """The address without the port that hangs on it."""
    address, _, port = written.rpartition(":")
    return values.address(address) if port.isdecimal() and address else values.address(written)


FORMAT = LogFormat(
    name="cisco_meraki_urls",
    kind=Kind.PROXY,
    title="Cisco Meraki, URLs",
    reference="unverified: https://documentation.meraki.com/General_Administration/Monitoring_and_Reporting/"
    "Syslog_Event_Types_and_Log_Samples",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({
        Col.AT, Col.SOURCE_IP, Col.SOURCE_MAC, Col.USER, Col.METHOD, Col.URL, Col.DOMAIN, Col.ACTION,
        Col.USER_AGENT,
    }),
    zone=Zone.UTC,
)  # fmt: skip
