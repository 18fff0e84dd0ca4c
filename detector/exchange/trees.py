"""JSON of strangers, looked at without trust: what is not of the shape that is expected is not there."""

from __future__ import annotations

from typing import TypeAlias

import orjson

from detector.errors import UsageError

Tree: TypeAlias = "dict[str, object]"


def load(text: str, name: str) -> object:
    """The content of a JSON file.

    Raises:
        UsageError: it is not JSON.
    """
    try:
        content: object = orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        raise UsageError(f"{name}: is not JSON: {fault}") from None
    return content


def trees(data: object) -> list[Tree]:
    """The objects of a list, or an object as a list of itself; nothing else.

    >>> trees([{"a": 1}, 2]), trees({"b": 1}), trees(None)
    ([{'a': 1}], [{'b': 1}], [])
    """
    return [one for one in (data if isinstance(data, list) else [data]) if isinstance(one, dict)]


def text_of(tree: Tree, key: str) -> str:
    """The text under a key, empty when there is none."""
    found = tree.get(key)
    return found if isinstance(found, str) else ""


def texts_of(data: object) -> list[str]:
    """The texts of a list, or a text as a list of itself; numbers and the like are left out.

    >>> texts_of(["a", 1]), texts_of("b")
    (['a'], ['b'])
    """
    return [one for one in (data if isinstance(data, list) else [data]) if isinstance(one, str)]
