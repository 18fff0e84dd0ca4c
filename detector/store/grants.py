"""Grants: for some hours the names of one reveal can be shown again without the custodians' keys; behind that never.

A grant has two halves. Whoever asked has the *grant file*, a secret of 32 random bytes. The store has the *box*: the
names of just those pseudonyms, encrypted (XSalsa20-Poly1305) under a key that is derived from that secret and from the
log entry of the reveal. Neither half opens anything alone, and an entry whose end (or case, or purpose) was changed
gives another key. When the time is over the box is erased and the log says so: by the daemon's next pass, else by the
next attempt, which is refused. Then the grant file is a number without a meaning, however often it was copied; only
the keys of both custodians open the names again.

What expiry cannot do: make somebody forget what they saw, or reach a copy. Whoever may read the store and the grant
file before the end, and copies both, has copied the names that they may see. `store backup` leaves boxes out; a copy
of the store's file by other means, taken while a grant lasts, opens with that grant's file.

A clock that is set back gains nothing once anything was written later: the store's own latest instant counts too.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import orjson
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from sqlalchemy import func, insert, select, update

from detector.errors import UsageError
from detector.events import to_iso
from detector.match import Actor, ActorKind
from detector.store import reveals
from detector.store.custody import padded
from detector.store.keyfiles import SECRET_MODE, read_secret, write_key
from detector.store.reveals import Act, Reveal, digest_of
from detector.store.rows import packed, unpacked
from detector.store.schema import counters, grants
from detector.store.schema import reveals as log

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    from detector.store.schema import AnyRow

LONGEST_US = 30 * 86_400_000_000
"""No grant lasts longer."""
_HEAD = "shadowit-grant-1:"
_NONE = b""


@dataclass(frozen=True, slots=True)
class Use:
    """What is asked of a grant.

    Attributes:
        wanted: pseudonyms; nothing: all that the grant is for.
        by: who asks.
        now: the present.
        is_partial: some of them need not be the grant's.
    """

    wanted: tuple[str, ...]
    by: str
    now: int
    is_partial: bool = False


class Shown(NamedTuple):
    """What a grant gives.

    Attributes:
        entry: of the log, which is on the disk.
        granted: the entry that opened the names.
        actors: by pseudonym.
        refused: why nothing is shown; empty where something is.
    """

    entry: Reveal
    granted: Reveal
    actors: Mapping[str, Actor]
    refused: str = ""


def make_file(path: Path, case: str, until: int) -> bytes:
    """Make the file of a new grant; its secret.

    Raises:
        UsageError: it is there already, or cannot be written.
    """
    secret = secrets.token_bytes(SecretBox.KEY_SIZE)
    case = " ".join(case.split())
    write_key(path, SECRET_MODE, f"names of case {case} can be shown with this until {to_iso(until)}", _HEAD, secret)
    return secret


def read_file(path: Path) -> bytes:
    """The secret of a grant's file.

    Raises:
        InvalidFile: the file is none, or others may read it.
    """
    return read_secret(path, _HEAD, "holds no grant: `shadowit reveal … --save FILE` makes one")


def keep(connection: Connection, entry: Reveal, secret: bytes, actors: Mapping[str, Actor]) -> None:
    """Keep the names of a reveal until it expires.

    Raises:
        UsageError: the store was written later than that already.
    """
    latest = _latest(connection)
    if latest >= entry.expires:
        raise UsageError(f"the store was last written at {to_iso(latest)}, this grant would end at "
                         f"{to_iso(entry.expires)}: is the clock of this machine right?")  # fmt: skip
    said = {name: [one.kind.value, packed(one.name)] for name, one in actors.items()}
    box = SecretBox(_key(secret, entry)).encrypt(padded(orjson.dumps(said)))
    connection.execute(insert(grants).values(number=entry.number, token=_token(secret), box=bytes(box), ended=None))


def use(connection: Connection, secret: bytes, asked: Use) -> Shown:
    """Log that names are shown within a grant, or that they were refused; what is shown must be shown after this.

    Raises:
        UsageError: no such grant was ever kept here.
    """
    row = connection.execute(select(grants).where(grants.c.token == _token(secret))).first()
    granted = None if row is None else reveals.entry(connection, row.number)
    if row is None or granted is None:
        raise UsageError("this store knows no such grant: it was made for another store, or was purged")
    number = granted.number
    if row.ended is not None or max(asked.now, _latest(connection)) >= granted.expires:
        over = to_iso(granted.expires if row.ended is None else min(granted.expires, row.ended))
        again = "the custodians can open the names again, with both keys"
        return _refused(connection, granted, asked, f"the grant of reveal {number} ended at {over}: {again}")
    wanted = tuple(dict.fromkeys(asked.wanted)) or granted.pseudonyms
    mine = tuple(one for one in wanted if one in granted.pseudonyms)
    if not mine or (len(mine) < len(wanted) and not asked.is_partial):
        other = next(one for one in wanted if one not in granted.pseudonyms)
        return _refused(connection, granted, asked, f"{other}: the grant of reveal {number} does not cover it")
    actors = _opened(row.box, _key(secret, granted))
    if actors is None:
        changed = f"the grant of reveal {number} does not open: its entry in the log is not as it was written"
        return _refused(connection, granted, asked, changed)
    entry = reveals.add(connection, _later(granted, Act.USED, asked.by, asked.now, mine))
    return Shown(entry, granted, {name: actors[name] for name in mine if name in actors})


def due(connection: Connection, now: int) -> bool:
    """Whether a grant is to be erased: see ``expire``."""
    return next(_over(connection, max(now, _latest(connection))), None) is not None


def expire(connection: Connection, now: int) -> int:
    """Erase the grants whose time is over, and those whose log entry is not as it was written; how many."""
    latest = max(now, _latest(connection))
    rows = list(_over(connection, latest))
    for row in rows:
        _end(connection, row, Act.EXPIRED, by="", now=latest)
    return len(rows)


def end(connection: Connection, number: int, *, by: str, now: int) -> Reveal:
    """Erase the grant of a reveal before its time, and log that.

    Raises:
        UsageError: it has none, or it has ended.
    """
    row = connection.execute(select(grants).where(grants.c.number == number, grants.c.ended.is_(None))).first()
    if row is None:
        raise UsageError(f"reveal {number} has no grant that lasts: `shadowit reveal log` lists them all")
    return _end(connection, row, Act.ENDED, by=by, now=now)


def covering(connection: Connection, pseudonyms: Collection[str]) -> list[int]:
    """Numbers of the reveals whose grants last and are for any of some pseudonyms."""
    entries = (reveals.entry(connection, number) for number in sorted(lasting(connection)))
    return [one.number for one in entries if one is not None and not set(one.pseudonyms).isdisjoint(pseudonyms)]


def lasting(connection: Connection) -> set[int]:
    """Numbers of the reveals whose names can be shown again as things are."""
    return set(connection.scalars(select(grants.c.number).where(grants.c.ended.is_(None))))


def _over(connection: Connection, now: int) -> Iterator[AnyRow]:
    for row in connection.execute(select(grants).where(grants.c.ended.is_(None)).order_by(grants.c.number)).all():
        granted = reveals.entry(connection, row.number)
        if granted is None or granted.digest != digest_of(granted) or granted.expires <= now:
            yield row


def _end(connection: Connection, row: AnyRow, act: Act, *, by: str, now: int) -> Reveal:
    connection.execute(update(grants).where(grants.c.number == row.number).values(box=_NONE, ended=now))
    granted = reveals.entry(connection, row.number) or Reveal(row.number, now, (), "", "", "", (), now)
    return reveals.add(connection, _later(granted, act, by, now))


def _refused(connection: Connection, granted: Reveal, asked: Use, reason: str) -> Shown:
    entry = reveals.add(connection, _later(granted, Act.REFUSED, asked.by, asked.now, asked.wanted))
    return Shown(entry, granted, {}, reason)


def _later(granted: Reveal, act: Act, by: str, now: int, pseudonyms: tuple[str, ...] = ()) -> Reveal:
    """An entry about a grant."""
    return granted._replace(
        at=now, pseudonyms=pseudonyms or granted.pseudonyms, by=by, keys=(), act=act, grant=granted.number
    )


def _opened(box: bytes, key: bytes) -> dict[str, Actor] | None:
    try:
        said = orjson.loads(SecretBox(key).decrypt(box))
    except CryptoError:
        return None
    return {name: Actor(ActorKind(kind), unpacked(written)) for name, (kind, written) in said.items()}


def _key(secret: bytes, entry: Reveal) -> bytes:
    return hmac.new(secret, b"shadowit\0grant\0" + digest_of(entry).encode(), hashlib.sha256).digest()


def _token(secret: bytes) -> str:
    """What a store knows a grant's file by, and from which nobody gets its secret."""
    return hashlib.sha256(b"shadowit\0token\0" + secret).hexdigest()


def _latest(connection: Connection) -> int:
    """The latest instant at which this store is known to have been written."""
    instants = (connection.scalar(select(func.max(one))) for one in (log.c.at, counters.c.succeeded))
    return max((one for one in instants if one is not None), default=0)
