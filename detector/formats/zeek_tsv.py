r"""Zeek logs in their own tab-separated layout: http, dns, ssl, quic, smtp; the others are passed over.

Every file begins with lines that say how the rest is read, and so does every file that ``zcat`` joins behind it:

- ``#separator \x09`` what stands between fields, escaped; behind this word a blank, everywhere else the separator
- ``#set_separator``, ``#empty_field``, ``#unset_field`` ``,``, ``(empty)``, ``-``
- ``#path`` the log's name; ``#open``, ``#close`` local times: not needed
- ``#fields`` the columns; sites may drop, add and rename them, so a line before any ``#fields`` cannot be read
- ``#types`` their types, in the same order

Of the fields: ``ts`` seconds since the epoch with a fraction, UTC; ``id.orig_h`` the client; ``request_body_len`` and
``response_body_len`` bytes of the bodies without headers. A character that cannot be printed is written ``\xNN``; a tab
in a value is, too, so another number of fields is another layout or a line that was cut off. Zeek only listens: it
cannot say that a request was denied. Which fields mean what: ``grammars/zeek.py``.

``1582797600.123456  CHhAvV  10.0.0.7  50123  192.0.2.1  80  1  GET  www.example.com  /a?b=c  -  1.1  curl/7.68  …``
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, LogFormat, Zone, glance
from detector.grammars import zeek

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
    plan = _plan_of(dialect)
    fields = line.split(dialect.separator or _TAB)
    if len(fields) != plan.width:
        raise RefusedLine("another number of fields than #fields says")
    if plan.log is None:
        return None
    fields.append(_UNSET)
    cells: zeek.Cells = plan.pick(fields)
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
    at = _plan_of(dialect).instant
    fields = line.split(dialect.separator or _TAB, at + 1)
    return zeek.instant(fields[at], dialect.zone) if at < len(fields) else None


def head(line: str, dialect: Dialect) -> Dialect | None:
    """``#separator`` starts a new file and forgets the columns; ``#fields`` and the settings add to it."""
    if line.startswith("#separator"):
        written = line.removeprefix("#separator").strip(" ")
        kept = {name: value for name, value in dialect.options.items() if name not in _SETTINGS}
        return replace(dialect, columns=(), separator=zeek.unescape(written), options=kept)
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
    """Sure by the header that no other log begins with; without it no line can be read."""
    return 1.0 if any(line.startswith(("#separator \\x", "#fields\tts\t")) for line in lines) else 0.0


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


def _plan_of(dialect: Dialect) -> _Plan:
    columns = dialect.columns or tuple(dialect.options.get("fields", "").split())
    if not columns:
        raise RefusedLine(_NO_HEADER)
    return _plan(columns)


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
