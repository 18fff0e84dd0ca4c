"""Gateways that tell one mail in several lines of a session: its fragments become one event with all recipients.

A fragment is a row with ``Col.TRANSACTION`` and what one line says:

- ``SENDER`` starts a mail where the mail before it has one already
- ``TO`` names recipients; with ``ACTION`` it says what became of these
- ``ACTION`` without ``TO`` says what became of the mail: allowed where one line says so
- ``AUTHENTICATION`` in the words of ``mailqueue``
- the id alone ends a mail
- ``SOURCE_IP`` and ``USER`` hold for all mails of the session from there on, the first that is said counts
- everything else: the first line of the mail that says it counts
- an id with a colon and a blank is of lines that stand alone: each fragment is an event

The event stands at the line that names the sender; recipients that were refused by themselves at the line that says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import Action, Col
from detector.grammars import mailqueue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.events import Row

_OF_SESSION = (Col.SOURCE_IP, Col.USER)
_OF_MAIL = (Col.SENDER, Col.FROM, Col.FROM_NAME, Col.SUBJECT, Col.MESSAGE_ID, Col.DIRECTION)
_ID_ALONE = frozenset({Col.TRANSACTION, Col.AT})


def join(rows: Sequence[Row]) -> Iterator[tuple[int, Row]]:
    """The events of one session's fragments.

    Yields:
        The position of the line that proves an event, different for each, and the event.
    """
    part: list[tuple[int, Row]] = []
    session: Row = {}
    for index, row in enumerate(rows):
        if ": " in str(row[Col.TRANSACTION]):
            yield index, {name: cell for name, cell in row.items() if name is not Col.TRANSACTION}
            continue
        last = row.keys() <= _ID_ALONE
        if last or (Col.SENDER in row and any(Col.SENDER in other for _, other in part)):
            yield from _events(part, session)
            part = []
        session = {**{name: row[name] for name in _OF_SESSION if name in row}, **session}
        if not last:
            part.append((index, row))
    yield from _events(part, session)


def _events(part: Sequence[tuple[int, Row]], session: Row) -> Iterator[tuple[int, Row]]:
    """The events of one mail."""
    known: Row = dict(session)
    for name in _OF_MAIL:
        for _, row in part:
            if name in row:
                known.setdefault(name, row[name])
    owner = str(known.get(Col.FROM) or known.get(Col.SENDER) or "").rpartition("@")[2]
    verdicts = [str(row[Col.AUTHENTICATION]) for _, row in part if Col.AUTHENTICATION in row]
    if verdict := mailqueue.authentication(verdicts, owner):
        known[Col.AUTHENTICATION] = verdict
    refused = _recipients(part, denied=True)
    taken = [one for one in _recipients(part, denied=False) if one not in refused]
    proof = _proof(part, refused)
    if proof is not None and (taken or not refused):
        yield proof[0], _event(proof[1], known, taken, _action(part))
    for index, row in part:
        if (to := row.get(Col.TO)) and row.get(Col.ACTION) == Action.DENIED and isinstance(to, list):
            here = [one for one in to if one in refused]
            for one in here:
                del refused[one]
            if here:
                yield index, _event(row, known, here, Action.DENIED)


def _event(proof: Row, known: Row, recipients: list[str], action: Action | None) -> Row:
    event: Row = dict(known)
    if Col.AT in proof:
        event[Col.AT] = proof[Col.AT]
    if recipients:
        event[Col.TO] = recipients
    if action is not None:
        event[Col.ACTION] = action
    return event


def _proof(part: Sequence[tuple[int, Row]], refused: dict[str, None]) -> tuple[int, Row] | None:
    """The line that names the sender, else the first one that names a recipient who was not refused."""
    for index, row in part:
        if Col.SENDER in row and not (refused and Col.TO in row):
            return index, row
    for index, row in part:
        to = row.get(Col.TO)
        if isinstance(to, list) and any(one not in refused for one in to):
            return index, row
    return None


def _recipients(part: Sequence[tuple[int, Row]], *, denied: bool) -> dict[str, None]:
    found: dict[str, None] = {}
    for _, row in part:
        to = row.get(Col.TO)
        if isinstance(to, list) and (row.get(Col.ACTION) == Action.DENIED) is denied:
            found.update(dict.fromkeys(to))
    return found


def _action(part: Sequence[tuple[int, Row]]) -> Action | None:
    """What became of the mail."""
    said = {str(row[Col.ACTION]) for _, row in part if Col.ACTION in row and not _refuses_some(row)}
    if Action.ALLOWED in said:
        return Action.ALLOWED
    return Action.DENIED if Action.DENIED in said else None


def _refuses_some(row: Row) -> bool:
    return Col.TO in row and row[Col.ACTION] == Action.DENIED
