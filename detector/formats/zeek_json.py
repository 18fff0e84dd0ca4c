r"""Zeek logs as one JSON object a line: http, dns, ssl, quic, smtp; the others are passed over.

Written with ``LogAscii::use_json=T`` or by the json-streaming-logs package:

- ``ts`` seconds since the epoch with a fraction, milliseconds (``JSON::TS_MILLIS``) or ISO 8601 (``JSON::TS_ISO8601``)
- ``_path`` the log's name, only of streamed logs; else the keys tell
- ``id.orig_h`` the client; a dotted key, or an object ``id`` with ``orig_h`` where a shipper has unfolded it
- ``host``, ``uri``, ``method``, ``status_code``, ``username``; ``request_body_len`` and ``response_body_len`` are bytes
  of the bodies without headers
- unset fields are left out; characters that cannot be printed are ``\\xNN`` (Zeek's) inside JSON's own escapes

A record without Zeek's own keys is refused, other products' JSON among them. Which fields mean what:
``grammars/zeek.py``.

``{"ts":1582797600.123456,"uid":"CHhAvV","id.orig_h":"10.0.0.7","id.orig_p":50123,"id.resp_h":"192.0.2.1",…}``
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, LogFormat, Taken, Zone
from detector.grammars import jsonline, records, zeek, zeekcells, zeekmails

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row
    from detector.grammars.jsonline import Record

_OWN_KEYS = frozenset(
    {"uid", "uids", "fuid", "conn_uids", "cert_chain_fps", "certificate.subject", "fingerprint", "peer"}
)
"""Keys beside ``ts`` of which every record of Zeek's logs without ``id.orig_h`` holds one."""

_BROKEN_TIME = re.compile(r'^(\s*\{(?:"_path":"\w+",)?"ts":)(?!")[^",\[\]{}]+(?=[,}])')


def parse(line: str, dialect: Dialect) -> Row | None:
    """One object to one event."""
    if not line or line.isspace() or line[0] == "#":
        return None
    record = _record(line)
    log = _log(record)
    if log is None:
        return None
    cells = list(map(record.get, log.fields))
    cells[0] = _written(record)
    cells[1] = _origin(record)
    return log.read(cells, dialect.zone)


def block(lines: Sequence[str], dialect: Dialect) -> Taken | None:
    """Many mails at once; lines of other logs are read one by one."""
    if '"rcptto"' not in lines[0]:
        return None
    places: list[int] = []
    records: list[Record] = []
    for place, line in enumerate(lines):
        try:
            if '"rcptto"' in line and _log(record := _record(line)) is zeek.SMTP:
                places.append(place)
                records.append(record)
        except RefusedLine:
            continue
    fields = [[record.get(name) for record in records] for name in zeekmails.FIELDS]
    cells = [list(map(_written, records)), list(map(_origin, records)), *fields]
    return Taken(places, zeekmails.columns(cells, dialect.zone))


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The key ``ts``."""
    if not line or line.isspace() or line[0] == "#":
        return None
    return zeekcells.instant(_written(_record(line)), dialect.zone)


def sniff(lines: Sequence[str]) -> float:
    """The share of objects with Zeek's own keys; logs that name no host count too."""
    objects = [line for line in lines if line and not line.isspace()]
    return sum(map(_is_zeek, objects)) / len(objects) if objects else 0.0


def example(row: Row) -> str:
    """An http, dns or smtp object, after what the event holds.

    Zeek does not deny, so that ``Action.DENIED`` cannot be written; a challenge is a status 407.
    """
    at = row.get(Col.AT)
    seconds = at / MICROSECONDS if isinstance(at, int) else 0
    connection = {"uid": "CHhAvVGS1DHFjwGM9", zeek.ORIGIN: row.get(Col.SOURCE_IP), "id.orig_p": 50123}
    server = {"id.resp_h": "192.0.2.1", "id.resp_p": 80}
    record = {"ts": seconds, **connection, **server, **_body(row)}
    return orjson.dumps({name: cell for name, cell in record.items() if cell is not None}).decode()


