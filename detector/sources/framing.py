"""JSON documents laid out one record a line, every byte in its place.

Exports are often one document: an array, a ``{"value": [ … ]}`` wrapper, objects printed over many lines. Here a
newline inside a record becomes a blank, the comma between records a newline, and what stands around the records
blanks: offsets stay what they are in the file, and everything behind this place sees one record a line.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Protocol

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_WRAPPER = re.compile(
    rb'"(?:value|Value|results|Results|Records|records|rows|data|items|logs|events|messages|entries|hits)"'
    rb'\s*:\s*(?:\{\s*"\w+"\s*:\s*)?\[\s*\{'
)
STRING_LIMIT_BYTES = 16 * 1024 * 1024
"""Longest unfinished string that is kept while waiting for its end; a longer one is given out as it is."""


class Framing(StrEnum):
    """How records lie in a JSON file."""

    LINES = ""
    """One object a line, or no JSON at all: nothing to do."""
    WRAPPED = "wrapped"
    """In an array, perhaps inside other objects."""
    OBJECTS = "objects"
    """One after the other, each over several lines."""


class _Blocks(Protocol):
    def read(self, limit: int, /) -> bytes | None: ...


def framing_of(head: bytes) -> Framing:
    r"""How records lie in a file by its first bytes.

    >>> framing_of(b'[{"a":1},'), framing_of(b'{"a":1}\\n{"a":2}\\n'), framing_of(b'{\\n  "value": [{')
    (<Framing.WRAPPED: 'wrapped'>, <Framing.LINES: ''>, <Framing.WRAPPED: 'wrapped'>)
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"["):
        return Framing.WRAPPED if text[1:].lstrip()[:1] == b"{" else Framing.LINES
    if not text.startswith(b"{"):
        return Framing.LINES
    first, newline, _ = text.partition(b"\n")
    wrapper = _WRAPPER.search(text)
    wraps = wrapper is not None and text.count(b"{", 0, wrapper.start()) <= 2
    if newline and _is_whole(first):
        return Framing.WRAPPED if wraps and not text[len(first) :].strip() else Framing.LINES
    if wraps:
        return Framing.WRAPPED
    return Framing.OBJECTS if newline else Framing.LINES


def _is_whole(line: bytes) -> bool:
    depth = 0
    for token in _TOKEN.finditer(line):
        if len(token[0]) == 1:
            depth += 1 if token[0] in b"{[" else -1
    return depth == 0


class JsonFrames:
    """A JSON document as a stream in which each record stands on a line of its own."""

    def __init__(self, blocks: _Blocks, framing: Framing) -> None:
        self._blocks = blocks
        self._root_is_record = framing is Framing.OBJECTS
        self._pending = bytearray()
        self._ready = bytearray()
        self._ended = False
        self._around: list[bytes] = []
        self._inside = 0

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
            self._around.append(token)
        elif closes and self._around:
            self._around.pop()
        text[start:stop] = (b"\n" if opens else b" ").ljust(stop - start)

    def _blank(self, text: bytearray, start: int, stop: int) -> None:
        """Inside a record newlines become blanks; around records everything does, and commas become newlines."""
        piece = bytes(text[start:stop])
        if self._inside:
            if b"\n" in piece:
                text[start:stop] = piece.replace(b"\n", b" ")
        elif piece.strip():
            text[start:stop] = re.sub(rb"[^\n,]", b" ", piece).replace(b",", b"\n")
