"""Changed signatures, transactions over passes, canaries, custodians: what a daemon does beside reading on."""

import gzip
import random
import shutil
from collections import Counter

import pytest
from house import House
from kills import CONFIG, ROOT, squid_line
from nacl.public import PrivateKey

from detector.audit import Terms, plan
from detector.audit.plan import Named, Site
from detector.audit.run import audited
from detector.daemon import lookback
from detector.daemon.canaries import PLANTED
from detector.daemon.transactions import EXPIRY_US, REST_US
from detector.findings import AlertKind
from detector.formats import Formats
from detector.scan import Settings
from detector.store import custody

NEW = "newface.example"


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path / "site")
    yield house
    house.store.close()


def add_signature(house):
    """A service that nobody looked for before."""
    folder = house.folder / "signatures" / "facial-recognition"
    text = (folder / "clearview-ai.yaml").read_text()
    text = (
        text.replace("clearviewai.statuspage.io", f"status.{NEW}")
        .replace("clearview.ai", NEW)
        .replace("clearview-ai", "new-face")
        .replace("Clearview AI", "New Face")
    )
    (folder / "new-face.yaml").write_text(text)


def write_new(house, numbers, name="access.log"):
    lines = [squid_line(number, f"u{number % 3}", f"www.{NEW}") for number in numbers]
    with (house.logs / name).open("ab") as file:
        file.write(b"".join(line + b"\n" for line in lines))


def of_new(house):
    return [one for one in house.store.sightings() if one.service == "new-face"]


class TestLookBack:
    def test_a_new_signature_is_looked_for_in_everything_on_disk(self, house):
        write_new(house, range(20))
        house.write(range(100, 120))
        (house.logs / "access.log.2.gz").write_bytes(gzip.compress((house.logs / "access.log").read_bytes()))
        (house.logs / "access.log").unlink()
        write_new(house, range(20, 25), "access.log.1")
        house.write(range(200, 220))
        house.run()
        assert of_new(house) == []
        counted = house.store.progress()
        add_signature(house)
        house.restart()
        house.run()
        assert (of_new(house), len(house.store.look_backs(house.force.ruleset.digest))) == ([], 3)
        assert lookback.progress(house.store.look_backs(house.force.ruleset.digest)).startswith("0 of 3 logs")
        assert lookback.run(house.crew)
        assert len(of_new(house)) == 25
        assert len(house.digests()) == 65
        assert [one.parsed for one in house.store.progress()] == [one.parsed for one in counted]
        rows = house.store.look_backs(house.force.ruleset.digest)
        assert {one.state for one in rows} == {"done"}
        assert min(one.reached for one in rows) == 1_582_797_600_000_000
        assert lookback.progress(rows) == ""
        kinds = Counter(one.alert.kind for one in house.store.waiting("jsonl", "service:new-face"))
        assert kinds[AlertKind.NEW_PERSON] == 3
        (finished,) = house.store.waiting("jsonl", f"look-back:{house.force.ruleset.digest}")
        assert "New" in finished.alert.reason or "new-face (3)" in finished.alert.reason
        assert any("looked back through 3 logs for 1 services, to 2020-02-27T10:00:00Z" in one for one in house.told)
        assert lookback.run(house.crew)
        assert len(house.store.waiting("jsonl", f"look-back:{house.force.ruleset.digest}")) == 1

    def test_it_goes_on_where_it_was_stopped(self, house, monkeypatch):
        write_new(house, range(2000))
        house.run()
        add_signature(house)
        monkeypatch.setattr("detector.scan.scanning.CELL_BYTES", 32_768)
        house.restart()
        house.run()
        house.crew.sighter.settings = Settings(part_bytes=65_536, chunk_bytes=32_768)
        house.crew.is_stopped = lambda: True
        assert not lookback.run(house.crew)
        (row,) = house.store.look_backs(house.force.ruleset.digest)
        assert (row.state, 0 < row.offset < row.size) == ("running", True)
        some = len(of_new(house))
        assert 0 < some < 2000
        house.restart()
        house.run()
        assert lookback.run(house.crew)
        assert (len(of_new(house)), len({one.id for one in of_new(house)})) == (2000, 2000)

    def test_a_log_that_went_away_is_said(self, house):
        write_new(house, range(5))
        house.run()
        add_signature(house)
        house.restart()
        house.run()
        (house.logs / "access.log").unlink()
        assert lookback.run(house.crew)
        assert [one.state for one in house.store.look_backs(house.force.ruleset.digest)] == ["unread"]
        assert "1 logs could not be read" in house.told[-1]

    def test_signatures_that_say_the_same_are_not_looked_back_for(self, house):
        write_new(house, range(5))
        house.run()
        path = house.folder / "signatures" / "facial-recognition" / "clearview-ai.yaml"
        path.write_text(path.read_text().replace("vendor: Clearview AI, Inc.", "vendor: Clearview"))
        before = house.force.ruleset.digest
        house.restart()
        house.run()
        assert house.force.ruleset.digest != before
        assert house.store.look_backs(house.force.ruleset.digest) == []

    def test_mail_is_joined_in_it(self, tmp_path):
        house = House(tmp_path / "mail", CONFIG.replace("format: squid", "format: postfix"))
        (house.logs / "access.log").write_text(POSTFIX.replace("clearview.ai", NEW))
        house.run()
        house.clock.now += EXPIRY_US + 1
        house.run()
        add_signature(house)
        house.restart()
        house.run()
        assert lookback.run(house.crew)
        found = Counter((one.service, one.stage, one.sha256) for one in of_new(house))
        assert found == Counter((one.service, one.stage, one.sha256) for one in once(house, "postfix"))
        assert found
        house.store.close()


