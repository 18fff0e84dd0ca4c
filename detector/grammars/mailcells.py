"""Cells of records of mails: paths lead through lists to every member, and of a list every member's text counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from detector.grammars import records

if TYPE_CHECKING:
    from collections.abc import Iterator

Path: TypeAlias = tuple[str, ...]
"""The keys that lead to a cell."""

_DEPTH = 8


def at_path(cells: object, path: Path) -> object:
    """The cell that a path leads to, of lists every member's; ``None`` where it leads nowhere.

    >>> at_path({"to": [{"address": "a@b.org"}, {"address": "c@d.org"}]}, ("to", "address"))
    ['a@b.org', 'c@d.org']
    """
    for place, key in enumerate(path):
        if type(cells) is dict:
            cells = cells.get(key)
            continue
        if type(cells) is not list:
            return None
        if place + 1 == len(path):
            found = [one.get(key) if type(one) is dict else at_path(one, path[place:]) for one in cells]
        else:
            found = [at_path(one, path[place:]) for one in cells]
        return [cell for cell in found if cell is not None] or None
    return cells


def member(cell: object, key: str) -> object:
    """The cell that a path of one key leads to.

    >>> member([{"address": "a@b.org"}], "address"), member({"address": "a@b.org"}, "name")
    (['a@b.org'], None)
    """
    if type(cell) is list and len(cell) == 1 and type(only := cell[0]) is dict:
        found = only.get(key)
        return None if found is None else [found]
    return at_path(cell, (key,))


def text(cell: object) -> str:
    """The text of a cell, of lists all members'; empty where there is none.

    >>> text("a"), text(None), text(["a", "b"]), text(True)
    ('a', '', 'a, b', 'true')
    """
    return cell if type(cell) is str else "" if cell is None else joined(cell)


def joined(cell: object) -> str:
    """The text of a cell that is none itself, of lists all members'.

    >>> joined(["a@b.org", ["c@d.org"]])
    'a@b.org, c@d.org'
    """
    if type(cell) is not list:
        return records.text_of(cell)
    if len(cell) == 1 and type(only := cell[0]) is str:
        return only
    return ", ".join(_texts(cell, 0))


def _texts(cell: object, depth: int) -> Iterator[str]:
    """The texts of a cell and of the lists inside it."""
    if isinstance(cell, list):
        if depth < _DEPTH:
            for member in cell:
                yield from _texts(member, depth + 1)
    elif text := records.text_of(cell):
        yield text
