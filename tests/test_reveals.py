"""Grants: names that can be shown again for some hours, and what is left of them behind their end."""

import contextlib
import json
import shutil
import sqlite3
import stat

import pytest
from house import House
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import AT, KEY, path, plain, server, sighting, store, url  # noqa: F401 - fixtures
from machine import examples
from test_cli import shadowit  # noqa: F401 - a fixture
from test_cli_store import HIDDEN, beside, call, site  # noqa: F401 - fixtures

from detector.cli.kept import span_of
from detector.errors import InvalidFile, StoreFault, UsageError
from detector.match import Actor, ActorKind
from detector.store import Act, Ask, Store, Use, grants
from detector.store.reveals import Reveal, digest_of

HOUR = 3_600_000_000
WHO = {f"p-{number:016x}": Actor(ActorKind.ACCOUNT, f"jane.doe.{number}") for number in (1, 2)}
ONE, TWO = WHO
SECRET = bytes(range(32))


def granted(store, hours=8, secret=SECRET, now=AT):
    entry = store.reveal(Ask(tuple(WHO), "2026-7", "complaint", "me", ("aa", "bb"), hours * HOUR), now)
    store.grant(entry, secret, WHO)
    return entry


def acts(store):
    return [(one.act, one.grant, one.pseudonyms) for one in store.reveals()]


class TestGrants:
    def test_names_are_shown_until_the_end_and_never_behind_it(self, store):
        entry = granted(store)
        assert entry.expires == AT + 8 * HOUR
        shown = store.use_grant(SECRET, Use((), "you", AT + 8 * HOUR - 1))
        assert (shown.actors, shown.granted.number, shown.entry.by) == (WHO, 1, "you")
        assert store.use_grant(SECRET, Use((TWO,), "you", AT + 8 * HOUR - 1)).actors == {TWO: WHO[TWO]}
        for later in (AT + 8 * HOUR, AT + 100 * HOUR):
            with pytest.raises(UsageError, match=r"reveal 1 ended at 2020-02-27T08:00:00Z: the custodians can .* log"):
                store.use_grant(SECRET, Use((), "you", later))
        assert acts(store) == [
            (Act.OPENED, 0, (ONE, TWO)), (Act.USED, 1, (ONE, TWO)), (Act.USED, 1, (TWO,)), (Act.EXPIRED, 1, (ONE, TWO)),
            (Act.REFUSED, 1, (ONE, TWO)), (Act.REFUSED, 1, (ONE, TWO)),
        ]  # fmt: skip
        assert store.broken_reveals() == ""
        assert store.lasting_grants() == set()

    def test_a_clock_that_is_set_back_gains_nothing_once_something_was_written(self, store):
        granted(store)
        with store.batch(AT + 9 * HOUR) as batch:
            batch.count("proxy")
        with pytest.raises(UsageError, match="ended at 2020-02-27T08:00:00Z"):
            store.use_grant(SECRET, Use((), "me", AT + 1))
        with pytest.raises(UsageError, match="is the clock of this machine right"):
            granted(store, secret=b"s" * 32, now=AT)

    def test_it_covers_nobody_else(self, store):
        granted(store)
        with pytest.raises(UsageError, match="p-3: the grant of reveal 1 does not cover it"):
            store.use_grant(SECRET, Use((ONE, "p-3"), "me", AT + 1))
        assert store.use_grant(SECRET, Use((ONE, "p-3"), "me", AT + 1, is_partial=True)).actors == {ONE: WHO[ONE]}
        with pytest.raises(UsageError, match="does not cover"):
            store.use_grant(SECRET, Use(("p-3",), "me", AT + 1, is_partial=True))
        assert [one for one, _, _ in acts(store)] == [Act.OPENED, Act.REFUSED, Act.USED, Act.REFUSED]

    def test_another_secret_opens_nothing(self, store):
        granted(store)
        with pytest.raises(UsageError, match="knows no such grant"):
            store.use_grant(b"0" * 32, Use((), "me", AT))

    def test_somebody_ends_it_before_its_time(self, store):
        granted(store)
        assert store.end_grant(1, by="officer", now=AT + HOUR).act is Act.ENDED
        with pytest.raises(UsageError, match="has no grant that lasts"):
            store.end_grant(1, by="officer", now=AT + HOUR)
        with pytest.raises(UsageError, match="ended at 2020-02-27T01:00:00Z"):
            store.use_grant(SECRET, Use((), "me", AT + 2 * HOUR))

    def test_shredding_a_person_ends_the_grants_that_cover_them(self, store):
        with store.batch(AT) as batch:
            batch.seal(ONE, b"box")
        granted(store)
        store.shred([ONE], by="me", now=AT + 1)
        assert store.lasting_grants() == set()

    def test_a_purge_of_the_log_takes_grants_along(self, store):
        granted(store)
        store.expire_grants(AT + 9 * HOUR)
        with store.session.writing() as connection:
            connection.exec_driver_sql("DELETE FROM reveals")
        with pytest.raises(UsageError, match="knows no such grant"):
            store.use_grant(SECRET, Use((), "me", AT))

    def test_what_is_due_is_erased_once(self, store):
        granted(store)
        granted(store, hours=1, secret=b"s" * 32)
        assert [store.expire_grants(AT + hours * HOUR) for hours in (0, 1, 2, 8, 9)] == [0, 1, 0, 1, 0]


