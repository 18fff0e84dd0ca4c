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
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, stamps
from detector.grammars import mail, values

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.events import Row

Cells: TypeAlias = Sequence[object]
"""The fields that a log is read by, in the order of ``Log.fields``; ``None`` or a placeholder where unset."""

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

_AT, _KIND, _SOURCE_IP, _USER, _DNS_KIND = Col.AT, Col.KIND, Col.SOURCE_IP, Col.USER, Kind.DNS.value
_METHOD, _URL, _DOMAIN, _STATUS, _ACTION = Col.METHOD, Col.URL, Col.DOMAIN, Col.STATUS, Col.ACTION
_BYTES_SENT, _BYTES_RECEIVED, _USER_AGENT = Col.BYTES_SENT, Col.BYTES_RECEIVED, Col.USER_AGENT
_FROM, _FROM_NAME, _SENDER, _TO = Col.FROM, Col.FROM_NAME, Col.SENDER, Col.TO
_SUBJECT, _MESSAGE_ID, _MAIL_KIND = Col.SUBJECT, Col.MESSAGE_ID, Kind.MAIL.value
_QUESTION, _QUESTION_TYPE, _SERVER_NAME = Col.QUESTION, Col.QUESTION_TYPE, Col.SERVER_NAME
# Bound once: to look a member up in its enum costs 70 ns, and a request has eleven columns.

_UNSET = frozenset({"", "-", "(empty)"})
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_ESCAPES = re.compile(r"(?:\\x[0-9A-Fa-f]{2})+")
_QUESTION_FIELDS = ("qtype_name", "qtype", "qclass", "trans_id", "rcode")
_MAIL_FIELDS = ("mailfrom", "rcptto", "helo", "last_reply")
_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")
_CHALLENGES = (401, 407)
_LARGEST = 2**63
_MILLIS_FROM = 100_000_000_000  # in seconds that is the year 5138
_NOT_DELIVERED = ("220", "221")  # "ready to start TLS", "bye"


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
    if "query" in names and any(name in names for name in _QUESTION_FIELDS):
        return DNS
    if any(name in names for name in _MAIL_FIELDS):
        return SMTP
    return TLS if "server_name" in names else None


def instant(cell: object, zone: tzinfo) -> int | None:
    """The instant of ``ts``, ``None`` where it is broken: a sighting counts without its time too.

    >>> from datetime import UTC
    >>> instant("1582797600.123456", UTC), instant(1582797600123, UTC) == instant("2020-02-27T10:00:00.123Z", UTC)
    (1582797600123456, True)
    """
    if isinstance(cell, str):
        if len(cell) == 17 and cell[10] == "." and (digits := cell[:10] + cell[11:]).isdecimal():
            return int(digits)  # Zeek's own spelling
        return _written_time(cell, zone)
    if isinstance(cell, float) and 0 <= cell < _LARGEST:
        return round(cell * (MICROSECONDS if cell < _MILLIS_FROM else 1000))
    if type(cell) is int and 0 <= cell < _LARGEST:
        return stamps.epoch(str(cell))
    return None


def _written_time(text: str, zone: tzinfo) -> int | None:
    try:
        return stamps.iso(text, zone) if "-" in text else stamps.epoch(text)
    except RefusedLine:
        return None


def unescape(text: str) -> str:
    r"""Zeek's ``\xNN`` as the characters that they stand for, but for those that host names are made of.

    Names are searched for in the raw bytes: an escape that became a part of a name would escape the search. Zeek
    itself never writes these so. Bytes that are no UTF-8 stay escaped.

    >>> unescape(r"\xc3\xa9t\xc3\xa9 \x09 \x63learview.ai \xff") == "été \t \\x63learview.ai \\xff"
    True
    """
    return _ESCAPES.sub(_unescaped, text) if "\\x" in text else text


def _unescaped(found: re.Match[str]) -> str:
    raw = bytes.fromhex(found[0].replace("\\x", ""))
    if not _NAME_BYTES.isdisjoint(raw):
        return found[0]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return found[0]


def _text(cell: object) -> str | None:
    if not isinstance(cell, str) or cell in _UNSET:
        return None
    return unescape(cell) if "\\" in cell else cell


def _count(cell: object) -> int | None:
    if type(cell) is int:
        return cell if 0 <= cell < _LARGEST else None
    return values.size(cell) if isinstance(cell, str) else None


def _name(cell: object) -> str | None:
    """A name as the wire carries it: neither a port nor user information can stand in it."""
    text = _text(cell)
    return None if text is None else values.lower(text).removesuffix(".") or None


