r"""Olfeo SaaS (Ekinops), live log: one JSON object a request or a DNS question.

``{"user_id":"…","display_name":"u1042","category_label":"CDN","url":"https://www.example.com/a","action":"allow",
"domain":"www.example.com","src_ip":"10.0.0.7","timestamp":1582797600123,"http_method":"GET","user_received_bytes":"900",
"user_sent_bytes":"700","user_status_code":"200","theme_label":"…","directory_name":"…","type":"http",…}``

- ``timestamp`` milliseconds since the epoch; ``display_name`` the user; empty texts mean "not known"
- ``user_sent_bytes`` sent by the client, ``user_received_bytes`` sent to it
- ``type`` dns: ``domain`` is the name that was asked for; one line holds the question and its answer
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Zone
from detector.grammars import jsonlog, moments, records, rendering, verdicts
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Row
    from detector.grammars.records import Cells, Table

_WHEN = moments.stamp("timestamp")
_VERDICT = verdicts.verdict("action", denied="block deny drop refus", allowed="allow accept warn coach pass")
_NAMES = {
    Col.SOURCE_IP: "src_ip",
    Col.USER: "display_name",
    Col.METHOD: "http_method",
    Col.URL: "url",
    Col.DOMAIN: "domain",
    Col.STATUS: "user_status_code",
    Col.BYTES_SENT: "user_sent_bytes",
    Col.BYTES_RECEIVED: "user_received_bytes",
}
_HTTP = records.table(_NAMES, when=_WHEN, verdict=_VERDICT)
_DNS = records.table(
    {Col.SOURCE_IP: "src_ip", Col.USER: "display_name", Col.QUESTION: "domain"},
    when=_WHEN,
    verdict=_VERDICT,
    kind=Kind.DNS,
)


def _table(cells: Cells) -> Table:
    if "display_name" not in cells or not ("category_label" in cells or "theme_label" in cells):
        raise RefusedLine("no names of Olfeo's live log")
    return _DNS if cells.get("type") == "dns" else _HTTP


def _example(row: Row) -> str:
    cells = {"display_name": "", "theme_label": "", **rendering.texts(row, _NAMES)}
    if row.get(Col.ACTION) == Action.CHALLENGE:
        cells["user_status_code"] = "407"
    action = rendering.choice(row, allowed="allow", denied="block")
    millis = (moments.at_of(row) or 0) // 1000
    return orjson.dumps({**cells, "action": action, "timestamp": millis, "type": "http"}).decode()


FORMAT = jsonlog.log_format(
    "olfeo_saas",
    kind=Kind.PROXY,
    title="Olfeo SaaS, live log (http, dns)",
    reference="unverified: https://www.olfeo.com/",
    reader=Reader(jsonlog.record, _table),
    example=_example,
    tables=(_HTTP, _DNS),
    zone=Zone.UTC,
)
