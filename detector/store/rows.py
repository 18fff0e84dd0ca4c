"""Values ↔ rows of tables: what a database cannot hold (NUL, bytes of odd file names, huge integers) is packed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import ColumnElement, Table, case
from sqlalchemy.dialects import postgresql, sqlite

from detector.events import Kind, Stage
from detector.findings import Attributed
from detector.match import Actor, ActorKind, Confidence
from detector.policy import Verdict
from detector.sources import Compression
from detector.sources.streams import StreamState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from detector.store.schema import AnyRow

Cell: TypeAlias = str | int | bytes | None
_PACKED = "\x1a"
_LARGEST = 2**63 - 1


def packed(text: str) -> str:
    r"""A text as every database takes it; ``unpacked`` undoes it.

    >>> packed("plain"), unpacked(packed("a\0\udcff")) == "a\0\udcff"
    ('plain', True)
    """
    if "\0" not in text and not text.startswith(_PACKED):
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            pass
        else:
            return text
    return _PACKED + text.encode("utf-8", "surrogatepass").hex()


def unpacked(text: str) -> str:
    """The text that was packed."""
    return bytes.fromhex(text[1:]).decode("utf-8", "surrogatepass") if text.startswith(_PACKED) else text


def packed_kinds(kinds: Iterable[Kind]) -> str:
    """Kinds of logs as one text.

    >>> packed_kinds({Kind.PROXY, Kind.DNS}), unpacked_kinds("dns proxy") == {Kind.DNS, Kind.PROXY}
    ('dns proxy', True)
    """
    return " ".join(sorted(one.value for one in kinds))


def unpacked_kinds(text: str) -> frozenset[Kind]:
    """The kinds that were packed."""
    return frozenset(map(Kind, text.split()))


def held(number: int) -> int:
    """A number as databases can hold it: forged sizes may be larger.

    >>> held(10**30) == 2**63 - 1, held(-(10**30)) == -(2**63), held(7)
    (True, True, 7)
    """
    return max(min(number, _LARGEST), -_LARGEST - 1)


def inserting(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insertion that can say what to do where the row is there already; both databases spell it alike."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def lesser(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    """The smaller of two columns; one that is empty does not count."""
    return case((one.is_(None), other), (other.is_(None), one), (one < other, one), else_=other)


def greater(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    """The larger of two columns; one that is empty does not count."""
    return case((one.is_(None), other), (other.is_(None), one), (one > other, one), else_=other)


def sighting_row(one: Attributed, now: int) -> dict[str, Cell]:
    """A sighting as a row."""
    return {
        "id": one.id,
        "service": one.service,
        "indicator": one.indicator,
        "stage": one.stage.value,
        "confidence": one.confidence.value,
        "at": None if one.at is None else held(one.at),
        "denied": int(one.denied),
        "actor_kind": one.actor.kind.value,
        "actor": one.actor.name,
        "grade": one.grade,
        "one_of": one.one_of,
        "unit": packed(one.unit),
        "host": packed(one.host),
        "bytes_sent": held(one.bytes_sent),
        "counterpart": packed(one.counterpart.rpartition("@")[2]),  # bounce addresses hold the other end's name
        "kind": one.kind.value,
        "dataset": one.dataset,
        "source": packed(one.source),
        "path": packed(one.path),
        "stream": one.stream,
        "offset": one.offset,
        "part": one.part,
        "length": one.length,
        "sha256": one.sha256,
        "verdict": one.verdict.value,
        "ruling": packed(one.ruling),
        "noted": now,
    }


def sighting_of(row: AnyRow) -> Attributed:
    """The sighting of a row."""
    return Attributed(
        id=row.id,
        service=row.service,
        indicator=row.indicator,
        stage=Stage(row.stage),
        confidence=Confidence(row.confidence),
        at=row.at,
        denied=bool(row.denied),
        actor=Actor(ActorKind(row.actor_kind), row.actor),
        grade=row.grade,
        one_of=row.one_of,
        unit=unpacked(row.unit),
        host=unpacked(row.host),
        bytes_sent=row.bytes_sent,
        counterpart=unpacked(row.counterpart),
        kind=Kind(row.kind),
        dataset=row.dataset,
        source=unpacked(row.source),
        path=unpacked(row.path),
        stream=row.stream,
        offset=row.offset,
        part=row.part,
        length=row.length,
        sha256=row.sha256,
        verdict=Verdict(row.verdict),
        ruling=unpacked(row.ruling),
    )


def stream_row(state: StreamState) -> Mapping[str, Cell]:
    """The state of a stream as a row."""
    return {
        "id": state.id,
        "source": packed(state.source),
        "path": packed(state.path),
        "device": held(state.device),
        "inode": held(state.inode),
        "head_bytes": state.head_bytes,
        "head_sha256": state.head_sha256,
        "guard_bytes": state.guard_bytes,
        "guard_sha256": state.guard_sha256,
        "offset": state.offset,
        "compression": state.compression.value,
        "is_final": int(state.is_final),
        "format": state.format,
        "dialect_columns": packed("\n".join(state.dialect_columns)),
        "dialect_separator": packed(state.dialect_separator),
        "size": state.size,
        "modified": state.modified,
    }


def stream_of(row: AnyRow) -> StreamState:
    """The state of a stream of a row."""
    columns = unpacked(row.dialect_columns)
    return StreamState(
        id=row.id,
        source=unpacked(row.source),
        path=unpacked(row.path),
        device=row.device,
        inode=row.inode,
        head_bytes=row.head_bytes,
        head_sha256=row.head_sha256,
        guard_bytes=row.guard_bytes,
        guard_sha256=row.guard_sha256,
        offset=row.offset,
        compression=Compression(row.compression),
        is_final=bool(row.is_final),
        format=row.format,
        dialect_columns=tuple(columns.split("\n")) if columns else (),
        dialect_separator=unpacked(row.dialect_separator),
        size=row.size,
        modified=row.modified,
        kinds=unpacked_kinds(row.kinds),
    )
