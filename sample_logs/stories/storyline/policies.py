"""``policy.yml`` and the other papers of a story, as an organisation would keep them."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from storyline.clock import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storyline.answers import Statement
    from storyline.decisions import Case

RESTRICTED = """\
# What this organisation has decided; signatures are public facts and lie elsewhere.
version: "1"
timezone: UTC
defaults:
  facial-recognition: restricted
"""
"""No face search without an approval."""

UNDECIDED = """\
# What this organisation has decided; signatures are public facts and lie elsewhere.
version: "1"
timezone: UTC
services:
  clearview-ai: under-review
observers:
  - hosts: [10.20.1.25]
    reason: the mail system's scanner opens links by itself
"""
"""Nobody has decided yet."""


def order(name: str, effective: int, duties: Sequence[str], statement: str) -> str:
    """An order that binds everybody."""
    return f"""\
orders:
  - id: {name}
    services: clearview-ai
    effective: {moment(effective):%Y-%m-%dT%H:%M:%SZ}
    duties: [{", ".join(duties)}]
    statement: {statement}
"""


def statements(rows: Iterable[Statement]) -> str:
    """``statements.csv``: what people said when asked."""
    return table(("person", "statement", "date"), ((one.person, one.text, one.date) for one in rows))


def cases(rows: Iterable[Case]) -> str:
    """``cases.csv``: who worked on which case when."""
    texts = ((one.person, _minute(one.since), _minute(one.until), one.reference) for one in rows)
    return table(("person", "from", "until", "reference"), texts)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _minute(instant: int) -> str:
    return f"{moment(instant):%Y-%m-%dT%H:%MZ}"
