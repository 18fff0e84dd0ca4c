r"""BIND 9 ``named``: query log, and the lines of ``rpz``, ``security`` and ``query-errors`` that name a question.

``[time] [category: severity:] client @pointer address#port[/key name] (question): [view name:] query: NAME CLASS TYPE
flags (server) [ECS address/source/scope]``:

- time: ``print-time``: ``dd-Mon-yyyy hh:mm:ss.mmm`` (local time), ``iso8601`` (local), ``iso8601-utc`` and
  ``iso8601-tzinfo``; absent in syslog, where ``named[pid]:`` stands instead and the syslog header has the time
- ``category: severity:`` ``queries: info:``, each of them optional (``print-category``, ``print-severity``)
- ``@pointer`` memory address of the client object since 9.11; ``address#port`` the client, ``/key`` its TSIG key
- ``NAME CLASS TYPE`` the question; special characters are written ``\.`` or ``\032``, the root is ``.``
- flags ``+`` recursion wanted or ``-``, ``S`` signed, ``E(0)`` EDNS, ``T`` TCP, ``D`` DNSSEC, ``C``, ``V``/``K`` cookie

Only questions count. ``query:`` lines say nothing about what became of them and carry no action. Denied are
``query [(cache)] 'NAME/TYPE/CLASS' denied``, ``query failed (REFUSED)`` and ``rpz TRIGGER POLICY rewrite`` unless
the policy is PASSTHRU or TCP-ONLY. ``query failed (SERVFAIL)`` is an event of its own without an action: named writes
it by default, a query log only on demand. Where both are written, such a question is seen twice (denied: also twice).
``answer:``, ``response:``, ``approved``, disabled policies and all other messages of named are passed.

``27-Feb-2020 10:00:00.123 queries: info: client @0x7f0c74087120 10.0.0.7#40212 (www.example.com): query:
www.example.com IN A +E(0)K (192.0.2.53)``
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone, glance, stamps
from detector.events.instants import to_datetime
from detector.grammars import dns, values

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect, Row

_AT = r"(?P<at>\d\S{5,}(?: \d{1,2}:\S{2,})?) "
_TAG = r"(?:[^\s:\[\]]{1,64}(?:\[\d*\])?: )"
_SEVERITY = r"(?:info|notice|warning|error|critical|debug(?: \d+)?|dynamic)"
_HEAD = rf"\s*{_TAG}??(?:{_AT})?(?:[a-z][a-z0-9-]*: )??(?:{_SEVERITY}: )?"
_CLIENT = r"client (?:@\S+ )?(?P<ip>[^\s#]+)#\w*(?:/key \S+)?(?: \([^ ]*\))?: (?:view \S+: )?"
_QUERY = re.compile(_HEAD + _CLIENT + r"query: (?P<name>[^ ]+) \S+ (?P<type>\S+)(?:\s|$)")
_OTHER = re.compile(_HEAD + _CLIENT + r"(?P<said>.*)", re.DOTALL)
_TIME = re.compile(rf"\s*{_TAG}?{_AT}")
_DENIED = re.compile(r"query(?: \([^)]*\))? '(?P<name>[^ ]+)/(?P<type>[^/\s]+)/[^/\s]+' denied")
_FAILED = re.compile(r"query failed \((?P<why>[^)]*)\) for (?P<name>[^ ]+)/[^/\s]+/(?P<type>[^/\s]+)(?:\s|$)")
_REWRITTEN = re.compile(
    r"rpz \S+ (?P<policy>\S+) rewrite (?P<name>[^ ]+?)(?:/(?P<type>[A-Z0-9-]+)/(?:IN|CH|HS|ANY|NONE|CLASS\d+))? via "
)
_HARMLESS = frozenset({"PASSTHRU", "TCP-ONLY"})
_CATEGORY = (
    r"(?:client|cname|config|database|default|delegation-only|dispatch|dnssec|dnstap|edns-disabled|general|"
    r"lame-servers|network|notify|nsid|queries|query-errors|rate-limit|resolver|responses|rpz|rpz-passthru|security|"
    r"serve-stale|spill|sslkeylog|trust-anchor-telemetry|unmatched|update|update-security|xfer-in|xfer-out|zoneload)"
)
_OWN = re.compile(
    r"\s*(?:"
    rf"\d\d-[A-Z][a-z]{{2}}-\d{{4}} \d\d:\d\d:\d\d\.\d{{3}} "  # nobody else writes time like this
    rf"|(?:{_AT})?(?:{_CATEGORY}: (?:{_SEVERITY}: )?|{_SEVERITY}: (?=.*(?:client|zone|view|key)))"
    r"|[^\s:\[\]]*(?:named|bind)[^\s:\[\]]*(?:\[\d*\])?: "
    r"|(?:zone|transfer of|validating|managed-keys-zone|lame server|client @|clientmgr @|received notify|resolver|"
    r"(?:REFUSED|FORMERR|SERVFAIL) unexpected|network unreachable|host unreachable|connection refused|error \()"
    r")"
)
_FOREIGN = re.compile(r"(?:UDP|TCP|TLS|HTTPS): query: ")  # Infoblox response logging: its own format


def parse(line: str, dialect: Dialect) -> Row | None:
    """One question to one event; other messages of named to nothing."""
    found = _QUERY.match(line)
    if found is None:
        return _parse_other(line, dialect)
    return _event(found, found, None, dialect)


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The time at the start of the line, ``None`` where syslog has it."""
    found = _TIME.match(line)
    return _instant(found["at"], dialect.zone) if found else None


