"""Evidence that a third party can check: one archive, the same bytes for the same evidence, signed.

``archive`` lays members out, ``manifest`` says what each is, ``signing`` signs and checks the signature, ``checking``
finds every difference. ``verify_alone`` does the same again with nothing but Python: it travels inside the bundle.
"""

from detector.bundle.archive import pack, unpack
from detector.bundle.checking import Checked, check
from detector.bundle.manifest import Facts, seal
from detector.bundle.signing import key_pair, public_key_of, sign

__all__ = ["Checked", "Facts", "check", "key_pair", "pack", "public_key_of", "seal", "sign", "unpack"]
