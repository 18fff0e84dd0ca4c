"""Ed25519 keys and signatures of manifests.

Reference: https://www.rfc-editor.org/rfc/rfc8032 section 5.1 (unverified from here).
"""

from __future__ import annotations

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from detector.errors import UsageError

CONTEXT = b"shadowit.bundle/1\n"
"""Stands before what is signed, so that no other signature of the key can be taken for one of a bundle."""
KEY_BYTES = 32


def key_pair(seed: bytes) -> tuple[str, str]:
    """The secret and the public key of 32 random bytes, in hexadecimal digits."""
    return seed.hex(), SigningKey(seed).verify_key.encode().hex()


def public_key_of(secret: str) -> str:
    """The public key of a secret one, both in hexadecimal digits.

    Raises:
        UsageError: it is no key.
    """
    return _signing_key(secret).verify_key.encode().hex()


def sign(manifest: bytes, secret: str) -> str:
    """The signature of a manifest, in hexadecimal digits: the same key and manifest give the same."""
    return _signing_key(secret).sign(CONTEXT + manifest).signature.hex()


def is_signed(manifest: bytes, signature: str, public_key: str) -> bool:
    """Whether a signature is the key's, of this manifest; exactly one spelling of it counts."""
    try:
        VerifyKey(bytes.fromhex(public_key)).verify(CONTEXT + manifest, bytes.fromhex(signature))
    except (ValueError, TypeError, BadSignatureError):
        return False
    return signature == signature.lower().strip()


def _signing_key(secret: str) -> SigningKey:
    try:
        seed = bytes.fromhex(secret.strip())
    except ValueError:
        seed = b""
    if len(seed) != KEY_BYTES:
        raise UsageError("the signing key must be 64 hexadecimal digits: `shadowit bundle keygen FILE` makes one")
    return SigningKey(seed)
