"""Sightings and alerts as a store keeps them, and stores to keep them in."""

import postgresql
import pytest

from detector.events import Kind, Stage
from detector.findings import Alert, AlertKind, Attributed, Severity
from detector.match import Actor, ActorKind, Confidence
from detector.policy import Verdict
from detector.store import Store

AT = 1_582_761_600_000_000
KEY = b"k" * 32


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


@pytest.fixture(scope="module")
def server():
    with postgresql.running() as one:
        yield one


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/kept/shadowit.db"
    name = f"of_{abs(hash(request.node.nodeid)) % 10**12}"
    return request.getfixturevalue("server").create(name)


@pytest.fixture
def store(url):
    with Store.open(url, writable=True, key=KEY) as one:
        yield one


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kept" / "shadowit.db"


@pytest.fixture
def plain(path):
    with Store.open(f"sqlite:///{path}", writable=True, key=KEY) as one:
        yield one