def example(row: Row) -> str:
    """A line of the query log, or of the refusal of a query."""
    at = row.get(Col.AT, 0)
    moment = to_datetime(at if isinstance(at, int) else 0)
    name, kind = row.get(Col.QUESTION) or row.get(Col.DOMAIN) or dns.ROOT, row.get(Col.QUESTION_TYPE) or "A"
    denied = row.get(Col.ACTION) == Action.DENIED
    category = "security" if denied else "queries"
    said = f"query (cache) '{name}/{kind}/IN' denied" if denied else f"query: {name} IN {kind} +E(0)K (192.0.2.53)"
    return (
        f"{moment:%d-%b-%Y %H:%M:%S}.{moment.microsecond // 1000:03d} {category}: info: "
        f"client @0x7f0c74087120 {row.get(Col.SOURCE_IP) or '-'}#40212 ({name}): {said}"
    )


def _parse_other(line: str, dialect: Dialect) -> Row | None:
    if not line or line.isspace():
        return None
    head = _OTHER.match(line)
    if head is not None and not _FOREIGN.match(head["said"]):
        said = head["said"]
        if found := _DENIED.match(said):
            return _event(head, found, Action.DENIED, dialect)
        if found := _FAILED.match(said):
            return _event(head, found, Action.DENIED if found["why"] == "REFUSED" else None, dialect)
        if (found := _REWRITTEN.match(said)) and found["policy"] not in _HARMLESS:
            return _event(head, found, Action.DENIED, dialect)
        broken = said.startswith(("query: ", "query failed", "query '", "query (")) and "' approved" not in said
        if broken or ": query: " in said:
            raise RefusedLine("a query that breaks off")
        return None
    if head is None and _OWN.match(line) and ": query: " not in line:
        return None
    raise RefusedLine("not named's layout")


def _event(head: re.Match[str], found: re.Match[str], action: Action | None, dialect: Dialect) -> Row:
    at = head["at"]
    return values.row_of(
        {
            Col.AT: _instant(at, dialect.zone) if at else None,
            Col.SOURCE_IP: values.address(head["ip"]) or values.address(head["ip"].partition("%")[0]),
            Col.QUESTION: dns.name(found["name"]),
            Col.QUESTION_TYPE: dns.type_name(found["type"] or ""),
            Col.ACTION: action,
        }
    )


def _instant(at: str, zone: tzinfo) -> int | None:
    try:
        if at[2:3] != "-":
            return stamps.iso(at, zone)
        fraction = at[21:24]
        return _second(at[:20], zone) + (int(fraction) * 1000 if len(fraction) == 3 and fraction.isdecimal() else 0)
    except (ValueError, OverflowError):  # a broken time does not unsay the question
        return None


@lru_cache(maxsize=4096)
def _second(at: str, zone: tzinfo) -> int:
    date, _, clock = at.partition(" ")
    day, month, year = date.split("-")
    return stamps.civil(int(year), stamps.month_number(month), int(day), clock, zone)


def _glance(dialect: Dialect) -> str:
    clock = r"\d\d:\d\d:\d\d(?:\.\d+)?"
    stamp = rf"(?:\d\d-[A-Z][a-z]{{2}}-\d{{4}} {clock} |\d{{4}}-\d\d-\d\d[T ]{clock}Z? )?"
    head = glance.SYSLOG if dialect.envelope else stamp
    client = rf"client (?:@0x[\da-f]+ )?{glance.ADDRESS}#\d+(?: \([^ \n]*\))?: (?:view [\w.-]+: )?"
    return rf"{head}(?:queries: )?(?:info: )?{client}query: {glance.HOST} [A-Z]+ [A-Z0-9]+(?: [^\n]*)?"


FORMAT = LogFormat(
    name="bind_querylog",
    kind=Kind.DNS,
    title="BIND 9 query log (also RPZ, refused and failed queries)",
    reference="unverified: https://bind9.readthedocs.io/en/v9.18.0/reference.html#the-category-phrase",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({Col.AT, Col.SOURCE_IP, Col.QUESTION, Col.QUESTION_TYPE, Col.ACTION}),
    zone=Zone.LOCAL,
    glance=_glance,
)
