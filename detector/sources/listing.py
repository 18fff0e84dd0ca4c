"""What lies on disk below the names of a configured source, at one moment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from detector.errors import UnreadableSource
from detector.sources.compression import Compression
from detector.sources.files import find
from detector.sources.held import Log
from detector.sources.opening import members

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detector.sources.streams import StreamState

_LISTINGS = 5
"""How often names are listed again while they change under the reader's hands."""


class Listing(NamedTuple):
    """What was found.

    Attributes:
        logs: each file once, whatever number of names leads to it; the members of archives.
        refused: what lies there and will not be read, with reasons.
    """

    logs: tuple[Log, ...]
    refused: tuple[UnreadableSource, ...]


def listed(names: Sequence[str], known: Iterable[StreamState] = ()) -> Listing:
    """List the logs below names; again while a rotation is under way, so that none is missed between two names.

    Args:
        names: files, folders and globs.
        known: streams, which say what an unchanged file is without opening it.
    """
    kinds = {(one.device, one.inode, one.size, one.modified): one.compression for one in known}
    before = _files(names)
    for _ in range(_LISTINGS):
        after = _files(names)
        if _places(before) == _places(after):
            break
        before = after
    logs: list[Log] = []
    refused = list(before.refused)
    for log in before.logs:
        try:
            known_as = kinds.get((log.device, log.inode, log.size, log.modified))
            is_archive = (log.compression if known_as is None else known_as) is Compression.ZIP
            logs += [Log(log.path, log.root, member) for member, _ in members(log.path)] if is_archive else [log]
        except UnreadableSource as fault:
            refused.append(fault)
    return Listing(tuple(logs), tuple(refused))


def _files(names: Sequence[str]) -> Listing:
    logs: dict[tuple[int, int], Log] = {}
    refused: list[UnreadableSource] = []
    for name in names:
        found = find([name])
        refused += found.refused
        for path in found.paths:
            try:
                log = Log(path, _folder(name))
            except UnreadableSource as fault:
                refused.append(fault)
            else:
                logs.setdefault((log.device, log.inode), log)
    return Listing(tuple(logs.values()), tuple(refused))


def _places(listing: Listing) -> set[tuple[str, int]]:
    return {(log.path, log.inode) for log in listing.logs}


def _folder(name: str) -> str:
    """The folder that a name stays in: itself, or what stands before its first wildcard."""
    if os.path.isdir(name):  # noqa: PTH112 - the name stays as it was written
        return name
    fixed = min((place for letter in "*?[" if (place := name.find(letter)) >= 0), default=len(name))
    return os.path.dirname(name[:fixed]) or "."  # noqa: PTH120 - as above
