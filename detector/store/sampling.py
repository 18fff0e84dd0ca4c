"""What sampled lines say about sources, as rows: one for each source, format, kinds of its logs and day, added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from detector.coverage import Sampled
from detector.events import Col
from detector.scan import Sample
from detector.store.rows import held, inserting, packed, packed_kinds, unpacked, unpacked_kinds
from detector.store.schema import samples as table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from detector.store.schema import AnyRow

_KEY = ("source", "dataset", "kinds", "day")
_FIGURES = ("events", "flows", "nameless", "resolvers", "hidden", "backward")


def add(connection: Connection, one: Sampled, now: int) -> None:
    """Add to what is known of such logs on a day; user names are left out."""
    kinds = packed_kinds(one.sample.kinds)
    mine = (table.c.source == packed(one.source)) & (table.c.dataset == one.dataset) & (table.c.day == held(one.day))
    mine &= table.c.kinds == kinds
    before = connection.execute(select(table).where(mine)).first()
    whole = one.unnamed if before is None else _sampled(before) + one.unnamed
    row = {
        "source": packed(one.source),
        "dataset": one.dataset,
        "day": held(one.day),
        "kinds": kinds,
        "columns": " ".join(sorted(name.value for name in whole.sample.columns)),
        **{name: held(getattr(whole.sample, name)) for name in _FIGURES},
        "files": whole.files,
        "late": whole.late,
        "ahead": whole.ahead,
        "notes": packed("\n".join(whole.notes)),
        "noted": now,
    }
    kept = inserting(connection, table).values(row)
    rest = {name: row[name] for name in row if name not in _KEY}
    connection.execute(kept.on_conflict_do_update(index_elements=list(_KEY), set_=rest))


def read(connection: Connection) -> list[Sampled]:
    """All that is known, by source, format and day."""
    asked = select(table).order_by(table.c.source, table.c.dataset, table.c.day, table.c.kinds)
    return [_sampled(row) for row in connection.execute(asked)]


def _sampled(row: AnyRow) -> Sampled:
    sample = Sample(
        kinds=unpacked_kinds(row.kinds),
        columns=frozenset(map(Col, row.columns.split())),
        **{name: getattr(row, name) for name in _FIGURES},
    )
    notes = unpacked(row.notes)
    said = tuple(notes.split("\n")) if notes else ()
    return Sampled(unpacked(row.source), row.dataset, row.day, sample, row.files, row.late, row.ahead, said)
