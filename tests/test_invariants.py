"""The invariants of the daemon, each by its name: what holds whatever happens."""

import contextlib
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter

import kills
import pytest
from house import House

from detector.daemon import increments, passes
from detector.daemon.health import RELOAD
from detector.daemon.increments import REST_US
from detector.daemon.running import assembled
from detector.errors import StoreFault
from detector.findings import AlertKind
from detector.store import Batch, Store

KILLS = int(os.environ.get("SHADOWIT_TEST_KILLS", "20"))


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


class Killed(Exception):
    """Stands for the end of the program at one place."""


def killed(*_args, **_said):
    raise Killed


def digests(lines):
    return sorted(hashlib.sha256(line).hexdigest() for line in lines)


class TestI1:
    """A byte range of a stream is processed in exactly one committed transaction."""

    def test_equal_lines_are_events_of_their_own(self, house):
        line = kills.squid_line(1)
        (house.logs / "access.log").write_bytes((line + b"\n") * 30)
        house.run()
        with (house.logs / "access.log").open("ab") as file:
            file.write((line + b"\n") * 20)
        house.run()
        kept = list(house.store.sightings())
        assert (len(kept), len({one.id for one in kept}), len({one.sha256 for one in kept})) == (50, 50, 1)
        assert sorted(one.offset for one in kept) == [number * (len(line) + 1) for number in range(50)]

    @pytest.mark.parametrize(
        ("place", "name"),
        [
            (passes, "parts"),  # before anything is read
            (increments, "_moved"),  # read and matched, not handed over
            (Batch, "add"),  # in the transaction: before sightings
            (Batch, "enqueue"),  # before alerts
            (Batch, "cover"),  # before coverage
            (Batch, "save_stream"),  # before the frontier
            (passes.SourceReader, "_end"),  # committed, before the pass ends
        ],
        ids=lambda one: one if isinstance(one, str) else one.__name__,
    )
    def test_an_end_at_any_point_loses_nothing_and_doubles_nothing(self, house, monkeypatch, place, name):
        lines = house.write(range(50))
        house.run()
        lines += house.write(range(50, 90), user="u1")
        with monkeypatch.context() as patch:
            patch.setattr(place, name, killed)
            with pytest.raises(Killed):
                house.run()
        house.restart()
        house.run()
        assert house.digests() == digests(lines)
        (progress,) = house.store.progress()
        assert progress.parsed == 90

    @pytest.mark.outside
    def test_random_kills_while_a_writer_rotates_in_every_style(self, tmp_path):
        site = kills.site(tmp_path / "site")
        writer = kills.killed(site, KILLS, seed=KILLS)
        last = kills.once(site)
        assert (last.returncode, kills.compared(site, writer.lines)) == (0, (0, 0)), last.stderr
        assert kills.alerts(site) == len(writer.users)
        assert sum(writer.rotations.values()) >= KILLS


class TestI2:
    """Progress is reused only if the head and the guard agree with the bytes on disk; else a new stream starts at 0."""

    def test_a_log_truncated_and_grown_beyond_its_frontier_begins_anew(self, house):
        lines = house.write(range(50))
        house.run()
        os.truncate(house.logs / "access.log", 0)
        lines += house.write(range(1000, 1200))
        house.run()
        assert house.digests() == digests(lines)

    def test_a_log_changed_just_before_its_frontier_begins_anew(self, house):
        house.write(range(50))
        house.run()
        path = house.logs / "access.log"
        data = path.read_bytes()
        path.write_bytes(data[:-10] + b"plain/text\n"[-10:])
        house.run()
        assert len(house.digests()) == 100

    def test_a_log_that_changes_while_it_is_read_is_not_kept(self, house, monkeypatch):
        house.write(range(50))
        same_before, cut = increments._is_same, []  # noqa: SLF001 - the instant between reading and looking again

        def same(log, witness, offset, before):
            if not cut:
                cut.append(1)
                os.truncate(house.logs / "access.log", 0)
                house.write(range(2000, 2100))
            return same_before(log, witness, offset, before)

        monkeypatch.setattr(increments, "_is_same", same)
        house.run()
        monkeypatch.undo()
        assert house.digests() == []
        house.run()
        assert house.digests() == digests(kills.squid_line(number, "u0") for number in range(2000, 2100))


