"""Signatures to and from other programs: one file per format, this file only finds them.

A format is a module in ``exports/`` whose ``EXPORT`` is an ``Export``, or in ``imports/`` whose ``IMPORT`` is an
``Import``; its name is the module's with hyphens. Adding one changes no existing file.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from detector.errors import UsageError
from detector.exchange import exports, imports
from detector.exchange.drafts import Draft, Refusal, Settled, Value, settle
from detector.exchange.plug import Export, Import, Reading
from detector.exchange.selection import Selection

__all__ = [
    "Draft",
    "Export",
    "Import",
    "Reading",
    "Refusal",
    "Selection",
    "Settled",
    "Value",
    "export_named",
    "export_names",
    "import_named",
    "import_names",
    "settle",
]


def export_names() -> list[str]:
    """The names of all formats that signatures are written in, in their order."""
    return [module.name.replace("_", "-") for module in pkgutil.iter_modules(exports.__path__)]


def import_names() -> list[str]:
    """The names of all formats that signatures are read from, in their order."""
    return [module.name.replace("_", "-") for module in pkgutil.iter_modules(imports.__path__)]


def export_named(name: str) -> Export:
    """The way out of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in export_names():
        raise UsageError(f"signatures are not written as {name!r}: there are {', '.join(export_names())}")
    found: Export = import_module(f"{exports.__name__}.{name.replace('-', '_')}").EXPORT
    return found


def import_named(name: str) -> Import:
    """The way in of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in import_names():
        raise UsageError(f"signatures are not read from {name!r}: there are {', '.join(import_names())}")
    found: Import = import_module(f"{imports.__name__}.{name.replace('-', '_')}").IMPORT
    return found
