r"""Lines of the three shapes that site-made feeds come in: delimited, key=value, JSON; read and written.

One line is one record, whatever its quotes do: nothing here ever sees the line behind it.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_CARRIAGE_RETURN = "\r"
_STAND_IN = "\ue000"  # a private character: the csv module refuses lines with a lone carriage return
_ESCAPED = re.compile(r"\\([\"'\\])")


def split_csv(line: str, delimiter: str, quote: str, width: int = 0) -> list[str]:
    """The cells of a delimited line; a quote that nothing closes is a letter where ``width`` cells prove it.

    >>> split_csv('a,"b, ""c"" d"', ",", '"'), split_csv('a,"b,c', ",", '"', 3)
    (['a', 'b, "c" d'], ['a', '"b', 'c'])
    """
    plain = line.split(delimiter)
    if not quote or quote not in line or len(delimiter) > 1:
        return plain
    text = line.replace(_CARRIAGE_RETURN, _STAND_IN)
    try:
        cells = next(csv.reader([text], delimiter=delimiter, quotechar=quote, skipinitialspace=delimiter != " "), [])
    except csv.Error:  # a cell longer than the module's limit
        return plain
    if len(cells) != width and len(plain) == width:
        return plain
    return [cell.replace(_STAND_IN, _CARRIAGE_RETURN) for cell in cells] if text != line else cells


def join_csv(cells: Iterable[str], delimiter: str, quote: str) -> str:
    """A delimited line that ``split_csv`` reads back; line ends become blanks.

    >>> join_csv(["a", 'b, "c" d'], ",", '"')
    'a,"b, ""c"" d"'
    """
    return delimiter.join(_quoted_cell(_one_line(cell), delimiter, quote) for cell in cells)


@lru_cache(maxsize=64)
def places(columns: tuple[str, ...], known: frozenset[str]) -> tuple[tuple[str, int], ...]:
    """Where the columns stand that a map speaks of; of one name the first.

    >>> places(("a", "b", "a"), frozenset({"a", "c"}))
    (('a', 0),)
    """
    return tuple((name, columns.index(name)) for name in sorted(known.intersection(columns)))


def split_pairs(line: str, pair_separator: str, value_separator: str, quote: str) -> dict[str, str]:
    r"""The pairs of a key=value line; of a key that comes twice the first counts, words without a key are skipped.

    A quoted value may hold separators and escaped quotes; a quote that nothing closes is a letter.

    >>> split_pairs(r'fw: src=10.0.0.7 ua="a \"b\" c=d" src=192.0.2.1', " ", "=", '"')
    {'src': '10.0.0.7', 'ua': 'a "b" c=d'}
    """
    pairs: dict[str, str] = {}
    for written, quoted, bare in _pairs(pair_separator, value_separator, quote).findall(line):
        key = written.strip()
        if key and key not in pairs:
            value = quoted or bare.strip()
            pairs[key] = _ESCAPED.sub(r"\1", value) if quoted and "\\" in quoted else value
    return pairs


def join_pairs(pairs: Mapping[str, str], pair_separator: str, value_separator: str, quote: str) -> str:
    """A key=value line that ``split_pairs`` reads back.

    >>> join_pairs({"src": "10.0.0.7", "ua": "a b"}, " ", "=", '"')
    'src=10.0.0.7 ua="a b"'
    """
    written = []
    for key, value in pairs.items():
        text = _one_line(value)
        if quote and (not text or pair_separator in text or any(sign in text for sign in f' \\"{quote}')):
            text = quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote
        written.append(f"{key}{value_separator}{text}")
    return pair_separator.join(written)


def value_at(record: Mapping[str, object], path: str) -> object:
    """The cell of a dotted path; a key that itself holds the dots comes first. ``None`` where there is none.

    >>> value_at({"a": {"b": 1}}, "a.b"), value_at({"a.b": 2, "a": {"b": 1}}, "a.b"), value_at({"a": 3}, "a.b")
    (1, 2, None)
    """
    if path in record or "." not in path:
        return record.get(path)
    cell: object = record
    for key in path.split("."):
        if isinstance(cell, list):
            cell = next(iter(cell), None)
        if not isinstance(cell, dict):
            return None
        cell = cell.get(key)
    return cell


def text_at(cells: Mapping[str, object], path: str, *, every: bool = False) -> str:
    """The text of a cell without blanks around it, empty where there is none; of a list the first member or every one.

    >>> text_at({"a": {"b": [" x", 7]}}, "a.b", every=True), text_at({}, "a"), text_at({"ms": 1582797600123.0}, "ms")
    ('x, 7', '', '1582797600123')
    """
    cell = cells.get(path)
    if type(cell) is str:
        return cell.strip()
    if cell is None:
        if "." not in path or (cell := value_at(cells, path)) is None:
            return ""
        if type(cell) is str:
            return cell.strip()
    texts = texts_of(cell)
    return ", ".join(texts if every else texts[:1])


def texts_of(cell: object) -> Sequence[str]:
    """The texts of a cell: none for nothing, several for a list; numbers as they would be written.

    >>> texts_of("a"), texts_of(1582797600123.0), texts_of(["a", 7, {}]), texts_of(None)
    (['a'], ['1582797600123'], ['a', '7'], [])
    """
    if isinstance(cell, str):
        return [cell.strip()]
    if isinstance(cell, list):
        return [text for member in cell if not isinstance(member, list) for text in texts_of(member)]
    if isinstance(cell, bool):
        return ["true" if cell else "false"]
    if isinstance(cell, float) and cell.is_integer():
        return [str(int(cell))]
    return [str(cell)] if isinstance(cell, (int, float)) else []


@lru_cache(maxsize=64)
def _pairs(pair_separator: str, value_separator: str, quote: str) -> re.Pattern[str]:
    between, sign, mark = re.escape(pair_separator), re.escape(value_separator), re.escape(quote)
    # Words of a key stop at the first character of either separator, so that no key is looked for twice.
    key = rf"[^{re.escape(pair_separator[:1])}{re.escape(value_separator[:1])}]{{1,128}}+"
    text = rf"{mark}((?:[^{mark}\\]|\\.)*+){mark}(?=\s*(?:{between}|$))|" if quote else "(?!)()|"
    # Blanks around keys and values are skipped where they do not separate: a run of them would be searched twice.
    skip = "" if pair_separator.isspace() else r"\s*+"
    return re.compile(rf"(?:^|{between}){skip}({key}){sign}{skip}(?:{text}(.*?)(?={between}|$))", re.DOTALL)


def _quoted_cell(cell: str, delimiter: str, quote: str) -> str:
    if not quote or len(delimiter) > 1:
        return cell.replace(delimiter, " ")
    if delimiter in cell or quote in cell or cell.startswith(" "):
        return quote + cell.replace(quote, quote * 2) + quote
    return cell


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
