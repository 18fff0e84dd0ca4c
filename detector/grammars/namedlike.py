r"""Lines of appliances whose DNS server is BIND: their questions, responses and answers.

``[tag[pid]: ][dd-Mon-yyyy hh:mm:ss.mmm ]client [@0x… ]address#port[ (name)]: [view v: ]…`` and behind it
``query: NAME CLASS TYPE flags (server)``, Infoblox' ``UDP: query: NAME CLASS TYPE response: RCODE flags records``,
EfficientIP's ``answer: NAME CLASS TYPE (server) -> RCODE …``, ``rpz TRIGGER POLICY rewrite NAME[/TYPE/CLASS] via …`` or
``query [(cache)] 'NAME/TYPE/CLASS' denied``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from detector.events import Action, Col, stamps
from detector.events.instants import to_datetime
from detector.grammars import dns, moments, values

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect, Row

_HEAD = (
    r"(?:[^\s:\[\]]{1,64}(?:\[\d*\])?: +)?(?:(?P<at>\d\S{5,6000}(?: \d{1,2}:\S{2,})?) )?"
    r"(?:[a-z][a-z0-9-]{1,40}: ){0,2}client (?:@\S+ )?(?P<ip>[^\s#]+)#[\w-]*(?:/key \S+)?(?: \([^ ]*\))?:? "
    r"(?:view \S+: )?"
)
_LINE = re.compile(
    rf"{_HEAD}(?:(?P<over>UDP|TCP|TLS|HTTPS): )?(?P<what>query|answer): (?P<name>[^ ]+) \S+ (?P<type>\S+)"
    r"(?: (?P<rest>.*))?",
    re.DOTALL,
)
_REWRITTEN = re.compile(
    rf"{_HEAD}rpz \S+ (?P<policy>\S+) rewrite (?P<name>[^ ]+?)(?:/(?P<type>[A-Z0-9-]+)/(?:IN|CH|HS|ANY|NONE))? via "
)
_DENIED = re.compile(rf"{_HEAD}query(?: \([^)]*\))? '(?P<name>[^ ]+)/(?P<type>[^/\s]+)/[^/\s]+' denied")
_AT, _SOURCE_IP, _QUESTION, _QUESTION_TYPE, _ACTION = (
    Col.AT, Col.SOURCE_IP, Col.QUESTION, Col.QUESTION_TYPE, Col.ACTION,
)  # fmt: skip
_HARMLESS = frozenset({"PASSTHRU", "TCP-ONLY"})
_OWN = re.compile(r"(?:[^\s:\[\]]{1,64}(?:\[\d*\])?: +)?(?:\d\d-[A-Z][a-z]{2}-\d{4} \S+ )?client (?:@\S+ )?\S+#\d+")
_RESPONSE = re.compile(r"response: ([A-Z]+)")
_RCODE = re.compile(r"-> ([A-Z]+)")


class Said(NamedTuple):
    """One line of such a server.

    Attributes:
        kind: ``query``, ``response``, ``answer``, ``rewrite`` (denied by a policy zone) or ``denied``.
        row: the event that it would be.
    """

    kind: str
    row: Row


def read(line: str, dialect: Dialect) -> Said | None:
    """What a line says, ``None`` where it is no such line.

    >>> from detector.events import Dialect
    >>> read("client 10.0.0.7#40212 (a.example): query: a.example IN A + (192.0.2.53)", Dialect()).row[Col.QUESTION]
    'a.example'
    """
    found = _LINE.match(line)
    if not found:
        return _withheld(line, dialect)
    rest, kind, action = found["rest"] or "", found["what"], None
    if kind == "answer":
        action = _refused(_RCODE.search(rest[:400]))
    elif found["over"] and (response := _RESPONSE.match(rest)):
        kind, action = "response", _refused(response)
    return Said(kind, _row(found, action, dialect))


def _withheld(line: str, dialect: Dialect) -> Said | None:
    if "' denied" in line and (refused := _DENIED.match(line)):
        return Said("denied", _row(refused, Action.DENIED, dialect))
    found = _REWRITTEN.match(line) if "rpz " in line else None
    if not found or found["policy"] in _HARMLESS:
        return None
    return Said("rewrite", _row(found, Action.DENIED, dialect))


def _row(found: re.Match[str], action: Action | None, dialect: Dialect) -> Row:
    stamp, client, name, kind = found.group("at", "ip", "name", "type")
    row: Row = {}
    if stamp and (at := instant(stamp, dialect.zone)) is not None:
        row[_AT] = at
    if address := values.address(client):
        row[_SOURCE_IP] = address
    if asked := dns.name(name):
        row[_QUESTION] = asked
    if kind and (kind := dns.type_name(kind)):
        row[_QUESTION_TYPE] = kind
    if action is not None:
        row[_ACTION] = action
    return row


def is_other(line: str) -> bool:
    """Whether a line is another one of such a server's clients."""
    return _OWN.match(line) is not None


def written(row: Row) -> str:
    """A question, without a tag; for ``example``."""
    moment = to_datetime(moments.at_of(row) or 0)
    name, client = row.get(Col.QUESTION) or dns.ROOT, row.get(Col.SOURCE_IP) or "-"
    at = f"{moment:%d-%b-%Y %H:%M:%S}.{moment.microsecond // 1000:03d}"
    kind = row.get(Col.QUESTION_TYPE, "A")
    return f"{at} client @0x7f0c {client}#40212 ({name}): query: {name} IN {kind} + (192.0.2.53)"


def _refused(found: re.Match[str] | None) -> Action | None:
    return Action.DENIED if found and found[1] == "REFUSED" else None


def instant(at: str, zone: tzinfo) -> int | None:
    """A stamp such as ``27-Feb-2020 10:00:00.123`` or ISO 8601, ``None`` where it is broken."""
    if at[:4].isdigit():
        return moments.instant(at, zone)
    date, _, clock = at.partition(" ")
    try:
        day, month, year = date.split("-")
        return stamps.civil(int(year), stamps.month_number(month), int(day), clock, zone)
    except (ValueError, OverflowError):
        return None
