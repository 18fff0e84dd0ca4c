"""Unbound: ``log-queries``, ``log-replies``, ``log-local-actions`` and ``rpz-log``.

``[epoch] unbound[pid:thread] info: ADDRESS NAME. TYPE CLASS``:

- time: ``[seconds since the epoch]``, UTC; with ``log-time-ascii`` ``Feb 27 10:00:00`` (local time, no year), with
  ``log-time-iso`` ISO 8601 with offset; in syslog ``unbound[pid]: [pid:thread] info:`` with the header's time
- ``unbound`` or the site's ``log-identity``; ``info`` or, with ``log-tag-queryreply``, ``query`` and ``reply``
- ``ADDRESS`` client without port; ``NAME`` with its final dot, odd characters as ``?``; the root is ``.``
- a reply adds ``RCODE seconds cached size``: seconds it took, 1 where it came from the cache, its size in bytes

A reply repeats the question. ``log-replies`` alone is common, so an untagged reply is an event; where ``log-queries``
is on as well each question is then counted twice. One line cannot tell: the site can, by the option ``replies``
(``pass`` or ``count``). A *tagged* reply is passed unless ``replies`` is ``count``: tags are set to tell the two apart.
``REFUSED`` replies are denied; other result codes say nothing about a decision.

``ZONE. KIND ADDRESS@PORT NAME. TYPE CLASS`` is a local zone at work: denied for the kinds that withhold the answer
(``static``, ``deny``, ``refuse``, ``redirect``, ``always_nxdomain``, …), passed for those that only look
(``transparent``, ``inform``): the query line has counted it. ``rpz: applied [LOG-NAME] TRIGGER ACTION ADDRESS@PORT
NAME. TYPE CLASS`` is denied but for ``rpz-passthru``, ``rpz-tcp-only`` and ``rpz-disabled``. A denial is written
beside the query line. All other messages are passed.

``[1582797600] unbound[811:0] info: 10.0.0.7 www.example.com. A IN``
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone, glance, stamps
from detector.grammars import dns, values

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect, Row

_HEAD = (
    r"\s*(?P<tag>[^\s:\[\]]{1,64}(?:\[\d*\])?: )?"
    r"(?:\[(?P<epoch>[^\]:\s]*)\] (?=[^\[\]]*\[)"
    r"|(?P<at>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\S{5,32}) )?"
    r"(?P<ident>[^\[\]]{0,80}\[[\w:]+\]:? )?"
    r"(?P<level>info|notice|warning|error|fatal error|debug|verbose|query|reply): "
)
_QUESTION = r"(?P<name>[^ ]+) (?P<type>[A-Z0-9-]+) (?:IN|CH|HS|ANY|NONE|CLASS\d+)"
_ASKED = re.compile(
    _HEAD
    + r"(?P<ip>[0-9A-Fa-f]{0,4}[.:][0-9A-Fa-f.:]{1,45}(?:%\S+)?) "
    + _QUESTION
    + r"(?: (?P<rcode>[A-Z]\w*))?(?:\s|$)"
)
_ADDRESSED = re.compile(r"(?:\d{1,3}\.){3}\d{1,3} |[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,45} ")
_OTHER = re.compile(_HEAD + r"(?P<said>.*)", re.DOTALL)
_START = re.compile(_HEAD)
_ZONE = re.compile(rf"\S+ (?P<action>[a-z_]+) (?P<ip>[^\s@]+)@\S+ {_QUESTION}")
_APPLIED = re.compile(rf"rpz: applied (?:\[[^\]]*\] )?\S+ (?P<action>[a-z][a-z-]*) (?P<ip>[^\s@]+)@\S+ {_QUESTION}")
_WITHHELD = frozenset({
    "static", "deny", "refuse", "redirect", "inform_deny", "inform_redirect", "always_refuse", "always_nxdomain",
    "always_nodata", "always_deny", "always_null", "block_a",
})  # fmt: skip
_HARMLESS = frozenset({"rpz-passthru", "rpz-tcp-only", "rpz-disabled", "rpz-invalid"})
_NO_QUESTION = "null"


def parse(line: str, dialect: Dialect) -> Row | None:
    """One question, lone reply or denial to one event; other messages to nothing."""
    found = _ASKED.match(line)
    if found is None:
        return _parse_other(line, dialect)
    rcode = found["rcode"]
    if found["name"] == _NO_QUESTION:
        return None
    if rcode and dialect.options.get("replies", "pass" if found["level"] == "reply" else "count") == "pass":
        return None
    return _event(found, found, Action.DENIED if rcode == "REFUSED" else None, dialect)


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The time at the start of the line, ``None`` where syslog has it."""
    found = _START.match(line)
    return _instant(found, dialect) if found else None


