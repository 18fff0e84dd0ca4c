"""What a device did, by the words of its own fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from detector.events import Action
from detector.grammars.records import Cells, paths, text_of, value_at

Verdict: TypeAlias = Callable[[Cells], Action | None]
"""What the device did, ``None`` where the record does not say."""

_WORD_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Words:
    """What a device did, by the words of the first of its fields that says anything.

    Attributes:
        fields: the vendor's names.
        meaning: of a word, ``None`` where it says nothing.
        longest: characters of a field that count.
    """

    fields: tuple[tuple[str, tuple[str, ...]], ...]
    meaning: Callable[[str], Action | None]
    longest: int | None = _WORD_LIMIT

    def __call__(self, cells: Cells) -> Action | None:
        """Of a record."""
        for name, path in self.fields:
            cell = cells.get(name)
            if cell is None and path:
                cell = value_at(cells, path)
            text = cell if type(cell) is str else text_of(cell)
            if (found := self.of(text)) is not None:
                return found
        return None

    def of(self, text: str) -> Action | None:
        """What one field says."""
        return self.meaning(text[: self.longest]) if text and text != "-" else None


@dataclass(frozen=True, slots=True)
class Either:
    """The first of several verdicts that says anything."""

    verdicts: tuple[Verdict, ...]

    def __call__(self, cells: Cells) -> Action | None:
        """Of a record."""
        return next((action for said in self.verdicts if (action := said(cells)) is not None), None)


def either(*verdicts: Verdict) -> Either:
    """The first of several verdicts that says anything."""
    return Either(verdicts)


def told(names: str, meaning: Callable[[str], Action | None]) -> Words:
    """What the whole of the first field means that means anything.

    >>> did = told("msg", lambda text: Action.DENIED if "denied" in text else None)
    >>> did({"msg": "Web site access denied"})
    <Action.DENIED: 'denied'>
    """
    return Words(paths(names), meaning, longest=None)


def verdict(
    names: str, *, denied: str = "", allowed: str = "", challenge: str = "", other: Action | None = None
) -> Words:
    """Reads what a device did from the first of its fields that says anything.

    The words are the beginnings of what the vendor writes, in lower case, ``~`` for a blank.

    >>> did = verdict("action", denied="block drop", allowed="pass")
    >>> did({"action": "Blocked"}), did({"action": "passthrough"}), did({"action": "-"})
    (<Action.DENIED: 'denied'>, <Action.ALLOWED: 'allowed'>, None)
    """
    starts = [
        (tuple(word.replace("~", " ") for word in words.split()), action)
        for words, action in ((challenge, Action.CHALLENGE), (denied, Action.DENIED), (allowed, Action.ALLOWED))
    ]

    @lru_cache(maxsize=256)
    def meaning(word: str) -> Action | None:
        word = word.strip(' "').lower()
        return next((action for words, action in starts if words and word.startswith(words)), other)

    return Words(paths(names), meaning)