POSTFIX = """\
Feb 27 10:00:00 mx1 postfix/smtpd[2101]: ABCDE00001: client=o1.mail.clearview.ai[203.0.113.5]
Feb 27 10:00:03 mx1 postfix/qmgr[7]: ABCDE00001: from=<no-reply@clearview.ai>, size=5360, nrcpt=1 (queue active)
Feb 27 10:00:05 mx1 postfix/local[2112]: ABCDE00001: to=<u1042@example.org>, relay=local, delay=0.5, delays=0.5/0/0/0, \
dsn=2.0.0, status=sent (delivered to mailbox)
Feb 27 10:00:06 mx1 postfix/qmgr[7]: ABCDE00001: removed
"""


def once(house, name, paths=None):
    """What an audit of the same logs sees."""
    formats = Formats()
    paths = paths or [str(path) for path in sorted(house.logs.iterdir())]
    inputs = plan([Named(paths, Site(log_format=formats[name], zone=house.force.sites["proxy"].zone))], formats)
    return audited(inputs, house.force.ruleset, Terms(version="0", keep=True)).sightings


JOINED = [
    path
    for name in ("postfix", "exim", "sendmail", "cisco_esa", "fortimail", "proofpoint_pps_syslog",
                 "symantec_brightmail", "exchange_smtp_receive")
    for path in sorted((ROOT / "sample_logs" / name).glob("*.log"))
    if path.stat().st_size < 9_000
]  # fmt: skip


def facts(sightings):
    return Counter((one.service, one.stage, one.at, one.denied, one.sha256, one.part) for one in sightings)


SHORT = [path for path in JOINED if path.stat().st_size < 700]
MORE = [pytest.param(path, marks=pytest.mark.repeats) for path in JOINED if path not in SHORT]


