"""The public suffixes that come with tldextract, those of platforms among them: no network, no cache.

Its list is read as text: the library around it takes longer to load than a thousand signatures, and longer for a name.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from detector.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))
_END = "."
"""Beside the labels in front of one: a suffix begins with it. No label is a dot."""


class _Labels(dict[str, "_Labels"]):
    """The labels that suffixes have in front of one."""


@cache
def rules() -> frozenset[str]:
    """The lines of the list, such as ``co.uk``, ``*.ck``, ``!www.ck``.

    Raises:
        UsageError: tldextract is not installed.
    """
    found = find_spec("tldextract")
    if found is None or found.origin is None:
        raise UsageError("tldextract is not installed: install the program again")
    lines = Path(found.origin).with_name(".tld_set_snapshot").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("//"))


def registered(host: str) -> str:
    """The domain that somebody registered, empty for an address, a suffix or a name of no public suffix.

    >>> registered("app.example.co.uk"), registered("a.vendor.github.io"), registered("10.0.0.7"), registered("printer")
    ('example.co.uk', 'vendor.github.io', '', '')
    """
    labels = labels_of(host)
    at = suffix_at(labels)
    return ".".join(labels[at - 1 :]) if 0 < at < len(labels) and labels[at - 1] else ""


def labels_of(host: str) -> list[str]:
    """The labels of a host name, without the empty ones at its end."""
    return (host if host.isascii() else host.translate(_DOTS)).rstrip(".").split(".")


def suffix_at(labels: Sequence[str]) -> int:
    """Where the public suffix begins, behind the last label where the name has none.

    >>> suffix_at(["app", "example", "co", "uk"]), suffix_at(["www", "ck"]), suffix_at(["a", "b", "ck"])
    (2, 1, 1)
    """
    node, at, found = _tree(), len(labels), len(labels)
    while at:
        label = labels[at - 1]
        below = node.get(label)
        if below is None and (spelled := _spelled(label)) != label:
            label, below = spelled, node.get(spelled)
        if below is None:
            break
        node, at = below, at - 1
        if _END in node:
            found = at
    if at and "*" in node:
        return at if f"!{label}" in node else at - 1
    return found


@cache
def _tree() -> _Labels:
    root = _Labels()
    for rule in rules():
        node = root
        for label in reversed(rule.split(".")):
            node = node.setdefault(_spelled(label), _Labels())
        node[_END] = _Labels()
    return root


def _spelled(label: str) -> str:
    """A label in lower case, as an A-label where it can be one."""
    if label.isascii():
        return label.lower()
    import idna  # noqa: PLC0415 - 10 ms that checking signatures need not pay

    bare = label.removeprefix("!")
    try:
        return label[: len(label) - len(bare)] + idna.encode(bare, uts46=True).decode()
    except idna.IDNAError:
        return label
