"""Many values of one column at once: the same that the readers of ``values`` give for each, in less time.

Where all values of a column have the usual spelling, as nearly always, one pattern tells; else each is read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from detector.grammars import dns, mail, values

if TYPE_CHECKING:
    from detector.events import Value

Many: TypeAlias = "Callable[[Sequence[str]], Sequence[Value | None]]"
"""The texts of a column to its values."""

_END = r"\0"
_QUAD = r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}"
_IPV4 = re.compile(rf"(?:{_QUAD}{_END})+", re.ASCII)
_ENDPOINT = re.compile(rf"(?:{_QUAD}:\d{{1,5}}{_END})+", re.ASCII)
_BRACKETED = re.compile(rf"(?<![^\0])[^\0\[]*+\[({_QUAD})\][^\0]*+", re.ASCII)
_USER = re.compile(rf"(?:[A-Za-z][\w.@\\-]*+{_END})+", re.ASCII)
_PLACEHOLDER = re.compile(rf"(?:\A|\0)(?:{'|'.join(sorted(word for word in values.NOBODY if word.isalpha()))}){_END}")
_SIZE = re.compile(rf"(?:\d{{1,18}}{_END})+", re.ASCII)
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])"
_HOST = re.compile(rf"(?>{_NAME}{_END})+")
_MAILBOX = re.compile(rf"(?:{mail.USUAL}{_END})+")
_ANGLED = re.compile(rf"(?:<{mail.USUAL}>{_END})+")
_URL = re.compile(rf"(?<![^\0])(?:[A-Za-z][A-Za-z0-9]*+://)?({_NAME})(?::\d+)?(?:/[^\0]*+)?(?![^\0])", re.ASCII)


def addresses(texts: Sequence[str]) -> Sequence[str | None]:
    """Of ``values.address``.

    >>> addresses(["10.0.0.7", "10.0.0.8"]), addresses(["10.0.0.7", "-"])
    (['10.0.0.7', '10.0.0.8'], ['10.0.0.7', None])
    """
    return texts if _are(_IPV4, texts) else [values.address(text) for text in texts]


def clients(texts: Sequence[str]) -> Sequence[str | None]:
    """Of ``values.client``.

    >>> clients(["10.0.0.7", "10.0.0.8"]), clients(["10.0.0.7:50123"]), clients(["proxy-7"])
    (['10.0.0.7', '10.0.0.8'], ['10.0.0.7'], [None])
    """
    return _without_ports(values.client, texts)


def endpoints(texts: Sequence[str]) -> Sequence[str | None]:
    """Of ``values.endpoint``."""
    return _without_ports(values.endpoint, texts)


def bracketed(texts: Sequence[str]) -> Sequence[str | None]:
    """Of ``values.bracketed``.

    >>> bracketed(["mx.example.org [10.0.0.7]"]), bracketed(["[10.0.0.7]", "10.0.0.8"])
    (['10.0.0.7'], ['10.0.0.7', '10.0.0.8'])
    """
    return _found(_BRACKETED, texts) or [values.bracketed(text) for text in texts]


def names(texts: Sequence[str]) -> Sequence[str | None]:
    """Of ``dns.name``.

    >>> names(["WWW.example.com"]), names(["WWW.example.com.", "."])
    (['www.example.com'], ['www.example.com', '.'])
    """
    return _lower(texts) if _are(_HOST, texts) else [dns.name(text) for text in texts]


def users(texts: Sequence[str]) -> Sequence[str | None]:
    """Of ``values.user``.

    >>> users(["u1042", "Jane.Doe@example.org"]), users(["u1042", "Unknown"])
    (['u1042', 'Jane.Doe@example.org'], ['u1042', None])
    """
    if _are(_USER, texts) and not _PLACEHOLDER.search("\0".join((*texts, "")).lower()):
        return texts
    return [values.user(text) for text in texts]


def hosts(texts: Sequence[str]) -> Sequence[str | None]:
    """Of ``values.host``.

    >>> hosts(["WWW.example.com"]), hosts(["WWW.Example.com:443", "-"])
    (['www.example.com'], ['www.example.com', None])
    """
    return _lower(texts) if _are(_HOST, texts) else [values.host(text) for text in texts]


def hosts_of_urls(texts: Sequence[str]) -> Sequence[str | None]:
    """Of ``values.host_of_url``.

    >>> hosts_of_urls(["http://example.com/a?b", "example.org:443"]), hosts_of_urls(["/a", "urn:x"])
    (['example.com', 'example.org'], [None, None])
    """
    found = _found(_URL, texts)
    return _lower(found) if found else [values.host_of_url(text) for text in texts]


def sizes(texts: Sequence[str]) -> Sequence[int | None]:
    """Of ``values.size``.

    >>> sizes(["700", "09"]), sizes(["700", "-1"])
    ([700, 9], [700, None])
    """
    return list(map(int, texts)) if _are(_SIZE, texts) else [values.size(text) for text in texts]


def mailboxes(texts: Sequence[str]) -> Sequence[str | None]:
    """Of ``mail.address``.

    >>> mailboxes(["a@B.org", "c@d.org"]), mailboxes(["Ann <a@b.org>", "nobody"])
    (['a@b.org', 'c@d.org'], ['a@b.org', None])
    >>> mailboxes(["<a@B.org>", "<c@d.org>"])
    ['a@b.org', 'c@d.org']
    """
    if _are(_MAILBOX, texts):
        return _lower(texts)
    if _are(_ANGLED, texts):
        return _lower([text[1:-1] for text in texts])
    return [mail.address(text) for text in texts]


def lists_of_mailboxes(texts: Sequence[str]) -> Sequence[list[str]]:
    """Of ``mail.addresses``.

    >>> lists_of_mailboxes(["a@B.org"]), lists_of_mailboxes(["a@b.org, c@d.org", ""])
    ([['a@b.org']], [['a@b.org', 'c@d.org'], []])
    """
    if _are(_MAILBOX, texts):
        return [[one] for one in _lower(texts)]
    return [mail.addresses(text) for text in texts]


def subjects(texts: Sequence[str]) -> Sequence[str]:
    """Of ``mail.decode_subject``.

    >>> subjects(["Hello ", "you"]), subjects(["=?utf-8?Q?H=C3=A9?="])
    (['Hello', 'you'], ['Hé'])
    """
    whole = "\0".join(texts)
    if "=?" in whole or "\n" in whole or "\r" in whole:
        return [mail.decode_subject(text) for text in texts]
    return [text.strip() for text in texts]


def as_they_are(texts: Sequence[str]) -> Sequence[str | None]:
    """Of ``values.text``, which is never given an empty text or a lone dash here."""
    return texts


def distinct(read: Callable[[str], Value | None]) -> Many:
    """Of any reader: each text that comes twice is read once.

    >>> distinct(len)(["a", "bc", "a"])
    [1, 2, 1]
    """

    def read_all(texts: Sequence[str]) -> Sequence[Value | None]:
        known = {text: read(text) for text in set(texts)}
        return [known[text] for text in texts]

    return read_all


@dataclass(frozen=True, slots=True)
class But:
    """A reader to which some words say nothing.

    Attributes:
        words: those.
        beginning: of others of that kind, empty for none.
        read: what reads all others.
    """

    words: frozenset[str]
    beginning: str
    read: Callable[[str], Value | None]

    def __call__(self, text: str) -> Value | None:
        """Of one text."""
        is_nothing = text in self.words or (self.beginning and text.startswith(self.beginning))
        return None if is_nothing else self.read(text)

    def all(self, texts: Sequence[str]) -> Sequence[Value | None]:
        """Of many."""
        if self.words.isdisjoint(texts) and (not self.beginning or self.beginning not in "\0".join(texts)):
            return all_of(self.read)(texts)
        return list(map(self, texts))


def but(words: str, read: Callable[[str], Value | None], *, beginning: str = "") -> But:
    """A reader to which some words, apart by blanks, say nothing.

    >>> but("None N/A", len)("None"), but("None N/A", len)("abc"), but("", len, beginning="x-")("x-y")
    (None, 3, None)
    """
    return But(frozenset(words.split()), beginning, read)


@dataclass(frozen=True, slots=True)
class Usually:
    """A reader of texts that are nearly always spelled in one way.

    Attributes:
        pattern: of a whole text so spelled; its one group is what ``read`` gives.
        read: what reads any text.
    """

    pattern: re.Pattern[str]
    read: Callable[[str], Value | None]

    def __call__(self, text: str) -> Value | None:
        """Of one text."""
        return self.read(text)

    def all(self, texts: Sequence[str]) -> Sequence[Value | None]:
        """Of many."""
        return _found(self.pattern, texts) or [self.read(text) for text in texts]


def usually(pattern: str, read: Callable[[str], Value | None]) -> Usually:
    r"""A reader of texts that nearly always match one pattern, in one group what is read of them.

    >>> first = usually(r"([a-z]+) [^\0]*+", lambda text: text.split()[0])
    >>> first("a b"), first.all(["a b", "c d"]), first.all(["a b", "C d"])
    ('a', ['a', 'c'], ['a', 'C'])
    """
    return Usually(re.compile(rf"(?<![^\0]){pattern}(?![^\0])", re.ASCII), read)


def all_of(read: Callable[[str], Value | None]) -> Many:
    """What reads many texts the same way, never given an empty one or a lone dash."""
    if isinstance(read, But | Usually):
        return read.all
    return _KNOWN.get(read) or (lambda texts: [read(text) for text in texts])


_KNOWN: dict[object, Many] = {
    values.address: addresses,
    values.client: clients,
    values.endpoint: endpoints,
    values.bracketed: bracketed,
    values.user: users,
    values.host: hosts,
    values.host_of_url: hosts_of_urls,
    values.size: sizes,
    values.text: as_they_are,
    values.method: distinct(values.method),
    values.status: distinct(values.status),
    dns.name: names,
    dns.type_name: distinct(dns.type_name),
    mail.address: mailboxes,
    mail.addresses: lists_of_mailboxes,
    mail.decode_subject: subjects,
}


def _without_ports(read: Callable[[str], str | None], texts: Sequence[str]) -> Sequence[str | None]:
    """Of a reader of addresses that may have a port behind them."""
    if _are(_IPV4, texts):
        return texts
    if _are(_ENDPOINT, texts):
        return [text[: text.index(":")] for text in texts]
    return [read(text) for text in texts]


def _lower(names: Sequence[str]) -> Sequence[str]:
    """Names of ASCII letters in lower case."""
    whole = "\0".join(names)
    return names if (lowered := whole.lower()) == whole else lowered.split("\0")


def _found(pattern: re.Pattern[str], texts: Sequence[str]) -> Sequence[str]:
    """What a pattern finds in each of some texts, nothing where it does not find it in all."""
    whole = "\0".join(texts)
    found: list[str] = pattern.findall(whole)
    return found if len(found) == len(texts) == whole.count("\0") + 1 else ()


def _are(pattern: re.Pattern[str], texts: Sequence[str]) -> bool:
    """Whether all texts match; a text that holds the mark between them is not of the usual spelling."""
    whole = "\0".join((*texts, ""))
    return whole.count("\0") == len(texts) and pattern.fullmatch(whole) is not None
