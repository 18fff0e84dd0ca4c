"""An Intelligence Framework file for Zeek: tab-separated, ``Intel::DOMAIN`` and ``Intel::URL``.

Zeek compares whole names: of a suffix, the domain, its ``www.`` and the product's known hosts stand here; of an
address, the host with the path prefix as the whole path.

Reference: https://docs.zeek.org/en/current/frameworks/intel.html (unverified from here)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.exchange.plug import Export
from detector.exchange.selection import known_names
from detector.signatures import IndicatorKind

if TYPE_CHECKING:
    from detector.exchange.selection import Selection

_HEAD = "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url"


def render(selection: Selection) -> str:
    """A line of column names, then one line a name or address, each once."""
    rows: dict[tuple[str, str], str] = {}
    for signature, one in selection.valid():
        kind = "Intel::URL" if one.kind is IndicatorKind.URL else "Intel::DOMAIN"
        source = next((text for text in one.sources if "://" in text), "-")
        meta = (f"shadowit:{signature.id}", f"{signature.name}, {signature.category}: {'; '.join(one.sources)}", source)
        for name in known_names(signature, one):
            cells = "\t".join(cell.replace("\t", " ") for cell in meta)
            rows.setdefault((name + one.path, kind), cells)
    lines = [f"{value}\t{kind}\t{meta}" for (value, kind), meta in sorted(rows.items())]
    return "\n".join([_HEAD, *lines]) + "\n"


EXPORT = Export(name="zeek-intel", render=render)
