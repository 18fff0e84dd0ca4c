r"""Forcepoint (Websense) Web Security, SIEM integration: CEF, LEEF, key=value.

``CEF:0|Forcepoint|Security|8.5.0|194|Transaction permitted|1| act=permitted app=https dvc=192.0.2.9 dst=192.0.2.1
dhost=www.example.com dpt=443 src=10.0.0.7 spt=50123 suser=LDAP://192.0.2.8 OU\=Staff,DC\=example/Jane Doe
loginID=u1042 rt=1582797600000 in=900 out=700 requestMethod=GET requestClientApplication=… request=https://…``

``vendor=Websense product=Security product_version=7.7.0 action=permitted … user=LDAP://… OU=Staff,DC=x/Doe\, Jane
src_host=10.0.0.7 … bytes_out=700 bytes_in=900 http_response=200 http_method=GET http_user_agent=… url=http://…``

- ``rt`` milliseconds since the epoch; key=value leaves the time to the syslog header, or writes ``time=`` in seconds
- ``suser``, ``user``, ``usrName`` path of a directory with the name behind its last slash; ``loginID`` the login
- ``out``, ``bytes_out``, ``srcBytes`` sent *by the client*; ``in``, ``bytes_in``, ``dstBytes`` sent to it
- ``act``, ``action`` permitted, confirmed, continued; blocked…
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import cef, kv, leef, moments, records, rendering, shapes, spellings, values, verdicts
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_VENDORS = ("Forcepoint", "Websense")
_DIRECTORY = re.compile(r"(?:user|suser|usrName)=((?:LDAP|WinNT|RADIUS)://.*?)(?=\s[a-z][A-Za-z_]*=|\t|$)", re.DOTALL)


@lru_cache(maxsize=8192)
def _user(text: str) -> str | None:
    r"""The name behind the last slash of a directory's path: ``LDAP://10.0.0.1 OU=x,DC=y/Doe\, Jane``."""
    if "://" in text:
        text = text.rpartition("/")[2]
    return values.user(text.replace("\\,", ",").replace("\\=", "="))


_SPLIT = frozenset({"OU", "DC", "CN"})
_NAMES = {
    Col.SOURCE_IP: "src src_host src_ip",
    Col.USER: "loginID login_id directory suser user usrName",
    Col.METHOD: "requestMethod http_method method",
    Col.URL: "request url",
    Col.DOMAIN: "dhost dst_host dstHost",
    Col.STATUS: "http_response serverStatus-code http_proxy_status_code proxyStatus-code",
    Col.BYTES_SENT: "out bytes_out srcBytes",
    Col.BYTES_RECEIVED: "in bytes_in dstBytes",
    Col.USER_AGENT: "requestClientApplication http_user_agent userAgent",
}
_TABLE = records.table(
    {name: text for name, text in _NAMES.items() if name is not Col.DOMAIN},
    later={Col.DOMAIN: _NAMES[Col.DOMAIN]},
    when=moments.first(
        moments.stamp("rt time timestamp start"),
        spellings.Patterned("devTime", "devTimeFormat"),
    ),
    verdict=verdicts.verdict(
        "act action outcome", denied="block deny quarantine", allowed="permit allow confirm continu quota"
    ),
    readers={Col.USER: _user, Col.USER_AGENT: values.unquoted},
    needs=(Col.DOMAIN,),
    lacking="neither a URL nor a host",
)


def example(row: Row) -> str:
    """A transaction in CEF."""
    names: dict[Col, str] = {column: text.split()[0] for column, text in _NAMES.items() if column is not Col.STATUS}
    action = rendering.choice(row, allowed="permitted", denied="blocked")
    cells = {"act": action, **rendering.texts(row, names), "rt": str((moments.at_of(row) or 0) // 1000)}
    if row.get(Col.ACTION) == Action.CHALLENGE:
        cells["proxyStatus-code"] = "407"
    return cef.join(f"Forcepoint|Security|8.5.0|194|Transaction {action}|1", cells)


def _record(line: str, _dialect: Dialect) -> Cells:
    message = cef.find(line) or leef.find(line)
    if message is not None:
        if not message.vendor.startswith(_VENDORS):
            raise RefusedLine("not a message of Forcepoint")
        fields = message.fields
        if isinstance(message, leef.Message):
            fields = {**fields, "outcome": message.event.rpartition(":")[2]}
    else:
        fields = kv.opened(line)
        if not fields.get("vendor", "").startswith(_VENDORS):
            raise RefusedLine("no names of Forcepoint's logs")
    if not _SPLIT.isdisjoint(fields) and (found := _DIRECTORY.search(line)):
        fields["directory"] = found[1]  # its blanks and equals signs look like pairs of their own
    return fields


_READER = Reader(_record, _TABLE, Layouts((shapes.cef_message, shapes.leef_message, shapes.opened), "vendor"))
FORMAT = LogFormat(
    name="forcepoint_web",
    kind=Kind.PROXY,
    title="Forcepoint (Websense) Web Security (CEF, LEEF, key=value)",
    reference="unverified: https://www.websense.com/content/support/library/web/v85/siem/siem.pdf",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.UTC,
)
