"""The daemon: what is unread is read once, kept in one transaction, and nothing else."""

import gzip
import os
import re
import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner
from house import House
from kills import CONFIG, KEY, site, squid_line
from machine import audited

from detector.cli import root
from detector.daemon import inforce
from detector.daemon.increments import REST_US
from detector.daemon.passes import GONE
from detector.errors import InvalidFile, StoreFault, UsageError
from detector.findings import AlertKind
from detector.store import Batch, Store


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path / "site")
    yield house
    house.store.close()


def test_a_mailbox_is_read_when_nobody_has_written_to_it_for_long_and_goes_on_where_it_ended(tmp_path):
    config = CONFIG.replace("squid, paths", "mail_headers, paths")
    mail = b"From a@clearview.ai Thu Feb 27 10:00:00 2020\nFrom: a@clearview.ai\nTo: u1@example.org\n\nbody\n\n"
    house = House(tmp_path / "site", config)
    try:
        sighted = []
        for age_us in (1_000_000, REST_US, REST_US):
            with (house.logs / "access.mbox").open("ab") as file:
                file.write(mail)
            os.utime(house.logs / "access.mbox", ns=(0, 1000 * (house.clock() - age_us)))
            house.run()
            sighted.append(sorted(one.offset for one in house.store.sightings()))
            house.run()
        assert sighted == [[], [0, len(mail)], [0, len(mail), 2 * len(mail)]]
        assert house.gaps() == []
    finally:
        house.store.close()


class TestPass:
    def test_what_is_new_is_read_and_nothing_twice(self, house):
        house.write(range(50))
        assert house.run()[1:4] == (5640, 50, 1)
        assert house.run()[1:4] == (0, 0, 0)
        house.write(range(50, 60), user="u1")
        assert house.run()[2:4] == (10, 1)
        assert len(house.digests()) == len(set(house.digests())) == 60

    def test_it_finds_what_an_audit_finds(self, house):
        house.write(range(500))
        house.run()
        house.write(range(500, 700))
        house.run()
        (finding,) = audited([house.logs / "access.log"], house.force.ruleset, "squid").findings
        kept = list(house.store.sightings())
        assert (len(kept), min(one.at for one in kept), max(one.at for one in kept)) == (
            finding.sightings, finding.first_seen, finding.last_seen,
        )  # fmt: skip
        by_offset = {one.offset: one.sha256 for one in kept}
        assert all(by_offset[row.offset] == row.sha256 for row in finding.evidence)

    def test_what_was_read_is_counted_and_covered(self, house):
        house.write(range(100))
        with (house.logs / "access.log").open("ab") as file:
            file.write(b"no line of squid\n")
        house.run()
        (progress,) = house.store.progress()
        assert (progress.parsed, progress.unparsed, progress.filtered, progress.lag_bytes) == (100, 1, 0, 0)
        hours = house.store.hours("proxy")
        assert (sum(one.lines for one in hours), sum(one.unparsed for one in hours)) == (101, 1)

    def test_names_do_not_enter_the_store(self, house):
        house.write(range(10), user="alice.smith")
        house.run()
        (actor,) = {one.actor.name for one in house.store.sightings()}
        assert re.fullmatch(r"p-[0-9a-f]{16}", actor)
        assert b"alice" not in (house.folder / "shadowit.db").read_bytes()

    def test_alerts_tell_names_only_where_the_configuration_says_so(self, tmp_path):
        house = House(tmp_path / "open", CONFIG + "privacy: {names: true}\n")
        house.write(range(10), user="alice.smith")
        house.run()
        (delivery,) = house.store.due(house.clock(), "jsonl")
        assert (delivery.alert.kind, delivery.alert.facts["name"]) == (AlertKind.NEW_PERSON, "alice.smith")
        house.store.close()

    def test_a_new_program_goes_on_where_the_other_one_ended(self, house):
        house.write(range(50))
        house.run()
        house.restart()
        house.write(range(50, 60))
        assert house.run()[2] == 10

    def test_sources_of_one_group_take_turns(self, tmp_path, monkeypatch):
        text = CONFIG.replace(
            "  - {name: proxy", '  - {name: other, format: squid, paths: ["logs/other*"]}\n  - {name: proxy'
        )
        house = House(tmp_path / "two", text)
        monkeypatch.setattr("detector.daemon.crew.PART_BYTES", 4096)
        monkeypatch.setattr("detector.daemon.crew.BUDGET_BYTES", 4096)
        house.crew = house.crew.succeeded_by(house.force)
        house.write(range(3000))
        house.write(range(3000), "other.log")
        assert house.run()[:3] == (True, 687_780, 6000)
        assert len(house.beats) > 4
        house.store.close()

    def test_it_ends_early_when_it_is_told_to(self, house):
        house.write(range(50))
        house.crew.is_stopped = lambda: True
        assert not house.run().is_done
        assert house.digests() == []


