r"""Cisco Umbrella, DNS log: CSV of the S3 export in versions 1 to 11, JSON of the reporting interface.

``"2020-02-27 10:00:00","Jane Doe (u1042@example.org)","Jane Doe (u1042@example.org),HQ","10.0.0.7","198.51.100.7",
"Allowed","1 (A)","NOERROR","www.example.com.","Software","AD Users","AD Users,Networks",""``

1. timestamp, UTC
2. policy identity, the most granular one; 3. all identities: networks, sites, computers or people, see 11 and 12
4. internal address of the client, empty without a virtual appliance or roaming client; 5. its external address
6. action: Allowed, Blocked, or Proxied (looked at by the intelligent proxy)
7. query type ``1 (A)``; 8. response code; 9. domain with a final dot; 10. categories
11. type of the policy identity (from version 2 on); 12. types of all identities (3); 13. blocked categories (4);
14. rule, 15. countries of the answer, 16. organisation (to 11); version 11 may start with a header

JSON has the same under ``internalIp``, ``externalIp``, ``domain``, ``action`` or ``internalip``, ``verdict``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Col, Kind, Layout, LogFormat, Zone
from detector.grammars import csvexport, delimited, dns, moments, records, rendering, umbrella, verdicts
from detector.grammars.reader import Reader
from detector.grammars.sheets import Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_COLUMNS = (
    "timestamp", "policyidentity", "identities", "internalip", "externalip", "action", "querytype", "responsecode",
    "domain", "categories", "policyidentitytype", "identitytypes", "blockedcategories", "ruleid",
    "destinationcountries", "organizationid",
)  # fmt: skip
_LEAST = 9
_SURPLUS = 5
_ACTIONS = ("allow", "block", "prox")
_TABLE = records.table(
    {
        Col.SOURCE_IP: "internalip internalIp externalip externalIp",
        Col.QUESTION: "domain",
        Col.QUESTION_TYPE: "querytype queryType",
    },
    when=moments.stamp("timestamp datetime", UTC),
    verdict=verdicts.verdict("action verdict", denied="block", allowed="allow prox"),
    derived={Col.USER: umbrella.USER, Col.HOST_NAME: umbrella.COMPUTER},
    readers={Col.QUESTION_TYPE: lambda text: dns.type_name(text.rpartition("(")[2].rstrip(")"))},
    needs=(Col.QUESTION,),
    lacking="no name was asked for",
)


def _record(line: str, dialect: Dialect) -> Cells | None:
    """A record; headers of parts that were put together are none."""
    if line[0] == "{":
        return _object(line)
    return None if umbrella.is_header(line) else _cells(line, dialect)


def _records(lines: Sequence[str], dialect: Dialect) -> Sheet | None:
    """Of lines without a header, all cells quoted."""
    columns = None if dialect.columns else delimited.columns(lines)
    if columns is None or len(columns) < _LEAST:
        return None
    is_told = all(word.lower().startswith(_ACTIONS) for word in set(columns[5]))
    is_told = is_told and all(kind[:1].isdigit() for kind in set(columns[6]))
    return Sheet((), dict(zip(_COLUMNS, columns, strict=False))) if is_told else None


_READER = Reader(_record, _TABLE, records=_records)


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The names of version 11's header."""
    found = csvexport.columns(line, _COLUMNS, 6)
    if found is None or not {"timestamp", "domain", "externalip"} <= set(found[0]):
        return None
    return replace(dialect, columns=umbrella.columns(found[0]), separator=found[1])


def example(row: Row) -> str:
    """A line of version 3."""
    user = str(row.get(Col.USER, ""))
    identity, kind = (user, "AD Users") if user else ("HQ", "Networks")
    asked = f"{row.get(Col.QUESTION, '')}."
    action = rendering.choice(row, allowed="Allowed", denied="Blocked")
    at, client = rendering.written_at(row, "%Y-%m-%d %H:%M:%S"), str(row.get(Col.SOURCE_IP, ""))
    kinds = f"1 ({row.get(Col.QUESTION_TYPE, 'A')})"
    return delimited.join([
        at, identity, identity, client, "198.51.100.7", action, kinds, "NOERROR", asked, "Software", kind, kind, "",
    ])  # fmt: skip


def _cells(line: str, dialect: Dialect) -> Cells:
    found = delimited.cells(line)
    names = dialect.columns or _COLUMNS
    if not dialect.columns and not (len(found) > 5 and found[5].lower().startswith(_ACTIONS)):
        found = _joined(found)
    cells = dict(zip(names, found, strict=False))
    if dialect.columns:
        if len(found) < len(names):
            raise RefusedLine("fewer fields than the header has names")
    elif len(found) < _LEAST or not found[5].lower().startswith(_ACTIONS) or not found[6][:1].isdigit():
        raise RefusedLine("not the columns of Umbrella's DNS log")
    return cells


def _joined(cells: list[str]) -> list[str]:
    """The cells with identities that stand apart, because nobody quoted their commas, in one."""
    for surplus in range(1, _SURPLUS):
        at = 5 + surplus
        if len(cells) > at + 3 and cells[at].lower().startswith(_ACTIONS) and cells[at + 1][:1].isdigit():
            return [*cells[:2], ",".join(cells[2 : 3 + surplus]), *cells[3 + surplus :]]
    return cells


def _object(line: str) -> Cells:
    record = records.record(line)
    if "domain" not in record or not ("externalIp" in record or "externalip" in record):
        raise RefusedLine("no names of Umbrella's DNS log")
    return record


FORMAT = LogFormat(
    name="cisco_umbrella_dns",
    kind=Kind.DNS,
    title="Cisco Umbrella, DNS log (CSV versions 1-11, JSON)",
    reference="https://docs.umbrella.com/umbrella-user-guide/docs/dns-log-formats",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.UTC,
    head=head,
    head_literals=(b"Policy Identity", b"External IP", b"ExternalIp", b"external ip", b"externalip"),
    layout=Layout.JSON,
    encoded=(b"\\u",),
)
