r"""PowerDNS: questions in the logs of the Recursor (text and structured), the Authoritative Server and dnsdist.

- Recursor ``pdns_recursor[811]: 1 [12/1] question for 'www.example.com|A' from 10.0.0.7:50123``
- Recursor 4.8 on ``msg="Question" prio="Info" tid="1" ts="1582797600.123" proto="udp" qname="www.example.com" qtype="A"
  remote="10.0.0.7:50123"``
- Authoritative ``Remote 10.0.0.7 wants 'www.example.com|A', do = 0, bufsize = 512: packetcache MISS``
- dnsdist ``Packet from 10.0.0.7:50123 for www.example.com. A with id 4711``, or with ``--verbose``
  ``Got query for www.example.com|A from 10.0.0.7:50123, relayed to 192.0.2.53:53``

The time is the syslog header's, or ``ts`` in seconds since the epoch. Other messages, the answers among them, are no
events.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Col, Kind, LogFormat, Zone
from detector.grammars import dns, kv, moments, records, rendering, shapes, values
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_TAG = r"(?:(?:pdns|dnsdist|recursor)[\w-]*(?:\[\d+\])?: )?"
_TEXT = re.compile(
    _TAG + r"(?:<\d> |\w{3} \d\d \d\d:\d\d:\d\d )?(?:"
    r"(?:\d+ \[\S+\] )?question for '(?P<a>[^|']+)\|(?P<at>\w+)' from (?P<ai>\S+)"
    r"|Remote (?P<bi>[^\s<]+)(?:<-\S+)? wants '(?P<b>[^|']+)\|(?P<bt>\w+)'"
    r"|Packet from (?P<ci>\S+) for (?P<c>\S+) (?P<ct>\w+) with id "
    r"|Got query for (?P<d>[^|]+)\|(?P<dt>\w+) from (?P<di>[^\s,]+))",
)
_OTHER = re.compile(r"(?:pdns|dnsdist|recursor)[\w-]*(?:\[\d+\])?: ")
_TABLE = records.table(
    {Col.SOURCE_IP: "remote", Col.QUESTION: "qname", Col.QUESTION_TYPE: "qtype"},
    when=moments.stamp("ts"),
    readers={Col.SOURCE_IP: values.endpoint},
)


def _record(line: str, _dialect: Dialect) -> Cells | None:
    """The fields of a question, by the names of the Recursor's structured log."""
    if found := _TEXT.match(line):
        which = "a" if found["a"] else "b" if found["b"] else "c" if found["c"] else "d"
        return {"qname": found[which], "qtype": found[f"{which}t"], "remote": found[f"{which}i"]}
    if 'msg="' in line and 'qname="' in line:
        cells = kv.quoted(line)
        if "remote" not in cells or "qtype" not in cells:
            raise RefusedLine("a question without its client")
        return cells if cells.get("msg") == "Question" else None
    if _OTHER.match(line):
        return None
    raise RefusedLine("not a question of PowerDNS")


_READER = Reader(_record, _TABLE, Layouts((shapes.quoted(),), "msg"))


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


FORMAT = LogFormat(
    name="powerdns",
    kind=Kind.DNS,
    title="PowerDNS Recursor, Authoritative Server, dnsdist",
    reference="unverified: https://doc.powerdns.com/recursor/settings.html#quiet",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.UTC,
)
