"""Where alerts go: one file per way out, this file only finds them and makes the configured ones ready.

A sink is a module here whose ``SINK`` is a ``Sink``: adding one changes no existing file. Other packages bring theirs
by the entry point ``detector.sinks``.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from pydantic import ValidationError

from detector import documents
from detector.errors import InvalidFile, Problem, UsageError
from detector.outward import Channel, Options, Sink

__all__ = ["channels", "sink_of", "sink_types"]

_GROUP = "detector.sinks"
_Place = Callable[[Sequence[str | int], str], Problem]


def sink_types() -> list[str]:
    """The types of all sinks, in their order."""
    own = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted({*own, *(point.name for point in entry_points(group=_GROUP))})


def sink_of(type_: str) -> Sink[Options]:
    """The sink of a type.

    Raises:
        UsageError: there is none.
    """
    if type_ in [module.name for module in pkgutil.iter_modules(__path__)]:
        own: Sink[Options] = import_module(f"{__name__}.{type_}").SINK
        return own
    for point in entry_points(group=_GROUP, name=type_):
        foreign: Sink[Options] = point.load()
        return foreign
    near = get_close_matches(type_, sink_types(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f": there are {', '.join(sink_types())}"
    raise UsageError(f"no sink is of type {type_!r}{hint}")


def channels(path: Path) -> list[Channel]:
    """The sinks of a configuration file, ready to be used; relative paths in it are relative to its folder.

    Raises:
        InvalidFile: every problem, with ``file:line:col``.
    """
    document = documents.read(path)
    if document.problems:
        raise InvalidFile(document.problems)
    entries = document.data.get("sinks") if isinstance(document.data, dict) else None
    if entries is not None and not isinstance(entries, list):
        raise InvalidFile([document.problem(["sinks"], "sinks: must be a list, each with a type")])
    problems: list[Problem] = []
    made: list[Channel] = []
    for index, entry in enumerate(entries or []):
        place = _placed(document, index)
        channel = _channel(entry, path.parent, place, problems)
        if channel is not None and channel.name in [one.name for one in made]:
            problems.append(place((), f"two sinks are called {channel.name!r}: give this one another name"))
        elif channel is not None:
            made.append(channel)
    if problems:
        raise InvalidFile(problems)
    return made


def _placed(document: documents.Document, index: int) -> _Place:
    return lambda keys, message: document.problem(["sinks", index, *keys], f"sinks[{index}]: {message}")


def _channel(entry: documents.Data, folder: Path, place: _Place, problems: list[Problem]) -> Channel | None:
    type_ = entry.get("type") if isinstance(entry, Mapping) else None
    if not isinstance(type_, str):
        problems.append(place((), f"must say its type: {', '.join(sink_types())}"))
        return None
    try:
        sink = sink_of(type_)
    except UsageError as fault:
        problems.append(place(("type",), str(fault)))
        return None
    try:
        options = sink.options.model_validate(entry)
    except ValidationError as fault:
        problems += [place(error["loc"], _sentence(sink, error["loc"], error["type"], error["msg"]))
                     for error in fault.errors(include_input=False)]  # fmt: skip
        return None
    return sink.channel(options.model_copy(update=options.placed(folder)))


def _sentence(sink: Sink[Options], location: Sequence[str | int], kind: str, message: str) -> str:
    name = ".".join(map(str, location)) or sink.type
    if kind != "extra_forbidden":
        return f"{name}: {message.removeprefix('Value error, ')}"
    near = get_close_matches(name, sink.options.model_fields, n=1)
    return f"{name}: no such key" + (f"; did you mean {near[0]!r}?" if near else "")
