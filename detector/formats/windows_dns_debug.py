r"""Windows DNS server debug log (``dns.log``): one line per packet, details optional.

The legend at the head of the file: ``Date Time ThreadID Context InternalPacketID UDP/TCP Send/Receive RemoteIP Xid(hex)
QueryResponse Opcode [Flags(hex) Flags(chars) ResponseCode] QuestionType QuestionName``:

- ``Date Time`` local time in the *server's locale*: see below
- ``ThreadID`` hexadecimal; ``Context`` ``PACKET``, or ``EVENT``, ``Note:``, ``LOOKUP`` …
- ``InternalPacketID`` address of the packet in memory, 8 or 16 hexadecimal digits, absent before Windows 2008
- ``Rcv`` or ``Snd``, ``RemoteIP``: only what was *received* and is no response was asked by that address
- ``Xid`` transaction number; ``R`` for a response, else blank; opcode ``Q`` query, ``N`` notify, ``U`` update
- ``[Flags]`` ``A`` authoritative, ``T`` truncated, ``D`` recursion desired, ``R`` available; the result code
- ``QuestionType`` (absent before 2008) and ``QuestionName`` with the length of each label in bytes

Only questions that were received count; responses, what the server sends itself, other contexts, the legend and the
indented details (which repeat the name) are passed. The result code of a question is always NOERROR: no action.

NXLog's ``xm_msdns`` writes the same as JSON: ``EventTime``, ``Context``, ``SendReceiveIndicator``, ``RemoteIP``,
``QueryResponseIndicator``, ``Opcode``, ``QuestionType`` and ``QuestionName``, with the lengths or with dots.

Order of the date: four digits first are a year (``2020/02/27``, ``2020-02-27``, ``20200227``); ``27.02.2020`` is
day-first; a number above 12 decides; then ``date_order`` (``dmy``, ``mdy``). Where none of these decides: with AM or PM
month-first (en-US), else day-first. Dates that cannot be in the stated order are read in the other one.

``2/27/2020 10:00:00 AM 0E70 PACKET  00000000033397A0 UDP Rcv 10.0.0.7        5b47   Q [0001   D   NOERROR] A
(3)www(7)example(3)com(0)``
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Col, Kind, LogFormat, Zone, stamps
from detector.events.instants import to_datetime
from detector.grammars import dns, jsonline, lengthnames, moments, values
from detector.grammars.records import text_of

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Dialect, Row

_WHEN = r"\s*(?P<when>\d.{4,60}?)\s{1,8}(?P<thread>[0-9A-Fa-f]{3,8}) "
_PACKET = re.compile(
    _WHEN.replace(r"\d.", r"\S.")
    + r"PACKET\s+(?:[0-9A-Fa-f]{4,16}\s+)?[A-Z]{2,5}\s+(?P<way>Rcv|Snd)\s+(?P<ip>\S+)\s+[0-9A-Fa-f]{1,4}\s+"
    r"(?P<response>R\s+)?(?P<opcode>[A-Z?])\s+\[[^\]]*\]\s+(?:(?P<type>[^\s(]\S*)\s+)?(?P<name>\(\d.*)",
    re.DOTALL,
)
_CONTEXT = re.compile(_WHEN + r"\s*(?P<context>[A-Za-z][A-Za-z_]*:?)(?:\s|$)")
_DATE = re.compile(r"(\d{1,4})([./-]) ?(\d{1,2})[./-] ?(\d{1,4})\.?\s+(.+)|(\d{4})(\d\d)(\d\d)\s+(.+)", re.DOTALL)
_CLOCK = re.compile(r"(?:(\S+)\s)?(\d{1,2}[:.]\d\d[:.]\d\d)(?:\s*([AaPp]\.?\s?[Mm]\.?))?")
_HALVES = {
    "오전": "A", "오후": "P", "上午": "A", "下午": "P",
    r"\xbf\xc0\xc0\xfc": "A", r"\xbf\xc0\xc8\xc4": "P", r"\xc9\xcf\xce\xe7": "A", r"\xcf\xc2\xce\xe7": "P",
}  # fmt: skip
"""Korean and Chinese halves of the day stand before the clock; in UTF-8 and in the code pages 949 and 936."""
_LONGEST_NAME = 2048  # 255 bytes, each escaped, and 127 lengths: what is longer is no name and is not kept in memory
_RESPONSES = frozenset("RrTt")
"""``R``, ``Response``, ``true``."""
_QUERIES = frozenset({"Q", "Query", "Standard Query", "Standard query", "0"})
_DETAIL = re.compile(
    r"\s|(?:UDP|TCP|TLS|DOH) \w+ (?:\w+ )?info at |DNS Server log|Log file wrap|Message logging key|Field #|"
    r"(?:Socket|Remote addr|Time Query|Buf length|Msg length|Message:)"
)


def parse(line: str, dialect: Dialect) -> Row | None:
    """A question that was received to one event; every other line of the log to nothing."""
    if line[:1] == "{":
        return _of_nxlog(jsonline.record(line), dialect)
    found = _PACKET.match(line)
    if found is None:
        _pass(line)
        return None
    if found["response"] or found["way"] != "Rcv" or found["opcode"] != "Q":
        return None
    client = found["ip"]
    return values.row_of(
        {
            Col.AT: _instant(found["when"], dialect.date_order, dialect.zone),
            Col.SOURCE_IP: values.address(client) or values.address(client.partition("%")[0]),
            Col.QUESTION: _question(found["name"][:_LONGEST_NAME].rstrip()),
            Col.QUESTION_TYPE: dns.type_name(found["type"] or ""),
        }
    )


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The local time at the start of a line; details and the legend have none."""
    if line[:1] == "{":
        return moments.instant(text_of(jsonline.record(line).get("EventTime")), dialect.zone)
    found = _CONTEXT.match(line)
    return _instant(found["when"], dialect.date_order, dialect.zone) if found else None


