"""How the daemon speaks: what its sources lack, what its metrics say, and that alerts go out by themselves."""

import json
import re
import signal
import socket
import time
import urllib.error
import urllib.request

import pytest
from house import NOW, House
from kept import alert
from kills import CONFIG, site, squid_line, started
from prometheus_client.parser import text_string_to_metric_families
from servers import Http, answer

from detector.coverage import Unread
from detector.daemon import inforce
from detector.daemon.figures import Figures, open_s
from detector.daemon.notifier import Notifier
from detector.daemon.voice import Voice
from detector.daemon.watching import Watch
from detector.errors import StoreFault, UsageError
from detector.findings import AlertKind
from detector.store import State

SECOND = 1_000_000
DAY = 86_400 * SECOND
MANY = """\
listen: "127.0.0.1:0"
policy: policy.yml
signatures: [signatures]
sources:
  - {name: proxy, format: squid, paths: ["logs/access*"], max_silence_s: 3600}
  - {name: dns, format: unbound, paths: ["logs/dns*"], max_silence_s: 3600}
  - {name: mail, format: postfix, paths: ["logs/mail*"], max_silence_s: 999999999}
sinks:
  - {type: jsonl, path: alerts.jsonl}
canary: {domain: canary.example.org, within_s: 600}
"""
POLICY = """\
version: 1
timezone: UTC
services: {clearview-ai: {status: prohibited}}
approvals:
  - id: trial
    services: clearview-ai
    units: [Forensics]
    valid_from: 2019-01-01
    valid_until: 2019-12-31
    approver: Chief
    statement: A trial.
orders:
  - {id: cease, services: clearview-ai, effective: "2020-03-01T00:00:00Z", duties: [stop]}
"""


@pytest.fixture
def house(tmp_path):
    folder = tmp_path / "site"
    site(folder, MANY, "c*")
    (folder / "policy.yml").write_text(POLICY)

    class Prepared(House):
        def __init__(self):
            self.folder, self.told, self.beats = folder, [], []
            self.logs = folder / "logs"
            self.clock = lambda: NOW
            self.start()

    house = Prepared()
    house.health.running(is_running=True)
    yield house
    house.store.close()


def kinds(house):
    return sorted(one.alert.kind.value + ("/over" if one.alert.resolved else "") for one in waiting(house))


def waiting(house):
    return [one for incident in house.store.incidents() for one in house.store.waiting("jsonl", incident.id)]


def states(house):
    return {one.id: one.state for one in house.store.incidents()}


class TestWatch:
    def watch(self, house):
        return Watch(house.store, house.health)

    def test_a_source_that_falls_silent_is_told_once_and_its_end_too(self, house):
        watch = self.watch(house)
        with house.store.batch(NOW) as batch:
            batch.count("proxy", parsed=1, newest_at=NOW)
        assert watch.look(house.force, NOW + 3600 * SECOND) == 2  # canaries: none came through
        assert watch.look(house.force, NOW + 3601 * SECOND) == 2
        assert watch.look(house.force, NOW + 3602 * SECOND) == 0
        assert kinds(house).count("silent-source") == 2
        assert "silence:proxy" in house.health.state.faults
        with house.store.batch(NOW) as batch:
            batch.count("proxy", parsed=1, newest_at=NOW + 3600 * SECOND)
        assert watch.look(house.force, NOW + 3603 * SECOND) == 1
        assert kinds(house).count("silent-source/over") == 1
        assert states(house)["source:proxy:silent-source"] is State.CLOSED
        assert states(house)["source:dns:silent-source"] is State.OPEN
        assert "silence:proxy" not in house.health.state.faults

    def test_nothing_is_said_before_every_source_was_gone_over(self, house):
        house.health.running(is_running=False)
        assert self.watch(house).look(house.force, NOW + DAY) == 0

    def test_another_start_tells_nothing_twice(self, house):
        assert self.watch(house).look(house.force, NOW + 3601 * SECOND) == 4
        assert self.watch(house).look(house.force, NOW + 3602 * SECOND) == 4
        assert len(waiting(house)) == 4

    def test_a_gap_and_its_end(self, house):
        watch = self.watch(house)
        with house.store.batch(NOW) as batch:
            batch.gap(Unread("mail", "/l/mail.gz", NOW - DAY, NOW, "damaged"))
            batch.gap(Unread("gone", "/l/other", NOW - DAY, NOW, "damaged"))
        assert watch.look(house.force, NOW + 1) == 1
        assert kinds(house) == ["coverage-gap"]
        with house.store.batch(NOW) as batch:
            batch.close_gaps("/l/mail.gz")
        assert watch.look(house.force, NOW + 2) == 1
        assert kinds(house) == ["coverage-gap", "coverage-gap/over"]
        (first, last) = waiting(house)
        assert (first.alert.source, last.alert.source, last.alert.severity) == ("mail", "mail", first.alert.severity)

    def test_many_gaps_are_some_alerts_and_a_digest(self, house):
        with house.store.batch(NOW) as batch:
            for number in range(50):
                batch.gap(Unread("mail", f"/l/{number}", NOW, NOW, "damaged"))
        assert self.watch(house).look(house.force, NOW + 1) == 21
        assert sum(one.alert.facts.get("alerts", 1) for one in waiting(house)) == 50

    def test_a_canary_that_is_missed_and_one_that_comes_again(self, house):
        watch = self.watch(house)
        house.health.canary("proxy", NOW)
        assert watch.look(house.force, NOW + 601 * SECOND) == 2
        assert kinds(house) == ["canary-missed", "canary-missed"]
        house.health.canary("dns", NOW + 602 * SECOND)
        assert watch.look(house.force, NOW + 603 * SECOND) == 1
        assert kinds(house) == ["canary-missed", "canary-missed", "canary-missed/over"]

    def test_an_open_incident_is_told_again_daily_until_somebody_looks(self, house):
        watch = self.watch(house)
        with house.store.batch(NOW) as batch:
            batch.enqueue([alert("k1")], ["jsonl"])
        house.health.canary("proxy", NOW + DAY)
        house.health.canary("dns", NOW + DAY)
        with house.store.batch(NOW) as batch:
            for name in ("proxy", "dns", "mail"):
                batch.count(name, parsed=1, newest_at=NOW + DAY)
        assert watch.look(house.force, NOW + DAY - 1) == 0
        assert watch.look(house.force, NOW + DAY) == 1
        assert watch.look(house.force, NOW + DAY + SECOND) == 0
        assert kinds(house) == ["new-person", "still-open"]
        house.store.ack("clearview-ai", by="me", note="", now=NOW + DAY)
        assert watch.look(house.force, NOW + DAY + 500 * SECOND) == 0


