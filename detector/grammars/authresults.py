"""How a mail's authentication ended, by the header field in which the receiving side writes it (RFC 8601).

``mx1.example.org; spf=pass smtp.mailfrom=a@b.org; dkim=pass header.d=b.org; dmarc=pass header.from=b.org``: who
checked, then one result a method, with the domains that it is about. Microsoft 365 leaves out who checked.

Reference: https://www.rfc-editor.org/rfc/rfc8601 (unverified from here).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from detector.grammars import mailqueue

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMENT = re.compile(r"\([^()]*\)")
_STATEMENT = re.compile(r'(?:"[^"]*"|[^";])+')
_RESULT = re.compile(r"\s*([a-z][a-z0-9-]*)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)", re.IGNORECASE)
_DOMAIN = re.compile(
    r"\b(header\.d|header\.i|header\.from|smtp\.mailfrom|smtp\.mfrom)\s*=\s*(?:[^\s;@]*@)?([^\s;@]+)", re.IGNORECASE
)
_LONGEST = 16_384
"""What stands further on is not read: a receiver writes some hundred bytes."""


class Result(NamedTuple):
    """What one method found.

    Attributes:
        method: ``spf``, ``dkim``, ``dmarc`` …
        result: ``pass``, ``fail``, ``none`` …
        domain: that it is about, lower case, empty where it does not say.
    """

    method: str
    result: str
    domain: str


def server_of(text: str) -> str:
    """Who wrote a header field, lower case; empty where it does not say.

    >>> server_of("mx1.Example.org 1; none"), server_of("spf=pass smtp.mailfrom=b.org")
    ('mx1.example.org', '')
    """
    first = _COMMENT.sub(" ", text[:_LONGEST]).partition(";")[0]
    return "" if "=" in first else next(iter(first.lower().split()), "")


def results(text: str) -> Iterator[Result]:
    """What each method found, in order.

    >>> list(results("mx1; dkim=pass (2048-bit key) header.i=@B.org header.s=k"))
    [Result(method='dkim', result='pass', domain='b.org')]
    """
    for statement in _STATEMENT.findall(_COMMENT.sub(" ", text[:_LONGEST])):
        if (found := _RESULT.match(statement)) is not None:
            named = {
                name.lower(): domain.lower().strip(".") for name, domain in _DOMAIN.findall(statement.replace('"', ""))
            }
            domain = next((named[name] for name in _DOMAINS.get(found[1].lower(), ()) if name in named), "")
            yield Result(found[1].lower(), found[2].lower(), domain)


_DOMAINS = {
    "dkim": ("header.d", "header.i"),
    "spf": ("smtp.mailfrom", "smtp.mfrom"),
    "dmarc": ("header.from",),
}  # fmt: skip


def verdict(text: str, owner: str) -> str | None:
    """How authentication ended for the domain of a mail's author: ``pass``, ``fail``, or ``None`` for neither.

    DMARC decides where it was checked. Else a good DKIM signature or SPF counts where its domain is the author's.

    >>> verdict("mx1; spf=fail smtp.mailfrom=x.org; dkim=pass header.d=b.org", "b.org")
    'pass'
    >>> verdict("mx1; dkim=pass header.d=x.org", "b.org"), verdict("mx1; dmarc=fail header.from=b.org", "b.org")
    (None, 'fail')
    """
    found = list(results(text))
    said = [word for one in found if (word := _word(one)) is not None]
    decided = mailqueue.authentication(said, owner)
    if decided == "pass" or any(word in ("pass", "fail") for word in said):
        return decided
    senders = [one for one in found if one.method == "spf"]
    if any(one.result == "pass" and one.domain and mailqueue.is_aligned(one.domain, owner) for one in senders):
        return "pass"
    is_signed = any(one.method == "dkim" and one.result == "pass" for one in found)
    return "fail" if not is_signed and any(one.result in ("fail", "hardfail") for one in senders) else decided


def _word(one: Result) -> str | None:
    """A result in the words of ``mailqueue``."""
    if one.method == "dmarc":
        return {"pass": "pass", "bestguesspass": "pass", "fail": "fail"}.get(one.result)
    if one.method == "dkim" and one.result == "pass":
        return mailqueue.PASSED_BY + one.domain if one.domain else None
    return mailqueue.DKIM_FAIL if one.method == "dkim" and one.result == "fail" else None
