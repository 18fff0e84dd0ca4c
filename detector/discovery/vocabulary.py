"""What the values of a field mean: each is read once, and then known by its bytes, thousands of lines at a time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from detector.events.glance import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from detector.discovery.cutting import Flags, Places
    from detector.events.glance import Field

Words: TypeAlias = "NDArray[np.uint64]"
Codes: TypeAlias = "NDArray[np.int32]"

UNREAD = -1
"""The code of a value that a glance does not read: its line is parsed."""
IDLE = -2
"""The code of a value in a line in which the format sees no use."""
WIDEST = 64
"""Bytes of the longest value that is read at a glance."""
MEMORY_LIMIT = 100_000
"""Values that are remembered; the memory is emptied when it is full, so that it never grows with the log."""
_SLOT_BITS = 18
_ROOM = 4096
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F,
     0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3, 0x589965CC75374CC3], np.uint64
)  # fmt: skip
_MASKS = {count: np.tri(WIDEST + 1, 8 * count, -1, np.uint8).view("<u8") * np.uint64(0xFF) for count in (1, 2, 4, 8)}
"""Of so many words what belongs to a value, by its length."""
_HTTP, _HTTPS = (int.from_bytes(scheme, "little") for scheme in (b"http://\0", b"https://"))
_SLASH = 47
_FIRST_SIGN, _SIGNS = np.uint8(ord(".")), ord("9") - ord(".")


class Text:
    """The bytes of a chunk, of which words can be taken anywhere."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._bytes = np.zeros(len(data) + WIDEST, np.uint8)
        self._bytes[: len(data)] = np.frombuffer(data, np.uint8)
        self.bytes = self._bytes[: len(data)]

    def words(self, starts: Places, count: int) -> Words:
        """So many words of 8 bytes from each start on, shape ``(n, count)``; zeros behind the chunk."""
        size = 8 * count
        windows = np.ndarray((len(self.data) + WIDEST - size + 1,), f"S{size}", self._bytes.data, 0, (1,))
        return windows[starts].view("<u8").reshape(len(starts), count)

    def masked(self, starts: Places, lengths: Places) -> Words:
        """The same of values of up to ``WIDEST`` bytes: as many words as the longest needs, zeros behind each."""
        longest = int(lengths.max(initial=0))
        count = next(count for count in _MASKS if longest <= 8 * count)
        found = self.words(starts, count)
        found &= _MASKS[count].take(lengths, axis=0)
        return found


class Vocabulary:
    """The values of one field, each with its code.

    They are found by a hash of their bytes and then compared as a whole, so that nobody can make one pass for another.
    """

    def __init__(self, field: Field, code_of: Callable[[bytes], int]) -> None:
        """Let ``code_of`` tell the code, not negative, of a value that is what the field's pattern says."""
        self._field = field
        self._pattern = re.compile(field.pattern.encode())
        self._idle = re.compile(field.idle.encode()) if field.idle else None
        self._code_of = code_of
        self._ids: dict[bytes, int] = {}
        self._slots = np.zeros(1 << _SLOT_BITS, np.int64)  # number 0 is no value: its length is none
        self._keys: Words = np.zeros((_ROOM, WIDEST // 8), np.uint64)
        self._lengths = np.full(_ROOM, -1, np.int64)
        self._codes: Codes = np.zeros(_ROOM, np.int32)

    def codes(self, text: Text, starts: Places, stops: Places) -> Codes:
        """The codes of values, shape ``(n,)``."""
        if len(self._ids) > MEMORY_LIMIT:
            self._ids.clear()
            self._slots.fill(0)
        starts, lengths = self._trimmed(text, starts, stops - starts)
        fits = lengths <= WIDEST
        if not fits.all():
            lengths = np.where(fits, lengths, 0)
        words = text.masked(starts, lengths)
        count = words.shape[1]
        mixed = words @ _FACTORS[:count]
        mixed ^= mixed >> np.uint64(32)
        mixed *= _FACTORS[0]
        slots = (mixed >> np.uint64(64 - _SLOT_BITS)).view(np.int64)
        ids = self._slots[slots]
        differs = (self._keys.take(ids, axis=0)[:, :count] != words).view(f"u{count}")[:, 0] != 0
        differs |= self._lengths[ids] != lengths
        unknown = np.flatnonzero(differs)
        if len(unknown):
            ids[unknown] = self._learnt(text.data, starts[unknown], lengths[unknown], words[unknown], slots[unknown])
        codes = self._codes[ids]
        codes[~fits] = UNREAD
        return codes

    def _trimmed(self, text: Text, starts: Places, lengths: Places) -> tuple[Places, Places]:
        """The part of each value that counts; a longer one than ``WIDEST`` where that part does not end in time."""
        part = self._field.part
        if part is Part.WHOLE:
            return starts, lengths
        if part is Part.AUTHORITY:
            first = text.words(starts, 1)[:, 0]
            skipped = np.where(first == _HTTPS, 8, np.where(first & _MASKS[1][7, 0] == _HTTP, 7, 0))
            starts, lengths = starts + skipped, lengths - skipped
        is_slash = text.words(starts, WIDEST // 8).view(np.uint8) == _SLASH
        upto = is_slash.argmax(axis=1)
        return starts, np.where(is_slash[np.arange(len(upto)), upto] & (upto < lengths), upto + 1, lengths)

    def _learnt(self, data: bytes, starts: Places, lengths: Places, words: Words, slots: Places) -> Places:
        """The numbers of values that are not where they are looked for, which they are afterwards."""
        known, new, found = self._ids, list[int](), list[int]()
        for start, stop in zip(starts.tolist(), (starts + lengths).tolist(), strict=True):
            value = data[start:stop]
            number = known.get(value)
            if number is None:
                number = known[value] = len(known) + 1
                new.append(self._code(value))
            found.append(number)
        numbers = np.array(found, np.int64)
        if len(known) >= len(self._codes):
            self._make_room(2 * len(known))
        self._codes[len(known) - len(new) + 1 : len(known) + 1] = new
        self._keys[numbers] = 0
        self._keys[numbers, : words.shape[1]] = words
        self._lengths[numbers] = lengths
        self._slots[slots] = numbers
        return numbers

    def _code(self, value: bytes) -> int:
        if self._idle is not None and self._idle.fullmatch(value):
            return IDLE
        found = self._pattern.fullmatch(value)
        return UNREAD if found is None else self._code_of(found[1] if self._pattern.groups else value)

    def _make_room(self, size: int) -> None:
        """Make room for so many values; what is known stays."""
        new = size - len(self._codes)
        self._keys = np.concatenate((self._keys, np.zeros((new, WIDEST // 8), np.uint64)))
        self._lengths = np.concatenate((self._lengths, np.full(new, -1, np.int64)))
        self._codes = np.concatenate((self._codes, np.zeros(new, np.int32)))


def are_numbers(text: Text, starts: Places, stops: Places) -> Flags:
    """Whether values are digits and dots, up to ``WIDEST`` of them, shape ``(n,)``."""
    lengths = stops - starts
    short = lengths <= WIDEST
    signs = text.masked(starts, lengths if short.all() else np.where(short, lengths, 0)).view(np.uint8)
    other = signs - _FIRST_SIGN > _SIGNS  # below the first one, numbers begin again from 255
    other |= signs == _SLASH
    other &= signs != 0
    found: Flags = short & (np.bitwise_or.reduce(other.view(np.uint64).T) == 0)
    return found