class TestFigures:
    def test_a_moment_of_the_store(self, house):
        house.write(range(5), user="u1")
        house.write(range(5, 8), user="u2")
        house.run()
        with house.store.batch(NOW) as batch:
            batch.gap(Unread("dns", "/l/dns", NOW - 60 * SECOND, NOW, "damaged"))
            batch.enqueue([alert("k1")], ["jsonl", "former"])
        house.health.canary("proxy", NOW)
        taken = Figures(house.store).snapshot(house.force, house.health.state, {("jsonl", "parked"): 2}, NOW)
        assert taken.sources["proxy"].parsed == 8
        assert taken.sources["proxy"].canary == NOW
        assert (taken.sources["dns"].gap_s, taken.sources["dns"].newest) == (60.0, None)
        assert {key: value for key, value in taken.findings.items() if value} == {("clearview-ai", "unapproved"): 2}
        assert taken.actors == {("clearview-ai", "unapproved"): 2}
        assert sum(taken.sightings.values()) == 8
        assert taken.first_seen["clearview-ai"] < taken.last_seen["clearview-ai"]
        assert taken.orders == {"clearview-ai": 1_583_020_800 * SECOND}
        assert taken.approvals == {"clearview-ai": 1_577_836_800 * SECOND}
        assert taken.pending["jsonl"] >= 1
        assert taken.pending["former"] == 1
        assert taken.notifications == {("jsonl", "parked"): 2}
        assert len(taken.catalogue) == len(house.force.ruleset.signatures)

    def test_an_empty_store(self, house):
        figures = Figures(house.store)
        for _ in range(2):
            taken = figures.snapshot(house.force, house.health.state, {}, NOW)
        assert (taken.findings, taken.succeeded, taken.pending) == ({}, None, {"jsonl": 0})

    def test_gaps_that_overlap_count_once(self):
        gaps = [Unread("s", "a", 0, 2 * SECOND, ""), Unread("s", "b", SECOND, 3 * SECOND, ""),
                Unread("s", "c", 0, SECOND, ""), Unread("s", "d", None, 9 * SECOND, "")]  # fmt: skip
        assert open_s(gaps, 0) == 3.0


