r"""Key=value lines of devices, read and written: quoted values, open values with blanks in them, cut fields.

Of a key that comes twice the first counts: what a client can make a device write (URLs, user agents) comes late.
Values whose quotes hold other pairs never give pairs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from detector.errors import RefusedLine

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK = "\0"
_SHORT = 4096
"""Characters; the keys of longer lines are not remembered: a thousand forged ones must not hold gigabytes."""
KEY = r"[A-Za-z_][A-Za-z0-9_.@-]{0,63}"
OPEN = re.compile(rf"(?:^|(?<=[ \t]))({KEY}(?:\[\d+\])?)=")
_COLON = re.compile(r'(?:^|(?<=[\s;\[|]))([A-Za-z_][\w.-]{0,63}):"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPED = re.compile(r"\\([\"'\\=])")


def quoted(line: str, separator: str = " ", quote: str = '"') -> dict[str, str]:
    r"""The pairs of ``a=1 b="two words" c=``; a value without quotes ends at the separator.

    >>> quoted(r'src=10.0.0.7 ua="a \"b\" src=1" empty= n=""')
    {'n': '', 'empty': '', 'ua': 'a "b" src=1', 'src': '10.0.0.7'}
    """
    if "\\" not in line and "\t" not in line and (pairs := _plain(line, separator, quote)):
        return pairs
    found = _quoted(separator, quote).findall(line)
    if not found:
        raise RefusedLine("no key=value pairs")
    if "\\" in line:
        return {key: unescaped(inner) if inner else bare for key, inner, bare in reversed(found)}
    return {key: inner or bare for key, inner, bare in reversed(found)}


def _plain(line: str, separator: str, quote: str) -> dict[str, str] | None:
    """The pairs of a line whose quotes all stand around whole values, in half the time; ``None`` for other lines.

    A mark takes the place of each quoted value; lines hold no NUL.
    """
    pieces = line.split(quote)
    if len(pieces) == 1:
        fields = [field.partition("=") for field in reversed(line.split(separator))]
        return {key: cell for key, sign, cell in fields if sign and key}
    if not len(pieces) & 1:
        return None
    if separator not in pieces[0] and len(line) < _SHORT and (keys := _keys(tuple(pieces[::2]), separator)) is not None:
        return dict(zip(keys, pieces[1::2], strict=True))
    inner = iter(pieces[1::2])
    pairs: dict[str, str] = {}
    for field in _MARK.join(pieces[::2]).split(separator):
        key, sign, cell = field.partition("=")
        if _MARK in field:
            if cell != _MARK or _MARK in key:
                return None
            cell = next(inner)
        if sign and key and key not in pairs:
            pairs[key] = cell
    return pairs


@lru_cache(maxsize=1024)
def _keys(between: tuple[str, ...], separator: str) -> tuple[str, ...] | None:
    """The keys of a line by what stands between its quoted values; ``None`` where not all of it are keys, each once."""
    first, *others, last = between
    keys = [first, *(piece.removeprefix(separator) for piece in others)]
    is_usual = not last and len(set(keys)) == len(keys) and all(piece.startswith(separator) for piece in others)
    if not is_usual or any(separator in key or len(key) < 2 or key.find("=") + 1 != len(key) for key in keys):
        return None
    return tuple(key[:-1] for key in keys)


def opened(text: str) -> dict[str, str]:
    r"""The pairs of ``a=1 b=two words c=3``: a value ends where the next key starts; nothing is unescaped.

    >>> opened("act=blocked ua=Mozilla/5.0 (X11) url=http://example.com/?a=b msg=")
    {'msg': '', 'url': 'http://example.com/?a=b', 'ua': 'Mozilla/5.0 (X11)', 'act': 'blocked'}
    """
    pieces = OPEN.split(text)
    keys, cells = pieces[1::2], pieces[2::2]
    return {key: cell.strip() for key, cell in zip(reversed(keys), reversed(cells), strict=True)}


def cut(text: str, separator: str, sign: str = "=") -> dict[str, str]:
    r"""The pairs of fields between separators; quotes around a value are taken off, fields without a sign skipped.

    >>> cut('src=10.0.0.7\turl="example.com/a=b"\tjunk', "\t")
    {'url': 'example.com/a=b', 'src': '10.0.0.7'}
    """
    fields = [field.partition(sign) for field in reversed(text.split(separator))]
    if '"' not in text:
        return {key.strip(): cell.strip() for key, found, cell in fields if found}
    return {key.strip(): _bare(cell.strip()) for key, found, cell in fields if found}


def colon(text: str) -> dict[str, str]:
    r"""The pairs of ``key:"value"; other:"value"``.

    >>> colon('[action:"Accept"; resource:"http://example.com/a;b:\\"c\\""]')
    {'resource': 'http://example.com/a;b:"c"', 'action': 'Accept'}
    """
    return {key: unescaped(cell) for key, cell in reversed(_COLON.findall(text))}


def is_behind_pairs(line: str) -> bool:
    """Whether a line has no bar, or one only behind an equals sign: it is then no message with a header of bars.

    >>> is_behind_pairs("url=http://example.com/|"), is_behind_pairs("CEF:0|a|b|c|d|e|1|")
    (True, False)
    """
    bar = line.find("|")
    return bar < 0 or line.find("=", 0, bar) >= 0


def join(pairs: Mapping[str, str], separator: str = " ") -> str:
    r"""A line that ``quoted`` reads back; every value that is not plain stands in quotes.

    >>> join({"src": "10.0.0.7", "ua": 'a "b"', "user": ""})
    'src=10.0.0.7 ua="a \\"b\\"" user=""'
    """
    return separator.join(f"{key}={_written(cell, separator)}" for key, cell in pairs.items())


def _written(cell: str, separator: str) -> str:
    cell = one_line(cell)
    if cell and separator not in cell and not any(sign in cell for sign in ' "\\='):
        return cell
    return '"' + cell.replace("\\", "\\\\").replace('"', '\\"') + '"'


def one_line(cell: str) -> str:
    r"""A value without line ends and tabs.

    >>> one_line("a\nb")
    'a b'
    """
    return cell.replace("\r", " ").replace("\n", " ").replace("\t", " ")


def _bare(cell: str) -> str:
    """The text between quotes; ``""text""`` is a value that was quoted twice."""
    if len(cell) < 2 or cell[0] != '"' or cell[-1] != '"':
        return cell
    twice = len(cell) > 4 and cell[1] == '"' == cell[-2]
    return cell[2:-2] if twice else cell[1:-1].replace('""', '"')


def unescaped(cell: str) -> str:
    r"""The text of a quoted value.

    >>> unescaped(r'a \"b\"')
    'a "b"'
    """
    return _ESCAPED.sub(r"\1", cell) if "\\" in cell else cell


@lru_cache(maxsize=16)
def _quoted(separator: str, quote: str) -> re.Pattern[str]:
    # A quote that nothing closes is a letter: the value then ends at the separator like one without quotes.
    edge = re.escape(separator)
    return re.compile(
        rf"(?:^|(?<=[{edge}\s]))({KEY})="
        rf"(?:{quote}((?:[^{quote}\\]++|\\.)*+){quote}(?=[{edge}\s;,\])}}>|]|$)|([^{edge}\t]*))",
        re.DOTALL,
    )
