"""What is in a bundle, and under which settings it came to be: everything that another party needs to do it again.

No time of the run is in it: the same logs, signatures, policy and key give the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from importlib import resources
from typing import TYPE_CHECKING

import orjson

from detector.bundle.archive import pack
from detector.bundle.signing import public_key_of, sign

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "shadowit.bundle/1"
MANIFEST, SIGNATURE, VERIFIER = "manifest.json", "manifest.sig", "verify.py"


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file that was read.

    Attributes:
        path: as it was named.
        size: bytes on disk.
        sha256: of those bytes, hex; empty where it could not be read.
        format: the log format's name, empty where none reads it.
        copy_of: the log whose copy it is, which was compared and not counted; empty when it is none.
        error: why it was not read; what was read of it, and its gaps, stand in the answer's ledger.
    """

    path: str
    size: int
    sha256: str
    format: str
    copy_of: str
    error: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Under which settings the evidence was found.

    Attributes:
        version: of the program.
        ruleset: digest of the signatures.
        policy: digest of the policy, empty for none.
        configuration: digest of the configuration, empty for none.
        service: the service's id.
        since: start of the window, ISO 8601, empty for open.
        until: its end, exclusive.
        sources: every file that was read.
        names: whether people are named in it.
        previous: digest of the manifest of the bundle before this one, empty for none; an older bundle cannot be
            passed off for the latest.
    """

    version: str
    ruleset: str
    policy: str
    configuration: str
    service: str
    since: str
    until: str
    sources: tuple[LogFile, ...]
    names: bool
    previous: str = ""


def canonical(value: object) -> bytes:
    """JSON with sorted keys and a newline at the end: equal values give equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def seal(facts: Facts, members: Mapping[str, bytes], secret: str) -> bytes:
    """The whole archive: the members, the verifier, the manifest over them and its signature.

    Args:
        facts: settings.
        members: name → content.
        secret: the signing key, hexadecimal.

    Raises:
        UsageError: the key is none, or a member is too large.
    """
    content = {**members, VERIFIER: resources.files(__package__).joinpath("verify_alone.py").read_bytes()}
    manifest = canonical({
        "schema": SCHEMA,
        "public_key": public_key_of(secret),
        **asdict(facts),
        "members": [
            {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in sorted(content.items())
        ],
    })  # fmt: skip
    return pack({**content, MANIFEST: manifest, SIGNATURE: f"{sign(manifest, secret)}\n".encode()})
