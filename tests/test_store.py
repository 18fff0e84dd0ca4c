"""The store: what is written together is kept together, whoever kills whom, on SQLite and on PostgreSQL."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kept import AT, alert, path, plain, server, sighting, store, url  # noqa: F401 - fixtures
from machine import examples

from detector.coverage import Hour, Unread
from detector.errors import StoreFault, UsageError
from detector.events import Col, Kind, Stage
from detector.findings import Severity
from detector.match import Actor, ActorKind
from detector.policy import Verdict
from detector.scan import Fragment
from detector.sources import Compression
from detector.sources.streams import StreamState
from detector.store import LookBack, State, Store
from detector.store.locks import Lock
from detector.store.opening import moved_aside, place_of
from detector.store.rows import held, packed, unpacked


class TestBatch:
    def test_sightings_come_back_as_they_were(self, store):
        odd = sighting(
            2, at=None, host="\udcff\0", bytes_sent=10**30, path="/logs/\udce4", unit="Überwachung", denied=True
        )
        with store.batch(AT) as batch:
            assert batch.add([sighting(1), odd]) == [sighting(1), odd]
        assert list(store.sightings()) == [odd._replace(bytes_sent=2**63 - 1), sighting(1)]

    def test_only_what_was_not_there_is_new(self, store):
        with store.batch(AT) as batch:
            assert batch.add([sighting(1), sighting(2), sighting(1)]) == [sighting(1), sighting(2)]
        with store.batch(AT) as batch:
            assert batch.add([sighting(2), sighting(3)]) == [sighting(3)]
            assert batch.add([]) == []
        assert len(list(store.sightings())) == 3
        assert [one.sightings for one in store.days()] == [3]

    def test_many_at_once(self, store):
        with store.batch(AT) as batch:
            assert len(batch.add([sighting(number) for number in range(2_000)])) == 2_000
        with store.batch(AT) as batch:
            assert batch.add([sighting(number) for number in range(2_000)]) == []

    def test_a_batch_that_fails_leaves_nothing(self, store):
        def fail():
            with store.batch(AT) as batch:
                batch.save_stream(StreamState("s", "proxy", "/a", offset=100))
                batch.add([sighting(1)])
                batch.cover([Hour("proxy", Kind.PROXY, 1, 2, 2, 0, 100)])
                batch.enqueue([alert("k")], ["jsonl"])
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        kept = (store.sightings(), store.streams("proxy"), store.hours(), store.backlogs(), store.incidents())
        assert [list(one) for one in kept] == [[], [], [], [], []]

    def test_no_name_enters(self, store):
        with pytest.raises(StoreFault, match="no name enters a store"), store.batch(AT) as batch:
            batch.add([sighting(1)._replace(actor=Actor(ActorKind.MAILBOX, "a@example.org"))])

    def test_what_was_known_before(self, store):
        one, other = sighting(1, actor=1), sighting(2, actor=2, stage=Stage.UPLOADED, verdict=Verdict.AFTER_ORDER)
        with store.batch(AT) as batch:
            batch.add([one, sighting(3, actor=1, stage=Stage.SIGNED_UP), other, sighting(4, actor=3, denied=True)])
            assert batch.known("clearview-ai").actors == {}
        with store.batch(AT) as batch:
            batch.add([sighting(5, actor=4, verdict=Verdict.UNAPPROVED), sighting(6, service="pimeyes")])
            known = batch.known("clearview-ai")
        assert known.actors == {one.actor: Stage.SIGNED_UP, other.actor: Stage.UPLOADED}
        assert (known.units, known.after_order, known.outside) == ({"Patrol"}, {other.actor}, frozenset())
        with store.batch(AT) as batch:
            assert batch.known("clearview-ai").outside == {sighting(5, actor=4).actor}
            assert len(batch.known("pimeyes").actors) == 1

    def test_standings_add_up(self, store):
        for number, at in enumerate((AT + 5, None, AT, AT + 9)):
            with store.batch(AT) as batch:
                batch.add([sighting(number, at=at)])
        (standing,) = store.standings("clearview-ai")
        assert (standing.sightings, standing.first, standing.last) == (4, AT, AT + 9)
        assert store.standings("pimeyes") == []

    def test_hours_and_counters_add_up(self, store):
        for number in range(2):
            with store.batch(AT + number) as batch:
                batch.cover([Hour("proxy", Kind.PROXY, 7, 10, 4, 1, 900), Hour("dns", Kind.DNS, 8, 1, 1, 0, 9)])
                batch.cover([])
                batch.count(
                    "proxy", parsed=4, filtered=5, unparsed=1, bytes_read=900, newest_at=AT - number, lag_bytes=3
                )
        assert store.hours("proxy") == [Hour("proxy", Kind.PROXY, 7, 20, 8, 2, 1800)]
        assert [one.source for one in store.hours(since=8)] == ["dns"]
        assert [one.source for one in store.hours(until=8)] == ["proxy"]
        (progress,) = store.progress()
        assert (progress.parsed, progress.filtered, progress.unparsed, progress.oversize, progress.bytes) == (
            8,
            10,
            2,
            0,
            1800,
        )
        assert (progress.newest, progress.succeeded, progress.lag_bytes) == (AT, AT + 1, 3)

    def test_a_gap_is_noted_once_until_it_is_closed(self, store):
        gap = Unread("proxy", "/logs/a", None, AT, "permission denied")
        for _ in range(2):
            with store.batch(AT) as batch:
                batch.gap(gap)
                batch.gap(gap._replace(source="dns", path="/logs/b"))
        assert store.gaps("proxy") == [gap]
        assert len(store.gaps()) == 2
        with store.batch(AT) as batch:
            batch.close_gaps("/logs/a")
        assert store.gaps("proxy") == []
        assert store.gaps("proxy", closed=True) == [gap]

    def test_refused_lines_are_places_not_texts(self, store):
        with store.batch(AT) as batch:
            batch.refuse("s", 10, 80, "ab", "too few fields")
            batch.refuse("s", 10, 80, "ab", "too few fields")
        with store.session.reading() as connection:
            assert connection.exec_driver_sql("SELECT COUNT(*) FROM refused").scalar_one() == 1

    def test_streams_go_on(self, store):
        state = StreamState(
            "s", "proxy", "/logs/\udcff", 2**64 - 1, 5, 1024, "aa", 4096, "bb", 10_000, Compression.GZIP, True, "squid",
            ("a b", "c"), "\t", 99, AT,
        )  # fmt: skip
        with store.batch(AT) as batch:
            batch.save_stream(StreamState("s", "proxy", "/logs/a"))
            batch.save_stream(StreamState("t", "dns", "/logs/b"))
        with store.batch(AT) as batch:
            batch.save_stream(state)
        (found,) = store.streams("proxy")
        assert found == state._replace(device=held(2**64))
        assert [one.path for one in store.streams("dns")] == ["/logs/b"]

    def test_facts_and_look_backs(self, store):
        assert store.fact("ruleset") == ""
        done = LookBack("digest", "proxy", "/logs/a.gz", "done", 100, 50, AT)
        with store.batch(AT) as batch:
            batch.note("ruleset", "one")
            batch.look_back(done._replace(state="queued", offset=0, reached=None))
        with store.batch(AT) as batch:
            batch.note("ruleset", "two")
            batch.look_back(done)
        assert store.fact("ruleset") == "two"
        assert store.look_backs("digest") == [done]
        assert store.look_backs("other") == []

    def test_work_in_a_batch_gives_its_result(self, store):
        assert store.run(AT, lambda batch: len(batch.add([sighting(1)]))) == 1

    def test_windows_of_sightings(self, store):
        with store.batch(AT) as batch:
            batch.add([sighting(number) for number in range(5)] + [sighting(9, service="pimeyes", at=None)])
        assert [one.id for one in store.sightings("clearview-ai", AT + 1, AT + 3)] == ["s1", "s2"]
        assert [one.id for one in store.sightings("pimeyes")] == ["s9"]
        assert list(store.sightings("pimeyes", since=0)) == []


class TestFragments:
    LINES = (
        Fragment("host 4XYZ", 0, "s", "/logs/mail", 10, b"from=<\xffa@example.org>",
                 {Col.FROM: "a@example.org", Col.TO: ["b@example.org", "\udcff"], Col.AT: AT}),
        Fragment("host 4XYZ", 0, "s", "/logs/mail", 90, b"removed", {Col.MESSAGE_ID: "x"}),
        Fragment("host 5ABC", 1, "s", "/logs/mail", 50, b"other", {}),
    )  # fmt: skip

    def test_they_come_back(self, store):
        with store.batch(AT) as batch:
            batch.keep_fragments("postfix", self.LINES, AT + 10)
            batch.keep_fragments("postfix", self.LINES[:1], AT + 99)
            batch.keep_fragments("postfix", [], AT)
        with store.batch(AT) as batch:
            assert batch.fragments("postfix", ["host 4XYZ"]) == list(self.LINES[:2])
            assert batch.fragments("postfix", []) == []
            assert batch.fragments("exim", ["host 4XYZ"]) == []
            batch.forget_fragments("postfix", ["host 4XYZ"])
            batch.forget_fragments("postfix", [])
            assert batch.fragments("postfix", ["host 4XYZ", "host 5ABC"]) == [self.LINES[2]]

    def test_without_the_key_nothing_can_be_kept(self, path):
        url = f"sqlite:///{path}"
        with (
            Store.open(url, writable=True) as store,
            pytest.raises(StoreFault, match="key_file"),
            store.batch(AT) as batch,
        ):
            batch.keep_fragments("postfix", self.LINES, AT)

    def test_nobody_reads_them_in_the_file(self, plain, path):
        with plain.batch(AT) as batch:
            batch.keep_fragments("postfix", self.LINES, AT + 10)
        plain.close()
        written = path.read_bytes()
        assert not any(secret in written for secret in (b"example.org", b"4XYZ", b"removed"))


class TestOutbox:
    def test_an_alert_goes_to_each_sink_once(self, store):
        with store.batch(AT) as batch:
            assert batch.enqueue([alert("k1"), alert("k2")], ["jsonl", "mail"]) == 4
        with store.batch(AT) as batch:
            assert batch.enqueue([alert("k2"), alert("k3")], ["jsonl", "mail"]) == 2
            assert batch.enqueue([alert("k4")], []) == 0
        (first,) = store.due(AT, "jsonl")
        assert (first.alert, first.sink, first.tries, first.queued) == (alert("k1"), "jsonl", 0, AT)
        assert [one.alert.key for one in store.waiting("jsonl", "service:clearview-ai")] == ["k1", "k2", "k3"]
        assert [(one.sink, one.pending, one.oldest) for one in store.backlogs()] == [("jsonl", 3, AT), ("mail", 3, AT)]

    def test_the_order_of_an_incident_is_kept(self, store):
        with store.batch(AT) as batch:
            batch.enqueue([alert("a1", service="a"), alert("b1", service="b"), alert("a2", service="a")], ["jsonl"])
        first, other = store.due(AT, "jsonl")
        assert (first.alert.key, other.alert.key) == ("a1", "b1")
        store.postponed(first.id, "refused", AT + 60)
        store.delivered(other.id, AT)
        assert store.due(AT, "jsonl") == []
        (again,) = store.due(AT + 60, "jsonl")
        assert (again.alert.key, again.tries, again.last_error, again.next_try) == ("a1", 1, "refused", AT + 60)
        store.parked(again.id, "410 Gone", AT + 60)
        (second,) = store.due(AT + 60, "jsonl")
        assert second.alert.key == "a2"
        store.delivered([second.id], AT + 61)
        (backlog,) = store.backlogs()
        assert (backlog.pending, backlog.parked, backlog.sent, backlog.oldest) == (0, 1, 2, None)
        assert store.revived("jsonl", AT + 70) == 1
        assert [one.alert.key for one in store.due(AT + 70, "jsonl")] == ["a1"]


class TestIncidents:
    def test_it_is_opened_acknowledged_closed_and_opened_again(self, store):
        with store.batch(AT) as batch:
            batch.enqueue([alert("k1"), alert("k2", severity=Severity.HIGH), alert("k3")], ["jsonl"])
        (incident,) = store.incidents()
        assert (incident.id, incident.service, incident.state, incident.severity, incident.opened) == (
            "service:clearview-ai", "clearview-ai", State.OPEN, "high", AT,
        )  # fmt: skip
        assert store.ack("clearview-ai", by="me", note="asked the unit", now=AT + 1).state is State.ACKNOWLEDGED
        with store.batch(AT + 2) as batch:
            batch.enqueue([alert("k4")], ["jsonl"])
        acknowledged = store.incident("clearview-ai")
        assert (acknowledged.state, acknowledged.told, acknowledged.by) == (State.ACKNOWLEDGED, AT + 2, "me")
        store.close_incident("service:clearview-ai", by="me", note="", now=AT + 3)
        assert store.incidents(State.OPEN) == []
        with store.batch(AT + 4) as batch:
            batch.enqueue([alert("k4"), alert("k5")], ["jsonl"])
        (again,) = store.incidents(State.OPEN)
        assert (again.opened, again.severity) == (AT + 4, "low")
        assert [(one.at, one.state, one.by) for one in store.notes("service:clearview-ai")] == [
            (AT, State.OPEN, "shadowit"), (AT + 1, State.ACKNOWLEDGED, "me"), (AT + 3, State.CLOSED, "me"),
            (AT + 4, State.OPEN, "shadowit"),
        ]  # fmt: skip

    def test_what_is_over_is_closed(self, store):
        with store.batch(AT) as batch:
            batch.enqueue([alert("k1")], ["jsonl"])
        with store.batch(AT + 1) as batch:
            batch.enqueue([alert("k1").ended(AT, "over"), alert("k2", service="x").ended(AT, "never was")], ["jsonl"])
        assert {one.id: one.state for one in store.incidents()} == {
            "service:clearview-ai": State.CLOSED, "service:x": State.CLOSED,
        }  # fmt: skip

    def test_there_must_be_one(self, store):
        assert store.incident("nothing") is None
        with pytest.raises(UsageError, match="has no incident"):
            store.ack("nothing", by="me", note="", now=AT)


class TestSealing:
    def test_who_needs_a_box(self, store):
        with store.batch(AT) as batch:
            batch.seal("p-1", b"box", "both")
            assert batch.unsealed(["p-1", "p-2"], "both") == {"p-2"}
            assert batch.unsealed(["p-1"], "others") == {"p-1"}
            batch.seal("p-1", b"new box", "others")
            assert batch.unsealed(["p-1"], "others") == set()


class TestOpening:
    @pytest.mark.usefixtures("plain")
    def test_nobody_else_can_read_it(self, path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_it_is_set_up_as_promised(self, plain, path):
        def asked(name):
            with plain.session.writing() as connection:
                return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()

        assert {name: asked(name) for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys",
                "trusted_schema", "application_id", "user_version")} == {
            "journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1, "trusted_schema": 0,
            "application_id": 0x53484457, "user_version": 3,
        }  # fmt: skip
        with sqlite3.connect(path) as direct:
            tables = direct.execute("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name <> 'alembic_version' "
                                    "AND name NOT LIKE 'sqlite_%'").fetchall()  # fmt: skip
        direct.close()
        assert len(tables) > 15
        assert all("STRICT" in sql for (sql,) in tables)

    def test_the_migrations_make_the_tables_that_the_code_uses(self, store):
        from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - heavy
        from alembic.migration import MigrationContext  # noqa: PLC0415 - as above

        from detector.store.schema import metadata  # noqa: PLC0415 - as above

        with store.session.reading() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []

    @pytest.mark.usefixtures("store")
    def test_a_second_writer_is_told_who_writes(self, url):
        with pytest.raises(StoreFault, match="is writing this store: end it first") as told:
            Store.open(url, writable=True)
        assert told.value.exit_status == 5

    @pytest.mark.usefixtures("plain")
    def test_the_message_names_the_process(self, path):
        with pytest.raises(StoreFault, match=rf"shadowit.db.lock: process {os.getpid()} is writing"):
            Store.open(f"sqlite:///{path}", writable=True)

    def test_single_things_are_written_beside_the_one_that_reads_logs(self, url, store):
        with store.batch(AT) as batch:
            batch.enqueue([alert("k")], ["jsonl"])
        with Store.open(url, writable=True, is_sole=False) as other:
            other.ack("clearview-ai", by="me", note="", now=AT)
        assert store.incidents()[0].state is State.ACKNOWLEDGED
        with store.batch(AT) as batch:
            assert len(batch.add([sighting(1)])) == 1

    @pytest.mark.usefixtures("store")
    def test_readers_cannot_write(self, url):
        with Store.open(url, writable=False) as reader:
            assert reader.incidents() == []
            for attempt in (lambda: reader.delivered(1, AT), reader.session.scrub):
                with pytest.raises(StoreFault, match="opened to be read only"):
                    attempt()
            with pytest.raises(StoreFault), reader.session.reading() as connection:
                connection.exec_driver_sql("DELETE FROM sightings")

    def test_readers_see_what_is_committed_while_a_batch_is_written(self, url, store):
        with Store.open(url, writable=False) as reader, store.batch(AT) as batch:
            batch.add([sighting(1)])
            assert list(reader.sightings()) == []
        assert len(list(store.sightings())) == 1

    def test_there_is_nothing_to_read_before_it_was_made(self, url):
        with pytest.raises(StoreFault, match=r"there is no store yet|is of an older shadowit, or empty"):
            Store.open(url, writable=False)

    def test_a_newer_store_is_refused(self, url):
        Store.open(url, writable=True).close()
        with Store.open(url, writable=True) as store, store.session.writing() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        for writable in (True, False):
            with pytest.raises(StoreFault, match="written by a newer shadowit"):
                Store.open(url, writable=writable)

    def test_the_database_of_another_program_is_refused(self, path):
        path.parent.mkdir(mode=0o700)
        path.touch(mode=0o600)
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE a (b)")
        other.close()
        with pytest.raises(StoreFault, match="another program"):
            Store.open(f"sqlite:///{path}", writable=True)
        with sqlite3.connect(path) as other:
            other.execute(f"PRAGMA application_id = {0x53484457}")
        other.close()
        with pytest.raises(StoreFault, match="tables of another program"):
            Store.open(f"sqlite:///{path}", writable=True)

    def test_one_that_others_may_read_is_refused(self, plain, path):
        plain.close()
        path.chmod(0o644)
        with pytest.raises(StoreFault, match="chmod 600"):
            Store.open(f"sqlite:///{path}", writable=True)

    @pytest.mark.parametrize(
        ("bad", "said"),
        [("nonsense", "is no URL"), ("sqlite://", "names no file"), ("mysql://a/b", "is no kind of store"),
         ("sqlite:////proc/nothing/here.db", "cannot be made")],
    )  # fmt: skip
    def test_urls_that_lead_nowhere(self, bad, said):
        with pytest.raises(StoreFault, match=said):
            Store.open(bad, writable=True)

    def test_a_server_needs_its_driver(self, monkeypatch):
        monkeypatch.setattr("detector.store.opening.find_spec", lambda _name: None)
        with pytest.raises(StoreFault, match=r"install shadowit-detector\[postgresql\]"):
            Store.open("postgresql://a@127.0.0.1:1/b", writable=False)

    def test_a_server_that_is_not_there(self):
        with pytest.raises(StoreFault, match="the database refused"):
            Store.open("postgresql://a:secret@127.0.0.1:1/b", writable=True)
        assert "secret" not in place_of("postgresql://a:secret@127.0.0.1:1/b").name

    def test_odd_paths(self, tmp_path):
        for name in ("a b?.db", "per%20cent#.db", "ü.db"):
            with Store.open(f"sqlite:///{tmp_path}/{name}".replace("?", "%3F"), writable=True) as store:
                assert store.streams("a") == []


class TestPacking:
    @given(st.text(alphabet=st.characters(exclude_categories=())))
    @settings(max_examples=examples(300), suppress_health_check=[HealthCheck.too_slow])
    def test_every_text_comes_back(self, text):
        assert unpacked(packed(text)) == text
        packed(text).encode()
        assert "\0" not in packed(text)


SCRIPT = """
import sys, time
sys.path[:0] = [{tests!r}, {root!r}]
from kept import AT, sighting
from detector.store import Store
store = Store.open({url!r}, writable=True, key=b"k" * 32)
print("open", flush=True)
"""


def started(url, code, root):
    script = SCRIPT.format(tests=str(root / "tests"), root=str(root), url=url) + textwrap.dedent(code)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "open\n"
    return process


class TestAccidents:
    def test_a_killed_writer_leaves_whole_batches_and_the_lock(self, url, root, server):
        del server
        process = started(url, """
            for number in range(100_000):
                with store.batch(AT) as batch:
                    batch.add([sighting(2 * number), sighting(2 * number + 1)])
                    if number == 20:
                        print("far enough", flush=True)
        """, root)  # fmt: skip
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for _ in range(50):  # a server needs a moment to notice
            try:
                store = Store.open(url, writable=True)
                break
            except StoreFault:
                time.sleep(0.1)
        with store:
            ids = {one.id for one in store.sightings()}
            assert len(ids) >= 40
            assert {f"s{int(one[1:]) ^ 1}" for one in ids} == ids
            assert sum(one.sightings for one in store.days()) == len(ids)

    def test_an_orphaned_worker_does_not_keep_the_lock(self, path, root):
        process = started(f"sqlite:///{path}", """
            import os
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            print(os.getpid(), flush=True)
            time.sleep(60)
        """, root)  # fmt: skip
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        Store.open(f"sqlite:///{path}", writable=True).close()
        process.stdout.close()

    def test_a_damaged_store_is_moved_aside_and_told(self, path):
        url = f"sqlite:///{path}"
        with Store.open(url, writable=True) as store, store.batch(AT) as batch:
            batch.add([sighting(number) for number in range(500)])
        damaged = bytearray(path.read_bytes())
        damaged[8192:40_000] = os.urandom(40_000 - 8192)
        path.write_bytes(damaged)
        path.with_name("shadowit.db.lock").write_text("4711\n")  # its writer did not end well
        with Store.open(url, writable=True) as store:
            (gap,) = store.gaps()
            assert gap.until > AT
            assert "begins anew" in gap.reason
            aside = store.fact("replaced")
            assert aside in gap.reason
            assert list(store.sightings()) == []
        assert (path.parent / aside).read_bytes() == bytes(damaged)
        with Store.open(url, writable=True) as store:
            assert len(store.gaps()) == 1

    def test_what_is_no_database_is_moved_aside_too(self, path):
        path.parent.mkdir(mode=0o700)
        path.write_bytes(b"no database at all" * 1000)
        path.chmod(0o600)
        with Store.open(f"sqlite:///{path}", writable=True) as store:
            assert len(store.gaps()) == 1

    def test_what_was_moved_aside_before_stays(self, path):
        path.parent.mkdir(mode=0o700)
        for content in (b"one", b"two", b"three"):
            path.write_bytes(content)
            assert moved_aside(path, "now").read_bytes() == content
        assert sorted(one.read_bytes() for one in path.parent.iterdir()) == [b"one", b"three", b"two"]

    def test_one_that_is_not_the_sole_writer_moves_nothing(self, path):
        path.parent.mkdir(mode=0o700)
        path.write_bytes(b"no database at all" * 1000)
        path.chmod(0o600)
        with pytest.raises(StoreFault, match="damaged"):
            Store.open(f"sqlite:///{path}", writable=True, is_sole=False)

    def test_damage_that_shows_while_it_runs_is_looked_for_at_the_next_start(self, path):
        with Store.open(f"sqlite:///{path}", writable=True) as store:
            with store.batch(AT) as batch:
                batch.add([sighting(number) for number in range(3000)])
            store.session.scrub()
            size = path.stat().st_size
            with path.open("r+b") as file:
                file.seek(8192)
                file.write(os.urandom(size - 8192))
            with pytest.raises(StoreFault, match="damaged"):
                list(Store.open(f"sqlite:///{path}", writable=False).sightings())
            with pytest.raises(StoreFault, match="damaged"), store.batch(AT) as batch:
                batch.add([sighting(number) for number in range(3000, 9000)])
        assert path.with_name("shadowit.db.lock").read_text()
        with Store.open(f"sqlite:///{path}", writable=True) as store:
            assert store.fact("replaced")

    def test_after_an_unclean_stop_a_sound_store_goes_on(self, path):
        with Store.open(f"sqlite:///{path}", writable=True) as store, store.batch(AT) as batch:
            batch.add([sighting(1)])
        path.with_name("shadowit.db.lock").write_text("4711\n")
        with Store.open(f"sqlite:///{path}", writable=True) as store:
            assert len(list(store.sightings())) == 1
            assert store.gaps() == []

    def test_another_programs_lock_is_waited_for_then_told(self, plain, path, monkeypatch):
        monkeypatch.setattr("detector.store.opening.BUSY_S", 0.05)
        held_by_another = Lock(path.with_name("shadowit.db.turn"))
        held_by_another.take()
        with pytest.raises(StoreFault, match="is writing this store"), plain.batch(AT) as batch:
            batch.add([sighting(1)])
        held_by_another.give_back()
        with plain.batch(AT) as batch:
            assert len(batch.add([sighting(1)])) == 1

    def test_a_full_disk_is_told_and_nothing_half_is_kept(self, plain):
        with plain.session.writing() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 3}")
        with pytest.raises(StoreFault, match="the disk is full") as told, plain.batch(AT) as batch:
            batch.add([sighting(number) for number in range(5000)])
        assert told.value.is_passing
        assert list(plain.sightings()) == []
        with plain.session.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        with plain.batch(AT) as batch:
            assert len(batch.add([sighting(1)])) == 1

    def test_a_program_that_holds_the_file_is_told(self, plain, path, monkeypatch):
        plain.close()
        monkeypatch.setattr("detector.store.opening.BUSY_S", 0.05)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreFault, match="another program holds it") as told:
            Store.open(f"sqlite:///{path}", writable=True)
        assert told.value.is_passing
        other.close()
        Store.open(f"sqlite:///{path}", writable=True).close()

    def test_single_things_need_a_store(self, path):
        with pytest.raises(StoreFault, match="there is no store yet"):
            Store.open(f"sqlite:///{path}", writable=True, is_sole=False)
        assert not path.parent.exists()

    def test_whoever_writes_single_things_changes_no_tables(self, url):
        with Store.open(url, writable=True) as store, store.session.writing() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        with pytest.raises(StoreFault, match="is of an older shadowit"):
            Store.open(url, writable=True, is_sole=False)


def in_a_namespace(folder, mounting, code, root):
    """Run some code where a folder is mounted in another way, if this machine lets us."""
    script = SCRIPT.format(tests=str(root / "tests"), root=str(root), url=f"sqlite:///{folder}/kept/shadowit.db")
    command = f'{mounting.format(folder=folder)} && exec "$0" -c "$1"'
    ran = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command, sys.executable, script.split("store = ")[0] + textwrap.dedent(code)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unshare" in ran.stderr or "mount:" in ran.stderr:
        pytest.skip("this machine mounts nothing for us")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


class TestDisks:
    def test_a_small_disk_that_fills_up(self, tmp_path, root):
        said = in_a_namespace(tmp_path, "mount -t tmpfs -o size=1m tmpfs {folder}", f"""
            from detector.errors import StoreFault
            store = Store.open("sqlite:///{tmp_path}/kept/shadowit.db", writable=True)
            kept = 0
            try:
                for number in range(10_000):
                    with store.batch(AT) as batch:
                        batch.add([sighting(number * 100 + one) for one in range(100)])
                    kept += 100
            except StoreFault as fault:
                print(fault)
            assert len(list(store.sightings())) == kept > 0, kept
            assert sum(one.sightings for one in store.standings()) == kept
            store.close()
            with Store.open("sqlite:///{tmp_path}/kept/shadowit.db", writable=False) as reader:
                assert len(list(reader.sightings())) == kept
                assert reader.faults() == []
        """, root)  # fmt: skip
        assert "the disk is full: free some space" in said

    def test_a_disk_that_is_read_only(self, tmp_path, root):
        with Store.open(f"sqlite:///{tmp_path}/kept/shadowit.db", writable=True) as store, store.batch(AT) as batch:
            batch.add([sighting(1)])
        said = in_a_namespace(tmp_path, "mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}", f"""
            from detector.errors import StoreFault
            for is_sole in (True, False):
                try:
                    Store.open("sqlite:///{tmp_path}/kept/shadowit.db", writable=True, is_sole=is_sole)
                except StoreFault as fault:
                    print(fault)
        """, root)  # fmt: skip
        assert said.count("cannot be made: Read-only file system") == 2


class TestLostServers:
    def test_work_is_done_again_when_the_server_comes_back(self, server, monkeypatch):
        monkeypatch.setattr("detector.store.store.time.sleep", lambda _seconds: None)
        tries = []

        def work(batch):
            tries.append(1)
            batch.add([sighting(1)])
            if len(tries) == 1:
                server.stop()
                server.start()
            return batch.add([sighting(2)])

        with Store.open(server.create("lost"), writable=True) as store:
            assert store.run(AT, work) == [sighting(2)]
            assert len(tries) == 2
            assert len(list(store.sightings())) == 2

    def test_it_gives_up_in_the_end(self, server, monkeypatch):
        monkeypatch.setattr("detector.store.store.time.sleep", lambda _seconds: None)
        store = Store.open(server.create("gone"), writable=True)
        server.stop()
        with pytest.raises(StoreFault) as told:
            store.run(AT, lambda batch: batch.add([sighting(1)]))
        assert told.value.is_passing
        server.start()
        assert store.run(AT, lambda batch: len(batch.add([sighting(1)]))) == 1
        store.close()

    def test_the_claim_is_made_anew_after_a_loss(self, server):
        url = server.create("claimed")
        store = Store.open(url, writable=True)
        server.stop()
        server.start()
        with Store.open(url, writable=True), pytest.raises(StoreFault, match="another shadowit is writing"):
            store.run(AT, lambda batch: batch.add([sighting(1)]))
        store.close()

    def test_faults_that_will_not_pass_are_not_tried_again(self, server):
        tries = []

        def work(batch):
            tries.append(1)
            batch.add([sighting(1)._replace(actor=Actor(ActorKind.ACCOUNT, "u1"))])

        with Store.open(server.create("final"), writable=True) as store, pytest.raises(StoreFault):
            store.run(AT, work)
        assert len(tries) == 1
