r"""Cells of a CSV line, fast where few cells are quoted; one line is one record whatever its quotes do.

The same cells as ``csvexport.cells`` gives, which reads the lines whose quotes do not add up.
"""

from __future__ import annotations

from detector.grammars import csvexport


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


def join(cells: list[str], separator: str = ",") -> str:
    """A line of quoted cells.

    >>> join(["a", 'b "c" d'])
    '"a","b ""c"" d"'
    """
    return separator.join('"' + " ".join(cell.splitlines()).replace('"', '""') + '"' for cell in cells)


_MANY = 400
"""More quotes than this are read by the reader that takes the same time for each of them."""
