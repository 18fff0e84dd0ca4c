"""Secrets by reference: a file that only its owner may read. Read at each use, so that a changed one counts at once."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from detector.errors import UsageError
from detector.permissions import others_may_read

SIZE_LIMIT_BYTES = 64 * 1024


def read_secret(path: Path) -> bytes:
    """The content of a secret's file without blanks around it.

    Raises:
        UsageError: it cannot be read, is empty or too large, or others may read it; never says what it holds.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(SIZE_LIMIT_BYTES + 1)
    except OSError as fault:
        raise UsageError(f"{path}: the secret cannot be read: {fault.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path}: a secret must be in a regular file")
    if others_may_read(status):
        raise UsageError(f"{path}: others may read the secret: chmod 600 it")
    if not content.strip():
        raise UsageError(f"{path}: the secret is empty")
    if len(content) > SIZE_LIMIT_BYTES:
        raise UsageError(f"{path}: larger than {SIZE_LIMIT_BYTES} bytes: is this the right file?")
    return content.strip()


def read_secret_line(path: Path) -> str:
    """A secret that is one line of text.

    Raises:
        UsageError: as ``read_secret``, or it is not one line of UTF-8.
    """
    try:
        text = read_secret(path).decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path}: the secret is not UTF-8 text") from None
    if not text.isprintable():
        raise UsageError(f"{path}: the secret must be one line of printable text")
    return text
