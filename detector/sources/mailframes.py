r"""Mails laid out one header block a line, every byte in its place.

A record is the header block of one mail, in an mbox with the ``From`` line in front. Inside it every newline becomes
``SEPARATOR``, with its carriage return where a field is folded (a blank or a tab stands behind it: who unfolds it, RFC
5322 section 2.2.3, leaves those bytes out); other carriage returns become blanks. Bodies are passed: all their bytes
become blanks, their lines stay lines. A body line that is longer than ``BODY_LINE_BYTES`` is cut into lines of that
length, so that no attachment counts as an oversize line.

A header block ends before the first line that is neither a header field nor the rest of a folded one. In an mbox a
mail begins with a ``From`` line with a sender and a date behind an empty line (RFC 4155): such lines of a body were
quoted by who wrote it (``>From``). Mailboxes that give lengths instead of quoting (mboxcl2) are not told from others:
lengths are what the sender wrote.

References: https://www.rfc-editor.org/rfc/rfc5322, https://www.rfc-editor.org/rfc/rfc4155 (unverified from here).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.sources.compression import DamagedStream

if TYPE_CHECKING:
    from detector.sources.readers import Blocks

SEPARATOR = b"\x1f"
"""Stands between the lines of a record (the ASCII unit separator)."""
BODY_LINE_BYTES = 64 * 1024
_LOOK_BYTES = 1024
"""What of the next line has to be there to tell what it is."""
_FIELD = rb"[!-9;-~]{1,256}[ \t]{0,16}:"
_END = re.compile(rb"\n(?![ \t]|>From |%s)" % _FIELD)
_FROM = b"\nFrom "
_LONGEST_EMPTY = b"\n\r"
_EMPTY = (b"\n", _LONGEST_EMPTY)
"""What stands before the newline of an empty line."""
_CLOCK = re.compile(rb"\d{1,2}:\d\d(?::\d\d)?")
_YEAR = re.compile(rb"(?:19|20)\d\d")
_USUAL = re.compile(rb"\nFrom \S{1,512} [A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} \d{1,2}:\d\d:\d\d (?:19|20)\d\d\r?\n")
_APART = bytes.maketrans(SEPARATOR + b"\n\r", b" " + SEPARATOR + b" ")
_FOLDED = re.compile(rb"\r\n(?=[ \t])")
_NEWLINE = 0x0A
_BLANK = bytes(byte if byte == _NEWLINE else 0x20 for byte in range(256))
_EMPTY_LINES = re.compile(rb"(?:\r?\n)+")
_FIRST = re.compile(_FIELD)
_NAME = re.compile(rb"^([!-9;-~]{1,256})[ \t]{0,16}:", re.MULTILINE)
_KNOWN = frozenset((
    b"from", b"to", b"cc", b"date", b"subject", b"received", b"message-id", b"return-path", b"delivered-to",
    b"mime-version", b"authentication-results", b"dkim-signature", b"reply-to", b"sender", b"x-received",
    b"x-original-to", b"envelope-to", b"content-type",
))  # fmt: skip
_ENOUGH = 2
"""So many different well-known fields make a text a mail."""


def begins_mbox(text: bytes) -> bool:
    """Whether a file begins with a ``From`` line."""
    return is_from_line(text.partition(b"\n")[0])


def begins_mail(text: bytes) -> bool:
    """Whether a file begins with a header block in which some well-known fields stand."""
    if _FIRST.match(text) is None:
        return False
    end = _END.search(text)
    block = text if end is None else text[: end.start()]
    return len(_KNOWN.intersection(name.lower() for name in _NAME.findall(block))) >= _ENOUGH


def is_from_line(line: bytes) -> bool:
    r"""Whether a line begins a mail of an mbox: ``From``, somebody, a date as ``asctime`` writes it.

    >>> is_from_line(b"From a@b.org Wed Feb 26 10:00:00 2020"), is_from_line(b"From the desk of Ann")
    (True, False)
    """
    if not line.startswith(b"From ") or len(line) >= _LOOK_BYTES:
        return False
    words = line.split()[-4:]
    return any(map(_CLOCK.fullmatch, words)) and any(map(_YEAR.fullmatch, words))


def _laid(piece: bytes) -> bytes:
    """A piece of a header block that ends before a newline, on one line."""
    if b"\r" in piece:
        piece = _FOLDED.sub(b"\n\n", piece)
    return piece.translate(_APART)


class MailFrames:
    """A mailbox, or one mail, as a stream in which each header block stands on a line of its own."""

    def __init__(self, blocks: Blocks, *, is_mbox: bool) -> None:
        self._blocks = blocks
        self._is_mbox = is_mbox
        self._pending = b""
        self._done = 0
        self._ready = bytearray()
        self._ended = False
        self._fault: Exception | None = None
        self._in_header = True
        self._is_first = True
        self._width = 0

    def read(self, limit: int) -> bytes:
        """Up to ``limit`` bytes; raises what the stream below raises, behind everything before it."""
        while not self._ready and not self._ended:
            self._pending = self._pending[self._done :] + self._next(limit)
            self._done = 0
            self._usual()
            while self._header() if self._in_header else self._body():
                pass
        if not self._ready and self._fault is not None:
            raise self._fault
        given = bytes(self._ready[:limit])
        del self._ready[:limit]
        return given

    def _next(self, limit: int) -> bytes:
        try:
            block = self._blocks.read(limit) or b""
        except (DamagedStream, OSError) as fault:
            self._fault, block = fault, b""
        self._ended = not block
        return block

    def _usual(self) -> None:
        """Lay out mails that are all there and as most are: the same as below, in two thirds of the time."""
        text, ready, done = self._pending, self._ready, self._done
        while self._is_mbox and self._in_header and not self._is_first:
            found = _END.search(text, done)
            if found is None:
                break
            end = found.start()
            if text.endswith(b"\r", done, end):
                end -= 1
            start = text.find(_FROM, end)
            is_near = start - end < BODY_LINE_BYTES
            if start < 0 or not is_near or not text.endswith(_EMPTY, end, start) or not _USUAL.match(text, start):
                break
            ready += _laid(text[done:end])
            ready += text[end : start + 1].translate(_BLANK)
            done = start + 1
        self._done = done

    def _header(self) -> bool:
        """Lay out what is there of a header block; whether it ended."""
        text = self._pending
        if self._is_first and not self._has_begun():
            return False
        found = _END.search(text, self._done)
        end = len(text) if found is None else found.start()
        if (found or not self._ended) and text.endswith(b"\r", self._done, end):
            end -= 1  # part of the newline, whether that is there or not
        self._ready += _laid(text[self._done : end])
        self._done = end
        if found is None or not self._is_there(found.end()):
            return False
        self._in_header = False
        self._width = 0
        return True

    def _has_begun(self) -> bool:
        """Pass the empty lines in front of a file; whether anything stands behind them."""
        text = self._pending
        if found := _EMPTY_LINES.match(text):
            self._ready += found[0]
            self._done = found.end()
        self._is_first = not self._ended and text[self._done :] in (b"", b"\r")
        return not self._is_first

    def _is_there(self, start: int) -> bool:
        """Whether enough of a line can be seen to tell what it is."""
        text = self._pending
        return self._ended or len(text) - start >= _LOOK_BYTES or text.find(b"\n", start) >= 0

    def _body(self) -> bool:
        """Blank what is there of a body, from the newline before it on; whether another mail begins."""
        text = self._pending
        if not self._is_mbox:
            self._blank(len(text))
            return False
        start = self._done
        while start := text.find(_FROM, start) + 1:
            if not text.endswith(_EMPTY, self._done, start - 1):
                continue
            if not self._is_there(start):
                self._blank(max(start - 1 - len(_LONGEST_EMPTY), self._done))
                return False
            if is_from_line(text[start : start + _LOOK_BYTES].partition(b"\n")[0]):
                self._blank(start)
                self._in_header = True
                return True
        held = 0 if self._ended else len(_LONGEST_EMPTY + _FROM)
        self._blank(max(len(text) - held, self._done))
        return False

    def _blank(self, end: int) -> None:
        """Give out a piece of a body, without what stands in it."""
        piece = bytearray(self._pending[self._done : end].translate(_BLANK))
        start, width = 0, self._width
        while len(piece) - start + width >= BODY_LINE_BYTES:
            stop = start + BODY_LINE_BYTES - width
            newline = piece.rfind(b"\n", start, stop)
            if newline < 0:
                newline = stop - 1
                piece[newline] = _NEWLINE
            start, width = newline + 1, 0
        last = piece.rfind(b"\n", start)
        self._width = width + len(piece) - start if last < 0 else len(piece) - last - 1
        self._ready += piece
        self._done = end
