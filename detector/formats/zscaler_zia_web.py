r"""Zscaler Internet Access, web log as the Nanolog Streaming Service (NSS) streams it.

The feed is a string of the site; Zscaler proposes these, all are told apart by themselves:

- tab-separated pairs ``2020-02-27 10:00:00\treason=Allowed\t…\trequestsize=598\t…\tClientIP=10.0.0.7\t…``
- JSON ``{"sourcetype":"zscalernss-web","event":{"datetime":"Thu Feb 27 10:00:00 2020",…}}``, or the event alone
- CEF ``CEF:0|Zscaler|NSSWeblog|5.5|Allowed|Allowed|3|act=… out=… in=… request=…`` and LEEF ``LEEF:1.0|Zscaler|NSS|…``
- CSV ``"%s{time}","%s{login}","%s{proto}","%s{eurl}","%s{action}",…``, and the exports of the portal with a header

Any other string is given as the option ``feed`` of the source. The fields:

- ``time``, ``datetime`` in the feed's own zone, which the line does not name; ``epochtime`` is UTC
- ``cip`` (``ClientIP``) the client, ``cintip`` (``clientpublicIP``) its address on the internet
- ``login`` (``user``) %-encoded, the location where nobody has logged in
- ``eurl`` without a scheme (``host:443`` for CONNECT), ``ehost``; ``reqmethod``, ``respcode`` (``NA`` if unanswered)
- ``reqsize`` bytes that the client sent, ``respsize`` bytes of the reply; ``action`` Allowed or Blocked

``"Thu Feb 27 10:00:00 2020","u1042@example.org","HTTPS","example.com/","Allowed","Example","Web",…``
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Layout, LogFormat, Zone
from detector.grammars import csvexport, many, nss, records, rendering, shapes, values, verdicts
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_CSV = (
    "time", "login", "proto", "eurl", "action", "appname", "appclass", "reqsize", "respsize", "stime", "ctime",
    "urlclass", "urlsupercat", "urlcat", "malwarecat", "threatname", "riskscore", "dlpeng", "dlpdict", "location",
    "dept", "cip", "sip", "reqmethod", "respcode", "eua", "ereferer",
)  # fmt: skip
"""The columns of the CSV that Zscaler proposes, as far as they never moved."""
_LEAST = 24
_EXPORT = frozenset({
    "eventtime", "loggedtime", "user", "url", "policyaction", "clientip", "clientexternalip", "requestmethod",
    "responsecode", "hostname", "sentbytes", "receivedbytes", "useragent", "location",
})  # fmt: skip
_NAMES = {
    Col.SOURCE_IP: "ClientIP cip src clientip clientpublicIP cintip sourceTranslatedAddress clientexternalip",
    Col.USER: "user login elogin suser usrName",
    Col.METHOD: "requestmethod reqmethod requestMethod",
    Col.URL: "url eurl request",
    Col.DOMAIN: "hostname ehost host dhost",
    Col.STATUS: "status respcode outcome responsecode",
    Col.BYTES_SENT: "requestsize reqsize out srcBytes sentbytes",
    Col.BYTES_RECEIVED: "responsesize respsize in dstBytes receivedbytes",
    Col.USER_AGENT: "useragent eua ua requestClientApplication",
}
_TABLE = records.table(
    {name: text for name, text in _NAMES.items() if name is not Col.USER},
    when=nss.WHEN,
    verdict=verdicts.verdict("action act cat policyaction", denied="block deny", allowed="allow caution isolat"),
    scheme="protocol",
    readers={
        Col.USER_AGENT: nss.plain,
        Col.URL: many.but("None N/A NA", values.text),
        Col.DOMAIN: many.but("None N/A NA", values.host_of_url),
    },
    derived={Col.USER: nss.person(_NAMES[Col.USER], "location realm spriv")},
    needs=(Col.URL, Col.DOMAIN),
    lacking="neither a URL nor a host",
)
_KINDS = frozenset({"kv", "json", "feed", "NSS", "NSSWeblog", "NSS-Web", "Web"})
_OWN = frozenset({
    "urlsupercategory", "urlsupercat", "urlcategory", "urlclass", "ClientIP", "clientpublicIP", "cintip",
    "dlpengine", "bwthrottle", "pagerisk", "srcPostNAT",
})  # fmt: skip
"""Names of Zscaler's own, of which every proposed feed has several."""


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The names of an export's header."""
    found = csvexport.columns(line, _EXPORT, 4)
    if found is None or "policyaction" not in found[0]:
        return None
    return replace(dialect, columns=found[0], separator=found[1])


def example(row: Row) -> str:
    """A line of tab-separated pairs, as Zscaler proposes them for Splunk."""
    names = {column: text.split()[0] for column, text in _NAMES.items()}
    cells = rendering.texts(row, names)
    action = rendering.choice(row, allowed="Allowed", denied="Blocked")
    cells |= {"url": cells["url"].removeprefix("http://").removeprefix("https://")} if "url" in cells else {}
    if row.get(Col.ACTION) == Action.CHALLENGE:
        cells["status"] = "407"
    fixed = {"reason": action, "event_id": "6748427317914894361", "protocol": "HTTP", "action": action}
    pairs = {**fixed, "urlsupercategory": "User-defined", "vendor": "Zscaler", "product": "NSS", **cells}
    at = rendering.written_at(row, "%Y-%m-%d %H:%M:%S")
    return "\t".join([at, *(f"{name}={cell}" for name, cell in pairs.items())])


def _record(line: str, dialect: Dialect) -> Cells:
    if dialect.columns:
        return dict(zip(dialect.columns, csvexport.cells(line, dialect.separator), strict=False))
    if line[0] == '"' and "feed" not in dialect.options:
        found = csvexport.cells(line)
        if len(found) < _LEAST or found[4] not in ("Allowed", "Blocked", "Cautioned"):
            raise RefusedLine("not Zscaler's own CSV: the source needs the option feed")
        return dict(zip(_CSV, found, strict=False))
    kind, cells = nss.read(line, dialect)
    if kind not in _KINDS and not kind.startswith("zscalernss-web"):
        raise RefusedLine("another log of Zscaler than the web log")
    if kind in ("kv", "json") and (_OWN.isdisjoint(cells) or ("requestmethod" not in cells and "url" not in cells)):
        raise RefusedLine("no names of Zscaler's web log")
    return cells


_READER = Reader(
    _record, _TABLE, Layouts((shapes.cut("\t", {"datetime": nss.STAMP}), shapes.cef_message, shapes.leef_message))
)
FORMAT = LogFormat(
    name="zscaler_zia_web",
    kind=Kind.PROXY,
    title="Zscaler Internet Access, web log (NSS: tab-separated, JSON, CEF, LEEF, CSV, any feed)",
    reference="https://help.zscaler.com/zia/nss-feed-output-format-web-logs",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.LOCAL,
    head=head,
    head_literals=(b"Policy Action",),
    layout=Layout.JSON,
    encoded=(b"\\u",),
)
