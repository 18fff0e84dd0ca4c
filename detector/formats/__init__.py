"""One file per log format; this file only finds them.

A format is a module here whose ``FORMAT`` is a ``LogFormat``, or an entry point ``detector.formats`` of another
package. Nothing registers a format: adding one changes no existing file. A format is imported when it is asked for:
all of them together cost more than the start of the program.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from detector.errors import UsageError

if TYPE_CHECKING:
    from detector.events import LogFormat


class Formats(Mapping[str, "LogFormat"]):
    """The formats of this folder and a site's own, by name; a format is imported when it is taken."""

    def __init__(self, own: Mapping[str, LogFormat] | None = None) -> None:
        self._site = dict(own or {})
        self._names = sorted({*format_names(), *self._site})

    def __getitem__(self, name: str) -> LogFormat:
        if name in self._site:
            return self._site[name]
        if name in self._names:
            return _imported(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def has_own(self) -> bool:
        """Whether a site defined some of them."""
        return bool(self._site)

    def named(self, name: str) -> LogFormat:
        """The format of a name, also one that another package brings.

        Raises:
            UsageError: there is none; the message names the nearest ones.
        """
        if name in self:
            return self[name]
        if found := foreign_formats().get(name):
            return found
        near = get_close_matches(name, self, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`shadowit formats` lists them all"
        raise UsageError(f"no log format is called {name!r}; {hint}")


def format_names() -> list[str]:
    """The names of the formats of this folder, ascending; nothing is imported."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def source_stamp() -> int:
    """When the code of formats, or of the grammars that they stand on, last changed, nanoseconds.

    What is remembered of them ends there.
    """
    folders = [Path(folder) for folder in __path__]
    files = [path for folder in folders for path in (*folder.glob("*.py"), *folder.parent.glob("grammars/*.py"))]
    return max((path.stat().st_mtime_ns for path in files), default=0)


@cache
def own_formats() -> Mapping[str, LogFormat]:
    """The formats of this folder by name, all imported."""
    return {name: _imported(name) for name in format_names()}


@cache
def foreign_formats() -> Mapping[str, LogFormat]:
    """The formats that other installed packages bring; looked up only when this folder's do not suffice."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - 30 ms that most audits need not pay

    return {point.name: point.load() for point in entry_points(group="detector.formats")}


def format_named(name: str) -> LogFormat:
    """The format of a name; see ``Formats.named``."""
    return Formats().named(name)


def _imported(name: str) -> LogFormat:
    found: LogFormat = import_module(f"{__name__}.{name}").FORMAT
    return found
