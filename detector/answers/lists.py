"""CSV lists that people hand in: cells by the meaning of their column, or every fault with its line."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from detector.errors import InvalidFile, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def rows(text: str, name: str, columns: Mapping[str, Sequence[str]]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, cells by column) of each row that is not blank; a cell that is not there is empty.

    The header may be in any order and case, with commas, semicolons or tabs; what is not named is passed over.

    Args:
        text: of the file.
        name: of the file, for faults.
        columns: name of each column → how its head may be written (letters and digits, lower case); the first column
            must be there.

    Raises:
        InvalidFile: the first column is not there, or the file is no CSV.
    """
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    delimiter = max((",", ";", "\t"), key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        heads = [_plain(cell) for cell in next(reader, [])]
        places = {column: place for column, names in columns.items() for place in [_place(heads, names)] if place >= 0}
        first = next(iter(columns))
        if first not in places:
            raise InvalidFile([Problem(name, 1, 0, f"no column is called {first}: the header is {','.join(columns)}")])
        for cells in reader:
            if any(map(str.strip, cells)):
                yield (
                    reader.line_num,
                    {column: cells[place].strip() for column, place in places.items() if place < len(cells)},
                )
    except csv.Error as fault:
        raise InvalidFile([Problem(name, reader.line_num, 0, f"is no CSV: {fault}")]) from None


def _plain(head: str) -> str:
    """A head without case, blanks and signs.

    >>> _plain("E-mail"), _plain("Last login")
    ('email', 'lastlogin')
    """
    return re.sub(r"[^a-z0-9]", "", head.lower())


def _place(heads: Sequence[str], names: Sequence[str]) -> int:
    return next((heads.index(name) for name in names if name in heads), -1)
