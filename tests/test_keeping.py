"""What the store keeps, for how long, and under whose keys; what it gives back as findings."""

import contextlib
import os
import sqlite3
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import AT, alert, path, plain, server, sighting, store, url  # noqa: F401 - fixtures
from machine import examples
from nacl.public import PrivateKey
from test_findings import ROWS, RULES, batch

from detector.coverage import Hour, Unread
from detector.errors import InvalidFile, StoreFault, UsageError
from detector.events import Kind, Stage
from detector.findings import Findings, attributed
from detector.findings.kept import folded
from detector.identity import attribute
from detector.match import Actor, ActorKind
from detector.policy import OBSERVED, Ruling, Verdict
from detector.store import Ask, Hold, Store, Terms, custodians_of
from detector.store.custody import fingerprint, make_keys, opened, secret_key
from detector.store.reveals import digest_of

DAY = 86_400_000_000
NAME = "inspector.jane.doe@police.example"


class TestFindings:
    @given(st.lists(ROWS, max_size=40))
    @settings(max_examples=examples(100))
    def test_what_is_kept_says_the_same_as_the_logs(self, rows):
        def judge(one, _attribution):
            return Ruling(Verdict.APPROVED if one.denied else Verdict.UNAPPROVED)

        rows = [one._replace(line=b"x" * 32 if one.denied else one.line) for one in rows]
        findings = Findings(RULES, attribute, judge)
        findings.fold(batch(*rows))
        kept = folded(attributed(batch(*rows), attribute, judge), RULES)
        assert [counted(one) for one in kept] == [counted(one) for one in findings.all()]
        for one, other in zip(kept, findings.all(), strict=True):
            assert (one.verdicts, one.attributions) == (other.verdicts, other.attributions)
            for stage, count in one.stages.items():
                assert {(row.sighting, row.sha256, row.length) for row in count.evidence} == {
                    (row.sighting, row.sha256, row.length) for row in other.stages[stage].evidence
                }

    def test_from_the_store(self, store):
        with store.batch(AT) as batch:
            batch.add([sighting(number, actor=number % 2, stage=Stage.USED, service="one") for number in range(4)])
            batch.add([sighting(9, service="two")])
        one, other = store.findings(RULES, "one")
        assert (one.sightings, other.sightings, one.actor.name) == (2, 2, f"p-{0:016x}")
        assert len(store.findings(RULES)) == 3
        assert store.tallies().sightings == {("one", Stage.USED): 4, ("two", Stage.VISITED): 1}
        assert [one.service for one in store.days("two")] == ["two"]
        assert [one.sightings for one in store.findings(RULES, since=AT + 3)] == [1, 1]


def counted(one):
    """All that a finding says but its evidence."""
    stages = {stage: (count.count, count.confirmed, count.first, count.last, count.days)
              for stage, count in one.stages.items()}  # fmt: skip
    return (one.service, one.actor, one.denied, one.bytes_sent, one.sources, one.used_days, one.sessions, stages)


def test_counts_for_dashboards(store):
    one, two = "clearview-ai", "two"
    after, unreviewed = Verdict.AFTER_ORDER, Verdict.UNREVIEWED
    with store.batch(AT) as batch:
        batch.add([sighting(1, actor=1), sighting(2, actor=1, verdict=after), sighting(3, actor=2)])
        batch.add([sighting(4, actor=3, verdict=after), sighting(6, actor=1, unit="Other", verdict=after)])
        batch.add([sighting(5, service=two, at=None)])
    counts = store.tallies()
    assert counts.findings == {(one, after): 2, (one, unreviewed): 1, (two, unreviewed): 1}
    assert counts.actors == {(one, after): 2, (one, unreviewed): 2, (two, unreviewed): 1}
    assert (counts.first_seen, counts.last_seen) == ({one: AT + 1}, {one: AT + 6})


