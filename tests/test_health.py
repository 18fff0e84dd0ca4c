"""How the daemon is."""

from detector.daemon import Fault, Health
from detector.daemon.health import RELOAD, STORE


def test_it_is_ready_when_it_is_at_work_and_nothing_grave_is_wrong():
    health = Health(5)
    assert not health.state.is_ready
    health.running(is_running=True)
    assert health.state.is_ready
    health.broken("source:proxy", "no file matches", 7)
    assert health.state.is_ready
    health.broken(STORE, "the disk is full", 8, is_grave=True)
    assert not health.state.is_ready
    health.well(STORE)
    assert health.state.is_ready
    assert health.state.faults == {"source:proxy": Fault("no file matches", 7)}


def test_how_long_something_has_been_wrong_stays_known():
    health = Health(0)
    health.broken("source:dns", "first", 10)
    health.broken("source:dns", "second", 20)
    assert health.state.faults["source:dns"] == Fault("second", 10)
    health.well("source:dns")
    health.well("source:dns")
    assert health.state.faults == {}


def test_a_bad_configuration_is_said_until_a_good_one_comes():
    health = Health(0)
    health.reloaded(1, "digest", "policy")
    health.not_reloaded(2, "shadowit.yml:1:1: no such key")
    state = health.state
    assert (state.is_reload_good, state.reloaded, state.ruleset, state.policy) == (False, 1, "digest", "policy")
    assert state.faults[RELOAD].reason == "shadowit.yml:1:1: no such key"
    health.reloaded(3, "other", "")
    assert (health.state.is_reload_good, health.state.reloaded, health.state.faults) == (True, 3, {})


def test_what_is_counted():
    health = Health(0)
    before = health.state
    health.passed(9, 1500, is_good=True)
    health.passed(10, 2500, is_good=False)
    health.skipped("proxy", "still running")
    health.skipped("proxy", "still running")
    health.canary("proxy", 11)
    health.looking_back("3 of 7 logs")
    state = health.state
    assert (state.succeeded, state.duration_us, state.failures) == (9, 2500, 1)
    assert state.skipped == {("proxy", "still running"): 2}
    assert (state.canaries, state.look_back) == ({"proxy": 11}, "3 of 7 logs")
    assert before.failures == 0  # what was handed out does not change
