"""A policy that was changed judges history: at the start, when it is taken anew, and what was kept meanwhile."""

import threading
import time

import pytest
from house import House
from kills import CONFIG

from detector.daemon.judging import judge_again
from detector.daemon.running import assembled
from detector.errors import StoreFault

PROHIBITED = "version: 1\nservices: {clearview-ai: prohibited}\n"
APPROVED = """\
version: 1
services: {clearview-ai: prohibited}
approvals:
  - {id: ok, services: clearview-ai, people: u1, valid_from: 1970-01-01, valid_until: 2100-01-01, statement: said}
"""


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path / "site")
    yield house
    house.store.close()


@pytest.fixture
def daemon(house):
    started = []

    def start():
        started.append(assembled(house.force, house.store, (), house.clock, house.told.append))
        return started[-1]

    yield start
    for one in started:
        one.voice.stop()


def decide(house, text):
    (house.folder / "policy.yml").write_text(text)
    (house.folder / "shadowit.yml").write_text(f"policy: policy.yml\n{CONFIG}")


def verdicts(house):
    return sorted(one.verdict.value for one in house.store.sightings())


class TestStart:
    def test_history_is_judged_by_a_policy_that_is_new(self, house, daemon):
        house.write(range(3), user="u1")
        house.write(range(3, 5), user="u2")
        house.run()
        assert verdicts(house) == ["unreviewed"] * 5
        decide(house, APPROVED)
        house.restart()
        daemon()
        assert verdicts(house) == ["approved"] * 3 + ["unapproved"] * 2
        assert house.told[-1] == f"5 sightings got another verdict by the policy {house.force.policy_digest[:12]}"
        assert set(house.store.former_verdicts("").values()) == {"unreviewed"}
        told = len(house.told)
        daemon()
        assert len(house.told) == told

    def test_a_policy_that_is_taken_away_judges_nothing(self, house, daemon):
        decide(house, PROHIBITED)
        house.restart()
        house.write(range(2))
        house.run()
        daemon()
        assert verdicts(house) == ["unapproved"] * 2
        (house.folder / "shadowit.yml").write_text(CONFIG)
        house.restart()
        daemon()
        assert verdicts(house) == ["unreviewed"] * 2


class TestReload:
    def test_history_is_judged_when_a_policy_is_taken_anew(self, house, daemon):
        running = daemon()
        house.write(range(2), user="u1")
        house.run()
        decide(house, PROHIBITED)
        assert running.reload()
        assert verdicts(house) == ["unapproved"] * 2
        decide(house, APPROVED)
        assert running.reload()
        assert verdicts(house) == ["approved"] * 2
        digests = [running.crew.inforce.policy_digest, ""]
        assert house.store.fact("policy") == digests[0]
        assert set(house.store.former_verdicts("").values()) == {"unreviewed"}

    def test_a_policy_that_comes_while_a_pass_runs_waits_for_it_and_judges_everything(self, house, daemon, monkeypatch):
        running, taken = daemon(), []
        run = type(running.crew).run
        house.write(range(2), user="u1")
        decide(house, PROHIBITED)
        reloading = threading.Thread(target=lambda: taken.append(running.reload()))

        def meanwhile(crew, names):
            reloading.start()
            while not crew.is_stopped():
                time.sleep(0.01)
            return run(crew, names)

        with monkeypatch.context() as patch:
            patch.setattr(type(running.crew), "run", meanwhile)
            assert not running.pass_over(1)
        reloading.join(10)
        assert (taken, house.health.state.failures) == ([True], 0)
        assert running.pass_over(1)
        assert verdicts(house) == ["unapproved"] * 2

    def test_a_store_that_cannot_be_written_is_told_and_the_verdicts_stay(self, house, daemon, monkeypatch):
        running = daemon()
        house.write(range(2))
        house.run()
        decide(house, PROHIBITED)

        def full(*_, **__):
            raise StoreFault("disk full")

        monkeypatch.setattr("detector.daemon.running.judge_again", full)
        assert running.reload()
        assert verdicts(house) == ["unreviewed"] * 2
        assert house.told[-1] == "verdicts stay those of the policy before: disk full"


def test_the_same_policy_judges_nothing_twice(house):
    house.write(range(2))
    house.run()
    decide(house, PROHIBITED)
    house.restart()
    assert [judge_again(house.force, house.store, house.clock()) for _ in range(2)] == [2, 0]
