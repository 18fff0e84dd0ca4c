"""``shadowit selftest``: what is broken is told, with an exit status; what works is not called broken."""

import datetime as dt
import errno
import io
import json
import os
import sys
import time

import pytest
from kills import site
from test_cli import SIGNATURE, shadowit  # noqa: F401 - a fixture

from detector.audit import installation
from detector.audit.installation import Noted, State, tried
from detector.errors import InvalidFile, Problem, StoreFault, UsageError
from detector.signatures import cache, load
from detector.store import Store

PARTS = ["program", "signatures", "signature tests", "canaries", "clock", "time zones", "cache", "store", "disk"]
OF_CONFIG = ["configuration", "pseudonyms", "custodians", "source proxy", "store in use"]


@pytest.fixture
def signatures(tmp_path):
    folder = tmp_path / "signatures"
    folder.mkdir()
    (folder / "one.yaml").write_text(SIGNATURE)
    return folder


@pytest.fixture
def selftest(shadowit, signatures):
    def call(*arguments):
        done = shadowit("selftest", "--signatures", signatures, "-f", "json", *arguments)
        return done, {one["name"]: one for one in json.loads(done.out)["checks"]}

    return call


def states(parts):
    return {name: one["state"] for name, one in parts.items()}


def test_the_catalogue_that_comes_along_passes_within_seconds(shadowit):
    began = time.process_time()
    done = shadowit("selftest", "-q")
    assert (done.status, done.err) == (0, "")
    assert [row.split("  ")[0] for row in done.out.splitlines()[1:]] == PARTS
    assert time.process_time() - began < 30


def test_as_json(selftest):
    done, parts = selftest()
    assert json.loads(done.out)["schema"] == "shadowit.selftest/1"
    assert json.loads(done.out)["sound"] is True
    assert list(parts) == PARTS
    assert set(states(parts).values()) == {"sound"}
    assert done.err == "shadowit: all 9 parts work\n"


def test_a_signature_whose_test_fails(selftest, signatures):
    (signatures / "one.yaml").write_text(SIGNATURE.replace("[one-service.com, visited]", "[one-service.com, used]"))
    done, parts = selftest()
    assert (done.status, states(parts)["signature tests"]) == (3, "broken")
    assert "one-service.com should be ('one', 'used')" in parts["signature tests"]["said"]
    assert done.err == "shadowit: 1 of 9 parts are broken\n"


def test_a_signature_that_cannot_be_loaded(selftest, signatures):
    (signatures / "one.yaml").write_text("id: [")
    done, parts = selftest()
    assert (done.status, states(parts)["signatures"]) == (3, "broken")
    assert "canaries" not in parts
    assert states(parts)["store"] == "sound"


def test_a_format_whose_line_is_not_sighted(selftest, monkeypatch):
    monkeypatch.setattr(installation, "proves", lambda _scanner, log_format, _ruleset: log_format.name != "squid")
    done, parts = selftest()
    assert (done.status, states(parts)["canaries"]) == (4, "broken")
    assert "squid: a synthetic line of the format is not sighted" in parts["canaries"]["said"]


def test_many_faults_are_not_all_told():
    def part():
        raise InvalidFile([Problem(f"{number}.yaml", 1, 1, "wrong") for number in range(9)])

    found = tried("a", part)
    assert (found.state, found.status, found.said.count("wrong")) == (State.BROKEN, 3, 5)
    assert found.said.endswith("; and 4 more")


def test_what_is_only_noted_is_not_broken():
    def part():
        raise Noted("slower")

    assert tuple(tried("a", part)) == ("a", State.NOTED, "slower", 0)


def test_what_a_system_refuses_is_told():
    def part():
        raise OSError(errno.ENOSPC, "No space left on device", "/full")

    assert tuple(tried("a", part)) == ("a", State.BROKEN, "/full: No space left on device", 5)


def test_a_clock_that_is_behind_the_signatures(signatures):
    ruleset = load((signatures,))
    at = int(dt.datetime(2026, 1, 2, tzinfo=dt.UTC).timestamp()) * 1_000_000
    assert installation.clock(at, ruleset).startswith("2026-01-02 UTC")
    with pytest.raises(UsageError, match="the clock says 2026-01-01, but a signature was reviewed on 2026-01-02"):
        installation.clock(at - 1, ruleset)


def test_zone_data_that_is_wrong_or_missing(monkeypatch):
    monkeypatch.setattr(installation, "_KNOWN", {"UTC": (1, 1)})
    with pytest.raises(UsageError, match="renew tzdata"):
        installation.zones()
    monkeypatch.setattr(installation, "_KNOWN", {"Nowhere/Land": (1, 1)})
    with pytest.raises(UsageError, match="install tzdata"):
        installation.zones()


