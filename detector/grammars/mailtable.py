r"""A table of a mail vendor's field names becomes a format: JSON and CSV records, one mail or one recipient each.

What a format still says itself is its names, what its words for a verdict mean and which names are its own. Dotted
names are paths into objects; of a list every member counts (``destination.address`` of two destinations is two
addresses). ``TO`` holds the mailboxes of the first field that has any, and those of the fields marked with ``+``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from detector.events import Col
from detector.grammars import mail, mailcells, many, records, values

if TYPE_CHECKING:
    from detector.events import Dialect, Row, Value
    from detector.grammars.mailcells import Path
    from detector.grammars.many import Many
    from detector.grammars.records import Cells, Derive, Reader, When
    from detector.grammars.verdicts import Verdict

Word: TypeAlias = "Callable[[Cells], str | None]"
"""A word (a direction, how authentication ended) of a record, ``None`` where it does not say."""

_AT, _ACTION, _TO, _DIRECTION, _AUTHENTICATION = Col.AT, Col.ACTION, Col.TO, Col.DIRECTION, Col.AUTHENTICATION
_SENDER, _FROM, _SUBJECT, _TRANSACTION = Col.SENDER, Col.FROM, Col.SUBJECT, Col.TRANSACTION
EMPTY = frozenset(("", "-", "<>"))
"""Texts of a cell that say nothing."""
_AROUND_ID = "<>'\" \t\r\n"
_SHORT = 256
"""Longer texts are read without the memo."""


def message_id(text: str) -> str | None:
    """A message id without angle brackets, quotes and blanks around it.

    >>> message_id("'<m1@example.org>'"), message_id("<>")
    ('m1@example.org', None)
    """
    return text.strip(_AROUND_ID) or None


@lru_cache(maxsize=16_384)
def _remembered_name(text: str) -> str | None:
    return mail.display_name(text) if "<" in text or "(" in text else None


def _display_name(text: str) -> str | None:
    return _remembered_name(text) if len(text) < _SHORT else mail.display_name(text)


def _recipients(text: str) -> list[str] | None:
    return mail.addresses(text) or None


def subject(text: str) -> str | None:
    """A decoded subject, ``None`` for one of blanks.

    >>> subject("=?utf-8?Q?H=C3=A9?="), subject(" ")
    ('Hé', None)
    """
    return mail.decode_subject(text) or None


def _many(read: Reader) -> Many:
    """What reads many texts the same way, where all are plain in less time."""
    return _MANY.get(read) or many.all_of(read)


def _names(texts: Sequence[str]) -> Sequence[str | None]:
    whole = "\0".join(texts)
    return [_display_name(text) for text in texts] if "<" in whole or "(" in whole else [None] * len(texts)


def _lists(texts: Sequence[str]) -> Sequence[list[str] | None]:
    return [found or None for found in many.lists_of_mailboxes(texts)]


def _subjects(texts: Sequence[str]) -> Sequence[str | None]:
    return [text or None for text in many.subjects(texts)]


def _ids(texts: Sequence[str]) -> Sequence[str | None]:
    return [text.strip(_AROUND_ID) or None for text in texts]


_MANY: dict[object, Many] = {message_id: _ids, _display_name: _names, _recipients: _lists, subject: _subjects}
READERS: Mapping[Col, Reader] = {
    Col.SOURCE_IP: values.client,
    Col.USER: values.user,
    Col.FROM: mail.address,
    Col.FROM_NAME: _display_name,
    Col.SENDER: mail.address,
    Col.TO: _recipients,
    Col.SUBJECT: mail.decode_subject,
    Col.MESSAGE_ID: message_id,
}


def name(text: str) -> str | None:
    """A display name that stands in a field of its own, or beside an address; ``None`` for a bare address.

    >>> name("Clearview Support"), name("Clearview <help@clearview.ai>"), name("help@clearview.ai")
    ('Clearview Support', 'Clearview', None)
    """
    if "@" in text:
        return _display_name(text) if "<" in text or "(" in text else None
    return mail.decode_subject(text).strip("\"' ") or None


@dataclass(frozen=True, slots=True)
class MailStep:
    """One column of a table.

    Attributes:
        column: its name.
        read: what reads a text.
        many: the same of many texts.
        names: the vendor's names, best first, with their parts.
    """

    column: Col
    read: Reader
    many: Many
    names: tuple[tuple[str, Path], ...]


@dataclass(frozen=True, slots=True, eq=False)
class MailTable:
    """A vendor's names, ready to read records.

    Attributes:
        names: a column to the vendor's names of it, best first.
        steps: the same with what reads the cells of one record, or of many.
        added: names whose mailboxes are recipients too, whatever the others gave.
        when: the instant of a record.
        verdict: what became of the mail.
        direction: the mail's direction.
        authentication: how authentication ended.
        derived: columns that take more than one cell, of records that have none of their names.
        needs: what a mail has one of; records of other kinds share a vendor's stream.
        lacking: why a record is refused that has none of them; empty: it is no event.
    """

    names: Mapping[Col, Path]
    steps: tuple[MailStep, ...]
    added: Path
    when: When
    verdict: Verdict | None
    direction: Word | None
    authentication: Word | None
    derived: tuple[tuple[Col, Derive], ...] = ()
    needs: tuple[Col, ...] = (_SENDER, _TO, _FROM, _SUBJECT)
    lacking: str = ""

    @property
    def columns(self) -> frozenset[Col]:
        """What its events can hold."""
        said = ((_ACTION, self.verdict), (_DIRECTION, self.direction), (_AUTHENTICATION, self.authentication))
        return frozenset({*self.names, _AT, *(column for column, word in said if word is not None)}) - {_TRANSACTION}

    def row(self, cells: Cells, dialect: Dialect) -> Row:
        """The event of a record; columns that it does not hold are left out."""
        row: Row = {}
        get = cells.get
        for step in self.steps:
            for name, path in step.names:
                cell = mailcells.at_path(cells, path) if path and path[0] in cells else get(name)
                if cell is None:
                    continue
                text = cell if type(cell) is str else mailcells.joined(cell)
                if text not in EMPTY and (value := step.read(text)) is not None:
                    row[step.column] = value
                    break
        for column, derive in self.derived:
            if column not in row and (value := derive(cells)) is not None:
                row[column] = value
        if self.added and (to := self.recipients(cells, row.get(_TO))) is not None:
            row[_TO] = to
        if (at := self.when(cells, dialect)) is not None:
            row[_AT] = at
        if self.verdict is not None and (action := self.verdict(cells)) is not None:
            row[_ACTION] = action
        if self.direction is not None and (word := self.direction(cells)) is not None:
            row[_DIRECTION] = word
        if self.authentication is not None and (word := self.authentication(cells)) is not None:
            row[_AUTHENTICATION] = word
        return row

    def recipients(self, cells: Cells, known: Value | None) -> Value | None:
        """The recipients that are known, and those of the names whose mailboxes are recipients too."""
        for name in self.added:
            if found := mail.addresses(mailcells.joined(cells.get(name))):
                known = list(dict.fromkeys([*known, *found])) if isinstance(known, list) else found
        return known


def table(  # noqa: PLR0913 - a vendor has that many ways to say it
    names: Mapping[Col, str],
    *,
    when: When,
    verdict: Verdict | None = None,
    direction: Word | None = None,
    authentication: Word | None = None,
    readers: Mapping[Col, Reader] | None = None,
    derived: Mapping[Col, Derive] | None = None,
    lacking: str = "",
) -> MailTable:
    """A table of names apart by blanks, best first (``{Col.TO: "recipient +headerTo"}``)."""
    split = {column: text.split() for column, text in names.items()}
    own = {**READERS, **(readers or {})}
    bare = {column: tuple(name for name in found if name[0] != "+") for column, found in split.items()}
    steps = tuple(
        MailStep(
            column,
            read := own.get(column, values.text),
            _many(read),
            tuple((name, _path(name)) for name in found),
        )
        for column, found in bare.items()
    )
    added = tuple(name[1:] for found in split.values() for name in found if name[0] == "+")
    return MailTable(
        bare, steps, added, when, verdict, direction, authentication, tuple((derived or {}).items()), lacking=lacking
    )


@dataclass(frozen=True, slots=True)
class Said:
    """A word of the first of some fields that says one.

    Attributes:
        fields: the vendor's names.
        meanings: what their texts, in lower case, mean.
    """

    fields: tuple[tuple[str, Path], ...]
    meanings: Mapping[str, str]

    def __call__(self, cells: Cells) -> str | None:
        """Of a record."""
        for name, path in self.fields:
            if (found := self.of(mailcells.at_path(cells, path) if path else cells.get(name))) is not None:
                return found
        return None

    def of(self, cell: object) -> str | None:
        """Of one cell."""
        if cell is None:
            return None
        text = cell if type(cell) is str else records.text_of(cell)
        return self.meanings.get(text) or self.meanings.get(text.strip().lower())


def word(names: str, meanings: Mapping[str, str]) -> Word:
    """Reads a word from the first of some fields that says one; ``meanings`` are in lower case.

    >>> word("dir direction", {"in": "inbound"})({"direction": "IN"})
    'inbound'
    """
    return Said(tuple((name, _path(name)) for name in names.split()), meanings)


DIRECTIONS = {
    "inbound": "inbound", "incoming": "inbound", "in": "inbound", "received": "inbound", "external": "inbound",
    "outbound": "outbound", "outgoing": "outbound", "out": "outbound", "originating": "outbound", "sent": "outbound",
    "internal": "internal", "intra-org": "internal", "intraorg": "internal", "local": "internal",
}  # fmt: skip
"""What most vendors call directions."""

PASSED = {"pass": "pass", "passed": "pass", "true": "pass", "fail": "fail", "failed": "fail", "false": "fail"}
"""What most vendors call the end of a DMARC check."""


def is_mail(row: Row) -> bool:
    """Whether an event names a sender, a recipient or a subject: records of other kinds share a vendor's stream."""
    return _SENDER in row or _TO in row or _FROM in row or _SUBJECT in row


def _path(name: str) -> Path:
    return tuple(name.split(".")) if "." in name else ()
