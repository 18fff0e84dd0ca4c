r"""Cisco Umbrella, proxy and secure web gateway log: CSV of the S3 export, 20 to 48 columns.

``"2020-02-27 10:00:00","Jane Doe (u1042@example.org)","10.0.0.7","198.51.100.7","192.0.2.1","text/html","ALLOWED",
"https://www.example.com/a","","Mozilla/5.0","200","700","900","880","","Software","","","","","","AD Users","",
"Jane Doe (u1042@example.org),HQ","AD Users,Networks","GET"``

1. timestamp, UTC; 2. policy identity; 3. internal and 4. external address of the client; 5. address of the server
6. content type; 7. ALLOWED, BLOCKED or WARNED; 8. URL; 9. referer; 10. user agent; 11. status
12. bytes of the request; 13. bytes of the reply; 14. bytes of its body; 15. digest; 16. categories
17.-21. findings of scanners; 22. type of the policy identity; 23. blocked categories
24. all identities (of the first version the third field); 25. their types;
26. request method, and more behind it; the newest version may have a header
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import csvexport, delimited, many, moments, records, rendering, umbrella, values, verdicts
from detector.grammars.reader import Reader
from detector.grammars.sheets import Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_COLUMNS = (
    "timestamp", "policyidentity", "internalip", "externalip", "destinationip", "contenttype", "action", "url",
    "referer", "useragent", "statuscode", "requestsize", "responsesize", "responsebodysize", "sha256", "categories",
    "avdetections", "puas", "ampdisposition", "ampmalwarename", "ampscore", "policyidentitytype", "blockedcategories",
    "identities", "identitytypes", "requestmethod",
)  # fmt: skip
_FIRST = (*_COLUMNS[:2], "identities", *_COLUMNS[2:23], "identitytypes")
"""The first version, with all identities behind the policy identity."""
_LEAST = 16
_VERDICTS = ("ALLOW", "BLOCK", "WARN", "PROX", "ISOLAT")
_TABLE = records.table(
    {
        Col.SOURCE_IP: "internalip internalclientip externalip externalclientip",
        Col.METHOD: "requestmethod",
        Col.URL: "url",
        Col.STATUS: "statuscode",
        Col.BYTES_SENT: "requestsize",
        Col.BYTES_RECEIVED: "responsesize",
        Col.USER_AGENT: "useragent",
    },
    when=moments.stamp("timestamp", UTC),
    verdict=verdicts.verdict("action verdict", denied="block warn", allowed="allow prox isolat"),
    derived={Col.USER: umbrella.USER, Col.HOST_NAME: umbrella.COMPUTER},
    needs=(Col.URL,),
    lacking="no URL was asked for",
)


def _record(line: str, dialect: Dialect) -> Cells | None:
    if umbrella.is_header(line):
        return None
    found = delimited.cells(line)
    if not dialect.columns and len(found) > _LEAST and found[7].upper().startswith(_VERDICTS):
        cells = dict(zip(_FIRST, found, strict=False))
        found = found[1:]
    else:
        cells = dict(zip(dialect.columns or _COLUMNS, found, strict=False))
    if not dialect.columns and (len(found) < _LEAST or not found[6].upper().startswith(_VERDICTS)):
        raise RefusedLine("not the columns of Umbrella's proxy log")
    if not dialect.columns and not any(map(values.address, found[2:5])):
        raise RefusedLine("no address where Umbrella writes those of client and server")
    return cells


def _records(lines: Sequence[str], dialect: Dialect) -> Sheet | None:
    """Of lines of any version but the first, all cells quoted."""
    columns = None if dialect.columns else delimited.columns(lines)
    if columns is None or len(columns) < _LEAST:
        return None
    is_told = [all(word.upper().startswith(_VERDICTS) for word in set(columns[at])) for at in (6, 7)]
    addressed = zip(*map(many.addresses, columns[2:5]), strict=True)
    return (
        Sheet((), dict(zip(_COLUMNS, columns, strict=False)))
        if is_told == [True, False] and all(map(any, addressed))
        else None
    )


_READER = Reader(_record, _TABLE, records=_records)


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The names of a header."""
    found = csvexport.columns(line, _COLUMNS, 8)
    if found is None or not {"timestamp", "url", "useragent"} <= set(found[0]):
        return None
    return replace(dialect, columns=umbrella.columns(found[0]), separator=found[1])


def example(row: Row) -> str:
    """A line with the request method."""
    names = {
        Col.SOURCE_IP: "internalip", Col.METHOD: "requestmethod", Col.URL: "url", Col.STATUS: "statuscode",
        Col.BYTES_SENT: "requestsize", Col.BYTES_RECEIVED: "responsesize", Col.USER_AGENT: "useragent",
        Col.USER: "policyidentity",
    }  # fmt: skip
    cells = {**dict.fromkeys(_COLUMNS, ""), "statuscode": "200", **rendering.texts(row, names)}
    cells["timestamp"] = rendering.written_at(row, "%Y-%m-%d %H:%M:%S")
    cells["action"] = rendering.choice(row, allowed="ALLOWED", denied="BLOCKED")
    cells["policyidentitytype"] = "AD Users" if Col.USER in row else "Networks"
    if row.get(Col.ACTION) == Action.CHALLENGE:
        cells["statuscode"] = "407"
    return delimited.join([cells[name] for name in _COLUMNS])


FORMAT = LogFormat(
    name="cisco_umbrella_proxy",
    kind=Kind.PROXY,
    title="Cisco Umbrella, proxy and secure web gateway log (CSV)",
    reference="https://docs.umbrella.com/umbrella-user-guide/docs/web-log-formats",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.UTC,
    head=head,
    head_literals=(b"User Agent", b"UserAgent", b"user agent", b"useragent"),
)
