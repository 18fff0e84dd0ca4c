r"""Cloudflare Gateway (Zero Trust), Logpush data sets ``gateway_http``, ``gateway_dns`` and ``gateway_network``.

``{"Datetime":"2020-02-27T10:00:00Z","SourceIP":"198.51.100.7","Email":"u1042@example.org","HTTPHost":"www.example.com",
"HTTPMethod":"GET","HTTPStatusCode":200,"URL":"https://www.example.com/","UserAgent":"…","Action":"allow","PolicyID":…}``

- ``Datetime`` UTC, or seconds or nanoseconds since the epoch as the job's ``timestamp_format`` says
- ``SourceInternalIP``, ``SourceIP`` (DNS: ``SrcIP``) the client, ``Email`` its user, ``DeviceName`` its computer
- http: ``HTTPHost``, ``URL``; network: ``SNI``; DNS: ``QueryName``, ``QueryTypeName``, one line a question
- ``Action`` allow, block, isolate, allowedOnNoRuleMatch…; DNS: ``ResolverDecision`` allowed…, blocked…, override…
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import Col, Kind, Zone
from detector.grammars import jsonlog, moments, records, rendering, verdicts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Row
    from detector.grammars.records import Cells, Table

_SHARED = {
    Col.SOURCE_IP: "SourceInternalIP SourceIP SrcIP",
    Col.USER: "Email",
    Col.HOST_NAME: "DeviceName",
}
_WHEN = moments.stamp("Datetime SessionStartTime", UTC)
_VERDICT = verdicts.verdict(
    "Action ResolverDecision", denied="block override", allowed="allow isolat scan bypass noscan l4 none"
)
_HTTP = records.table(
    {
        **_SHARED,
        Col.METHOD: "HTTPMethod",
        Col.URL: "URL",
        Col.DOMAIN: "HTTPHost",
        Col.STATUS: "HTTPStatusCode",
        Col.USER_AGENT: "UserAgent",
    },
    when=_WHEN,
    verdict=_VERDICT,
)
_NETWORK = records.table({**_SHARED, Col.SERVER_NAME: "SNI"}, when=_WHEN, verdict=_VERDICT)
_DNS = records.table(
    {**_SHARED, Col.QUESTION: "QueryName", Col.QUESTION_TYPE: "QueryTypeName QueryType"},
    when=_WHEN,
    verdict=_VERDICT,
    kind=Kind.DNS,
)
_POLICY = ("PolicyID", "PolicyName", "Policy")
_OWN = ({"ResolverDecision", "SrcIP"}, {"HTTPHost", "SourceIP", "Datetime"})
"""By which records are known without the policy: what Logpush writes is the site's choice."""


def _table(cells: Cells) -> Table:
    if not any(name in cells for name in _POLICY) and not any(names <= cells.keys() for names in _OWN):
        raise RefusedLine("no names of Cloudflare Gateway")
    if "QueryName" in cells and ("ResolverDecision" in cells or "RCode" in cells):
        return _DNS
    if "HTTPHost" in cells or "HTTPMethod" in cells:
        return _HTTP
    if "SNI" in cells or ("Transport" in cells and "SourceIP" in cells):
        return _NETWORK
    raise RefusedLine("no names of Cloudflare Gateway")


def _example(row: Row) -> str:
    names = {
        Col.SOURCE_IP: "SourceIP", Col.USER: "Email", Col.METHOD: "HTTPMethod", Col.URL: "URL",
        Col.DOMAIN: "HTTPHost", Col.STATUS: "HTTPStatusCode", Col.USER_AGENT: "UserAgent",
    }  # fmt: skip
    cells = rendering.texts(row, names)
    if "HTTPStatusCode" in cells:
        cells["HTTPStatusCode"] = str(407 if row.get(Col.ACTION) == "challenge" else row[Col.STATUS])
    action = rendering.choice(row, allowed="allow", denied="block")
    at = rendering.written_at(row, "%Y-%m-%dT%H:%M:%SZ")
    return orjson.dumps({"Datetime": at, **cells, "Action": action, "PolicyID": ""}).decode()


FORMAT = jsonlog.log_format(
    "cloudflare_gateway",
    kind=Kind.PROXY,
    title="Cloudflare Gateway (Logpush: http, dns, network)",
    reference="unverified: https://developers.cloudflare.com/logs/reference/log-fields/account/gateway_http/",
    reader=Reader(jsonlog.record, _table),
    example=_example,
    tables=(_HTTP, _NETWORK, _DNS),
    zone=Zone.UTC,
)
