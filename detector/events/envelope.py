"""The syslog header around a line: RFC 3164, RFC 5424, ISO stamps of rsyslog; peeled once, for all formats.

Besides these: the facility and level that FreeBSD (``<mail.info>`` behind the stamp) and Solaris (``[ID 7 mail.info]``
behind the tag) add, the columns of Kiwi Syslog's files, date, time, level, host and message with tabs between them, and
what Wazuh and OSSEC put before the lines of their archives: ``2020 Feb 27 10:00:00 (gw1) 192.0.2.1->/var/log/a.log ``.
Structured data is peeled with the header, but for NXLog's, which are the record itself.

References: https://www.rfc-editor.org/rfc/rfc3164 section 4.1, https://www.rfc-editor.org/rfc/rfc5424 section 6
(unverified from here).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from detector.events import stamps

if TYPE_CHECKING:
    from detector.events.format import Dialect


class Envelope(StrEnum):
    """What stands around the lines of a file."""

    NONE = ""
    SYSLOG = "syslog"
    """A syslog header; the body starts with the program's tag, ``postfix/qmgr[7]: …``."""
    TAGGED = "syslog-tag"
    """A syslog header and a tag; the body starts behind the tag."""


class Header(NamedTuple):
    """A peeled header.

    Attributes:
        at: the stamp as written, see ``instant``; empty where the line has but a priority.
        host: the sending host, empty where the line names none.
        body: what is left of the line; with a tag for ``Envelope.SYSLOG``.
    """

    at: str
    host: str
    body: str


_PRIORITY = r"(?:<\d{1,3}>)?"
_STAMP = (
    r"(?P<at>[A-Z][a-z]{2} [ \d]?\d(?: \d{4})? \d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \d{4}(?= ))?"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
)
_TAG = r"[^\s:\[\]]{1,64}+(?:\[[^\]\s]{0,32}\])?:"
_LEVEL = r"\w{1,20}\.\w{1,20}"
_SOLARIS = rf"\[ID \d{{1,10}} {_LEVEL}\] "
CLASSIC = rf"{_PRIORITY}{_STAMP}:? +(?:<{_LEVEL}> +)?(?:(?P<host>(?!{_TAG}(?: |$))\S{{1,255}}) +)?"
"""The pattern of all headers but RFC 5424's and those that begin with a date and a blank: stamp, then host."""
TAGGED_CLASSIC = rf"{CLASSIC}(?:(?:{_TAG}|:) ?)?(?:{_SOLARIS})?"
"""The same with the tag behind it."""
_HEAD, _TAGGED_HEAD = re.compile(CLASSIC), re.compile(TAGGED_CLASSIC)
_TAG_AND_ID = re.compile(rf"({_TAG} ){_SOLARIS}")
_DATE = r"\d{4}-\d\d-\d\d"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_KIWI = re.compile(rf"(?P<date>{_DATE})[ \t](?P<clock>{_CLOCK})\t{_LEVEL}\t(?P<host>\S{{1,255}})\t(?P<tag>{_TAG} ?)?")
_SPACED = re.compile(
    rf"(?P<date>{_DATE}) (?P<clock>{_CLOCK}(?:Z|[+-]\d\d:?\d\d)?) (?P<host>\S{{1,255}}) "
    r"(?P<tag>[\w./-]{1,64}\[\d{1,10}\]: )"
)
"""ISO with a blank is how many logs begin that are not syslog: only a host and a program's number behind it tell."""
_MODERN = re.compile(
    rf"<?\d{{0,3}}>?1 +{_STAMP} (?P<host>\S{{1,255}}) (?P<app>\S{{1,48}}) (?P<pid>\S{{1,128}}) (?P<id>\S{{1,32}}) "
    r'(?:-|(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*")*\])+)(?: |\Z)',
    re.DOTALL,
)
_RECORD = "[NXLOG@"
_BARE = re.compile(rf"<\d{{1,3}}>(?![\s<]|1 +\d)(?P<tag>{_TAG} )?")
_WAZUH = re.compile(
    r"(?P<year>\d{4}) (?P<day>[A-Z][a-z]{2} [ \d]\d) (?P<clock>\d\d:\d\d:\d\d) (?:\([^()]{1,255}\) )?"
    r"(?P<host>[^\s>]{1,255})->\S{1,255} "
)
_ID_BEFORE = 200
_VERSION_BEFORE = 7
"""The first blank of a RFC 5424 header stands before this place, behind the version: no other line is looked at."""