class TestJudging:
    def test_both_verdicts_are_kept(self, store):
        with store.batch(AT) as batch:
            batch.note("policy", "old")
            batch.add([sighting(number, actor=number) for number in range(1500)])

        def judge(one):
            return Ruling(Verdict.AFTER_ORDER if one.actor.name.endswith("1") else Verdict.UNREVIEWED, "order-1")

        changed = store.rejudge("new", judge, AT + 1)
        assert changed == sum(f"{number:x}".endswith("1") for number in range(1500))
        assert store.fact("policy") == "new"
        assert set(store.former_verdicts("old").values()) == {"unreviewed"}
        assert len(store.former_verdicts("old")) == 1500
        with store.batch(AT) as batch:
            assert len(batch.known("clearview-ai").after_order) == changed
        assert store.rejudge("new", judge, AT + 2) == 0
        store.rejudge("newest", lambda _one: Ruling(Verdict.APPROVED), AT + 3)
        assert sorted(set(store.former_verdicts("new").values())) == ["after-order", "unreviewed"]

    def test_what_the_policy_leaves_out_is_nobodys_use(self, store):
        with store.batch(AT) as batch:
            batch.add([sighting(1, actor=1), sighting(2, actor=2)])
        store.rejudge("p", lambda one: Ruling(Verdict.UNREVIEWED, OBSERVED if one.id == "s1" else ""), AT)
        assert [one.id for one in store.sightings()] == ["s2"]
        assert [one.actor.name for one in store.standings()] == [f"p-{2:016x}"]
        store.rejudge("q", lambda _one: Ruling(Verdict.UNREVIEWED), AT)
        assert len(list(store.sightings())) == 2


