r"""PowerDNS: questions in the logs of the Recursor (text and structured), the Authoritative Server and dnsdist.

- Recursor ``pdns_recursor[811]: 1 [12/1] question for 'www.example.com|A' from 10.0.0.7:50123``
- Recursor 4.8 on ``msg="Question" prio="Info" tid="1" ts="1582797600.123" proto="udp" qname="www.example.com" qtype="A"
  remote="10.0.0.7:50123"``
- Authoritative ``Remote 10.0.0.7 wants 'www.example.com|A', do = 0, bufsize = 512: packetcache MISS``
- dnsdist ``Packet from 10.0.0.7:50123 for www.example.com. A with id 4711``

The time is the syslog header's, or ``ts`` in seconds since the epoch. Other messages, the answers among them, are no
events.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Col, Kind, LogFormat, Zone
from detector.grammars import dns, kv, moments, rendering, values

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_TAG = r"(?:(?:pdns|dnsdist|recursor)[\w-]*(?:\[\d+\])?: )?"
_TEXT = re.compile(
    _TAG + r"(?:<\d> |\w{3} \d\d \d\d:\d\d:\d\d )?(?:"
    r"(?:\d+ \[\S+\] )?question for '(?P<a>[^|']+)\|(?P<at>\w+)' from (?P<ai>\S+)"
    r"|Remote (?P<bi>\S+) wants '(?P<b>[^|']+)\|(?P<bt>\w+)'"
    r"|Packet from (?P<ci>\S+) for (?P<c>\S+) (?P<ct>\w+) with id )",
)
_OTHER = re.compile(r"(?:pdns|dnsdist|recursor)[\w-]*(?:\[\d+\])?: ")
_PORT = re.compile(r"\[?([0-9A-Fa-f.:%\w]+?)\]?(?::\d{1,5})?")


def parse(line: str, dialect: Dialect) -> Row | None:
    """One question to one event."""
    if found := _TEXT.match(line):
        client, name, kind = (
            found[a] or found[b] or found[c] for a, b, c in (("ai", "bi", "ci"), "abc", ("at", "bt", "ct"))
        )
        return _row(client, name, kind, None)
    if 'msg="' in line and 'qname="' in line:
        cells = kv.quoted(line)
        if "remote" not in cells or "qtype" not in cells:
            raise RefusedLine("a question without its client")
        if cells.get("msg") != "Question":
            return None
        at = moments.instant(cells.get("ts", ""), dialect.zone)
        return _row(cells["remote"], cells.get("qname", ""), cells["qtype"], at)
    if not line or line.isspace() or _OTHER.match(line):
        return None
    raise RefusedLine("not a question of PowerDNS")


def example(row: Row) -> str:
    """A structured line of the Recursor, the only one with a time of its own."""
    at, client = rendering.seconds(row), str(row.get(Col.SOURCE_IP, "-"))
    place = f"[{client}]" if ":" in client else client
    asked = {"qname": str(row.get(Col.QUESTION, dns.ROOT)), "qtype": str(row.get(Col.QUESTION_TYPE, "A"))}
    cells = {
        "msg": "Question",
        "prio": "Info",
        "tid": "1",
        "ts": at,
        "proto": "udp",
        **asked,
        "remote": f"{place}:50123",
    }
    return " ".join(f'{name}="{cell}"' for name, cell in cells.items())


def _row(client: str, name: str, kind: str, at: int | None) -> Row:
    address = values.address(client)  # IPv6 may stand without brackets, and then without a port
    if address is None and (found := _PORT.fullmatch(client)):
        address = values.address(found[1])
    cells = {
        Col.AT: at,
        Col.SOURCE_IP: address,
        Col.QUESTION: dns.name(name),
        Col.QUESTION_TYPE: dns.type_name(kind),
    }
    return values.row_of(cells)


FORMAT = LogFormat(
    name="powerdns",
    kind=Kind.DNS,
    title="PowerDNS Recursor, Authoritative Server, dnsdist",
    reference="unverified: https://doc.powerdns.com/recursor/settings.html#quiet",
    parse=parse,
    timestamp=lambda line, dialect: moments.at_of(parse(line, dialect)),
    example=example,
    columns=frozenset({Col.AT, Col.SOURCE_IP, Col.QUESTION, Col.QUESTION_TYPE}),
    zone=Zone.UTC,
)
