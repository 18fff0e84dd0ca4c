"""The whole way with real programs: servers write, the daemon reads, Prometheus fires, Alertmanager delivers.

One person signs up by mail, looks in and uploads; three clients ask three resolvers; all others browse, ask and write
to names that only look alike. The right people, stages and times come out, nothing else.
"""

import contextlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e import servers

ROOT = Path(__file__).parent.parent.parent
NEEDED = (
    "squid", "unbound", "named", "dnsmasq", "postfix", "prometheus", "prometheus-alertmanager",
)  # fmt: skip
MISSING = [name for name in NEEDED if servers.program(name) is None]
pytestmark = [
    pytest.mark.outside,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

PEOPLE = """\
id,name,mails,accounts,unit,valid_from,valid_until
u1042,u1042,u1042@service.example,u1042,homicide,2019-01-01,
u1007,u1007,u1007@service.example,u1007,patrol,2019-01-01,
"""
POLICY = "version: 1\nservices: {clearview-ai: prohibited}\n"


@dataclass
class World:
    """Everything that runs."""

    servers: dict
    web: int
    folder: Path
    daemon: subprocess.Popen
    port: int
    alertmanager: servers.Server
    hook: servers.Receiver

    def command(self, *arguments):
        command = [sys.executable, "-m", "detector", *arguments, "-c", str(self.folder / "shadowit.yml")]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    def findings(self):
        done = self.command("findings", "list", "-f", "jsonl")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def seen(self):
        """(service, kind of actor, stage, sightings) of every finding."""
        return sorted((one["service"], one["actor"]["kind"], one["stage"], one["sightings"]) for one in self.findings())

    def metric(self, name):
        text = servers.fetched(f"http://127.0.0.1:{self.port}/metrics").decode()
        return [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name)]


def configuration(folder, logs, port, alertmanager):
    """A configuration of the five logs."""
    formats = {
        "squid": "squid",
        "unbound": "unbound",
        "bind": "bind_querylog",
        "dnsmasq": "dnsmasq",
        "postfix": "postfix",
    }
    sources = "".join(
        f'  - {{name: {name}, format: {formats[name]}, paths: ["{server.log}*"], timezone: UTC}}\n'
        for name, server in logs.items()
    )
    (folder / "people.csv").write_text(PEOPLE)
    (folder / "policy.yml").write_text(POLICY)
    key = folder / "pseudonym.key"
    key.write_text("0123456789abcdef0123456789abcdef\n")
    key.chmod(0o600)
    (folder / "shadowit.yml").write_text(
        f"interval_s: 1\nlisten: 127.0.0.1:{port}\npeople: people.csv\npolicy: policy.yml\n"
        "privacy: {names: false, key_file: pseudonym.key}\n"
        f"sources:\n{sources}"
        f'sinks:\n  - {{type: alertmanager, url: "http://127.0.0.1:{alertmanager}"}}\n'
    )


@pytest.fixture
def world(tmp_path_factory):
    folder = Path(tmp_path_factory.mktemp("world"))
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)  # the servers' own users must get through
    with contextlib.ExitStack() as stack:

        def run(start, *arguments):
            server = start(folder, *arguments)
            stack.callback(server.stop)
            return server

        logs = {
            one.__name__: run(one)
            for one in (servers.squid, servers.unbound, servers.bind, servers.dnsmasq, servers.postfix)
        }
        web, hook = stack.enter_context(servers.web_site()), stack.enter_context(servers.receiver())
        alertmanager, port = run(servers.alertmanager, hook.port), servers.free_port()
        configuration(folder, logs, port, alertmanager.port)
        run(servers.prometheus, f"127.0.0.1:{port}", alertmanager.port, ROOT / "deploy/prometheus/shadowit.rules.yml")
        daemon = servers.started(
            [sys.executable, "-m", "detector", "run", "-c", folder / "shadowit.yml"], folder, PYTHONPATH=str(ROOT)
        )
        stack.callback(daemon.wait, 15)
        stack.callback(daemon.kill)
        servers.until(lambda: servers.listens(port), f"the daemon: {(folder / 'said.txt').read_text()}")
        yield World(logs, web, folder, daemon, port, alertmanager, hook)


