"""The raw lines behind sightings, opened again where they lie."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from detector.errors import UnreadableSource
from detector.sources import DamagedStream, chunks, open_regular, open_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from detector.audit.plan import Input
    from detector.findings import Attributed

_BLOCK_BYTES = 1024 * 1024


def raw_lines(inputs: Iterable[Input], sightings: Iterable[Attributed]) -> Iterator[tuple[Attributed, bytes]]:
    """Each sighting with its line, by log and place; a line that is not what was sighted is left out.

    A log is read once, however many of its lines are asked for. Memory holds a chunk and the places.
    """
    wanted: dict[str, list[Attributed]] = {}
    for one in sightings:
        wanted.setdefault(one.path, []).append(one)
    for log in sorted(inputs, key=lambda each: each.segment.name):
        if places := wanted.pop(log.segment.name, None):
            places.sort(key=lambda place: (place.offset, place.part, place.indicator))
            yield from _lines(log, places)


def _lines(one: Input, places: Sequence[Attributed]) -> Iterator[tuple[Attributed, bytes]]:
    position = 0
    try:
        with open_stream(one.segment, ahead=True) as reader:
            for chunk in chunks(reader, 0, None):
                while position < len(places) and places[position].offset < chunk.stop:
                    place = places[position]
                    start = place.offset - chunk.offset
                    raw = bytes(chunk.buffer[start : start + place.length])
                    if hashlib.sha256(raw).hexdigest() == place.sha256:
                        yield place, raw
                    position += 1
                if position == len(places):
                    return
    except (DamagedStream, UnreadableSource, OSError):
        return  # what lies behind the break was not sighted either


def digest_of(path: str) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a file as it lies on the disk; no digest where it cannot be read."""
    digest, size = hashlib.sha256(), 0
    try:
        with open_regular(path) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                size += len(block)
    except (UnreadableSource, OSError):
        return size, ""
    return size, digest.hexdigest()
