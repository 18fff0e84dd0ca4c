r"""WatchGuard Firebox: traffic logs of its proxies and packet filters as syslog and as LEEF.

``msg_id="1AFF-0024" Allow 1-Trusted 0-External tcp 10.0.0.7 192.0.2.1 50123 80 msg="HTTP request"
proxy_act="HTTP-Client.1" op="GET" dstname="www.example.com" arg="/a" sent_bytes="700" rcvd_bytes="900"
src_user="u1042@Firebox-DB" (HTTP-00)``

``LEEF:1.0|WatchGuard|XTM|12.8.2|1AFF0024|serial=…<tab>disp=Allow<tab>src=10.0.0.7<tab>…<tab>dstname=…<tab>arg=/a``

``2020-02-27 10:00:00 Member1 Allow 10.0.0.7 192.0.2.1 http/tcp 50123 80 1-Trusted 0-External HTTP request
proc_id="http-proxy" msg_id="1AFF-0024" op="GET" dstname="www.example.com" arg="/a"`` (a log that was exported; local)

- no time: the syslog header has it, some versions add it in parentheses, ``(2020-02-27T10:00:00)`` in UTC
- disposition Allow, Deny, Drop, Block…; the first address is the client, ``src_user`` its user
- ``dstname`` and ``arg`` host and path, where a virus was found ``host`` and ``path``; ``sni``, ``cn`` of the
  HTTPS proxy; ``question`` and ``query_type`` of DNS
- ``sent_bytes`` sent by the client, ``rcvd_bytes`` sent to it
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Col, Kind, LogFormat, Zone
from detector.grammars import kv, leef, moments, records, rendering, spellings, verdicts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_LINE = re.compile(
    r'(?:.{0,200}?[ :])??msg_id="(?P<id>[^"]{1,20})" (?P<disp>[A-Z]\w{2,20}) '
    r"(?P<places>(?:(?![\w]+=)\S+ ){1,12}?)(?P<src>(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+) (?P<rest>.*)",
    re.DOTALL,
)
_ADDRESS = r"(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)"
_EXPORTED = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:\S{1,64} )?(?P<disp>[A-Z]\w{2,20}) "
    rf"(?P<src>{_ADDRESS}) {_ADDRESS} "
    r"\S{1,64}/\w{1,16} \d{1,5} \d{1,5} (?P<rest>.*)",
    re.DOTALL,
)
_OWN_TIME = re.compile(r" \((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\) ")
_OTHER = re.compile(r'(?:.{0,200}?[ :])??msg_id="[^"]{1,20}"')
_NAMES = {
    Col.SOURCE_IP: "src",
    Col.USER: "src_user usrName",
    Col.METHOD: "op",
    Col.URL: "arg path",
    Col.DOMAIN: "dstname host",
    Col.SERVER_NAME: "sni",
    Col.BYTES_SENT: "sent_bytes",
    Col.BYTES_RECEIVED: "rcvd_bytes",
    Col.QUESTION: "question",
    Col.QUESTION_TYPE: "query_type",
}
_TABLE = records.table(
    _NAMES,
    when=moments.first(
        moments.stamp("own", UTC),
        moments.stamp("at"),
        spellings.Patterned("devTime", "devTimeFormat"),
    ),
    asked=records.Asked.ONLY,
    verdict=verdicts.verdict(
        "disp", denied="den drop block strip proxyden proxydrop proxyblock", allowed="allow proxyallow"
    ),
)


def example(row: Row) -> str:
    """A record of the HTTP proxy in LEEF, with a time that the appliance itself leaves to syslog."""
    names = {column: text.split()[0] for column, text in _NAMES.items() if column is not Col.QUESTION_TYPE}
    cells = rendering.texts(row, {name: text for name, text in names.items() if name is not Col.SERVER_NAME})
    url = str(row.get(Col.URL, ""))
    cells["arg"] = "/" + url.partition("://")[2].partition("/")[2] if url else ""
    cells["devTime"] = rendering.seconds(row).partition(".")[0]
    disposition = rendering.choice(row, allowed="Allow", denied="Deny")
    pairs = {"disp": disposition, **{name: cell for name, cell in cells.items() if cell}}
    return leef.join("WatchGuard|XTM|12.8|1AFF0024", pairs)


def _record(line: str, _dialect: Dialect) -> Cells | None:
    """A record with a client's address; others are no events."""
    if (message := leef.find(line)) is not None:
        if not message.vendor.startswith("WatchGuard"):
            raise RefusedLine("not a message of WatchGuard")
        return message.fields if "src" in message.fields else None
    if found := _LINE.match(line):
        rest = found["rest"]
        pairs = kv.quoted(rest) if "=" in rest else {}
        at = _OWN_TIME.search(line[:200])
        return {**pairs, "disp": found["disp"], "src": found["src"], "own": at[1] if at else ""}
    if (found := _EXPORTED.match(line)) and 'msg_id="' in found["rest"]:
        return {**kv.quoted(found["rest"]), "disp": found["disp"], "src": found["src"], "at": found["at"]}
    if _OTHER.match(line):
        return None
    raise RefusedLine("not a record of a Firebox")


_READER = Reader(_record, _TABLE)


FORMAT = LogFormat(
    name="watchguard",
    kind=Kind.PROXY,
    title="WatchGuard Firebox (syslog, LEEF)",
    reference="unverified: https://www.watchguard.com/help/docs/fireware/12/en-US/log_catalog/",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns | {Col.KIND},
    zone=Zone.LOCAL,
)
