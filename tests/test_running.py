"""The daemon as a program: signals, systemd, configuration taken anew, passes that go wrong."""

import os
import re
import signal
import time
from pathlib import Path

import kills
import pytest
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from house import House

from detector.daemon import systemd
from detector.daemon.health import RELOAD, STORE
from detector.daemon.running import assembled
from detector.errors import StoreFault


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path / "site")
    yield house
    house.store.close()


@pytest.fixture
def daemon(house):
    daemon = assembled(house.force, house.store, (), house.clock, house.told.append)
    yield daemon
    daemon.voice.stop()


class TestReload:
    def test_another_store_needs_another_start(self, house, daemon):
        path = house.folder / "shadowit.yml"
        path.write_text(path.read_text() + "store: sqlite:///other.db\n")
        assert not daemon.reload()
        assert "start the daemon again" in daemon.health.state.faults[RELOAD].reason

    def test_new_sources_are_read_and_known_ones_go_on(self, house, daemon):
        house.write(range(3))
        daemon.pass_over(1)
        reader = daemon.crew.readers["proxy"]
        path = house.folder / "shadowit.yml"
        extra = '  - {name: more, format: squid, paths: ["logs/more*"], interval_s: 7}\n'
        path.write_text(path.read_text().replace("sinks:", f"{extra}sinks:"))
        house.write(range(10, 14), "more.log")
        assert daemon.reload()
        assert daemon.crew.readers["proxy"] is reader
        assert daemon.crew.groups() == {1: ("proxy",), 7: ("more",)}
        assert daemon.pass_over(7)
        assert len(house.digests()) == 7