class TestTampering:
    @pytest.mark.parametrize(
        "change",
        [
            f"UPDATE reveals SET expires = expires + {1000 * HOUR} WHERE number = 1",
            f"UPDATE reveals SET expires = expires + {1000 * HOUR}, digest = '{{digest}}' WHERE number = 1",
            "UPDATE reveals SET purpose = 'anything' WHERE number = 1",
            "UPDATE reveals SET pseudonyms = 'p-3' WHERE number = 1",
        ],
    )
    def test_a_grant_whose_entry_was_changed_opens_nothing(self, store, change):
        entry = granted(store)
        store.reveal(Ask((ONE,), "2026-8", "another", "me", ("aa", "bb")), AT)
        forged = digest_of(entry._replace(expires=entry.expires + 1000 * HOUR))
        with store.session.writing() as connection:
            connection.exec_driver_sql(change.format(digest=forged))
        for now in (AT + 1, AT + 9 * HOUR):
            with pytest.raises(UsageError, match=r"ended at|does not open: its entry in the log is not as it was"):
                store.use_grant(SECRET, Use((), "me", now))
        assert store.broken_reveals() != ""

    def test_an_entry_that_was_taken_out_erases_the_grant(self, store):
        granted(store)
        with store.session.writing() as connection:
            connection.exec_driver_sql("DELETE FROM reveals")
        assert store.expire_grants(AT) == 1
        assert store.lasting_grants() == set()

    @given(st.integers(AT, 2 * AT), st.text(max_size=9), st.text(max_size=9), st.integers(1, 9))
    @settings(max_examples=examples(100))
    def test_the_key_hangs_on_everything_that_the_entry_says(self, expires, case, by, number):
        entry = Reveal(1, AT, (ONE,), "2026-7", "complaint", "me", ("aa",), AT + HOUR)
        other = entry._replace(expires=expires, case=case, by=by, number=number)
        same = grants._key(SECRET, entry) == grants._key(SECRET, other)  # noqa: SLF001 - what nobody else may call
        assert same == (entry == other)

    def test_acts_cannot_be_passed_for_reveals(self, store):
        granted(store)
        store.use_grant(SECRET, Use((), "me", AT + 1))
        with store.session.writing() as connection:
            connection.exec_driver_sql("UPDATE reveals SET act = 'opened', grant_of = 0 WHERE number = 2")
        assert store.broken_reveals() == "entry 2 is not as it was written"


