"""What a report says: plain frozen values, the same for every way out (table, JSON, CSV, Markdown, HTML).

Times are microseconds since the epoch, UTC; sizes are bytes; ``None`` means "unknown".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SCHEMA = "shadowit.report/1"


class SourceRow(NamedTuple):
    """One log that was asked for.

    Attributes:
        path: as it was named; ``archive.zip!member`` for a part of an archive.
        format: the format's name, empty when none was recognised.
        kind: ``proxy``, ``dns``, ``mail``, … empty when unknown.
        bytes: read, decompressed.
        lines: newlines read, and an unterminated last line.
        candidates: lines that could hold a sighting.
        parsed: lines that were looked at and read.
        filtered: lines that were not looked at, or are no event.
        unparsed: lines that were looked at and refused.
        oversize: lines longer than the limit.
        first_event: earliest instant seen.
        last_event: latest instant seen.
        spans: (first, last) instants between which lines follow each other without a gap.
        gaps: (from, to) instants between which no line was written.
        unread: what could not be read, for a person; empty when everything was.
        copy_of: the log whose copy this one is (then it was compared, not counted); empty otherwise.
        notes: assumptions that a reader must know, such as an assumed time zone.
        refusals: reasons for refused lines with how often they came, most frequent first (at most 5).
    """

    path: str
    format: str = ""
    kind: str = ""
    bytes: int = 0
    lines: int = 0
    candidates: int = 0
    parsed: int = 0
    filtered: int = 0
    unparsed: int = 0
    oversize: int = 0
    first_event: int | None = None
    last_event: int | None = None
    spans: tuple[tuple[int, int], ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()
    unread: str = ""
    copy_of: str = ""
    notes: tuple[str, ...] = ()
    refusals: tuple[tuple[str, int], ...] = ()


class EvidenceRow(NamedTuple):
    """One line that proves something; anybody can open it again.

    Attributes:
        path: the log.
        offset: of the line's first byte, in decompressed bytes.
        length: of the line in bytes, without its newline.
        sha256: of those bytes, hex.
        indicator: the indicator's id.
        stage: what the line proves.
        at: when, ``None`` where the line's time cannot be read.
        denied: the request was refused.
        sighting: the sighting's id.
    """

    path: str
    offset: int
    length: int
    sha256: str
    indicator: str
    stage: str
    at: int | None
    denied: bool
    sighting: str


class ActorRow(NamedTuple):
    """Who.

    Attributes:
        id: the name when names are shown, else a keyed pseudonym.
        kind: ``person``, ``account``, ``address`` or ``mailbox``.
        name: shown only when names are; empty otherwise.
        unit: organisational unit, empty when unknown.
        confidence: ``high`` (an authenticated user), ``medium`` (a mailbox), ``low`` (an address).
        one_of: how many people it may have been.
    """

    id: str
    kind: str
    name: str
    unit: str
    confidence: str
    one_of: int = 1


class FindingRow(NamedTuple):
    """One actor and one service.

    Attributes:
        service: the service's id.
        service_name: for people.
        category: the service's category.
        actor: who.
        stage: the highest stage on the ladder; without one, the last of those beside it in the order of ``Stage``.
        confidence: ``confirmed`` or ``probable``.
        verdict: the heaviest of its sightings; ``unreviewed`` where no policy judges.
        first_seen: earliest sighting.
        last_seen: latest sighting.
        days: calendar days (UTC) with a sighting that was not denied.
        sightings: all of them.
        bytes_sent: to the service.
        denied: sightings that were refused attempts.
        sources: paths of the logs that hold them.
        stages: (stage, first, last, count), in the order of the ladder, then beside it.
        per_day: (instant of the day's start, stage, count): every sighting with a known time is in one of them.
        evidence: earliest and latest lines of each stage.
        data_location: where the service keeps data, empty when unknown.
    """

    service: str
    service_name: str
    category: str
    actor: ActorRow
    stage: str
    confidence: str
    verdict: str
    first_seen: int | None
    last_seen: int | None
    days: int
    sightings: int
    bytes_sent: int
    denied: int
    sources: tuple[str, ...]
    stages: tuple[tuple[str, int | None, int | None, int], ...]
    per_day: tuple[tuple[int, str, int], ...]
    evidence: Sequence[EvidenceRow]
    data_location: str = ""


class Report(NamedTuple):
    """The whole result of one audit.

    Attributes:
        version: of this program.
        ruleset: digest of the signatures in force.
        services: how many services were looked for.
        since: start of the window asked for, ``None`` for open.
        until: end of the window asked for (exclusive), ``None`` for open.
        sources: every log that was asked for, in the order of their names.
        findings: sorted by (service, actor id).
        names: whether actors are shown by name.
        canaries: (format name, whether its synthetic line was sighted) for every format that was read.
        gap_s: seconds of silence that count as a gap.
        policy: digest of the policy that judged, empty for none.
        left_out: (``observers`` or ``mutes``, how many sightings the policy leaves out for it).
    """

    version: str
    ruleset: str
    services: int
    since: int | None
    until: int | None
    sources: tuple[SourceRow, ...]
    findings: tuple[FindingRow, ...]
    names: bool
    canaries: tuple[tuple[str, bool], ...] = ()
    gap_s: int = 86_400
    policy: str = ""
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def unread_files(self) -> int:
        """Logs of which something could not be read."""
        return sum(bool(source.unread) for source in self.sources)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked for was read."""
        return self.unread_files == 0
