"""The catalogue as CSV (RFC 4180): one row an indicator, everything that an import needs to make it again.

Columns: ``service, name, vendor, category, kind, value, path_prefix, query_has, methods`` (joined by ``|``),
``min_request_bytes, stage, confidence, valid_from, valid_until, sources`` (joined by `` | ``). A cell that a
spreadsheet could take for a formula starts with an apostrophe.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from detector.events import to_iso
from detector.exchange.plug import Export

if TYPE_CHECKING:
    from detector.exchange.selection import Selection

COLUMNS = (
    "service", "name", "vendor", "category", "kind", "value", "path_prefix", "query_has", "methods",
    "min_request_bytes", "stage", "confidence", "valid_from", "valid_until", "sources",
)  # fmt: skip


def render(selection: Selection) -> str:
    """A line of column names, then one line an indicator, also of those whose time is over."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for signature in selection.signatures:
        for one in signature.indicators:
            dates = ("" if moment is None else to_iso(moment)[:10] for moment in (one.valid_from, one.valid_until))
            writer.writerow(map(safe, (
                signature.id, signature.name, signature.vendor, signature.category, one.kind.value, one.host, one.path,
                one.query, "|".join(one.methods), str(one.min_request_bytes or ""), one.stage.value, one.confidence,
                *dates, " | ".join(one.sources),
            )))  # fmt: skip
    return out.getvalue()


def safe(cell: str) -> str:
    """The cell as no spreadsheet takes it for a formula.

    >>> safe("=1+1"), safe("a=b")
    ("'=1+1", 'a=b')
    """
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "'")) else cell


EXPORT = Export(name="csv", render=render)
