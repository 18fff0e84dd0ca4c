"""How records lie in a log that is no list of lines, told by its first bytes; they are laid out one a line.

Laying out changes bytes and moves none: offsets stay what they are in the file.
"""

from __future__ import annotations

import io
from enum import StrEnum
from typing import TYPE_CHECKING

from detector.events import Layout
from detector.sources import jsonframes, mailframes

if TYPE_CHECKING:
    from detector.sources.readers import Blocks

_BLOCK_BYTES = 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Framing(StrEnum):
    """How records lie in a file."""

    LINES = ""
    """One a line: nothing to do."""
    WRAPPED = "wrapped"
    """JSON objects in an array, perhaps inside other objects."""
    OBJECTS = "objects"
    """JSON objects one after the other, each over several lines."""
    MBOX = "mbox"
    """Mails one after the other, each behind a ``From`` line."""
    MAIL = "mail"
    """One mail is the whole file (EML, a file of a Maildir)."""

    @property
    def layout(self) -> Layout:
        """The layout of the formats whose records lie so."""
        return _LAYOUTS[self]


_LAYOUTS = {
    Framing.LINES: Layout.LINES,
    Framing.WRAPPED: Layout.JSON,
    Framing.OBJECTS: Layout.JSON,
    Framing.MBOX: Layout.MAILS,
    Framing.MAIL: Layout.MAILS,
}


def framing_of(head: bytes, layout: Layout | None = None) -> Framing:
    r"""How records lie in a file by its first bytes.

    Args:
        head: the first bytes.
        layout: of the format that a person named; then nothing else is told.

    >>> framing_of(b'[{"a":1},'), framing_of(b'{"a":1}\n{"a":2}\n'), framing_of(b'{\n  "value": [{')
    (<Framing.WRAPPED: 'wrapped'>, <Framing.LINES: ''>, <Framing.WRAPPED: 'wrapped'>)
    >>> framing_of(b"Received: by mx1\nFrom: a@example.org\n\n"), framing_of(b"Subject: x\n", Layout.MAILS)
    (<Framing.MAIL: 'mail'>, <Framing.MAIL: 'mail'>)
    """
    text = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
    found = _json(text) if text[:1] in (b"[", b"{") else _mail(text)
    if layout is None or found.layout is layout:
        return found
    return Framing.MAIL if layout is Layout.MAILS else Framing.LINES


def _json(text: bytes) -> Framing:
    if jsonframes.is_wrapped(text):
        return Framing.WRAPPED
    first, *others = text.split(b"\n")
    is_over_lines = bool(others) and text[:1] == b"{" and not jsonframes.is_whole(first)
    return Framing.OBJECTS if is_over_lines and not any(map(_is_record, others)) else Framing.LINES


def _is_record(line: bytes) -> bool:
    """Whether a line is an object by itself: where one is, a first line that is not was only damaged."""
    return line.startswith(b'{"') and line.rstrip().endswith(b"}") and jsonframes.is_whole(line)


def _mail(text: bytes) -> Framing:
    if mailframes.begins_mbox(text):
        return Framing.MBOX
    return Framing.MAIL if mailframes.begins_mail(text) else Framing.LINES


def laid_out(data: bytes, layout: Layout) -> bytes:
    """A whole file of a format with that layout, each record on a line of its own."""
    blocks, result = framed(io.BytesIO(data), framing_of(data, layout)), b""
    while block := blocks.read(_BLOCK_BYTES):
        result += block
    return result


def framed(blocks: Blocks, framing: Framing) -> Blocks:
    """A stream with each record on a line of its own."""
    if framing.layout is Layout.JSON:
        return jsonframes.JsonFrames(blocks, root_is_record=framing is Framing.OBJECTS)
    if framing.layout is Layout.MAILS:
        return mailframes.MailFrames(blocks, is_mbox=framing is Framing.MBOX)
    return blocks
