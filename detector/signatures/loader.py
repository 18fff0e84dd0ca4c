"""Folders of YAML become a ruleset, or every fault of every file at once."""

from __future__ import annotations

import gc
import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from detector import __version__
from detector.errors import InvalidFile, Problem, UsageError
from detector.events import Stage
from detector.signatures import cache
from detector.signatures.model import signature_of
from detector.signatures.ruleset import MailKind, Ruleset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detector.documents import Document

SHARED_HOSTS = "shared_hosts.yml"
MAIL_STAGES = "mail_stages.yml"
_YAML = ".yaml"


def own_folder() -> Path:
    """The catalogue that comes with this program: installed beside the package, or in the checkout."""
    package = Path(__file__).parent.parent
    installed = package / "catalogue"
    return installed if installed.is_dir() else package.parent / "signatures"


def load(paths: Sequence[Path] = ()) -> Ruleset:
    """Load every ``*.yaml`` below the folders (or the files) given; the program's own catalogue when none is.

    ``shared_hosts.yml`` and ``mail_stages.yml`` come from the last folder that has them, else from the own catalogue.

    Raises:
        InvalidFile: every problem of every file, with ``file:line:col``.
        UsageError: a path does not exist or holds no signature.
    """
    roots = tuple(paths) or (own_folder(),)
    files = sorted(signature_files(roots))
    shared = {name: shared_file(roots, name) for name in (SHARED_HOSTS, MAIL_STAGES)}
    name = f"ruleset-{_fingerprint([*files, *map(os.fspath, shared.values()), *_own_code()])}.json"
    if (kept := cache.get(name)) is not None:
        return _ruleset(orjson.loads(kept))
    with _without_collector():
        checked = _checked(files, shared)
        cache.put(name, orjson.dumps(checked))
        return _ruleset(checked)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Nobody looks for cycles of dead objects meanwhile: hundreds of thousands are made, and nearly all live on."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def signature_files(roots: Sequence[Path]) -> Iterator[str]:
    """The signature files that folders (or files) mean; as text, for thousands of paths are slow to make and to sort.

    Raises:
        UsageError: a path does not exist or holds no signature.
    """
    for root in roots:
        if root.is_file():
            yield os.fspath(root)
            continue
        if not root.is_dir():
            raise UsageError(f"{root}: no such signature file or folder")
        found = [
            f"{folder}{os.sep}{name}" for folder, _, names in os.walk(root) for name in names if name.endswith(_YAML)
        ]
        if not found:
            raise UsageError(f"{root}: holds no signature (*.yaml)")
        yield from found


def shared_file(roots: Sequence[Path], name: str) -> Path:
    """The shared file of a name: of the last folder that has one, else the own catalogue's."""
    for root in reversed(roots):
        if (root / name).is_file():
            return root / name
    return own_folder() / name


def _own_code() -> list[str]:
    """What decides how checked signatures are kept."""
    return sorted(map(os.fspath, Path(__file__).parent.glob("*.py")))


def _fingerprint(files: Sequence[str]) -> str:
    """A digest of what the file system says of the files: any edit changes it (``ctime`` cannot be set back)."""
    said = [__version__]
    for file in files:
        found = os.stat(file)  # noqa: PTH116 - of thousands: Path.stat and Path.absolute take four times as long
        said.append(f"{file}\0{found.st_size},{found.st_mtime_ns},{found.st_ctime_ns},{found.st_ino}")
    return hashlib.sha256("\0".join([os.getcwd(), *said]).encode()).hexdigest()[:40]  # noqa: PTH109 - as above


def _checked(files: Sequence[str], shared: Mapping[str, Path]) -> dict[str, Any]:
    """Read and check every file.

    Raises:
        InvalidFile: with every problem.
    """
    from detector import documents  # noqa: PLC0415 - slow to load, and rarely needed
    from detector.signatures import checks, schema  # noqa: PLC0415 - slow to load, and rarely needed

    problems: list[Problem] = []
    read: list[tuple[Document, dict[str, Any]]] = []
    for file in files:
        document = documents.read(file)
        found, faults = checks.against(schema.SignatureFile, document)
        problems.extend(faults)
        if found is not None:
            read.append((document, found))
    parts: dict[str, dict[str, Any]] = {}
    for name, model in ((SHARED_HOSTS, schema.SharedHostsFile), (MAIL_STAGES, schema.MailStagesFile)):
        found, faults = checks.against(model, documents.read(shared[name]))
        problems.extend(faults)
        parts[name] = found or {"shared": []}
    problems.extend(checks.across(read, frozenset(parts[SHARED_HOSTS]["shared"])))
    if problems:
        raise InvalidFile(problems)
    signatures = sorted((found for _, found in read), key=lambda found: str(found["id"]))
    content = {"signatures": signatures, "hosts": parts[SHARED_HOSTS], "mail": parts[MAIL_STAGES]}
    digest = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return {"digest": digest, **content}


def _ruleset(checked: Mapping[str, Any]) -> Ruleset:
    hosts, mail = checked["hosts"], checked["mail"]
    return Ruleset(
        digest=checked["digest"],
        signatures=tuple(signature_of(one) for one in checked["signatures"]),
        shared_hosts=frozenset(hosts["shared"]),
        session_proxies=frozenset(hosts["session_proxies"]),
        translators=frozenset(hosts["translators"]),
        mail_kinds=tuple(MailKind(one["kind"], Stage(one["stage"]), tuple(one["subjects"])) for one in mail["kinds"]),
        mail_platforms=frozenset(mail["platforms"]),
    )
