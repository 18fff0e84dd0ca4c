"""Words of a record (a verdict, a direction) that take several of its fields together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from detector.grammars import mailcells

if TYPE_CHECKING:
    from detector.grammars.mailcells import Path
    from detector.grammars.records import Cells

Meant = TypeVar("Meant", bound=str)


@dataclass(frozen=True, slots=True)
class Together(Generic[Meant]):
    """A word that takes several fields.

    Attributes:
        fields: the vendor's names, as paths.
        meaning: of the fields' texts, empty where a record has none; of a list all members'.
    """

    fields: tuple[Path, ...]
    meaning: Callable[..., Meant | None]

    def __call__(self, cells: Cells) -> Meant | None:
        """Of a record."""
        return self.meaning(*(mailcells.text(mailcells.at_path(cells, path)) for path in self.fields))


def together(names: str, meaning: Callable[..., Meant | None]) -> Together[Meant]:
    """Reads a word from several fields.

    >>> said = together("a b.c", lambda one, other: one + other)
    >>> said({"a": "in", "b": [{"c": "ter"}, {"c": "nal"}]}), said({"a": "in"})
    ('inter, nal', 'in')
    """
    return Together(tuple(tuple(name.split(".")) for name in names.split()), meaning)