class TestPurging:
    NOW = AT + 800 * DAY
    TERMS = Terms(sightings_days=730, aggregates_days=1095, log_days=1096)

    def test_what_is_old_goes_and_that_is_logged(self, store):
        with store.batch(AT) as batch:
            batch.add([sighting(1, actor=1), sighting(2, actor=2, at=None), sighting(3, actor=3, at=AT + 3000 * DAY)])
            batch.seal(f"p-{1:016x}", b"box")
            batch.refuse("s", 1, 2, "ab", "bad")
        with store.batch(self.NOW) as batch:
            batch.add([sighting(4, actor=4, at=AT - 3000 * DAY)])
            batch.seal(f"p-{4:016x}", b"box")
        done = store.purge(self.TERMS, by="me", now=self.NOW)
        told = [(one.kind, one.rows, one.held, one.by) for one in done]
        assert told == [("sightings", 3, 0, "me"), ("refused", 1, 0, "me")]
        assert store.purges() == done
        assert [one.id for one in store.sightings()] == ["s4"]
        assert [one.actor.name for one in store.standings()] == [f"p-{4:016x}"]
        assert set(store.boxes([f"p-{number:016x}" for number in range(9)])) == {f"p-{4:016x}"}
        assert store.fact("purged") == str(self.NOW)
        assert store.purge(self.TERMS, by="me", now=self.NOW, shrink=False) == []
        assert sum(one.sightings for one in store.days()) == 4

    def test_a_hold_keeps_what_it_covers(self, store):
        with store.batch(AT) as batch:
            batch.add(
                [sighting(number, actor=number) for number in range(3)] + [sighting(3, actor=9, service="pimeyes")]
            )
            batch.seal(f"p-{1:016x}", b"box")
        store.hold(Hold("2026-7", "", f"p-{1:016x}", AT, "counsel", "a complaint"))
        store.hold(Hold("2026-8", "pimeyes", "", AT, "counsel", "a lawsuit"))
        with pytest.raises(UsageError, match="holds that already"):
            store.hold(Hold("2026-8", "pimeyes", "", AT, "counsel", "a lawsuit"))
        (done,) = store.purge(self.TERMS, by="me", now=self.NOW)
        assert (done.rows, done.held) == (2, 2)
        assert {one.id for one in store.sightings()} == {"s1", "s3"}
        assert len(store.boxes([f"p-{1:016x}"])) == 1
        assert store.lift("2026-8", by="judge", now=self.NOW) == 1
        assert [(one.case, one.lifted, one.lifted_by) for one in store.holds()] == [
            ("2026-7", None, ""), ("2026-8", self.NOW, "judge"),
        ]  # fmt: skip
        store.purge(self.TERMS, by="me", now=self.NOW)
        assert {one.id for one in store.sightings()} == {"s1"}
        store.hold(Hold("2026-8", "pimeyes", "", self.NOW, "counsel", "again"))
        store.lift("2026-7", by="judge", now=self.NOW)
        with pytest.raises(UsageError, match="holds nothing"):
            store.lift("2026-7", by="judge", now=self.NOW)

    def test_coverage_counts_and_alerts_go_in_their_time(self, store):
        with store.batch(AT) as batch:
            batch.add([sighting(1)])
            batch.cover([Hour("proxy", Kind.PROXY, AT // 3_600_000_000, 1, 1, 0, 9)])
            batch.gap(Unread("proxy", "/a", AT, AT, "closed"))
            batch.close_gaps("/a")
            batch.gap(Unread("proxy", "/b", AT, AT, "open"))
            batch.enqueue([alert("k"), alert("l", service="x"), alert("l", service="x").ended(AT, "over")], ["jsonl"])
        store.delivered([one.id for one in store.due(AT, "jsonl")], AT)
        store.purge(self.TERMS, by="me", now=self.NOW)
        assert (len(store.hours()), len(store.days()), len(store.gaps(closed=True)), len(store.incidents())) == (
            1,
            1,
            2,
            2,
        )
        assert [(one.pending, one.sent) for one in store.backlogs()] == [(1, 0)]
        done = store.purge(self.TERMS, by="me", now=AT + 1200 * DAY)
        assert (len(store.hours()), len(store.days()), len(store.gaps(closed=True)), len(store.incidents())) == (
            0,
            0,
            1,
            1,
        )
        assert [one.kind for one in done] == ["days", "hours", "gaps", "incident_notes", "incidents"]

    @pytest.mark.parametrize("shrink", [True, False])
    def test_nothing_of_it_stays_in_the_files(self, plain, path, shrink):
        canary = "canary-4711-host.example"
        with plain.batch(AT) as batch:
            batch.add([sighting(number, host=f"{number}.{canary}", unit=canary) for number in range(400)])
        with plain.batch(self.NOW) as batch:
            batch.add([sighting(1000)])
        assert any(canary.encode() in one.read_bytes() for one in path.parent.iterdir())
        plain.purge(self.TERMS, by="me", now=self.NOW, shrink=shrink)
        left = {one.name: one.read_bytes() for one in path.parent.iterdir()}
        assert not [name for name, content in left.items() if canary.encode() in content]
        plain.close()
        assert canary.encode() not in path.read_bytes()

    def test_a_reader_who_keeps_the_journal_is_told(self, plain, path, monkeypatch):
        with plain.batch(AT) as batch:
            batch.add([sighting(1)])
        with Store.open(f"sqlite:///{path}", writable=False) as reader:
            plain.session.close()
            monkeypatch.setattr("detector.store.opening.BUSY_S", 0.05)
            with Store.open(f"sqlite:///{path}", writable=True) as store:
                reading = reader.sightings()
                next(reading)
                with pytest.raises(StoreFault, match="purge again") as told:
                    store.purge(self.TERMS, by="me", now=self.NOW, shrink=False)
                assert told.value.is_passing
                reading.close()
                store.session.scrub()

    @pytest.mark.parametrize("shrink", [True, False])
    def test_it_gets_smaller(self, plain, path, shrink):
        with plain.batch(AT) as batch:
            batch.add([sighting(number, host="x" * 200) for number in range(3000)])
        plain.session.scrub()
        before = path.stat().st_size
        plain.purge(self.TERMS, by="me", now=self.NOW, shrink=shrink)
        assert path.stat().st_size < before / 5


class TestBackup:
    def test_a_copy_while_it_is_written(self, plain, tmp_path):
        target = tmp_path / "copy.db"
        with plain.batch(AT) as batch:
            batch.add([sighting(1)])
        with plain.batch(AT) as batch:
            batch.add([sighting(2)])
            assert plain.backup(target) == target.stat().st_size
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert sorted(one.name for one in tmp_path.iterdir()) == ["copy.db", "kept"]
        with Store.open(f"sqlite:///{target}", writable=False) as copy:
            assert [one.id for one in copy.sightings()] == ["s1"]
        with pytest.raises(UsageError, match="is there already"):
            plain.backup(target)
        with pytest.raises(StoreFault, match="cannot be written"):
            plain.backup(tmp_path / "no" / "copy.db")

    def test_a_damaged_store_gives_no_copy(self, plain, path, tmp_path):
        with plain.batch(AT) as batch:
            batch.add([sighting(number) for number in range(3000)])
        plain.session.scrub()
        with path.open("r+b") as file:
            file.seek(20_000)
            file.write(os.urandom(60_000))
        with Store.open(f"sqlite:///{path}", writable=False) as other, pytest.raises(StoreFault, match="damaged"):
            other_copy(other, tmp_path / "copy.db")
        assert not (tmp_path / "copy.db").exists()

    def test_a_server_has_its_own(self, server, tmp_path):
        with Store.open(server.create("backed"), writable=True) as store, pytest.raises(UsageError, match="pg_dump"):
            store.backup(tmp_path / "copy.db")


def other_copy(reader, target):
    from detector.store.backup import backup  # noqa: PLC0415 - only here

    return backup(reader.session, target)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {name: make_keys(name, folder) for name in ("security", "privacy", "stranger")}


@pytest.fixture
def custodians(keys):
    return custodians_of([keys["security"][1], keys["privacy"][1]])


class TestCustody:
    def test_both_keys_open_in_whichever_order(self, keys, custodians):
        security, privacy = secret_key(keys["security"][0]), secret_key(keys["privacy"][0])
        actor = Actor(ActorKind.MAILBOX, NAME + "\udcff")
        box = custodians.seal(actor)
        assert opened(box, [security, privacy]) == opened(box, [privacy, security]) == actor

    def test_one_key_alone_opens_nothing(self, keys, custodians):
        security, privacy, stranger = (secret_key(keys[name][0]) for name in ("security", "privacy", "stranger"))
        boxes = [custodians.seal(Actor(ActorKind.ACCOUNT, f"u{number}")) for number in range(1000)]
        for held in ([security], [privacy], [security, stranger], [stranger, privacy], []):
            assert [box for box in boxes if opened(box, held) is not None] == []
        assert opened(boxes[7], [security, privacy]) == Actor(ActorKind.ACCOUNT, "u7")

    def test_a_box_does_not_tell_a_name_by_its_length_or_by_being_the_same(self, custodians):
        one, other, again = (custodians.seal(Actor(ActorKind.ACCOUNT, name)) for name in ("a", "b" * 60, "a"))
        assert len(one) == len(other)
        assert one != again

    def test_names_are_sealed_once_for_each_pair(self, store, keys, custodians):
        names = [("p-1", Actor(ActorKind.ACCOUNT, "u1")), ("p-2", Actor(ActorKind.ACCOUNT, "u2"))]
        with store.batch(AT) as batch:
            custodians.keep(batch, names[:1])
        first = store.boxes(["p-1"])
        with store.batch(AT) as batch:
            custodians.keep(batch, names)
        assert store.boxes(["p-1", "p-2"]).items() > first.items()
        with store.batch(AT) as batch:
            custodians_of([keys["security"][1], keys["stranger"][1]]).keep(batch, names)
        assert store.boxes(["p-1"]) != first

    def test_no_name_stands_in_the_store(self, plain, path, custodians):
        actor = Actor(ActorKind.MAILBOX, NAME)
        with plain.batch(AT) as batch:
            batch.add([sighting(1)])
            custodians.keep(batch, [(sighting(1).actor.name, actor)])
        for file in path.parent.iterdir():
            assert b"jane" not in file.read_bytes()
        plain.close()
        with contextlib.closing(sqlite3.connect(path)) as reader:
            dump = "\n".join(reader.iterdump())
        assert "jane" not in dump
        assert NAME.encode().hex() not in dump.lower()

    def test_key_files_are_checked(self, keys, tmp_path):
        secret, public = keys["security"]
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        with pytest.raises(UsageError, match="is there already"):
            make_keys("security", secret.parent)
        with pytest.raises(UsageError, match="cannot be written"):
            make_keys("a", tmp_path / "nowhere")
        with pytest.raises(InvalidFile, match="is the key of the other custodian"):
            custodians_of([public, public])
        with pytest.raises(InvalidFile, match="holds no public key"):
            custodians_of([public, secret])
        with pytest.raises(InvalidFile, match="cannot be read"):
            secret_key(tmp_path / "nowhere")
        assert custodians_of([]) is None
        for spoiled in (
            secret.read_text().replace("-1:", "-1:0"),
            secret.read_text()[:-9],
            "shadowit-custodian-secret-1:zz",
        ):
            wrong = tmp_path / "wrong.key"
            wrong.write_text(spoiled)
            with pytest.raises(InvalidFile, match="not as it was made"):
                secret_key(wrong)
        open_to_all = tmp_path / "open.key"
        open_to_all.write_text(secret.read_text())
        open_to_all.chmod(0o644)
        with pytest.raises(InvalidFile, match="others may read"):
            secret_key(open_to_all)
        assert len(fingerprint(PrivateKey.generate().public_key)) == 16


def ask(number):
    return Ask((f"p-{number:016x}",), f"2026-{number}", "complaint\n\udcff", "me", ("aa", "bb"), 30 * DAY)


class TestReveals:
    def test_the_log_is_a_chain(self, store):
        entries = [store.reveal(ask(number), AT + number) for number in range(1, 5)]
        assert store.reveals() == entries
        assert [one.number for one in entries] == [1, 2, 3, 4]
        assert entries[1].previous == entries[0].digest
        assert entries[0].expires == AT + 1 + 30 * DAY
        assert store.broken_reveals() == ""

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ("UPDATE reveals SET purpose = 'none' WHERE number = 2", "entry 2 is not as it was written"),
            ("UPDATE reveals SET at = at + 1 WHERE number = 4", "entry 4 is not as it was written"),
            ("DELETE FROM reveals WHERE number = 2", "an entry before entry 3 is missing"),
            ("DELETE FROM reveals WHERE number = 1", "entry 2 is not the first"),
            ("UPDATE reveals SET previous = '' WHERE number = 3", "entry 3 is not as it was written"),
        ],
    )
    def test_every_change_is_noticed(self, store, change, said):
        for number in range(1, 5):
            store.reveal(ask(number), AT + number)
        with store.session.writing() as connection:
            connection.exec_driver_sql(change)
        assert said in store.broken_reveals()

    def test_an_entry_that_was_put_in_is_noticed(self, store):
        for number in range(1, 4):
            store.reveal(ask(number), AT + number)
        forged = store.reveals()[1]._replace(purpose="forged")
        with store.session.writing() as connection:
            connection.exec_driver_sql(
                f"UPDATE reveals SET purpose = 'forged', digest = '{digest_of(forged)}' WHERE number = 2"
            )
        assert store.broken_reveals() == "an entry before entry 3 is missing or was put in"

    def test_a_purge_leaves_a_chain_that_goes_on(self, store):
        for number in range(1, 4):
            store.reveal(ask(number), AT + number * DAY)
        terms = Terms(log_days=100)
        (done,) = store.purge(terms, by="me", now=AT + 102 * DAY + DAY // 2)
        assert (done.kind, done.rows) == ("reveals", 2)
        assert store.broken_reveals() == ""
        store.purge(terms, by="me", now=AT + 200 * DAY)
        assert store.reveals() == []
        entry = store.reveal(ask(9), AT + 201 * DAY)
        assert entry.number == 4
        assert store.broken_reveals() == ""
