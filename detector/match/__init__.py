"""EventBatch × Ruleset → SightingBatch: exact, on label boundaries, on remembered hosts."""

from detector.match.hosts import Target, normalise, target_of
from detector.match.index import Candidates, Index, Tier
from detector.match.mail import Mail, MailIndex, Proof
from detector.match.matching import Matcher
from detector.match.sightings import (
    Actor,
    ActorKind,
    Attribute,
    Attribution,
    Confidence,
    Sighting,
    SightingBatch,
    sighting_id,
)
from detector.match.stages import Proven, Request, prove

__all__ = [
    "Actor",
    "ActorKind",
    "Attribute",
    "Attribution",
    "Candidates",
    "Confidence",
    "Index",
    "Mail",
    "MailIndex",
    "Matcher",
    "Proof",
    "Proven",
    "Request",
    "Sighting",
    "SightingBatch",
    "Target",
    "Tier",
    "normalise",
    "prove",
    "sighting_id",
    "target_of",
]
