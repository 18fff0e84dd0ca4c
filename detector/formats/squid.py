r"""Squid access log: the native layout and any ``logformat`` string (option ``logformat`` of a source).

Native is ``%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt``:

- ``%ts.%03tu`` seconds since the epoch with milliseconds, UTC; in its place sites also write an ISO date or ``%tl``,
  ``27/Feb/2020:10:00:00 +0100``
- ``%6tr`` milliseconds the request took, padded with blanks (columns shift for who splits on one blank)
- ``%>a`` client address
- ``%Ss/%03>Hs`` what squid did, and the status sent to the client; ``TCP_DENIED`` is refused, 407 asks for a login
- ``%<st`` bytes sent *to* the client: a reply size, never an upload
- ``%rm %ru`` method and URL; ``CONNECT host:port`` hides all but the host
- ``%[un`` user, ``-`` where none; ``%XX`` and ``\\`` where the name holds what would break the line
- ``%Sh/%<a %mt`` where the answer came from, and its content type; ``log_mime_hdrs`` adds ``[request] [reply]``
  headers, many sites ``"%{Referer}>h" "%{User-Agent}>h"``

``1582797600.123     45 10.0.0.7 TCP_TUNNEL/200 5120 CONNECT www.example.com:443 u1042 HIER_DIRECT/192.0.2.1 -``

Lines of a ``logformat`` string: ``grammars/squidformat.py``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine
from detector.events import MICROSECONDS, Action, Col, Kind, LogFormat, Taken, Zone, glance, stamps
from detector.grammars import cacheresult, logformat, many, squidformat, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, Row

_HEAD = re.compile(
    r"\s*(?:[^\s\d]\S{0,63}: +)?(\S+)[ \t]+(-?\d+|-)[ \t]+(\S+)[ \t]+(\S+)[ \t]+(-?\d+|-)[ \t]+(\S+)[ \t]+(?=\S)"
)
_DATED = re.compile(
    r"\s*\[?(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}|"
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^\s\]]{0,16})\]?(?=[ \t])"
)
_HIERARCHY = re.compile(r"[ \t](?:[A-Z][A-Z0-9_]*|-)/\S*(?=[ \t]|$)")
_CODE = re.compile(r"[A-Z_]*(?:DIRECT|NONE|PARENT|SIBLING|HIT|MISS|FASTEST|FAIL|CARP|PINNED|DST|POOL)/")
"""Squid's own hierarchy codes; ``OPR/76.0`` is how browsers call themselves.

