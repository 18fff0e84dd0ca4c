r"""Patterns of text in signatures: linear-time regular expressions (RE2), checked when a file is loaded.

What would take exponential time in other engines is linear here, and what cannot be is refused. Patterns are caseless,
work on characters, and look past accents: these are left out of pattern and text, so that ``\b`` stands where a reader
sees it, and what was sent without accents, or with ae for ä, is found too. Reference: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import re2

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIGATURES = str.maketrans({"ß": "ss", "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "’": "'", "‘": "'"})
_UMLAUTS = str.maketrans({"ä": "ae?", "ö": "oe?", "ü": "ue?"})


def fault_of(pattern: str) -> str | None:
    """What is wrong with a pattern, ``None`` when it can be used.

    >>> fault_of("^verify your e-?mail"), fault_of("(a)(?=b)") is None
    (None, False)
    """
    try:
        found = re2.compile(_written(pattern), _options())
    except re2.error as fault:
        reason = fault.args[0] if fault.args else ""
        text = reason.decode("utf-8", "backslashreplace") if isinstance(reason, bytes) else reason
        return f"not a pattern that can be matched in linear time: {text}"
    return "must not match an empty text" if found.search("") else None


class PatternSet:
    """Many patterns, looked for at once."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._set = re2.Set.SearchSet(_options()) if patterns else None
        if self._set is not None:
            for pattern in patterns:
                self._set.Add(_written(pattern))
            self._set.Compile()

    def matching(self, text: str) -> list[int]:
        """Positions of the patterns that are found in a text, ascending.

        >>> PatternSet(["welcome", "bestätig"]).matching("BESTÄTIGEN und Welcome")
        [0, 1]
        """
        if self._set is None or not text:
            return []
        return sorted(self._set.Match(plain(text).encode("utf-8", "replace").decode()) or ())


def plain(text: str) -> str:
    """A text without accents, ligatures and typographic apostrophes and spaces.

    >>> plain("Clôture du compte : ¡Bestätigt!"), plain("Schließung")
    ('Cloture du compte : ¡Bestatigt!', 'Schliessung')
    """
    if text.isascii():
        return text
    spelled = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    return "".join(character for character in spelled if not unicodedata.combining(character))


def _written(pattern: str) -> str:
    """A pattern for plain text, in which an umlaut may also be spelled with an e."""
    return plain(pattern.translate(_UMLAUTS))


def _options() -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    return options
