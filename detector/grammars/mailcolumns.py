"""Many records of mails at once: the columns of their events, the same that ``MailTable.row`` gives for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

from detector.events import Col
from detector.grammars import mailcells, moments, sheets
from detector.grammars.columns import said_by
from detector.grammars.mailtable import EMPTY, Said
from detector.grammars.together import Together

if TYPE_CHECKING:
    from detector.events import Dialect, Value
    from detector.grammars.mailcells import Path
    from detector.grammars.mailtable import MailStep, MailTable, Word
    from detector.grammars.sheets import Sheet
    from detector.grammars.together import Meant

Column: TypeAlias = "Sequence[Value | None]"


def columns(mails: MailTable, sheet: Sheet, dialect: Dialect) -> dict[Col, Column]:
    """The columns of n events; those that no record holds are left out, or hold ``None`` only."""
    cells = _Cells(sheet)
    found: dict[Col, Column] = {}
    for step in mails.steps:
        if (column := _read(step, cells)) is not None:
            found[step.column] = column
    for column, derive in mails.derived:
        known = found.get(column) or [None] * len(sheet)
        if None in known:
            found[column] = [
                derive(record) if cell is None else cell for record, cell in zip(sheet.records, known, strict=True)
            ]
    if any(name in sheet.names for name in mails.added):
        known = found.get(Col.TO) or [None] * len(sheet)
        found[Col.TO] = [mails.recipients(record, to) for record, to in zip(sheet.records, known, strict=True)]
    found[Col.AT] = moments.column(mails.when, sheet, dialect)
    if mails.verdict is not None:
        verdict = mails.verdict
        found[Col.ACTION] = _together(verdict, cells) if isinstance(verdict, Together) else said_by(verdict, sheet)
    for column, word in ((Col.DIRECTION, mails.direction), (Col.AUTHENTICATION, mails.authentication)):
        if word is not None:
            found[column] = _words(word, cells)
    return found


class _Cells:
    """The cells of paths, each way into objects gone once."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._known: dict[Path, Sequence[object]] = {}

    def of(self, name: str, path: Path) -> Sequence[object] | None:
        """The cells of a name or, where a record has its first part, of its path; ``None`` where there are none."""
        names = self.sheet.names
        if not path:
            return self.sheet.cells(name) if name in names else None
        if path[0] not in names:
            return self.sheet.cells(name) if name in names else None
        cells = self._at(path)
        if name not in names:
            return cells
        return [
            record.get(name) if path[0] not in record else cell
            for record, cell in zip(self.sheet.records, cells, strict=True)
        ]

    def at(self, name: str, path: Path) -> Sequence[object] | None:
        """The cells of a path, or of a name that is none; ``None`` where there are none."""
        first, *_ = path or (name,)
        return self._at(path or (name,)) if first in self.sheet.names else None

    def texts(self, name: str, path: Path) -> Sequence[str] | None:
        """Their texts, of lists all members'."""
        if (cells := self.of(name, path)) is None:
            return None
        return texts_of(cells)

    def _at(self, path: Path) -> Sequence[object]:
        if (known := self._known.get(path)) is not None:
            return known
        found: Sequence[object]
        if len(path) == 1:
            found = self.sheet.cells(path[0])
        else:
            key = path[-1]
            outer = self._at(path[:-1])
            found = sheets.members(outer, key) or [
                one.get(key) if type(one) is dict else mailcells.member(one, key) for one in outer
            ]
        self._known[path] = found
        return found


def _read(step: MailStep, cells: _Cells) -> Column | None:
    """The cells of one column, ``None`` where no record has one of its names."""
    found: list[Value | None] | None = None
    for name, path in step.names:
        if (texts := cells.texts(name, path)) is None:
            continue
        if found is None and EMPTY.isdisjoint(texts):
            cells_read = step.many(texts)
            if None not in cells_read:
                return cells_read
            found = list(cells_read)
            continue
        if found is None:
            found = [None] * len(texts)
        said = [
            at for at, (text, cell) in enumerate(zip(texts, found, strict=True)) if cell is None and text not in EMPTY
        ]
        if said:
            for at, value in zip(said, step.many([texts[at] for at in said]), strict=True):
                found[at] = value
        if None not in found:
            break
    return found


def texts_of(cells: Sequence[object]) -> Sequence[str]:
    """The texts of cells, of lists all members'."""
    kinds = set(map(type, cells))
    if kinds == {str}:
        return cast("Sequence[str]", cells)
    if kinds == {list}:
        return list(map(mailcells.joined, cells))
    return [cell if type(cell) is str else "" if cell is None else mailcells.joined(cell) for cell in cells]


def _together(word: Together[Meant], cells: _Cells) -> Sequence[Meant | None]:
    """What several fields say, each set of texts looked at once."""
    columns = [cells.at(path[0], path) for path in word.fields]
    nothing = [""] * len(cells.sheet)
    told = list(zip(*(nothing if column is None else texts_of(column) for column in columns), strict=True))
    known = {texts: word.meaning(*texts) for texts in set(told)}
    return [known[texts] for texts in told]


def _words(word: Word, cells: _Cells) -> Column:
    if isinstance(word, Together):
        return _together(word, cells)
    if not isinstance(word, Said):
        return [word(record) for record in cells.sheet.records]
    fields = [said for name, path in word.fields if (said := cells.at(name, path)) is not None]
    if not fields:
        return [None] * len(cells.sheet)
    first, *rest = fields
    try:
        known = {cell: word.of(cell) for cell in set(first)}
        found = [known[cell] for cell in first]
    except TypeError:  # a list or an object
        found = [word.of(cell) for cell in first]
    for more in rest:
        found = [word.of(cell) if said is None else said for said, cell in zip(found, more, strict=True)]
    return found
