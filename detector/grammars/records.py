r"""A table of a vendor's field names becomes a reader of records: key=value, CEF, LEEF, JSON and CSV alike.

A record is a mapping of the vendor's names to cells; ``Table.row`` picks the columns of an event from it. What a format
still writes itself is how its lines become records, when a record happened and what the device did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from detector.errors import RefusedLine
from detector.events import Action, Col, Kind
from detector.grammars import dns, jsonline, mail, many, values

if TYPE_CHECKING:
    from detector.events import Dialect, Row, Value
    from detector.grammars.many import Many
    from detector.grammars.verdicts import Verdict

Cells: TypeAlias = Mapping[str, object]
"""A record: text by the vendor's own names; of JSON also numbers, lists and objects."""

When: TypeAlias = "Callable[[Cells, Dialect], int | None]"
"""The instant of a record, ``None`` where it holds none that can be read."""

Derive: TypeAlias = "Callable[[Cells], Value | None]"
"""A value that takes more than one cell of a record."""

Reader: TypeAlias = "Callable[[str], Value | None]"
"""One cell's text, neither empty nor a lone dash, to the value of a column."""

# Looking a member up on its class costs 70 ns, ten times a line.
_AT, _URL, _DOMAIN, _SERVER_NAME, _STATUS, _ACTION, _QUESTION, _KIND = (
    Col.AT, Col.URL, Col.DOMAIN, Col.SERVER_NAME, Col.STATUS, Col.ACTION, Col.QUESTION, Col.KIND,
)  # fmt: skip
_CHALLENGE = Action.CHALLENGE
CHALLENGES: frozenset[object] = frozenset({401, 407})
"""Statuses that ask for a login."""
_SCHEMES = frozenset(("http", "https", "ftp", "ftps", "ws", "wss"))


READERS: Mapping[Col, Reader] = {
    Col.SOURCE_IP: values.client,
    Col.USER: values.user,
    Col.DOMAIN: values.host_of_url,
    Col.SERVER_NAME: values.host,
    Col.HOST_NAME: values.host,
    Col.QUESTION: dns.name,
    Col.QUESTION_TYPE: dns.type_name,
    Col.METHOD: values.method,
    Col.STATUS: values.status,
    Col.BYTES_SENT: values.size,
    Col.BYTES_RECEIVED: values.size,
    Col.FROM: mail.address,
    Col.SENDER: mail.address,
    Col.TO: mail.addresses,
    Col.SUBJECT: mail.decode_subject,
}
"""What reads the cells of a column; nonsense gives ``None`` and costs the column, never the line."""


class Asked(StrEnum):
    """What an event is whose record asks a name, where the format's main kind is another."""

    SAME = "same"
    """Of the main kind."""
    DNS = "dns"
    """A question."""
    ALONE = "alone"
    """A question, unless it names the host of a request too."""
    ONLY = "only"
    """A question, and nothing else that the record names."""


