r"""Amazon Route 53 Resolver, query log: one JSON object a question of a machine in a VPC.

``{"version":"1.100000","account_id":"…","region":"…","vpc_id":"vpc-1","query_timestamp":"2020-02-27T10:00:00Z",
"query_name":"www.example.com.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[…],
"srcaddr":"10.0.0.7","srcport":"50123","transport":"UDP","srcids":{"instance":"i-1"},"firewall_rule_action":"BLOCK"}``

- ``query_timestamp`` UTC; ``query_name`` with a final dot; ``srcaddr`` the machine, ``srcids.instance`` its id
- CloudWatch Logs keeps the object as text: ``{"timestamp":1582797600000,"message":"{\\"version\\":…}"}``, in exports,
  behind ``filter-log-events`` (``events``) and in subscriptions (``logEvents``)
- Security Lake writes the same in OCSF: ``time`` milliseconds, ``query.hostname``, ``src_endpoint.ip``
- ``firewall_rule_action`` ALERT, BLOCK, ALLOW; absent where no rule of the DNS firewall was asked
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Zone
from detector.grammars import jsonlog, moments, records, rendering, verdicts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_TABLE = records.table(
    {
        Col.SOURCE_IP: "srcaddr src_endpoint.ip",
        Col.HOST_NAME: "srcids.instance src_endpoint.instance_uid",
        Col.QUESTION: "query_name query.hostname",
        Col.QUESTION_TYPE: "query_type query.type",
    },
    when=moments.stamp("query_timestamp time", UTC),
    verdict=verdicts.verdict("firewall_rule_action disposition", denied="block", allowed="alert allow"),
    needs=(Col.QUESTION,),
    lacking="no name was asked for",
)


def _record(line: str, _dialect: Dialect) -> Cells:
    cells = jsonlog.kept_as_text(records.record(line), "message", "@message")
    lake = "src_endpoint" in cells and isinstance(cells.get("query"), dict)
    if not lake and ("query_name" not in cells or not ("query_timestamp" in cells or "vpc_id" in cells)):
        raise RefusedLine("no names of Route 53's query log")
    return cells


_READER = Reader(_record, _TABLE)


def _example(row: Row) -> str:
    at = rendering.written_at(row, "%Y-%m-%dT%H:%M:%SZ")
    cells: dict[str, object] = {"version": "1.100000", "vpc_id": "vpc-1", "query_timestamp": at}
    cells |= {"query_name": f"{row.get(Col.QUESTION, '')}.", "query_type": row.get(Col.QUESTION_TYPE, "A")}
    cells["srcaddr"] = row.get(Col.SOURCE_IP)
    if row.get(Col.ACTION) == Action.DENIED:
        cells["firewall_rule_action"] = "BLOCK"
    return orjson.dumps(cells).decode()


FORMAT = jsonlog.log_format(
    "aws_route53_resolver",
    kind=Kind.DNS,
    title="Amazon Route 53 Resolver, query log",
    reference="unverified: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html",
    reader=_READER,
    example=_example,
    tables=(_TABLE,),
    zone=Zone.UTC,
)