def example(row: Row) -> str:
    """A line of ``log-queries``, or of a local zone that refuses."""
    at = row.get(Col.AT, 0)
    seconds = at // 1_000_000 if isinstance(at, int) else 0
    name, kind = str(row.get(Col.QUESTION) or row.get(Col.DOMAIN) or dns.ROOT), row.get(Col.QUESTION_TYPE) or "A"
    name = name if name.endswith(".") else f"{name}."
    client = row.get(Col.SOURCE_IP) or "::"
    asked = f"{name} refuse {client}@40212 {name}" if row.get(Col.ACTION) == Action.DENIED else f"{client} {name}"
    return f"[{seconds}] unbound[811:0] info: {asked} {kind} IN"


def _parse_other(line: str, dialect: Dialect) -> Row | None:
    if not line or line.isspace():
        return None
    head = _OTHER.match(line)
    if head is None:
        raise RefusedLine("not unbound's layout")
    if found := _ZONE.match(head["said"]):
        return _event(head, found, Action.DENIED, dialect) if found["action"] in _WITHHELD else None
    if found := _APPLIED.match(head["said"]):
        return None if found["action"] in _HARMLESS else _event(head, found, Action.DENIED, dialect)
    if head["level"] in ("query", "reply") or _ADDRESSED.match(head["said"]):
        raise RefusedLine("a query that breaks off")
    if head["ident"] or dialect.envelope or "unbound" in (head["tag"] or ""):
        return None  # in an envelope ``unbound[1:0]`` of log-time-ascii passes for the host of a syslog header
    raise RefusedLine("not unbound's layout")


def _event(head: re.Match[str], found: re.Match[str], action: Action | None, dialect: Dialect) -> Row:
    client = found["ip"]
    return values.row_of(
        {
            Col.AT: _instant(head, dialect),
            Col.SOURCE_IP: values.address(client) or values.address(client.partition("%")[0]),
            Col.QUESTION: dns.name(found["name"]),
            Col.QUESTION_TYPE: dns.type_name(found["type"]),
            Col.ACTION: action,
        }
    )


def _instant(head: re.Match[str], dialect: Dialect) -> int | None:
    try:
        if epoch := head["epoch"]:
            return stamps.epoch(epoch)
        if at := head["at"]:
            return stamps.iso(at, dialect.zone) if at[0].isdigit() else _ascii(at, dialect.zone, dialect.written_until)
    except (ValueError, OverflowError):  # a broken time does not unsay the question
        return None
    return None


@lru_cache(maxsize=4096)
def _ascii(at: str, zone: tzinfo, written_until: int | None) -> int | None:
    return stamps.syslog(at, zone, written_until)


def _glance(dialect: Dialect) -> str | None:
    if dialect.options:
        return None
    head = rf"{glance.SYSLOG}(?:\[\d{{1,11}}\] (?=[\w.-]{1, 80}\[))?" if dialect.envelope else r"\[\d{1,11}\] "
    return rf"{head}[\w.-]{{0,80}}\[\d+:\d+\] info: {glance.ADDRESS} {glance.HOST} [A-Z0-9-]+ IN"


FORMAT = LogFormat(
    name="unbound",
    kind=Kind.DNS,
    title="Unbound (queries, replies, local zones, RPZ)",
    reference="https://unbound.docs.nlnetlabs.nl/en/latest/manpages/unbound.conf.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({Col.AT, Col.SOURCE_IP, Col.QUESTION, Col.QUESTION_TYPE, Col.ACTION}),
    zone=Zone.UTC,
    glance=_glance,
)
