r"""How the layouts of key=value lines, of CEF and of LEEF are drawn, see ``layouts``.

A pattern matches only lines that ``kv``, ``cef`` or ``leef`` read to the same cells: values without escapes, without
quotes inside and without what could be another key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detector.grammars import cef, kv, leef
from detector.grammars.layouts import Drawing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detector.grammars.layouts import Shape

_MARK = "\0"
_BLANKS = r" \t\n\v\f\r\x1c-\x1f"
"""What ``str.strip`` takes off, among ASCII; a class of characters is ten times as fast as the shorthand for it."""
_OPEN_CELL = rf"(?:[^{_BLANKS}]++(?: [^{_BLANKS}=]++(?!=))*+)?+"
"""Words of which none but the first holds an equals sign: no key is among them."""
_PREFIX = r"[^|={{}}\"]{{0,300}}?(?<![^\s:>]){}: ?"
_KEY = re.compile(kv.KEY)
_VERSION = re.compile(r"\d{1,2}(?:\.\d)?\Z")


def quoted(separator: str = " ") -> Shape:
    """Of ``kv.quoted``, also where its caller tells blanks from commas by what stands behind the first pair."""
    edge = re.escape(separator)

    def draw(line: str) -> Drawing | None:
        parts = line.split('"')
        if '\\"' in line or not len(parts) & 1:
            return None
        pieces, names, before = list[tuple[str, str]](), list[str](), ""
        for field in _MARK.join(parts[::2]).rstrip(separator).split(separator):
            key, sign, cell = field.partition("=")
            if not sign or not _KEY.fullmatch(key) or (_MARK in cell and cell != _MARK):
                return None
            mark, escape = ('"', r"\\.") if cell == _MARK else ("", r"\\(?![\"'\\=])")
            odd = " ," if not names else "" if mark else edge
            plain = rf'[^"{odd}\\\t]*+'
            pieces.append((f"{before}{re.escape(key)}={mark}", rf"{plain}(?:{escape}{plain})*+"))
            names.append(key)
            before = mark + edge
        return Drawing(pieces, names, before.removesuffix(edge) + f"(?:{edge})*+", unescape=kv.unescaped)

    return draw


def cut(separator: str, lead: Mapping[str, str] | None = None) -> Shape:
    """Of ``kv.cut``; ``lead`` names a first field that has no key, by its pattern."""
    edge = re.escape(separator)
    blanks = _BLANKS.replace(r"\t", "") if separator == "\t" else _BLANKS
    cell_pattern = rf'(?![{blanks}])[^"{edge}]*+(?<![{blanks}])'

    def draw(line: str) -> Drawing | None:
        pieces, names, before = list[tuple[str, str]](), list[str](), ""
        for field in line.rstrip(separator).split(separator):
            key, sign, cell = field.partition("=")
            known = next((item for item in (lead or {}).items() if not names and re.fullmatch(item[1], field)), None)
            if known is not None:
                names.append(known[0])
                pieces.append(("", known[1]))
            elif sign and key and key == key.strip() and cell == cell.strip() and '"' not in field:
                names.append(key)
                pieces.append((f"{before}{re.escape(key)}=", cell_pattern))
            else:
                return None
            before = edge
        return Drawing(pieces, names, f"(?:{edge})*+")

    return draw


def opened(line: str) -> Drawing | None:
    """Of ``kv.opened``."""
    pieces = kv.OPEN.split(line)
    if pieces[0] or len(pieces) < 2:
        return None
    names = pieces[1::2]
    before = ["", *[" "] * (len(names) - 1)]
    return Drawing(
        [(f"{blank}{re.escape(name)}=", _OPEN_CELL) for blank, name in zip(before, names, strict=True)], names, r"\s*+"
    )


def cef_message(line: str) -> Drawing | None:
    """Of ``cef.find``: its header, and the labels of its fields, stand as they are."""
    head = cef.HEADER.match(line)
    drawing = None if head is None else opened(line[head.end() :])
    if head is None or drawing is None:
        return None
    message = cef.find(line)
    labels = {} if message is None else {name: cell for name, cell in message.fields.items() if name.endswith("Label")}
    pieces = [
        (before, re.escape(labels[name]) if name in labels else cell)
        for (before, cell), name in zip(drawing.pieces, drawing.names, strict=True)
    ]
    aliases = {label: name[:-5] for name, label in labels.items() if name[:-5] in drawing.names}
    return Drawing(_behind(head[0], "CEF", pieces), drawing.names, drawing.end, head[0], aliases, cef.unescaped)


def leef_message(line: str) -> Drawing | None:
    """Of ``leef.find``, with the separator that it says."""
    head = leef.HEADER.match(line)
    if head is None:
        return None
    separator, body = leef.separator(head[5] or ""), line[head.end() :]
    drawing = cut(separator)(body) if separator in body.rstrip(separator) else None
    if drawing is None:
        return None
    return Drawing(_behind(head[0], "LEEF", drawing.pieces), drawing.names, drawing.end, head[0])


def _behind(header: str, word: str, pieces: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pieces behind a header, before which anything may stand that may stand there."""
    bar = header.index("|")
    version = _VERSION.search(header[:bar])
    start = bar if version is None else version.start()
    prefix = _PREFIX.format(word) if start else ""
    (before, cell), *rest = pieces
    return [(prefix + re.escape(header[start:]) + before, cell), *rest]
