"""The syslog header around a line: RFC 3164, RFC 5424, ISO stamps of rsyslog; peeled once, for all formats.

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
        at: the stamp as written, see ``instant``.
        host: the sending host, empty where the line names none.
        body: what is left of the line; with a tag for ``Envelope.SYSLOG``.
    """

    at: str
    host: str
    body: str


_PRIORITY = r"(?:<\d{1,3}>)?"
_STAMP = (
    r"(?P<at>[A-Z][a-z]{2} [ \d]\d(?: \d{4})? \d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \d{4}(?= ))?"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
)
_TAG = r"[^\s:\[\]]{1,64}+(?:\[[^\]\s]{0,32}\])?:"
_CLASSIC = rf"{_PRIORITY}{_STAMP}:? +(?:(?P<host>(?!{_TAG}(?: |$))\S{{1,255}}) +)?"
_HEAD, _TAGGED_HEAD = re.compile(_CLASSIC), re.compile(rf"{_CLASSIC}(?:{_TAG} ?)?")
_MODERN = re.compile(
    rf"<?\d{{0,3}}>?1 +{_STAMP} (?P<host>\S{{1,255}}) (?P<app>\S{{1,48}}) (?P<pid>\S{{1,128}}) \S{{1,32}} "
    r'(?:-|(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*")*\])+)(?: |\Z)',
    re.DOTALL,
)
_VERSION_BEFORE = 7
"""The first blank of a RFC 5424 header stands before this place, behind the version: no other line is looked at."""


def peel(text: str, envelope: Envelope) -> Header | None:
    """The header and body of a line, ``None`` where the line has no such header.

    >>> peel("<22>Feb 27 10:00:00 mx1 postfix/qmgr[7]: 4F3: removed", Envelope.SYSLOG).body
    'postfix/qmgr[7]: 4F3: removed'
    >>> peel("<30>1 2020-02-27T10:00:00Z gw squid 12 - - 1582797600.1 5 x", Envelope.TAGGED).body
    '1582797600.1 5 x'
    """
    blank = text.find(" ", 1, _VERSION_BEFORE)
    if blank > 0 and text[blank - 1] == "1" and (found := _MODERN.match(text)):
        body = text[found.end() :].removeprefix("\ufeff")
        if envelope is Envelope.SYSLOG:
            pid = "" if found["pid"] == "-" else f"[{found['pid']}]"
            body = f"{found['app']}{pid}: {body}"
        return Header(found["at"], "" if found["host"] == "-" else found["host"], body)
    found = (_TAGGED_HEAD if envelope == "syslog-tag" else _HEAD).match(text)
    if found is None:
        return None
    at, host = found.groups()
    return Header(at, host or "", text[found.end() :])


def instant(header: Header, dialect: Dialect) -> int | None:
    """The header's stamp as an instant, ``None`` where its year cannot be known."""
    if header.at[:1].isdigit():
        return stamps.iso(header.at, dialect.zone)
    return stamps.syslog(header.at, dialect.zone, dialect.written_until)


def known_instant(header: Header, dialect: Dialect) -> int | None:
    """The same, ``None`` also where the stamp is broken: a line whose time alone is broken is kept."""
    try:
        return instant(header, dialect)
    except (ValueError, OverflowError):
        return None
