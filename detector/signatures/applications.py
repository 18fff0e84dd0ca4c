"""What a service's application is called where people give it rights, and what of that stands in every log line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.signatures.model import Signature
    from detector.signatures.ruleset import Ruleset


def application_names(signature: Signature) -> set[str]:
    """What a service's application may be called, as ``normal`` writes it; a name without a literal does not count."""
    said = {normal(name) for name in (signature.name, *signature.mail.names, *signature.oauth.names)}
    return {name for name in said if literal_of(name)}


def normal(name: str) -> str:
    """A name without case and superfluous blanks.

    >>> normal(" Clearview  AI ")
    'clearview ai'
    """
    return " ".join(name.casefold().split())


def literal_of(name: str) -> str:
    """The longest run of a name's letters and digits: it stands in every spelling of the name, whatever is escaped.

    >>> literal_of("at&t clearview"), literal_of("q & a")
    ('clearview', 'q')
    """
    runs = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in name).split()
    return max(runs, key=len, default="")


def literals_of(ruleset: Ruleset) -> set[str]:
    """What stands in every line that names a service's application."""
    words = {literal_of(name) for one in ruleset.signatures for name in application_names(one)}
    clients = {literal_of(client.lower()) for one in ruleset.signatures for client in one.oauth.client_ids}
    return words | clients
