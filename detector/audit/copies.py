"""Logs that are a copy, or the beginning, of another one: rotated, compressed and half-made copies count once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from detector.errors import UnreadableSource
from detector.sources import DamagedStream, open_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from detector.audit.plan import Input
    from detector.sources import Reader

IDENTITY_BYTES = 1024
"""Bytes at the head of a log that tell it from others; a rotated or compressed copy has the same."""
_BLOCK_BYTES = 1024 * 1024


def without_copies(inputs: Sequence[Input]) -> list[Input]:
    """The same logs; a copy is marked with the log that it is a copy of.

    A copy that breaks off is one by what can be read of it; that it breaks off is said, for nobody knows what stood
    behind the break.
    """
    result = list(inputs)
    for indexes in _of_one_head(inputs):
        _mark(result, inputs, indexes)
    for index, longer in _beginnings(inputs):
        if not result[index].copy_of:
            _compare(result, inputs, index, longer)
    originals = {one.segment.name: one.copy_of for one in result if one.copy_of}
    return [replace(one, copy_of=_end_of(originals, one.copy_of)) if one.copy_of else one for one in result]


def _of_one_head(inputs: Sequence[Input]) -> Iterable[list[int]]:
    groups: dict[str, list[int]] = {}
    for index, one in enumerate(inputs):
        if one.segment.stream and not one.unread and one.size:
            groups.setdefault(one.segment.stream, []).append(index)
    return groups.values()


def _mark(result: list[Input], inputs: Sequence[Input], indexes: Sequence[int]) -> None:
    """Find the originals among logs of one head; those after the first get an identity of their own."""
    originals: list[int] = []
    for index in sorted(indexes, key=lambda one: inputs[one].segment.name):  # not by the order in which they were named
        if any(_compare(result, inputs, index, known) for known in originals):
            continue
        shorter = [known for known in originals if _compare(result, inputs, known, index)]
        originals = [known for known in originals if known not in shorter] + [index]
    for index in originals[1:]:
        segment = inputs[index].segment
        told = hashlib.sha256(f"{segment.stream}\0{segment.name}".encode(errors="surrogateescape"))
        result[index] = replace(result[index], segment=segment._replace(stream=told.hexdigest()[:32]))


def _by_name_backwards(inputs: Sequence[Input]) -> list[tuple[int, Input]]:
    return sorted(enumerate(inputs), key=lambda pair: pair[1].segment.name, reverse=True)


def _beginnings(inputs: Sequence[Input]) -> Iterator[tuple[int, int]]:
    """(log, longer one that begins with all of it) for logs so short that no head tells them from others."""
    heads = {one.head: index for index, one in _by_name_backwards(inputs) if one.head and not one.unread}
    for (short, index), (long, longer) in pairwise(sorted(heads.items())):
        if len(short) < IDENTITY_BYTES and long.startswith(short):
            yield index, longer


def _compare(result: list[Input], inputs: Sequence[Input], index: int, other: int) -> bool:
    """Mark a log if all that can be read of it is the beginning of another."""
    damage = _difference(inputs[index], inputs[other])
    if damage is None:
        return False
    result[index] = replace(inputs[index], copy_of=inputs[other].segment.name, unread=damage)
    return True


def _difference(one: Input, other: Input) -> str | None:
    """``None`` where a log is not the beginning of another; else where it breaks off, empty where it does not."""
    compared = 0
    try:
        with open_stream(one.segment) as left, open_stream(other.segment) as right:
            while True:
                try:
                    block = left.read(_BLOCK_BYTES)
                except DamagedStream as fault:
                    return f"from byte {compared}: {fault}"
                if not block:
                    return ""
                if not _goes_on_with(block, right):
                    return None
                compared += len(block)
    except (DamagedStream, UnreadableSource, OSError):
        return None


def _goes_on_with(block: bytes, reader: Reader) -> bool:
    while block:
        piece = reader.read(len(block))
        if not piece or block[: len(piece)] != piece:
            return False
        block = block[len(piece) :]
    return True


def _end_of(originals: dict[str, str], name: str) -> str:
    """The log at the end of a chain of copies."""
    while name in originals:
        name = originals[name]
    return name
