"""The lines that prove a finding: of each stage the earliest and the latest ones, and how often it was seen."""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, Self, TypeAlias, TypeVar

from detector.events import MICROSECONDS, Stage
from detector.match import sighting_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

EVIDENCE_EACH_SIDE = 5
"""Earliest, and latest, lines of each stage that are kept."""

DAY_US = 86_400 * MICROSECONDS
UNKNOWN_TIME = -(1 << 62)
_PROOF = struct.Struct(">QQII32s")
"""Instant, offset, part, length and digest: bytes that sort by time and place."""
PROOF_BYTES = _PROOF.size
_EPOCH = 1 << 63
_LAST = (1 << 62) - 1
_DATED = (UNKNOWN_TIME + 1 + _EPOCH).to_bytes(8, "big")
"""How the evidence of known instants begins, or what is less."""

T = TypeVar("T")


class Origin(NamedTuple):
    """What much evidence has in common.

    Attributes:
        path: the log.
        indicator: the indicator's id.
        stage: what it proves.
        denied: the request was refused.
        stream: identity of the log's content.
    """

    path: str
    indicator: str
    stage: Stage
    denied: bool
    stream: str


_made = tuple.__new__
"""Makes evidence in half the time that its own way takes."""

Kept: TypeAlias = tuple[bytes, Origin]
"""Evidence of one origin as it is kept: 56 bytes for each line, sorted; quick to sort and to send between processes."""


def in_order(kept: Sequence[Kept]) -> Iterable[Evidence]:
    """By instant, then log, then place in it: the order in which reports tell evidence."""
    if len(kept) == 1:
        return _unpacked(*kept[0])
    return sorted(chain.from_iterable([_unpacked(*one) for one in kept]))


def _unpacked(proofs: bytes, origin: Origin) -> Iterator[Evidence]:
    path, indicator, stage, denied, stream = origin
    for at, offset, part, length, digest in _PROOF.iter_unpack(proofs):
        yield _made(Evidence, (at - _EPOCH, path, offset, indicator, stage, denied, stream, part, length, digest))


def _singly(kept: Iterable[Kept]) -> list[Kept]:
    """Each line for itself."""
    return [
        (proofs[at : at + PROOF_BYTES], origin) for proofs, origin in kept for at in range(0, len(proofs), PROOF_BYTES)
    ]


def _by_origin(ordered: Iterable[Kept]) -> tuple[Kept, ...]:
    """The opposite; by the first line of each origin."""
    joined: dict[Origin, bytes] = {}
    for proof, origin in ordered:
        joined[origin] = joined.get(origin, b"") + proof
    return tuple([(proofs, origin) for origin, proofs in joined.items()])


def proofs_of(
    instants: Iterable[int | None],
    offsets: Iterable[int],
    parts: Iterable[int],
    lengths: Iterable[int],
    digests: Iterable[bytes],
) -> Iterator[bytes]:
    """The bytes that the evidence of each of n lines is kept as, by its length and SHA-256."""
    known = [UNKNOWN_TIME if at is None else at if -_LAST <= at <= _LAST else _LAST if at > 0 else -_LAST
             for at in instants]  # fmt: skip
    return map(_PROOF.pack, [at + _EPOCH for at in known], offsets, parts, lengths, digests)


def _instant(proof: bytes) -> int:
    return int.from_bytes(proof[:8], "big") - _EPOCH


class Evidence(NamedTuple):
    """One line that proves something; sorts by time and place. Of the line itself only the digest is kept.

    Attributes:
        at: instant, far in the past where unknown.
        path: the log.
        offset: of the line in the decompressed stream.
        indicator: the indicator's id.
        stage: what it proves.
        denied: the request was refused.
        stream: identity of the log's content.
        part: 0, or the position of the recipient among several on one line.
        length: of the line in bytes.
        digest: SHA-256 of the line.
    """

    at: int
    path: str
    offset: int
    indicator: str
    stage: Stage
    denied: bool
    stream: str
    part: int
    length: int
    digest: bytes

    @property
    def sha256(self) -> str:
        """Digest of the line, hex."""
        return self.digest.hex()

    @property
    def sighting(self) -> str:
        """The sighting's id."""
        return sighting_id(self.stream, self.offset, self.indicator, self.part)

    @property
    def instant(self) -> int | None:
        """When, ``None`` where the line's time cannot be read."""
        return None if self.at == UNKNOWN_TIME else self.at


@dataclass(slots=True)
class StageCount:
    """What was seen of one stage (of one actor and service).

    Attributes:
        count: sightings.
        confirmed: those that are more than probable.
        first: earliest known instant.
        last: latest known instant.
        dated: sightings whose time is known.
        spread: those by day (UTC, days since the epoch); ``None`` while all are of one day, as most are.
        kept: evidence: of the earliest and the latest lines.
    """

    count: int = 0
    confirmed: int = 0
    first: int | None = None
    last: int | None = None
    dated: int = 0
    spread: dict[int, int] | None = None
    kept: tuple[Kept, ...] = ()

    @classmethod
    def of(cls, proofs: Iterable[bytes], origin: Origin, *, is_confirmed: bool) -> Self:
        """What sightings alike count, by their proofs."""
        ordered = sorted(proofs)
        count = len(ordered)
        known = ordered[bisect_left(ordered, _DATED) :] if ordered and ordered[0] < _DATED else ordered
        ends = _ends(ordered)
        made = cls(count, count if is_confirmed else 0, dated=len(known), kept=((b"".join(ends), origin),))
        if known:
            made.first, made.last = _instant(known[0]), _instant(known[-1])
            if made.first // DAY_US != made.last // DAY_US:
                made.spread = dict(Counter(_instant(proof) // DAY_US for proof in known))
        return made

    def __reduce__(self) -> tuple[type[StageCount], tuple[object, ...]]:
        return StageCount, (self.count, self.confirmed, self.first, self.last, self.dated, self.spread, self.kept)

    @property
    def days(self) -> dict[int, int]:
        """Sightings by day (UTC, days since the epoch)."""
        if self.spread is not None:
            return self.spread
        return {} if self.first is None else {self.first // DAY_US: self.dated}

    @property
    def evidence(self) -> list[Evidence]:
        """The earliest and the latest lines."""
        return list(in_order(self.kept))

    def merge(self, other: StageCount) -> None:
        """Add what another part of the logs gave."""
        self.count += other.count
        self.confirmed += other.confirmed
        days = {**self.days}
        for day, count in other.days.items():
            days[day] = days.get(day, 0) + count
        self.spread = days if len(days) > 1 else None
        self.dated += other.dated
        self.first = _least(self.first, other.first)
        self.last = _most(self.last, other.last)
        self.kept = _by_origin(_ends(sorted(_singly(self.kept + other.kept))))


def _ends(ordered: list[T]) -> list[T]:
    """The first and the last ones that are kept."""
    if len(ordered) <= 2 * EVIDENCE_EACH_SIDE:
        return ordered
    return ordered[:EVIDENCE_EACH_SIDE] + ordered[-EVIDENCE_EACH_SIDE:]


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)