def box_of(path):
    with contextlib.closing(sqlite3.connect(path)) as reader:
        return reader.execute("SELECT box FROM grants").fetchone()[0]


class TestWhatIsLeft:
    def test_nothing_of_a_grant_that_ended_stands_in_the_files(self, plain, path):
        granted(plain)
        box = box_of(path)
        assert any(box in file.read_bytes() for file in path.parent.iterdir())
        assert not any(b"jane" in file.read_bytes() for file in path.parent.iterdir())
        plain.expire_grants(AT + 8 * HOUR)
        assert not any(box in file.read_bytes() for file in path.parent.iterdir())

    def test_a_reader_that_is_in_the_way_only_puts_the_erasing_off(self, path, monkeypatch):
        monkeypatch.setattr("detector.store.opening.BUSY_S", 0.05)
        with Store.open(f"sqlite:///{path}", writable=True, key=KEY) as store:
            granted(store)
            box = box_of(path)
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
                reader.execute("BEGIN")
                reader.execute("SELECT * FROM grants").fetchall()
                with pytest.raises(Exception, match="reading the store"):
                    store.expire_grants(AT + 8 * HOUR)
            assert store.expire_grants(AT + 8 * HOUR) == 0
        assert not any(box in file.read_bytes() for file in path.parent.iterdir())

    def test_a_backup_holds_no_grant(self, plain, path, tmp_path):
        granted(plain)
        box = box_of(path)
        plain.backup(tmp_path / "copy.db")
        assert box not in (tmp_path / "copy.db").read_bytes()
        opened = Store.open(f"sqlite:///{tmp_path}/copy.db", writable=True)
        with opened as copy, pytest.raises(UsageError, match="does not open"):
            copy.use_grant(SECRET, Use((), "me", AT + 1))

    def test_a_grants_file_is_nothing_without_the_store(self, tmp_path):
        made = grants.make_file(tmp_path / "a.grant", "2026-\n7", AT)
        assert grants.read_file(tmp_path / "a.grant") == made
        text = (tmp_path / "a.grant").read_text()
        assert (text.count("\n"), "jane" in text, "until 2020-02-27T00:00:00Z" in text) == (2, False, True)
        assert stat.S_IMODE((tmp_path / "a.grant").stat().st_mode) == 0o600
        with pytest.raises(UsageError, match="cannot be written"):
            grants.make_file(tmp_path / "a.grant", "2026-7", AT)
        (tmp_path / "a.grant").chmod(0o644)
        with pytest.raises(InvalidFile, match="others may read"):
            grants.read_file(tmp_path / "a.grant")
        (tmp_path / "b.grant").write_text("nothing")
        with pytest.raises(InvalidFile, match="holds no grant"):
            grants.read_file(tmp_path / "b.grant")


def test_a_store_of_before_there_were_grants_is_brought_up_to_date(tmp_path):
    """Entries that were written then keep their digests."""
    from alembic import command  # noqa: PLC0415 - heavy
    from alembic.config import Config  # noqa: PLC0415 - as above
    from sqlalchemy import create_engine  # noqa: PLC0415 - as above

    file = tmp_path / "old.db"
    file.touch(mode=0o600)
    entry = Reveal(1, AT, (ONE,), "2026-7", "complaint", "me", ("aa", "bb"), AT + 30 * 24 * HOUR)
    entry = entry._replace(digest=digest_of(entry))
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", "detector.store:migrations")
        command.upgrade(config, "0001")
        connection.exec_driver_sql(f"PRAGMA application_id = {0x53484457}")
        connection.exec_driver_sql(
            "INSERT INTO reveals VALUES (1, ?, ?, '2026-7', 'complaint', 'me', ?, ?, '', ?)",
            (AT, ONE, "aa\nbb", entry.expires, entry.digest),
        )
    engine.dispose()
    with Store.open(f"sqlite:///{file}", writable=True) as store:
        assert store.reveals() == [entry]
        assert store.broken_reveals() == ""
        granted(store, now=AT + HOUR)
        assert store.broken_reveals() == ""


