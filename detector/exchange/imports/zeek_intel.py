"""An Intelligence Framework file of Zeek: ``Intel::DOMAIN`` and ``Intel::URL``; other types are refused.

``meta.source`` of the form ``shadowit:<id>`` names the service, else its registered domain does. ``meta.*`` columns are
kept as sources.

Reference: https://docs.zeek.org/en/current/frameworks/intel.html (unverified from here)
"""

from __future__ import annotations

from detector.errors import UsageError
from detector.exchange.drafts import Draft
from detector.exchange.plug import Import, Reading
from detector.exchange.reading import Gathering, of_address, of_name, slug


def read(text: str, name: str) -> Reading:
    """The rows of one file.

    Raises:
        UsageError: there is no ``#fields`` line before the first row.
    """
    found = Gathering(f"zeek-intel {name}", name)
    columns: list[str] = []
    for line in text.splitlines():
        if line.startswith("#fields\t"):
            columns = line.split("\t")[1:]
        elif line.strip() and not line.startswith("#"):
            if not columns:
                raise UsageError(f"{name}: has no line '#fields<TAB>indicator<TAB>indicator_type…' before its rows")
            _take(found, dict(zip(columns, line.split("\t"), strict=False)))
    return found.reading()


def _take(found: Gathering, row: dict[str, str]) -> None:
    text, kind = row.get("indicator", ""), row.get("indicator_type", "")
    if kind not in ("Intel::DOMAIN", "Intel::URL"):
        found.refuse(text, f"{kind or 'no type'} is neither Intel::DOMAIN nor Intel::URL")
        return
    source, description = row.get("meta.source", ""), row.get("meta.desc", "")
    draft = None
    if source.startswith("shadowit:"):
        service = source.removeprefix("shadowit:")
        draft = Draft(slug(service), description.partition(", ")[0] or service, ())
    sources = [part for key, part in row.items() if key.startswith("meta.") and part not in ("", "-")]
    found.take(of_name(text) if kind == "Intel::DOMAIN" else of_address(text), draft=draft, sources=sources)


IMPORT = Import(name="zeek-intel", read=read)
