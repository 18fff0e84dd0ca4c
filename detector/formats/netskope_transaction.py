r"""Netskope, transaction events: fields apart by blanks under ``#Fields:``, CSV of log streaming, JSON.

``2020-02-27 10:00:00 64 700 900 1600 198.51.100.7 - "u1042@example.org" POST https - "Mozilla/5.0" text/html 200
text/html www.example.com www.example.com /a 443 - …``

- ``date`` and ``time`` UTC; ``x-cs-timestamp`` the same in seconds since the epoch
- ``cs-bytes`` sent *by the client*, ``sc-bytes`` sent to it: some public parsers have them the wrong way round
- ``c-ip`` the client on the internet, ``x-cs-src-ip``, ``x-c-local-ip``, ``x-cs-userip`` its own address (named only by
  a header)
- ``cs-username`` a login; an address is none
- ``cs-uri-scheme``, ``cs-host``, ``cs-uri``, ``cs-uri-port``, ``cs-uri-query`` make the URL; ``x-cs-url`` the whole
- ``x-policy-action`` allow, alert, bypass; block…; ``auth-redirect`` asks for a login

CSV has a header row or none. Without a header the first 21 fields stand as above in every version; the action is looked
for among the late ones.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, Layout, LogFormat, Zone
from detector.events.envelope import peel
from detector.grammars import delimited, elff, moments, records, rendering, values, verdicts
from detector.grammars.reader import Reader
from detector.grammars.sheets import Sheet
from detector.grammars.together import together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells

_COLUMNS = (
    "date", "time", "time-taken", "cs-bytes", "sc-bytes", "bytes", "c-ip", "s-ip", "cs-username", "cs-method",
    "cs-uri-scheme", "cs-uri-query", "cs-user-agent", "cs-content-type", "sc-status", "sc-content-type", "cs-dns",
    "cs-host", "cs-uri", "cs-uri-port", "cs-referer",
)  # fmt: skip
_OWN = frozenset({
    "x-cs-url", "x-cs-timestamp", "x-cs-access-method", "x-cs-app", "x-cs-app-category", "x-cs-userip", "x-cs-src-ip",
    "x-cs-site", "x-cs-sni", "x-cs-traffic-type", "x-c-local-ip", "x-c-device", "x-c-os", "x-c-browser", "x-category",
    "x-policy-action", "x-policy-name", "x-transaction-id", "x-request-id", "x-type",
})  # fmt: skip
"""Names that no other proxy's header has."""
_TELLING = ("date", "time", "cs-bytes", "sc-bytes", "cs-method", "cs-uri-scheme")
"""By which a line without a header is known."""
_LATE = 60
_ACTIONS = frozenset({
    "allow", "alert", "block", "bypass", "useralert", "auth-redirect", "quarantine", "proceed", "reset", "isolate",
})  # fmt: skip
_PORTS = {"http": "80", "https": "443"}


def _url(method: str, scheme: str, port: str, uri: str, query: str, *names: str) -> str | None:
    """The URL put together of its parts; the first of the names that is one is the host."""
    host = next((one for name in names if name and (one := values.host_of_url(name)) is not None), None)
    if host is None:
        return None
    name = f"[{host}]" if ":" in host else host
    if method.upper() == "CONNECT" or scheme in ("", "-"):
        return f"{name}:{port}" if port.isdecimal() else name
    path, asked = values.text(uri) or "/", values.text(query)
    behind = f"{path}?{asked.removeprefix('?')}" if asked and "?" not in path else path
    return f"{scheme}://{name}{f':{port}' if port.isdecimal() and port != _PORTS.get(scheme) else ''}{behind}"


_TABLE = records.table(
    {
        Col.SOURCE_IP: "x-c-local-ip x-cs-userip x-cs-src-ip c-ip",
        Col.HOST_NAME: "x-c-device-name x-hostname",
        Col.USER: "cs-username",
        Col.METHOD: "cs-method",
        Col.URL: "x-cs-url",
        Col.DOMAIN: "cs-host x-cs-sni cs-dns",
        Col.STATUS: "sc-status",
        Col.BYTES_SENT: "cs-bytes",
        Col.BYTES_RECEIVED: "sc-bytes",
        Col.USER_AGENT: "cs-user-agent cs(user-agent)",
    },
    when=moments.first(moments.parts("date", "time", UTC), moments.stamp("x-cs-timestamp timestamp")),
    verdict=verdicts.verdict(
        "x-policy-action x-cs-policy-action late-action",
        challenge="auth-redirect",
        denied="block quarantine reset deny",
        allowed="allow alert useralert bypass proceed isolate",
    ),
    derived={
        Col.URL: together("cs-method cs-uri-scheme cs-uri-port cs-uri cs-uri-query cs-host x-cs-sni cs-dns", _url)
    },
    needs=(Col.DOMAIN, Col.URL),
    lacking="neither a URL nor a host",
)


