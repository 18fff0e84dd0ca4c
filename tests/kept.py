"""Sightings and alerts as a store keeps them."""

from detector.events import Kind, Stage
from detector.findings import Alert, AlertKind, Attributed, Severity
from detector.match import Actor, ActorKind, Confidence
from detector.policy import Verdict

AT = 1_582_761_600_000_000


def sighting(number, *, actor=1, service="clearview-ai", **said):
    """One sighting; its id is its number."""
    told = {
        "id": f"s{number}", "service": service, "indicator": "host-1", "stage": Stage.VISITED,
        "confidence": Confidence.CONFIRMED, "at": AT + number, "denied": False,
        "actor": Actor(ActorKind.ACCOUNT, f"p-{actor:016x}"), "grade": "high", "one_of": 1, "unit": "Patrol",
        "host": "app.clearview.ai", "bytes_sent": 100, "counterpart": "", "kind": Kind.PROXY, "dataset": "squid",
        "source": "proxy", "path": "/logs/access.log", "stream": "stream", "offset": 100 * number, "part": 0,
        "length": 80, "sha256": "ab" * 32, "verdict": Verdict.UNREVIEWED, "ruling": "",
    }  # fmt: skip
    return Attributed(**told | said)


def alert(key, *, service="clearview-ai", severity=Severity.LOW):
    """One alert of a service's incident."""
    facts = {"actor": "p-0000000000000001", "people": 1}
    return Alert(
        key, f"service:{service}", AlertKind.NEW_PERSON, severity, service, "fr", AT, "seen for the first time", facts
    )
