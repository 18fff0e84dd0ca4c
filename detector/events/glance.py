"""What a format says of its lines so that many are read at once, for who asked for which host, without parsing them.

A glance reads a line only where it is sure to read the same as the format: plain names, plain addresses. Every line
that it does not read is parsed in full. So a glance may pass lines over, and must never read another host or person
than the format does; ``tests/test_discovery.py`` compares the two on every sample log.

How lines are read: as fields between separators (``Cut``, the fast way), or by a pattern of whole lines with the groups
``host`` and ``address``; a line in which they are empty is one in which the format sees no use (an answer to a
question). Possessive quantifiers make a pattern a quarter faster and keep it linear: what
was read is never given back.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

HOST = r"(?P<host>[\w.-]++)"
ADDRESS = r"(?P<address>(?:\d{1,3}\.){3}\d{1,3}(?![\da-fA-F.:])|[\da-fA-F]{0,4}:(?=[\da-fA-F.]*:)[\da-fA-F:.]{1,45}+)"
USER = r"(?P<user>[\w.@-]++)"
SYSLOG = (
    r"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|"
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?) "
    r"(?:[\w.-]+ )?[^\s:\[\]]{1,64}(?:\[\d*\])?: "
)
"""A syslog header as most write it."""


class Part(StrEnum):
    """What of a field counts: all, up to its first slash (with it), or of a URL the same without its scheme."""

    WHOLE = "whole"
    TO_SLASH = "to slash"
    AUTHORITY = "authority"


class Field(NamedTuple):
    """One field of a line, and what must stand there for the line to be read at a glance.

    Attributes:
        at: its place among the fields, from 0.
        pattern: what it must be, whole; its first group, if there is one, is its value.
        idle: what it is in a line in which the format sees no use (a login challenge); empty: in none.
        part: what of it counts.
    """

    at: int
    pattern: str
    idle: str = ""
    part: Part = Part.WHOLE


class Cut(NamedTuple):
    """Lines of fields with one separator between them: those of a whole chunk are found at once.

    A line with NUL bytes, which are dropped before parsing, is no plain one.

    Attributes:
        separator: one byte.
        width: fields of a line.
        host: the name that was asked for, or its URL.
        address: the client's; looked at where no user is named.
        user: the account, ``None`` where the log knows none.
        checks: other fields that tell whether the line is a plain one.
        numbers: places of fields that must be digits and dots.
        padded: places of fields in front of which the separator may be repeated. Where there are none, a repeated
            separator makes an empty field.
        is_quoted: fields may stand in double quotes, with separators in them.
        odd: bytes that stand in no plain line.
    """

    separator: bytes
    width: int
    host: Field
    address: Field
    user: Field | None = None
    checks: tuple[Field, ...] = ()
    numbers: tuple[int, ...] = ()
    padded: frozenset[int] = frozenset()
    is_quoted: bool = False
    odd: bytes = b""
