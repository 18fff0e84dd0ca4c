"""Reports: what was found, with what was read and what was not; one file per way out, this file only finds them.

A writer is a module here whose ``WRITER`` is a ``Writer``: adding one changes no existing file. Heavy libraries are
imported when a page or a table is drawn, so that JSON costs neither of them.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

from detector.report.document import SCHEMA, ActorRow, EvidenceRow, FindingRow, Report, SourceRow
from detector.report.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["SCHEMA", "WRITERS", "ActorRow", "EvidenceRow", "FindingRow", "Report", "SourceRow", "Writer"]


def _own_writers() -> Iterator[Writer]:
    for module in pkgutil.iter_modules(__path__):
        writer = getattr(import_module(f"{__name__}.{module.name}"), "WRITER", None)
        if isinstance(writer, Writer):
            yield writer


WRITERS: Mapping[str, Writer] = {writer.name: writer for writer in sorted(_own_writers(), key=lambda one: one.name)}
"""The writers of this folder by name, in the order of their names."""
