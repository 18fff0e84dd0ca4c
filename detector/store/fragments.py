"""Lines of transactions that have not ended, between two readings of a log.

They hold names, so they lie encrypted (XSalsa20-Poly1305) under a key that is derived from the key of the pseudonyms,
and under the keyed digest of their transaction: a store without that key shows neither.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

import orjson
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from sqlalchemy import delete, select, true

from detector.errors import StoreFault
from detector.events import Col
from detector.scan import Fragment
from detector.store.rows import inserting, packed, unpacked
from detector.store.schema import fragments as table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

_KEYLESS = "transactions that span lines need a key: write privacy: {key_file: …} into the configuration"


def keep(connection: Connection, key: bytes | None, dataset: str, lines: Sequence[Fragment], expires: int) -> None:
    """Keep lines until an instant; those that are there stay as they are.

    Raises:
        StoreFault: there is no key.
    """
    if not lines:
        return
    box = SecretBox(_derived(key, b"fragments"))
    rows = [
        {
            "dataset": dataset,
            "stream": one.stream,
            "offset": one.offset,
            "transaction": _digest(key, one.key),
            "expires": expires,
            "box": bytes(box.encrypt(_written(one))),
        }
        for one in lines
    ]
    connection.execute(inserting(connection, table).on_conflict_do_nothing(), rows)


def read(connection: Connection, key: bytes | None, dataset: str, keys: frozenset[str]) -> list[Fragment]:
    """The kept lines of some transactions, in the order of their logs.

    Raises:
        StoreFault: there is no key, or it is another one than that which they were kept with.
    """
    wanted = table.c.transaction.in_(sorted(_digest(key, one) for one in keys))
    return _opened(connection, key, dataset, wanted) if keys else []


def all_of(connection: Connection, key: bytes | None, dataset: str) -> list[Fragment]:
    """The kept lines of all transactions of a format; raises what ``read`` raises."""
    return _opened(connection, key, dataset, true())


def _opened(connection: Connection, key: bytes | None, dataset: str, wanted: ColumnElement[bool]) -> list[Fragment]:
    box = SecretBox(_derived(key, b"fragments"))
    asked = select(table.c.box).where(wanted & (table.c.dataset == dataset))
    try:
        found = [_fragment(box.decrypt(one)) for one in connection.scalars(asked)]
    except CryptoError:
        raise StoreFault("the key of the pseudonyms is another one than that of this store: name the old key_file, or "
                         "another store") from None  # fmt: skip
    return sorted(found, key=lambda one: (one.order, one.path, one.offset))


def forget(connection: Connection, key: bytes | None, dataset: str, keys: frozenset[str]) -> None:
    """Drop the lines of some transactions."""
    if keys:
        ended = table.c.transaction.in_(sorted(_digest(key, one) for one in keys)) & (table.c.dataset == dataset)
        connection.execute(delete(table).where(ended))


def expire(connection: Connection, now: int) -> int:
    """Drop the lines whose transactions will not end any more; how many."""
    return connection.execute(delete(table).where(table.c.expires <= now)).rowcount


def _derived(key: bytes | None, purpose: bytes) -> bytes:
    if key is None:
        raise StoreFault(_KEYLESS)
    return hmac.new(key, b"shadowit\0" + purpose, hashlib.sha256).digest()


def _digest(key: bytes | None, transaction: str) -> str:
    return hmac.new(_derived(key, b"transactions"), packed(transaction).encode(), hashlib.sha256).hexdigest()


def _written(one: Fragment) -> bytes:
    return orjson.dumps(
        {
            **one._asdict(),
            "key": packed(one.key),
            "path": packed(one.path),
            "raw": base64.b64encode(one.raw).decode(),
            "row": {str(name.value): _cell(cell) for name, cell in one.row.items()},
        }
    )


def _cell(cell: str | int | list[str]) -> str | int | list[str]:
    return cell if isinstance(cell, int) else packed(cell) if isinstance(cell, str) else [packed(one) for one in cell]


def _fragment(written: bytes) -> Fragment:
    said = orjson.loads(written)
    row = {Col(name): _uncell(cell) for name, cell in said["row"].items()}
    return Fragment(
        **said | {"key": unpacked(said["key"]), "path": unpacked(said["path"]), "row": row,
                  "raw": base64.b64decode(said["raw"])}
    )  # fmt: skip


def _uncell(cell: str | int | list[str]) -> str | int | list[str]:
    if isinstance(cell, int):
        return cell
    return unpacked(cell) if isinstance(cell, str) else [unpacked(one) for one in cell]
