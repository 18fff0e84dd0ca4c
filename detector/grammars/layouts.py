r"""Lines of one layout: the same names in the same order, so that one pattern takes their cells.

A device writes few layouts, each in thousands of lines. A layout is drawn from a line that was read in full, and only
where its pattern gives the very cells that were read; the pattern then matches no line that would be read otherwise.
What a format decides by the text of a cell (``deciding``), by the header of a message or by the names that a line has
stands in the pattern as it is. Layouts are remembered as ``lru_cache`` remembers: what is read does not depend on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from detector.grammars.sheets import Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect
    from detector.grammars.records import Cells

_MOST = 24
"""Layouts that are remembered, of a header that lines stand under, and headers."""
_LONGEST, _WIDEST = 8192, 96
"""Characters and cells of a line that a layout is drawn from."""

_ODD_BLANK = re.compile(r"[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
"""Blanks beyond ASCII, which ``str.strip`` knows and the patterns of shapes do not: such lines are read one by one."""

Unescape: TypeAlias = "Callable[[str], str]"
Shape: TypeAlias = "Callable[[str], Drawing | None]"
"""How the layout of a line is drawn, ``None`` where the line is not of the shape."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """The layout of one line.

    Attributes:
        pieces: the pattern, a piece a name: what stands before its cell, and the cell's own pattern, without a group.
        names: of the cells; the same name twice is no layout.
        end: the pattern behind the last cell.
        header: what stands before the first name; a record may hold parts of it beside the cells.
        aliases: further names of cells.
        unescape: the text of a cell that holds a backslash; ``None`` where a backslash is a letter.
    """

    pieces: Sequence[tuple[str, str]]
    names: Sequence[str]
    end: str = ""
    header: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    unescape: Unescape | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout that is known.

    Attributes:
        match: of a whole line.
        places: a name to the place of its cell.
        fixed: what every record holds besides.
        unescape: as of the drawing.
    """

    match: Callable[[str], re.Match[str] | None]
    places: Mapping[str, int]
    fixed: Mapping[str, str]
    unescape: Unescape | None

    def sheet(self, rows: Sequence[tuple[str, ...]], beginnings: Mapping[str, Sequence[str]]) -> Sheet:
        """The records of n lines; each holds the beginning of its line besides where that has a name."""
        columns: list[Sequence[str]] = list(zip(*rows, strict=True))
        if self.unescape is not None:
            columns = [
                column if "\\" not in "".join(column) else list(map(self.unescape, column)) for column in columns
            ]
        cells = {name: columns[place] for name, place in self.places.items()}
        return Sheet((), {**cells, **{name: (text,) * len(rows) for name, text in self.fixed.items()}, **beginnings})


class Layouts:
    """The layouts of a format that are known, those in use first.

    ``beginning`` is the name, and the length, under which a record holds the beginning of its line.
    """

    def __init__(self, shapes: Sequence[Shape], deciding: str = "", beginning: tuple[str, int] | None = None) -> None:
        self._shapes = shapes
        self._beginning = beginning
        self._deciding = frozenset(deciding.split())
        self._known: dict[tuple[str, ...], list[Layout]] = {}
        self._drawn: dict[tuple[tuple[str, ...], str], int] = {}

    def split(self, lines: Sequence[str], dialect: Dialect) -> tuple[list[tuple[list[int], Sheet]], Sequence[int]]:
        """The records of the lines whose layout is known, with the lines' places, and the places of the others."""
        known = self._known.get(_header(dialect), [])
        left: Sequence[int] = [at for at, line in enumerate(lines) if line.isascii() or not _ODD_BLANK.search(line)]
        sheets, taken = list[tuple[list[int], Sheet]](), set[int]()
        for layout in tuple(known):
            found = [(place, match) for place in left if (match := layout.match(lines[place])) is not None]
            if not found:
                continue
            places = [place for place, _ in found]
            begun = {} if self._beginning is None else {
                self._beginning[0]: [lines[place][: self._beginning[1]] for place in places]
            }  # fmt: skip
            sheets.append((places, layout.sheet([match.groups() for _, match in found], begun)))
            if len(places) * 2 > len(lines) and known[0] is not layout:
                known.remove(layout)
                known.insert(0, layout)
            taken.update(places)
            if len(places) == len(left):
                break
            left = [place for place in left if place not in taken]
        return sheets, [place for place in range(len(lines)) if place not in taken]

    def draw(self, line: str, cells: Cells, dialect: Dialect) -> None:
        """Remember the layout of a line that was read in full, the second time that it is met."""
        if self._beginning is not None:
            cells = {name: cell for name, cell in cells.items() if name != self._beginning[0]}
        drawing = next((one for shape in self._shapes if (one := shape(line)) is not None), None)
        if drawing is None or len(line) > _LONGEST or not len(set(drawing.names)) == len(drawing.names) <= _WIDEST:
            return
        pattern = "".join(
            self._piece(*piece, name, cells) for piece, name in zip(drawing.pieces, drawing.names, strict=True)
        )
        key = (_header(dialect), pattern + drawing.end)
        if key not in self._drawn:
            if len(self._drawn) > 8 * _MOST:
                self._drawn.clear()
            self._drawn[key] = 1
            return
        if (layout := _layout(drawing, re.compile(key[1], re.DOTALL).fullmatch, line, cells)) is not None:
            if len(self._known) > _MOST:
                self._known.clear()
            known = self._known.setdefault(key[0], [])
            del known[_MOST - 1 :]
            known.append(layout)

    def _piece(self, before: str, cell: str, name: str, cells: Cells) -> str:
        said = cells.get(name)
        return f"{before}({re.escape(said) if name in self._deciding and isinstance(said, str) else cell})"


def _header(dialect: Dialect) -> tuple[str, ...]:
    """What of a header line decides the names of cells."""
    return (dialect.separator, *dialect.columns)


def _layout(drawing: Drawing, match: Callable[[str], re.Match[str] | None], line: str, cells: Cells) -> Layout | None:
    found = match(line)
    if found is None:
        return None
    mend = drawing.unescape or str
    taken = {name: mend(cell) for name, cell in zip(drawing.names, found.groups(), strict=True)}
    places = {name: place for place, name in enumerate(drawing.names) if name in cells}
    places |= {alias: drawing.names.index(name) for alias, name in drawing.aliases.items() if alias not in places}
    fixed = {name: cell for name, cell in cells.items() if name not in places}
    if any(cells.get(name) != taken[drawing.names[place]] for name, place in places.items()):
        return None
    if fixed and not drawing.header:
        return None
    if not all(isinstance(cell, str) and cell in drawing.header for cell in fixed.values()):
        return None
    return Layout(match, places, {name: str(cell) for name, cell in fixed.items()}, drawing.unescape)
