r"""CoreDNS, plugin ``log``: one line a question, written when it was answered.

``[INFO] {remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize}
{duration}``

``[INFO] 10.0.0.7:50123 - 4711 "A IN www.example.com. udp 41 false 512" NOERROR qr,rd,ra 82 0.001s``

- no time of its own: the syslog header, or what the container's runtime writes before (``2020-02-27T10:00:00.123Z``)
- the address of IPv6 stands in brackets; ``REFUSED`` is denied
- before 1.2.1 ``{remote} - [{when}] [{>id}] "…" …``, with or without the client's port
- Docker writes each line as ``{"log":"LINE\\n","stream":"stdout","time":"…Z"}``, shippers write it as ``message``

Other lines of the server (plugins, errors, its start) are no events.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone, stamps
from detector.grammars import dns, jsonline, moments, rendering, values
from detector.grammars.records import text_of

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect, Row

_HEAD = r"(?:(?P<at>\d\S{9,6000}(?: \d\d:\S+)?) (?:(?:stdout|stderr) [FP] )?)?"
_ASKED = r'"(?P<type>\S+) \S+ (?P<name>[^ "]+) \S+ \d+ \w+ \d+" (?P<rcode>[A-Z]\w*|-)(?: .*)?'
_LINE = re.compile(
    _HEAD + r"(?:coredns(?:\[\d+\])?: )?(?:\.:\d+ )?\[INFO\] \[?(?P<ip>[0-9A-Fa-f:.%\w]+?)\]?:\d+ - \d+ " + _ASKED,
    re.DOTALL,
)
_EARLIER = re.compile(
    _HEAD + r"(?P<ip>[0-9A-Fa-f:.\[\]%\w]{2,80}) - \[(?P<when>[^\]\s]{9,40} [+-]\d{4})\] (?:\d+ )?" + _ASKED,
    re.DOTALL,
)
_OTHER = re.compile(
    _HEAD + r"(?:coredns(?:\[\d+\])?: )?(?:\.:\d+ )?(?:\[(?:INFO|WARNING|ERROR|DEBUG|FATAL)\] |\.:\d+$|CoreDNS-)"
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One question to one event."""
    written = None
    if line[:1] == "{":
        record = jsonline.record(line)
        line = text_of(record.get("log") or record.get("message")).rstrip("\n")
        written = moments.instant(text_of(record.get("time") or record.get("@timestamp")), dialect.zone)
        if not line:
            raise RefusedLine("no line of the plugin in JSON")
    found = _LINE.match(line)
    if not found:
        if earlier := _EARLIER.match(line):
            return _row(earlier, _clf(earlier["when"], dialect.zone))
        if not line or line.isspace() or (_OTHER.match(line) and '" NO' not in line):
            return None
        raise RefusedLine("not the plugin's line")
    return _row(found, moments.instant(found["at"], dialect.zone) if found["at"] else written)


def _clf(when: str, zone: tzinfo) -> int | None:
    try:
        return stamps.clf(when, zone)
    except (ValueError, OverflowError):  # a broken time does not unsay the question
        return None


def _row(found: re.Match[str], at: int | None) -> Row:
    cells = {
        Col.AT: at,
        Col.SOURCE_IP: values.address(found["ip"]) or values.endpoint(found["ip"]),
        Col.QUESTION: dns.name(found["name"]),
        Col.QUESTION_TYPE: dns.type_name(found["type"]),
        Col.ACTION: Action.DENIED if found["rcode"] == "REFUSED" else None,
    }
    return values.row_of(cells)


def example(row: Row) -> str:
    """A question behind the time of a container's runtime."""
    at = rendering.written_at(row, "%Y-%m-%dT%H:%M:%S.%fZ")
    client = str(row.get(Col.SOURCE_IP, "127.0.0.1"))
    rcode = "REFUSED" if row.get(Col.ACTION) == Action.DENIED else "NOERROR"
    asked = f"{row.get(Col.QUESTION_TYPE, 'A')} IN {row.get(Col.QUESTION, dns.ROOT)}. udp 41 false 512"
    place = f"[{client}]" if ":" in client else client
    return f'{at} [INFO] {place}:50123 - 4711 "{asked}" {rcode} qr,rd,ra 82 0.001s'


FORMAT = LogFormat(
    name="coredns",
    kind=Kind.DNS,
    title="CoreDNS, plugin log",
    reference="unverified: https://coredns.io/plugins/log/",
    parse=parse,
    timestamp=lambda line, dialect: moments.at_of(parse(line, dialect)),
    example=example,
    columns=frozenset({Col.AT, Col.SOURCE_IP, Col.QUESTION, Col.QUESTION_TYPE, Col.ACTION}),
    zone=Zone.OFFSET,
    encoded=(b"\\u",),
)
