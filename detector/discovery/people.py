"""Who and what an event names: the account if the device knew one, else the address; the hosts asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.events import Col
from detector.grammars.values import address, lower, user
from detector.match import Actor, ActorKind

if TYPE_CHECKING:
    from detector.events import EventBatch, Value

_NAMES = (Col.DOMAIN, Col.QUESTION, Col.SERVER_NAME)


def person_of(account: str | None, source: str | None) -> Actor | None:
    """The actor of a request, ``None`` where the log names nobody.

    >>> person_of("U1042", "10.0.0.7").name, person_of(None, "10.0.0.7").name, person_of(None, None)
    ('u1042', '10.0.0.7', None)
    """
    if account:
        return Actor(ActorKind.ACCOUNT, lower(account))
    return Actor(ActorKind.ADDRESS, lower(source)) if source else None


def person_written(account: bytes, source: bytes) -> Actor | None:
    """The same from the bytes of a line; placeholders name nobody.

    >>> person_written(b"-", b"10.0.0.7").name
    '10.0.0.7'
    """
    return person_of(user(account.decode()) if account not in (b"", b"-") else None, address(source.decode()))


def event_names(batch: EventBatch, index: int) -> set[str]:
    """The host names of an event."""
    return {name for column in _NAMES if isinstance(name := cell(batch, column, index), str) and name}


def event_person(batch: EventBatch, index: int) -> Actor | None:
    """Who stands behind an event."""
    account, source = cell(batch, Col.USER, index), cell(batch, Col.SOURCE_IP, index)
    return person_of(account if isinstance(account, str) else None, source if isinstance(source, str) else None)


def cell(batch: EventBatch, column: Col, index: int) -> Value | None:
    """One cell of an event, ``None`` where its line does not hold the column."""
    cells = batch.columns.get(column)
    return None if cells is None else cells[index]
