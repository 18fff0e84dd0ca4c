"""Which format a log is: the one that was named, the log before's, the one remembered, or the best of all.

To tell a format by content every format has to be loaded and tried on the log's head. The answer depends on the head
and on the formats' code alone, so it is remembered in the private cache, under a digest of the head.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import orjson

from detector import __version__
from detector.formats import source_stamp
from detector.scan import Guess, identify
from detector.signatures import cache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.events import Dialect, LogFormat
    from detector.formats import Formats

HEAD_BYTES = 64 * 1024
"""How much of a log is looked at."""
LEAST_CONFIDENCE = 0.3
"""Below it a log is none that is known."""
_VARYING = re.compile(r"\d+|\.(?:gz|zst|xz|bz2|old|bak)\b")
"""What differs between the names of one log's rotations."""
KEPT_LOGS = 20_000
"""Logs that are remembered; the oldest go first."""
_NOTHING = ("", 0.0, list[str]())


class Teller:
    """Tells formats; remembers none where a site has formats of its own, which may change at any time."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self._siblings: dict[str, Guess] = {}
        self._name = "" if formats.has_own else f"told-{__version__}-{source_stamp()}.json"
        kept = cache.get(self._name) if self._name else None
        self._known: dict[str, tuple[str, float, list[str]]] = orjson.loads(kept) if kept else {}
        self._has_changed = False

    def tell(self, name: str, head: bytes, dialect: Dialect, named: LogFormat | None) -> Guess | None:
        """The format of a log by its first ``HEAD_BYTES``, ``None`` for none that is known.

        Args:
            name: of the log; rotations of one log are called alike.
            head: decompressed bytes.
            dialect: what the site says of the log.
            named: the format that a person named; then nothing else is tried.
        """
        lines = _lines(head)
        if named is not None:
            found = identify(lines, dialect, [named])
            return found[0] if found else Guess(named, dialect, 0.0, 0.0)
        family = _VARYING.sub("", name)
        guess = self._again(family, lines, dialect) or self._remembered(head, lines, dialect)
        guess = guess or self._best(head, lines, dialect)
        if guess is not None and guess.is_plain:
            self._siblings.setdefault(family, guess)
        return guess

    def keep(self) -> None:
        """Write down what is new."""
        if self._name and self._has_changed:
            cache.put(self._name, orjson.dumps(dict(list(self._known.items())[-KEPT_LOGS:])))

    def _again(self, family: str, lines: Sequence[bytes], dialect: Dialect) -> Guess | None:
        """The format of another rotation of the log, if it reads every line; as sure as there."""
        sibling = self._siblings.get(family)
        found = identify(lines, dialect, [sibling.log_format]) if sibling else []
        if sibling is None or not found or not found[0].is_plain:
            return None
        return found[0]._replace(confidence=sibling.confidence, rivals=sibling.rivals)

    def _remembered(self, head: bytes, lines: Sequence[bytes], dialect: Dialect) -> Guess | None:
        name, confidence, rivals = self._known.get(_digest(head), _NOTHING) if self._known else _NOTHING
        found = identify(lines, dialect, [self._formats[name]]) if name in self._formats else []
        return found[0]._replace(confidence=confidence, rivals=tuple(rivals)) if found else None

    def _best(self, head: bytes, lines: Sequence[bytes], dialect: Dialect) -> Guess | None:
        found = identify(lines, dialect, self._formats.values())
        if not found or found[0].confidence < LEAST_CONFIDENCE:
            return None
        best = found[0]
        self._known[_digest(head)] = (best.log_format.name, best.confidence, list(best.rivals))
        self._has_changed = True
        return best


def _lines(head: bytes) -> list[bytes]:
    """Whole lines: the last one of a full head may be cut."""
    lines = head.split(b"\n")
    return lines[:-1] if len(head) >= HEAD_BYTES and len(lines) > 1 else lines


def _digest(head: bytes) -> str:
    return hashlib.sha256(head).hexdigest()[:32]
