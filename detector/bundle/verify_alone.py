#!/usr/bin/env python3
"""Checks an evidence bundle with nothing but Python.

Use: python3 verify.py BUNDLE.tar [PUBLIC_KEY]

Says what was changed since it was signed, or that nothing was. Written apart from the program that makes bundles, so
that a fault of one is not a fault of both. The signature is Ed25519 (RFC 8032), computed here in plain integers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
CONTEXT = b"shadowit.bundle/1\n"
BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
Point = tuple[int, int, int, int]


def add(a: Point, b: Point) -> Point:
    """The sum of two points of the curve in extended coordinates."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor: int, point: Point) -> Point:
    """A multiple of a point."""
    total = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            total = add(total, point)
        point, factor = add(point, point), factor >> 1
    return total


def x_of(y: int, sign: int) -> int | None:
    """The other coordinate of a point, or None where there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or y >= P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def point_of(data: bytes) -> Point | None:
    """The point that 32 bytes spell, or None."""
    value = int.from_bytes(data, "little")
    y, sign = value & ((1 << 255) - 1), value >> 255
    x = x_of(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature is right."""
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r, s = point_of(key), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(h, a))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


def header(name: bytes, size: int) -> bytes:
    """The header block of a member."""
    front = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % size + b"0" * 11 + b"\0"
    back = b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2 + bytes(167)
    return front + b"%06o\0 " % (sum(front + back) + 8 * 32) + back


def members_of(data: bytes) -> dict[str, bytes]:
    """Name and content of every member; every byte around them must have its one right value."""
    members: dict[str, bytes] = {}
    start = 0
    while data[start : start + 1] not in (b"", b"\0"):
        name, size = data[start : start + 100].rstrip(b"\0"), int(data[start + 124 : start + 135], 8)
        padding = -size % 512
        content = data[start + 512 : start + 512 + size]
        whole = header(name, size) + content + bytes(padding)
        if data[start : start + len(whole)] != whole or len(content) != size:
            raise ValueError(f"byte {start}: a member's surroundings were changed")
        members[name.decode()] = content
        start += len(whole)
    if data[start:] != bytes(1024) or list(members) != sorted(members):
        raise ValueError("members or bytes behind them were changed")
    return members


def faults_of(data: bytes, trusted: str = "") -> list[str]:
    """Everything that is wrong with a bundle."""
    try:
        members = members_of(data)
        raw, text = members["manifest.json"], members["manifest.sig"].decode()
        manifest, signature = json.loads(raw), bytes.fromhex(text.strip())
        key = bytes.fromhex(manifest["public_key"])
        listed = {one["name"]: (one["size"], one["sha256"]) for one in manifest["members"]}
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        return [f"no bundle, or changed: {fault}"]
    if trusted and manifest["public_key"] != trusted:
        return [f"signed by another key: {manifest['public_key']}"]
    if text != signature.hex() + "\n" or not is_signed(key, CONTEXT + raw, signature):
        return ["the signature is not of this manifest"]
    found = {
        name: (len(content), hashlib.sha256(content).hexdigest())
        for name, content in members.items()
        if name not in ("manifest.json", "manifest.sig")
    }
    differing = {name for name, _ in set(found.items()) ^ set(listed.items())}
    faults = [f"{name}: changed, added or missing" for name in sorted(differing)]
    for line in [] if faults else members.get("lines.jsonl", b"").splitlines():
        row = json.loads(line)
        if hashlib.sha256(base64.b64decode(row["raw"])).hexdigest() != row["sha256"]:
            faults.append(f"lines.jsonl: {row['path']}:{row['offset']} is not the line of its digest")
    return faults


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    problems = faults_of(Path(sys.argv[1]).read_bytes(), *sys.argv[2:])
    print("\n".join(problems) or "nothing was changed since it was signed")
    sys.exit(bool(problems))
