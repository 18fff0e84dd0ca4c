r"""Zeek logs in their own tab-separated layout: http, dns, ssl, quic, smtp; the others are passed over.

Every file begins with lines that say how the rest is read, and so does every file that ``zcat`` joins behind it:

- ``#separator \x09`` what stands between fields, escaped; behind this word a blank, everywhere else the separator
- ``#set_separator``, ``#empty_field``, ``#unset_field`` ``,``, ``(empty)``, ``-``
- ``#path`` the log's name; ``#open``, ``#close`` local times: not needed
- ``#fields`` the columns; sites may drop, add and rename them. Before any ``#fields`` (the rest of a rotated file,
  lines that a shipper took out) a line is read only where it has the number and kinds of fields of Zeek's own layouts
- ``#types`` their types, in the same order

Of the fields: ``ts`` seconds since the epoch with a fraction, UTC; ``id.orig_h`` the client; ``request_body_len`` and
``response_body_len`` bytes of the bodies without headers. A character that cannot be printed is written ``\xNN``; a tab
in a value is, too, so another number of fields is another layout or a line that was cut off. Zeek only listens: it
cannot say that a request was denied. Which fields mean what: ``grammars/zeek.py``.

``1582797600.123456  CHhAvV  10.0.0.7  50123  192.0.2.1  80  1  GET  www.example.com  /a?b=c  -  1.1  curl/7.68  …``
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, LogFormat, Zone, glance
from detector.grammars import values, zeek, zeekcells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from detector.events import Dialect, Row

_TAB, _SET_SEPARATOR, _UNSET, _EMPTY = "\t", ",", "-", "(empty)"
_USUAL = (_UNSET, _EMPTY)
_SETTINGS = ("set_separator", "unset_field", "empty_field")
_NO_HEADER = "no #fields header in force: columns unknown"
_CONNECTION = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p"
_REQUEST = "trans_depth method host uri referrer version user_agent request_body_len response_body_len status_code"
_LAYOUTS = {
    Kind.PROXY: ("http", f"{_CONNECTION} {_REQUEST} status_msg username"),
    Kind.DNS: ("dns", f"{_CONNECTION} proto trans_id query qclass_name qtype_name rcode_name rejected"),
    Kind.MAIL: ("smtp", f"{_CONNECTION} trans_depth helo mailfrom rcptto from to subject msg_id last_reply"),
}
_REPLY = "request_body_len response_body_len status_code status_msg info_code info_msg"
_FILES = "orig_fuids orig_filenames orig_mime_types resp_fuids resp_filenames resp_mime_types"
_QUERY = "query qclass qclass_name qtype qtype_name rcode rcode_name AA TC RD RA Z answers TTLs rejected"
_END = "tags username password proxied"


def _by_width(*layouts: str) -> dict[int, tuple[str, ...]]:
    """Layouts by their number of fields; each begins with the connection's."""
    found = (tuple(f"{_CONNECTION} {names}".split()) for names in layouts)
    return {len(names): names for names in found}


_HTTP = _by_width(
    f"trans_depth method host uri referrer user_agent {_REPLY} filename {_END} orig_fuids orig_mime_types resp_fuids "
    "resp_mime_types",
    f"trans_depth method host uri referrer version user_agent {_REPLY} {_END} {_FILES}",
    f"trans_depth method host uri referrer version user_agent origin {_REPLY} {_END} {_FILES}",
)
"""http.log of Bro 2, of Zeek 2.6 and 3."""
_DNS = _by_width(
    f"proto trans_id {_QUERY}",
    f"proto trans_id rtt {_QUERY}",
    f"proto trans_id rtt {_QUERY} opcode opcode_name",
)
"""dns.log of Bro 2, of Zeek 2.6 and 8."""
(_TLS,) = _by_width("version cipher curve server_name").values()
(_CONN,) = _by_width("proto service duration orig_bytes resp_bytes conn_state").values()
_STAMP = re.compile(r"\d{9,10}\.\d{6}")
_VERSION = re.compile(r"(?:TLS|SSL|DTLS)v\d{1,3}")
_STATE = re.compile(r"S[0-3FH]|REJ|RST[OR](?:S0|H)?|SHR|OTH|RSTRH|RSTOS0")
_METHOD = re.compile(r"[A-Z][A-Z_-]{2,20}|-")
_UNKNOWN = 0.8
"""How sure lines without a header are."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the lines below one ``#fields`` are read.

    Attributes:
        width: fields of a line.
        instant: index of ``ts``; ``width`` where there is none.
        log: what the fields mean, ``None`` for a log without names.
        pick: a line's fields and one unset field behind them, to the log's cells.
    """

    width: int
    instant: int
    log: zeek.Log | None
    pick: Callable[[Sequence[str]], tuple[str, ...]]


