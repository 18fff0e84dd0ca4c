r"""dnsmasq and Pi-hole: ``log-queries``, in syslog or in a file of its own (``log-facility``, ``pihole.log``).

``Mmm dd hh:mm:ss dnsmasq[pid]: [SERIAL ADDRESS/PORT] query[TYPE] NAME from ADDRESS``:

- time: local, without a year; in syslog a host stands behind it and the syslog header is peeled before; OpenWrt's
  ``logread`` writes ``Thu Feb 27 10:00:00 2020 daemon.info dnsmasq[pid]:``
- ``SERIAL ADDRESS/PORT`` only with ``log-queries=extra``: number of the question and who asked
- ``query[TYPE]`` or ``auth[TYPE]`` (an authoritative zone): ``A``, ``HTTPS``, ``type=65``; ``NAME`` without final dot,
  ``<name unprintable>`` where it cannot be written; the root is ``.``

Only these lines count. ``forwarded``, ``reply``, ``cached``, ``validation``, ``dnssec-query``, ``config``, file names,
Pi-hole's ``gravity blocked``, ``exactly denied`` and ``regex denied`` speak of a question that the line before them has
counted and are passed, as are ``dnsmasq-dhcp``, ``-tftp`` and ``-script``. A blocked question therefore looks like any
other here: the line of the question does not say what becomes of it, so no action is given. Only the serial of
``extra`` would join the two; DNS proves no more than ``resolved`` in either case.

``Feb 27 10:00:00 dnsmasq[42]: query[A] www.example.com from 10.0.0.7``
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Col, Kind, LogFormat, Zone, glance, stamps
from detector.events.instants import to_datetime
from detector.grammars import dns, values

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect, Row

_TAG = r"[^\s:\[\]]{1,64}(?:\[\d*\])?: "
_HEAD = (
    r"\s*(?:(?:[A-Z][a-z]{2} )?(?P<at>[A-Z]\S{2} +\d{1,2} \d\S{2,20})(?: (?P<year>\d{4}))? )?"
    rf"(?:[^\s:\[\]]+ (?={_TAG}))?(?P<tag>{_TAG})?"
    r"(?:\d+ (?P<who>[^\s/]+)/\d+ )?"
)
_PRINTABLE = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*"  # a name with blanks: never across a carriage return
_QUERY = re.compile(
    _HEAD
    + rf"(?:query|auth)\[(?P<type>[^\]\s]*)\] (?P<name>[^ ]+|{_PRINTABLE}) from (?P<ip>[^\s#]+)(?:#\d+)?(?:\r|\s*$)"
)
_START = re.compile(_HEAD)
_OWN_TAG = re.compile(r".*(?:dnsmasq|pihole)")
_BODY = re.compile(
    r"(?:forwarded|reply|cached|cached-stale|config|validation|dnssec-\S+|gravity|exactly|regex|special|upstream|"
    r"rate-limiting|Rate-limiting|nameserver|ipset|nftset|DHCP|DHCPv6|compile time|started,|using|read|reading|"
    r"warning:|ignoring|Maximum|/\S+) \S"
)
_UNPRINTABLE = "<name unprintable>"
_ROOTS = frozenset({dns.ROOT, "<root>"})


def parse(line: str, dialect: Dialect) -> Row | None:
    """One question to one event; what dnsmasq says about it afterwards to nothing."""
    found = _QUERY.match(line)
    if found is None:
        _pass(line)
        return None
    name, client = found["name"], found["ip"]
    return values.row_of(
        {
            Col.AT: _instant(found["at"], found["year"], dialect),
            Col.SOURCE_IP: values.address(client)
            or values.address(client.partition("%")[0])
            or values.address(found["who"]),
            Col.QUESTION: dns.ROOT if name in _ROOTS else None if name == _UNPRINTABLE else dns.name(name),
            Col.QUESTION_TYPE: dns.type_name(found["type"]),
        }
    )


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The time at the start of the line, ``None`` where the syslog header had it or its year is unknown."""
    found = _START.match(line)
    return _instant(found["at"], found["year"], dialect) if found else None


def example(row: Row) -> str:
    """The line of a question; dnsmasq does not write there whether it was blocked."""
    at = row.get(Col.AT, 0)
    moment = to_datetime(at if isinstance(at, int) else 0)
    name, kind = row.get(Col.QUESTION) or row.get(Col.DOMAIN) or dns.ROOT, row.get(Col.QUESTION_TYPE) or "A"
    return f"{moment:%b %e %H:%M:%S} dnsmasq[42]: query[{kind}] {name} from {row.get(Col.SOURCE_IP) or '-'}"


def _pass(line: str) -> None:
    if not line or line.isspace():
        return
    found = _START.match(line)
    rest = line[found.end() :] if found else line
    if rest.startswith(("query[", "auth[")):
        raise RefusedLine("a query that breaks off")
    if found and (_OWN_TAG.match(found["tag"] or "") or _BODY.match(rest)):
        return
    raise RefusedLine("not dnsmasq's layout")


def _instant(at: str | None, year: str | None, dialect: Dialect) -> int | None:
    if at is None:
        return None
    try:
        return _second(at, year, dialect.zone, dialect.written_until)
    except (ValueError, OverflowError):  # a broken time does not unsay the question
        return None


@lru_cache(maxsize=4096)
def _second(at: str, year: str | None, zone: tzinfo, written_until: int | None) -> int | None:
    if year:
        month, day, clock = at.split()
        at = f"{month} {day} {year} {clock}"
    return stamps.syslog(at, zone, written_until)


def _glance(dialect: Dialect) -> str:
    head = r"(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8} )?(?:dnsmasq(?:\[\d*\])?: )?"
    question = rf"(?:query|auth)\[[\w=-]*\] {glance.HOST} from {glance.ADDRESS}"
    said = rf"(?:\d+ [\da-fA-F.:]+/\d+ )?(?:{question}|(?:forwarded|reply|cached) [^\n]*)"
    return f"{glance.SYSLOG if dialect.envelope else head}{said}"


FORMAT = LogFormat(
    name="dnsmasq",
    kind=Kind.DNS,
    title="dnsmasq and Pi-hole query log",
    reference="https://thekelleys.org.uk/dnsmasq/docs/dnsmasq-man.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({Col.AT, Col.SOURCE_IP, Col.QUESTION, Col.QUESTION_TYPE}),
    zone=Zone.LOCAL,
    glance=_glance,
)