def _record(line: str, dialect: Dialect) -> Cells | None:
    """The record of a transaction; comments are none."""
    if line[0] == "#":
        return None
    return _object(line) if line[0] == "{" else _fields(line, dialect)


def _records(lines: Sequence[str], dialect: Dialect) -> Sheet | None:
    """Of lines apart by commas, without quotes and a header."""
    rows = [line.split(",") for line in lines]
    if dialect.columns or {len(row) for row in rows} != {len(rows[0])} or len(rows[0]) < len(_COLUMNS):
        return None
    columns = list(zip(*rows, strict=True))
    cells: dict[str, Sequence[str]] = dict(zip(_COLUMNS, columns, strict=False))
    if (
        '"' in "".join(lines)
        or " " in "".join(cells["date"])
        or not all(map(_is_transaction, *(cells[name] for name in _TELLING)))
    ):
        return None
    return Sheet((), {**cells, "late-action": list(map(_late_action, rows))})


_READER = Reader(_record, _TABLE, records=_records)


def head(line: str, dialect: Dialect) -> Dialect | None:
    """The names of a header line: ``#Fields:``, also inside a syslog header, or the first row of CSV."""
    if dialect.envelope and (header := peel(line, dialect.envelope)):
        line = header.body
    names = elff.columns(line)
    if names is None and line[:1] != "{":
        names = tuple(cell.strip(' "').lower() for cell in line.lstrip("\ufeff").split(","))
    if names is None or "cs-bytes" not in names or _OWN.isdisjoint(names):
        return None
    return replace(dialect, columns=names)


def example(row: Row) -> str:
    """A line apart by commas, without a header."""
    url = str(row.get(Col.URL) or f"{row.get(Col.DOMAIN, '-')}:443")
    scheme, _, rest = url.rpartition("://")
    host, _, path = rest.partition("/")
    path, _, query = path.partition("?")
    status = 407 if row.get(Col.ACTION) == Action.CHALLENGE else row.get(Col.STATUS, 200)
    cells = [
        rendering.written_at(row, "%Y-%m-%d"), rendering.written_at(row, "%H:%M:%S"), "64",
        str(row.get(Col.BYTES_SENT, 0)), str(row.get(Col.BYTES_RECEIVED, 0)), "0", str(row.get(Col.SOURCE_IP, "-")),
        "-", str(row.get(Col.USER, "-")), str(row.get(Col.METHOD) or ("GET" if scheme else "CONNECT")),
        scheme or "https", query or "-", str(row.get(Col.USER_AGENT, "-")), "-", str(status), "-",
        values.host_of_url(url) or "-", values.host_of_url(url) or "-", f"/{path}", host.partition(":")[2] or "80",
    ]  # fmt: skip
    action = rendering.choice(row, allowed="allow", denied="block")
    return ",".join([*(cell.replace(",", "%2C") for cell in cells), *["-"] * (_LATE - len(cells)), action])


def _fields(line: str, dialect: Dialect) -> Cells:
    names = dialect.columns or _COLUMNS
    first, comma, _ = line.partition(",")
    is_csv = comma and " " not in first
    found = delimited.cells(line) if is_csv else elff.tokens(line, len(dialect.columns))
    if len(found) < len(names):
        raise RefusedLine("fewer fields than the header names")
    cells = dict(zip(names, found, strict=False))
    if not dialect.columns:
        if not _is_transaction(*(cells[name] for name in _TELLING)):
            raise RefusedLine("not the fields of a transaction")
        cells["late-action"] = _late_action(found)
    return cells


def _is_transaction(  # noqa: PLR0913 - so many tell it from another proxy's line
    date: str, time: str, sent: str, received: str, method: str, scheme: str
) -> bool:
    is_request = (date.count("-") == 2 or method.isupper()) and (scheme.isalpha() or scheme in ("", "-"))
    return is_request and time.count(":") == 2 and (sent.isdecimal() or received.isdecimal())


def _late_action(row: Sequence[str]) -> str:
    return next((cell for cell in row[_LATE:] if cell in _ACTIONS), "")


def _object(line: str) -> Cells:
    cells = {name.replace("_", "-"): cell for name, cell in records.record(line).items()}
    if "cs-bytes" not in cells or not ("cs-host" in cells or "x-cs-url" in cells) or "sc-filter-result" in cells:
        raise RefusedLine("no names of Netskope's transactions")
    return cells


FORMAT = LogFormat(
    name="netskope_transaction",
    kind=Kind.PROXY,
    title="Netskope transaction events (#Fields, CSV, JSON)",
    reference="unverified: https://docs.netskope.com/en/transaction-events/",
    parse=_READER.parse,
    timestamp=_READER.timestamp,
    block=_READER.block,
    example=example,
    columns=_TABLE.columns,
    zone=Zone.UTC,
    head=head,
    head_literals=(elff.HEADER.encode(), b"cs-bytes,", b'cs-bytes",'),
    layout=Layout.JSON,
    encoded=(b"\\u",),
)
