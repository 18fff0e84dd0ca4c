"""One moment of the daemon, as far as dashboards see it: counts and instants, nobody's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from detector.events import Stage
from detector.signatures import Ruleset, Signature

OTHER = "other"
"""What is counted together because it has no series of its own."""
LIMIT = 500
"""Sources, sinks, jobs and categories that have series of their own."""

_Key = TypeVar("_Key", bound="tuple[str, ...]")


@dataclass(frozen=True, slots=True)
class Source:
    """What was read of one source; instants are microseconds since the epoch, ``None`` for never.

    Attributes:
        parsed: lines that are events.
        filtered: lines that were passed over.
        unparsed: lines that are not what their format says.
        read_bytes: decompressed.
        newest: the latest instant of an event.
        succeeded: when a pass over it last ended well.
        lag_bytes: bytes on disk that are not read yet.
        gap_s: seconds that lie in open gaps.
        canary: when its canary last came through.
    """

    parsed: int = 0
    filtered: int = 0
    unparsed: int = 0
    read_bytes: int = 0
    newest: int | None = None
    succeeded: int | None = None
    lag_bytes: int = 0
    gap_s: float = 0
    canary: int | None = None

    def __add__(self, other: Source) -> Source:
        """Both together; of two instants the earlier one counts, so that no fault hides behind the other."""
        return Source(
            self.parsed + other.parsed, self.filtered + other.filtered, self.unparsed + other.unparsed,
            self.read_bytes + other.read_bytes, _earlier(self.newest, other.newest),
            _earlier(self.succeeded, other.succeeded), self.lag_bytes + other.lag_bytes, self.gap_s + other.gap_s,
            _earlier(self.canary, other.canary),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the catalogue.

    Attributes:
        category: its category.
        stages: those that its indicators can prove.
    """

    category: str
    stages: tuple[Stage, ...]


def catalogue_of(ruleset: Ruleset) -> dict[str, Service]:
    """The services of a ruleset, as metrics show them."""
    by_mail = {kind.stage for kind in ruleset.mail_kinds}
    return {one.id: Service(one.category, _provable(one, by_mail)) for one in ruleset.signatures}


def _provable(signature: Signature, by_mail: set[Stage]) -> tuple[Stage, ...]:
    """Stages that a service can show: by its indicators, by names in DNS, by mail where it sends any."""
    stages = {Stage.RESOLVED, *(indicator.stage for indicator in signature.indicators)}
    if signature.mail.domains or signature.mail.names:
        stages |= by_mail | {stage for stage, _ in signature.mail.subjects}
    return tuple(stage for stage in Stage if stage in stages)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of the daemon; instants are microseconds since the epoch, UTC.

    Attributes:
        ruleset: digest of the signatures in force.
        policy: digest of the policy in force, empty for none.
        is_reload_good: whether the last new configuration was taken.
        catalogue: services by id.
        sources: by name.
        succeeded: when a pass last ended well, ``None`` for never.
        duration_s: of the last pass.
        failures: passes that did not end well.
        skipped: (job, reason) → runs that were skipped.
        sightings: (service, stage) → how many there were.
        findings: (service, verdict) → actors by the heaviest verdict of their sightings.
        actors: (service, verdict) → actors with at least one sighting of it.
        first_seen: service → the earliest known instant.
        last_seen: service → the latest known instant.
        orders: service → since when the order to cease use counts.
        approvals: service → when its last approval ends.
        notifications: (sink, result) → attempts to deliver.
        pending: sink → alerts that wait.
    """

    ruleset: str = ""
    policy: str = ""
    is_reload_good: bool = True
    catalogue: Mapping[str, Service] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    succeeded: int | None = None
    duration_s: float = 0
    failures: int = 0
    skipped: Mapping[tuple[str, str], int] = field(default_factory=dict)
    sightings: Mapping[tuple[str, str], int] = field(default_factory=dict)
    findings: Mapping[tuple[str, str], int] = field(default_factory=dict)
    actors: Mapping[tuple[str, str], int] = field(default_factory=dict)
    first_seen: Mapping[str, int] = field(default_factory=dict)
    last_seen: Mapping[str, int] = field(default_factory=dict)
    orders: Mapping[str, int] = field(default_factory=dict)
    approvals: Mapping[str, int] = field(default_factory=dict)
    notifications: Mapping[tuple[str, str], int] = field(default_factory=dict)
    pending: Mapping[str, int] = field(default_factory=dict)

    def bounded(self, limit: int = LIMIT) -> Snapshot:
        """The same with no more sources, sinks and jobs than may have series of their own."""
        sources: dict[str, Source] = {}
        for rank, name in enumerate(sorted(self.sources)):
            kept = name if rank < limit else OTHER
            sources[kept] = sources[kept] + self.sources[name] if kept in sources else self.sources[name]
        return replace(
            self,
            sources=sources,
            skipped=first_of_each(self.skipped, limit),
            notifications=first_of_each(self.notifications, limit),
            pending={key[0]: count for key, count in first_of_each(_as_keys(self.pending), limit).items()},
        )


def first_of_each(counts: Mapping[_Key, int], limit: int) -> dict[_Key, int]:
    """Counts whose first label has few values enough: the first ones in their order, the others as ``other``."""
    kept = set(sorted({key[0] for key in counts})[:limit])
    sums: Counter[_Key] = Counter()
    for key, count in counts.items():
        sums[key if key[0] in kept else type(key)((OTHER, *key[1:]))] += count
    return dict(sums)


def _as_keys(counts: Mapping[str, int]) -> dict[tuple[str, ...], int]:
    return {(name,): count for name, count in counts.items()}


def _earlier(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else min(one, other)
