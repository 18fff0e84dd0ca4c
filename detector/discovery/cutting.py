"""The lines and fields of a whole chunk, found at once by the places of their separators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detector.events.glance import Cut

Bytes: TypeAlias = "NDArray[np.uint8]"
Places: TypeAlias = "NDArray[np.int64]"
Flags: TypeAlias = "NDArray[np.bool_]"

_NEWLINE, _QUOTE = 10, 34


@dataclass(slots=True)
class Lines:
    """The lines of a chunk; those that are cut as their format says are *regular*.

    Attributes:
        starts: of every line, shape ``(n,)``.
        stops: of every line: the place of its newline.
        regular: indices of the regular lines, ascending, shape ``(m,)``.
    """

    starts: Places
    stops: Places
    regular: Places
    _text: Bytes
    _cut: Cut
    _firsts: Places
    _field_stops: Places

    def field(self, at: int, rows: Places | slice = slice(None)) -> tuple[Places, Places]:
        """Where a field of regular lines starts and stops, shapes as ``rows`` picks them."""
        firsts = self._firsts[rows]
        if not at:
            return self.starts[self.regular[rows]], self._field_stops[firsts]
        starts = self._field_stops[firsts + (at - 1)] + 1
        if at in self._cut.padded:
            while len(behind := np.flatnonzero(self._text[starts] == self._cut.separator[0])):
                starts[behind] += 1
        return starts, self._field_stops[firsts + at]


def lines_of(text: Bytes, cut: Cut) -> Lines:
    """Cut a chunk that ends with a newline.

    A field ends at the first of a run of separators, or at the newline: these are counted.
    """
    is_newline, is_separator = text == _NEWLINE, text == cut.separator[0]
    loose = _unquoted(text, is_newline, is_separator) if cut.is_quoted else np.zeros(0, np.int64)
    ends = is_newline | is_separator
    if cut.padded:
        np.greater(is_separator[1:], is_separator[:-1], out=ends[1:])
        ends |= is_newline
    field_stops = np.flatnonzero(ends)
    counted = np.flatnonzero(is_newline[field_stops]) + 1
    stops = field_stops[counted - 1]
    starts = np.concatenate((np.zeros(1, np.int64), stops[:-1] + 1))
    odd = np.zeros(len(stops), np.bool_)
    odd[np.searchsorted(stops, loose)] = True
    for byte in (0, *cut.odd):
        if (is_odd := text == byte).any():
            odd[np.searchsorted(stops, np.flatnonzero(is_odd))] = True
    if cut.padded:
        odd |= is_separator[starts] | is_separator[stops - 1]
    if 0 < len(cut.padded) < cut.width - 1:
        runs = np.flatnonzero(is_separator.take(field_stops + 1, mode="clip"))
        runs = runs[is_separator[field_stops[runs]]]  # a newline ends no field of the line behind it
        lines: Places = np.searchsorted(counted, runs, "right")
        fields = runs - np.concatenate((np.zeros(1, np.int64), counted))[lines] + 1
        odd[lines[~np.isin(fields, list(cut.padded))]] = True
    regular = np.flatnonzero((np.diff(counted, prepend=0) == cut.width) & ~odd)
    return Lines(starts, stops, regular, text, cut, counted[regular] - cut.width, field_stops)


def _unquoted(text: Bytes, is_newline: Flags, is_separator: Flags) -> Places:
    """Unmark the separators in quotes; gives where quotes do not stand around whole fields."""
    at = np.flatnonzero(is_newline | is_separator | (text == _QUOTE))
    ends, quotes = is_newline[at], text[at] == _QUOTE
    lines: Places = np.cumsum(ends) - ends
    counted = np.cumsum(quotes)
    before = np.concatenate((np.zeros(1, np.int64), counted[ends]))[lines]
    opened = ((counted - before) & 1).astype(np.bool_)
    is_border = is_newline | is_separator
    beside = np.where(opened, is_border[at - 1], is_border.take(at + 1, mode="clip"))  # in front of the first: the last
    is_separator[at[opened]] = False
    loose: Places = at[(quotes & ~beside) | (ends & opened)]
    return loose