def example(row: Row) -> str:
    """The line of a received question, its date year-first: no locale needs to be known to read it."""
    at = row.get(Col.AT, 0)
    moment = to_datetime(at if isinstance(at, int) else 0)
    name = str(row.get(Col.QUESTION) or row.get(Col.DOMAIN) or dns.ROOT)
    return (
        f"{moment:%Y/%m/%d %H:%M:%S} 0E70 PACKET  00000000033397A0 UDP Rcv {row.get(Col.SOURCE_IP) or '-':<15} 5b47   "
        f"Q [0001   D   NOERROR] {row.get(Col.QUESTION_TYPE) or 'A':<6} {lengthnames.spelled(name)}"
    )


def _of_nxlog(record: jsonline.Record, dialect: Dialect) -> Row | None:
    way, name = text_of(record.get("SendReceiveIndicator")), text_of(record.get("QuestionName"))
    if way not in ("Rcv", "Snd") or "InternalPacketIdentifier" not in record:
        raise RefusedLine("neither the DNS debug log nor NXLog's reading of it")
    response = text_of(record.get("QueryResponseIndicator")).strip()
    opcode = text_of(record.get("Opcode")).strip()
    if way != "Rcv" or response[:1] in _RESPONSES or opcode not in _QUERIES or not name:
        return None
    return values.row_of(
        {
            Col.AT: moments.instant(text_of(record.get("EventTime")), dialect.zone),
            Col.SOURCE_IP: values.address(text_of(record.get("RemoteIP"))),
            Col.QUESTION: _question(name[:_LONGEST_NAME]) if name[0] == "(" else dns.name(name),
            Col.QUESTION_TYPE: dns.type_name(text_of(record.get("QuestionType"))),
        }
    )


def _pass(line: str) -> None:
    if not line or _DETAIL.match(line):
        return
    found = _CONTEXT.match(line)
    if found is None or (found["context"] == "PACKET"):
        raise RefusedLine("not the layout of the DNS debug log")


@lru_cache(maxsize=16384)
def _question(text: str) -> str | None:
    return dns.name(".".join(map(dns.label, lengthnames.labels(text))) or dns.ROOT)


@lru_cache(maxsize=4096)
def _instant(when: str, order: str, zone: tzinfo) -> int | None:
    found = _DATE.fullmatch(when)
    if found is None or not (clock := _CLOCK.fullmatch(found[5] or found[9])):
        return None  # a broken time does not unsay the question
    half = _HALVES.get(clock[1] or "", (clock[3] or "")[:1])
    if clock[1] and not half:
        return None
    if found[6]:
        year, month, day = int(found[6]), int(found[7]), int(found[8])
    else:
        default = "mdy" if half and found[2] != "." else "dmy"
        year, month, day = _date(found[1], found[3], found[4], order or default)
    try:
        return stamps.civil(year, month, day, clock[2].replace(".", ":") + (f" {half}M" if half else ""), zone)
    except (ValueError, OverflowError):
        return None


def _date(first: str, second: str, third: str, order: str) -> tuple[int, int, int]:
    """Year, month and day of three numbers in the order of writing."""
    one, two, three = int(first), int(second), int(third)
    if len(first) == 4 or (order == "ymd" and len(third) < 4):
        return _year(one), two, three
    day_first = one > 12 or (two <= 12 and order == "dmy")
    return (_year(three), two, one) if day_first else (_year(three), one, two)


def _year(number: int) -> int:
    return number + 2000 if number < 100 else number


FORMAT = LogFormat(
    name="windows_dns_debug",
    kind=Kind.DNS,
    title="Windows DNS server debug log",
    reference="https://learn.microsoft.com/en-us/previous-versions/windows/it-pro/windows-server-2012-r2-and-2012/dn800669(v=ws.11)",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({Col.AT, Col.SOURCE_IP, Col.QUESTION, Col.QUESTION_TYPE}),
    zone=Zone.LOCAL,
    spell=lengthnames.telling_label,
    encoded=(b'"QuestionName"',),
)
