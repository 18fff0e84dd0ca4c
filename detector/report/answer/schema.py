"""The JSON document of an answer, ``shadowit.answer/1``: what it may hold, for programs that read it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from detector.report.answer.graph import Part as _Part
from detector.report.answer.graph import Spread

SCHEMA: Literal["shadowit.answer/1"] = "shadowit.answer/1"


class Tool(_Part):
    """The program."""

    name: str
    version: str


class Question(_Part):
    """What was asked; ``window_given`` is false where the time is that of the logs themselves."""

    service: str
    service_name: str
    category: str
    data_location: str
    since: str
    until: str
    window_given: bool
    stage: str
    needed: list[str]
    required_pct: float


class Span(_Part):
    """A stretch of time (ISO 8601, UTC)."""

    since: str = Field(serialization_alias="from")
    until: str = Field(serialization_alias="to")


class Unread(_Part):
    """What could not be read."""

    place: str
    reason: str


class KindOfLog(_Part):
    """One kind of log."""

    kind: str
    needed: bool
    read: bool
    share_pct: float


class SourceOfLogs(_Part):
    """One source; ``fields`` is null where nobody sampled it."""

    name: str
    kind: str
    formats: list[str]
    lines: int
    share_pct: float
    unparsed_pct: float
    can_show: bool
    canary: bool
    fields: list[str] | None
    gaps: list[Span]
    unread: list[Unread]


class Lacking(_Part):
    """One reason why coverage is short."""

    kind: str
    place: str
    text: str


class Canary(_Part):
    """Whether the synthetic line of a format was sighted."""

    format: str
    sighted: bool


class Directory(_Part):
    """People of the directory, and how many of them the logs are known to show."""

    people: int
    seen: int


class Coverage(_Part):
    """What was read, and what was not."""

    met: bool
    kinds: list[KindOfLog]
    sources: list[SourceOfLogs]
    stray: list[Unread]
    lacking: list[Lacking]
    signs: list[str]
    directory: Directory | None
    declared_blind_spots: list[str]
    canaries: list[Canary]


class Evidence(_Part):
    """One line that anybody can open again."""

    path: str
    offset: int
    length: int
    sha256: str
    indicator: str
    stage: str
    at: str | None
    denied: bool
    sighting: str


class StageSeen(_Part):
    """What was seen of one stage."""

    stage: str
    first_seen: str | None
    last_seen: str | None
    sightings: int


class Who(_Part):
    """One actor; ``name`` is null without names; ``units`` and ``evidence`` are for the internal reader."""

    id: str
    name: str | None
    kind: str
    confidence: str
    one_of: int
    units: list[str]
    stage: str
    stage_confidence: str
    verdict: str
    verdicts: dict[str, int]
    first_seen: str | None
    last_seen: str | None
    days: int
    sightings: int
    denied: int
    bytes_sent: int
    stages: list[StageSeen]
    evidence: list[Evidence]


class Follower(_Part):
    """One person and one order; instants are null where there is no such use."""

    id: str
    compliance: Literal["compliant", "breach", "unproven"]
    reason: str
    is_bound: bool
    days_before: int
    days_grace: int
    days_after: int
    background_after: int
    attempts_after: int
    allowed_after: int
    last_before: str | None
    first_after: str | None
    last_use: str | None
    deletion: Literal["not-asked", "no-account", "seen", "open"]
    deleted: str | None


class Order(_Part):
    """One order to cease use; ``people`` is null where they may not be shown."""

    id: str
    effective: str
    breach_from: str
    duties: list[str]
    compliance: Literal["compliant", "breach", "unproven"]
    covered_pct: float
    people: list[Follower] | None


class Approval(_Part):
    """One approval and the use that it got."""

    id: str
    since: str = Field(serialization_alias="from")
    until: str
    state: str
    within: int
    needs_reference: int
    people: int
    references: int


class User(_Part):
    """Uses of one person: within approvals, in need of a case reference, outside, before any approval began."""

    id: str
    within: int
    needs_reference: int
    outside: int
    before: int
    reasons: list[str]


class Approvals(_Part):
    """Approvals about the service, and who used it."""

    approvals: list[Approval]
    people: list[User]


class VendorAccount(_Part):
    """An account that only the vendor knows."""

    account: str
    created: str | None
    logins: int
    searches: int
    last_login: str | None
    last_search: str | None


class Vendor(_Part):
    """A vendor's list beside the logs; the lists are empty for readers who may not see them."""

    accounts: int
    matched: int
    vendor_only: int
    ours_only: int
    seen_pct: float
    matched_people: list[str]
    vendor_only_accounts: list[VendorAccount]
    ours_only_people: list[str]


class Statement(_Part):
    """What somebody said, beside what the logs show until then."""

    person: str
    statement: str
    date: str
    days_of_use_before: int
    stage_before: str | None
    contradicted: bool
    in_vendor_list: bool


class Unit(_Part):
    """People of one unit; null where they are fewer than ``k`` or hidden."""

    unit: str
    people: int | None


class Answer(_Part):
    """One answer, as one reader may see it."""

    document: Literal["shadowit.answer/1"] = Field(serialization_alias="schema")
    tool: Tool
    ruleset: str
    policy: str | None
    reader: str
    purpose: str | None
    question: Question
    outcome: Literal["found", "not-observed", "not-observed-coverage-short", "cannot-say"]
    verdict: str
    headline: str
    text: list[str]
    coverage: Coverage
    k: int
    found: int | None
    units: list[Unit]
    people: list[Who]
    traces: list[Who]
    orders: list[Order]
    approvals: Approvals | None
    vendor: Vendor | None
    statements: list[Statement]
    spread: Spread | None
