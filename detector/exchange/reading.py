"""What readers of other programs' files share: names become values and ids, values gather by service."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from detector.exchange.drafts import Draft, Refusal, Value
from detector.exchange.plug import Reading
from detector.signatures import IndicatorKind
from detector.signatures.checks import registrable

if TYPE_CHECKING:
    from collections.abc import Sequence


def slug(text: str) -> str:
    """A name as an id; empty when nothing of it can stand in one.

    >>> slug("Any Desk (free)"), slug("???")
    ('any-desk-free', '')
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:64].strip("-")


def of_name(text: str) -> Value:
    """A bare name of a feed: a suffix when somebody registered it (or nobody could), else exactly that host.

    A leading ``*.`` or dot says that everything below is meant; what else holds ``*`` is a pattern.

    >>> str(of_name("Example.COM.")), str(of_name("app.example.com")), str(of_name("*.app.example.com"))
    ('suffix example.com', 'host app.example.com', 'suffix app.example.com')
    """
    host = text.strip().lower().removesuffix(".")
    for mark in ("*.", "."):
        if host.startswith(mark) and "*" not in host[2:]:
            return Value(IndicatorKind.SUFFIX, host.removeprefix(mark))
    if "*" in host:
        return Value(IndicatorKind.HOST_PATTERN, host)
    return Value(IndicatorKind.HOST if registrable(host) not in ("", host) else IndicatorKind.SUFFIX, host)


def of_address(text: str) -> Value:
    """An address, with or without a scheme: a host with its path, or the host when there is no path.

    >>> str(of_address("https://example.com/api/v1?x=1")), str(of_address("example.com/"))
    ('url example.com/api/v1', 'host example.com')
    """
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
    except ValueError:
        return Value(IndicatorKind.HOST, text)
    host = parts.netloc.rpartition("@")[2].partition(":")[0].lower().removesuffix(".")
    if parts.path in ("", "/"):
        return replace(of_name(host), kind=IndicatorKind.HOST) if "*" not in host else of_name(host)
    return Value(IndicatorKind.URL, host, path=parts.path)


@dataclass(slots=True)
class Gathering:
    """Values by service, and what was refused, while a file is read.

    Attributes:
        source: what is said of the file in ``sources``.
        where: the file's name in refusals.
    """

    source: str
    where: str
    _drafts: list[Draft] = field(default_factory=list)
    _refusals: list[Refusal] = field(default_factory=list)

    def take(self, value: Value, *, draft: Draft | None = None, sources: Sequence[str] = ()) -> None:
        """Keep a value for a service; for the one that its registered domain names when no service is said.

        Args:
            value: what was read.
            draft: the service; its values are not looked at.
            sources: further sources that the file names.
        """
        if draft is None:
            domain = registrable(value.host.replace("*", "a")) or value.host
            draft = Draft(slug(domain), domain, ())
        if not draft.id:
            self.refuse(str(value), f"no id can be made of the name {draft.name!r}")
            return
        said = tuple(dict.fromkeys(text.strip() for text in (*sources, self.source) if text.strip()))
        self._drafts.append(replace(draft, values=(replace(value, sources=said),)))

    def refuse(self, value: str, reason: str) -> None:
        """Note a value that cannot become a signature."""
        self._refusals.append(Refusal(self.where, value, reason))

    def reading(self) -> Reading:
        """What has been gathered."""
        return Reading(tuple(self._drafts), tuple(self._refusals))
