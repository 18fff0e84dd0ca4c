r"""Patterns that read who asked for which host out of a whole chunk at once, without parsing its lines.

A pattern reads a line only where it is sure to read the same as the format: plain names, plain addresses. Every line
that it does not read is parsed in full. So a pattern may pass lines over, and must never read another host or person
than the format does; ``tests/test_discovery.py`` compares the two on every sample log.

Possessive quantifiers make them a quarter faster and keep them linear: what was read is never given back.

A line with empty groups is one in which the format sees no use (a login challenge, an answer to a question).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.events import Envelope

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.events import Dialect, LogFormat

_HOST = r"(?P<host>[\w.-]++)"
_IP = r"(?P<address>[\da-fA-F.:]++)"
_USER = r"(?P<user>[\w.@-]++)"
_SYSLOG = (
    r"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-][\d:]+)?) "
    r"(?:[\w.-]+ )?[^\s:\[\]]{1,64}(?:\[\w*\])?: "
)
_BIND_STAMP = r"(?:\d\d-[A-Z][a-z]{2}-\d{4} [\d:.]+ |\d{4}-\d\d-\d\d[T ][\d:.]+Z? )?"
_ZEEK = {
    "id.orig_h": _IP, "host": _HOST, "query": _HOST, "server_name": _HOST, "username": _USER,
    "method": r"(?:GET|POST|HEAD|PUT|OPTIONS|PATCH|DELETE)", "uri": r"/[^\t\n]*", "status_code": r"(?!40[17])[\d-]+",
}  # fmt: skip
_ZEEK_SETTINGS = {"set_separator": ",", "empty_field": "(empty)", "unset_field": "-"}
_ZEEK_LOGS = (
    ("status_code", "host", ("id.orig_h", "host", "method", "uri", "status_code", "username")),
    ("qtype_name", "query", ("id.orig_h", "query")),
    ("cipher", "server_name", ("id.orig_h", "server_name")),
)
_ELFF = {
    "c-ip": _IP, "cs-username": r'"?' + _USER + r'"?', "cs-host": _HOST, "sc-status": r"(?!40[17])[\d-]+",
    "s-action": r"(?!\S*AUTH_REDIRECT)[\w-]+", "x-exception-id": r"(?!(?i:authentication_))[\w-]+",
    "sc-filter-result": r"[\w-]+",
}  # fmt: skip
_ELFF_NEEDED = frozenset({"c-ip", "cs-host", "sc-status", "cs-username"})
_ELFF_OTHERS = frozenset({"cs-userdn", "cs-uri", "c-uri", "x-cs-dns", "cs-user", "x-forwarded-for", "c-dns"})


def glance_of(log_format: LogFormat, dialect: Dialect) -> re.Pattern[bytes] | None:
    """The pattern of a format under a dialect, ``None`` where lines must be parsed.

    Its groups are ``address``, ``host`` and, where the format knows users, ``user``.
    """
    made = _GLANCES.get(log_format.name)
    text = None if made is None else made(dialect)
    return None if text is None else _compiled(text)


@lru_cache(maxsize=64)
def _compiled(text: str) -> re.Pattern[bytes]:
    return re.compile(rf"^{text}\n".encode(), re.MULTILINE)


def _squid(dialect: Dialect) -> str | None:
    if dialect.options or dialect.envelope is not Envelope.NONE:
        return None
    challenge = r"[A-Z_]+/40[17] [^\n]*"
    url = rf"(?:https?://)?+{_HOST}(?::\d++)?+(?:/[!-~\x80-\xff]*+)?+"
    request = (
        rf"[A-Z_]+(?<!AUTH_REDIRECT)/(?!40[17])\d{{3}} \d+ [A-Z]+ {url} {_USER} [A-Z][A-Z0-9_]*/[\w.:-]++ [\w./+;=-]++"
    )
    return rf"\d++\.\d++ ++\d++ (?:{_IP} {request}|[\w.:]+ {challenge})"


def _bind(dialect: Dialect) -> str | None:
    head = _BIND_STAMP if dialect.envelope is Envelope.NONE else _SYSLOG
    client = rf"client (?:@0x[\da-f]+ )?{_IP}#\d+(?: \([^ \n]*\))?: (?:view [\w.-]+: )?"
    return rf"{head}(?:queries: )?(?:info: )?{client}query: {_HOST} [A-Z]+ [A-Z0-9]+(?: [^\n]*)?"


def _unbound(dialect: Dialect) -> str | None:
    if dialect.options:
        return None
    head = "" if dialect.envelope is Envelope.NONE else _SYSLOG
    return rf"{head}\[\d+(?::\d+)?\] (?:[\w.-]+\[\d+:\d+\] )?info: {_IP} {_HOST} [A-Z0-9-]+ IN"


def _dnsmasq(dialect: Dialect) -> str | None:
    head = r"(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8} )?(?:dnsmasq(?:\[\d*\])?: )?"
    if dialect.envelope is not Envelope.NONE:
        head = _SYSLOG
    said = rf"(?:query|auth)\[[\w=-]*\] {_HOST} from {_IP}|(?:forwarded|reply|cached) [^\n]*"
    return rf"{head}(?:\d+ [\da-fA-F.:]+/\d+ )?(?:{said})"


def _zeek(dialect: Dialect) -> str | None:
    names = dialect.columns
    if not dialect.options.items() <= _ZEEK_SETTINGS.items():
        return None
    if dialect.envelope is not Envelope.NONE or dialect.separator not in ("", "\t"):
        return None
    for sign, host, wanted in _ZEEK_LOGS:
        if sign in names and host in names and "id.orig_h" in names and len(set(names)) == len(names):
            return r"\t".join(_ZEEK[name] if name in wanted else r"[^\t\n]*" for name in names)
    return None


def _elff(dialect: Dialect) -> str | None:
    names = dialect.columns
    if dialect.options or dialect.envelope is not Envelope.NONE or not set(names) >= _ELFF_NEEDED:
        return None
    if len(set(names)) != len(names) or _ELFF_OTHERS & set(names):
        return None
    return " +".join(_ELFF.get(name, r'(?:"[^"\n]*"|[^\s"\[]+)') for name in names)


_GLANCES: dict[str, Callable[[Dialect], str | None]] = {
    "squid": _squid,
    "bind_querylog": _bind,
    "unbound": _unbound,
    "dnsmasq": _dnsmasq,
    "zeek_tsv": _zeek,
    "bluecoat_proxysg": _elff,
}
