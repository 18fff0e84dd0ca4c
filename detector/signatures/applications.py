"""What a service's application is called where people give it rights, and what of that stands in every log line.

A name counts as a whole, so the whole name is looked for, and seldom stands in a line that is not about it; single
words such as "mail" or "cloud" would stand in every line. What could make one name look like another run of letters
is looked for beside it: blanks that are not just one, and letters that case folding makes ASCII ones.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.signatures.model import Signature
    from detector.signatures.ruleset import Ruleset

_UNSAFE = re.compile(r"[^a-z0-9 ._-]+")
"""What a format may spell in another way: quotes, signs, and all that is not ASCII."""
_AROUND_BLANK = re.compile(r"(\S) (?=(\S))")
RARE_BLANKS = (
    "\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What parts words as a blank does, and seldom stands in a log."""
FOLDED = (
    "\xdf\u0130\u0149\u017f\u01f0\u1e96\u1e97\u1e98\u1e99\u1e9a\u1e9e\u212a\ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06"
)
"""The letters in whose place case folding writes ASCII letters: sharp and long s, the Kelvin sign, ligatures."""


def application_names(signature: Signature) -> set[str]:
    """What a service's application may be called, as ``normal`` writes it; a name without a phrase does not count."""
    said = {normal(name) for name in (signature.name, *signature.mail.names, *signature.oauth.names)}
    return {name for name in said if phrase_of(name)}


def normal(name: str) -> str:
    """A name without case and superfluous blanks.

    >>> normal(" Clearview  AI ")
    'clearview ai'
    """
    return " ".join(name.casefold().split())


def phrase_of(name: str) -> str:
    """The longest run of a normal name that no format escapes; its ends are the name's, or next to what is escaped.

    >>> phrase_of("at&t clearview ai"), phrase_of("q & a"), phrase_of("42-abc.apps.example.com")
    ('t clearview ai', 'q', '42-abc.apps.example.com')
    """
    runs = [run.strip() for run in _UNSAFE.split(name)]
    return max((run for run in runs if any(letter.isalnum() for letter in run)), key=len, default="")


def phrases_of(ruleset: Ruleset) -> set[str]:
    """What stands, with nothing of a longer word around it, in lines that name an application in the usual way."""
    names = {phrase_of(name) for one in ruleset.signatures for name in application_names(one)}
    clients = {phrase_of(client.lower()) for one in ruleset.signatures for client in one.oauth.client_ids}
    return names | clients - {""}


def unusual_blanks(phrases: set[str]) -> Iterator[str]:
    r"""What stands in a line that names one of some phrases with other blanks than one between two words.

    What is not rare by itself (tabs, ``\n``, two blanks) only behind letters that stand before a blank in a phrase, a
    carriage return only inside a phrase: it ends lines.

    >>> "i\\t" in set(unusual_blanks({"a i b"})), "b  " in set(unusual_blanks({"a i b"}))
    (True, False)
    """
    yield from RARE_BLANKS
    yield from (f"\\u{ord(letter):04x}" for letter in (*RARE_BLANKS, *" \t\n\r"))
    pairs = {(found[1], found[2]) for phrase in phrases for found in _AROUND_BLANK.finditer(phrase)}
    for before, behind in sorted(pairs):
        yield f"{before}\r{behind}"
    for letter in sorted({before for before, _ in pairs}):
        yield letter + "  "
        for blank in ("\t", "\\t", "\\n", "\\r", "\\f", "\r\r", "\r\t", "\r "):
            yield from (letter + blank, f"{letter} {blank}")
        yield letter + " \r"