def test_times_are_read():
    assert [span_of(one) // 60_000_000 for one in ("30m", "8h", "30d")] == [30, 480, 43_200]
    for wrong in ("", "8", "h", "0h", "31d", "-1h", "1.5h", "9999999m", "8w", "²h"):
        with pytest.raises(UsageError, match="30m, 8h or 2d"):
            span_of(wrong)


class TestCommands:
    @pytest.fixture
    def keys(self, site):
        return ("--key", site / "security.key", "--key", site / "privacy.key")

    @pytest.fixture
    def grant(self, site, call, keys):
        file = site / "case.grant"
        done = call("reveal", HIDDEN, *keys, "--case", "2026-7", "--purpose", "complaint", "--save", file, "--by", "me")
        assert (done.status, "jane.doe" in done.out) == (0, True)
        assert "shows these names until" in done.err
        return file

    def test_names_again_without_keys(self, call, grant):
        said = json.loads(call("reveal", "--grant", grant, "--by", "you", "-f", "json").out)
        identities = [{"pseudonym": HIDDEN, "kind": "account", "name": "jane.doe"}]
        assert said == {"reveal": 1, "entry": 2, "identities": identities}
        assert "jane.doe" in call("reveal", HIDDEN, "--grant", grant).out
        log = call("reveal", "log")
        assert [row.split()[3] for row in log.out.splitlines()[1:]] == ["opened,", "used", "used"]
        assert "opened, granted" in log.out
        assert "used (grant of 1)" in log.out
        assert [one["act"] for one in json.loads(call("reveal", "log", "-f", "json").out)["entries"]] == [
            "opened", "used", "used",
        ]  # fmt: skip

    def test_behind_its_end_the_same_command_refuses(self, call, grant, monkeypatch):
        from detector.cli import kept  # noqa: PLC0415 - only here

        later = kept.now() + 8 * HOUR
        monkeypatch.setattr(kept, "now", lambda: later)
        for words in (
            ("reveal", "--grant", grant),
            ("findings", "show", "one", "--names", "--grant", grant),
            ("answer", "one", "--names", "--grant", grant, "--purpose", "complaint"),
        ):
            done = call(*words)
            assert (done.status, "jane" in done.out + done.err) == (2, False)
            assert "the grant of reveal 1 ended at" in done.err
        log = call("reveal", "log").out
        assert [log.count(one) for one in ("expired (grant of 1)", "refused (grant of 1)")] == [1, 3]

    def test_findings_with_names(self, call, grant):
        done = call("findings", "show", "one", "--names", "--grant", grant)
        assert f"{HIDDEN}  jane.doe  (account" in done.out
        assert f"p-{3:016x}  (account" in done.out
        rows = json.loads(call("findings", "show", "one", "--names", "--grant", grant, "-f", "json").out)["findings"]
        assert {row["actor"]["id"]: row["actor"].get("name") for row in rows} == {
            HIDDEN: "jane.doe", f"p-{3:016x}": None,
        }  # fmt: skip
        other = call("findings", "show", "one", f"p-{3:016x}", "--names", "--grant", grant)
        assert (other.status, "does not cover it" in other.err) == (2, True)
        assert call("findings", "show", "one", "p-none", "--names", "--grant", grant).out.startswith("incident")
        for words in (("--names",), ("--grant", grant)):
            assert "go together" in call("findings", "show", "one", *words).err

    def test_answers_with_names(self, call, grant):
        words = ("answer", "one", "--names", "--purpose", "hearing", "--stage", "visited")
        given = json.loads(call(*words, "--grant", grant, "-f", "json").out)
        named = {one["id"]: one["name"] for one in (*given["people"], *given["traces"])}
        assert named == {HIDDEN: "jane.doe", f"p-{3:016x}": None}
        assert given["purpose"] == "hearing (names under reveal 1, case 2026-7)"
        page = call(*words, "--grant", grant, "-f", "md").out
        assert f"jane.doe ({HIDDEN})" in page
        assert "--grant, which `shadowit reveal --save` makes" in call(*words).err

    def test_it_is_logged_before_it_shows(self, call, grant, site, monkeypatch):
        shown = []

        def show(entry, actors, _format):
            with Store.open(f"sqlite:///{site}/kept/shadowit.db", writable=False) as store:
                assert store.reveals()[-1] == entry
            shown.append(actors)

        monkeypatch.setattr("detector.cli.reveal._show", show)
        assert call("reveal", "--grant", grant).status == 0
        assert [one[HIDDEN].name for one in shown] == ["jane.doe"]

    def test_an_officer_ends_it(self, call, grant):
        assert "the grant of reveal 1 is ended; this is noted as entry 2" in call("reveal", "end", "1").out
        assert call("reveal", "--grant", grant).status == 2
        assert call("reveal", "end", "1").status == 2

    def test_a_copy_of_the_store_and_one_of_the_file_are_nothing_behind_the_end(self, call, grant, site):
        copy = site / "copy.grant"
        shutil.copy(grant, copy)
        call("reveal", "end", "1")
        with beside(site) as store, pytest.raises(UsageError, match="ended"):
            store.use_grant(grants.read_file(copy), Use((), "thief", AT))

    def test_what_does_not_go_together(self, call, grant, site, keys):
        asked = ("--case", "2026-7", "--purpose", "p")
        for words, said in (
            (("--grant", grant, *keys), "stands alone"),
            ((HIDDEN, *keys, *asked, "--save", grant), "is there already"),
            ((HIDDEN, *keys, *asked, "--save", site / "b.grant", "--for", "31d"), "30 days at most"),
            ((HIDDEN, *keys, *asked, "--save", site / "nowhere" / "b.grant"), "cannot be written"),
            ((*keys, *asked), "needs PSEUDONYMs"),
        ):
            done = call("reveal", *words)
            assert (done.status, said in done.err) == (2, True), (words, done.err)

    def test_a_grant_that_cannot_be_kept_leaves_no_file(self, call, site, keys):
        with beside(site) as store, store.session.writing() as connection:
            connection.exec_driver_sql(f"UPDATE counters SET succeeded = {1 << 62}")
        done = call("reveal", HIDDEN, *keys, "--case", "1", "--purpose", "p", "--save", site / "b.grant")
        assert (done.status, "is the clock of this machine right" in done.err) == (2, True)
        assert not (site / "b.grant").exists()

    def test_wrong_keys_make_no_grant(self, call, site):
        keys = ("--key", site / "security.key", "--key", site / "stranger.key")
        done = call("reveal", HIDDEN, *keys, "--case", "1", "--purpose", "p", "--save", site / "b.grant")
        assert (done.status, (site / "b.grant").exists()) == (2, False)


def test_the_daemon_erases_grants_whose_time_is_over(tmp_path, monkeypatch):
    house = House(tmp_path / "site")
    granted(house.store, now=house.clock())
    house.run()
    assert house.store.lasting_grants() == {1}
    house.clock.now += 9 * HOUR

    def refuse(*, whole):
        raise StoreFault(f"somebody has been reading the store: {whole}", is_passing=True)

    with monkeypatch.context() as patch:
        patch.setattr(house.store.session, "scrub", refuse)
        assert house.run().faults  # of a log that is not there; the pass went on
        assert "are erased in the next pass" in house.told[-1] or any("next pass" in one for one in house.told)
    house.run()
    assert house.store.lasting_grants() == set()
    monkeypatch.setattr(house.store, "expire_grants", broken)
    with pytest.raises(StoreFault, match="full"):
        house.run()
    house.store.close()


def broken(_now):
    raise StoreFault("the disk is full")