def _body(row: Row) -> Record:
    denied = row.get(Col.ACTION) == Action.DENIED
    if Col.QUESTION in row:
        question = {"query": row[Col.QUESTION], "qtype_name": row.get(Col.QUESTION_TYPE)}
        return {"proto": "udp", "trans_id": 4711, **question, "rejected": denied}
    if Col.SENDER in row or Col.FROM in row:
        envelope = {"mailfrom": row.get(Col.SENDER), "rcptto": row.get(Col.TO), "from": row.get(Col.FROM)}
        text = {"subject": row.get(Col.SUBJECT), "msg_id": row.get(Col.MESSAGE_ID)}
        return {"trans_depth": 1, **envelope, **text, "last_reply": "550 no" if denied else "250 ok"}
    url = str(row.get(Col.URL) or f"{row.get(Col.DOMAIN) or row.get(Col.SERVER_NAME) or '-'}:443")
    plain = url.startswith("http://")
    host, _, path = url.removeprefix("http://").partition("/")
    return {
        "trans_depth": 1,
        "method": row.get(Col.METHOD) or ("GET" if "://" in url else "CONNECT"),
        "host": host if plain else row.get(Col.DOMAIN),
        "uri": f"/{path}" if plain else url,
        "user_agent": row.get(Col.USER_AGENT),
        "request_body_len": row.get(Col.BYTES_SENT, 0),
        "response_body_len": row.get(Col.BYTES_RECEIVED, 0),
        "status_code": 407 if row.get(Col.ACTION) == Action.CHALLENGE else row.get(Col.STATUS, 200),
        "username": row.get(Col.USER),
    }


def _record(line: str) -> Record:
    """The object of a line, also where Kafka's writer put it under the name of its log: ``{"http":{"ts":…}}``."""
    record = _object(line)
    if len(record) == 1:
        ((path, inner),) = record.items()
        if isinstance(inner, dict) and "ts" in inner:
            return {"_path": path, **inner}
    return record


def _object(line: str) -> Record:
    """The object; a ``ts`` that is no JSON (blanked by hand) costs the time, not the sighting."""
    try:
        return jsonline.record(line) if line[:1] in "{[" else records.record(line)
    except RefusedLine:
        mended, times = _BROKEN_TIME.subn(r"\1null", line, count=1)
        if not times:
            raise
        return jsonline.record(mended)


def _log(record: Record) -> zeek.Log | None:
    """The log that a record is of, ``None`` where it is one that names no host; other products' are refused."""
    path = record.get("_path")
    if isinstance(path, str):
        return zeek.log_of(record, path)
    _check(record)
    return zeek.log_of(record)


def _origin(record: Record) -> object:
    """The client's address; ``None`` where the record holds none."""
    if (origin := record.get(zeek.ORIGIN)) is not None:
        return origin
    if isinstance(inner := record.get("id"), dict):
        return inner.get("orig_h")
    return next((record[name] for name in zeek.ORIGINS if name in record), None)


def _written(record: Record) -> object:
    """``ts``, or what shippers rename it to; ``_write_ts`` is when Zeek wrote the record, seconds later."""
    return record.get("ts", record.get("@timestamp", record.get("_write_ts")))


def _check(record: Record) -> None:
    if _origin(record) is not None and ("uid" in record or "ts" in record):
        return
    if "ts" not in record or _OWN_KEYS.isdisjoint(record):
        raise RefusedLine("not a Zeek record: neither _path nor ts with uid or id.orig_h")


def _is_zeek(line: str) -> bool:
    try:
        record = _record(line)
        if "_path" not in record:
            _check(record)
    except RefusedLine:
        return False
    own = (
        "_path" in record
        or zeek.ORIGIN in record
        or isinstance(record.get("id"), dict)
        or not _OWN_KEYS.isdisjoint(record)
    )
    return own and ("ts" in record or "_write_ts" in record)


FORMAT = LogFormat(
    name="zeek_json",
    kind=Kind.PROXY,
    title="Zeek (Bro) logs, JSON: http, dns, ssl, quic, smtp",
    reference="unverified: https://docs.zeek.org/en/master/log-formats.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=zeek.COLUMNS,
    zone=Zone.UTC,
    sniff=sniff,
    encoded=zeek.ENCODED,
    block=block,
)
