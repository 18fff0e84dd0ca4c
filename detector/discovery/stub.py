"""A signature stub for one row: sound as it is, to be completed by who reviews the service."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from detector.report.wording import counted, day, size

if TYPE_CHECKING:
    from detector.discovery.outcome import Row

CATEGORY = "unreviewed"


def id_of(domain: str) -> str:
    """The service id that a domain leads to.

    >>> id_of("face_search.co.uk")
    'face-search-co-uk'
    """
    return re.sub(r"[^a-z0-9]+", "-", domain).strip("-")[:64].strip("-")


def stub_of(row: Row, today: str) -> str:
    """The YAML of a signature: what was observed, without naming anybody.

    Args:
        row: the domain.
        today: a date, ``2020-02-27``.
    """
    domain, identity = row.domain, id_of(row.domain)
    observed = f"Observed in logs, not yet reviewed: {_observed(row)}."
    return "\n".join((
        "schema_version: 1",
        f"id: {identity}",
        f"name: {domain}",
        "vendor: unknown",
        f"category: {CATEGORY}",
        "status: active",
        "attribution: dedicated",
        f"description: {json.dumps(observed)}",
        "risk: {default: review}",
        "indicators:",
        f"  - {{kind: suffix, value: {domain}, confidence: low, sources: [own logs]}}",
        f"added: {today}",
        f"reviewed: {today}",
        "tests:",
        "  positive:",
        f"    - [{domain}, visited]",
        f'    - ["https://www.{domain}/", visited]',
        f'  negative: [not{domain}, {domain}.example.net, "https://example.com/?q={domain}"]',
    )) + "\n"  # fmt: skip


def _observed(row: Row) -> str:
    facts = [f"first seen {day(row.first_seen)}, last seen {day(row.last_seen)}", f"on {counted(row.days, 'day')}"]
    if row.requests:
        facts.append(f"{counted(row.requests, 'request')} by {counted(len(row.people), 'person', 'people')}")
    if row.bytes_sent:
        facts.append(f"{size(row.bytes_sent)} sent")
    if row.mailboxes:
        facts.append(f"sign-up mail to {counted(len(row.mailboxes), 'mailbox', 'mailboxes')}")
    return ", ".join(facts)
