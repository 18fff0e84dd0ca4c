r"""Names whose labels are prefixed by their length in bytes, as Windows DNS logs them: ``(3)app(9)clearview(2)ai(0)``.

The lengths decide where a label ends, so that a label that holds ``(2)ai(0)`` forges nothing. Anonymised and retyped
logs hold lengths that are wrong (formats.md pitfall 19): then, and only then, the parentheses decide.
"""

from __future__ import annotations

import re

from detector.errors import RefusedLine

_DOMAIN_LABELS = 2
_TELLING_LETTERS = 5
_COMMON = frozenset("www api app apps cdn login auth portal static assets mail web m".split())  # noqa: SIM905
_LENGTH = re.compile(r"\((0|[1-9]\d?)\)")
_LOOSE = re.compile(r"\(\d{1,3}\)([^()\s]+)")
_WHOLE = re.compile(r"(?:\(\d{1,3}\)[^()\s]+)+\(0\)")
_BAD_BYTE = re.compile(rb"\\x([89a-f][0-9a-f])")
_OCTET = re.compile(r"\\(\d{3})")
_BEHIND_BYTES = 0x100


def labels(text: str) -> list[str]:
    r"""The labels of a name; none for the root ``(0)``.

    A length counts bytes: a character beyond ASCII, a byte that is no text (``\xe4``, as lines are decoded) and a byte
    that the log escapes (``\228``) count as they were in the name. Escapes stay escapes.

    Raises:
        RefusedLine: it is no such name.

    >>> labels("(3)app(9)clearview(2)ai(0)"), labels("(0)"), labels("(7)bücher(7)example(0)")
    (['app', 'clearview', 'ai'], [], ['bücher', 'example'])
    >>> labels("(13)x(2)ai(0)(3)y(3)com(0)")
    ['x(2)ai(0)(3)y', 'com']
    >>> labels("(9)contoso(2)it(0)")
    ['contoso', 'it']
    """
    if text.isascii() and (found := _walk(text)) is not None:
        return found
    flat = _BAD_BYTE.sub(lambda bad: bytes([int(bad[1], 16)]), text.encode()).decode("latin-1")
    for spelled in (flat, _OCTET.sub(lambda octet: chr(_BEHIND_BYTES + int(octet[1])), flat)):
        if (found := _walk(spelled)) is not None:
            return [_text(label) for label in found]
    if "\r" in text:  # a forged end of line; what stands before it is what was written
        return labels(text.partition("\r")[0])
    if _WHOLE.fullmatch(text):
        return _LOOSE.findall(text)
    raise RefusedLine("not a name with the lengths of its labels")


def telling_label(host: str) -> bytes:
    """What every spelling of a name holds: one label between parentheses, the one that is rarest in logs.

    Not the lengths: a name with a wrong one is still reported as the name that it says. May over-report, must never
    under-report. Of a long name the first label tells most (``copilot.microsoft.com``), of a domain the longest; the
    last one (``com``) and labels that half of all names have (``www``, ``api``) tell nothing.

    >>> telling_label("app.clearview.ai"), telling_label("copilot.microsoft.com")
    (b')clearview(', b')copilot(')
    >>> telling_label("vk.com"), telling_label("api.x.ai"), telling_label("www.bit.ly")
    (b')vk(', b')x(', b')bit(')
    """
    labels = host.split(".")
    rare = [label for label in labels[:-1] if label not in _COMMON] or labels[:-1] or labels
    first = rare[0] == labels[0] and len(labels) > _DOMAIN_LABELS and len(labels[0]) >= _TELLING_LETTERS
    return f"){rare[0] if first else max(rare, key=len)}(".encode()


def spelled(name: str) -> str:
    """A name with the length of each label.

    >>> spelled("app.clearview.ai"), spelled(".")
    ('(3)app(9)clearview(2)ai(0)', '(0)')
    """
    return "".join(f"({len(label.encode())}){label}" for label in name.split(".") if label) + "(0)"


def _walk(text: str) -> list[str] | None:
    found: list[str] = []
    at = 0
    while length := _LENGTH.match(text, at):
        size, start = int(length[1]), length.end()
        if not size:
            return found if start == len(text) else None
        at = start + size
        found.append(text[start:at])
    return None


def _text(flat: str) -> str:
    spelled_out = "".join(c if ord(c) < _BEHIND_BYTES else f"\\{ord(c) - _BEHIND_BYTES:03d}" for c in flat)
    return spelled_out.encode("latin-1").decode("utf-8", "backslashreplace")