class TestI3:
    """Nothing but complete lines moves the offset; an unterminated end counts only when the file is final."""

    def test_an_unterminated_end_waits_for_its_newline(self, house):
        lines = house.write(range(10))
        half = kills.squid_line(10)
        with (house.logs / "access.log").open("ab") as file:
            file.write(half[:50])
            file.flush()
            house.run()
            assert house.digests() == digests(lines)
            file.write(half[50:] + b"\n")
        house.run()
        assert house.digests() == digests([*lines, half])

    def test_an_unterminated_end_counts_when_the_log_was_rotated_and_left_alone(self, house):
        lines = house.write(range(10), ending=b"")
        house.run()
        assert house.digests() == digests(lines[:-1])
        (house.logs / "access.log").rename(house.logs / "access.log.1")
        os.utime(house.logs / "access.log.1", ns=(0, 1000 * (house.clock() - REST_US + 10_000_000)))
        lines += house.write(range(10, 20))
        house.run()
        assert len(house.digests()) == 19
        house.clock.now += 20_000_000
        house.run()
        assert house.digests() == digests(lines)
        assert [one.is_final for one in house.store.streams("proxy")].count(True) == 1


class TestI4:
    """Rows accounted are newlines read; refused lines are counted by reason and kept by place and digest."""

    def test_every_line_is_accounted_for(self, house):
        house.write(range(40))
        junk = [b"junk %d" % number for number in range(30)]
        with (house.logs / "access.log").open("ab") as file:
            file.write(b"\n".join(junk) + b"\n" + b"x" * 2_000_000 + b"\n\n\n")
        house.write(range(40, 50))
        house.run()
        (progress,) = house.store.progress()
        newlines = (house.logs / "access.log").read_bytes().count(b"\n")
        told = (progress.parsed, progress.filtered, progress.unparsed, progress.oversize)
        assert (sum(told), progress.oversize, progress.bytes) == (
            newlines, 1, (house.logs / "access.log").stat().st_size,
        )  # fmt: skip
        assert sum(one.lines for one in house.store.hours("proxy")) == newlines
        with contextlib.closing(sqlite3.connect(house.folder / "shadowit.db")) as plain:
            kept = plain.execute("SELECT offset, length, sha256 FROM refused").fetchall()
        data = (house.logs / "access.log").read_bytes()
        assert sorted(data[offset : offset + length] for offset, length, _ in kept) == sorted(junk)
        assert all(hashlib.sha256(data[offset : offset + length]).hexdigest() == told for offset, length, told in kept)


class TestI5:
    """What could not be read is a gap with path, range, reason and time; exit status 0 means that there is none."""

    def test_what_cannot_be_read_is_a_gap_and_ends_with_4(self, house):
        house.write(range(5))
        (house.logs / "access.zip").write_bytes(b"PK\x03\x04 and no more")
        house.store.close()
        result = kills.once(house.folder)
        house.start()
        assert result.returncode == 4
        (gap,) = house.store.gaps()
        assert (gap.path, gap.source) == (str(house.logs / "access.zip"), "proxy")
        assert gap.reason.startswith("damaged zip archive")
        assert gap.since is not None
        (house.logs / "access.zip").unlink()
        house.store.close()
        assert kills.once(house.folder).returncode == 0
        house.start()
        assert house.gaps() == []


class TestI6:
    """An alert is in the outbox if and only if its sighting is in the store."""

    @pytest.mark.parametrize("name", ["enqueue", "save_stream"])
    def test_neither_stays_without_the_other(self, house, monkeypatch, name):
        house.write(range(5))
        with monkeypatch.context() as patch:
            patch.setattr(Batch, name, killed)
            with pytest.raises(Killed):
                house.run()
        assert (house.digests(), house.store.backlogs()) == ([], [])
        house.run()
        (delivery,) = house.store.waiting("jsonl", "service:clearview-ai")
        assert (len(house.digests()), delivery.alert.kind) == (5, AlertKind.NEW_PERSON)

    def test_a_line_read_again_alerts_nobody_again(self, house):
        house.write(range(5))
        house.run()
        key = [one.alert.key for one in house.store.waiting("jsonl", "service:clearview-ai")]
        (state,) = house.store.streams("proxy")
        unread = state._replace(offset=0, head_bytes=0, guard_bytes=0, head_sha256="", guard_sha256="")
        house.store.run(house.clock(), lambda batch: batch.save_stream(unread))
        assert house.run().sightings == 0
        assert [one.alert.key for one in house.store.waiting("jsonl", "service:clearview-ai")] == key


class TestI7:
    """Nothing is shown before it is durable: every commit is synchronous."""

    def test_the_store_waits_for_the_disk(self, house):
        with house.store.session.writing() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2


