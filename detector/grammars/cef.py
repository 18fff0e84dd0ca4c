r"""Common Event Format: ``CEF:0|vendor|product|version|event|name|severity|key=value key=other value``, read, written.

Reference: "ArcSight Common Event Format", https://www.microfocus.com/documentation/arcsight/ (unverified from here).
``\|`` and ``\\`` in the header, ``\=``, ``\\``, ``\n``, ``\r`` in values; a value ends where the next ``key=`` starts;
``cs1Label=Group cs1=staff`` also gives ``Group=staff``. ``CEF:`` may be gone where a syslog daemon took it for a tag.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from detector.grammars import kv

if TYPE_CHECKING:
    from collections.abc import Mapping


class Message(NamedTuple):
    """One line.

    Attributes:
        vendor: as written.
        product: as written.
        event: its id, the "signature id" or "device event class id".
        name: of the event.
        fields: the extension; of a key that comes twice the first value.
    """

    vendor: str
    product: str
    event: str
    name: str
    fields: dict[str, str]


HEADER = re.compile(
    r"(?:[^|={}\"]{0,300}?(?<![^\s:>])CEF: ?)?\d{1,2}(?:\.\d)?\|"
    r"((?:[^|\\]++|\\.)*+)\|((?:[^|\\]++|\\.)*+)\|(?:[^|\\]++|\\.)*+\|((?:[^|\\]++|\\.)*+)\|((?:[^|\\]++|\\.)*+)"
    r"\|(?:[^|\\]++|\\.)*+(?:\||$)",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\([\\|=nr\"])")
_BREAKS = {"n": "\n", "r": "\n"}


def find(line: str) -> Message | None:
    r"""The message of a line, with a syslog header before it or without; ``None`` where it has no such header.

    >>> find('url="CEF:0|a|b|c|d|e|1|"')
    >>> find(r"CEF:0|Vendor|Proxy|1|100|visit|3|src=10.0.0.7 cs1Label=Unit cs1=a b request=http://x.example/?a\=b").fields
    {'request': 'http://x.example/?a=b', 'cs1': 'a b', 'cs1Label': 'Unit', 'src': '10.0.0.7', 'Unit': 'a b'}
    """
    head = None if kv.is_behind_pairs(line) else HEADER.match(line)
    if not head:
        return None
    extension = line[head.end() :]
    fields = kv.opened(extension)
    if "\\" in extension:
        fields = {key: unescaped(cell) if "\\" in cell else cell for key, cell in fields.items()}
    if "Label=" in extension:
        for key in [key for key in fields if key.endswith("Label")]:
            if (cell := fields.get(key[:-5])) is not None:
                fields.setdefault(fields[key], cell)
    vendor, product, event, name = (text.replace("\\|", "|") if "\\" in text else text for text in head.groups())
    return Message(vendor, product, event, name, fields)


def unescaped(cell: str) -> str:
    r"""The text of a value.

    >>> unescaped(r"a\=b")
    'a=b'
    """
    return _ESCAPED.sub(_letter, cell)


def join(header: str, fields: Mapping[str, str]) -> str:
    r"""A line that ``find`` reads back; ``header`` is the seven parts between ``CEF:0|`` and the extension.

    >>> join("Vendor|Proxy|1|100|visit|3", {"src": "10.0.0.7", "request": "http://x.example/?a=b"})
    'CEF:0|Vendor|Proxy|1|100|visit|3|src=10.0.0.7 request=http://x.example/?a\\=b'
    """
    cells = (f"{key}={_written(cell)}" for key, cell in fields.items())
    return f"CEF:0|{header}|{' '.join(cells)}"


def _written(cell: str) -> str:
    return kv.one_line(cell).replace("\\", "\\\\").replace("=", "\\=")


def _letter(found: re.Match[str]) -> str:
    return _BREAKS.get(found[1], found[1])
