r"""Olfeo on-premises gateway, access log: the common log format with a date of its own, and the category behind.

``10.0.0.7 - u1042 [27/02/2020 10:00:00] "CONNECT https://www.example.com:443 HTTP/1.1" 200 - - 1000 Business Services``

- client, identity, user, date and time (day first, local time, ``date_order`` can say otherwise), request, status
- referer and user agent (``-`` where not logged), number of the category, its name; no sizes
- a ``CONNECT`` is written as a URL with a scheme: its path was never seen
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone
from detector.grammars import csvexport, moments, records, rendering, values

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_LINE = re.compile(
    r"(?P<ip>[0-9A-Fa-f.:]+|-) \S{1,256} (?P<user>.{1,256}?) \[(?P<at>[^\]\[]{1,6000})\] "
    r'"(?P<method>[A-Z-]{1,24}) (?P<url>[^" ][^"]*)" (?P<status>\d{1,3}|-) (?:"[^"]*"|\S+) '
    r'(?:"(?P<quoted>[^"]*)"|(?P<agent>[^" ]+)) -?\d+ [^\W\d_].*',
    re.DOTALL,
)
_VERSION = re.compile(r" HTTP/[\d.]+$")


def parse(line: str, dialect: Dialect) -> Row | None:
    """One request to one event."""
    found = _LINE.fullmatch(line)
    if not found:
        if not line or line.isspace():
            return None
        raise RefusedLine("not the gateway's access log")
    url, status = _VERSION.sub("", found["url"]), values.status(found["status"])
    cells = {
        Col.AT: csvexport.instant(found["at"], dialect.zone, dialect.date_order or "dmy"),
        Col.SOURCE_IP: values.address(found["ip"]),
        Col.USER: values.user(found["user"]),
        Col.METHOD: records.READERS[Col.METHOD](found["method"]),
        Col.URL: url,
        Col.DOMAIN: values.host_of_url(url),
        Col.STATUS: status,
        Col.ACTION: Action.CHALLENGE if status in (401, 407) else Action.DENIED if status == 403 else None,
        Col.USER_AGENT: values.text(found["quoted"] or found["agent"]),
    }
    return values.row_of(cells)


def example(row: Row) -> str:
    """A request of a category; what the gateway refuses answers 403."""
    usual = {Action.DENIED.value: 403, Action.CHALLENGE.value: 407}.get(str(row.get(Col.ACTION, "")))
    url = row.get(Col.URL) or f"https://{row.get(Col.DOMAIN, '-')}:443"
    method = row.get(Col.METHOD) or ("GET" if Col.URL in row else "CONNECT")
    at = rendering.written_at(row, "%d/%m/%Y %H:%M:%S")
    return (
        f'{row.get(Col.SOURCE_IP, "-")} - {row.get(Col.USER, "-")} [{at}] "{method} {url} HTTP/1.1" '
        f"{usual or row.get(Col.STATUS, 200)} - - 1000 Business Services"
    )


FORMAT = LogFormat(
    name="olfeo_swg",
    kind=Kind.PROXY,
    title="Olfeo gateway, access log",
    reference="unverified: https://www.olfeo.com/",
    parse=parse,
    timestamp=lambda line, dialect: moments.at_of(parse(line, dialect)),
    example=example,
    columns=frozenset({
        Col.AT, Col.SOURCE_IP, Col.USER, Col.METHOD, Col.URL, Col.DOMAIN, Col.STATUS, Col.ACTION, Col.USER_AGENT,
    }),
    zone=Zone.LOCAL,
)  # fmt: skip
