r"""A table of a vendor's field names becomes a reader of records: key=value, CEF, LEEF, JSON and CSV alike.

A record is a mapping of the vendor's names to cells; ``Table.row`` picks the columns of an event from it. What a format
still writes itself is how its lines become records, when a record happened and what the device did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from detector.errors import RefusedLine
from detector.events import Action, Col
from detector.grammars import dns, jsonline, mail, values

if TYPE_CHECKING:
    from detector.events import Dialect, Row, Value

Cells: TypeAlias = Mapping[str, object]
"""A record: text by the vendor's own names; of JSON also numbers, lists and objects."""

When: TypeAlias = "Callable[[Cells, Dialect], int | None]"
"""The instant of a record, ``None`` where it holds none that can be read."""

Verdict: TypeAlias = Callable[[Cells], Action | None]
"""What the device did, ``None`` where the record does not say."""

Reader: TypeAlias = "Callable[[str], Value | None]"
"""One cell's text, neither empty nor a lone dash, to the value of a column."""

# Looking a member up on its class costs 70 ns, ten times a line.
_AT, _URL, _DOMAIN, _SERVER_NAME, _STATUS, _ACTION = (
    Col.AT, Col.URL, Col.DOMAIN, Col.SERVER_NAME, Col.STATUS, Col.ACTION,
)  # fmt: skip
_CHALLENGE = Action.CHALLENGE
_CHALLENGES = (401, 407)
_SCHEMES = frozenset(("http", "https", "ftp", "ftps", "ws", "wss"))
_WORD_LIMIT = 64
_METHOD_LIMIT = 24
_NO_METHODS = frozenset(("NA", "NONE", "UNKNOWN", "NULL", "OTHER", "INVALID"))


@lru_cache(maxsize=256)
def _method(text: str) -> str | None:
    known = text.isascii() and text.replace("-", "").isalpha() and len(text) < _METHOD_LIMIT
    return text.upper() if known and text.upper() not in _NO_METHODS else None


READERS: Mapping[Col, Reader] = {
    Col.SOURCE_IP: lambda text: values.address(text) or values.address(values.host(text)),
    Col.USER: values.user,
    Col.DOMAIN: values.host_of_url,
    Col.SERVER_NAME: values.host,
    Col.HOST_NAME: values.host,
    Col.QUESTION: dns.name,
    Col.QUESTION_TYPE: dns.type_name,
    Col.METHOD: _method,
    Col.STATUS: values.status,
    Col.BYTES_SENT: values.size,
    Col.BYTES_RECEIVED: values.size,
    Col.FROM: mail.address,
    Col.SENDER: mail.address,
    Col.TO: mail.addresses,
    Col.SUBJECT: mail.decode_subject,
}
"""What reads the cells of a column; nonsense gives ``None`` and costs the column, never the line."""


@dataclass(frozen=True, slots=True)
class Table:
    """A vendor's names, ready to read records.

    Attributes:
        steps: a column, what reads its cells, and the vendor's names of it, best first; dotted ones with their parts.
        scheme: the vendor's name of the URL's scheme, for URLs that are written as a path beside a host.
        when: the instant of a record.
        verdict: what the device did.
    """

    steps: tuple[tuple[Col, Reader, tuple[tuple[str, tuple[str, ...]], ...]], ...]
    scheme: str
    when: When | None
    verdict: Verdict | None

    @property
    def columns(self) -> frozenset[Col]:
        """What its events can hold."""
        held = {step[0] for step in self.steps}
        derived = {Col.DOMAIN} if {Col.URL, Col.SERVER_NAME} & held else set()
        judged = {Col.ACTION} if self.verdict is not None or Col.STATUS in held else set()
        return frozenset(held | derived | judged | {Col.AT})

    def row(self, cells: Cells, dialect: Dialect) -> Row:
        """The event of a record; columns that it does not hold are left out, empty where it holds none."""
        row: Row = {}
        for column, read, names in self.steps:
            for name, path in names:
                cell = cells.get(name)
                if cell is None and (not path or (cell := value_at(cells, path)) is None):
                    continue
                text = cell if type(cell) is str else text_of(cell)
                if not text or text == "-":
                    continue
                value = read(text)
                if value is not None:
                    row[column] = value
                    break
        if self.when is not None and (at := self.when(cells, dialect)) is not None:
            row[_AT] = at
        if _URL in row or _SERVER_NAME in row:
            self._complete(row, cells)
        if row.get(_STATUS) in _CHALLENGES:
            row[_ACTION] = _CHALLENGE
        elif self.verdict is not None and (action := self.verdict(cells)) is not None:
            row[_ACTION] = action
        return row

    def _complete(self, row: Row, cells: Cells) -> None:
        """The host of the URL or the TLS name; a URL that is only a path gets its host."""
        url = row.get(_URL)
        if not isinstance(url, str):
            row.setdefault(_DOMAIN, row[_SERVER_NAME])
            return
        host = row.get(_DOMAIN)
        if url[0] == "/" and url[1:2] != "/":
            if isinstance(host, str):
                scheme = str(cells.get(self.scheme) or "").lower()
                name = f"[{host}]" if ":" in host else host
                row[_URL] = f"{scheme}://{name}{url}" if scheme in _SCHEMES else f"{name}{url}"
        elif host is None and (host := values.host_of_url(url)) is not None:
            row[_DOMAIN] = host
        if host is None and _SERVER_NAME in row:
            row[_DOMAIN] = row[_SERVER_NAME]


