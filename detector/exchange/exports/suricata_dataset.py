"""A dataset of strings for Suricata: one base64 text a line, for ``dataset:isset,…,type string``.

A dataset is compared whole: of a suffix, the domain, its ``www.`` and the product's known hosts stand here. It knows
no comments, so nothing is said in the file itself.

Reference: https://docs.suricata.io/en/latest/rules/datasets.html (unverified from here)
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from detector.exchange.plug import Export
from detector.exchange.selection import known_names
from detector.signatures import IndicatorKind

if TYPE_CHECKING:
    from detector.exchange.selection import Selection


def render(selection: Selection) -> str:
    """One name a line, in the order of the names."""
    names = {
        name
        for signature, one in selection.valid()
        if one.kind is not IndicatorKind.URL
        for name in known_names(signature, one)
    }
    return "".join(f"{b64encode(name.encode()).decode()}\n" for name in sorted(names - selection.ruleset.shared_hosts))


EXPORT = Export(name="suricata-dataset", render=render)