class TestVoice:
    def voice(self, house):
        return Voice(house.force, house.store, house.health, house.clock, lambda: True)

    def get(self, voice, path="/metrics"):
        host, port = voice.listener.address
        with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=10) as said:
            return said.read().decode()

    def changed(self, house, old, new):
        path = house.folder / "shadowit.yml"
        path.write_text(path.read_text().replace(old, new))
        return inforce.load(path)

    def test_it_shows_metrics_and_delivers(self, house):
        house.write(range(5))
        house.run()
        voice = self.voice(house)
        voice.start()
        end = time.monotonic() + 10
        while house.store.backlogs()[0].pending and time.monotonic() < end:
            time.sleep(0.02)
        families = {one.name: one for one in text_string_to_metric_families(self.get(voice))}
        voice.stop()
        assert json.loads((house.folder / "alerts.jsonl").read_text().splitlines()[0])["class_uid"] == 2004
        assert {one.labels["service"]: one.value for one in families["shadowit_findings"].samples if one.value} == {
            "clearview-ai": 1
        }

    def test_it_goes_on_with_another_configuration(self, house):
        voice = self.voice(house)
        voice.start()
        first = voice.listener
        voice.use(self.changed(house, "path: alerts.jsonl", "path: others.jsonl, name: other"))
        assert (voice.listener is first, voice.notifier.sinks) == (True, ["other"])
        voice.use(self.changed(house, '"127.0.0.1:0"', '"[::1]:0"' if socket.has_ipv6 else '"localhost:0"'))
        assert voice.listener is not first
        voice.use(self.changed(house, "listen: ", "listen: '' #"))
        assert voice.listener is None
        voice.stop()

    def test_a_listener_that_cannot_be_had_is_a_fault_and_the_one_before_stays(self, house):
        voice = self.voice(house)
        voice.start()
        first = voice.listener
        voice.use(self.changed(house, '"127.0.0.1:0"', '"0.0.0.0:0"'))
        assert "needs TLS" in house.health.state.faults["listener"].reason
        assert self.get(voice, "/-/healthy")
        assert voice.listener is first or voice.listener is None
        voice.stop()

    def test_an_address_that_others_can_reach_does_not_even_start(self, house):
        house.force = self.changed(house, '"127.0.0.1:0"', '"0.0.0.0:0"')
        with pytest.raises(UsageError, match="needs TLS"):
            self.voice(house).start()

    def test_it_looks_after_the_sources_from_time_to_time(self, house, monkeypatch):
        voice = self.voice(house)
        voice.clock = lambda: NOW + 3601 * SECOND
        voice.tend()
        assert len(waiting(house)) == 4
        voice.clock = lambda: NOW + 2 * DAY
        voice.tend()
        assert len(waiting(house)) == 4
        voice._watch_at = 0  # noqa: SLF001 - time passes

        def full(*_):
            raise StoreFault("disk full")

        monkeypatch.setattr(house.store, "progress", full)
        voice.tend()
        assert house.health.state.faults["watch"].reason == "disk full"


class TestDrain:
    def test_what_waits_goes_out_once(self, house):
        house.write(range(5))
        house.run()
        assert Notifier(house.store).drain(house.force.channels) == 0
        assert AlertKind.NEW_PERSON in (house.folder / "alerts.jsonl").read_text()

    def test_what_does_not_arrive_still_waits(self, house):
        house.write(range(5))
        house.run()
        (house.folder / "alerts.jsonl").mkdir()
        assert Notifier(house.store).drain(house.force.channels) == 2


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def until(look, limit_s=40):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            found = look()
        except OSError:
            found = None
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("not within the time")


def test_a_daemon_tells_a_webhook_shows_metrics_and_takes_another_configuration(tmp_path):
    """The whole way: a line in a log, a signed alert at a receiver, the same count in the metrics, a reload by POST."""
    port = free_port()
    with Http(answer(500), answer(204)) as server:
        folder = site(
            tmp_path / "site",
            CONFIG.replace('""', f'"127.0.0.1:{port}"')
            + f"  - {{type: webhook, url: '{server.url}', secret_file: secret}}\n",
        )
        (folder / "secret").write_text("canary-of-a-secret")
        (folder / "secret").chmod(0o600)
        (folder / "logs" / "access.log").write_bytes(squid_line(1, "alice.smith") + b"\n")
        running = started(folder)
        try:

            def get(path, method="GET"):
                asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
                with urllib.request.urlopen(asked, timeout=10) as said:
                    return said.read().decode()

            until(lambda: len(server.requests) > 1)
            keys = [headers["idempotency-key"] for _, headers, _ in server.requests]
            assert len({key for key in keys if key.startswith("new-person")}) == 1
            until(lambda: re.search('notifications_total{result="delivered",sink="webhook"} [1-9]', get("/metrics")))
            shown = get("/metrics")
            assert 'shadowit_findings{service="clearview-ai",verdict="unreviewed"} 1.0' in shown
            assert json.loads(until(lambda: get("/-/ready")))["ready"]
            assert json.loads(get("/-/reload", "POST"))["reloaded"]
            good = (folder / "shadowit.yml").read_text()
            (folder / "shadowit.yml").write_text("sorces: []\n")
            with pytest.raises(urllib.error.HTTPError) as bad:
                get("/-/reload", "POST")
            with bad.value:
                assert "did you mean 'sources'" in json.loads(bad.value.read())["reason"]
            assert (
                "shadowit_config_last_reload_successful 0.0"
                in until(lambda: re.search("shadowit_config_last_reload_successful 0.0", get("/metrics"))).group()
            )
            (folder / "shadowit.yml").write_text(good)
            sent = [body.decode() for _, _, body in server.requests]
            said = " ".join([shown, *sent, (folder / "stderr").read_text()])
            assert "alice" not in said
            assert "canary-of-a-secret" not in said
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 0
