"""Every difference between a bundle and what was signed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from detector.bundle.archive import unpack
from detector.bundle.manifest import MANIFEST, SCHEMA, SIGNATURE
from detector.bundle.signing import is_signed
from detector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

Manifest: TypeAlias = Mapping[str, Any]
"""A manifest as read back: plain JSON whose signature has been checked before any of it is believed."""

LINES = "lines.jsonl"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check gave.

    Attributes:
        manifest: as read, empty where it could not be.
        sha256: of the manifest, which the next bundle names as ``previous``.
        faults: everything that is wrong, for a person; none: nothing was changed since it was signed.
    """

    manifest: Manifest
    sha256: str
    faults: tuple[str, ...]


def check(data: bytes, public_key: str = "") -> Checked:
    """Compare a bundle with its manifest, and the manifest with its signature.

    Args:
        data: the archive.
        public_key: of the signer as known from elsewhere, hexadecimal; empty: the one that the bundle names, which
            proves that nothing was changed but not who signed it.
    """
    try:
        members = unpack(data)
        raw, signature = members[MANIFEST], members[SIGNATURE].decode("ascii")
    except (UsageError, KeyError, UnicodeDecodeError) as fault:
        return Checked({}, "", (f"no bundle, or changed: {fault}",))
    digest = hashlib.sha256(raw).hexdigest()
    try:
        manifest = orjson.loads(raw)
        named = manifest["public_key"]
    except (ValueError, TypeError, KeyError):
        return Checked({}, digest, ("the manifest cannot be read",))
    if public_key and named != public_key:
        return Checked(manifest, digest, (f"signed by another key: {named}",))
    if not signature.endswith("\n") or not is_signed(raw, signature[:-1], named):
        return Checked(manifest, digest, ("the signature is not of this manifest",))
    faults = tuple(_changes(members, manifest)) or tuple(_foreign_lines(members))
    return Checked(manifest, digest, faults)


def _changes(members: Mapping[str, bytes], manifest: Manifest) -> Iterator[str]:
    if manifest.get("schema") != SCHEMA:
        yield f"the manifest is {manifest.get('schema')!r}, this program reads {SCHEMA!r}"
        return
    listed = {one["name"]: one for one in manifest["members"]}
    for name in sorted(set(members) - set(listed) - {MANIFEST, SIGNATURE}):
        yield f"{name}: is not in the manifest"
    for name, one in listed.items():
        if name not in members:
            yield f"{name}: is missing"
        elif (len(members[name]), hashlib.sha256(members[name]).hexdigest()) != (one["size"], one["sha256"]):
            yield f"{name}: was changed"


def _foreign_lines(members: Mapping[str, bytes]) -> Iterator[str]:
    """Raw lines that are not those of their digests, in members that are as they were signed."""
    for line in members.get(LINES, b"").splitlines():
        row = orjson.loads(line)
        if hashlib.sha256(base64.b64decode(row["raw"])).hexdigest() != row["sha256"]:
            yield f"{LINES}: the line at {row['path']}:{row['offset']} is not the one of its digest"
