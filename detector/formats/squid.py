r"""Squid access log: the native layout and any ``logformat`` string.

Native is ``%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt``:

- ``%ts.%03tu`` seconds since the epoch with milliseconds, UTC
- ``%6tr`` milliseconds the request took, padded with blanks (columns shift for who splits on one blank)
- ``%>a`` client address
- ``%Ss/%03>Hs`` what squid did, and the status sent to the client; ``TCP_DENIED`` is refused, 407 asks for a login
- ``%<st`` bytes sent *to* the client: a reply size, never an upload
- ``%rm %ru`` method and URL; ``CONNECT host:port`` hides all but the host
- ``%[un`` user, ``-`` where none
- ``%Sh/%<a %mt`` where the answer came from, and its content type

``1582797600.123     45 10.0.0.7 TCP_TUNNEL/200 5120 CONNECT www.example.com:443 u1042 HIER_DIRECT/192.0.2.1 -``
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind, LogFormat, Zone, stamps
from detector.grammars import logformat, values

if TYPE_CHECKING:
    from detector.events import Dialect, Row

_NATIVE = re.compile(
    r"\s*(\d+\.\d+) +(-?\d+) (\S+) ([A-Z_]+)/(\d{3}|-) (-?\d+) (\S+) (\S+) (\S+) (\S+)(?: (.*))?", re.DOTALL
)
_STATUS_OF_ABORT = "000"


def parse(line: str, dialect: Dialect) -> Row | None:
    """One native or ``logformat`` line to one event."""
    if not line or line.isspace() or line.startswith("#"):
        return None
    if "logformat" in dialect.options:
        return _parse_custom(line, dialect)
    found = _NATIVE.fullmatch(line)
    if not found:
        raise RefusedLine("not squid's native layout")
    at, _, client, result, status, size, method, url, user, _, _ = found.groups()
    return values.row_of({
        Col.AT: stamps.epoch(at),
        Col.SOURCE_IP: values.address(client),
        Col.USER: values.user(user),
        Col.METHOD: values.text(method),
        Col.URL: values.text(url),
        Col.DOMAIN: values.host_of_url(url),
        Col.STATUS: None if status in ("-", _STATUS_OF_ABORT) else int(status),
        Col.BYTES_RECEIVED: max(int(size), 0),
        Col.ACTION: action_of(result, status),
    })


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The first field of a native line; any field of a ``logformat`` line."""
    if "logformat" in dialect.options:
        row = parse(line, dialect)
        at = None if row is None else row.get(Col.AT)
        return at if isinstance(at, int) else None
    return stamps.epoch(line.split(None, 1)[0]) if line and not line.isspace() and line[0] != "#" else None


def example(row: Row) -> str:
    """A native line."""
    at = row.get(Col.AT, 0)
    seconds, micros = divmod(at if isinstance(at, int) else 0, 1_000_000)
    status = row.get(Col.STATUS, 200)
    result = "TCP_DENIED" if row.get(Col.ACTION) == Action.DENIED else "TCP_MISS"
    url = row.get(Col.URL) or f"{row.get(Col.DOMAIN, '-')}:443"
    method = row.get(Col.METHOD) or ("GET" if "://" in str(url) else "CONNECT")
    return (
        f"{seconds}.{micros // 1000:03d}     45 {row.get(Col.SOURCE_IP, '-')} {result}/{status:03d} "
        f"{row.get(Col.BYTES_RECEIVED, 0)} {method} {url} {row.get(Col.USER, '-')} HIER_DIRECT/192.0.2.1 -"
    )


def action_of(result: str, status: str) -> Action:
    """What squid did; a login challenge is neither a use nor a block (formats.md pitfall 4)."""
    if status in ("407", "401") or result == "TCP_AUTH_REDIRECT":
        return Action.CHALLENGE
    return Action.DENIED if "DENIED" in result else Action.ALLOWED


def _parse_custom(line: str, dialect: Dialect) -> Row:
    fields = logformat.fields(line, dialect.options["logformat"])
    result, status = fields.get("Ss", ""), fields.get(">Hs") or fields.get("Hs") or fields.get("<Hs") or ""
    url = fields.get("ru") or fields.get(">ru") or fields.get("<ru")
    name = values.host(fields.get("ssl::>sni")) or values.host_of_url(url) or values.host(fields.get("{Host}>h"))
    return values.row_of({
        Col.AT: logformat.instant(fields, dialect.zone),
        Col.SOURCE_IP: values.address(fields.get(">a")),
        Col.USER: next((who for code in ("un", "ul", "ue", "us", "ui") if (who := values.user(fields.get(code)))), None),
        Col.METHOD: values.text(fields.get("rm") or fields.get(">rm")),
        Col.URL: values.text(url),
        Col.DOMAIN: name,
        Col.SERVER_NAME: values.host(fields.get("ssl::>sni")),
        Col.STATUS: None if status in ("", "-", _STATUS_OF_ABORT) else values.number(status),
        Col.BYTES_SENT: values.number(fields.get(">st")),
        Col.BYTES_RECEIVED: values.number(fields.get("<st") or fields.get("st")),
        Col.ACTION: action_of(result, status),
        Col.USER_AGENT: values.text(fields.get("{User-Agent}>h")),
    })


FORMAT = LogFormat(
    name="squid",
    kind=Kind.PROXY,
    title="Squid access log (native, any logformat)",
    reference="https://www.squid-cache.org/Versions/v4/cfgman/logformat.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=frozenset({
        Col.AT, Col.SOURCE_IP, Col.USER, Col.METHOD, Col.URL, Col.DOMAIN, Col.STATUS, Col.BYTES_RECEIVED, Col.ACTION,
    }),  # fmt: skip
    zone=Zone.UTC,
)
