"""The columns of W3C proxy logs (ProxySG, Cloud SWG, ISA Server, TMG, Cisco W3C): many names, one meaning each.

Reference: "SG Appliance, Volume 8: Access Logging", https://techdocs.broadcom.com/
"""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from detector.errors import RefusedLine
from detector.events import glance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from detector.events import Dialect


class Fields(NamedTuple):
    """What an event is made of, as the line writes it; empty where the line has no such field.

    Attributes:
        date: UTC.
        time: of day, UTC.
        stamp: date and time in one, with or without a zone, or seconds since the epoch.
        client: address of the client.
        client_name: its name.
        user: who logged in.
        user_dn: the same as the directory calls them.
        method: of the request.
        url: the whole URL.
        client_url: the whole URL before the proxy rewrote it.
        scheme: of the URL, ``tcp`` or ``ssl`` for tunnels.
        host: of the URL.
        port: of the URL.
        path: of the URL.
        query: of the URL, with or without its question mark.
        status: of the reply; with a cache result in ``done`` where it is written there.
        sent: bytes sent by the client, else those that the proxy sent to the server.
        received: bytes of the reply, else those that the server sent.
        verdict: what the policy said.
        done: what the proxy did.
        exception: why there was no answer.
        agent: user agent.
    """

    date: str
    time: str
    stamp: str
    client: str
    client_name: str
    user: str
    user_dn: str
    method: str
    url: str
    client_url: str
    scheme: str
    host: str
    port: str
    path: str
    query: str
    status: str
    sent: str
    received: str
    verdict: str
    done: str
    exception: str
    agent: str


NAMES = Fields(
    date="date",
    time="time",
    stamp="gmttime localtime x-timestamp-unix-utc timestamp date-time datetime x-timestamp-unix",
    client="c-ip client-ip cs-ip",
    client_name="c-dns c-host",
    user="cs-username cs-user cs-auth-user c-username",
    user_dn="cs-userdn",
    method="cs-method s-operation",
    url="cs-uri cs-url url",
    client_url="c-uri c-url",
    scheme="cs-uri-scheme c-uri-scheme cs-protocol",
    host="cs-host cs-uri-host r-host c-uri-host cs(host) cs-uri-hostname",
    port="cs-uri-port c-uri-port r-port",
    path="cs-uri-path cs-uri-stem c-uri-path",
    query="cs-uri-query c-uri-query",
    status="sc-status sc-http-status",
    sent="cs-bytes sr-bytes",
    received="sc-bytes sc-body-size rs-bytes",
    verdict="sc-filter-result",
    done="s-action x-resultcode-httpstatus sc-result-code x-result-code action",
    exception="x-exception-id x-acltag",
    agent="cs(user-agent) cs-user-agent c-agent user-agent",
)
"""The columns that can hold each field, best first; each also with ``x-`` in front."""
_ALIASES = tuple(tuple(name for alias in names.split() for name in (alias, f"x-{alias}")) for names in NAMES)


@lru_cache(maxsize=256)
def picker(names: tuple[str, ...]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """A picker of what ``Fields`` is made of, from the values of a line with an empty one added at its end.

    Raises:
        RefusedLine: the names hold neither a host nor a URL.

    >>> Fields._make(picker(("X-cs-method", "cs-host"))(["GET", "www.example.com", ""]))[7::4]
    ('GET', 'www.example.com', '', '')
    """
    lower = [name.lower() for name in names]
    places = [next((lower.index(name) for name in aliases if name in lower), -1) for aliases in _ALIASES]
    have = Fields._make(place >= 0 for place in places)
    if not (have.host or have.url or have.client_url or have.path):
        raise RefusedLine("its header names neither a host nor a URL")
    return itemgetter(*places)


def glance_of(dialect: Dialect) -> glance.Cut | None:
    """How lines are read at a glance whose columns name the client, the host, the status and the user once each."""
    names = dialect.columns
    if dialect.options or dialect.envelope or len(set(names)) < len(names):
        return None
    if not set(names) >= _NEEDED or _OTHERS & set(names):
        return None
    return glance.Cut(
        separator=b" ",
        width=len(names),
        host=glance.Field(names.index("cs-host"), glance.HOST),
        address=glance.Field(names.index("c-ip"), glance.ADDRESS),
        user=glance.Field(names.index("cs-username"), rf'"?{glance.USER}"?'),
        checks=tuple(glance.Field(names.index(name), pattern) for name, pattern in _PLAIN.items() if name in names),
        padded=frozenset(range(1, len(names))),
        is_quoted=True,
        odd=b"[\t\r\v\f",
    )


_NEEDED = frozenset({"c-ip", "cs-host", "sc-status", "cs-username"})
_OTHERS = frozenset({"cs-userdn", "cs-uri", "c-uri", "x-cs-dns", "cs-user", "x-forwarded-for", "c-dns"})
_PLAIN = {
    "sc-status": r"(?!40[17]|12209)[\d-]+",
    "s-action": r"(?!\S*AUTH_REDIRECT)[\w-]+",
    "x-exception-id": r"(?!(?i:authentication_))[\w-]+",
    "sc-filter-result": r"[\w-]+",
}
"""What the fields that may tell of a login challenge are in a line that does not."""
