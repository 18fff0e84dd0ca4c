"""Cells of a site's own feed, to values of an event's columns and back."""

from __future__ import annotations

from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from detector.events import MICROSECONDS, Action, Col, stamps, to_iso
from detector.events.instants import to_datetime
from detector.grammars import mail, strftime, values

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet
    from datetime import tzinfo

    from detector.events import Dialect, Row, Value

Reader: TypeAlias = "Callable[[str], Value | None]"
"""One cell's text, neither empty nor a lone dash, to the value of a column."""

TIMES = ("iso", "epoch", "clf", "syslog")
"""How a feed may write its time, besides a ``strptime`` pattern."""

COLUMNS = frozenset(Col) - {Col.KIND, Col.PATH, Col.OFFSET, Col.LINE, Col.TRANSACTION, Col.START, Col.END}
"""The columns that a feed can fill."""

_DIRECTIONS = {
    "inbound": "inbound", "incoming": "inbound", "in": "inbound", "outbound": "outbound", "outgoing": "outbound",
    "out": "outbound", "internal": "internal", "intra-org": "internal",
}  # fmt: skip
_YEARS = ("%Y", "%y", "%s", "%F", "%D", "%c")
_DOMAIN, _URL, _SERVER_NAME = Col.DOMAIN, Col.URL, Col.SERVER_NAME  # bound once: it is slow to look an enum up
_LEAP_YEAR = 2000


def reader_of(column: Col) -> Reader:
    """What reads the cells of a column; nonsense gives ``None`` and costs the column, never the line.

    Times are read by ``instant``: they need to know more than their text.
    """
    return _READERS.get(column, values.text)


def instant(text: str, time: str, dialect: Dialect) -> int | None:
    """The instant of a stamp written as ``time`` says, ``None`` where it is none."""
    try:
        if time == "iso":
            return stamps.iso(text, dialect.zone)
        if time == "epoch":
            return stamps.epoch(text)
        if time == "clf":
            return stamps.clf(text, dialect.zone)
        if time == "syslog":
            return stamps.syslog(text, dialect.zone, dialect.written_until)
        return _patterned(text, time, dialect.zone, dialect.written_until)
    except (ValueError, OverflowError):
        return None


def constant(column: Col, text: str) -> Value:
    """The value that every line of a feed has; an empty text where the column cannot hold it."""
    if column is Col.AT:
        return ""
    return reader_of(column)(text) or ""


def complete(row: Row) -> None:
    """Fill what follows from the other columns: the host of the URL or of the TLS name."""
    if _DOMAIN in row:
        return
    url = row.get(_URL)
    if isinstance(url, str) and (host := values.host_of_url(url)):
        row[_DOMAIN] = host
    elif _SERVER_NAME in row:
        row[_DOMAIN] = row[_SERVER_NAME]


def derived(columns: AbstractSet[Col]) -> AbstractSet[Col]:
    """What ``complete`` may add to these columns."""
    return {Col.DOMAIN} if columns & {Col.URL, Col.SERVER_NAME} else set()


def written(column: Col, row: Row, time: str) -> str | None:
    """The text of an event's column as the feed would write it, ``None`` where the event does not hold it.

    An event that names a host only is a tunnel: ``CONNECT host:443``.
    """
    found = row.get(column)
    if isinstance(found, int):
        return _stamp(found, time) if column is Col.AT else str(found)
    if isinstance(found, list):
        return ",".join(found)
    if found is not None:
        return found.value if isinstance(found, Action) else found
    domain = row.get(Col.DOMAIN) or row.get(Col.SERVER_NAME)
    guesses = {
        Col.URL: f"{domain}:443" if domain else None,
        Col.METHOD: "CONNECT" if domain and Col.URL not in row else None,
        Col.DOMAIN: domain or values.host_of_url(str(row.get(Col.URL, ""))),
        Col.SERVER_NAME: domain,
        Col.FROM: row.get(Col.SENDER),
        Col.SENDER: row.get(Col.FROM),
    }
    guess = guesses.get(column)
    return guess if isinstance(guess, str) else None


@lru_cache(maxsize=4096)
def _patterned(text: str, pattern: str, zone: tzinfo, written_until: int | None) -> int | None:
    if any(year in pattern for year in _YEARS):
        return strftime.instant(text, pattern, zone)
    moment = to_datetime(strftime.instant(f"{_LEAP_YEAR} {text}", f"%Y {pattern}", UTC))
    year = stamps.year_of(moment.month, moment.day, written_until)
    return None if year is None else strftime.instant(f"{year} {text}", f"%Y {pattern}", zone)


def _stamp(at: int, time: str) -> str:
    if time == "iso":
        return to_iso(at)
    if time == "epoch":
        return f"{at // MICROSECONDS}.{at % MICROSECONDS:06d}"
    pattern = {"clf": "[%d/%b/%Y:%H:%M:%S +0000]", "syslog": "%b %d %H:%M:%S"}.get(time, time)
    return to_datetime(at).strftime(pattern)


def _address(text: str) -> str | None:
    return values.address(text) or values.address(values.host(text))


def _question(text: str) -> str | None:
    return values.lower(text).removesuffix(".") or None


def _from_name(text: str) -> str | None:
    return mail.display_name(text) if "@" in text else mail.decode_subject(text) or None


def _message_id(text: str) -> str | None:
    return text.removeprefix("<").removesuffix(">").strip() or None


def _action(text: str) -> Action | None:
    word = text.lower()
    return Action(word) if word in list(Action) else None


def _authentication(text: str) -> str | None:
    word = text.lower()
    return word if word in ("pass", "fail") else None


_READERS: dict[Col, Reader] = {
    Col.SOURCE_IP: _address,
    Col.USER: values.user,
    Col.DOMAIN: values.host_of_url,
    Col.SERVER_NAME: values.host,
    Col.QUESTION: _question,
    Col.STATUS: values.status,
    Col.BYTES_SENT: values.size,
    Col.BYTES_RECEIVED: values.size,
    Col.ACTION: _action,
    Col.FROM: mail.address,
    Col.FROM_NAME: _from_name,
    Col.SENDER: mail.address,
    Col.TO: mail.addresses,
    Col.SUBJECT: mail.decode_subject,
    Col.MESSAGE_ID: _message_id,
    Col.DIRECTION: lambda text: _DIRECTIONS.get(text.lower()),
    Col.AUTHENTICATION: _authentication,
}