def parse(line: str, dialect: Dialect) -> Row | None:
    """One line below a ``#fields`` header to one event."""
    if not line or line[0] == "#" or line.isspace():
        return None
    fields = line.split(dialect.separator or _TAB)
    plan = _plan_of(dialect, fields)
    if len(fields) != plan.width:
        raise RefusedLine("another number of fields than #fields says")
    if plan.log is None:
        return None
    fields.append(_UNSET)
    cells: zeekcells.Cells = plan.pick(fields)
    options = dialect.options
    if options:
        unset = (options.get("unset_field", _UNSET), options.get("empty_field", _EMPTY))
        if unset != _USUAL:  # which are read as unset anyhow
            cells = [_UNSET if cell in unset else cell for cell in cells]
    if plan.log.sets:
        separator = options.get("set_separator") or _SET_SEPARATOR
        sets = plan.log.sets
        cells = [str(cell).split(separator) if at in sets else cell for at, cell in enumerate(cells)]
    return plan.log.read(cells, dialect.zone)


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The field ``ts``."""
    if not line or line[0] == "#" or line.isspace():
        return None
    fields = line.split(dialect.separator or _TAB)
    at = _plan_of(dialect, fields).instant
    return zeekcells.instant(fields[at], dialect.zone) if at < len(fields) else None


def head(line: str, dialect: Dialect) -> Dialect | None:
    """``#separator`` starts a new file and forgets the columns; ``#fields`` and the settings add to it."""
    if line.startswith("#separator"):
        written = line.removeprefix("#separator").strip(" ")
        kept = {name: value for name, value in dialect.options.items() if name not in _SETTINGS}
        return replace(dialect, columns=(), separator=zeekcells.unescape(written), options=kept)
    if not line.startswith("#"):
        return None
    separator = dialect.separator or _TAB
    name, _, value = line[1:].partition(separator)
    if name in _SETTINGS:
        return replace(dialect, options={**dialect.options, name: value})
    if name == "fields":
        return replace(dialect, columns=tuple(value.split(separator)))
    # A header that another tool has respaced: the columns before it are no longer in force, those in it are unsure.
    return replace(dialect, columns=()) if name.startswith("fields") else None


def sniff(lines: Sequence[str]) -> float:
    """Sure by the header that no other log begins with; without it by lines of Zeek's own layouts."""
    if any(line.startswith(("#separator \\x", "#fields\tts\t")) for line in lines):
        return 1.0
    return _UNKNOWN * sum(_assumed(line.split(_TAB)) is not None for line in lines) / max(len(lines), 1)


def example(row: Row) -> str:
    """An http line; a DNS question or a mail below a header of its own, behind which http's is put back in force.

    Zeek does not deny, so that ``Action.DENIED`` cannot be written; a challenge is a status 407.
    """
    kind = Kind.DNS if Col.QUESTION in row else Kind.MAIL if Col.SENDER in row or Col.FROM in row else Kind.PROXY
    cells = _cells(row)
    line = _TAB.join(cells.get(name, _UNSET) for name in _LAYOUTS[kind][1].split())
    return line if kind is Kind.PROXY else f"{_header(kind)}\n{line}\n{_header(Kind.PROXY)}"


def _cells(row: Row) -> dict[str, str]:
    at = row.get(Col.AT, 0)
    seconds, micros = divmod(at if isinstance(at, int) else 0, MICROSECONDS)
    url = str(row.get(Col.URL) or f"{row.get(Col.DOMAIN) or row.get(Col.SERVER_NAME) or _UNSET}:443")
    plain = url.startswith("http://")
    host, _, path = url.removeprefix("http://").partition("/")
    to = row.get(Col.TO)
    challenge = row.get(Col.ACTION) == Action.CHALLENGE
    written = {
        "uid": "CHhAvVGS1DHFjwGM9", "id.orig_p": 50123, "id.resp_h": "192.0.2.1", "id.resp_p": 80, "trans_depth": 1,
        "proto": "udp", "trans_id": 4711, "qclass_name": "C_INTERNET", "rcode_name": "NOERROR",
        "rejected": "T" if row.get(Col.ACTION) == Action.DENIED else "F",
        "last_reply": "550 no" if row.get(Col.ACTION) == Action.DENIED else "250 ok",
        "ts": f"{seconds}.{micros:06d}", zeek.ORIGIN: row.get(Col.SOURCE_IP), "username": row.get(Col.USER),
        "method": row.get(Col.METHOD) or ("GET" if "://" in url else "CONNECT"),
        "host": host if plain else row.get(Col.DOMAIN), "uri": f"/{path}" if plain else url,
        "status_code": 407 if challenge else row.get(Col.STATUS, 200), "user_agent": row.get(Col.USER_AGENT),
        "request_body_len": row.get(Col.BYTES_SENT, 0), "response_body_len": row.get(Col.BYTES_RECEIVED, 0),
        "query": row.get(Col.QUESTION), "qtype_name": row.get(Col.QUESTION_TYPE),
        "mailfrom": row.get(Col.SENDER), "rcptto": ",".join(to) if isinstance(to, list) else None,
        "from": row.get(Col.FROM), "subject": row.get(Col.SUBJECT), "msg_id": row.get(Col.MESSAGE_ID),
    }  # fmt: skip
    return {name: _escape(str(cell)) for name, cell in written.items() if cell is not None}


