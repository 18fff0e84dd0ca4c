"""The log of reveals: who asked for whose name, for which case and purpose; each entry holds the digest of the last."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import orjson
from sqlalchemy import insert, select

from detector.store.rows import packed, unpacked
from detector.store.schema import purges, reveals

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from detector.store.schema import AnyRow


class Act(StrEnum):
    """What an entry of the log tells."""

    OPENED = "opened"
    """Names were asked for with the keys of both custodians."""
    USED = "used"
    """Names were shown again, within a grant."""
    REFUSED = "refused"
    """Names were asked for, and the grant did not cover that, or no longer."""
    EXPIRED = "expired"
    """The time of a grant was over (or its entry was changed): what it could open was erased."""
    ENDED = "ended"
    """Somebody ended a grant before its time."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for.

    Attributes:
        pseudonyms: whose names.
        case: the case that needs them.
        purpose: what for.
        by: who asks.
        keys: fingerprints of the custodians' keys that were presented.
        lasts_us: for how many microseconds they may be shown again; 0: they are shown once.
    """

    pseudonyms: tuple[str, ...]
    case: str
    purpose: str
    by: str
    keys: tuple[str, ...]
    lasts_us: int = 0


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
        expires: until when the names may be shown.
        previous: digest of the entry before, empty for the first.
        digest: of this entry and that one.
        act: what happened.
        grant: number of the entry that opened the names, 0 in that one itself.
    """

    number: int
    at: int
    pseudonyms: tuple[str, ...]
    case: str
    purpose: str
    by: str
    keys: tuple[str, ...]
    expires: int
    previous: str = ""
    digest: str = ""
    act: Act = Act.OPENED
    grant: int = 0


def log(connection: Connection, ask: Ask, now: int) -> Reveal:
    """Add an entry: names are asked for with both keys."""
    return add(connection, Reveal(0, now, ask.pseudonyms, ask.case, ask.purpose, ask.by, ask.keys, now + ask.lasts_us))


def add(connection: Connection, said: Reveal) -> Reveal:
    """Add an entry; its number and its digests are those that follow."""
    last = connection.execute(select(reveals).order_by(reveals.c.number.desc()).limit(1)).first()
    previous = last.digest if last is not None else _anchor(connection)
    number = last.number + 1 if last is not None else _purged(connection) + 1
    entry = said._replace(number=number, previous=previous)
    entry = entry._replace(digest=digest_of(entry))
    connection.execute(
        insert(reveals).values(
            number=entry.number, at=entry.at, pseudonyms="\n".join(entry.pseudonyms), case_id=packed(entry.case),
            purpose=packed(entry.purpose), by=packed(entry.by), keys="\n".join(entry.keys), expires=entry.expires,
            previous=entry.previous, digest=entry.digest, act=entry.act.value, grant_of=entry.grant,
        )
    )  # fmt: skip
    return entry


def read(connection: Connection) -> list[Reveal]:
    """The log, oldest first."""
    return [_entry(row) for row in connection.execute(select(reveals).order_by(reveals.c.number))]


def entry(connection: Connection, number: int) -> Reveal | None:
    """One entry, ``None`` where it was purged, or was never there."""
    row = connection.execute(select(reveals).where(reveals.c.number == number)).first()
    return None if row is None else _entry(row)


def broken(connection: Connection) -> str:
    """What is wrong with the chain, empty when nothing is; it may begin where a purge left it."""
    previous: str | None = None
    number: int | None = None
    for one in read(connection):
        if previous is None:
            previous = one.previous
            if previous != _anchor(connection):
                return f"entry {one.number} is not the first, and no purge took those before it"
        if one.digest != digest_of(one):
            return f"entry {one.number} is not as it was written"
        if one.previous != previous or (number is not None and one.number != number + 1):
            return f"an entry before entry {one.number} is missing or was put in"
        previous, number = one.digest, one.number
    return ""


def digest_of(one: Reveal) -> str:
    """The digest of an entry: of everything that stands in it, the digest of the entry before included.

    An entry that opened names says so by saying nothing: those of before there were grants keep their digests.
    """
    said = one._replace(digest="", case=packed(one.case), purpose=packed(one.purpose), by=packed(one.by))._asdict()
    if one.act is Act.OPENED and not one.grant:
        del said["act"], said["grant"]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _anchor(connection: Connection) -> str:
    """The digest from which the chain goes on: of the last entry that a purge took, empty where none did."""
    asked = select(purges.c.anchor).where(purges.c.kind == "reveals").order_by(purges.c.id.desc()).limit(1)
    return connection.scalar(asked) or ""


def _purged(connection: Connection) -> int:
    """How many entries purges have taken."""
    return sum(connection.scalars(select(purges.c.rows).where(purges.c.kind == "reveals")))


def _entry(row: AnyRow) -> Reveal:
    return Reveal(
        row.number, row.at, _several(row.pseudonyms), unpacked(row.case_id), unpacked(row.purpose), unpacked(row.by),
        _several(row.keys), row.expires, row.previous, row.digest, Act(row.act), row.grant_of,
    )  # fmt: skip


def _several(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()
