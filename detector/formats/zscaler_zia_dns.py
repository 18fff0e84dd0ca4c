r"""Zscaler Internet Access, DNS log as the Nanolog Streaming Service (NSS) streams it; one line is one question.

JSON ``{"sourcetype":"zscalernss-dns","event":{"datetime":"Thu Feb 27 10:00:00 2020","user":"u1042@example.org",
"reqaction":"Allow","dns_reqtype":"A","dns_req":"www.example.com","clt_sip":"10.0.0.7",…}}``, tab-separated pairs with
the same names, CEF ``CEF:0|Zscaler|NSSDNSlog|…``, LEEF ``LEEF:1.0|Zscaler|NSS-DNS|…``, CSV
``"%s{time}","%s{login}","%s{dept}","%s{location}","%s{reqaction}","%s{resaction}","%s{reqrulelabel}",
"%s{resrulelabel}","%s{reqtype}","%s{req}","%s{res}","%d{sport}","%d{durationms}","%s{cip}","%s{sip}","%s{domcat}"``,
or any other feed string, given as the option ``feed`` of the source.

- ``time``, ``datetime`` in the feed's own zone, which the line does not name; ``epochtime`` is UTC
- ``reqaction`` what was done with the question, ``resaction`` with the answer: Allow, Block, Redir…,
  also written REQ_ALLOW, RES_BLOCK…
- ``req`` the name, ``reqtype`` its type (``A``, or ``A record``), ``cip`` the client, ``login`` %-encoded

``"Thu Feb 27 10:00:00 2020","u1042@example.org","IT","HQ","Allow","Allow","r","r","A","www.example.com",…``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Col, Kind, Layout, LogFormat, Zone
from detector.grammars import delimited, dns, many, nss, records, rendering, shapes, verdicts
from detector.grammars.layouts import Layouts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_CSV = (
    "time", "login", "dept", "location", "reqaction", "resaction", "reqrulelabel", "resrulelabel", "reqtype", "req",
    "res", "sport", "durationms", "cip", "sip", "domcat",
)  # fmt: skip
_NAMES = {
    Col.SOURCE_IP: "clt_sip cip src ClientIP",
    Col.USER: "user login elogin suser usrName",
    Col.QUESTION: "dns_req req dnsreq destinationDnsDomain dhost domain request",
    Col.QUESTION_TYPE: "dns_reqtype reqtype dnsreqtype requestMethod",
}
_WITHHELD = "block deny drop redir req_block req_drop req_redir res_block res_drop res_redir"
_TABLE = records.table(
    {name: text for name, text in _NAMES.items() if name is not Col.USER},
    when=nss.WHEN,
    verdict=verdicts.either(
        verdicts.verdict("reqaction resaction", denied=_WITHHELD),  # or its answer: the client got none
        verdicts.verdict("reqaction resaction act action", denied=_WITHHELD, allowed="allow req_allow res_allow"),
    ),
    derived={Col.USER: nss.person(_NAMES[Col.USER], "location")},
    needs=(Col.QUESTION,),
    lacking="no name was asked for",
    readers={
        Col.QUESTION: many.but("None N/A", dns.name),
        Col.QUESTION_TYPE: lambda text: dns.type_name(text.split(" ", 1)[0]),
    },
)


def example(row: Row) -> str:
    """A line of the CSV that Zscaler proposes."""
    action = rendering.choice(row, allowed="Allow", denied="Block")
    cells = {
        **dict.fromkeys(_CSV, "None"),
        "time": rendering.written_at(row, "%a %b %d %H:%M:%S %Y"),
        "reqaction": action,
        "resaction": action,
        **rendering.texts(row, {Col.SOURCE_IP: "cip", Col.USER: "login", Col.QUESTION: "req"}),
        "reqtype": str(row.get(Col.QUESTION_TYPE, "A")),
    }
    return delimited.join([cells[name] for name in _CSV])


def _record(line: str, dialect: Dialect) -> Cells:
    if line[0] == '"' and "feed" not in dialect.options:
        found = delimited.cells(line)
        if len(found) < len(_CSV) or not found[4].startswith(("Allow", "Block", "Redir", "ALLOW", "BLOCK")):
            raise RefusedLine("not Zscaler's own CSV: the source needs the option feed")
        return dict(zip(_CSV, found, strict=False))
    kind, cells = nss.read(line, dialect)
    own = kind.startswith("zscalernss-dns") or "DNS" in kind.upper() or kind == "feed"
    is_question = "reqaction" in cells or ("dns_req" in cells and "clt_sip" in cells)
    if not own and not is_question:
        raise RefusedLine("another log of Zscaler than the DNS log")
    return cells


_READER = Reader(
    _record, _TABLE, Layouts((shapes.cut("\t", {"datetime": nss.STAMP}), shapes.cef_message, shapes.leef_message))
)
FORMAT = LogFormat(
    name="zscaler_zia_dns",
    kind=Kind.DNS,
    title="Zscaler Internet Access, DNS log (NSS: JSON, tab-separated, CEF, LEEF, CSV, any feed)",
    reference="unverified: https://help.zscaler.com/zia/nss-feed-output-format-dns-logs",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.LOCAL,
    layout=Layout.JSON,
    encoded=(b"\\u",),
)
