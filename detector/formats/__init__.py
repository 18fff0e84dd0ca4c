"""One file per log format; this file only finds them.

A format is a module here whose ``FORMAT`` is a ``LogFormat``, or an entry point ``detector.formats`` of another
package. Nothing registers a format: adding one changes no existing file.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from detector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detector.events import LogFormat


@cache
def own_formats() -> Mapping[str, LogFormat]:
    """The formats of this folder by name, in the order of their names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: import_module(f"{__name__}.{name}").FORMAT for name in names}


@cache
def foreign_formats() -> Mapping[str, LogFormat]:
    """The formats that other installed packages bring; looked up only when this folder's do not suffice."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to load, and rarely needed

    return {point.name: point.load() for point in entry_points(group="detector.formats")}


def format_named(name: str) -> LogFormat:
    """The format of a name.

    Raises:
        UsageError: there is none; the message names the nearest ones.
    """
    if found := own_formats().get(name) or foreign_formats().get(name):
        return found
    from difflib import get_close_matches  # noqa: PLC0415 - slow to load, and rarely needed

    near = get_close_matches(name, own_formats(), n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "`shadowit formats` lists them all"
    raise UsageError(f"no log format is called {name!r}; {hint}")
