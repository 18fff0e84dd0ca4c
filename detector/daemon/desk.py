"""What passes over sources work with, and what they tell of themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from detector.audit.plan import Site
from detector.audit.sighter import Sighter
from detector.daemon.keeping import Keeper
from detector.formats import Formats


class Outcome(NamedTuple):
    """What a pass did.

    Attributes:
        is_done: nothing is left to read.
        bytes: read.
        sightings: new ones.
        alerts: put into the outbox.
        faults: what could not be read, for a person.
    """

    is_done: bool = True
    bytes: int = 0
    sightings: int = 0
    alerts: int = 0
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class Desk:
    """What one pass works with.

    Attributes:
        site: what the configuration says about the logs.
        formats: log formats.
        sighter: sees.
        keeper: keeps.
        budget_bytes: after so many bytes others are let in.
        is_stopped: asked after each part: whether to end early.
        said: told what a person should know.
        progressed: told after each transaction: a sign of life.
    """

    site: Site
    formats: Formats
    sighter: Sighter
    keeper: Keeper
    budget_bytes: int
    is_stopped: Callable[[], bool]
    said: Callable[[str], None]
    progressed: Callable[[], None]


def added(one: Outcome, other: Outcome) -> Outcome:
    """What two parts of a pass did together."""
    return Outcome(
        is_done=one.is_done,
        bytes=one.bytes + other.bytes,
        sightings=one.sightings + other.sightings,
        alerts=one.alerts + other.alerts,
        faults=tuple(dict.fromkeys((*one.faults, *other.faults))),
    )
