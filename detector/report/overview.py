"""The findings seen by service, by actor and as one headline."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.policy import MUTED, OBSERVED, Verdict
from detector.report.ledger import earliest, latest
from detector.report.wording import counted, rung

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from detector.report.document import ActorRow, FindingRow, Report
    from detector.report.ledger import Ledger

_KINDS = (
    ("person", "person", "people"),
    ("account", "account", "accounts"),
    ("mailbox", "mailbox", "mailboxes"),
    ("address", "address", "addresses"),
)

_HEAVIEST_FIRST = tuple(verdict.value for verdict in reversed(Verdict))
_LEFT_OUT = {OBSERVED: "by observers", MUTED: "of muted indicators"}


@dataclass(frozen=True, slots=True)
class Group:
    """Findings of one service or of one actor, added up.

    Attributes:
        findings: the findings, the highest stage first.
        highest: the one whose stage is the highest.
        first_seen: earliest sighting, ``None`` when none has a time.
        last_seen: latest sighting, ``None`` when none has a time.
        sightings: of all of them.
        denied: sightings that were refused attempts.
        bytes_sent: to the services.
    """

    findings: tuple[FindingRow, ...]
    highest: FindingRow
    first_seen: int | None
    last_seen: int | None
    sightings: int
    denied: int
    bytes_sent: int

    @property
    def actor(self) -> ActorRow:
        """Who, for a group of one actor."""
        return self.findings[0].actor


def by_service(report: Report) -> tuple[Group, ...]:
    """One group per service, in the order of their ids."""
    return _groups(report, lambda finding: finding.service)


def by_actor(report: Report) -> tuple[Group, ...]:
    """One group per actor, the highest stage first."""
    groups = _groups(report, lambda finding: (finding.actor.id, finding.actor.kind))
    return tuple(sorted(groups, key=lambda group: _gravity(group.highest)))


def highest(findings: Sequence[FindingRow]) -> FindingRow:
    """The finding with the highest stage; a confirmed one before a probable one, then the latest."""
    return max(findings, key=lambda one: (rung(one.stage), one.confidence == "confirmed", one.last_seen or 0))


def is_attempt(finding: FindingRow) -> bool:
    """Whether every sighting was a refused attempt."""
    return 0 < finding.sightings <= finding.denied


def stage_text(finding: FindingRow) -> str:
    """The stage of a finding, with its doubt."""
    return f"{finding.stage} (probable)" if finding.confidence == "probable" else finding.stage


def headline(report: Report, ledger: Ledger) -> str:
    """The answer in one sentence."""
    if not report.findings:
        return "No sighting in what was read." if ledger.lines else "Nothing was read, so nothing can be said."
    services = len({finding.service for finding in report.findings})
    text = f"{counted(len(report.findings), 'finding')} at {counted(services, 'service')}: {actors_text(report)}."
    attempts = sum(is_attempt(finding) for finding in report.findings)
    if attempts:
        text += f" {counted(attempts, 'finding is', 'findings are')} refused attempts only."
    return text


def decisions(report: Report) -> str:
    """What the policy says in one sentence, with what it leaves out; empty where none judged."""
    if not report.policy:
        return ""
    counts = Counter(finding.verdict for finding in report.findings)
    said = [
        f"{counts[verdict]:,} {verdict}"
        for verdict in dict.fromkeys((*_HEAVIEST_FIRST, *sorted(counts)))
        if counts[verdict]
    ]
    text = f"By the policy {', '.join(said) or 'nothing is to be said'}"
    left = [f"{counted(count, 'sighting')} {_LEFT_OUT.get(why, why)}" for why, count in report.left_out]
    return f"{text}; {' and '.join(left)} left out." if left else f"{text}."


def actors_text(report: Report) -> str:
    """How many actors there are, by kind."""
    kinds = [kind for _, kind in {(finding.actor.id, finding.actor.kind) for finding in report.findings}]
    counts = ((kinds.count(kind), one, many) for kind, one, many in _KINDS)
    others = sum(kind not in {known for known, _, _ in _KINDS} for kind in kinds)
    texts = [counted(count, one, many) for count, one, many in (*counts, (others, "other", "others")) if count]
    return " and ".join(part for part in (", ".join(texts[:-1]), *texts[-1:]) if part)


def _groups(report: Report, key: Callable[[FindingRow], str | tuple[str, str]]) -> tuple[Group, ...]:
    found: dict[str | tuple[str, str], list[FindingRow]] = {}
    for finding in report.findings:
        found.setdefault(key(finding), []).append(finding)
    return tuple(_group(tuple(sorted(found[one], key=_gravity))) for one in sorted(found))


def _gravity(finding: FindingRow) -> tuple[int, bool, str, str]:
    """Sorts the highest stage first, a confirmed one before a probable one."""
    return -rung(finding.stage), finding.confidence != "confirmed", finding.actor.id, finding.service


def _group(findings: tuple[FindingRow, ...]) -> Group:
    return Group(
        findings=findings,
        highest=highest(findings),
        first_seen=earliest(finding.first_seen for finding in findings),
        last_seen=latest(finding.last_seen for finding in findings),
        sightings=sum(finding.sightings for finding in findings),
        denied=sum(finding.denied for finding in findings),
        bytes_sent=sum(finding.bytes_sent for finding in findings),
    )