def peel(text: str, envelope: Envelope) -> Header | None:
    """The header and body of a line, ``None`` where the line has no such header.

    >>> peel("<22>Feb 27 10:00:00 mx1 postfix/qmgr[7]: 4F3: removed", Envelope.SYSLOG).body
    'postfix/qmgr[7]: 4F3: removed'
    >>> peel("Feb 27 10:00:01 relay <22>Feb 27 10:00:00 mx1 postfix/qmgr[7]: 4F3: removed", Envelope.SYSLOG).host
    'mx1'
    >>> peel("<30>1 2020-02-27T10:00:00Z gw squid 12 - - 1582797600.1 5 x", Envelope.TAGGED).body
    '1582797600.1 5 x'
    """
    header = _peel(text, envelope)
    if header is None and text[4:5] == " " and (found := _WAZUH.match(text)):
        body = text[found.end() :]
        return _peel(body, envelope) or Header(f"{found['day']} {found['year']} {found['clock']}", found["host"], body)
    if header is not None and header.body[:1] == "<":  # of a relay that wrote its own before the sender's
        inner = _peel(header.body, envelope)
        return inner if inner is not None and inner.at else header
    return header


def _peel(text: str, envelope: Envelope) -> Header | None:
    blank = text.find(" ", 1, _VERSION_BEFORE)
    if blank > 0 and text[blank - 1] == "1" and (found := _MODERN.match(text)):
        body = text[found.end() :].removeprefix("\ufeff")
        if text.startswith(_RECORD, found.end("id") + 1):
            body = text[found.end("id") + 1 :]
        if envelope is Envelope.SYSLOG:
            pid = "" if found["pid"] == "-" else f"[{found['pid']}]"
            body = f"{found['app']}{pid}: {body}"
        return Header(found["at"], "" if found["host"] == "-" else found["host"], body)
    found = (_TAGGED_HEAD if envelope == "syslog-tag" else _HEAD).match(text)
    if found is None:
        return _peel_columns(text, envelope) or _peel_priority(text, envelope)
    at, host = found.groups()
    body = text[found.end() :]
    if envelope == "syslog" and text.find("[ID ", 0, _ID_BEFORE) > 0:
        body = _TAG_AND_ID.sub(r"\1", body, count=1)
    return Header(at, host or "", body)


def _peel_columns(text: str, envelope: Envelope) -> Header | None:
    """The header of a line that begins with an ISO date without ``T``, ``None`` where it has none."""
    if text[4:5] != "-" or (found := _KIWI.match(text) or _SPACED.match(text)) is None:
        return None
    end = found.end() if envelope == "syslog-tag" or found["tag"] is None else found.start("tag")
    return Header(f"{found['date']}T{found['clock']}", found["host"], text[end:])


def _peel_priority(text: str, envelope: Envelope) -> Header | None:
    """The header of a line with nothing but a priority, as some write to the network what their file holds."""
    if text[:1] != "<" or (found := _BARE.match(text)) is None:
        return None
    end = found.end() if envelope == "syslog-tag" or found["tag"] is None else found.start("tag")
    return Header("", "", text[end:])


def instant(header: Header, dialect: Dialect) -> int | None:
    """The header's stamp as an instant, ``None`` where its year cannot be known."""
    return _instant_of(header.at, dialect)


def known_instant(header: Header, dialect: Dialect) -> int | None:
    """The same, ``None`` also where the stamp is broken: refusing a line for its time alone would lose a sighting."""
    return known_instant_of(header.at, dialect)


def known_instant_of(at: str, dialect: Dialect) -> int | None:
    """The same of a header's stamp."""
    try:
        return _instant_of(at, dialect)
    except (ValueError, OverflowError):
        return None


def _instant_of(at: str, dialect: Dialect) -> int | None:
    if not at:
        return None
    if at[:1].isdigit():
        return stamps.iso(at, dialect.zone)
    return stamps.syslog(at, dialect.zone, dialect.written_until)