def test_a_cache_that_others_may_write_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert "written and read back" in installation.cached()
    assert list((tmp_path / "shadowit").iterdir()) == []
    (tmp_path / "shadowit").chmod(0o777)
    with pytest.raises(Noted, match="every start is slower"):
        installation.cached()
    (tmp_path / "shadowit").chmod(0o700)
    monkeypatch.setattr(cache, "get", lambda _name: None)
    with pytest.raises(Noted, match="is not kept"):
        installation.cached()


def test_a_disk_that_gives_back_something_else(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "pread", lambda *_: b"other")
    with pytest.raises(StoreFault, match="gave back other bytes"):
        installation.durable(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path):
    found = tried("disk", lambda: installation.durable(tmp_path / "nowhere"))
    assert (found.state, found.status) == (State.BROKEN, 5)


def test_a_store_that_loses_what_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(Store, "fact", lambda _self, _key: "")
    with pytest.raises(StoreFault, match="a reader does not see what was written"):
        installation.stored(tmp_path, 1)


class TestConfiguration:
    @pytest.fixture
    def folder(self, tmp_path):
        return site(tmp_path / "site", services="c*")

    def test_before_the_first_run(self, selftest, folder):
        done, parts = selftest("-c", folder / "shadowit.yml")
        assert (done.status, list(parts)) == (0, [*PARTS, *OF_CONFIG])
        assert [states(parts)[name] for name in OF_CONFIG] == ["sound", "sound", "noted", "noted", "noted"]
        assert "no log yet" in parts["source proxy"]["said"]
        assert "there is no store yet" in parts["store in use"]["said"]
        assert not (folder / "shadowit.db").exists()

    def test_in_use(self, selftest, folder, shadowit):
        (folder / "logs" / "access.log").write_text("")
        assert shadowit("run", "--once", "-q", "-c", folder / "shadowit.yml").status == 0
        names = ["a", "b"]
        for name in names:
            assert shadowit("reveal", "keygen", name, "-o", folder).status == 0
        config = folder / "shadowit.yml"
        config.write_text(config.read_text() + "privacy: {custodians: [a.pub, b.pub]}\n")
        before = (folder / "shadowit.db").read_bytes()
        done, parts = selftest("-c", config)
        assert (done.status, set(states(parts).values())) == (0, {"sound"}), parts
        assert "1 logs can be opened" in parts["source proxy"]["said"]
        assert (folder / "shadowit.db").read_bytes() == before

    def test_what_is_wrong_with_a_sink(self, selftest, folder):
        config = folder / "shadowit.yml"
        config.write_text(config.read_text().replace("type: jsonl", "type: jsnl"))
        done, parts = selftest("-c", config)
        assert (done.status, parts["configuration"]["state"]) == (3, "broken")
        assert "did you mean 'jsonl'" in parts["configuration"]["said"]
        assert "store in use" not in parts

    def test_one_that_is_not_there(self, selftest, tmp_path):
        done, parts = selftest("-c", tmp_path / "none.yml")
        assert (done.status, [name for name, one in states(parts).items() if one == "broken"]) == (3, ["configuration"])

    def test_keys_that_others_may_read_and_logs_that_are_none(self, selftest, folder):
        (folder / "pseudonym.key").chmod(0o644)
        config = folder / "shadowit.yml"
        config.write_text(config.read_text().replace("logs/access*", "/dev/null"))
        done, parts = selftest("-c", config)
        broken = {name for name, one in states(parts).items() if one == "broken"}
        assert broken == {"pseudonyms", "source proxy"}
        assert done.status == 2

    def test_one_name_of_several_leads_nowhere(self, selftest, folder):
        (folder / "logs" / "access.log").write_text("")
        config = folder / "shadowit.yml"
        config.write_text(config.read_text().replace('["logs/access*"]', '["logs/access*", "logs/none"]'))
        done, parts = selftest("-c", config)
        assert (done.status, states(parts)["source proxy"]) == (4, "broken")

    def test_a_folder_in_which_no_store_can_be_made(self, selftest, folder, monkeypatch):
        allowed = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(folder) and allowed(path, mode))
        done, parts = selftest("-c", folder / "shadowit.yml")
        assert (done.status, states(parts)["store in use"]) == (4, "broken")

    def test_without_a_key(self, selftest, folder):
        (folder / "pseudonym.key").unlink()
        _, parts = selftest("-c", folder / "shadowit.yml")
        assert states(parts)["pseudonyms"] == "noted"


def test_a_terminal_is_told_what_is_being_tried(shadowit, signatures, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert shadowit("selftest", "--signatures", signatures).status == 0
    assert [f"trying {name}" in terminal.getvalue() for name in PARTS] == [True] * len(PARTS)
    assert terminal.getvalue().endswith("all 9 parts work\n")
