"""A private folder for things that are slow to make: checked signatures, compiled pattern databases.

What lies there is trusted like code, so it is used only when the folder and the file belong to this user and nobody
else may write them; an entry that a crash or a bad disk has changed counts as missing. Without such a folder everything
works, only slower.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

KEPT_FILES = 24
"""Entries that are kept; the oldest go first."""
_DIGEST_BYTES = hashlib.sha256().digest_size


def folder() -> Path | None:
    """The private folder, made when missing; ``None`` where there can be none."""
    base = os.environ.get("XDG_CACHE_HOME") or (Path.home() / ".cache" if "HOME" in os.environ else None)
    if base is None:
        return None
    path = Path(base) / "shadowit"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError:
        return None
    return path if stat.S_ISDIR(found.st_mode) and _is_private(found) else None


def get(name: str) -> bytes | None:
    """An entry's bytes, ``None`` when there is none that can be trusted."""
    base = folder()
    if base is None:
        return None
    try:
        handle = os.open(base / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not _is_private(os.fstat(handle)):
                return None
            digest, content = file.read(_DIGEST_BYTES), file.read()
    except OSError:
        return None
    return content if digest == _digest(content) else None


def put(name: str, content: bytes) -> None:
    """Keep an entry; a full or read-only disk only means that it is not kept."""
    base = folder()
    if base is None:
        return
    temporary = base / f".{name}.{os.getpid()}"
    with contextlib.suppress(OSError):
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(_digest(content) + content)
        temporary.replace(base / name)
        entries = sorted(base.iterdir(), key=lambda entry: entry.stat().st_mtime, reverse=True)
        for entry in entries[KEPT_FILES:]:
            entry.unlink()


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _is_private(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
