"""CSV with a line of column names: those of the CSV export, or only ``value`` (also ``domain``, ``host``, ``url``).

Without a ``kind`` a value is read as feeds mean it: a registered domain with everything below it, else one host, or an
address when it has a path. Without a ``service`` its registered domain names the service.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING

from detector.errors import UsageError
from detector.exchange.drafts import Draft, Value
from detector.exchange.plug import Import, Reading
from detector.exchange.reading import Gathering, of_address, of_name, slug
from detector.signatures import IndicatorKind

if TYPE_CHECKING:
    from collections.abc import Mapping

_VALUES = ("value", "domain", "host", "url")
_MOST_DIGITS = 18
_KINDS = {kind.value: kind for kind in IndicatorKind}


def read(text: str, name: str) -> Reading:
    """The rows of one file.

    Raises:
        UsageError: no column holds values, or it is no CSV.
    """
    try:
        return _rows(text.removeprefix("\ufeff"), name)
    except csv.Error as fault:
        raise UsageError(f"{name}: is not CSV: {fault}") from None


def _rows(text: str, name: str) -> Reading:
    rows = csv.DictReader(io.StringIO(text, newline=""), restval="")
    column = next((one for one in _VALUES if one in (rows.fieldnames or ())), "")
    if not column:
        raise UsageError(f"{name}: needs a column of one of the names {', '.join(_VALUES)}")
    found = Gathering(f"csv {name}", name)
    for row in rows:
        cells = {key: _bare(cell) for key, cell in row.items() if isinstance(key, str)}
        if cells[column]:
            _take(found, cells, cells[column])
    return found.reading()


def _take(found: Gathering, cells: Mapping[str, str], text: str) -> None:
    kind = cells.get("kind", "")
    if kind and kind not in _KINDS:
        found.refuse(text, f"kind {kind!r} is none of {', '.join(_KINDS)}")
        return
    guess = of_address(text) if "/" in text else of_name(text)
    size = cells.get("min_request_bytes", "")
    value = replace(
        Value(_KINDS[kind], text.lower(), path=cells.get("path_prefix", "")) if kind else guess,
        query=cells.get("query_has", ""),
        methods=tuple(filter(None, cells.get("methods", "").split("|"))),
        min_request_bytes=int(size) if size.isdecimal() and len(size) <= _MOST_DIGITS else 0,
        stage=cells.get("stage", "") or "visited",
        valid_from=cells.get("valid_from", ""),
        valid_until=cells.get("valid_until", ""),
    )
    service, title = cells.get("service", ""), cells.get("name", "")
    named = Draft(slug(service or title), title or service, (), cells.get("vendor", ""), cells.get("category", ""))
    sources = cells.get("sources", "").split(" | ")
    found.take(value, draft=named if service or title else None, sources=sources)


def _bare(cell: str | None) -> str:
    """A cell without blanks and without the apostrophe that keeps spreadsheets from taking it for a formula."""
    text = (cell or "").strip()
    return text[1:] if text[:2] in ("'=", "'+", "'-", "'@", "''") else text


IMPORT = Import(name="csv", read=read)
