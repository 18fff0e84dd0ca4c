"""Identities under two custodians' keys: sealed so that both must open.

A name is sealed as ``seal(A, seal(B, name))`` (NaCl sealed boxes: X25519, XSalsa20-Poly1305): whoever has the store and
one key has nothing. Names are padded, so that a box does not tell a name by its length.

A key file says ``shadowit-custodian-public-1:`` or ``shadowit-custodian-secret-1:`` before the key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from detector.errors import InvalidFile, Problem, UsageError
from detector.match import Actor, ActorKind
from detector.store.keyfiles import PUBLIC_MODE, SECRET_MODE, read_key, read_secret, write_key
from detector.store.rows import packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from detector.store.batch import Batch

_PUBLIC = "shadowit-custodian-public-1:"
_SECRET = "shadowit-custodian-secret-1:"  # noqa: S105 - what stands before a key, not one
_NO_KEY = "holds no {} key: `shadowit reveal keygen NAME` makes both"
_PADDED_BYTES = 128


@dataclass(frozen=True, slots=True)
class Custodians:
    """The two who must open identities together.

    Attributes:
        keys: their public keys, in the order of sealing: the first one's is the outer seal.
    """

    keys: tuple[PublicKey, PublicKey]

    @property
    def digest(self) -> str:
        """What tells these two from others."""
        return hashlib.sha256(b"".join(map(bytes, self.keys))).hexdigest()[:16]

    def seal(self, actor: Actor) -> bytes:
        """An actor that only both together can read."""
        outer, inner = map(SealedBox, self.keys)
        return outer.encrypt(inner.encrypt(padded(orjson.dumps([actor.kind.value, packed(actor.name)]))))

    def keep(self, batch: Batch, names: Sequence[tuple[str, Actor]]) -> None:
        """Seal the actors behind pseudonyms, those that are not sealed to these two yet."""
        actors = dict(names)
        for name in sorted(batch.unsealed(actors, self.digest)):
            batch.seal(name, self.seal(actors[name]), self.digest)


def padded(said: bytes) -> bytes:
    """JSON with blanks behind it, so that its length tells no name."""
    return said.ljust(-(-len(said) // _PADDED_BYTES) * _PADDED_BYTES)


def opened(box: bytes, keys: Sequence[PrivateKey]) -> Actor | None:
    """The actor in a box, ``None`` where these keys are not those of both its custodians, in whichever order."""
    for outer in keys:
        for inner in keys:
            try:
                said = orjson.loads(SealedBox(inner).decrypt(SealedBox(outer).decrypt(box)))
            except CryptoError:
                continue
            return Actor(ActorKind(said[0]), unpacked(said[1]))
    return None


def fingerprint(key: PublicKey) -> str:
    """What people call a key.

    >>> len(fingerprint(PublicKey(bytes(32))))
    16
    """
    return hashlib.sha256(bytes(key)).hexdigest()[:16]


def make_keys(name: str, folder: Path) -> tuple[Path, Path]:
    """Make a custodian's two key files, ``NAME.key`` and ``NAME.pub``; neither replaces one that is there.

    Raises:
        UsageError: they are there already, or cannot be written.
    """
    secret = PrivateKey.generate()
    files = (
        (folder / f"{name}.key", SECRET_MODE, _SECRET, bytes(secret), "secret: only this custodian may ever have it"),
        (folder / f"{name}.pub", PUBLIC_MODE, _PUBLIC, bytes(secret.public_key), "public: identities are sealed to it"),
    )
    for path, _, _, _, _ in files:
        if path.exists():
            raise UsageError(f"{path}: is there already: what was sealed to it could never be opened again")
    for path, mode, head, key, said in files:
        write_key(path, mode, f"custodian {name}, {said}", head, key)
    return files[0][0], files[1][0]


def custodians_of(paths: Sequence[Path]) -> Custodians | None:
    """The custodians of a configuration, ``None`` where it names none.

    Raises:
        InvalidFile: a file is no public key, or both are one.
    """
    if not paths:
        return None
    first, second = (PublicKey(read_key(path, _PUBLIC, _NO_KEY.format("public"))) for path in paths)
    if first == second:
        raise InvalidFile([Problem(str(paths[1]), 0, 0, "is the key of the other custodian: two must open together")])
    return Custodians((first, second))


def secret_key(path: Path) -> PrivateKey:
    """A custodian's secret key.

    Raises:
        InvalidFile: the file is none, or others may read it.
    """
    return PrivateKey(read_secret(path, _SECRET, _NO_KEY.format("secret")))
