"""What a log layout is, and how a log is cut into files and packed."""

from __future__ import annotations

import lzma
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from storyline.events import Event, Mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Line: TypeAlias = tuple[int, str]
"""When a line was written, and the line without its end."""


def _no_header(_start: int) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Layout:
    """How a device writes events.

    Attributes:
        lines: an event's lines.
        header: lines at the head of a file that begins at an instant.
        restarts: instants at which the header is written again in the middle of a file.
        precision: milliseconds to which times are written.
        at_delivery: a mail is proven by the line of its delivery, not of its arrival.
        end: of a line.
        mark: bytes before the first line.
    """

    lines: Callable[..., Iterable[Line]]
    header: Callable[[int], list[str]] = _no_header
    restarts: tuple[int, ...] = ()
    precision: int = 1
    at_delivery: bool = False
    end: str = "\n"
    mark: bytes = b""

    def seen_at(self, event: Event) -> int:
        """The instant that the log gives an event."""
        instant = event.at
        if isinstance(event, Mail) and self.at_delivery:
            instant += event.waited
        return instant - instant % self.precision


@dataclass(slots=True)
class Log:
    """One device's log.

    Attributes:
        layout: how it writes.
        cuts: (start, end, file name) of its files.
        events: what it saw, in any order.
    """

    layout: Layout
    cuts: list[tuple[int, int, str]]
    events: list[Event] = field(default_factory=list)

    def add(self, *events: Event) -> None:
        """Let the device see events."""
        self.events.extend(events)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Names and contents of the log's files."""
        written = [line for event in self.events for line in self.layout.lines(event)]
        written.sort(key=lambda line: line[0])
        for start, end, name in self.cuts:
            yield name, packed(name, self._content(start, end, [one for one in written if start <= one[0] < end]))

    def _content(self, start: int, end: int, written: list[Line]) -> bytes:
        headers = [
            (begin, self.layout.header(begin)) for begin in (start, *self.layout.restarts) if start <= begin < end
        ]
        texts: list[str] = []
        for instant, text in written:
            while headers and headers[0][0] <= instant:
                texts += headers.pop(0)[1]
            texts.append(text)
        return self.layout.mark + "".join(text + self.layout.end for text in texts).encode()


def packed(name: str, content: bytes) -> bytes:
    """The content as the name's ending asks for it; nothing of the place or time of packing gets in."""
    if name.endswith(".xz"):
        return lzma.compress(content, preset=9)
    if not name.endswith(".gz"):
        return content
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(content) + deflate.flush()
    head = b"\x1f\x8b\x08\0" + struct.pack("<I", 0) + b"\2\xff"
    return head + body + struct.pack("<II", zlib.crc32(content), len(content) % 2**32)
