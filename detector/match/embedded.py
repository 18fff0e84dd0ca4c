"""The tests that stand in signature files, run against the whole catalogue: no other service may steal a positive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.match.lookup import Lookup
from detector.match.mail import Mail, MailIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.signatures import Ruleset, Signature


def failures(ruleset: Ruleset, services: frozenset[str] = frozenset()) -> tuple[list[str], int]:
    """Run the embedded tests of some services (of all when none is named).

    Returns:
        A sentence for each test that failed, and how many tests were run.
    """
    lookup, mail = Lookup(ruleset), MailIndex(ruleset)
    failed: list[str] = []
    total = 0
    for signature in ruleset.signatures:
        if services and signature.id not in services:
            continue
        for sentence in (*_hosts(signature, lookup), *_mails(signature, mail)):
            total += 1
            if sentence:
                failed.append(f"{signature.id}: {sentence}")
    return failed, total


def _hosts(signature: Signature, lookup: Lookup) -> Iterator[str]:
    for value, stage in signature.tests.positive:
        found = lookup.of(value)
        wanted = (signature.id, stage)
        got = (found.service, found.stage) if found else None
        yield "" if got == wanted else f"{value} should be {wanted}, is {got}"
    for value in signature.tests.negative:
        found = lookup.of(value)
        yield (
            "" if found is None or found.service != signature.id else f"{value} should not be it, is {found.indicator}"
        )


def _mails(signature: Signature, index: MailIndex) -> Iterator[str]:
    for sender, subject, stage in signature.tests.mail:
        domain = sender.rpartition("@")[2].strip(">")
        proof = index.prove(Mail("inbound", sender, "", "", domain, "", subject))
        got = proof.stage.value if proof and proof.service == signature.id else "none"
        yield "" if got == stage else f"mail {sender!r} {subject!r} should be {stage}, is {got}"