def _escape(text: str) -> str:
    return "".join(f"\\x{ord(sign):02x}" if ord(sign) < 32 else sign for sign in text)


def _header(kind: Kind) -> str:
    path, names = _LAYOUTS[kind]
    return "\n".join((
        "#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", f"#path\t{path}",
        "#fields\t" + names.replace(" ", _TAB),
    ))  # fmt: skip


def _plan_of(dialect: Dialect, fields: Sequence[str]) -> _Plan:
    columns = dialect.columns or tuple(dialect.options.get("fields", "").split()) or _assumed(fields)
    if not columns:
        raise RefusedLine(_NO_HEADER)
    return _plan(columns)


def _assumed(fields: Sequence[str]) -> tuple[str, ...] | None:
    """The columns of a line without a header, by what its fields look like; ``None`` where they fit no layout."""
    width = len(fields)
    if width < len(_CONN) or not _STAMP.fullmatch(fields[0]) or not fields[3].isdecimal() or not fields[5].isdecimal():
        return None
    if values.address(fields[2]) is None or values.address(fields[4]) is None:
        return None
    kind = fields[6]
    if kind.isdecimal() and width in _HTTP and _METHOD.fullmatch(fields[7]):
        return _HTTP[width]
    if width in _DNS and {"T", "F"}.issuperset(_flags(fields, _DNS[width])):
        return _DNS[width]
    if _VERSION.fullmatch(kind):
        return _padded(_TLS, width)
    return _padded(_CONN, width) if _STATE.fullmatch(fields[11]) else None


def _flags(fields: Sequence[str], names: Sequence[str]) -> Sequence[str]:
    first = names.index("AA")
    return fields[first : first + 4]


@lru_cache(maxsize=64)
def _padded(names: tuple[str, ...], width: int) -> tuple[str, ...]:
    return (*names, *(f"unknown {place}" for place in range(len(names), width)))


@lru_cache(maxsize=64)
def _plan(columns: tuple[str, ...]) -> _Plan:
    width = len(columns)
    places = {name: at for at, name in reversed(list(enumerate(columns)))}
    origin = next((places[name] for name in zeek.ORIGINS if name in places), width)
    places[zeek.ORIGIN] = origin
    log = zeek.log_of(columns)
    pick = itemgetter(*(places.get(name, width) for name in (log or zeek.HTTP).fields))
    return _Plan(width=width, instant=places.get("ts", width), log=log, pick=pick)


def _glance(dialect: Dialect) -> glance.Cut | None:
    """Of http, dns and ssl logs with Zeek's usual settings; a request whose URI is a path names its host beside it."""
    names, settings = dialect.columns, dialect.options.items() - _USUAL_SETTINGS
    if settings or dialect.envelope or dialect.separator not in ("", _TAB) or len(set(names)) < len(names):
        return None
    host = next((host for sign, host in _HOSTS if {sign, host, zeek.ORIGIN} <= set(names)), None)
    if host is None:
        return None
    checks = _REQUEST_CHECKS if host == "host" else {}
    return glance.Cut(
        separator=_TAB.encode(),
        width=len(names),
        host=glance.Field(names.index(host), glance.HOST, idle="" if host == "host" else _UNSET),
        address=glance.Field(names.index(zeek.ORIGIN), glance.ADDRESS),
        user=glance.Field(names.index("username"), glance.USER) if host == "host" and "username" in names else None,
        checks=tuple(
            glance.Field(names.index(name), pattern, part=part)
            for name, (pattern, part) in checks.items()
            if name in names
        ),
    )


_USUAL_SETTINGS = {("set_separator", _SET_SEPARATOR), ("empty_field", _EMPTY), ("unset_field", _UNSET)}
_HOSTS = (("status_code", "host"), ("qtype_name", "query"), ("cipher", "server_name"))
_REQUEST_CHECKS = {
    "method": (r"GET|POST|HEAD|PUT|OPTIONS|PATCH|DELETE", glance.Part.WHOLE),
    "uri": ("/", glance.Part.TO_SLASH),
    "status_code": (r"(?!40[17])[\d-]+", glance.Part.WHOLE),
}


FORMAT = LogFormat(
    name="zeek_tsv",
    kind=Kind.PROXY,
    title="Zeek (Bro) logs, tab-separated: http, dns, ssl, quic, smtp",
    reference="unverified: https://docs.zeek.org/en/master/log-formats.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=zeek.COLUMNS,
    zone=Zone.UTC,
    preamble=_header(Kind.PROXY),
    head=head,
    head_literals=(b"field", b"separator"),  # short: each one costs a search of every line
    sniff=sniff,
    encoded=zeek.ENCODED,
    glance=_glance,
)
