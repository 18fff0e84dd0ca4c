"""The register of technologies as CSV, JSON, Markdown and a page."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

from detector.events import to_iso
from detector.report.csv import safe
from detector.report.html import environment
from detector.report.json import dump
from detector.report.markdown import prose
from detector.report.text import visible
from detector.report.wording import counted, day, size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from detector.answers.register import Technology, Usage
    from detector.report.json import Json

SCHEMA = "shadowit.register/1"

COLUMNS = {
    "service": "Service",
    "name": "Name",
    "vendor": "Vendor",
    "vendor_country": "Country of the vendor",
    "data_location": "Where data is kept",
    "category": "Category",
    "description": "What it is",
    "risks": "Risks",
    "status": "Status",
    "since": "Since",
    "owner": "Owner",
    "purpose": "Purpose",
    "information": "Information collected",
    "authorised_users": "Authorised users",
    "mitigations": "Mitigations",
    "retention": "How long information is kept",
    "assessment": "Assessment",
    "approvals": "Approvals",
    "orders": "Orders",
    "what": "What was done",
    "when": "When",
    "how": "How it shows",
    "who": "Who",
    "how_long": "How long",
    "result": "Result",
    "lacking": "Not written down",
}
"""The columns, in their order, with their titles."""


class Head(NamedTuple):
    """What a register was made of.

    Attributes:
        version: of this program.
        ruleset: digest of the signatures.
        policy: digest of the policy, empty for none.
        now: the instant as of which users are authorised.
    """

    version: str
    ruleset: str
    policy: str
    now: int


def render(rows: Sequence[Technology], head: Head, name: str) -> str:
    """The register in a format: ``csv``, ``json``, ``md`` or ``html``."""
    ways: dict[str, Callable[[Sequence[Technology], Head], str]] = {
        "csv": _csv, "json": _json, "md": _markdown, "html": _html
    }  # fmt: skip
    return ways[name](rows, head)


def cells(row: Technology, now: int) -> dict[str, str]:
    """One row as text, by column."""
    return {
        "service": row.service,
        "name": row.name,
        "vendor": row.vendor,
        "vendor_country": row.vendor_country,
        "data_location": row.data_location,
        "category": row.category,
        "description": row.description,
        "risks": "; ".join(row.risks),
        "status": row.status.value,
        "since": "" if row.since is None else day(row.since),
        "owner": row.owner,
        "purpose": row.purpose,
        "information": "; ".join(row.information),
        "authorised_users": row.authorised(now),
        "mitigations": "; ".join(row.mitigations),
        "retention": row.retention,
        "assessment": row.assessment,
        "approvals": "; ".join(
            f"{one.id} ({day(one.valid_from)} to {day(one.valid_until - 1)}): {one.statement}" for one in row.approvals
        ),
        "orders": "; ".join(f"{one.id} ({to_iso(one.effective)}) {one.statement}".strip() for one in row.orders),
        **_used(row.usage),
        "lacking": ", ".join(row.lacking),
    }


def _used(usage: Usage | None) -> dict[str, str]:
    if usage is None:
        return dict.fromkeys(("what", "when", "how", "who", "how_long", "result"), "")
    units = f" in {', '.join(usage.units)}" if usage.units else ""
    return {
        "what": ", ".join(f"{stage.value} by {counted(count, 'actor')}" for stage, count in usage.what),
        "when": f"{day(usage.first)} to {day(usage.last)}",
        "how": f"{counted(usage.sightings, 'sighting')} in {counted(usage.sources, 'log')}, "
        f"{usage.denied:,} refused, {size(usage.bytes_sent)} sent",
        "who": f"{counted(usage.actors, 'actor')}{units}",
        "how_long": counted(usage.actor_days, "day of an actor", "days of all actors"),
        "result": ", ".join(f"{count:,} {verdict.value}" for verdict, count in usage.result),
    }


def _csv(rows: Sequence[Technology], head: Head) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(safe(cell) for cell in cells(row, head.now).values())
    return out.getvalue()


def _json(rows: Sequence[Technology], head: Head) -> str:
    return dump(
        {
            "schema": SCHEMA,
            "tool": {"name": "shadowit", "version": head.version},
            "ruleset": {"digest": head.ruleset},
            "policy": {"digest": head.policy},
            "as_of": to_iso(head.now),
            "technologies": [_data(row, head.now) for row in rows],
        },
        indent=True,
    )


def _data(row: Technology, now: int) -> Json:
    text = cells(row, now)
    return {
        **{key: text[key] for key in COLUMNS if key not in ("approvals", "orders", *_used(None))},
        "risks": row.risks,
        "since": None if row.since is None else to_iso(row.since),
        "information": row.information,
        "mitigations": row.mitigations,
        "approvals": [
            {
                "id": one.id,
                "valid_from": to_iso(one.valid_from),
                "valid_until": to_iso(one.valid_until),
                "purposes": one.purposes,
                "needs_reference": one.needs_reference,
                "reference": one.reference,
                "approver": one.approver,
                "statement": one.statement,
            }
            for one in row.approvals
        ],
        "orders": [
            {
                "id": one.id,
                "effective": to_iso(one.effective),
                "duties": [duty.value for duty in one.duties],
                "statement": one.statement,
            }
            for one in row.orders
        ],
        "usage": None if row.usage is None else _usage(row.usage),
        "lacking": row.lacking,
    }


def _usage(usage: Usage) -> Json:
    first, last = (None if instant is None else to_iso(instant) for instant in (usage.first, usage.last))
    return {
        "what": {stage.value: count for stage, count in usage.what},
        "when": {"first": first, "last": last},
        "how": {
            "sightings": usage.sightings,
            "logs": usage.sources,
            "denied": usage.denied,
            "bytes_sent": usage.bytes_sent,
        },
        "who": {"actors": usage.actors, "units": usage.units},
        "how_long": {"actor_days": usage.actor_days},
        "result": {verdict.value: count for verdict, count in usage.result},
    }


def _markdown(rows: Sequence[Technology], head: Head) -> str:
    lines = ["# Register of technologies", "", f"{_about(rows, head)}"]
    for row in rows:
        lines += ["", f"## {prose(row.name or row.service)}", "", "| Field | Value |", "| --- | --- |"]
        lines += [f"| {title} | {prose(text)} |" for title, text in _told(row, head)]
    return "\n".join(lines) + "\n"


def _html(rows: Sequence[Technology], head: Head) -> str:
    page = environment().get_template("register.html.j2")
    text = page.render(
        about=_about(rows, head),
        head=head,
        rows=[(row.name or row.service, row, row.authorised(head.now), _told(row, head)) for row in rows],
    )
    return "\n".join(line for line in text.split("\n") if line.strip()) + "\n"


def _about(rows: Sequence[Technology], head: Head) -> str:
    return f"{counted(len(rows), 'technology', 'technologies')}, as of {day(head.now)}. Nobody is named."


def _told(row: Technology, head: Head) -> list[tuple[str, str]]:
    """Title and text of the columns that say something."""
    text = cells(row, head.now)
    return [(title, visible(text[key])) for key, title in COLUMNS.items() if text[key]]
