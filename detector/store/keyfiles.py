"""Files that hold one secret or one key: written once, readable by whom they concern, wrong copies noticed.

Such a file has comment lines (``#``) and one line of what it is, the key in hex, and eight digits of its SHA-256.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from detector.errors import InvalidFile, Problem, UsageError
from detector.permissions import others_may_read

if TYPE_CHECKING:
    from pathlib import Path

_KEY_DIGITS, _CHECK_DIGITS = 64, 8
SECRET_MODE, PUBLIC_MODE = 0o600, 0o644


def write_key(path: Path, mode: int, said: str, head: str, key: bytes) -> None:
    """Write a new file; one that is there is never replaced.

    Args:
        path: of the file.
        mode: its rights.
        said: a comment for people.
        head: what kind of key it is, up to the colon.
        key: 32 bytes.

    Raises:
        UsageError: it is there already, or cannot be written.
    """
    text = f"# {said}\n{head}{key.hex()}{_check(key)}\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as fault:
        raise UsageError(f"{path}: cannot be written: {fault.strerror}") from None


def read_key(path: Path, head: str, otherwise: str) -> bytes:
    """The 32 bytes of a key.

    Args:
        path: of the file.
        head: what kind of key it has to be.
        otherwise: what is wrong, and what to do, where the file holds none of that kind.

    Raises:
        InvalidFile: the file cannot be read, holds no such key, or one that was copied wrongly.
    """
    try:
        lines = path.read_text("ascii", "replace").splitlines()
    except OSError as fault:
        raise InvalidFile([Problem(str(path), 0, 0, f"cannot be read: {fault.strerror}")]) from None
    for number, line in enumerate(lines, start=1):
        if not line.startswith(head):
            continue
        digits = line.removeprefix(head).strip()
        try:
            key = bytes.fromhex(digits[:_KEY_DIGITS])
        except ValueError:
            key = b""
        if len(digits) != _KEY_DIGITS + _CHECK_DIGITS or digits[_KEY_DIGITS:] != _check(key):
            raise InvalidFile([Problem(str(path), number, 1, "the key is not as it was made: copy the file again")])
        return key
    raise InvalidFile([Problem(str(path), 0, 0, otherwise)])


def read_secret(path: Path, head: str, otherwise: str) -> bytes:
    """The same, of a file that nobody else may read.

    Raises:
        InvalidFile: as ``read_key``, or others may read it.
    """
    key = read_key(path, head, otherwise)
    if others_may_read(path.stat()):
        raise InvalidFile([Problem(str(path), 0, 0, "others may read this key: chmod 600 it")])
    return key


def _check(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:_CHECK_DIGITS]
