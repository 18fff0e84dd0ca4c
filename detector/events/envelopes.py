"""The syslog headers of many lines, peeled at once: the same that ``envelope`` gives for each of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from detector.events.envelope import CLASSIC, TAGGED_CLASSIC, Envelope, known_instant_of, peel

if TYPE_CHECKING:
    from detector.events.batch import Value
    from detector.events.format import Dialect

_LINES, _TAGGED_LINES = (re.compile(rf"^(?>{head})(?!<)(.*)$", re.MULTILINE) for head in (CLASSIC, TAGGED_CLASSIC))
_SOLARIS = "[ID "


class Headers(NamedTuple):
    """The headers of n lines, as ``envelope.Header`` has them.

    Attributes:
        ats: (n,) the stamps as written.
        hosts: (n,) the sending hosts, empty where a line names none.
        bodies: (n,) what is left of the lines.
    """

    ats: Sequence[str]
    hosts: Sequence[str]
    bodies: Sequence[str]


def peel_all(texts: Sequence[str], envelope: Envelope) -> Headers | None:
    """The headers and bodies of lines that all have a header, ``None`` where one has none.

    >>> peel_all(["Feb 27 10:00:00 mx1 a[7]: b", "<22>Feb 27 10:00:01 a: c"], Envelope.SYSLOG)
    Headers(ats=('Feb 27 10:00:00', 'Feb 27 10:00:01'), hosts=('mx1', ''), bodies=('a[7]: b', 'a: c'))
    """
    whole = "\n".join(texts)
    is_tagged = envelope is Envelope.TAGGED
    if whole.count("\n") == len(texts) - 1 and (is_tagged or _SOLARIS not in whole):
        found = (_TAGGED_LINES if is_tagged else _LINES).findall(whole)
        if len(found) == len(texts):
            return Headers(*zip(*found, strict=True))
    headers = [header for text in texts if (header := peel(text, envelope)) is not None]
    return Headers(*zip(*headers, strict=True)) if len(headers) == len(texts) else None


def known_instants(ats: Sequence[str], dialect: Dialect) -> list[int | None]:
    """What stamps of headers stand for, each looked at once; ``None`` where that cannot be known."""
    known = {at: known_instant_of(at, dialect) for at in set(ats)}
    return [known[at] for at in ats]


def with_hosts(keys: Sequence[Value | None], hosts: Sequence[str]) -> list[Value | None]:
    """Keys of transactions: several servers may write into one file, each with its own queue ids."""
    return [f"{host} {key}" if host and key is not None else key for key, host in zip(keys, hosts, strict=True)]
