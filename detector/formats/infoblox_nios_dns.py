r"""Infoblox NIOS: query and response logging of its BIND, and RPZ and threat protection in CEF.

``named[2121]: client @0x7f0c 10.0.0.7#61568 (www.example.com): query: www.example.com IN A + (192.0.2.53)``

``27-Feb-2020 10:00:00.123 client 10.0.0.7#61568: UDP: query: www.example.com IN A response: NOERROR + …``

``CEF:0|Infoblox|NIOS|8.4|RPZ-QNAME|NXDOMAIN|7|app=DNS dst=192.0.2.53 src=10.0.0.7 spt=65498 view=_default qtype=A
msg="rpz QNAME NXDOMAIN rewrite www.example.com [A] via www.example.com.rpz" CAT=RPZ``

- the time stands before ``client`` (local) or in the syslog header
- a response repeats the question; response logging alone is common, so it is an event. Where questions are logged too
  each would be counted twice: one line cannot tell, the site can, by the option ``responses`` (``pass``)
- RPZ: denied unless the policy is PASSTHRU; threat protection: ``fqdn``, denied where ``act`` is DROP

Other messages of named, dhcpd and the grid are no events here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import cef, dns, moments, namedlike, records, verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row

_REWRITTEN = re.compile(r'"?rpz \S+ (?P<policy>\S+) rewrite (?P<name>[^ ]+) ')
_GRID = re.compile(
    r"(?:[0-9.]{7,15} )?(?:named|dhcpd|threat-protect-log|-?serial_console|httpd|monitor|infoblox\S*|python|ntpd|"
    r"logger|sshd|debug_mount|kernel|watchdog|rc6)(?:\[\d*\])?: "
)
_NIOS = re.compile(r": (?:UDP|TCP|TLS|HTTPS): query: |CEF:0\|Infoblox|infoblox|threat-protect-log|serial_console: ")
_LIKE_BIND = 0.3
_TABLE = records.table(
    {Col.SOURCE_IP: "src", Col.QUESTION: "name fqdn", Col.QUESTION_TYPE: "qtype"},
    when=moments.stamp("rt start"),
    verdict=verdicts.verdict("act", denied="drop block", allowed="alert pass"),
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """One question to one event."""
    if not line or line.isspace():
        return None
    if "CEF:" in line[:200] and (message := cef.find(line)) is not None:
        if not message.vendor.startswith("Infoblox"):
            raise RefusedLine("not a message of Infoblox")
        return _policy(message, dialect)
    said = namedlike.read(line, dialect)
    if said is None or said.kind == "answer":
        if namedlike.is_other(line) or _GRID.match(line):
            return None
        raise RefusedLine("not a message of NIOS")
    if said.kind == "response" and dialect.options.get("responses") == "pass":
        return None
    return said.row


def sniff(lines: Sequence[str]) -> float:
    """Whether a line could be NIOS' alone; any BIND writes the questions."""
    return 1.0 if any(_NIOS.search(line[:400]) for line in lines) else _LIKE_BIND


def example(row: Row) -> str:
    """A question, or the rewrite by a policy zone."""
    if row.get(Col.ACTION) != Action.DENIED:
        return namedlike.written(row)
    name = row.get(Col.QUESTION) or dns.ROOT
    kind = row.get(Col.QUESTION_TYPE, "A")
    said = f'"rpz QNAME NXDOMAIN rewrite {name} [{kind}] via {name}.rpz"'
    millis = (moments.at_of(row) or 0) // 1000
    fields = {"rt": str(millis), "src": str(row.get(Col.SOURCE_IP, "-")), "qtype": str(kind), "msg": said}
    return cef.join("Infoblox|NIOS|8.4|RPZ-QNAME|NXDOMAIN|7", fields)


def _policy(message: cef.Message, dialect: Dialect) -> Row | None:
    found = _REWRITTEN.match(message.fields.get("msg", ""))
    cells = {**message.fields, **({"name": found["name"]} if found else {})}
    row = _TABLE.row(cells, dialect)
    if Col.QUESTION not in row:
        return None
    if found:
        row[Col.ACTION] = Action.ALLOWED if found["policy"].upper() == "PASSTHRU" else Action.DENIED
    return row


FORMAT = LogFormat(
    name="infoblox_nios_dns",
    kind=Kind.DNS,
    title="Infoblox NIOS (queries, responses, RPZ, threat protection)",
    reference="unverified: https://docs.infoblox.com/space/nios90/280404573",
    parse=parse,
    timestamp=lambda line, dialect: moments.at_of(parse(line, dialect)),
    example=example,
    columns=_TABLE.columns,
    zone=Zone.LOCAL,
    sniff=sniff,
)
