r"""Palo Alto Networks PAN-OS: URL filtering, traffic and decryption logs as CSV, CEF, LEEF, and JSON of Strata Logging.

CSV has 60 to 120 fields; which ones come last moves by version, those that count stand at fixed places from the left:

``1,2020/02/27 10:00:01,007200001056,THREAT,url,2562,2020/02/27 10:00:00,10.0.0.7,192.0.2.1,…,corp\u1042,…,
tcp,alert,"www.example.com/a?b",(9999),business,informational,…,"Mozilla/5.0 (…)",…,get,…``

- 4 and 5: type and subtype; 7: the time it was made, local; a later field holds it with milliseconds and offset (10.x)
- 8 client, 13 its user (``x-fwd-for: …`` is none), 31 action: ``alert``, ``allow`` and ``continue`` let through,
  ``block-url``, ``deny``, ``drop…``, ``reset-…`` do not
- THREAT, url: 32 the URL without a scheme (``host:443/`` for tunnels), 47 user agent, 64 method; vulnerability: 32 the
  URL too, or the name of a file
- THREAT of the application ``dns`` (spyware, DNS security): 32 the name that was asked for, or in parentheses in 33
- TRAFFIC: 33 bytes the client sent, 34 bytes it received; no name of the server
- DECRYPTION: 64 the name that the client asked the server for

JSON: ``{"LogType":"THREAT","Subtype":"url","TimeGenerated":"2020-02-27T10:00:00.000000Z","SourceAddress":…,"URL":…}``
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Protocol, TypeVar

from detector.errors import RefusedLine
from detector.events import Col, Kind, Layout, LogFormat, Zone
from detector.grammars import (
    cef,
    delimited,
    leef,
    many,
    moments,
    records,
    rendering,
    shapes,
    spellings,
    values,
    verdicts,
)
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader
from detector.grammars.sheets import Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

T = TypeVar("T")

_VENDOR = "Palo Alto"
_TYPES = frozenset({"THREAT", "TRAFFIC", "DECRYPTION"})
_OTHERS = frozenset({
    "CONFIG", "SYSTEM", "HIPMATCH", "HIP-MATCH", "USERID", "GLOBALPROTECT", "CORRELATION", "GTP", "SCTP", "TUNNEL",
    "AUTHENTICATION", "AUTH", "IPTAG", "AUDIT", "START", "END",
})  # fmt: skip
_URL_FILTERING = "(9999)"
"""The threat id of all logs of URLs, which stands in CEF where other logs have their subtype."""
_REQUESTED = re.compile(r"(?:[\w-]{1,63}\.)+[\w-]{1,63}(?::\d{1,5})?/.*", re.DOTALL)
_LEAST = 31
_APPLICATION = 14
_EXPLOIT = "vulnerability"
_ASKED = re.compile(r"(?:[\w-]{1,63}\.)+[\w-]{2,63}|[^()]{0,200}\(\w{1,40}:((?:[\w-]{1,63}\.)+[\w-]{2,63})\).*")
_PRECISE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}(?:[+-]\d\d:\d\d|Z)")
_PRECISE_FROM = 64
_LONGEST_QUESTION = 512
_PLACES = {
    "THREAT": {"URL": 31, "UserAgent": 46, "HTTPMethod": 63},
    "TRAFFIC": {"BytesSent": 32, "BytesReceived": 33},
    "DECRYPTION": {"SNI": 63},
}
_ALWAYS = {
    "syslog header": 0,
    "received": 1,
    "subtype": 4,
    "TimeGenerated": 6,
    "SourceAddress": 7,
    "SourceUser": 12,
    "Action": 30,
}


_NAMES = {
    Col.SOURCE_IP: "SourceAddress source_ip.value source_ip src SourceIP",
    Col.USER: "SourceUser source_user suser usrName SourceUserName source_user_info.name",
    Col.METHOD: "HTTPMethod http_method.value http_method requestMethod RequestMethod",
    Col.URL: "URL uri url request Miscellaneous",
    Col.DOMAIN: "URLDomain url_domain dhost",
    Col.SERVER_NAME: "SNI sni ServerNameIndication",
    Col.BYTES_SENT: "BytesSent bytes_sent out srcBytes",
    Col.BYTES_RECEIVED: "BytesReceived bytes_received in dstBytes",
    Col.USER_AGENT: "UserAgent user_agent requestClientApplication",
}


def _agent(text: str) -> str | None:
    """In CEF it keeps the quotes that it has in CSV."""
    return text if text[0] != '"' or text[-1] != '"' else text[1:-1] or None


_QUESTION = "question"
_TABLE = records.table(
    {**_NAMES, Col.QUESTION: _QUESTION},
    asked=records.Asked.ALONE,
    when=moments.first(
        moments.stamp("precise TimeGeneratedHighResolution time_generated_high_res PanOSTimeGeneratedHighResolution"),
        moments.stamp("TimeGenerated time_generated"),
        spellings.written("start devTime rt"),
        moments.stamp("received GenerateTime ReceiveTime"),
        moments.header("syslog header"),
    ),
    verdict=verdicts.verdict(
        "Action action.value action act",
        denied="block den drop reset sinkhole override-lockout",
        allowed="allow alert continue override",
    ),
    readers={
        Col.URL: values.unquoted,
        Col.USER: many.but("", values.user, beginning="x-fwd-for"),
        Col.USER_AGENT: many.but("0", _agent),
    },
)


def _record(line: str, _dialect: Dialect) -> Cells | None:
    """A record of traffic; other logs of the firewall are no events."""
    if line[0] == "{":
        return _object(line)
    message = (cef.find(line) or leef.find(line)) if "|" in line else None
    return _fields(line) if message is None else _message(message)


def _records(lines: Sequence[str], _dialect: Dialect) -> Sheet | None:
    """Of CSV lines of one log without precise times, other than threats of DNS."""
    if "|" in (whole := "".join(lines)) or "{" in whole:
        return None
    rows = list(map(delimited.cells, lines))
    if {len(row) for row in rows} != {len(rows[0])} or len(rows[0]) < _LEAST:
        return None
    columns = list(zip(*rows, strict=True))
    if columns[3:5] != [(rows[0][3],) * len(rows), (rows[0][4],) * len(rows)] or rows[0][3] not in _TYPES:
        return None
    if any("T" in "".join(column) for column in columns[_PRECISE_FROM:]):
        return None
    if rows[0][3] == "THREAT" and rows[0][4] != "url" and (rows[0][4] == _EXPLOIT or "dns" in columns[_APPLICATION]):
        return None
    names, pick = _picker(rows[0][3], len(columns), is_url=rows[0][4] == "url")
    return Sheet((), dict(zip(names, pick(columns), strict=True)))


_LAYOUTS = Layouts((shapes.cef_message, shapes.leef_message), "cat Type Subtype ThreatID")
_READER = Reader(_record, _TABLE, _LAYOUTS, _records)


def example(row: Row) -> str:
    """A URL log of 64 fields; traffic logs alone have sizes, so that bytes cannot be written."""
    cells = [""] * 64
    at = rendering.written_at(row, "%Y/%m/%d %H:%M:%S")
    names = {Col.SOURCE_IP: "7", Col.USER: "12", Col.URL: "31", Col.USER_AGENT: "46", Col.METHOD: "63"}
    fixed = {0: "1", 1: at, 2: "007200001056", 3: "THREAT", 4: "url", 6: at, 8: "192.0.2.1", 14: "ssl", 32: "(9999)"}
    for place, text in (fixed | {int(n): text for n, text in rendering.texts(row, names).items()}).items():
        cells[place] = text
    cells[30] = rendering.choice(row, allowed="alert", denied="block-url")
    cells[31] = '"' + cells[31].partition("://")[2].replace('"', '""') + '"' if "://" in cells[31] else cells[31]
    cells[46] = '"' + cells[46].replace('"', '""') + '"'
    cells[63] = cells[63].lower()
    return ",".join(cells)


def _fields(line: str) -> Cells | None:
    """The cells of a CSV line under the names of the JSON; ``None`` for another log of the firewall."""
    found = delimited.cells(line)
    if len(found) < 5:
        raise RefusedLine("not a PAN-OS log")
    log = found[3]
    if log not in _TYPES or len(found) < _LEAST:
        if log in _OTHERS and found[2].isalnum():
            return None
        raise RefusedLine("not a PAN-OS log")
    is_url = found[4] == "url" or (found[4] == _EXPLOIT and _REQUESTED.fullmatch(found[31]) is not None)
    names, pick = _picker(log, len(found), is_url=is_url)
    cells = dict(zip(names, pick(found), strict=True))
    if log == "THREAT" and "URL" not in names and found[_APPLICATION] == "dns":
        cells[_QUESTION] = _asked(found[_LEAST : _LEAST + 2])
    late = [cell for cell in found[_PRECISE_FROM:] if cell[10:11] == "T"]
    if late and _PRECISE.fullmatch(late[-1]):
        cells["precise"] = late[-1]
    return cells


class _Pick(Protocol):
    """Picks some cells of a row, or some columns."""

    def __call__(self, row: Sequence[T], /) -> Sequence[T]: ...


@lru_cache(maxsize=256)
def _picker(log: str, width: int, *, is_url: bool) -> tuple[Sequence[str], _Pick]:
    """The names of a log's cells, and what picks those out of so many."""
    places = {**_ALWAYS, **_PLACES[log]}
    if log == "THREAT" and not is_url:
        places.pop("URL")  # of other threats it is the name of a file or a signature
    held = {name: at for name, at in places.items() if at < width}
    return tuple(held), itemgetter(*held.values())