class TestPasses:
    def test_a_store_that_fails_is_grave_until_it_works_again(self, house, daemon, monkeypatch):
        house.write(range(3))

        def full(*_):
            raise StoreFault("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(type(house.store), "run", full)
            assert not daemon.pass_over(1)
        assert (daemon.health.state.faults[STORE].is_grave, daemon.health.state.failures) == (True, 1)
        assert daemon.pass_over(1)
        assert daemon.health.state.is_ready
        assert len(house.digests()) == 3

    def test_a_bug_is_told_with_its_trace_and_the_next_pass_works(self, house, daemon, monkeypatch):
        house.write(range(3))

        def broken(*_):
            raise ZeroDivisionError("by nothing")

        with monkeypatch.context() as patch:
            patch.setattr(type(daemon.crew), "run", broken)
            assert not daemon.pass_over(1)
        assert house.told[-1] == "this is a bug in shadowit: ZeroDivisionError: by nothing"
        assert any("in broken" in one for one in house.told)
        assert daemon.pass_over(1)
        assert daemon.health.state.faults == {}

    def test_what_is_too_old_is_purged_and_that_is_said(self, house, daemon):
        house.write(range(3))
        daemon.pass_over(1)
        assert daemon.purge()
        assert len(house.digests()) == 3
        house.clock.now += 2000 * 86_400 * 1_000_000
        assert daemon.purge()
        assert house.digests() == []
        assert any(one.startswith("purged 3 rows") for one in house.told)

    def test_skipped_turns_are_counted(self, daemon):
        for code in (EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, EVENT_JOB_MISSED):
            daemon._skipped(JobEvent(code, "read-1", "default"))  # noqa: SLF001 - what the scheduler calls
        assert daemon.health.state.skipped == {("read-1", "still running"): 1, ("read-1", "missed"): 2}


class TestSystemd:
    def test_nobody_is_told_where_nobody_asked(self, monkeypatch, tmp_path):
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
        assert not systemd.notify(systemd.READY)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
        assert not systemd.notify(systemd.READY)
        monkeypatch.setenv("NOTIFY_SOCKET", "@shadowit-nobody-listens")
        assert not systemd.notify(systemd.READY)

    def test_what_is_told_arrives(self, monkeypatch, tmp_path):
        manager = kills.Manager(tmp_path)
        monkeypatch.setenv("NOTIFY_SOCKET", manager.path)
        assert systemd.notify(systemd.READY, systemd.status("reading"))
        assert manager.wait_for("STATUS=reading", 1)
        assert systemd.notify(systemd.reloading())
        assert manager.wait_for("RELOADING=1", 1)
        assert manager.words[-1].startswith("MONOTONIC_USEC=")
        manager.close()

    def test_the_watchdog_is_this_process_s(self, monkeypatch):
        monkeypatch.setenv("WATCHDOG_USEC", "60000000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        assert systemd.watchdog_s() == 60.0
        monkeypatch.setenv("WATCHDOG_PID", "1")
        assert systemd.watchdog_s() == 0.0
        monkeypatch.delenv("WATCHDOG_PID")
        monkeypatch.setenv("WATCHDOG_USEC", "soon")
        assert systemd.watchdog_s() == 0.0

    def test_a_pass_that_makes_no_progress_gives_no_sign_of_life(self, daemon, monkeypatch, tmp_path):
        manager = kills.Manager(tmp_path)
        monkeypatch.setenv("NOTIFY_SOCKET", manager.path)
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        daemon._look_after()  # noqa: SLF001 - what serve does again and again
        assert manager.wait_for("WATCHDOG=1", 1)
        daemon._busy.add("read-1")  # noqa: SLF001 - a pass that hangs
        daemon._look_after()  # noqa: SLF001 - as above
        assert not manager.wait_for("WATCHDOG=1", 0.2)
        daemon.pulse.beat()
        daemon._look_after()  # noqa: SLF001 - as above
        assert manager.wait_for("WATCHDOG=1", 1)
        manager.close()


def test_the_program_reads_reloads_and_ends_when_it_is_told_to(tmp_path):
    site = kills.site(tmp_path / "site")
    lines = [kills.squid_line(number) for number in range(4)]
    log = site / "logs" / "access.log"
    log.write_bytes(lines[0] + b"\n")
    manager = kills.Manager(site)
    daemon = kills.started(site, notify=manager.path, WATCHDOG_USEC="10000000")
    try:
        assert manager.wait_for("READY=1", 60)
        assert ignores(daemon.pid, signal.SIGPIPE), "a scraper that goes away would end the daemon"
        until(lambda: kills.compared(site, lines[:1]) == (0, 0))
        good = (site / "shadowit.yml").read_text()
        (site / "shadowit.yml").write_text("nonsense: [")
        daemon.send_signal(signal.SIGHUP)
        assert manager.wait_for("STATUS=the new configuration is bad, the old one is in force", 20)
        with log.open("ab") as file:
            file.write(lines[1] + b"\n")
        until(lambda: kills.compared(site, lines[:2]) == (0, 0))
        (site / "shadowit.yml").write_text(good.replace("interval_s: 1", "interval_s: 2"))
        manager.words.clear()
        daemon.send_signal(signal.SIGHUP)
        assert manager.wait_for("STATUS=reading", 20)
        assert manager.wait_for("WATCHDOG=1", 10)
        with log.open("ab") as file:
            file.write(lines[2] + b"\n")
        until(lambda: kills.compared(site, lines[:3]) == (0, 0))
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
        assert manager.wait_for("STOPPING=1", 1)
    finally:
        daemon.kill()
        daemon.wait()
        manager.close()
    assert "configuration not taken, the one before stays in force" in (site / "stderr").read_text()


def test_a_group_that_a_clock_put_to_sleep_is_woken(house, daemon):
    house.write(range(2))
    daemon._schedule()  # noqa: SLF001 - as serve does
    daemon._scheduler.start(paused=True)  # noqa: SLF001 - turns are only looked at
    try:
        daemon._ended[1] = time.monotonic() - 100  # noqa: SLF001 - as if nothing had run for long
        job = daemon._scheduler.get_job("read-1")  # noqa: SLF001 - as above
        job.modify(next_run_time=job.next_run_time.replace(year=2100))
        daemon._look_after()  # noqa: SLF001 - as serve does
        assert daemon._scheduler.get_job("read-1").next_run_time.year < 2100  # noqa: SLF001 - as above
    finally:
        daemon._scheduler.shutdown(wait=False)  # noqa: SLF001 - as above


def ignores(pid, number):
    """Whether a process ignores a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(re.search(r"^SigIgn:\s+(\w+)$", status, re.MULTILINE)[1], 16) >> (number - 1) & 1)


def until(is_true, timeout_s=40):
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.2)
