"""A mail vendor's table becomes a whole format: records as JSON, one a line, and the vendor's CSV exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import orjson

from detector.errors import RefusedLine
from detector.events import Col, Kind, Layout, LogFormat
from detector.grammars import csvexport, records
from detector.grammars.reader import Reader

if TYPE_CHECKING:
    from detector.events import Dialect, Row, Zone
    from detector.grammars.mailtable import MailTable
    from detector.grammars.records import Cells

Unwrap: TypeAlias = Callable[[dict[str, object]], "Cells | None"]
"""The record inside a JSON object; ``None`` for an object that is no mail. May raise ``RefusedLine``."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a vendor's records look.

    Attributes:
        own: names of which a record has all of one group; groups apart by ``|``.
        written: fields of an example beside those of the table: the time, the words for action and direction.
        unwrap: finds the record inside a JSON object.
        csv: a header's names, as ``csvexport.normal`` spells them, to the table's; empty where nothing exports CSV.
        head_literals: of which every CSV header holds one.
        text: the record of a line of the vendor's older text, ``None`` where it is none.
    """

    own: str
    written: Callable[[Row], Mapping[str, object]]
    unwrap: Unwrap | None = None
    csv: Mapping[str, str] = field(default_factory=dict)
    head_literals: tuple[bytes, ...] = ()
    text: Callable[[str], Cells | None] | None = None

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The groups of own names."""
        return tuple(tuple(group.split()) for group in self.own.split("|"))


def mail_format(  # noqa: PLR0913 - a format has that many parts
    name: str, title: str, *, reference: str, zone: Zone, mails: MailTable, shape: Shape
) -> LogFormat:
    """The format of a table."""
    groups = shape.groups

    def record(line: str, dialect: Dialect) -> Cells | None:
        if shape.text is not None and (cells := shape.text(line)) is not None:
            return cells
        is_csv = dialect.columns and line[:1] != "{"
        return _of_csv(line, dialect) if is_csv else _of_json(line, shape.unwrap, groups)

    reader = Reader(record, mails)

    def head(line: str, dialect: Dialect) -> Dialect | None:
        if not shape.csv or "@" in line or line.lstrip()[:1] == "{":
            return None
        if (found := csvexport.columns(line, shape.csv, 3)) is None:
            return None
        columns = tuple(shape.csv.get(column, column) for column in found[0])
        if not any(set(group) <= set(columns) for group in groups):
            return None
        return replace(dialect, columns=columns, separator=found[1])

    return LogFormat(
        name=name, kind=Kind.MAIL, title=title, reference=reference, parse=reader.parse,
        timestamp=reader.timestamp, block=reader.block,
        example=lambda row: example(mails.names, row, shape.written(row)),
        columns=mails.columns, zone=zone, head=head, head_literals=shape.head_literals,
        layout=Layout.JSON, encoded=(b"\\u",),
    )  # fmt: skip


def example(names: Mapping[Col, tuple[str, ...]], row: Row, written: Mapping[str, object]) -> str:
    """An event as one JSON record; dotted names become objects."""
    cells: dict[str, object] = {}
    for column, (first, *_) in names.items():
        value = row.get(column)
        if value is not None and value != []:
            text = ", ".join(value) if isinstance(value, list) else f"<{value}>" if column is Col.MESSAGE_ID else value
            cells[first] = f"{text} <{cells[first]}>" if column is Col.FROM_NAME and first in cells else text
    record: dict[str, object] = {}
    for path, cell in {**cells, **written}.items():
        place = record
        *outer, last = path.split(".")
        for key in outer:
            inner = place.setdefault(key, {})
            if isinstance(inner, dict):
                place = inner
        place[last] = cell
    return orjson.dumps(record).decode()


def _of_json(line: str, unwrap: Unwrap | None, groups: tuple[tuple[str, ...], ...]) -> Cells | None:
    found = records.record(line)
    record: Cells | None = found if unwrap is None else unwrap(found)
    if record is None:
        return None
    for group in groups:
        if all(map(record.__contains__, group)):
            return record
    raise RefusedLine("no names of this vendor's mail log")


def _of_csv(line: str, dialect: Dialect) -> Cells | None:
    found = csvexport.cells(line, dialect.separator or ",")
    if len(found) * 2 < len(dialect.columns):
        raise RefusedLine("fewer fields than the header has names")
    return dict(zip(dialect.columns, found, strict=False))