def _asked(texts: Sequence[str]) -> str:
    """The name that was asked for, or ``Suspicious DNS Query (generic:NAME)``; empty where there is none."""
    found = (_ASKED.fullmatch(text) for text in texts if len(text) < _LONGEST_QUESTION)
    return next((one[1] or one[0] for one in found if one is not None), "")


def _message(message: cef.Message | leef.Message) -> Cells | None:
    if not message.vendor.startswith(_VENDOR):
        raise RefusedLine("not a message of Palo Alto Networks")
    words = {message.event.upper(), getattr(message, "name", "").upper()}
    fields = message.fields
    words |= {fields.get("cat", "").upper(), fields.get("Type", "").upper()}
    if any(id_.endswith(_URL_FILTERING) for id_ in (message.event, fields.get("cat", ""), fields.get("ThreatID", ""))):
        words.add("URL")
    if words.isdisjoint(_TYPES) and "URL" not in words:
        return None
    if (
        "TRAFFIC" not in words
        and "DECRYPTION" not in words
        and "URL" not in {*words, fields.get("Subtype", "").upper()}
    ):
        kept = {name: cell for name, cell in fields.items() if name not in ("request", "Miscellaneous")}
        is_dns = "dns" in (fields.get("app"), fields.get("Application"))
        names = (fields.get("request"), fields.get("Miscellaneous"), fields.get("cat"))
        return kept | {_QUESTION: _asked([name.strip('"') for name in names if name])} if is_dns else kept
    return fields


def _object(line: str) -> Cells | None:
    record = records.record(line)
    log = next((record[name] for name in ("LogType", "log_type", "type", "Type") if name in record), None)
    kind = str(log.get("value") if isinstance(log, dict) else log).upper()
    if kind in _OTHERS:
        return None
    has_names = "SourceAddress" in record or "source_ip" in record or "SourceIP" in record
    if not has_names or (kind not in _TYPES and kind != "URL"):
        raise RefusedLine("no names of Palo Alto's logs")
    return record


FORMAT = LogFormat(
    name="paloalto_url",
    kind=Kind.PROXY,
    title="Palo Alto Networks PAN-OS (URL, traffic, decryption: CSV, CEF, LEEF, JSON)",
    reference="https://docs.paloaltonetworks.com/pan-os/11-0/pan-os-admin/monitoring/use-syslog-for-monitoring/"
    "syslog-field-descriptions/threat-log-fields",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.LOCAL,
    layout=Layout.JSON,
    encoded=(b"\\u",),
)
