"""Mail servers that tell one mail in several lines under a queue id: its fragments become one event per recipient.

A fragment is a row with ``Col.TRANSACTION`` and what one line says:

- a *try* has ``TO`` and, once it is final, ``ACTION``; a refusal may also have ``SENDER``
- ``ACTION`` without ``TO`` says that the recipients that still wait were given up; where nothing names one, the mail
  itself was refused: an event without recipients
- ``TO`` with ``SENDER`` and no ``ACTION`` only names a recipient
- the id alone ends the transaction: queue ids are used again; a try that another process logged a moment later still
  belongs to it
- everything else is known of all recipients: the first line that says it counts
- an id with a colon and a blank is of mails that were refused before they had one: each fragment is an event
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import MICROSECONDS, Action, Col

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.events import Row

REQUEUED = "requeued"
"""``DIRECTION`` of a fragment whose mail came back from a content filter: the first transaction has told it."""
DKIM_PASS = "dkim-pass"  # noqa: S105
"""``AUTHENTICATION`` of a fragment: a DKIM signature was good; ``pass`` only where its domain is the sender's."""
DKIM_FAIL = "dkim-fail"
"""``AUTHENTICATION`` of a fragment: a DKIM signature was bad. Plain ``pass`` and ``fail`` (DMARC) outrank DKIM."""
SIGNED_BY = "dkim="
"""``AUTHENTICATION`` of a fragment: what stands before the domain of a DKIM signature."""

PASSED_BY = "dkim-pass="
"""``AUTHENTICATION`` of a fragment: what stands before the domain of a DKIM signature that was good."""

LATE_US = 2 * MICROSECONDS
"""How much later than the end of a mail another process may log what became of it."""

_KNOWN_OF_ALL = (
    Col.SENDER, Col.FROM, Col.FROM_NAME, Col.SUBJECT, Col.MESSAGE_ID, Col.SOURCE_IP, Col.USER, Col.DIRECTION,
)  # fmt: skip
_OPENING = frozenset({Col.TRANSACTION, Col.AT, Col.SOURCE_IP, Col.USER, Col.DIRECTION})
_ID_ALONE = frozenset({Col.TRANSACTION, Col.AT})


def join(rows: Sequence[Row]) -> Iterator[tuple[int, Row]]:
    """The events of one queue id's fragments, which may hold several transactions one after the other.

    Yields:
        The position of the line that proves an event, different for each, and the event.
    """
    part: list[tuple[int, Row]] = []
    tried, ended = False, None
    for index, row in enumerate(rows):
        if ": " in str(row[Col.TRANSACTION]):
            yield index, {name: cell for name, cell in row.items() if name is not Col.TRANSACTION}
            continue
        last = row.keys() <= _ID_ALONE
        opens = tried and row.keys() <= _OPENING  # a new client where the end was not logged
        if part and (opens if ended is None else not (_is_try(row) and _is_late(row, ended))):
            yield from _events(part)
            part, tried, ended = [], False, None
        if last:
            ended = row if part else None
        else:
            part.append((index, row))
            tried = tried or _is_try(row)
    yield from _events(part)


def _is_late(row: Row, ended: Row) -> bool:
    """Whether a line was written so soon behind the end of its transaction that it only lost a race."""
    at, end = row.get(Col.AT), ended.get(Col.AT)
    return isinstance(at, int) and isinstance(end, int) and abs(at - end) <= LATE_US


def _is_try(row: Row) -> bool:
    return Col.TO in row and (Col.ACTION in row or Col.SENDER not in row)


def _events(part: Sequence[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    """The events of one transaction."""
    if any(row.get(Col.DIRECTION) == REQUEUED for _, row in part):
        return
    known = _known(part)
    tries = _tries(part)
    given_up = any(Col.ACTION in row and Col.TO not in row for _, row in part)
    for index, row in tries:
        event = {**row, **known}
        if Col.DIRECTION in row and Col.DIRECTION in known:
            event[Col.DIRECTION] = "internal"  # sent by one of the house, and delivered in it
        if given_up:
            event.setdefault(Col.ACTION, Action.DENIED)
        del event[Col.TRANSACTION]
        yield index, event
    if not tries and (proof := _untried(part, known)):
        index, row = proof
        event = {**row, **known, **({Col.ACTION: Action.DENIED} if given_up else {})}
        yield index, {name: cell for name, cell in event.items() if name is not Col.TRANSACTION}


def _untried(part: Sequence[tuple[int, Row]], known: Row) -> tuple[int, Row] | None:
    """The line that names a recipient, else the one that refused a mail of which sender or client are known."""
    named = next(((index, row) for index, row in part if Col.TO in row), None)
    if named or not (Col.SENDER in known or Col.SOURCE_IP in known):
        return named
    return next(((index, row) for index, row in part if Col.ACTION in row), None)


def _tries(part: Sequence[tuple[int, Row]]) -> list[tuple[int, Row]]:
    """One try per recipient: the first final one, else the first (which stays the same however often it is tried)."""
    tries: dict[str, tuple[int, Row]] = {}
    for index, row in part:
        if _is_try(row):
            recipient = str(row[Col.TO])
            if recipient not in tries or (Col.ACTION in row and Col.ACTION not in tries[recipient][1]):
                tries[recipient] = (index, row)
    return list(tries.values())


def _known(part: Sequence[tuple[int, Row]]) -> Row:
    known: Row = {}
    for _, row in part:
        tried = _is_try(row)
        for name in _KNOWN_OF_ALL:
            if name in row and not (tried and name is Col.DIRECTION):
                known.setdefault(name, row[name])
    verdicts = [str(row[Col.AUTHENTICATION]) for _, row in part if Col.AUTHENTICATION in row]
    verdict = authentication(verdicts, str(known.get(Col.FROM) or known.get(Col.SENDER) or "").rpartition("@")[2])
    if verdict:
        known[Col.AUTHENTICATION] = verdict
    return known


def authentication(verdicts: Sequence[str], owner: str) -> str | None:
    """How authentication ended by a mail's verdicts: the last one on the whole mail, else what its DKIM signatures say.

    Args:
        verdicts: in order, in the words of this module.
        owner: domain of the sender: a signature counts only where it is aligned with it.
    """
    ruled = [verdict for verdict in verdicts if verdict in ("pass", "fail")]
    if ruled:
        return ruled[-1]
    signers = [verdict.removeprefix(SIGNED_BY) for verdict in verdicts if verdict.startswith(SIGNED_BY)]
    passed = [verdict.removeprefix(PASSED_BY) for verdict in verdicts if verdict.startswith(PASSED_BY)]
    if DKIM_PASS in verdicts or passed:
        named = passed or signers
        aligned = any(is_aligned(one, owner) for one in named)
        return "pass" if aligned or not named else None
    return "fail" if DKIM_FAIL in verdicts else None


def is_aligned(domain: str, owner: str) -> bool:
    """Whether one of two domains is the other, or lies below it."""
    return f".{owner}".endswith(f".{domain}") or f".{domain}".endswith(f".{owner}")
