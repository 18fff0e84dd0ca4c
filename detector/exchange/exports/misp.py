"""A MISP event: each indicator as an attribute, tagged with its service, stage, confidence and sources.

A suffix is a ``domain``, a single host a ``hostname``, an address a ``url``; a pattern is
``pattern-in-traffic``. ``to_ids`` is off: an attribute says where a service lives, not that something is wrong.

Reference: https://github.com/MISP/misp-rfc/blob/main/misp-core-format/raw.md (unverified from here)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from detector.events import MICROSECONDS, from_iso, to_iso
from detector.exchange.plug import Export
from detector.exchange.selection import uuid_of
from detector.signatures import IndicatorKind

if TYPE_CHECKING:
    from detector.exchange.selection import Selection
    from detector.signatures import Indicator, Signature

_TYPES = {
    IndicatorKind.SUFFIX: "domain",
    IndicatorKind.HOST: "hostname",
    IndicatorKind.HOST_PATTERN: "pattern-in-traffic",
    IndicatorKind.URL: "url",
}
_EPOCH = "1970-01-01"


def render(selection: Selection) -> str:
    """One event; its date is that of the newest review, attributes carry the time at which they are valid."""
    day = max((one.reviewed for one in selection.signatures), default="") or _EPOCH
    attributes = [_attribute(one, indicator) for one in selection.signatures for indicator in one.indicators]
    event = {
        "uuid": uuid_of("misp", selection.ruleset.digest, *sorted(selection.services)),
        "info": f"shadowit: {len(selection.services)} services, ruleset {selection.ruleset.digest[:12]}",
        "date": day, "timestamp": _seconds(day), "threat_level_id": "4", "analysis": "2", "distribution": "0",
        "published": False, "Attribute": attributes,
    }  # fmt: skip
    return orjson.dumps({"Event": event}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _attribute(signature: Signature, one: Indicator) -> dict[str, object]:
    tags = [("service", signature.id), ("category", signature.category), ("stage", one.stage.value),
            ("confidence", one.confidence), *(("source", text) for text in one.sources)]  # fmt: skip
    dates = {
        key: f"{to_iso(moment)[:10]}T00:00:00.000000+00:00"
        for key, moment in (("first_seen", one.valid_from), ("last_seen", one.valid_until))
        if moment is not None
    }
    address = one.kind is IndicatorKind.URL
    return {
        "uuid": uuid_of("misp", one.id), "type": _TYPES[one.kind], "category": "Network activity", "to_ids": False,
        "value": f"http://{one.host}{one.path}" if address else one.host, "comment": signature.name,
        "timestamp": _seconds(signature.reviewed), "distribution": "5", **dates,
        "Tag": [{"name": f'shadowit:{key}="{text.replace(chr(34), chr(39))}"'} for key, text in tags],
    }  # fmt: skip


def _seconds(date: str) -> str:
    return str(from_iso(date or _EPOCH) // MICROSECONDS)


EXPORT = Export(name="misp", render=render)