class TestI8:
    """A bad new configuration never replaces a good old one; the digest in force is in the state."""

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("shadowit.yml", "sources: [{name: a}]\n"),
            ("shadowit.yml", "source: []\n"),
            ("shadowit.yml", "sources: &a []\n"),
            ("shadowit.yml", ""),
            ("signatures/facial-recognition/bad.yaml", "id: [\n"),
            ("signatures/facial-recognition/clearview-ai.yaml", "schema_version: 1\nid: clearview-ai\n"),
            ("pseudonym.key", "short"),
        ],
    )
    def test_a_bad_file_changes_nothing_and_is_said(self, house, daemon, file, text):
        house.write(range(3))
        assert daemon.pass_over(1)
        before, digest = daemon.crew, daemon.health.state.ruleset
        path = house.folder / file
        kept = path.read_bytes() if path.exists() else None
        path.write_text(text)
        assert not daemon.reload()
        state = daemon.health.state
        assert (daemon.crew, state.is_reload_good, state.ruleset) == (before, False, digest)
        assert RELOAD in state.faults
        assert state.is_ready
        house.write(range(3, 6))
        assert daemon.pass_over(1)
        assert len(house.digests()) == 6
        if kept is None:
            path.unlink()
        else:
            path.write_bytes(kept)
        assert daemon.reload()
        assert (daemon.health.state.is_reload_good, daemon.health.state.faults) == (True, {})


class TestFaults:
    """Disk, store and clock at their worst: nothing is lost, and it is said."""

    def test_a_read_only_store_is_said_and_nothing_is_lost(self, house):
        lines = house.write(range(50))

        def refused(*_):
            raise StoreFault("shadowit.db: may not be written")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Store, "run", refused)
            with pytest.raises(StoreFault):
                house.run()
        lines += house.write(range(50, 60))
        house.run()
        assert house.digests() == digests(lines)

    def test_a_corrupt_store_is_kept_and_the_logs_that_are_left_are_read_again(self, house):
        lines = house.write(range(200))
        house.run()
        house.store.close()
        path = house.folder / "shadowit.db"
        data = bytearray(path.read_bytes())
        data[4096:40_960] = os.urandom(36_864)
        path.write_bytes(data)
        (house.folder / "shadowit.db.lock").write_text("left by a program that died")
        result = kills.once(house.folder)
        assert result.returncode in (0, 4), result.stderr
        house.start()
        assert house.digests() == digests(lines)
        assert len(list(house.folder.glob("shadowit.db.damaged-*"))) >= 1
        assert any("damaged" in reason for _, reason in house.gaps())

    def test_a_second_daemon_ends_with_5_and_harms_nobody(self, house):
        lines = house.write(range(50))
        result = kills.once(house.folder)
        assert result.returncode == 5
        house.run()
        assert house.digests() == digests(lines)

    @pytest.mark.parametrize("jump_s", [-86_400 * 400, -3600, 3600, 86_400 * 400])
    def test_a_clock_that_jumps_loses_nothing(self, house, jump_s):
        lines = house.write(range(50))
        house.run()
        house.clock.now += jump_s * 1_000_000
        lines += house.write(range(50, 60))
        shutil.copy(house.logs / "access.log", house.logs / "access.log.1")
        os.truncate(house.logs / "access.log", 0)
        lines += house.write(range(60, 70))
        house.run()
        house.clock.now -= jump_s * 1_000_000
        lines += house.write(range(70, 80))
        house.run()
        house.run()
        assert Counter(house.digests()) == Counter(digests(lines))

    def test_it_ends_cleanly_when_it_is_told_to(self, tmp_path):
        site = kills.site(tmp_path / "site")
        (site / "logs" / "access.log").write_bytes(kills.squid_line(1) + b"\n")
        manager = kills.Manager(site)
        daemon = kills.started(site, notify=manager.path)
        try:
            assert manager.wait_for("READY=1", 60)
            deadline = time.monotonic() + 30
            while kills.compared(site, [kills.squid_line(1)]) != (0, 0) and time.monotonic() < deadline:
                time.sleep(0.1)
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(30) == 0
            assert manager.wait_for("STOPPING=1", 1)
        finally:
            daemon.kill()
            daemon.wait()
            manager.close()
        assert kills.compared(site, [kills.squid_line(1)]) == (0, 0)
        assert not (site / "stderr").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser mounts")
def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path):
    """On a file system of 2 MiB, when that can be made here."""
    small = tmp_path / "small"
    small.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        config = kills.CONFIG.replace("interval_s: 1\n", f"interval_s: 1\nstore: sqlite:///{small}/shadowit.db\n")
        house = House(tmp_path / "site", config)
        lines = house.write(range(100))
        house.run()
        (small / "filler").write_bytes(b"x" * (shutil.disk_usage(small).free - 8192))
        lines += house.write(range(100, 3000))
        with pytest.raises(StoreFault, match="the disk is full"):
            house.run()
        assert len(house.digests()) == 100
        (small / "filler").unlink()
        house.restart()
        house.run()
        assert house.digests()[:3] == digests(lines)[:3]
        assert len(house.digests()) == len(lines)
        house.store.close()
    finally:
        subprocess.run(["umount", str(small)], check=False)
