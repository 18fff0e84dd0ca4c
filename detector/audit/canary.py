"""A synthetic line must be sighted: the live proof behind every "not observed".

``sighted`` takes an indicator through the rooms that a real line goes through: the format renders it, the prefilter
must find it in the bytes, the format must read it, the match must sight it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import Col, Dialect, Kind, Line, Row, read_lines
from detector.scan import Fragment, joined
from detector.signatures import IndicatorKind
from detector.sources import laid_out

if TYPE_CHECKING:
    from detector.events import LogFormat
    from detector.match import Sighting
    from detector.scan import Scanner
    from detector.signatures import Indicator, Ruleset

_AT = 1_582_797_600_000_000
_SUBJECT = "Verify your email address"


def sighted(scanner: Scanner, log_format: LogFormat, event: Row, dialect: Dialect | None = None) -> list[Sighting]:
    """The sightings that a synthetic event gives when its format's own lines go through all rooms."""
    text = "\n".join(filter(None, (log_format.preamble, log_format.example(event)))) + "\n"
    data = bytearray(laid_out(text.encode(), log_format.layout))
    found = scanner.prefilter(log_format).candidates(data, len(data))
    if log_format.join is not None and found:
        found = _lines(data)  # one transaction: its keys give the other lines
    lines = [Line(start, bytes(data[start:end])) for start, end in found]
    reading = read_lines(log_format, dialect or Dialect(written_until=_AT), lines)
    if log_format.join is None:
        return list(scanner.matcher.match(reading.batch))
    batch = reading.batch
    fragments = [
        Fragment(str(key), 0, "", "", batch.offsets[index], batch.lines[index],
                 {name: cell for name, cells in batch.columns.items() if (cell := cells[index]) is not None})
        for index, key in enumerate(batch.column(Col.TRANSACTION))
    ]  # fmt: skip
    return [one for _, whole in joined(fragments, log_format) for one in scanner.matcher.match(whole)]


def _lines(data: bytearray) -> list[tuple[int, int]]:
    spans, start = [], 0
    for line in data.split(b"\n")[:-1]:
        spans.append((start, start + len(line)))
        start += len(line) + 1
    return spans


def event_for(indicator: Indicator, log_format: LogFormat) -> Row | None:
    """An event that must be sighted as an indicator's service; ``None`` where the format cannot carry it."""
    host = indicator.host.replace("*", "x1")
    at = _AT if indicator.is_valid_at(_AT) else (indicator.valid_until or indicator.valid_from or _AT) - 1_000_000
    if log_format.kind not in (Kind.PROXY, Kind.DNS):
        return None
    if log_format.kind is Kind.DNS:
        return None if indicator.path else {Col.AT: at, Col.SOURCE_IP: "10.0.0.7", Col.QUESTION: host}
    event: Row = {Col.AT: at, Col.SOURCE_IP: "10.0.0.7", Col.USER: "u1042", Col.DOMAIN: host, Col.STATUS: 200}
    if indicator.path:
        if Col.URL not in log_format.columns:
            return None
        method = indicator.methods[0] if indicator.methods else "GET"
        query = f"?{indicator.query}=1" if indicator.query else ""
        event |= {Col.METHOD: method, Col.URL: f"http://{host}{indicator.path}{query}"}
        event[Col.BYTES_SENT] = max(indicator.min_request_bytes, 100)
    return event


def mail_event_for(domain: str) -> Row:
    """A mail from a service's own domain."""
    sender = f"noreply@{domain}"
    return {
        Col.AT: _AT, Col.FROM: sender, Col.SENDER: sender, Col.TO: ["u1042@example.org"], Col.SUBJECT: _SUBJECT,
        Col.MESSAGE_ID: f"1@{domain}", Col.DIRECTION: "inbound",
    }  # fmt: skip


def grant_event_for(name: str, log_format: LogFormat) -> Row | None:
    """Somebody lets an application of that name act for them; ``None`` where the format cannot say it."""
    if Col.APPLICATION not in log_format.columns:
        return None
    return {Col.AT: _AT, Col.USER: "u1042@example.org", Col.SOURCE_IP: "10.0.0.7", Col.APPLICATION: name}


def proves(scanner: Scanner, log_format: LogFormat, ruleset: Ruleset) -> bool:
    """Whether one indicator of the ruleset is sighted in a format: the canary of an audit."""
    if log_format.kind is Kind.MAIL:
        domains = (domain for signature in ruleset.signatures for domain in signature.mail.domains)
        domain = next(domains, None)
        return domain is None or bool(sighted(scanner, log_format, mail_event_for(domain)))
    if log_format.kind is Kind.LOGIN:
        events = (grant_event_for(signature.name, log_format) for signature in ruleset.signatures)
        event = next(events, None)
        return event is None or bool(sighted(scanner, log_format, event))
    for indicator in ruleset.indicators():
        if indicator.kind is IndicatorKind.SUFFIX:
            event = event_for(indicator, log_format)
            return event is None or bool(sighted(scanner, log_format, event))
    return True
