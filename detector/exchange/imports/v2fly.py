"""A file of v2fly's domain-list-community: ``data/<name>``, one rule a line; the file's name is the service.

``domain:x`` (or ``x``) is a domain with everything below it, ``full:x`` one host; ``keyword:`` and ``regexp:`` match
unrelated sites and are refused, ``include:`` names another file. ``@attribute`` and ``# comment`` may follow.

Reference: https://github.com/v2fly/domain-list-community (unverified from here)
"""

from __future__ import annotations

from pathlib import PurePath

from detector.exchange.drafts import Draft, Value
from detector.exchange.plug import Import, Reading
from detector.exchange.reading import Gathering, slug
from detector.signatures import IndicatorKind

_KINDS = {"domain": IndicatorKind.SUFFIX, "full": IndicatorKind.HOST}
_REASONS = {
    "keyword": "matches unrelated sites",
    "regexp": "is a pattern of its own dialect: write a suffix, a host or a host_pattern",
    "include": "is another file: name it too",
}


def read(text: str, name: str) -> Reading:
    """The rules of one file."""
    title = PurePath(name).name
    found = Gathering(f"v2fly {title}", name)
    draft = Draft(slug(title), title, ())
    for line in text.splitlines():
        rule, *_ = line.partition("#")[0].split() or ("",)
        kind, colon, value = rule.partition(":")
        if not colon:
            kind, value = "domain", rule
        if kind in _KINDS and value:
            found.take(Value(_KINDS[kind], value.lower()), draft=draft)
        elif rule:
            found.refuse(rule, _REASONS.get(kind, "is no rule"))
    return found.reading()


IMPORT = Import(name="v2fly", read=read)
