r"""dnsmasq and Pi-hole: ``log-queries``, in syslog or in a file of its own (``log-facility``, ``pihole.log``).

``Mmm dd hh:mm:ss dnsmasq[pid]: [SERIAL ADDRESS/PORT] query[TYPE] NAME from ADDRESS``:

- time: local, without a year; in syslog a host stands behind it and the syslog header is peeled before; OpenWrt's
  ``logread`` writes ``Thu Feb 27 10:00:00 2020 daemon.info dnsmasq[pid]:``
- ``SERIAL ADDRESS/PORT`` only with ``log-queries=extra``: number of the question and who asked
- ``query[TYPE]`` or ``auth[TYPE]`` (an authoritative zone): ``A``, ``HTTPS``, ``type=65``; ``NAME`` without final dot,
  ``<name unprintable>`` where it cannot be written; the root is ``.``

A refusal is a line of its own behind that of its question, which does not say what becomes of it: Pi-hole's ``gravity
blocked NAME is 0.0.0.0``, ``exactly denied``, ``regex denied`` (``blacklisted`` before version 6), ``special domain``
and ``blocked upstream with …``, its lists of before version 5 (``/etc/pihole/gravity.list``), and a ``config`` or file
of hosts that answers with the null address. It is an event that is denied, with the client where ``extra`` wrote it.

``forwarded``, ``reply``, ``cached``, ``validation``, ``dnssec-query``, other ``config`` and files speak of a question
that the line before them has counted and are passed, as are ``dnsmasq-dhcp``, ``-tftp`` and ``-script``.

``Feb 27 10:00:00 dnsmasq[42]: query[A] www.example.com from 10.0.0.7``
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
_BLOCKERS = ("gravity ", "exactly ", "regex ", "special ", "blocked ", "config ", "/")
_BLOCKED = re.compile(
    r"(?:(?:gravity blocked|(?:exactly|regex) (?:denied|blacklisted)|special domain|"
    r"blocked upstream(?: with (?:(?:known|NULL) address|NXDOMAIN(?: and RA unset)?|EDE 15))?"
    rf"|/etc/pihole/(?:gravity|black|regex)\.list) (?P<by>[^ ]+|{_PRINTABLE}) is \S"
    rf"|(?:config|/\S+) (?P<null>[^ ]+|{_PRINTABLE}) is (?:0\.0\.0\.0|::)(?:\s|$))"
)
_BODY = re.compile(
    r"(?:forwarded|reply|cached|cached-stale|config|validation|dnssec-\S+|gravity|exactly|regex|special|upstream|blocked|"
    r"rate-limiting|Rate-limiting|nameserver|ipset|nftset|DHCP|DHCPv6|compile time|started,|using|read|reading|"
    r"warning:|ignoring|Maximum|/\S+) \S"
)
_UNPRINTABLE = "<name unprintable>"
_ROOTS = frozenset({dns.ROOT, "<root>"})


def parse(line: str, dialect: Dialect) -> Row | None:
    """One question or refusal to one event; what else dnsmasq says about a question to nothing."""
    found = _QUERY.match(line)
    if found is None:
        return _parse_other(line, dialect)
    name, client = found["name"], found["ip"]
    return values.row_of(
        {
            Col.AT: _instant(found["at"], found["year"], dialect),
            Col.SOURCE_IP: values.address(client)
            or values.address(client.partition("%")[0])
            or values.address(found["who"]),
            Col.QUESTION: _name(name),
            Col.QUESTION_TYPE: dns.type_name(found["type"]),
        }
    )


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The time at the start of the line, ``None`` where the syslog header had it or its year is unknown."""
    found = _START.match(line)
    return _instant(found["at"], found["year"], dialect) if found else None


def example(row: Row) -> str:
    """The line of a question, or of a refusal with ``log-queries=extra``."""
    at = row.get(Col.AT, 0)
    moment = to_datetime(at if isinstance(at, int) else 0)
    name, kind = row.get(Col.QUESTION) or row.get(Col.DOMAIN) or dns.ROOT, row.get(Col.QUESTION_TYPE) or "A"
    client = row.get(Col.SOURCE_IP) or "-"
    denied = row.get(Col.ACTION) == Action.DENIED
    said = f"7 {client}/40212 gravity blocked {name} is 0.0.0.0" if denied else f"query[{kind}] {name} from {client}"
    return f"{moment:%b %e %H:%M:%S} dnsmasq[42]: {said}"


def _parse_other(line: str, dialect: Dialect) -> Row | None:
    if not line or line.isspace():
        return None
    found = _START.match(line)
    rest = line[found.end() :] if found else line
    if rest.startswith(("query[", "auth[")):
        raise RefusedLine("a query that breaks off")
    if found and rest.startswith(_BLOCKERS) and (blocked := _BLOCKED.match(rest)):
        return values.row_of(
            {
                Col.AT: _instant(found["at"], found["year"], dialect),
                Col.SOURCE_IP: values.address(found["who"]),
                Col.QUESTION: _name(blocked["by"] or blocked["null"]),
                Col.ACTION: Action.DENIED,
            }
        )
    if found and (_OWN_TAG.match(found["tag"] or "") or _BODY.match(rest)):
        return None
    raise RefusedLine("not dnsmasq's layout")


def _name(text: str) -> str | None:
    return dns.ROOT if text in _ROOTS else None if text == _UNPRINTABLE else dns.name(text)


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
    columns=frozenset({Col.AT, Col.SOURCE_IP, Col.QUESTION, Col.QUESTION_TYPE, Col.ACTION}),
    zone=Zone.LOCAL,
    glance=_glance,
)
