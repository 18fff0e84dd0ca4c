"""Commands that work on the store, also while the daemon holds it."""

import csv
import io
import json
import stat

import pytest
from kept import AT, alert, sighting
from test_cli import SIGNATURE, shadowit  # noqa: F401 - a fixture

from detector.coverage import Hour, Unread
from detector.events import Kind, Stage
from detector.identity import pseudonym
from detector.match import Actor, ActorKind
from detector.policy import Verdict
from detector.store import Store, custodians_of

KEY = b"0123456789abcdef0123456789abcdef"
JANE = Actor(ActorKind.ACCOUNT, "jane.doe")
HIDDEN = pseudonym(JANE, KEY)


@pytest.fixture
def site(tmp_path, shadowit):
    """A folder with a configuration, keys and a store that the daemon holds."""
    (tmp_path / "signatures" / "test" / "kind").mkdir(parents=True)
    (tmp_path / "signatures" / "test" / "kind" / "one.yaml").write_text(SIGNATURE)
    for name in ("security", "privacy", "stranger"):
        assert shadowit("reveal", "keygen", name, "-o", str(tmp_path)).status == 0
    (tmp_path / "people.csv").write_text(
        "id,name,accounts,unit\n" + "".join(f"{one},N,u{one},Patrol\n" for one in range(6)) + "9,N,u9,Cyber\n"
    )
    (tmp_path / "shadowit.yml").write_text(
        "store: sqlite:///kept/shadowit.db\nsignatures: [signatures/]\npeople: people.csv\n"
        "sources:\n  - {name: proxy, paths: [nothing.log]}\n  - {name: dns, paths: [nothing.log]}\n"
        "privacy: {names: false, key_file: key, custodians: [security.pub, privacy.pub]}\n"
        "retention: {sightings_days: 100000, aggregates_days: 100000}\n"
    )
    with Store.open(f"sqlite:///{tmp_path}/kept/shadowit.db", writable=True, key=KEY) as daemon:
        fill(daemon, tmp_path)
        yield tmp_path


