r"""Zeek's logs behind their two spellings: the fields of a record, whatever file they came from, to one event.

A record is read by the fields that it has, not by the name of its file (sites rename files, Zeek splits them by
filters):

- http: ``host`` + ``uri`` (plain HTTP: TLS is not opened), ``method``, ``status_code``, ``username`` (basic login),
  ``request_body_len``/``response_body_len`` (bytes of the *bodies* only, without headers), ``user_agent``
- dns: ``query``, ``qtype_name``, ``rejected``; question and answer are one record, so nothing is counted twice
- ssl, quic: ``server_name``; a record without one names no service
- smtp: ``mailfrom``, ``rcptto`` (envelope), ``from``, ``to``, ``subject``, ``msg_id``, ``last_reply``
- conn, x509, files and all others name no host that a client asked for: no event

``ts`` is seconds since the epoch with a fraction, ISO 8601 or milliseconds since the epoch; ``id.orig_h`` the client.

References: https://docs.zeek.org/en/master/script-reference/log-files.html (unverified from here).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.events import Action, Col, Kind
from detector.grammars import values, zeekcells, zeekmails

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Row
    from detector.grammars.zeekcells import Cells

ORIGIN = "id.orig_h"
"""The client's address."""

ORIGINS = (ORIGIN, "id_orig_h", "orig_h", "src", "src_ip", "source_ip", "source.ip", "client_ip")
"""Names that sites give it by ``Log::default_field_name_map``, and what shippers make of the dot."""

COLUMNS = frozenset({
    Col.AT, Col.KIND, Col.SOURCE_IP, Col.USER, Col.METHOD, Col.URL, Col.DOMAIN, Col.STATUS, Col.BYTES_SENT,
    Col.BYTES_RECEIVED, Col.ACTION, Col.USER_AGENT, Col.QUESTION, Col.QUESTION_TYPE, Col.SERVER_NAME, Col.FROM,
    Col.FROM_NAME, Col.SENDER, Col.TO, Col.SUBJECT, Col.MESSAGE_ID,
})  # fmt: skip
"""What a record can hold."""

ENCODED = (b"\\x", b"\\u", b"=?")
"""Where a name may lie in another spelling: Zeek's ``\\xNN``, JSON's ``\\uNNNN``, mail's encoded words."""

_KIND, _USER, _DNS_KIND = Col.KIND, Col.USER, Kind.DNS.value
_METHOD, _URL, _DOMAIN, _STATUS, _ACTION = Col.METHOD, Col.URL, Col.DOMAIN, Col.STATUS, Col.ACTION
_BYTES_SENT, _BYTES_RECEIVED, _USER_AGENT = Col.BYTES_SENT, Col.BYTES_RECEIVED, Col.USER_AGENT
_QUESTION, _QUESTION_TYPE, _SERVER_NAME = Col.QUESTION, Col.QUESTION_TYPE, Col.SERVER_NAME
# Bound once: to look a member up in its enum costs 70 ns, and a request has eleven columns.

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_QUESTION_FIELDS = ("qtype_name", "qtype", "qclass", "trans_id", "rcode")
_MAIL_FIELDS = ("mailfrom", "rcptto", "helo", "last_reply")
_CHALLENGES = (401, 407)


@dataclass(frozen=True, slots=True)
class Log:
    """How one kind of Zeek log is read.

    Attributes:
        fields: Zeek's names of the fields that are read.
        sets: positions in ``fields`` of sets.
        read: the fields' cells and the zone of stamps without one, to an event.
    """

    fields: tuple[str, ...]
    read: Callable[[Cells, tzinfo], Row | None]
    sets: tuple[int, ...] = ()


def log_of(names: Container[str], path: str = "") -> Log | None:
    """The log that has these fields, ``None`` where it is one that names no host.

    >>> log_of(["ts", "uid", "server_name"]) is TLS, log_of(["ts", "orig_bytes"]), log_of([], "dns_red") is DNS
    (True, None, True)
    """
    if path and (known := _BY_PATH.get(path.partition("_")[0])):
        return known
    if "uri" in names or ("status_code" in names and ("host" in names or "trans_depth" in names)):
        return HTTP
    if "query" in names and any(map(names.__contains__, _QUESTION_FIELDS)):
        return DNS
    if any(map(names.__contains__, _MAIL_FIELDS)):
        return SMTP
    return TLS if "server_name" in names else None


def _url(method: str | None, host: str | None, uri: str | None) -> str | None:
    if uri and (method == "CONNECT" or (uri[0] != "/" and _ABSOLUTE.match(uri))):
        return uri  # a request to a proxy names the server in the request line, which outranks the Host header
    if host is None or method == "CONNECT":
        return host
    return f"http://{host}{uri}" if uri and uri[0] == "/" else f"http://{host}/{uri or ''}"


def _http(cells: Cells, zone: tzinfo) -> Row | None:
    at, client, method, host, uri, agent, sent, received, status, username = cells
    row = zeekcells.row(at, client, zone)
    if username != "-" and (who := values.user(zeekcells.text(username))):
        row[_USER] = who
    if verb := zeekcells.text(method):
        row[_METHOD] = verb
    if url := _url(verb, zeekcells.text(host), zeekcells.text(uri)):
        row[_URL] = url
        if domain := values.host_of_url(url):
            row[_DOMAIN] = domain
    if code := zeekcells.count(status):
        row[_STATUS] = code
        if code in _CHALLENGES:
            row[_ACTION] = Action.CHALLENGE
    if (size := zeekcells.count(sent)) is not None:
        row[_BYTES_SENT] = size
    if (size := zeekcells.count(received)) is not None:
        row[_BYTES_RECEIVED] = size
    if browser := zeekcells.text(agent):
        row[_USER_AGENT] = browser
    return row


def _dns(cells: Cells, zone: tzinfo) -> Row | None:
    at, client, query, question_type, rejected, answer = cells
    name = zeekcells.name(query)
    if name is None:
        return None
    row = zeekcells.row(at, client, zone)
    row[_KIND] = _DNS_KIND
    row[_QUESTION] = name
    if asked := zeekcells.text(question_type):
        row[_QUESTION_TYPE] = asked
    if rejected in ("T", True) or answer == "REFUSED":
        row[_ACTION] = Action.DENIED
    return row


def _tls(cells: Cells, zone: tzinfo) -> Row | None:
    at, client, server_name = cells
    name = zeekcells.name(server_name)
    if name is None:
        return None
    row = zeekcells.row(at, client, zone)
    row[_DOMAIN] = row[_SERVER_NAME] = name
    return row


HTTP = Log(
    fields=(
        "ts", ORIGIN, "method", "host", "uri", "user_agent", "request_body_len", "response_body_len", "status_code",
        "username",
    ),
    read=_http,
)  # fmt: skip
"""http.log"""

DNS = Log(fields=("ts", ORIGIN, "query", "qtype_name", "rejected", "rcode_name"), read=_dns)
"""dns.log"""

TLS = Log(fields=("ts", ORIGIN, "server_name"), read=_tls)
"""ssl.log, quic.log"""

SMTP = Log(
    fields=("ts", ORIGIN, *zeekmails.FIELDS),
    read=zeekmails.read,
    sets=(3, 5, 6),
)
"""smtp.log"""

_BY_PATH = {"http": HTTP, "dns": DNS, "ssl": TLS, "quic": TLS, "smtp": SMTP}