@dataclass(frozen=True, slots=True)
class Step:
    """One column of a table.

    Attributes:
        column: its name.
        read: what reads a cell.
        many: the same of many cells.
        names: the vendor's names, best first; dotted ones with their parts.
    """

    column: Col
    read: Reader
    many: Many
    names: tuple[tuple[str, tuple[str, ...]], ...]

    def value(self, cells: Cells) -> Value | None:
        """The value of a record, of the first name that gives one."""
        for name, path in self.names:
            cell = cells.get(name)
            if cell is None and (not path or (cell := value_at(cells, path)) is None):
                continue
            text = cell if type(cell) is str else text_of(cell)
            if text and text != "-" and (value := self.read(text)) is not None:
                return value
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A vendor's names, ready to read records.

    Attributes:
        steps: its columns.
        later: columns that are read only where nothing has given them yet, not even the URL.
        derived: columns that take more than one cell, of records that have none of their names.
        scheme: the vendor's name of the URL's scheme, for URLs that are written as a path beside a host.
        when: the instant of a record.
        verdict: what the device did.
        asked: what the event of a question is.
        kind: of all its events, where it is not the format's main one.
        needs: columns of which an event has one.
        lacking: why a record is refused that has none of them; empty: it is no event.
    """

    steps: tuple[Step, ...]
    later: tuple[Step, ...]
    derived: tuple[tuple[Col, Derive], ...]
    scheme: str
    when: When | None
    verdict: Verdict | None
    asked: Asked
    kind: Kind | None
    needs: tuple[Col, ...]
    lacking: str

    @property
    def columns(self) -> frozenset[Col]:
        """What its events can hold."""
        held = {step.column for step in (*self.steps, *self.later)} | {column for column, _ in self.derived}
        derived = {_DOMAIN} if {_URL, _SERVER_NAME} & held else set()
        judged = {_ACTION} if self.verdict is not None or _STATUS in held else set()
        kind = {_KIND} if self.asked is not Asked.SAME or self.kind is not None else set()
        return frozenset(held | derived | judged | kind | {_AT})

    def row(self, cells: Cells, dialect: Dialect) -> Row:
        """The event of a record; columns that it does not hold are left out, empty where it holds none."""
        row: Row = {step.column: value for step in self.steps if (value := step.value(cells)) is not None}
        if self.when is not None and (at := self.when(cells, dialect)) is not None:
            row[_AT] = at
        if _URL in row or _SERVER_NAME in row:
            row |= self.completed(cells, row.get(_URL), row.get(_DOMAIN), row.get(_SERVER_NAME))
        for step in self.later:
            if step.column not in row and (value := step.value(cells)) is not None:
                row[step.column] = value
        for column, derive in self.derived:
            if column not in row and (value := derive(cells)) is not None:
                row[column] = value
        if row.get(_STATUS) in CHALLENGES:
            row[_ACTION] = _CHALLENGE
        elif self.verdict is not None and (action := self.verdict(cells)) is not None:
            row[_ACTION] = action
        if _QUESTION in row and self.asked is not Asked.SAME:
            if self.asked is Asked.ONLY:
                row.pop(_DOMAIN, None)
            if self.asked is not Asked.ALONE or _DOMAIN not in row:
                row[_KIND] = Kind.DNS.value
        if self.kind is not None:
            row[_KIND] = self.kind.value
        return row

    def completed(self, cells: Cells, url: Value | None, host: Value | None, name: Value | None) -> Row:
        """The URL, with its host where it was only a path, and the host: its own, the URL's, or the TLS name."""
        row: Row = {}
        if isinstance(url, str):
            if url[0] == "/" and url[1:2] != "/":
                if isinstance(host, str):
                    scheme = str(cells.get(self.scheme) or "").lower()
                    written = f"[{host}]" if ":" in host else host
                    row[_URL] = f"{scheme}://{written}{url}" if scheme in _SCHEMES else f"{written}{url}"
            elif host is None:
                host = values.host_of_url(url)
        if (host := name if host is None else host) is not None:
            row[_DOMAIN] = host
        return row


def table(  # noqa: PLR0913 - a vendor has that many ways to say it
    names: Mapping[Col, str],
    *,
    when: When | None = None,
    verdict: Verdict | None = None,
    scheme: str = "",
    readers: Mapping[Col, Reader] | None = None,
    later: Mapping[Col, str] | None = None,
    derived: Mapping[Col, Derive] | None = None,
    asked: Asked = Asked.SAME,
    kind: Kind | None = None,
    needs: tuple[Col, ...] = (),
    lacking: str = "",
) -> Table:
    """A table of names apart by blanks, best first (``{Col.SOURCE_IP: "srcip src"}``); ``~`` stands for a blank."""
    own = {**READERS, **(readers or {})}
    steps, late = (
        tuple(_step(column, own.get(column, values.text), text) for column, text in some.items())
        for some in (names, later or {})
    )
    return Table(steps, late, tuple((derived or {}).items()), scheme, when, verdict, asked, kind, needs, lacking)


def one(names: str, read: Reader) -> Derive:
    """The value of the first of some names that gives one.

    >>> one("a b", values.user)({"a": "-", "b": "u1042"})
    'u1042'
    """
    return _step(Col.USER, read, names).value


def _step(column: Col, read: Reader, names: str) -> Step:
    return Step(column, read, many.all_of(read), paths(names))


def paths(names: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each name; with its parts where it is a path into objects."""
    found = [name.replace("~", " ") for name in names.split()]
    return tuple((name, tuple(name.split(".")) if "." in name else ()) for name in found)


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