def table(
    names: Mapping[Col, str],
    *,
    when: When | None = None,
    verdict: Verdict | None = None,
    scheme: str = "",
    readers: Mapping[Col, Reader] | None = None,
) -> Table:
    """A table of names apart by blanks, best first (``{Col.SOURCE_IP: "srcip src"}``); ``~`` stands for a blank."""
    own = {**READERS, **(readers or {})}
    steps = tuple((column, own.get(column, values.text), _paths(text)) for column, text in names.items())
    return Table(steps, scheme, when, verdict)


def _paths(names: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each name; with its parts where it is a path into objects."""
    found = [name.replace("~", " ") for name in names.split()]
    return tuple((name, tuple(name.split(".")) if "." in name else ()) for name in found)


def verdict(
    names: str, *, denied: str = "", allowed: str = "", challenge: str = "", other: Action | None = None
) -> Verdict:
    """Reads what a device did from the first of its fields that says anything.

    The words are the beginnings of what the vendor writes, in lower case, ``~`` for a blank.

    >>> did = verdict("action", denied="block drop", allowed="pass")
    >>> did({"action": "Blocked"}), did({"action": "passthrough"}), did({"action": "-"})
    (<Action.DENIED: 'denied'>, <Action.ALLOWED: 'allowed'>, None)
    """
    fields = _paths(names)
    starts = [
        (tuple(word.replace("~", " ") for word in words.split()), action)
        for words, action in ((challenge, Action.CHALLENGE), (denied, Action.DENIED), (allowed, Action.ALLOWED))
    ]

    @lru_cache(maxsize=256)
    def meaning(word: str) -> Action | None:
        word = word.strip(' "').lower()
        return next((action for words, action in starts if words and word.startswith(words)), other)

    def read(cells: Cells) -> Action | None:
        for name, path in fields:
            cell = cells.get(name)
            if cell is None and path:
                cell = value_at(cells, path)
            text = cell if type(cell) is str else text_of(cell)
            if text and text != "-" and (found := meaning(text[:_WORD_LIMIT])) is not None:
                return found
        return None

    return read


def value_at(cells: Cells, path: tuple[str, ...]) -> object:
    """The cell of a path into objects; of a list the first member.

    >>> value_at({"dns": {"queries": [{"rrname": "example.com"}]}}, ("dns", "queries", "rrname"))
    'example.com'
    """
    cell: object = cells
    for key in path:
        if type(cell) is list:
            cell = cell[0] if cell else None
        if type(cell) is not dict:
            return None
        cell = cell.get(key)
    return cell


def text_of(cell: object) -> str:
    """The text of a JSON cell, of a list its first member's; empty for objects.

    >>> text_of(7), text_of(1582797600123.0), text_of(["a"]), text_of(True), text_of({})
    ('7', '1582797600123', 'a', 'true', '')
    """
    if isinstance(cell, str):
        return cell
    if type(cell) is int:
        return str(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, (int, float)):
        return str(cell)
    if isinstance(cell, list):
        return next((text for member in cell if (text := text_of(member))), "")
    return ""


def record(line: str) -> dict[str, object]:
    """The JSON object of a line, also behind a header of a shipper that holds neither braces nor quotes.

    Raises:
        RefusedLine: there is none.
    """
    if line[:1] != "{":
        start = line.find("{", 0, 300)
        if start < 0 or '"' in line[:start] or "=" in line[:start]:
            raise RefusedLine("not a JSON object")
        line = line[start:]
    return jsonline.record(line)
