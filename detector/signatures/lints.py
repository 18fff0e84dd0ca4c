"""What is doubtful about sound signatures: reviews that are overdue, patterns without a limit.

The clock and taste stand here and not in ``checks``: a catalogue that loads today loads for ever.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detector import documents
from detector.signatures.loader import MAIL_STAGES, own_folder, shared_file, signature_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.documents import Document
    from detector.errors import Problem
    from detector.signatures.model import Signature
    from detector.signatures.ruleset import Ruleset

STRICT_CATEGORY = "facial-recognition"
"""Whose overdue reviews are faults: a stale entry there accuses or clears a person."""

_UNBOUNDED = re.compile(r"\.(?:[*+]|\{\d*,\})")
_LITERAL = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Lint:
    """One doubt.

    Attributes:
        problem: where it stands, what was found and what to do.
        is_error: whether it must be settled before the signatures may be used.
    """

    problem: Problem
    is_error: bool


def lint(ruleset: Ruleset, paths: Sequence[Path], today: dt.date) -> list[Lint]:
    """Doubts about a ruleset that has been loaded from these paths, by place.

    Args:
        ruleset: what was loaded.
        paths: folders or files that it was loaded from; the own catalogue when there are none.
        today: the day on which reviews are judged.
    """
    roots = tuple(paths) or (own_folder(),)
    files = {path.stem: path for path in map(Path, signature_files(roots))}
    found: list[Lint] = []
    for signature in ruleset.signatures:
        overdue, doubts = is_overdue(signature, today), _patterns(signature)
        if overdue or any(doubts):
            document = documents.read(files[signature.id])
            found.extend(_of_signature(signature, document, overdue=overdue, doubts=doubts))
    found.extend(_of_stages(ruleset, roots))
    return sorted(found, key=lambda one: one.problem)


def is_overdue(signature: Signature, today: dt.date) -> bool:
    """Whether a signature should have been reviewed before today; one without a date of review is not judged."""
    if not signature.reviewed:
        return False
    return dt.date.fromisoformat(signature.reviewed) + dt.timedelta(days=signature.review_every_days) < today


def doubt_of(pattern: str) -> str:
    r"""What is doubtful about a pattern, empty for nothing.

    >>> doubt_of("^welcome to [^.]* trial"), doubt_of(r"1\.+0")
    ('', '')
    >>> doubt_of(".*welcome")
    'starts with .*: patterns are found anywhere, write what comes first'
    """
    bare = _LITERAL.sub("x", pattern).removeprefix("^")
    if bare.startswith((".*", "(.*", "(?:.*")):
        return "starts with .*: patterns are found anywhere, write what comes first"
    if found := _UNBOUNDED.search(bare):
        return f"holds {found[0]} without a limit: write {{0,40}} or a class such as [^.!?]*"
    return ""


def _patterns(signature: Signature) -> list[str]:
    return [doubt_of(pattern) for _, pattern in signature.mail.subjects]


def _of_signature(signature: Signature, document: Document, *, overdue: bool, doubts: Sequence[str]) -> Iterator[Lint]:
    if overdue:
        message = f"reviewed {signature.reviewed}: the review every {signature.review_every_days} days is overdue"
        strict = signature.category.partition("/")[0] == STRICT_CATEGORY
        yield Lint(document.problem(("reviewed",), message), is_error=strict)
    for index, doubt in enumerate(doubts):
        if doubt:
            place = ("mail", "subjects", index, "regex")
            yield Lint(document.problem(place, f"regex {doubt}"), is_error=False)


def _of_stages(ruleset: Ruleset, roots: Sequence[Path]) -> Iterator[Lint]:
    document = None
    for kind, one in enumerate(ruleset.mail_kinds):
        for index, pattern in enumerate(one.subjects):
            if doubt := doubt_of(pattern):
                document = document or documents.read(shared_file(roots, MAIL_STAGES))
                place = ("kinds", kind, "subjects", index)
                yield Lint(document.problem(place, f"subject {doubt}"), is_error=False)
