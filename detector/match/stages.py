"""What one network event proves: the indicator's stage, never more than the log can show."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detector.events import Action, Kind, Stage
from detector.match.sightings import Confidence

if TYPE_CHECKING:
    from detector.match.hosts import Target
    from detector.match.index import Candidates
    from detector.signatures import Indicator, Thresholds

_SENDING = frozenset({"POST", "PUT", "PATCH"})
_NEVER_ARRIVED = frozenset({502, 503, 504})
"""A gateway's own answers: the service was not reached."""


class Request(NamedTuple):
    """What a network log says of one request.

    Attributes:
        kind: what the log watches.
        at: microseconds since the epoch, ``None`` where unknown.
        target: where it went; the path is empty where the content was hidden.
        method: upper case, empty where unknown.
        status: the response's status, 0 where unknown.
        action: what the device did, ``None`` where the log does not say.
        bytes_sent: by the client, 0 where unknown.
    """

    kind: Kind
    at: int | None
    target: Target
    method: str
    status: int
    action: Action | None
    bytes_sent: int


class Proven(NamedTuple):
    """What a request proves."""

    indicator: Indicator
    stage: Stage
    confidence: Confidence
    denied: bool


def prove(candidates: Candidates, request: Request, thresholds: Thresholds) -> Proven | None:
    """Judge one request by the best indicator that is valid at its time; ``None`` where it proves nothing.

    A login challenge (401, 407) proves nothing. What was refused or never arrived is an attempt: the name was asked
    for, no more.
    """
    indicator = best(candidates, request)
    if indicator is None or request.action is Action.CHALLENGE or request.status in (401, 407):
        return None
    confidence = Confidence.PROBABLE if indicator.confidence == "low" else Confidence.CONFIRMED
    if request.kind is Kind.DNS:
        return Proven(indicator, Stage.RESOLVED, confidence, request.action is Action.DENIED)
    if _was_refused(request):
        return Proven(indicator, Stage.RESOLVED, confidence, denied=True)
    stage = indicator.stage
    if request.status >= 400 and stage.rung > Stage.VISITED.rung:
        stage = Stage.VISITED
    if _may_have_uploaded(candidates.host, stage, request, thresholds):
        return Proven(indicator, Stage.UPLOADED, Confidence.PROBABLE, denied=False)
    return Proven(indicator, stage, confidence, denied=False)


def best(candidates: Candidates, request: Request) -> Indicator | None:
    """The best indicator for a request: the longest path that fits, else the closest host."""
    if request.target.path:
        for indicator in candidates.urls:
            if _path_fits(indicator, request) and indicator.is_valid_at(request.at):
                return indicator
    return next((indicator for indicator in candidates.hosts if indicator.is_valid_at(request.at)), None)


def _path_fits(indicator: Indicator, request: Request) -> bool:
    path, prefix = request.target.path, indicator.path
    if not path.startswith(prefix) and path + "/" != prefix:
        return False
    if not prefix.endswith("/") and path[len(prefix) : len(prefix) + 1] not in ("", "/", ":", ";", "."):
        return False
    if indicator.methods and request.method and request.method not in indicator.methods:
        return False
    if indicator.query and not _has_parameter(request.target.query, indicator.query):
        return False
    return not (indicator.min_request_bytes and 0 < request.bytes_sent < indicator.min_request_bytes)


def _has_parameter(query: str, name: str) -> bool:
    return any(pair.partition("=")[0].lower() == name.lower() for pair in query.split("&"))


def _was_refused(request: Request) -> bool:
    if request.action is Action.DENIED or request.status in _NEVER_ARRIVED:
        return True
    return request.method == "CONNECT" and request.status >= 300


def _may_have_uploaded(host: str, stage: Stage, request: Request, thresholds: Thresholds) -> bool:
    """Whether the client sent so much to the product itself that it was probably an upload (never certain)."""
    if stage.rung in (0, Stage.UPLOADED.rung) or request.bytes_sent < thresholds.uploaded_request_bytes:
        return False
    if request.status >= 400 or (request.target.path and request.method not in _SENDING):
        return False
    return host in thresholds.opaque_hosts
