"""The findings as CSV (RFC 4180): one row per finding, safe to open in a spreadsheet.

Columns: ``service, service_name, category, data_location, actor, actor_name, actor_kind, actor_unit,
actor_confidence, stage, confidence, verdict, first_seen, last_seen`` (ISO 8601 UTC, empty when unknown), ``days,
sightings, denied, bytes_sent`` (numbers), ``stages`` (``stage=sightings`` pairs), ``evidence_path, evidence_offset,
evidence_length, evidence_sha256, evidence_indicator, evidence_at`` (the first line that proves the stage, else the
first of all). ``actor_name`` is empty when names are not shown.

A text cell that a spreadsheet could take for a formula starts with an apostrophe.

Reference: https://owasp.org/www-community/attacks/CSV_Injection (unverified from here)
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from detector.events import to_iso
from detector.report.text import visible
from detector.report.writer import Writer

if TYPE_CHECKING:
    from detector.report.document import EvidenceRow, FindingRow, Report

COLUMNS = (
    "service",
    "service_name",
    "category",
    "data_location",
    "actor",
    "actor_name",
    "actor_kind",
    "actor_unit",
    "actor_confidence",
    "stage",
    "confidence",
    "verdict",
    "first_seen",
    "last_seen",
    "days",
    "sightings",
    "denied",
    "bytes_sent",
    "stages",
    "evidence_path",
    "evidence_offset",
    "evidence_length",
    "evidence_sha256",
    "evidence_indicator",
    "evidence_at",
)
"""The columns, in their order."""

_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""What starts a formula or a command in a spreadsheet; the full-width forms are folded to ASCII by some of them."""

_BEFORE = " \t\r\n\v\f\xa0\u3000\"'`"
"""Blanks and quotes that spreadsheets drop before they look."""

_second_cell = re.compile(f"(?<=;)(?=[{_BEFORE}]*[=+\\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a cell would start if a spreadsheet's locale separates with semicolons."""


def render(report: Report, *, colour: bool = False, width: int = 0) -> str:
    """A line of column names, then one line per finding; lines end with CR LF."""
    del colour, width
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for finding in report.findings:
        writer.writerow(safe(cell) for cell in _cells(finding, names=report.names))
    return out.getvalue()


def safe(cell: str | int) -> str | int:
    r"""The cell as no spreadsheet takes it for a formula; numbers stay numbers.

    >>> safe("=1+1"), safe(' "@x'), safe(-5), safe("a=b")
    ("'=1+1", '\' "@x', -5, 'a=b')
    """
    if isinstance(cell, int):
        return cell
    starts = cell.lstrip(_BEFORE)
    text = _second_cell.sub("'", visible(cell))
    return f"'{text}" if starts.startswith(_FORMULA) or cell[:1] in ("\t", "\r", "\n") else text


def _cells(finding: FindingRow, *, names: bool) -> tuple[str | int, ...]:
    actor = finding.actor
    return (
        finding.service,
        finding.service_name,
        finding.category,
        finding.data_location,
        actor.id,
        (actor.name or actor.id) if names else "",
        actor.kind,
        actor.unit,
        actor.confidence,
        finding.stage,
        finding.confidence,
        finding.verdict,
        _iso(finding.first_seen),
        _iso(finding.last_seen),
        finding.days,
        finding.sightings,
        finding.denied,
        finding.bytes_sent,
        " ".join(f"{stage}={count}" for stage, _, _, count in finding.stages),
        *_proof(finding),
    )


def _proof(finding: FindingRow) -> tuple[str | int, ...]:
    proofs = (*(one for one in finding.evidence if one.stage == finding.stage), *finding.evidence)
    if not proofs:
        return ("",) * 6
    proof: EvidenceRow = proofs[0]
    return (proof.path, proof.offset, proof.length, proof.sha256, proof.indicator, _iso(proof.at))


def _iso(instant: int | None) -> str:
    return "" if instant is None else to_iso(instant)


WRITER = Writer(name="csv", render=render)
