r"""A table of a mail vendor's field names becomes a format: JSON and CSV records, one mail or one recipient each.

What a format still says itself is its names, what its words for a verdict mean and which names are its own. Dotted
names are paths into objects; of a list every member counts (``destination.address`` of two destinations is two
addresses). ``TO`` holds the mailboxes of the first field that has any, and those of the fields marked with ``+``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from detector.events import Col
from detector.grammars import mail, records, values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.events import Dialect, Row
    from detector.grammars.records import Cells, Reader, When
    from detector.grammars.verdicts import Verdict

Word: TypeAlias = "Callable[[Cells], str | None]"
"""A word (a direction, how authentication ended) of a record, ``None`` where it does not say."""
_Path: TypeAlias = tuple[str, ...]

_AT, _ACTION, _TO, _DIRECTION, _AUTHENTICATION = Col.AT, Col.ACTION, Col.TO, Col.DIRECTION, Col.AUTHENTICATION
_SENDER, _FROM, _SUBJECT = Col.SENDER, Col.FROM, Col.SUBJECT
_EMPTY = frozenset(("", "-", "<>"))
_DEPTH = 8
_SHORT = 256
"""Longer texts are read without the memo."""


def message_id(text: str) -> str | None:
    """A message id without angle brackets, quotes and blanks around it.

    >>> message_id("'<m1@example.org>'"), message_id("<>")
    ('m1@example.org', None)
    """
    return text.strip("<>'\" \t\r\n") or None


@lru_cache(maxsize=16_384)
def _remembered_name(text: str) -> str | None:
    return mail.display_name(text) if "<" in text or "(" in text else None


def _display_name(text: str) -> str | None:
    return _remembered_name(text) if len(text) < _SHORT else mail.display_name(text)


READERS: Mapping[Col, Reader] = {
    Col.SOURCE_IP: lambda text: values.address(text) or values.address(values.host(text)),
    Col.USER: values.user,
    Col.FROM: mail.address,
    Col.FROM_NAME: _display_name,
    Col.SENDER: mail.address,
    Col.TO: lambda text: mail.addresses(text) or None,
    Col.SUBJECT: mail.decode_subject,
    Col.MESSAGE_ID: message_id,
}


def name(text: str) -> str | None:
    """A display name that stands in a field of its own, or beside an address; ``None`` for a bare address.

    >>> name("Clearview Support"), name("Clearview <help@clearview.ai>"), name("help@clearview.ai")
    ('Clearview Support', 'Clearview', None)
    """
    if "@" in text:
        return _display_name(text)
    return mail.decode_subject(text).strip("\"' ") or None


@dataclass(frozen=True, slots=True)
class MailTable:
    """A vendor's names, ready to read records.

    Attributes:
        names: a column to the vendor's names of it, best first.
        steps: the same with what reads the cells.
        added: names whose mailboxes are recipients too, whatever the others gave.
        when: the instant of a record.
        verdict: what became of the mail.
        direction: the mail's direction.
        authentication: how authentication ended.
    """

    names: Mapping[Col, _Path]
    steps: tuple[tuple[Col, Reader, tuple[tuple[str, _Path], ...]], ...]
    added: _Path
    when: When
    verdict: Verdict | None
    direction: Word | None
    authentication: Word | None

    @property
    def columns(self) -> frozenset[Col]:
        """What its events can hold."""
        said = ((_ACTION, self.verdict), (_DIRECTION, self.direction), (_AUTHENTICATION, self.authentication))
        return frozenset({*self.names, _AT, *(column for column, word in said if word is not None)})

    def row(self, cells: Cells, dialect: Dialect) -> Row:
        """The event of a record; columns that it does not hold are left out."""
        row: Row = {}
        get = cells.get
        for column, read, names in self.steps:
            for name, path in names:
                cell = at_path(cells, path) if path and path[0] in cells else get(name)
                if cell is None:
                    continue
                text = cell if type(cell) is str else ", ".join(_texts(cell, 0))
                if text not in _EMPTY and (value := read(text)) is not None:
                    row[column] = value
                    break
        for name in self.added:
            if found := mail.addresses(", ".join(_texts(get(name), 0))):
                known = row.get(_TO)
                row[_TO] = list(dict.fromkeys([*known, *found])) if isinstance(known, list) else found
        if (at := self.when(cells, dialect)) is not None:
            row[_AT] = at
        if self.verdict is not None and (action := self.verdict(cells)) is not None:
            row[_ACTION] = action
        if self.direction is not None and (word := self.direction(cells)) is not None:
            row[_DIRECTION] = word
        if self.authentication is not None and (word := self.authentication(cells)) is not None:
            row[_AUTHENTICATION] = word
        return row


def table(  # noqa: PLR0913 - a vendor has that many ways to say it
    names: Mapping[Col, str],
    *,
    when: When,
    verdict: Verdict | None = None,
    direction: Word | None = None,
    authentication: Word | None = None,
    readers: Mapping[Col, Reader] | None = None,
) -> MailTable:
    """A table of names apart by blanks, best first (``{Col.TO: "recipient +headerTo"}``)."""
    split = {column: text.split() for column, text in names.items()}
    own = {**READERS, **(readers or {})}
    bare = {column: tuple(name for name in found if name[0] != "+") for column, found in split.items()}
    steps = tuple(
        (column, own.get(column, values.text), tuple((name, _path(name)) for name in found))
        for column, found in bare.items()
    )
    added = tuple(name[1:] for found in split.values() for name in found if name[0] == "+")
    return MailTable(bare, steps, added, when, verdict, direction, authentication)


def word(names: str, meanings: Mapping[str, str]) -> Word:
    """Reads a word from the first of some fields that says one; ``meanings`` are in lower case.

    >>> word("dir direction", {"in": "inbound"})({"direction": "IN"})
    'inbound'
    """
    fields = tuple((name, _path(name)) for name in names.split())

    def read(cells: Cells) -> str | None:
        for name, path in fields:
            cell = at_path(cells, path) if path else cells.get(name)
            if cell is None:
                continue
            text = cell if type(cell) is str else records.text_of(cell)
            if (found := meanings.get(text) or meanings.get(text.strip().lower())) is not None:
                return found
        return None

    return read


DIRECTIONS = {
    "inbound": "inbound", "incoming": "inbound", "in": "inbound", "received": "inbound", "external": "inbound",
    "outbound": "outbound", "outgoing": "outbound", "out": "outbound", "originating": "outbound", "sent": "outbound",
    "internal": "internal", "intra-org": "internal", "intraorg": "internal", "local": "internal",
}  # fmt: skip
"""What most vendors call directions."""

PASSED = {"pass": "pass", "passed": "pass", "true": "pass", "fail": "fail", "failed": "fail", "false": "fail"}
"""What most vendors call the end of a DMARC check."""


def at_path(cells: object, path: _Path) -> object:
    """The cell that a path leads to, of lists every member's; ``None`` where it leads nowhere.

    >>> at_path({"to": [{"address": "a@b.org"}, {"address": "c@d.org"}]}, ("to", "address"))
    ['a@b.org', 'c@d.org']
    """
    for place, key in enumerate(path):
        if isinstance(cells, list):
            found = [cell for one in cells if (cell := at_path(one, path[place:])) is not None]
            return found or None
        if not isinstance(cells, dict):
            return None
        cells = cells.get(key)
    return cells


def is_mail(row: Row) -> bool:
    """Whether an event names a sender, a recipient or a subject: records of other kinds share a vendor's stream."""
    return _SENDER in row or _TO in row or _FROM in row or _SUBJECT in row


def _path(name: str) -> _Path:
    return tuple(name.split(".")) if "." in name else ()


def _texts(cell: object, depth: int) -> Iterator[str]:
    """The texts of a cell and of the lists inside it."""
    if isinstance(cell, list):
        if depth < _DEPTH:
            for member in cell:
                yield from _texts(member, depth + 1)
    elif text := records.text_of(cell):
        yield text