def fill(daemon, folder):
    with daemon.batch(AT) as batch:
        jane = sighting(1, service="one")._replace(actor=JANE._replace(name=HIDDEN))
        batch.add([
            jane, jane._replace(id="s2", at=AT + 90_000_000_000, stage=Stage.UPLOADED, offset=200, bytes_sent=5,
                                verdict=Verdict.AFTER_ORDER, path="/logs/\x1b[31m"),
            sighting(3, service="one", actor=3, unit="Cyber", denied=True), sighting(4, service="gone", actor=3),
        ])  # fmt: skip
        custodians_of([folder / "security.pub", folder / "privacy.pub"]).keep(batch, [(HIDDEN, JANE)])
        batch.cover([Hour("proxy", Kind.PROXY, AT // 3_600_000_000, 10, 5, 1, 5000)])
        batch.count("proxy", parsed=5, filtered=4, unparsed=1, bytes_read=5000, newest_at=AT, lag_bytes=77)
        batch.gap(Unread("proxy", "/logs/b", AT, None, "permission denied"))
        batch.enqueue([alert("k", service="one")], ["jsonl"])


@pytest.fixture
def call(site, shadowit):
    def called(*arguments):
        config = () if "keygen" in arguments else ("-c", str(site / "shadowit.yml"))
        return shadowit(*arguments, *config)

    return called


def beside(site):
    return Store.open(f"sqlite:///{site}/kept/shadowit.db", writable=True, is_sole=False)


class TestFindings:
    def test_the_table(self, call):
        done = call("findings", "list")
        assert done.status == 0
        rows = [row.split() for row in done.out.splitlines()]
        assert rows[0][:3] == ["SERVICE", "WHO", "UNIT"]
        assert [row[:2] for row in rows[1:]] == sorted([["one", HIDDEN], ["one", f"p-{3:016x}"]])
        assert "uploaded" in done.out
        assert "Patrol" in done.out
        assert "Cyber" not in done.out
        assert "open" in done.out
        assert "gone: 1 findings left out" in done.err

    def test_json_lines_are_those_of_the_audit(self, call):
        done = call("findings", "list", "-f", "jsonl", "--verdict", "after-order")
        (row,) = done.rows
        assert (row["service"], row["stage"], row["verdict"], row["sightings"]) == ("one", "uploaded", "after-order", 2)
        assert row["actor"] == {"id": HIDDEN, "kind": "account", "unit": "Patrol", "confidence": "high"} | {
            key: row["actor"][key] for key in row["actor"] if key == "one_of"
        }
        assert row["evidence"][0].keys() >= {"path", "offset", "length", "sha256", "indicator", "stage", "at"}

    def test_json_and_csv(self, call):
        assert len(json.loads(call("findings", "list", "-f", "json").out)) == 2
        rows = list(csv.DictReader(io.StringIO(call("findings", "list", "-f", "csv").out)))
        assert {row["actor"] for row in rows} == {HIDDEN, f"p-{3:016x}"}

    def test_windows_and_services(self, call):
        assert [row["actor"]["id"] for row in call("findings", "list", "-f", "jsonl", "--who", HIDDEN).rows] == [HIDDEN]
        assert len(call("findings", "list", "-f", "jsonl", "--since", "2020-02-28").rows) == 1
        assert len(call("findings", "list", "-f", "jsonl", "--until", "2020-02-27T08:00:00").rows) == 2
        assert call("findings", "list", "--service", "two").status == 2

    def test_show(self, call):
        done = call("findings", "show", "one", HIDDEN)
        assert "incident service:one: open, low" in done.out
        assert "/logs/\\x1b[31m:200" in done.out
        assert f"p-{3:016x}" not in done.out
        said = json.loads(call("findings", "show", "one", "-f", "json").out)
        assert (said["incident"]["state"], len(said["findings"])) == ("open", 2)
        assert "no finding of one by p-0" in call("findings", "show", "one", "p-0").out
        assert call("findings", "show", "two").status == 2

    def test_acknowledged_and_closed_while_the_daemon_runs(self, call):
        assert (
            call("findings", "ack", "one", "--by", "me", "--note", "asked").out == "service:one: acknowledged by me\n"
        )
        assert call("findings", "close", "one", "--by", "me").status == 0
        shown = call("findings", "show", "one").out
        assert "acknowledged by me  asked" in shown
        assert "closed by me" in shown
        done = call("findings", "ack", "nothing")
        assert (done.status, "has no incident" in done.err) == (2, True)


class TestStatus:
    def test_the_table(self, call):
        out = call("status").out
        head, proxy, dns = out.splitlines()[:3]
        assert head.split()[:4] == ["SOURCE", "LINES", "PARSED", "UNPARSED"]
        assert proxy.split()[:4] == ["proxy", "10", "5", "1"]
        assert "2020-02-27 07:00" in proxy or "2020-02-27" in proxy
        assert dns.split()[1] == "0"
        assert "gap: proxy /logs/b from 2020-02-27" in out
        assert "outbox of jsonl: 1 waiting, 0 given up, 0 sent" in out
        assert "incident service:one: open, low" in out

    def test_json(self, call):
        said = json.loads(call("status", "-f", "json").out)
        (proxy, dns) = said["sources"]
        assert (proxy["lines"], proxy["lag_bytes"], proxy["gaps"], dns["last_success"]) == (10, 77, 1, None)
        assert proxy["covered_since"].startswith("2020-02-27T")
        assert said["store"]["place"].endswith("shadowit.db")

    def test_a_store_that_began_anew_says_so(self, call, site):
        with beside(site) as store, store.batch(AT) as batch:
            batch.note("replaced", "/old\x1b")
        assert "the old one lies in /old\\x1b" in call("status").out

    def test_there_must_be_a_configuration_and_a_store(self, shadowit, tmp_path):
        done = shadowit("status", "-c", str(tmp_path / "nowhere.yml"))
        assert (done.status, "no such configuration" in done.err) == (2, True)
        (tmp_path / "a.yml").write_text("sources: [{name: a, paths: [a.log]}]\n")
        done = shadowit("status", "-c", str(tmp_path / "a.yml"))
        assert (done.status, "there is no store yet" in done.err) == (5, True)


class TestStore:
    def test_check(self, call, site):
        assert call("store", "check").out == "sound: 4 sightings, 0 reveals in an unbroken chain\n"
        with beside(site) as store, store.session.writing() as connection:
            connection.exec_driver_sql("DELETE FROM sightings WHERE id = 's1'")
        done = call("store", "check")
        assert (done.status, "3 sightings are kept, 4 are counted" in done.err) == (5, True)

    def test_backup(self, call, site):
        target = site / "copy.db"
        assert call("store", "backup", str(target)).status == 0
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert call("store", "backup", str(target)).status == 2

    def test_purge_and_holds(self, call, site):
        assert "nothing is that old" in call("store", "purge", "--by", "me").out
        assert "holds one, everybody" in call("store", "hold", "--case", "7", "--service", "one", "--reason", "x").out
        config = site / "shadowit.yml"
        config.write_text(config.read_text().replace("100000", "1"))
        out = call("store", "purge", "--by", "me").out
        assert "sightings: 1 rows from before" in out
        assert "3 kept for a case" in out
        assert "me" in call("store", "purge", "--list").out
        assert "everybody" in call("store", "hold").out
        assert "1 holds lifted" in call("store", "hold", "--case", "7", "--lift", "--by", "me").out
        assert "sightings: 3 rows" in call("store", "purge", "--by", "me").out
        for wrong in (("--lift",), ("--case", "8"), ("--case", "8", "--lift")):
            assert call("store", "hold", *wrong).status == 2

    def test_shredded_identities_open_no_more(self, call, site):
        call("store", "hold", "--case", "7", "--service", "one", "--reason", "x")
        assert "a case holds" in call("store", "shred", HIDDEN).err
        call("store", "hold", "--case", "7", "--lift")
        with beside(site) as store:
            box = store.boxes([HIDDEN])[HIDDEN]
        assert call("store", "shred", HIDDEN, "--by", "me").out == "1 identities dropped\n"
        assert call("store", "shred", HIDDEN).status == 2
        assert "identities" in call("store", "purge", "--list").out
        for file in (site / "kept").iterdir():
            assert box not in file.read_bytes()


class TestReveal:
    def asked(self, site, *keys):
        said = [part for key in keys for part in ("--key", str(site / f"{key}.key"))]
        return ("--case", "2026-7", "--purpose", "complaint", "--by", "me", *said)

    def test_both_keys_show_the_name_and_the_log_says_so(self, call, site):
        done = call("reveal", HIDDEN, *self.asked(site, "privacy", "security"))
        assert done.status == 0
        assert done.out.splitlines()[1].split() == [HIDDEN, "account", "jane.doe"]
        log = call("reveal", "log")
        assert "2026-7" in log.out
        assert "jane" not in log.out
        assert "unbroken; the last entry is" in log.err
        digest = log.err.split()[-1]
        assert call("reveal", "log", "--contains", digest, "-f", "json").status == 0
        gone = call("reveal", "log", "--contains", "ffff")
        assert (gone.status, "no entry has the digest" in gone.err) == (5, True)

    def test_as_json(self, call, site):
        said = json.loads(call("reveal", HIDDEN, *self.asked(site, "security", "privacy"), "-f", "json").out)
        identities = [{"pseudonym": HIDDEN, "kind": "account", "name": "jane.doe"}]
        assert said == {"reveal": 1, "entry": 1, "identities": identities}

    def test_it_is_logged_before_it_shows(self, call, site, monkeypatch):
        shown = []

        def show(entry, actors, output_format):
            with Store.open(f"sqlite:///{site}/kept/shadowit.db", writable=False) as store:
                assert store.reveals() == [entry]
            shown.append((actors, output_format))

        monkeypatch.setattr("detector.cli.reveal._show", show)
        assert call("reveal", HIDDEN, *self.asked(site, "security", "privacy")).status == 0
        assert len(shown) == 1

    def test_the_wrong_keys_show_nothing_and_are_logged_too(self, call, site):
        done = call("reveal", HIDDEN, *self.asked(site, "security", "stranger"))
        assert (done.status, "jane" in done.out + done.err) == (2, False)
        assert "sealed to other custodians; the attempt is logged as reveal 1" in done.err
        assert "2026-7" in call("reveal", "log").out

    def test_what_it_needs(self, call, site):
        for wrong in (
            (HIDDEN,), (HIDDEN, *self.asked(site, "security")), (HIDDEN, *self.asked(site, "security", "security")),
            (HIDDEN, *self.asked(site, "security", "privacy")[2:]), ("p-0", *self.asked(site, "security", "privacy")),
        ):  # fmt: skip
            assert call("reveal", *wrong).status == 2
        assert call("reveal", "log").err == "nothing was revealed\n"

    def test_a_log_that_was_tampered_with(self, call, site):
        call("reveal", HIDDEN, *self.asked(site, "security", "privacy"))
        with beside(site) as store, store.session.writing() as connection:
            connection.exec_driver_sql("UPDATE reveals SET purpose = 'nothing'")
        done = call("reveal", "log")
        assert (done.status, "was tampered with" in done.err) == (5, True)
        assert call("store", "check").status == 5

    def test_keys(self, call, site):
        assert call("reveal", "keygen", "security", "-o", str(site)).status == 2
        assert call("reveal", "keygen", "../security").status == 2

    def test_help(self, shadowit):
        assert "needs the keys of both custodians" in shadowit("reveal", "--help").out

    def test_who_asks_is_known(self, call, monkeypatch):
        def nobody():
            raise KeyError

        monkeypatch.setattr("getpass.getuser", nobody)
        done = call("findings", "ack", "one")
        assert (done.status, "say it with --by" in done.err) == (2, True)
        monkeypatch.setattr("getpass.getuser", lambda: "jo")
        assert call("findings", "ack", "one").out == "service:one: acknowledged by jo\n"
