"""Reports: what was found, with what was read and what was not; one file per way out, this file only finds them.

A writer is a module here whose ``WRITER`` is a ``Writer``: adding one changes no existing file. A writer is imported
when it is asked for, and heavy libraries when a page or a table is drawn, so that JSON costs none of them.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from detector.errors import UsageError
from detector.report.document import SCHEMA, ActorRow, EvidenceRow, FindingRow, Report, SourceRow
from detector.report.writer import Writer

__all__ = [
    "SCHEMA",
    "ActorRow",
    "EvidenceRow",
    "FindingRow",
    "Report",
    "SourceRow",
    "Writer",
    "writer_named",
    "writer_names",
]


def writer_named(name: str) -> Writer:
    """The writer of a name.

    Raises:
        UsageError: there is none.
    """
    modules = [name] if name in _modules() else _modules()
    for module in modules:
        writer = getattr(import_module(f"{__name__}.{module}"), "WRITER", None)
        if isinstance(writer, Writer) and writer.name == name:
            return writer
    raise UsageError(f"no report is written as {name!r}: there are {', '.join(writer_names())}")


def writer_names() -> list[str]:
    """The names of all writers, in their order."""
    found = (getattr(import_module(f"{__name__}.{module}"), "WRITER", None) for module in _modules())
    return sorted(writer.name for writer in found if isinstance(writer, Writer))


def _modules() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__)]
