r"""One JSON object on one line, read even where its writer was careless.

A line that is strict JSON takes the fast path. Only a line that is not takes the slow one, which mends what hostile or
careless writers do without touching what the names in it say: bad bytes (``\xNN`` after decoding), raw control
characters, lone surrogates, numbers that no machine word holds.
"""

from __future__ import annotations

import json
import re
from typing import TypeAlias

import orjson

from detector.errors import RefusedLine

Record: TypeAlias = dict[str, object]
"""A JSON object: text, ``int``, ``float``, ``bool``, ``None``, ``list`` and ``dict`` by key."""

_LONGEST_NUMBER = 20
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair of surrogates
    r"|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}"
    r'|\\["\\/bfnrt]'
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # a lone surrogate
    r"|(\\)"
)


def record(line: str) -> Record:
    r"""The object of a line.

    Raises:
        RefusedLine: the line is not one JSON object.

    >>> record('{"host":"example.com","size":12}')
    {'host': 'example.com', 'size': 12}
    >>> record('{"agent":"bad byte \\xff","size":' + "9" * 5000 + "}")
    {'agent': 'bad byte \\xff', 'size': None}
    """
    try:
        found = orjson.loads(line)
    except ValueError:
        found = _mended(line)
    if not isinstance(found, dict):
        raise RefusedLine("not a JSON object")
    return found


def _mended(line: str) -> object:
    if not line.lstrip().startswith("{"):
        raise RefusedLine("not a JSON object")
    try:
        return json.loads(
            _ESCAPE.sub(_mend, line),
            strict=False,
            parse_int=_integer,
            parse_float=_real,
            parse_constant=lambda _: None,
        )
    except (ValueError, RecursionError):
        raise RefusedLine("not a JSON object: cut off or not JSON") from None


def _mend(found: re.Match[str]) -> str:
    if found[1]:
        return "\\ufffd"
    return "\\\\" if found[2] else found[0]


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else None


def _real(digits: str) -> float | None:
    number = float(digits)
    return number if abs(number) != float("inf") else None