def _url(method: str | None, host: str | None, uri: str | None) -> str | None:
    if uri and (method == "CONNECT" or (uri[0] != "/" and _ABSOLUTE.match(uri))):
        return uri  # a request to a proxy names the server in the request line, which outranks the Host header
    if host is None or method == "CONNECT":
        return host
    return f"http://{host}{uri}" if uri and uri[0] == "/" else f"http://{host}/{uri or ''}"


def _row(at: object, client: object, zone: tzinfo) -> Row:
    row: Row = {}
    if (moment := instant(at, zone)) is not None:
        row[_AT] = moment
    if isinstance(client, str) and (address := values.address(client)):
        row[_SOURCE_IP] = address
    return row


def _http(cells: Cells, zone: tzinfo) -> Row | None:
    at, client, method, host, uri, agent, sent, received, status, username = cells
    row = _row(at, client, zone)
    if username != "-" and (who := values.user(_text(username))):
        row[_USER] = who
    if verb := _text(method):
        row[_METHOD] = verb
    if url := _url(verb, _text(host), _text(uri)):
        row[_URL] = url
        if domain := values.host_of_url(url):
            row[_DOMAIN] = domain
    if code := _count(status):
        row[_STATUS] = code
        if code in _CHALLENGES:
            row[_ACTION] = Action.CHALLENGE
    if (size := _count(sent)) is not None:
        row[_BYTES_SENT] = size
    if (size := _count(received)) is not None:
        row[_BYTES_RECEIVED] = size
    if browser := _text(agent):
        row[_USER_AGENT] = browser
    return row


def _dns(cells: Cells, zone: tzinfo) -> Row | None:
    at, client, query, question_type, rejected, answer = cells
    name = _name(query)
    if name is None:
        return None
    row = _row(at, client, zone)
    row[_KIND] = _DNS_KIND
    row[_QUESTION] = name
    if asked := _text(question_type):
        row[_QUESTION_TYPE] = asked
    if rejected in ("T", True) or answer == "REFUSED":
        row[_ACTION] = Action.DENIED
    return row


def _tls(cells: Cells, zone: tzinfo) -> Row | None:
    at, client, server_name = cells
    name = _name(server_name)
    if name is None:
        return None
    row = _row(at, client, zone)
    row[_DOMAIN] = row[_SERVER_NAME] = name
    return row


def _smtp(cells: Cells, zone: tzinfo) -> Row | None:
    at, client, envelope, recipients, header, to, cc, subject, identifier, reply, agent = cells
    sender, written = _text(envelope), _text(header)
    receivers = _members(recipients) or [*_members(to), *_members(cc)]
    title, message = _text(subject), _text(identifier)
    row = _row(at, client, zone)
    row[_KIND] = _MAIL_KIND
    if written and (author := mail.address(written)):
        row[_FROM] = author
    if written and "@" in written and ("<" in written or "(" in written) and (shown := mail.display_name(written)):
        row[_FROM_NAME] = shown
    if sender and (address := mail.address(sender)):
        row[_SENDER] = address
    if receivers:
        row[_TO] = receivers if len(receivers) == 1 else list(dict.fromkeys(receivers))
    if title and (title := mail.decode_subject(title)):
        row[_SUBJECT] = title
    if message and (message := message.strip().removeprefix("<").removesuffix(">")):
        row[_MESSAGE_ID] = message
    if (sender or receivers or written) and (action := _delivery(_text(reply) or "")):
        row[_ACTION] = action
    if mailer := _text(agent):
        row[_USER_AGENT] = mailer
    return row


def _members(cell: object) -> list[str]:
    """The addresses of a set; text where the writer gave no set."""
    if type(cell) is str and "\\" not in cell:
        return mail.addresses(cell) if "@" in cell else []
    members = cell if isinstance(cell, list) else [cell]
    return [one for member in members if (text := _text(member)) for one in mail.addresses(text)]


def _delivery(reply: str) -> Action | None:
    """What the last reply says: a 4xx is tried again, a 3xx is the middle of a mail."""
    if reply.startswith("2") and reply[:3] not in _NOT_DELIVERED:
        return Action.ALLOWED
    return Action.DENIED if reply.startswith("5") else None


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
    fields=("ts", ORIGIN, "mailfrom", "rcptto", "from", "to", "cc", "subject", "msg_id", "last_reply", "user_agent"),
    read=_smtp,
    sets=(3, 5, 6),
)
"""smtp.log"""

_BY_PATH = {"http": HTTP, "dns": DNS, "ssl": TLS, "quic": TLS, "smtp": SMTP}
