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
from detector.events import Col, Kind, LogFormat, Zone
from detector.grammars import moments, records, rendering, values, verdicts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_START = r"(?:[^=]{0,120}?[ >])??(?:<\d{1,3}>)?(?:1 )?(\d{9,19}(?:\.\d{1,9})?|\S{1,40}) \S+ "
_HEAD = re.compile(_START + r"(\S+) ")
_URLS = re.compile(
    _START + r"urls src=(\S+) dst=\S*((?: \w+=(?:'[^']*'|\S*))*) request: (\S+) (\S.*)",
    re.DOTALL,
)
_PAIR = re.compile(r" (\w+)=(?:'([^']*)'|(\S*))")
_FILTERED = re.compile(
    _START + r"(?:security_event|events) (security_filtering_\w+|content_filtering_block)"
    r"((?: \w+=(?:'[^']*'|\S*))*)\s*"
)
_OTHERS = frozenset({
    "events", "flows", "firewall", "ids-alerts", "security_event", "airmarshal_events", "ip_flow_start", "ip_flow_end",
    "vpn_firewall", "cellular_firewall", "bridge_anyconnect_client_vpn_firewall",
})  # fmt: skip


def _client(written: str) -> str | None:
    """The address without the port that hangs on it."""
    address, _, port = written.rpartition(":")
    return values.address(address) if port.isdecimal() and address else values.address(written)


_TABLE = records.table(
    {
        Col.SOURCE_IP: "src",
        Col.SOURCE_MAC: "mac client_mac",
        Col.USER: "user",
        Col.METHOD: "method",
        Col.URL: "url",
        Col.USER_AGENT: "agent",
    },
    when=moments.stamp("at"),
    verdict=verdicts.either(
        verdicts.verdict("action", denied="block", allowed="allow"),
        verdicts.verdict("what", denied="content_filtering_block"),
    ),
    readers={Col.SOURCE_IP: _client},
    needs=(Col.URL,),
)


def _record(line: str, _dialect: Dialect) -> Cells | None:
    """A request, or what was filtered; of other types nothing."""
    if (found := _URLS.match(line)) is not None:
        at, src, pairs, method, url = found.groups()
        return {**_pairs(pairs), "at": at, "src": src, "method": method, "url": url.strip()}
    if (found := _FILTERED.match(line)) is not None:
        at, what, pairs = found.groups()
        return {**_pairs(pairs), "at": at, "what": what}
    head = _HEAD.match(line)
    if head and head[2] in _OTHERS and head[1].replace(".", "", 1).isdecimal():
        return None
    raise RefusedLine("not a line of an appliance's URLs")


def _pairs(text: str) -> dict[str, str]:
    return {key: quoted or bare for key, quoted, bare in _PAIR.findall(text)}


_READER = Reader(_record, _TABLE)


def example(row: Row) -> str:
    """A request; the appliance neither blocks nor counts bytes here."""
    url = str(row.get(Col.URL) or f"https://{row.get(Col.DOMAIN, '-')}/...")
    method = row.get(Col.METHOD) if Col.URL in row else "UNKNOWN"
    return (
        f"<134>1 {rendering.seconds(row)}000 MX84 urls src={row.get(Col.SOURCE_IP, '-')}:50123 dst=192.0.2.1:443 "
        f"mac={row.get(Col.SOURCE_MAC, '00:00:5E:00:53:07')} request: {method or 'GET'} {url}"
    )


FORMAT = LogFormat(
    name="cisco_meraki_urls",
    kind=Kind.PROXY,
    title="Cisco Meraki, URLs",
    reference="unverified: https://documentation.meraki.com/General_Administration/Monitoring_and_Reporting/"
    "Syslog_Event_Types_and_Log_Samples",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.UTC,
)  # fmt: skip
