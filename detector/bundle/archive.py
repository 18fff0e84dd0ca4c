"""A closed set of members as a ustar archive in which every byte has one right value.

Names are sorted, owners and times are zero, nothing is compressed: the same members give the same bytes, and an archive
that is not what its own members would give was changed.

Reference: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html (ustar interchange format; unverified
from here).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK_BYTES = 512
NAME_BYTES = 100
_SIZE_LIMIT_BYTES = 8**11 - 1


def pack(members: Mapping[str, bytes]) -> bytes:
    """The archive of some members.

    >>> unpack(pack({"b": b"2", "a": b"1"}))
    {'a': b'1', 'b': b'2'}
    """
    parts = []
    for name, content in sorted(members.items()):
        parts += [_header(name.encode(), len(content)), content, b"\0" * (-len(content) % BLOCK_BYTES)]
    return b"".join((*parts, b"\0" * 2 * BLOCK_BYTES))


def unpack(data: bytes) -> dict[str, bytes]:
    """The members of an archive.

    Raises:
        UsageError: it is not byte for byte what ``pack`` makes of its members.
    """
    members: dict[str, bytes] = {}
    start = 0
    while data[start : start + 1] not in (b"", b"\0"):
        head = data[start : start + BLOCK_BYTES]
        try:
            name, size = head[:NAME_BYTES].rstrip(b"\0").decode(), int(head[124:135], 8)
        except ValueError:
            raise UsageError(f"byte {start}: no header of a member stands there") from None
        start += BLOCK_BYTES
        members[name] = data[start : start + size]
        start += size + -size % BLOCK_BYTES
    if pack(members) != data:
        raise UsageError("the archive is not what its members give: bytes were changed, added or left out")
    return members


def _header(name: bytes, size: int) -> bytes:
    if len(name) > NAME_BYTES or size > _SIZE_LIMIT_BYTES:
        raise UsageError(f"{name.decode()}: too long a name or too large a member for the archive")
    fields = (
        name.ljust(NAME_BYTES, b"\0"), b"0000644\0", b"0000000\0", b"0000000\0", b"%011o\0" % size, b"00000000000\0",
        b" " * 8, b"0", b"\0" * 100, b"ustar\x0000", b"\0" * 64, b"0000000\0", b"0000000\0", b"\0" * 167,
    )  # fmt: skip
    head = b"".join(fields)
    return head[:148] + b"%06o\0 " % sum(head) + head[156:]
