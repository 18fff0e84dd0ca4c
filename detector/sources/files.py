"""From what a person names (files, folders, globs, ``-``) to the logs that will be read."""

from __future__ import annotations

import glob
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from detector.errors import UnreadableSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Found(NamedTuple):
    """What one name led to.

    Attributes:
        paths: regular files, each once, in the order of the names and by name inside folders.
        refused: what lies there and will not be read, with reasons.
    """

    paths: tuple[str, ...]
    refused: tuple[UnreadableSource, ...]


def find(names: Sequence[str]) -> Found:
    """Find the logs below names; a name that leads nowhere is refused, never skipped.

    Folders are walked without following links to other places; hidden files count. A link named by the person is
    followed.
    """
    paths: dict[str, None] = {}
    refused: list[UnreadableSource] = []
    for name in names:
        for item in _of(name):
            if isinstance(item, UnreadableSource):
                refused.append(item)
            else:
                paths[item] = None
    return Found(tuple(paths), tuple(refused))


def _of(name: str) -> Iterator[str | UnreadableSource]:
    if name == "-":
        yield name
    elif os.path.lexists(name):
        yield from _below(name)
    elif any(letter in name for letter in "*?["):
        matches = sorted(glob.glob(name, recursive=True, include_hidden=True))  # noqa: PTH207 - the name stays as the person wrote it
        if not matches:
            yield UnreadableSource(name, "no file matches")
        for match in matches:
            yield from _below(match)
    else:
        yield UnreadableSource(name, "no such file or folder")


def _below(name: str) -> Iterator[str | UnreadableSource]:
    try:
        mode = os.stat(name).st_mode  # noqa: PTH116 - the name stays as the person wrote it
    except OSError as fault:
        yield UnreadableSource(name, fault.strerror or str(fault))
        return
    if not stat.S_ISDIR(mode):
        yield name if stat.S_ISREG(mode) else UnreadableSource(name, "is not a regular file")
        return
    failures: list[OSError] = []
    root = os.path.realpath(name)
    for folder, folders, files in os.walk(name, onerror=failures.append):
        folders.sort()
        for entry in sorted(files):
            yield _inside(root, os.path.join(folder, entry))  # noqa: PTH118 - the name stays as the person wrote it
    for failure in failures:
        yield UnreadableSource(str(failure.filename), failure.strerror or str(failure))


def _inside(root: str, path: str) -> str | UnreadableSource:
    """A file below a folder, or why it is not read: links may not lead out, and only regular files are logs."""
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            target = os.path.realpath(path)
            if os.path.commonpath((root, target)) != root:
                return UnreadableSource(path, "is a link that leads out of its folder")
            found = os.stat(target)  # noqa: PTH116 - the name stays as the person wrote it
    except OSError as fault:
        return UnreadableSource(path, fault.strerror or str(fault))
    return path if stat.S_ISREG(found.st_mode) else UnreadableSource(path, "is not a regular file")
