"""The order of unknown domains: points for what a service that somebody uses looks like, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.discovery.closer import Traits
from detector.discovery.mails import Mailing
from detector.discovery.outcome import Row
from detector.events import Kind
from detector.identity import pseudonym
from detector.report.wording import counted, day, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from detector.match import Actor

UPLOAD_BYTES = 30_000
"""Bytes sent from which on a document or a picture may have been among them."""
_WRITING = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Found:
    """An unknown domain with what was seen of it.

    Attributes:
        domain: the registrable domain.
        traits: of its requests, ``None`` where there are none.
        mailing: its sign-up mail, ``None`` where there is none.
    """

    domain: str
    traits: Traits | None
    mailing: Mailing | None


def rank(found: Iterable[Found], *, people: int, limit: int, dated: bool, key: bytes | None) -> list[Row]:
    """Rows of domains that few asked for, best first.

    Args:
        found: the domains.
        people: all in the window.
        limit: people up to which a domain is of interest.
        dated: whether "new" means anything: a window or a baseline says what came before.
        key: of the pseudonyms; ``None``: people are shown by name.
    """
    rows = []
    for one in found:
        traits, mailing = one.traits or Traits(), one.mailing or Mailing()
        if traits.is_old or len(traits.people) > limit or len(mailing.mailboxes) > limit:
            continue
        if not traits.requests and not mailing.mailboxes:
            continue
        reasons = list(_reasons(traits, mailing, people=people, dated=dated))
        rows.append(_row(one.domain, traits, mailing, reasons, key))
    return sorted(rows, key=lambda row: (-row.score, row.domain))


def _reasons(traits: Traits, mailing: Mailing, *, people: int, dated: bool) -> Iterator[tuple[int, str]]:
    """(points, reason) pairs, the strongest kind of evidence first."""
    if mailing.mailboxes:
        yield 40, f"sign-up mail to {counted(len(mailing.mailboxes), 'mailbox', 'mailboxes')}"
    if traits.bytes_sent >= UPLOAD_BYTES:
        yield 30, f"{size(traits.bytes_sent)} sent"
    if written := sorted(traits.methods & _WRITING):
        yield 10, f"{' and '.join(written)} requests"
    first = _first(traits, mailing)
    if dated and first is not None:
        yield 10, f"new since {day(first)}"
    if traits.people:
        yield 10 if len(traits.people) > 1 else 5, f"{len(traits.people)} of {counted(people, 'person', 'people')}"
    if (days := len(traits.days | mailing.days)) > 1:
        yield min(days, 10), f"on {counted(days, 'day')}"
    if traits.denied and traits.denied == traits.requests:
        yield -10, "every request refused"
    if traits.kinds == {Kind.DNS.value}:
        yield -5, "only looked up (DNS)"


def _row(domain: str, traits: Traits, mailing: Mailing, reasons: Sequence[tuple[int, str]], key: bytes | None) -> Row:
    lasts = [at for at in (traits.last, mailing.last) if at is not None]
    return Row(
        domain=domain,
        score=sum(points for points, _ in reasons),
        reasons=tuple(reason for _, reason in reasons),
        hosts=tuple(sorted(traits.hosts)),
        people=_shown(traits.people, key),
        mailboxes=_shown(mailing.mailboxes, key),
        first_seen=_first(traits, mailing),
        last_seen=max(lasts, default=None),
        days=len(traits.days | mailing.days),
        requests=traits.requests,
        denied=traits.denied,
        bytes_sent=traits.bytes_sent,
        methods=tuple(sorted(traits.methods)),
        formats=tuple(sorted(traits.formats | mailing.formats)),
    )


def _first(traits: Traits, mailing: Mailing) -> int | None:
    return min((at for at in (traits.first, mailing.first) if at is not None), default=None)


def _shown(actors: Iterable[Actor], key: bytes | None) -> tuple[str, ...]:
    return tuple(sorted(actor.name if key is None else pseudonym(actor, key) for actor in actors))
