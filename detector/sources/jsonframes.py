"""JSON documents laid out one record a line, every byte in its place.

Exports are often one document: an array, a ``{"value": [ … ]}`` wrapper, objects printed over many lines. Here a
newline inside a record becomes a blank, the comma between records a newline, and what stands around the records
blanks: offsets stay what they are in the file, and everything behind this place sees one record a line. Where the name
of an array says something of its records (``messagesBlocked``) the name stays, on a line of its own in front of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.sources.readers import Blocks

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_TELLING = ("messagesDelivered", "messagesBlocked", "clicksPermitted", "clicksBlocked")
"""Arrays whose names tell of their records: Proofpoint's SIEM API.

Reference: https://help.proofpoint.com/Threat_Insight_Dashboard/API_Documentation/SIEM_API (unverified from here)
"""
_NAMES = (
    "value", "Value", "result", "results", "Results", "Records", "records", "rows", "data", "items", "logs", "events",
    "messages", "entries", "hits", "logEvents",
)  # fmt: skip
_WRAPPER = re.compile(rb'"(?:%s)"\s*:\s*(?:\{\s*"\w+"\s*:\s*)?\[\s*\{' % "|".join(_NAMES).encode())
_TELLING_WRAPPER = re.compile(rb'"(?:%s)"\s*:\s*\[' % "|".join(_TELLING).encode())
_HUNTED = re.compile(rb'"[Ss]chema"\s*:\s*\[[^\[\]]*\]\s*,\s*"[Rr]esults"\s*:\s*\[')
_NO_RECORDS = frozenset((b'"Schema"', b'"schema"'))
"""Arrays that describe the records in another one: answers of Microsoft's advanced hunting.

Reference: https://learn.microsoft.com/en-us/graph/api/security-security-runhuntingquery (unverified from here)
"""
_KEPT = frozenset(b'"%s"' % name.encode() for name in _TELLING)
STRING_LIMIT_BYTES = 16 * 1024 * 1024
"""Longest unfinished string that is kept while waiting for its end; a longer one is given out as it is."""


def is_wrapped(text: bytes) -> bool:
    """Whether the records of a document that begins with an array or an object lie in an array."""
    if text.startswith(b"["):
        return text[1:].lstrip()[:1] == b"{"
    telling = _TELLING_WRAPPER.search(text)
    if telling is not None and text.count(b"{", 0, telling.start()) <= 1:
        return True
    hunted = _HUNTED.search(text)
    if hunted is not None and text.count(b"{", 0, hunted.start()) <= 2:
        return True
    wrapper = _WRAPPER.search(text)
    if wrapper is None or text.count(b"{", 0, wrapper.start()) > 2:
        return False
    first, newline, rest = text.partition(b"\n")
    return not (newline and is_whole(first) and rest.strip())


def is_whole(line: bytes) -> bool:
    """Whether every bracket of a line is closed in it."""
    depth = 0
    for token in _TOKEN.finditer(line):
        if len(token[0]) == 1:
            depth += 1 if token[0] in b"{[" else -1
    return depth == 0


class JsonFrames:
    """A JSON document as a stream in which each record stands on a line of its own."""

    def __init__(self, blocks: Blocks, *, root_is_record: bool) -> None:
        self._blocks = blocks
        self._root_is_record = root_is_record
        self._pending = bytearray()
        self._ready = bytearray()
        self._ended = False
        self._around: list[bytes] = []
        self._inside = 0
        self._passes = False

    def read(self, limit: int) -> bytes:
        """Up to ``limit`` bytes; raises what the stream below raises, behind everything before it."""
        while not self._ready and not self._ended:
            block = self._blocks.read(limit) or b""
            self._ended = not block
            self._pending += block
            self._advance()
        given = bytes(self._ready[:limit])
        del self._ready[:limit]
        return given

    def _advance(self) -> None:
        """Lay out what is complete; an unfinished string waits for its end."""
        text = self._pending
        done = 0
        for token in _TOKEN.finditer(text):
            start, stop = token.span()
            if text.find(b'"', done, start) >= 0:
                break
            self._blank(text, done, start)
            self._step(text, token[0], start, stop)
            done = stop
        quote = text.find(b'"', done)
        end = len(text) if quote < 0 or self._ended or len(text) - done > STRING_LIMIT_BYTES else quote
        self._blank(text, done, end)
        self._ready += text[:end]
        del text[:end]

    def _step(self, text: bytearray, token: bytes, start: int, stop: int) -> None:
        """Follow one string or bracket."""
        opens, closes = token in (b"{", b"["), token in (b"}", b"]")
        if self._inside:
            self._inside += opens - closes
            if not (opens or closes):
                self._blank(text, start, stop)
            return
        if token == b"{" and (self._around[-1:] == [b"["] or (not self._around and self._root_is_record)):
            self._inside = 1
            return
        if opens:
            self._around.append(b"(" if self._passes else token)
            self._passes = False
        elif token in _NO_RECORDS:
            self._passes = self._around[-1:] == [b"{"]
        elif closes and self._around:
            self._around.pop()
        elif token in _KEPT and self._around[-1:] == [b"{"]:
            return
        text[start:stop] = (b"\n" if opens else b" ").ljust(stop - start)

    def _blank(self, text: bytearray, start: int, stop: int) -> None:
        """Inside a record newlines become blanks; around records everything does, and commas become newlines."""
        piece = bytes(text[start:stop])
        if self._inside:
            if b"\n" in piece:
                text[start:stop] = piece.replace(b"\n", b" ")
        elif piece.strip():
            text[start:stop] = re.sub(rb"[^\n,]", b" ", piece).replace(b",", b"\n")