def harmless(world):
    """What must not be found: look-alikes, other sites, news about the vendor."""
    logs, web = world.servers, world.web
    for name in servers.LOOK_ALIKES:
        assert (
            servers.browse(logs["squid"].port, f"http://{name}:{web}/?from=clearview.ai", "u1007", "127.0.0.22")[1]
            == 200
        )
        for resolver in ("unbound", "bind", "dnsmasq"):
            assert servers.asked(logs[resolver].port, f"www.{name}", "127.0.0.39")
    servers.mailed(logs["postfix"].port, "news@paper.example", "u1007@service.example", "Clearview AI in court")
    servers.mailed(logs["postfix"].port, "orders@notclearview.ai", "u1007@service.example", "Verify your email address")


def test_the_right_people_stages_and_times_come_out(world):
    logs, web = world.servers, world.web
    begun = time.time()
    harmless(world)
    servers.mailed(logs["postfix"].port, "noreply@clearview.ai", "u1042@service.example", "Verify your email address")
    assert servers.browse(logs["squid"].port, f"http://app.clearview.ai:{web}/app/login", "u1042", "127.0.0.21") == [
        407,
        200,
    ]
    servers.until(lambda: any(one[3] == 2 for one in world.seen()), "mail and proxy meet in one person")

    servers.rotate_squid(logs["squid"])  # the rotated file is followed, the new one is found
    upload = f"http://app.clearview.ai:{web}/api/v1/search_uploads"
    servers.browse(logs["squid"].port, upload, "u1042", "127.0.0.21", b"x" * 50_000)
    for resolver, client in (("unbound", "127.0.0.31"), ("bind", "127.0.0.32"), ("dnsmasq", "127.0.0.33")):
        assert servers.asked(logs[resolver].port, "App.ClearView.AI", client)
    expected = [("clearview-ai", "address", "resolved", 1)] * 3 + [("clearview-ai", "person", "uploaded", 3)]
    servers.until(lambda: world.seen() == expected, f"what is seen: {world.seen()}")

    (person,) = [one for one in world.findings() if one["actor"]["kind"] == "person"]
    assert person["verdict"] == "unapproved"
    assert "name" not in person["actor"]
    assert begun - 2 <= _epoch(person["first_seen"]) <= _epoch(person["last_seen"]) <= time.time() + 1

    fired = servers.until(lambda: _alerts(world, "ShadowitUnapprovedUse"), "Prometheus fires, Alertmanager delivers")
    assert {one["labels"]["service"] for one in fired} == {"clearview-ai"}
    own = servers.until(
        lambda: {one["labels"]["alertname"] for one in _alerts(world) if "incident" in one["annotations"]},
        "the daemon's own alerts arrive",
    )
    assert {"ShadowitNewPerson"} <= own
    everything = json.dumps(world.hook.bodies) + servers.fetched(f"http://127.0.0.1:{world.port}/metrics").decode()
    for name in ("u1042", "u1007", "127.0.0.21", "127.0.0.31", "service.example"):
        assert name not in everything
    assert sum(world.metric('shadowit_sightings_total{service="clearview-ai"')) == 6

    world.daemon.send_signal(signal.SIGTERM)
    assert world.daemon.wait(30) == 0
    assert world.seen() == expected


def _epoch(instant):
    from datetime import datetime  # noqa: PLC0415 - used here only

    return datetime.fromisoformat(instant).timestamp()


def _alerts(world, name=""):
    """The alerts that were delivered."""
    every = [alert for body in list(world.hook.bodies) for alert in body["alerts"]]
    return [one for one in every if not name or one["labels"]["alertname"] == name]
