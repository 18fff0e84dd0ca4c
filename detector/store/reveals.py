"""The log of reveals: who asked for whose name, for which case and purpose; each entry holds the digest of the last."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import orjson
from sqlalchemy import insert, select

from detector.events import MICROSECONDS
from detector.store.rows import packed, unpacked
from detector.store.schema import purges, reveals

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from detector.store.schema import AnyRow

_DAY_US = 86_400 * MICROSECONDS


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for.

    Attributes:
        pseudonyms: whose names.
        case: the case that needs them.
        purpose: what for.
        by: who asks.
        keys: fingerprints of the custodians' keys that were presented.
        days: how long the names may be used for it.
    """

    pseudonyms: tuple[str, ...]
    case: str
    purpose: str
    by: str
    keys: tuple[str, ...]
    days: int


class Reveal(NamedTuple):
    """One entry of the log.

    Attributes:
        number: counted up from 1.
        at: when.
        pseudonyms: whose names were asked for.
        case: the case that needs them.
        purpose: what for.
        by: who asked.
        keys: fingerprints of the custodians' keys.
        expires: until when the names may be used for it.
        previous: digest of the entry before, empty for the first.
        digest: of this entry and that one.
    """

    number: int
    at: int
    pseudonyms: tuple[str, ...]
    case: str
    purpose: str
    by: str
    keys: tuple[str, ...]
    expires: int
    previous: str
    digest: str


def log(connection: Connection, ask: Ask, now: int) -> Reveal:
    """Add an entry."""
    last = connection.execute(select(reveals).order_by(reveals.c.number.desc()).limit(1)).first()
    previous = last.digest if last is not None else _anchor(connection)
    number = last.number + 1 if last is not None else _purged(connection) + 1
    entry = Reveal(
        number, now, ask.pseudonyms, ask.case, ask.purpose, ask.by, ask.keys, now + ask.days * _DAY_US, previous, ""
    )
    entry = entry._replace(digest=digest_of(entry))
    connection.execute(
        insert(reveals).values(
            number=entry.number, at=entry.at, pseudonyms="\n".join(entry.pseudonyms), case_id=packed(entry.case),
            purpose=packed(entry.purpose), by=packed(entry.by), keys="\n".join(entry.keys), expires=entry.expires,
            previous=entry.previous, digest=entry.digest,
        )
    )  # fmt: skip
    return entry


def read(connection: Connection) -> list[Reveal]:
    """The log, oldest first."""
    return [_entry(row) for row in connection.execute(select(reveals).order_by(reveals.c.number))]


def broken(connection: Connection) -> str:
    """What is wrong with the chain, empty when nothing is; it may begin where a purge left it."""
    previous: str | None = None
    number: int | None = None
    for entry in read(connection):
        if previous is None:
            previous = entry.previous
            if previous != _anchor(connection):
                return f"entry {entry.number} is not the first, and no purge took those before it"
        if entry.digest != digest_of(entry):
            return f"entry {entry.number} is not as it was written"
        if entry.previous != previous or (number is not None and entry.number != number + 1):
            return f"an entry before entry {entry.number} is missing or was put in"
        previous, number = entry.digest, entry.number
    return ""


def digest_of(entry: Reveal) -> str:
    """The digest of an entry: of everything that stands in it, the digest of the entry before included."""
    said = entry._replace(digest="", case=packed(entry.case), purpose=packed(entry.purpose), by=packed(entry.by))
    return hashlib.sha256(orjson.dumps(said._asdict(), option=orjson.OPT_SORT_KEYS)).hexdigest()


def _anchor(connection: Connection) -> str:
    """The digest from which the chain goes on: of the last entry that a purge took, empty where none did."""
    asked = select(purges.c.anchor).where(purges.c.kind == "reveals").order_by(purges.c.id.desc()).limit(1)
    return connection.scalar(asked) or ""


def _purged(connection: Connection) -> int:
    """How many entries purges have taken."""
    return sum(connection.scalars(select(purges.c.rows).where(purges.c.kind == "reveals")))


def _entry(row: AnyRow) -> Reveal:
    return Reveal(
        row.number, row.at, tuple(row.pseudonyms.split("\n")), unpacked(row.case_id), unpacked(row.purpose),
        unpacked(row.by), tuple(row.keys.split("\n")), row.expires, row.previous, row.digest,
    )  # fmt: skip