class TestWhatCannotBeRead:
    def test_a_name_that_leads_nowhere_is_a_gap_until_it_leads_somewhere(self, house):
        assert house.run().faults == (f"{house.logs}/access*: no file matches",)
        house.run()
        assert house.gaps() == [("logs/access*", "no file matches")]
        assert house.told == [f"{house.logs}/access*: no file matches"]
        assert "source:proxy" in house.health.state.faults
        house.write(range(3))
        house.run()
        assert (house.gaps(), house.health.state.faults) == ([], {})

    def test_a_damaged_archive_gives_what_lies_before_the_damage(self, house):
        data = gzip.compress(b"\n".join(squid_line(number) for number in range(5000)) + b"\n")
        archive = house.logs / "access.log.1.gz"
        archive.write_bytes(data[: len(data) // 2])
        assert house.run().faults == (f"{archive}: compressed data is cut off",)
        some = len(house.digests())
        assert 0 < some < 5000
        assert house.run().faults == (f"{archive}: compressed data is cut off",)
        house.restart()
        house.run()
        assert house.gaps() == [("logs/access.log.1.gz", "compressed data is cut off")]
        archive.write_bytes(data)
        assert house.run().faults == ()
        assert (len(house.digests()), house.gaps()) == (5000, [])

    def test_a_log_that_no_format_reads_is_a_gap(self, tmp_path):
        house = House(tmp_path / "any", CONFIG.replace("format: squid, ", ""))
        (house.logs / "access.log").write_bytes(b"nothing\nthat\nanybody\nreads\n" * 20)
        house.run()
        house.run()
        assert house.gaps() == [
            ("logs/access.log", "no log format reads its lines: name one with --input-format")
        ]  # fmt: skip
        house.store.close()

    def test_a_log_removed_before_it_was_seen_complete_is_a_gap_that_stays(self, house):
        house.write(range(10))
        house.write(range(50, 60), "access.other")
        house.run()
        (house.logs / "access.log").unlink()
        house.run()
        house.write(range(20, 30))
        house.run()
        assert house.gaps() == [("logs/access.log", GONE)]

    def test_a_rotated_log_that_was_left_alone_may_be_removed(self, house):
        house.write(range(10))
        house.run()
        (house.logs / "access.log").rename(house.logs / "access.log.1")
        os.utime(house.logs / "access.log.1", ns=(0, 1000 * (house.clock() - REST_US)))
        house.write(range(10, 20))
        house.run()
        (house.logs / "access.log.1").unlink()
        house.run()
        assert (house.gaps(), len(house.digests())) == ([], 20)

    def test_a_pipe_is_a_gap_and_nobody_waits_for_it(self, house):
        os.mkfifo(house.logs / "access.pipe")
        house.write(range(3))
        assert house.run().sightings == 3
        assert house.gaps() == [("logs/access.pipe", "is not a regular file")]

    def test_an_end_of_a_line_that_comes_after_the_log_was_final_is_a_gap(self, house):
        house.write(range(10), ending=b"")
        (house.logs / "access.log").rename(house.logs / "access.log.1")
        os.utime(house.logs / "access.log.1", ns=(0, 1000 * (house.clock() - REST_US)))
        house.write(range(10, 20))
        assert house.run().sightings == 20
        with (house.logs / "access.log.1").open("ab") as file:
            file.write(b" more of it\n" + squid_line(30) + b"\n")
        house.run()
        assert len(house.digests()) == 21
        assert [reason for _, reason in house.gaps()] == ["went on in the middle of a line, at byte 1119"]


class TestInForce:
    def test_everything_that_is_named_must_be_there(self, house):
        path = house.folder / "shadowit.yml"
        for text, fault, message in (
            ("sources: []", UsageError, "names no sources"),
            ('sources: [{name: a, paths: ["-"]}]', UsageError, "standard input cannot be followed"),
            ("sources: [{name: a, paths: [x], format: nope}]", UsageError, "nope"),
            ("sources: [{name: a, paths: [x]}]\nprivacy: {key_file: none.key}", UsageError, "cannot be read"),
            ("sources: [{name: a, paths: [x]}]\nsinks: [{type: nope}]", InvalidFile, "no sink is of type"),
            ("sources: [{name: a, paths: [x]}]\npolicy: none.yml", InvalidFile, "none.yml"),
        ):
            path.write_text(text + "\n")
            with pytest.raises(fault, match=message):
                inforce.load(path)

    def test_a_key_is_made_once_and_never_beside_a_store(self, tmp_path):
        folder = site(tmp_path / "new")
        (folder / "pseudonym.key").unlink()
        assert inforce.make_key(folder / "shadowit.yml") == folder / "pseudonym.key"
        made = (folder / "pseudonym.key").read_bytes()
        assert (len(made), (folder / "pseudonym.key").stat().st_mode & 0o777) == (65, 0o600)
        assert inforce.make_key(folder / "shadowit.yml") is None
        (folder / "pseudonym.key").unlink()
        (folder / "shadowit.db").touch()
        assert inforce.make_key(folder / "shadowit.yml") is None

    def test_sources_are_grouped_by_how_often_they_are_read(self, house):
        (house.folder / "shadowit.yml").write_text(
            "interval_s: 30\nsignatures: [signatures]\nsources:\n- {name: a, paths: [a]}\n"
            "- {name: b, paths: [b], interval_s: 5}\n- {name: c, paths: [c]}\n"
        )
        crew = replace(house.crew, inforce=inforce.load(house.folder / "shadowit.yml"))
        assert crew.groups() == {30: ("a", "c"), 5: ("b",)}


class TestCommand:
    def run(self, house, *options):
        house.store.close()
        result = CliRunner().invoke(
            root, ["run", "-c", str(house.folder / "shadowit.yml"), *options], standalone_mode=False
        )
        house.start()
        return result

    def test_once_reads_everything_and_ends(self, house):
        house.write(range(10))
        result = self.run(house, "--once")
        assert (result.return_value, len(house.digests())) == (0, 10)
        assert result.stderr == "shadowit: 1120 bytes read, 10 new sightings, 1 alerts\n"
        assert result.stdout == ""

    def test_once_ends_with_4_when_something_could_not_be_read(self, house):
        result = self.run(house, "--once")
        assert result.return_value == 4
        assert f"incomplete: {house.logs}/access*: no file matches" in result.stderr

    def test_a_rehearsal_says_what_would_be_and_writes_nothing(self, house):
        house.write(range(10))
        house.run()
        house.write(range(10, 30), user="u9")
        shutil.copy(house.logs / "access.log", house.logs / "access.backup")
        before = list(house.store.streams("proxy"))
        result = self.run(house, "--dry-run")
        assert result.return_value == 0
        said = result.stdout.splitlines()
        assert f"proxy: {house.logs}/access.log: goes on, would be read from byte 1120 to 3380" in said
        assert f"proxy: {house.logs}/access.backup: a copy of another one, would be skipped" in said
        assert "2260 bytes would be read, 20 new sightings kept" in said
        assert sum("was seen at Clearview AI for the first time" in line for line in said) == 1
        assert list(house.store.streams("proxy")) == before
        assert len(house.digests()) == 10

    def test_a_second_daemon_on_one_store_is_refused(self, house):
        with pytest.raises(StoreFault) as caught:
            Store.open(house.force.config.store, writable=True, key=KEY)
        assert caught.value.exit_status == 5


def test_nothing_of_a_part_is_kept_when_one_piece_cannot_be(house, monkeypatch):
    house.write(range(50))
    monkeypatch.setattr(Batch, "save_stream", lambda *_: (_ for _ in ()).throw(StoreFault("the disk is full")))
    with pytest.raises(StoreFault):
        house.run()
    monkeypatch.undo()
    assert (house.digests(), house.store.progress(), house.store.backlogs()) == ([], [], [])
    assert house.run().sightings == 50
