"""How far looking back over old logs with new signatures has come."""

from __future__ import annotations

from typing import NamedTuple


class LookBack(NamedTuple):
    """One log of one look-back.

    Attributes:
        ruleset: digest of the signatures that are looked for.
        source: the source's name.
        path: the log.
        state: ``queued``, ``running``, ``done`` or ``unread``.
        offset: how many decompressed bytes of it were read.
        size: bytes on disk.
        reached: the earliest instant that was seen in it, ``None`` before any.
    """

    ruleset: str
    source: str
    path: str
    state: str
    offset: int
    size: int
    reached: int | None = None
