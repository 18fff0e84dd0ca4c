"""Strict YAML documents: plain data, with every fault as ``file:line:col``.

YAML as PyYAML reads it lets a duplicate key win silently, turns ``no`` into False, ``12:30:00`` into 45000 and ``012``
into 10, and lets aliases explode. Here a document is mappings, sequences and *text* only; what a text means is decided
by the schema that it is checked against. Duplicate keys, aliases, tags, depth over 20 and size over 4 MiB are faults.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from yaml import (
    AliasEvent,
    CSafeLoader,
    DocumentStartEvent,
    MappingEndEvent,
    MappingNode,
    MappingStartEvent,
    Node,
    ScalarEvent,
    SequenceEndEvent,
    SequenceNode,
    SequenceStartEvent,
    StreamEndEvent,
    YAMLError,
    compose,
)
from yaml.cyaml import CParser  # type: ignore[attr-defined] # its stub does not export it

from detector.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


Data: TypeAlias = "str | list[Data] | dict[str, Data] | None"
"""What a document holds. A plain ``null``, ``~`` or nothing is ``None``; every other scalar is text."""

DEPTH_LIMIT = 20
SIZE_LIMIT_BYTES = 4 * 1024 * 1024
_NOTHING = ("", "~", "null", "Null", "NULL")


class _Fault(Exception):
    """A fault at a mark, on its way to becoming a ``Problem``."""

    def __init__(self, mark: Any, message: str) -> None:
        self.line = 0 if mark is None else mark.line + 1
        self.column = 0 if mark is None else mark.column + 1
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Document:
    """One file's data, and where each part of it stands.

    Attributes:
        path: the file as it was named.
        data: its content, ``None`` when it is empty or faulty.
        text: its bytes, kept so that a place can be found when a schema complains.
        problems: its faults; empty when it could be read.
    """

    path: str
    data: Data
    text: bytes
    problems: tuple[Problem, ...] = ()

    def problem(self, keys: Sequence[str | int], message: str) -> Problem:
        """A problem at the value (or, for an unknown key, the key) that ``keys`` lead to, or at its nearest parent.

        ``keys`` may hold steps that are no part of the document (a schema's own names); they are skipped.
        """
        line, column = _place(self.text, keys)
        return Problem(self.path, line, column, message)


def read(path: Path | str, name: str | None = None) -> Document:
    """Read one YAML file; a file that cannot be read or parsed has problems instead of data."""
    shown = name or str(path)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - of thousands, and a Path takes as long to make as to open
            text = file.read(SIZE_LIMIT_BYTES + 1)
    except OSError as fault:
        return Document(shown, None, b"", (Problem(shown, 0, 0, f"cannot be read: {fault.strerror}"),))
    return parse(text, shown)


def parse(text: bytes, name: str) -> Document:
    """Parse the bytes of one YAML document."""
    if len(text) > SIZE_LIMIT_BYTES:
        return Document(name, None, b"", (Problem(name, 0, 0, f"is larger than {SIZE_LIMIT_BYTES} bytes"),))
    try:
        return Document(name, _data(text), text)
    except _Fault as fault:
        return Document(name, None, text, (Problem(name, fault.line, fault.column, fault.message),))


def _data(text: bytes) -> Data:
    """The data of a document, made of the parser's events without recursion; what is wrong raises ``_Fault``."""
    try:
        return _build(CParser(text).get_event)
    except YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        raise _Fault(mark, f"is not YAML: {getattr(fault, 'problem', None) or fault}") from None
    except (UnicodeDecodeError, ValueError) as fault:
        raise _Fault(None, f"is not YAML text: {fault}") from None


def _build(next_event: Callable[[], Any]) -> Data:  # PyYAML's stubs know neither marks nor kinds of events
    result: list[Data] = []
    open_nodes: list[_Open] = [_Open(result)]
    documents = 0
    while True:
        event = next_event()
        kind = event.__class__
        if kind is ScalarEvent:
            text = event.value
            if event.tag is not None or event.anchor is not None:
                _refuse_decoration(event)
            value = None if text in _NOTHING and event.implicit[0] else text
            if (innermost := open_nodes[-1]).key is not None:  # nearly always, and a call takes as long as all else
                innermost.node[innermost.key] = value  # type: ignore[call-overload] # only mappings have keys
                innermost.key = None
            else:
                innermost.take(event, value)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            _refuse_decoration(event)
            if len(open_nodes) > DEPTH_LIMIT:
                raise _Fault(event.start_mark, f"is nested deeper than {DEPTH_LIMIT} levels")
            child: list[Data] | dict[str, Data] = {} if kind is MappingStartEvent else []
            open_nodes[-1].take(event, child)
            open_nodes.append(_Open(child))
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            open_nodes.pop()
        elif kind is AliasEvent:
            raise _Fault(event.start_mark, "aliases are not allowed: write the value again")
        elif kind is DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise _Fault(event.start_mark, "only one document a file is allowed")
        elif kind is StreamEndEvent:
            return result[0] if result else None


class _Open:
    """A sequence or mapping whose end has not been read yet."""

    __slots__ = ("key", "node")

    def __init__(self, node: list[Data] | dict[str, Data]) -> None:
        self.node = node
        self.key: str | None = None

    def take(self, event: Any, value: Data) -> None:
        """Put the next value into the node; in a mapping every other one is a key."""
        if isinstance(self.node, list):
            self.node.append(value)
        elif self.key is not None:
            self.node[self.key] = value
            self.key = None
        elif event.__class__ is not ScalarEvent:
            raise _Fault(event.start_mark, "a key must be text")
        elif event.value in self.node:
            raise _Fault(event.start_mark, f"key {event.value!r} stands twice")
        else:
            self.key = event.value


def _refuse_decoration(event: Any) -> None:
    if event.tag is not None:
        raise _Fault(event.start_mark, "tags are not allowed: write plain values")
    if event.anchor is not None:
        raise _Fault(event.start_mark, "anchors are not allowed: write the value again")


def _place(text: bytes, keys: Sequence[str | int]) -> tuple[int, int]:
    """1-based line and column of the deepest part of a document that a path of keys leads to."""
    places = _places(text)
    path: tuple[str | int, ...] = ()
    for key in keys:
        if (*path, key) in places:
            path = (*path, key)
    return places.get(path, (0, 0))


@lru_cache(maxsize=1)
def _places(text: bytes) -> dict[tuple[str | int, ...], tuple[int, int]]:
    """Where each part of a document stands, by its path of keys; of a mapping's value, where its key stands.

    The problems of a file are told one after the other: one document is remembered.
    """
    root = compose(text, Loader=CSafeLoader)
    if root is None:
        return {}
    places: dict[tuple[str | int, ...], tuple[int, int]] = {}
    waiting: list[tuple[tuple[str | int, ...], Node, Any]] = [((), root, root.start_mark)]
    while waiting:
        path, node, mark = waiting.pop()
        places[path] = (mark.line + 1, mark.column + 1)
        if isinstance(node, MappingNode):
            waiting += [((*path, key.value), value, key.start_mark) for key, value in node.value]
        elif isinstance(node, SequenceNode):
            waiting += [((*path, index), value, value.start_mark) for index, value in enumerate(node.value)]
    return places