@pytest.mark.parametrize("path", [*SHORT, *MORE], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_transactions_over_passes_rotations_and_restarts_are_what_an_audit_joins(tmp_path, path):
    rng, name = random.Random(path.stem), path.parent.name
    house = House(tmp_path / "site", CONFIG.replace("format: squid", f"format: {name}"))
    lines = path.read_bytes().split(b"\n")
    for turn, line in enumerate(lines):
        with (house.logs / "access.log").open("ab") as file:
            file.write(line + b"\n")
        if rng.random() < 0.7:
            house.run()
            house.clock.now += 1_000_000
        if rng.random() < 0.2 and not line.startswith(b"#") and turn + 1 < len(lines):
            (house.logs / "access.log").rename(house.logs / f"access.log.{99 - turn}")
        if rng.random() < 0.1:
            house.restart()
    house.run()
    house.clock.now += EXPIRY_US + 1_000_000
    house.run()
    whole = house.folder / "whole.log"
    shutil.copyfile(path, whole)
    assert facts(house.store.sightings()) == facts(once(house, name, [str(whole)]))
    assert house.store.fragments(f"{name} proxy") == []
    house.store.close()


class TestOpenTransactions:
    def test_what_became_of_a_mail_is_told_at_once_and_the_rest_when_it_rests(self, tmp_path):
        house = House(tmp_path / "site", CONFIG.replace("format: squid", "format: postfix"))
        tried = POSTFIX.replace("status=sent (delivered to mailbox)", "status=deferred (mailbox full)").splitlines(True)
        (house.logs / "access.log").write_text("".join(tried[:3]))
        house.run()
        assert list(house.store.sightings()) == []
        assert len(house.store.fragments("postfix proxy")) == 3
        house.clock.now += REST_US + 1
        house.run()
        assert len(list(house.store.sightings())) == 1
        house.restart()
        with (house.logs / "access.log").open("a") as file:
            file.write("".join(POSTFIX.splitlines(True)[2:]))
        house.run()
        assert house.store.fragments("postfix proxy") == []
        assert b"u1042" not in (house.folder / "shadowit.db").read_bytes()
        house.store.close()

    def test_too_many_are_given_up_and_that_is_a_gap(self, tmp_path, monkeypatch):
        monkeypatch.setattr("detector.daemon.transactions.OPEN_LIMIT", 3)
        house = House(tmp_path / "site", CONFIG.replace("format: squid", "format: postfix"))
        first = POSTFIX.splitlines(True)[1]
        (house.logs / "access.log").write_text("".join(first.replace("00001", f"{n:05}") for n in range(8)))
        house.run()
        assert [reason for _, reason in house.gaps()] == ["5 transactions were given up unfinished: too many were open"]
        assert len(house.store.fragments("postfix proxy")) == 3
        house.store.close()


class TestCanaries:
    def test_a_planted_look_up_is_an_instant_and_no_sighting(self, tmp_path):
        house = House(tmp_path / "site", CONFIG + "canary: {domain: canary.example.org}\n")
        house.write(range(3))
        house.run()
        assert house.health.state.canaries == {}
        with (house.logs / "access.log").open("ab") as file:
            file.write(squid_line(60, "-", "7f3a.canary.example.org") + b"\n")
        house.run()
        assert house.health.state.canaries == {"proxy": 1_582_797_660_000_000}
        assert PLANTED not in {one.service for one in house.store.sightings()}
        house.restart()
        assert house.health.state.canaries == {"proxy": 1_582_797_660_000_000}
        house.store.close()

    def test_without_one_a_synthetic_line_is_the_canary(self, house):
        house.write(range(3))
        house.run()
        house.run()
        assert house.health.state.canaries["proxy"] > 1_700_000_000_000_000
        assert "rooms:proxy" not in house.health.state.faults

    def test_a_synthetic_line_that_is_not_found_is_a_fault(self, house, monkeypatch):
        house.write(range(3))
        house.run()
        monkeypatch.setattr("detector.daemon.canaries.proves", lambda *_: False)
        house.run()
        assert "a synthetic line of squid is not found" in house.health.state.faults["rooms:proxy"].reason


class TestCustodians:
    def test_names_are_sealed_to_both(self, tmp_path):
        folder = tmp_path / "keys"
        folder.mkdir()
        made = [custody.make_keys(name, folder) for name in ("security", "privacy")]
        config = CONFIG + f"privacy: {{custodians: [{made[0][1]}, {made[1][1]}]}}\n"
        house = House(tmp_path / "site", config)
        house.write(range(3), user="alice")
        house.run()
        (actor,) = {one.actor.name for one in house.store.sightings()}
        (box,) = house.store.boxes([actor]).values()
        keys = [custody.secret_key(secret) for secret, _ in made]
        assert custody.opened(box, keys).name == "alice"
        assert custody.opened(box, [keys[0], PrivateKey.generate()]) is None
        assert b"alice" not in (house.folder / "shadowit.db").read_bytes()
        house.store.close()
