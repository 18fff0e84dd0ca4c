r"""Cells of a CSV line, fast where few cells are quoted; one line is one record whatever its quotes do.

The same cells as ``csvexport.cells`` gives, which reads the lines whose quotes do not add up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.grammars import csvexport

if TYPE_CHECKING:
    from collections.abc import Sequence


def cells(line: str, separator: str = ",") -> list[str]:
    """The cells of a line without their quotes.

    >>> cells('a,"b, ""c"" ",,d'), cells('a,b"c,d')
    (['a', 'b, "c" ', '', 'd'], ['a', 'b"c', 'd'])
    """
    if '"' not in line:
        return line.split(separator)
    between = f'"{separator}"'
    if line[0] == '"' == line[-1] and line.count('"') == 2 * line.count(between) + 2:
        return line[1:-1].split(between)  # every cell is quoted, and no quote is in one
    pieces = line.split('"')
    last = len(pieces) - 1
    if last & 1 or last > _MANY:
        return csvexport.cells(line, separator)
    found = pieces[0].split(separator)
    if found[-1]:
        return csvexport.cells(line, separator)
    for at in range(1, last, 2):
        outside = pieces[at + 1]
        found[-1] += pieces[at]
        if at + 1 == last:
            if outside and outside[0] != separator:
                return csvexport.cells(line, separator)
            found += outside.split(separator)[1:]
        elif not outside:
            found[-1] += '"'
        elif outside[0] == separator == outside[-1]:
            found += outside.split(separator)[1:]
        else:
            return csvexport.cells(line, separator)
    return found


def columns(lines: Sequence[str], separator: str = ",") -> list[tuple[str, ...]] | None:
    """The cells of many lines side by side, where all cells are quoted, none holds a quote, and all lines are as long.

    >>> columns(['"a","b"', '"c","d"']), columns(['"a","b"', '"c"']), columns(["a,b"])
    ([('a', 'c'), ('b', 'd')], None, None)
    """
    between = f'"{separator}"'
    rows = [line[1:-1].split(between) for line in lines]
    quotes = 2 * len(rows[0])
    if any(line[:1] != '"' or line[-1] != '"' or line.count('"') != quotes for line in lines):
        return None
    return list(zip(*rows, strict=True)) if {len(row) for row in rows} == {quotes // 2} else None


def join(cells: list[str], separator: str = ",") -> str:
    """A line of quoted cells.

    >>> join(["a", 'b "c" d'])
    '"a","b ""c"" d"'
    """
    return separator.join('"' + " ".join(cell.splitlines()).replace('"', '""') + '"' for cell in cells)


_MANY = 400
"""More quotes than this are read by the reader that takes the same time for each of them."""