Reference: https://wiki.squid-cache.org/SquidFaq/SquidLogs (unverified from here)
"""
_PEER = re.compile(r"(?:[A-Z][A-Z0-9_]*|-)/.*", re.DOTALL)
_AGENT = re.compile(r"\[(?:[^\]]*\\n)?User-Agent: ([^\]]*?)(?:\\r|\\n|\])", re.IGNORECASE)
# Looking a member up on its class costs 70 ns, nine times a line.
_AT, _CLIENT, _USER, _METHOD, _URL = Col.AT, Col.SOURCE_IP, Col.USER, Col.METHOD, Col.URL
_DOMAIN, _STATUS, _RECEIVED, _ACTION = Col.DOMAIN, Col.STATUS, Col.BYTES_RECEIVED, Col.ACTION
_NO_METHOD = ("-", "NONE")
_MARK = "\0"
_COLUMNS = frozenset({
    Col.AT, Col.SOURCE_IP, Col.SOURCE_MAC, Col.USER, Col.METHOD, Col.URL, Col.DOMAIN, Col.SERVER_NAME, Col.STATUS,
    Col.BYTES_SENT, Col.BYTES_RECEIVED, Col.ACTION, Col.USER_AGENT,
})  # fmt: skip


def parse(line: str, dialect: Dialect) -> Row | None:
    """One native or ``logformat`` line to one event."""
    if "logformat" in dialect.options:
        return squidformat.parse(line, dialect)
    if (found := _native(line)) is None:
        return None
    at, fields, status, action = found
    client, domain, size = values.address(fields[1]), values.host_of_url(fields[5]), values.size(fields[3])
    row: Row = {_URL: fields[5]}
    try:
        row[_AT] = stamps.epoch(at)
    except RefusedLine:
        if (moment := _dated(at, dialect)) is not None:
            row[_AT] = moment
    if client is not None:
        row[_CLIENT] = client
    if domain is not None:
        row[_DOMAIN] = domain
    if status is not None:
        row[_STATUS] = status
    if size is not None:
        row[_RECEIVED] = size
    if action is not None:
        row[_ACTION] = action
    if fields[4] not in _NO_METHOD:
        row[_METHOD] = fields[4]
    if fields[6] != "-" and (who := _user(fields[6])) is not None:
        row[_USER] = who
    if len(fields) > 8 and ("[" in fields[8] or len(fields) > 9) and (agent := _agent(fields)):
        row[Col.USER_AGENT] = agent
    return row


def block(lines: Sequence[str], dialect: Dialect) -> Taken | None:
    """Native lines as squid writes them, at once."""
    if "logformat" in dialect.options:
        return None
    ats, _, rests = zip(*[line.partition(" ") for line in lines], strict=True)
    if (columns := _split([rest.lstrip(" ") for rest in rests])) is None:
        return None
    _, clients, results, sizes, methods, urls, users, peers, kinds = columns
    outcomes = {result: cacheresult.outcome(result[:64]) for result in set(results)}
    usual = None not in outcomes.values() and "" not in urls and "" not in users and "[" not in "".join(kinds)
    if not usual or not all(map(_is_peer, set(peers))):
        return None
    statuses, actions = zip(*map(outcomes.__getitem__, results), strict=True)
    try:
        instants = stamps.epochs(ats)
    except RefusedLine:
        return None
    return Taken(range(len(lines)), {
        _AT: instants,
        _CLIENT: many.addresses(clients),
        _URL: urls,
        _DOMAIN: many.hosts_of_urls(urls),
        _STATUS: statuses,
        _ACTION: actions,
        _RECEIVED: many.sizes(sizes),
        _METHOD: [None if method in _NO_METHOD else method for method in methods],
        _USER: _users(users),
    })  # fmt: skip


def _split(rests: Sequence[str]) -> list[list[str]] | None:
    """The nine columns behind the time, ``None`` unless every line has just so many, one blank between them.

    A mark behind each line shows that each has nine, not only that all have nine times as many together.
    """
    text = f" {_MARK} ".join((*rests, ""))
    cells = text.split(" ")
    is_usual = len(cells) == 10 * len(rests) + 1 and cells[9::10].count(_MARK) == text.count(_MARK) == len(rests)
    return [cells[place:-1:10] for place in range(9)] if is_usual else None


def timestamp(line: str, dialect: Dialect) -> int | None:
    """The first field of a native line; the time codes of a ``logformat`` line."""
    if "logformat" not in dialect.options and line[:1].isdigit() and not _DATED.match(line):
        return stamps.epoch(line.split(None, 1)[0])
    row = parse(line, dialect)
    at = None if row is None else row.get(Col.AT)
    return at if isinstance(at, int) else None


def example(row: Row) -> str:
    """A native line."""
    at = row.get(Col.AT, 0)
    seconds, micros = divmod(at if isinstance(at, int) else 0, MICROSECONDS)
    result, usual = _RESULTS.get(str(row.get(Col.ACTION, "")), ("TCP_MISS", 200))
    url = row.get(Col.URL) or f"{row.get(Col.DOMAIN, '-')}:443"
    method = row.get(Col.METHOD) or ("GET" if "://" in str(url) else "CONNECT")
    user = str(row.get(Col.USER, "-")).replace("%", "%25").replace("\\", "\\\\").replace(" ", "%20")
    return (
        f"{seconds}.{micros // 1000:03d}     45 {row.get(Col.SOURCE_IP, '-')} "
        f"{result}/{row.get(Col.STATUS, usual):03d} "
        f"{row.get(Col.BYTES_RECEIVED, 0)} {method} {url} {user} HIER_DIRECT/192.0.2.1 -"
    )


_RESULTS: dict[str, tuple[str, int]] = {Action.DENIED: ("TCP_DENIED", 403), Action.CHALLENGE: ("TCP_DENIED", 407)}


def _native(line: str) -> tuple[str, list[str], int | None, Action | None] | None:
    """The time, the other fields, the status and what squid did; ``None`` for a line that is no event."""
    at, _, rest = line.partition(" ")
    fields = rest.lstrip(" ").split(" ", 8)
    said = cacheresult.outcome(fields[2][:64]) if len(fields) > 7 else None
    if said is None or not fields[5] or not fields[6] or not _is_peer(fields[7]) or " " in fields[-1]:
        if not line or line.isspace() or line.startswith("#"):
            return None
        at, fields = _fields(line)
        said = cacheresult.outcome(fields[2][:64])
        if said is None:
            raise RefusedLine("not squid's result and status")
    return at, fields, *said


def _fields(line: str) -> tuple[str, list[str]]:
    """The time and the other fields of a line with a tag, tabs, or blanks inside the URL (``uri_whitespace allow``).

    The last hierarchy code counts: one inside the URL could be forged by who asks for it. Quoted headers at the end,
    which could be forged too, are taken off before.
    """
    head = _HEAD.match(line)
    if not head:
        if (dated := _DATED.match(line)) is None:
            raise RefusedLine("not squid's native layout")
        return dated[1], _fields(f"0{line[dated.end() :]}")[1]
    rest, quoted = _tail(line[head.end() :].rstrip())
    request, bracket, headers = rest.partition(" [")
    ends = list(_HIERARCHY.finditer(request)) or list(_HIERARCHY.finditer(rest))
    if not ends:
        raise RefusedLine("not squid's native layout")
    end = next((found for found in reversed(ends) if _CODE.match(found[0], 1)), ends[-1])
    before = rest[: end.start()].rstrip()
    cut = max(before.rfind(" "), before.rfind("\t"))
    if cut < 0:
        raise RefusedLine("not squid's native layout")
    agent = next((one for one in quoted if "/" in one and not one.startswith(("http://", "https://"))), "")
    peer, known = end[0], f"{bracket}{headers}"
    return head[1], [*head.groups()[1:], before[:cut].rstrip(), before[cut + 1 :], peer, known, agent]


def _agent(fields: Sequence[str]) -> str:
    """The user agent of the headers behind a line, empty where they tell none."""
    if found := _AGENT.match(fields[8], max(fields[8].find("["), 0)):
        return logformat.unescape(found[1], "[")
    return logformat.unescape(fields[9], '"') if len(fields) > 9 else ""


def _tail(rest: str) -> tuple[str, list[str]]:
    """What stands before the quoted headers that end a line, and these."""
    pieces = rest.split('"')
    if len(pieces) < 3 or not len(pieces) & 1 or pieces[-1]:
        return rest, []
    first = len(pieces) - 2
    while first > 2 and pieces[first - 1] == " ":
        first -= 2
    return '"'.join(pieces[:first]).rstrip(), pieces[first::2]


def _dated(at: str, dialect: Dialect) -> int | None:
    """The instant of a date, ``None`` where it is none: a sighting whose time is unknown is still a sighting."""
    try:
        return stamps.clf(at, dialect.zone) if "/" in at else stamps.iso(at, dialect.zone) if "-" in at[1:] else None
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def _is_peer(hierarchy: str) -> bool:
    return _PEER.fullmatch(hierarchy) is not None


def _user(value: str) -> str | None:
    return values.user(logformat.unescape(value, "[") if "%" in value or "\\" in value else value)


_users = many.distinct(_user)


def _glance(dialect: Dialect) -> glance.Cut | None:
    if dialect.options or dialect.envelope:
        return None
    return glance.Cut(
        separator=b" ",
        width=10,
        host=glance.Field(6, r"([\w.-]++)(?::\d++)?+/?+", part=glance.Part.AUTHORITY),
        address=glance.Field(2, glance.ADDRESS),
        user=glance.Field(7, glance.USER),
        checks=(
            glance.Field(3, r"(?![A-Z_]*AUTH_REDIRECT)[A-Z][A-Z_]*/(?!40[17])\d{3}", idle=r"[A-Z][A-Z_]*/40[17]"),
            glance.Field(8, r"[A-Z][A-Z0-9_]*/", part=glance.Part.TO_SLASH),
        ),
        numbers=(0,),
        padded=frozenset({1}),
    )


FORMAT = LogFormat(
    name="squid",
    kind=Kind.PROXY,
    title="Squid access log (native, any logformat)",
    reference="https://www.squid-cache.org/Versions/v4/cfgman/logformat.html",
    parse=parse,
    timestamp=timestamp,
    example=example,
    columns=_COLUMNS,
    zone=Zone.UTC,
    block=block,
    glance=_glance,
)
