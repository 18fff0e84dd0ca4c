r"""Cisco Secure Web Appliance (WSA, IronPort), access log: squid's layout with a decision tag and scan verdicts behind.

``1582797600.123 262 10.0.0.7 TCP_MISS_SSL/200 953 GET https://www.example.com:443/a "CORP\u1042@Example"
DIRECT/www.example.com text/html DEFAULT_CASE_12-Staff-Staff-NONE-NONE-NONE-DefaultGroup-NONE <"IW_srch",6.9,…> -``

- seconds since the epoch with milliseconds, UTC, after ``Info: `` where the appliance's own log head is kept
- milliseconds of the request; client address; result and status; bytes sent *to* the client: never an upload
- method and URL: ``tunnel://host:443/`` for tunnels that were not opened; user, in quotes with its realm
- where the answer came from, content type, then the decision: ``BLOCK_…`` and ``DROP_…`` refuse whatever the result
  says, ``…AUTH…`` results and 401, 407 ask for a login
- scan verdicts in angle brackets (in quotes and spelled in many ways), then what the site added: a user agent in quotes
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import cacheresult, moments, records, rendering, together, values
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_HEAD = re.compile(
    r"(\d{1,20}(?:\.\d{1,6})?|\S{1,40}) +(?:-?\d+(?:\.\d+)?|-) +(?:- +)?(\S+) "
    r"([A-Z][A-Z0-9_]*/(?:\d{1,3}|-)) (-?\d+|-) (\S+) (\S+) "
)
_NOTED = re.compile(rf"(?:[^<>{{}}=]{{0,200}}?Info: )?{_HEAD.pattern}")
_TAG = re.compile(r"[A-Z][A-Z0-9_]*(?:-[^-]+){4,12}")
_LATEST_TAG = 6
"""Fields between the URL and the decision: user, where the answer came from, type; some sites have one more."""
_AGENT = re.compile(r'"([A-Za-z][^"]{0,200}?/v?\d[^"]*)"')
_TAG_DENIED = ("BLOCK", "DROP", "DENY")


def _status(result: str) -> int | None:
    said = cacheresult.outcome(result)
    return None if said is None else said[0]


def _action(result: str, tag: str) -> Action | None:
    said = cacheresult.outcome(result)
    action = None if said is None else said[1]
    return Action.DENIED if tag.startswith(_TAG_DENIED) and action is not Action.CHALLENGE else action


def _user(cells: Cells) -> str | None:
    """Who asked; some sites log the server's name before the user."""
    who, url = values.user(str(cells["user"])), str(cells["url"])
    return None if who is None or (who in values.lower(url) and who == values.host_of_url(url)) else who


_TABLE = records.table(
    {
        Col.SOURCE_IP: "client",
        Col.DOMAIN: "url",
        Col.STATUS: "result",
        Col.BYTES_RECEIVED: "size",
        Col.METHOD: "method",
        Col.USER_AGENT: "agent",
    },
    when=moments.stamp("at", UTC),
    verdict=together.together("result tag", _action),
    readers={
        Col.SOURCE_IP: values.address,
        Col.STATUS: _status,
        Col.METHOD: lambda text: None if text == "NONE" else text,
    },
    derived={Col.URL: lambda cells: str(cells["url"]), Col.USER: _user},
)


def _record(line: str, _dialect: Dialect) -> Cells | None:
    """The fields of a request."""
    if line[0] == "#":
        return None
    found = (_NOTED if "Info: " in line else _HEAD).match(line)
    behind = _behind(line[found.end() :]) if found else None
    if not found or behind is None:
        if "Info: " in line and "/" not in line.partition("Info: ")[2][:40]:
            return None  # the appliance's own notes: begin of a log file, version
        raise RefusedLine("not the appliance's access log")
    at, client, result, size, method, url = found.groups()
    user, tag, rest = behind
    return {
        "at": at, "client": client, "result": result, "size": size, "method": method, "url": url, "user": user,
        "tag": tag, "agent": _agent(rest) or "",
    }  # fmt: skip


_READER = Reader(_record, _TABLE)


def example(row: Row) -> str:
    """A line without site-made fields; a reply size is all that it can carry."""
    result, usual, tag = {
        Action.DENIED.value: ("TCP_DENIED", 403, "BLOCK_WEBCAT_12"),
        Action.CHALLENGE.value: ("TCP_DENIED", 407, "OTHER"),
    }.get(str(row.get(Col.ACTION, "")), ("TCP_MISS", 200, "DEFAULT_CASE_12"))
    url = str(row.get(Col.URL) or f"tunnel://{row.get(Col.DOMAIN, '-')}:443/")
    method = row.get(Col.METHOD) or ("CONNECT" if url.startswith("tunnel") else "GET")
    user = row.get(Col.USER)
    return (
        f"{rendering.seconds(row)[:-3]} 45 {row.get(Col.SOURCE_IP, '-')} {result}/{row.get(Col.STATUS, usual)} "
        f"{row.get(Col.BYTES_RECEIVED, 0)} {method} {url} " + (f'"{user}"' if user else "-") + " DIRECT/192.0.2.1 "
        f'text/html {tag}-Staff-Staff-NONE-NONE-NONE-DefaultGroup-NONE <"IW_srch",6.9,1,"-",-,-> -'
    )


def _behind(text: str) -> tuple[str, str, str] | None:
    """The user, the decision and what comes after it; ``None`` where there is no decision."""
    if text[:1] == '"':
        user, _, text = text[1:].partition('" ')
    else:
        user, _, text = text.partition(" ")
    fields = text.split(" ", _LATEST_TAG)
    for place, field in enumerate(fields[1:_LATEST_TAG], start=1):
        if _TAG.fullmatch(field):
            return user, field, " ".join(fields[place + 1 :])
    return None


def _agent(rest: str) -> str | None:
    """The first text in quotes behind the scan verdicts that looks like one."""
    found = _AGENT.search(rest, max(rest.rfind(">"), 0))
    return found[1] if found else None


FORMAT = LogFormat(
    name="cisco_wsa",
    kind=Kind.PROXY,
    title="Cisco Secure Web Appliance (WSA), access log",
    reference="unverified: https://www.cisco.com/c/en/us/td/docs/security/wsa/wsa-15-0/user-guide.html",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.UTC,
)
