"""The command line: every command, every flag, every exit status; data on standard output, words on standard error."""

import fcntl
import gzip
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios

import click
import pytest

from detector import __version__
from detector.__main__ import answer
from detector.cli import root, run
from detector.events import Col
from detector.formats import format_named
from detector.report import writer_names

SIGNATURE = """\
schema_version: 1
id: one
name: One
vendor: One Ltd
category: test/kind
attribution: dedicated
description: A service.
indicators:
  - {kind: suffix, value: one-service.com, sources: [its own site]}
  - {kind: url, value: app.one-service.com, path_prefix: /up, stage: uploaded, sources: [its own site]}
added: 2026-01-01
reviewed: 2026-01-02
tests:
  positive: [[one-service.com, visited], [app.one-service.com/up, uploaded]]
  negative: [other.com, one-service.org, notone-service.com]
  mail: [[noreply@one-service.com, Verify your email address, signed_up]]
"""
HOST = "www.one-service.com"
ESC = b"\x1b"


def line(number=0, host=HOST, user="u1"):
    return (
        f"{1582797600 + number}.000    120 10.0.0.7 TCP_MISS/200 5120 GET http://{host}/{number} {user} "
        "HIER_DIRECT/1.2.3.4 text/html\n"
    )


def log(folder, name="a.log", count=5, **said):
    path = folder / name
    path.write_text("".join(line(number, **said) for number in range(count)))
    return path


class Done:
    """How one call ended."""

    def __init__(self, status, out, err):
        self.status = status
        self.out = out.decode() if isinstance(out, bytes) else out
        self.err = err.decode() if isinstance(err, bytes) else err

    @property
    def rows(self):
        return [json.loads(row) for row in self.out.splitlines()]

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        return json.loads(self.err)["error"]


@pytest.fixture(autouse=True)
def own_signals():
    """The command line lets a closed pipe end the process; the tests' process lives on."""
    before = signal.getsignal(signal.SIGPIPE)
    yield
    signal.signal(signal.SIGPIPE, before)


@pytest.fixture
def shadowit(capsysbinary, monkeypatch):
    """Call the command line in this process."""

    def call(*arguments, stdin=None):
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsysbinary.readouterr()
        status = run([str(one) for one in arguments])
        return Done(status, *capsysbinary.readouterr())

    return call


@pytest.fixture(scope="session")
def signatures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signatures")
    (folder / "one.yaml").write_text(SIGNATURE)
    return folder


@pytest.fixture
def audit(shadowit, signatures):
    def call(*arguments, **more):
        return shadowit("audit", *arguments, "--signatures", signatures, **more)

    return call


def program(root, *arguments, **more):
    """Call the command line in a process of its own."""
    said = {"cwd": root, "capture_output": True, "timeout": 60} | more
    done = subprocess.run([sys.executable, "-m", "detector", *map(str, arguments)], check=False, **said)
    return Done(done.returncode, done.stdout, done.stderr)


def commands(group=root, name=()):
    context = click.Context(group)
    for one in group.list_commands(context):
        found = group.get_command(context, one)
        if isinstance(found, click.Group):
            yield from commands(found, (*name, one))
        else:
            yield (*name, one)


class TestHelp:
    @pytest.mark.parametrize("command", list(commands()), ids=" ".join)
    def test_every_command_says_what_it_does_with_an_example(self, shadowit, command):
        done = shadowit(*command, "--help")
        assert (done.status, done.err) == (0, "")
        assert re.search(rf"Examples?:\s+shadowit\s+{command[0]}", done.out), done.out
        assert done.out.startswith(f"Usage: shadowit {' '.join(command)}")
        assert shadowit(*command, "-h").out == done.out

    @pytest.mark.parametrize("group", ["bundle", "check", "findings", "notify", "reveal", "signatures", "store"])
    def test_a_group_shows_an_example_and_says_whole_what_its_commands_do(self, shadowit, group):
        page = shadowit(group, "--help").out
        assert re.search(rf"Examples?:\n\s+shadowit {group} ", page)
        listed = page.partition("Commands:\n")[2].partition("\n\n")[0]
        assert listed
        assert not re.search(r"\.\.\.$", listed, re.MULTILINE), listed

    def test_the_first_page_names_every_command_and_status(self, shadowit):
        done = shadowit("--help")
        for command in commands():
            assert re.search(rf"^  {command[0]}  ", done.out, re.MULTILINE)
        for status in (
            "0 ran",
            "1 findings",
            "2 wrong",
            "3 invalid",
            "4 incomplete",
            "70 a bug",
            "130 int",
            "141 closed",
        ):
            assert status in " ".join(done.out.split())

    def test_no_command_at_all_is_wrong_usage_and_shows_the_help(self, shadowit):
        done = shadowit()
        assert done.status == 2
        assert "Usage: shadowit" in done.out + done.err

    @pytest.mark.parametrize("command", ["signatures", "check"])
    def test_a_group_alone_shows_its_commands(self, shadowit, command):
        assert "Commands:" in shadowit(command, "--help").out

    def test_the_version_is_the_packages(self, shadowit):
        assert shadowit("--version").out.split()[0] == "shadowit"

    @pytest.mark.parametrize(
        ("word", "hint"),
        [("adit", "Did you mean 'audit'?"), ("fromats", "Did you mean 'formats'?"), ("zzzz", "'zzzz'.\n")],
    )
    def test_an_unknown_command_names_the_nearest(self, shadowit, word, hint):
        done = shadowit(word)
        assert (done.status, done.out) == (2, "")
        assert f"No such command '{word}'" in done.err
        assert hint in done.err

    @pytest.mark.parametrize(
        "arguments", [("audit", "--nope"), ("lookup", "--nope", "x"), ("schema",), ("schema", "x")]
    )
    def test_wrong_usage_is_2(self, shadowit, arguments):
        done = shadowit(*arguments)
        assert (done.status, done.out) == (2, "")
        assert "Usage: shadowit" in done.err


SLOW = {
    "pandas",
    "pyarrow",
    "sqlalchemy",
    "fastapi",
    "tldextract",
    "hyperscan",
    "pydantic",
    "jinja2",
    "re2",
    "yaml",
    "numpy",
}


class TestStart:
    """What a call imports; nothing that is slow comes before it is needed."""

    def imported(self, root, *arguments):
        command = [sys.executable, "-X", "importtime", "-m", "detector", *arguments]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        return {row.rpartition("|")[2].strip().partition(".")[0] for row in done.stderr.splitlines()}, done.stdout

    def test_the_version_imports_nothing(self, root):
        names, out = self.imported(root, "--version")
        assert out == f"shadowit {__version__}\n"
        assert not names & (SLOW | {"click", "orjson", "rich"})

    @pytest.mark.parametrize("arguments", [("--help",), ("audit", "--help"), ("formats", "--help")])
    def test_help_imports_nothing_slow(self, root, arguments):
        names, out = self.imported(root, *arguments)
        assert out.startswith("Usage: shadowit")
        assert not names & SLOW

    def test_looking_up_imports_neither_checkers_nor_reports(self, root, signatures):
        program(root, "lookup", "x.com", "--signatures", signatures)
        names, _ = self.imported(root, "lookup", "x.com", "--signatures", str(signatures))
        assert not names & {"pandas", "pyarrow", "pydantic", "yaml", "tldextract", "jinja2", "rich"}

    def test_the_programs_of_the_package_are_one(self, root):
        text = (root / "pyproject.toml").read_text()
        assert 'shadowit = "detector.__main__:main"' in text


class TestAudit:
    def test_data_on_standard_output_words_on_standard_error(self, audit, tmp_path):
        done = audit(log(tmp_path), "-f", "json")
        assert (done.status, done.err) == (0, "")
        (finding,) = done.json["findings"]
        assert (finding["service"], finding["actor"]["id"], finding["sightings"]) == ("one", "u1", 5)
        assert finding["actor"]["name"] == "u1"

    @pytest.mark.parametrize("name", writer_names())
    def test_every_writer_writes_the_same_to_a_file_as_to_standard_output(self, audit, tmp_path, name):
        path, output = log(tmp_path), tmp_path / "report"
        printed = audit(path, "-f", name)
        saved = audit(path, "-f", name, "-o", output)
        assert (saved.status, saved.out, saved.err) == (0, "", f"shadowit: wrote {output}\n")
        assert output.read_bytes().decode() == printed.out
        assert printed.out.endswith("\n")
        assert audit(path, "-f", name, "-o", output, "-q").err == ""
        assert ESC.decode() not in printed.out

    def test_a_report_that_cannot_be_written_is_wrong_usage_and_leaves_nothing_behind(self, audit, tmp_path):
        done = audit(log(tmp_path), "-o", tmp_path / "none" / "report")
        assert done.status == 2
        assert "cannot be written: No such file or directory" in done.err
        (tmp_path / "folder").mkdir()
        assert audit(tmp_path / "a.log", "-o", tmp_path / "folder").status == 2
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "folder"]

    def test_findings_at_fail_on_are_1(self, audit, tmp_path):
        seen, clean = log(tmp_path), log(tmp_path, "b.log", host="other.example")
        assert [audit(seen, "--fail-on", one).status for one in ("never", "unapproved", "any")] == [0, 1, 1]
        assert [audit(clean, "--fail-on", one).status for one in ("never", "unapproved", "any")] == [0, 0, 0]

    def test_incomplete_evidence_is_4_and_outranks_1(self, audit, tmp_path):
        done = audit(log(tmp_path), tmp_path / "missing.log", "--fail-on", "any", "-f", "json")
        assert done.status == 4
        assert done.err == f"shadowit: incomplete: {tmp_path}/missing.log: no such file or folder\n"
        assert len(done.json["findings"]) == 1
        assert audit(tmp_path / "missing.log", "-q").err == ""

    def test_too_much_unparsed_is_4(self, audit, tmp_path):
        path = log(tmp_path, count=8)
        path.write_text(path.read_text() + "no squid line\n" * 2)
        done = audit(path)
        assert done.status == 4
        assert "20.0 % of the lines looked at are not squid" in done.err
        assert audit(path, "--max-unparsed", "20").status == 0

    def test_short_coverage_is_4(self, audit, tmp_path):
        path = log(tmp_path)
        window = ("--since", "2020-02-27T10:00:00", "--until", "2020-02-27T10:00:08")
        assert audit(path, *window, "--require-coverage", "50").status == 0
        done = audit(path, *window, "--require-coverage", "51")
        assert done.status == 4
        assert "proxy logs cover 50.0 % of the window, 51 % are required" in done.err

    def test_logs_that_say_nothing_cover_nothing(self, audit, tmp_path):
        empty = log(tmp_path, count=0)
        assert audit(empty).status == 0
        done = audit(empty, "--require-coverage", "1")
        assert done.status == 4
        assert "no log covers any of the window, 1 % are required" in done.err

    def test_the_window_and_the_services_are_taken(self, audit, tmp_path):
        path = log(tmp_path)
        done = audit(path, "--since", "2020-02-27T10:00:01Z", "--until", "2020-02-27T11:00:03+01:00", "-f", "json")
        assert done.json["findings"][0]["sightings"] == 2
        assert done.json["window"] == {"since": "2020-02-27T10:00:01Z", "until": "2020-02-27T10:00:03Z"}
        assert len(audit(path, "--service", "one", "-f", "jsonl").rows) == 1

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ((), "no logs: name files, folders, globs or - for standard input"),
            (("x", "--since", "yesterday"), "--since 'yesterday' is no time: write 2020-02-27 or"),
            (("x", "--until", "2020-13-01"), "--until '2020-13-01' is no time"),
            (("x", "--since", "2020-03-01", "--until", "2020-02-01"), "--since must be before --until"),
            (("x", "--since", "2020-03-01", "--until", "2020-03-01"), "--since must be before --until"),
            (("x", "--timezone", "Nowhere/City"), "'Nowhere/City' is no time zone: write one like America/Edmonton"),
            (("x", "--input-format", "squit"), "no log format is called 'squit'; did you mean squid"),
            (("x", "--input-format", "squid:logformat"), "settings are written name:key=value"),
            (("x", "--service", "nobody"), "no service is called 'nobody'"),
            (("x", "--engine", "steam"), "no engine is called 'steam'"),
            (("x", "--no-names"), "pseudonyms need a key"),
            (("x", "--jobs", "0"), "0 is not in the range x>=1"),
            (("x", "--fail-on", "bad"), "'bad' is not one of"),
            (("x", "--max-unparsed", "101"), "101.0 is not in the range"),
            (("x", "-f", "pdf"), "'pdf' is not one of"),
        ],
    )
    def test_what_cannot_be_done_as_asked_is_2_with_what_to_do(self, audit, tmp_path, monkeypatch, arguments, sentence):
        log(tmp_path, "x")
        monkeypatch.chdir(tmp_path)
        done = audit(*arguments)
        assert (done.status, done.out) == (2, "")
        assert sentence in done.err

    def test_a_site_may_say_format_zone_and_settings(self, audit, tmp_path):
        path = tmp_path / "a.log"
        path.write_text(f"10.0.0.7 1582797600.000 http://{HOST}/ u1\n" * 3)
        done = audit(path, "--input-format", "squid:logformat=%>a %ts.%03tu %ru %un", "-f", "json")
        assert done.json["findings"][0]["sightings"] == 3
        dns = tmp_path / "dns-20200228.log"
        dns.write_text(f"Feb 27 10:00:00 gw dnsmasq[7]: query[A] {HOST} from 10.0.0.7\n" * 3)
        done = audit(dns, "--input-format", "dnsmasq", "--timezone", "America/Edmonton", "-f", "json")
        assert done.json["findings"][0]["first_seen"] == "2020-02-27T17:00:00Z"

    def test_a_format_of_a_line_is_told_when_asked(self, audit, tmp_path):
        path, copy = log(tmp_path), log(tmp_path, "b.log")
        done = audit(path, copy, tmp_path / "none", "-v")
        assert f"shadowit: {path}: squid, 5 lines" in done.err
        assert f"shadowit: {tmp_path}/none: not read, 0 lines" in done.err

    def test_standard_input_is_a_log(self, audit, tmp_path, monkeypatch):
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        done = audit("-", "-f", "json", stdin=gzip.compress(log(tmp_path).read_bytes()))
        assert done.status == 0
        assert done.json["sources"][0]["path"] == "-"
        assert {row["path"] for row in done.json["findings"][0]["evidence"]} == {"-"}
        assert [path.name for path in tmp_path.iterdir()] == ["a.log"]

    def test_every_engine_gives_the_same_bytes(self, audit, tmp_path):
        paths = [log(tmp_path, f"{name}.log", user=name) for name in "abc"]
        reports = [audit(*paths, "-f", "json", "--engine", one, "--jobs", 2) for one in ("", "serial", "processes")]
        assert len({done.out for done in reports}) == 1
        assert len(reports[0].json["findings"]) == 3

    def test_hostile_names_are_spelled_out(self, audit, tmp_path):
        done = audit(tmp_path / "a\x1b[31m\u202e.log", "-f", "table")
        assert ESC.decode() not in done.out + done.err
        assert "a\\x1b[31m\\u202e.log" in done.err

    def test_names_that_are_no_text_can_be_read_and_written(self, audit, shadowit, tmp_path):
        path = tmp_path / os.fsdecode(b"\xff.log")
        path.write_bytes(log(tmp_path).read_bytes())
        assert audit(path, "-f", "json").json["sources"][0]["path"] == f"{tmp_path}/\\xff.log"
        assert shadowit("parse", path, "-q").rows[0]["log.file.path"] == f"{tmp_path}/\\xff.log"
        assert shadowit("identify", path, "-f", "json").json[0]["path"] == f"{tmp_path}/\\xff.log"

    def test_every_line_of_evidence_can_be_explained(self, audit, shadowit, signatures, tmp_path):
        path = log(tmp_path, count=4)
        packed = tmp_path / "b!.log.gz"
        packed.write_bytes(gzip.compress(log(tmp_path, "b", count=4, user="u2").read_bytes()))
        (tmp_path / "b").unlink()
        rows = [
            row for finding in audit(path, packed, "-f", "json").json["findings"] for row in finding["evidence"]
        ]  # fmt: skip
        assert len(rows) == 8
        for row in rows:
            done = shadowit(
                "explain", "--at", f"{row['path']}:{row['offset']}", "--signatures", signatures, "-f", "json"
            )
            assert done.json[0]["says"].endswith(row["sha256"])
            assert any(step["room"] == "match" and row["indicator"] in step["says"] for step in done.json)


class TestTerminal:
    def on_terminal(self, root, *arguments, **environment):
        """What a person sees: both outputs are a terminal."""
        leader, follower = pty.openpty()
        said = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
        with subprocess.Popen(
            [sys.executable, "-m", "detector", *map(str, arguments)], cwd=root, stdin=subprocess.DEVNULL,
            stdout=follower, stderr=follower, env=said | {"TERM": "xterm-256color"} | environment,
        ) as process:  # fmt: skip
            os.close(follower)
            seen = b""
            while True:
                try:
                    block = os.read(leader, 65536)
                except OSError:
                    break
                if not block:
                    break
                seen += block
        os.close(leader)
        assert process.returncode == 0
        return seen

    def test_colour_on_a_terminal_unless_it_is_refused(self, root, signatures, tmp_path):
        arguments = ("audit", log(tmp_path), "--signatures", signatures, "--no-progress")
        assert b"\x1b[1m" in self.on_terminal(root, *arguments)
        assert ESC not in self.on_terminal(root, *arguments, NO_COLOR="1")

    def test_progress_on_a_terminal_unless_it_is_refused(self, root, signatures, tmp_path):
        arguments = ("audit", log(tmp_path), "--signatures", signatures, "-o", tmp_path / "report")
        assert b"reading" in self.on_terminal(root, *arguments)
        assert b"reading" not in self.on_terminal(root, *arguments, "--no-progress")
        assert self.on_terminal(root, *arguments, "-q") == b""

    def test_the_bar_knows_the_bytes_of_the_logs_that_are_read(self, audit, tmp_path, monkeypatch):
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        packed = tmp_path / "b.log.gz"
        packed.write_bytes(gzip.compress(log(tmp_path, "b", user="u2").read_bytes()))
        done = audit(log(tmp_path), packed, "-f", "json")
        assert "reading" in done.err
        assert len(done.json["findings"]) == 2


class TestConfig:
    @pytest.fixture
    def config(self, tmp_path, signatures):
        def write(text):
            path = tmp_path / "shadowit.yml"
            path.write_text(f"signatures: ['{signatures}']\n{text}")
            return path

        return write

    def test_its_sources_are_read_when_no_path_is_named(self, shadowit, config, tmp_path):
        log(tmp_path)
        path = config("sources: [{name: s, format: squid, paths: ['*.log'], max_silence_s: 2}]")
        done = shadowit("audit", "-c", path, "-f", "json")
        assert done.status == 0
        assert done.json["findings"][0]["sightings"] == 5
        assert shadowit("audit", "-c", path, tmp_path / "none", "-q").status == 4

    def test_standard_input_may_be_a_source(self, shadowit, config, tmp_path):
        data = log(tmp_path).read_bytes()
        path = config("sources: [{name: s, paths: ['-', a.log]}]")
        done = shadowit("parse", "-c", path, stdin=data * 2)
        assert [row["log.file.path"] for row in done.rows].count("-") == 10
        assert len(done.rows) == 15

    def test_own_formats_are_read(self, shadowit, config, tmp_path):
        (tmp_path / "own.csv").write_text(
            f"when,client,url,verdict\n2020-02-27T10:00:00Z,10.0.0.7,http://{HOST}/,deny\n"
        )
        path = config(
            "formats:\n  ours:\n    kind: proxy\n    syntax: csv\n"
            "    fields: {'@timestamp': when, source.ip: client, url.full: url}\n    denied: {verdict: deny}\n"
            "sources: [{name: s, format: ours, paths: [own.csv]}]\n"
        )
        done = shadowit("audit", "-c", path, "-f", "json")
        assert (done.json["findings"][0]["denied"], done.json["sources"][0]["format"]) == (1, "ours")
        assert shadowit("identify", "-c", path, tmp_path / "own.csv", "-f", "json").json[0]["format"] == "ours"
        assert "1 sources, 1 own formats, 1 services" in shadowit("check", "config", path).out

    @pytest.mark.parametrize("command", [("audit", "-c"), ("parse", "-c"), ("identify", "-c"), ("check", "config")])
    def test_an_invalid_one_is_3_with_places(self, shadowit, config, command):
        path = config("source: []\nprivacy: {nmaes: 1}\n")
        done = shadowit(*command, path)
        assert (done.status, done.out) == (3, "")
        assert done.err == (
            f"shadowit: {path}:2:1: source: no such key; did you mean 'sources'?\n"
            f"shadowit: {path}:3:11: privacy.nmaes: no such key; did you mean 'names'?\n"
        )

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("sources:\n  - {name: a, paths: [x], format: squit}\n", "3:27: no log format is called 'squit'"),
            ("formats: {x: {kind: dns, syntax: csv, fields: {nope: a}}}\n", "2:11: feed x: 'nope' is no column"),
        ],
    )
    def test_a_format_that_does_not_exist_is_3_with_its_place(self, shadowit, config, text, place):
        path = config(text)
        done = shadowit("check", "config", path)
        assert done.status == 3
        assert f"{path}:{place}" in done.err

    def test_invalid_signatures_of_it_are_3(self, shadowit, tmp_path):
        (tmp_path / "bad.yaml").write_text("id: [")
        path = tmp_path / "shadowit.yml"
        path.write_text("signatures: [.]\n")
        done = shadowit("check", "config", path)
        assert done.status == 3
        assert "bad.yaml:2:1: is not YAML" in done.err

    def test_without_paths_and_sources_there_is_nothing_to_do(self, shadowit, config):
        assert shadowit("audit", "-c", config("")).status == 2

    def test_pseudonyms_need_a_private_key(self, shadowit, config, tmp_path):
        data = log(tmp_path)
        path, key = config("privacy: {names: false, key_file: key}"), tmp_path / "key"
        for content, mode, sentence in (
            (None, 0, "the key of the pseudonyms cannot be read: No such file"),
            ("0123456789abcdef", 0o644, "others may read the key: chmod 600 it"),
            ("0123456789abcde\n", 0o600, "the key must have at least 16 bytes"),
        ):
            if content is not None:
                key.write_text(content)
                key.chmod(mode)
            done = shadowit("audit", data, "-c", path)
            assert done.status == 2
            assert sentence in done.err
        key.write_text("0123456789abcdef")
        (finding,) = shadowit("audit", data, "-c", path, "-f", "json").json["findings"]
        assert finding["actor"]["id"].startswith("p-")
        assert "name" not in finding["actor"]
        (finding,) = shadowit("audit", data, "-c", path, "-f", "json", "--names").json["findings"]
        assert finding["actor"]["id"] == "u1"
        path = config("privacy: {key_file: key}")
        (finding,) = shadowit("audit", data, "-c", path, "-f", "json", "--no-names").json["findings"]
        assert finding["actor"]["id"].startswith("p-")


class TestParse:
    def test_one_object_an_event_with_its_place(self, shadowit, tmp_path):
        done = shadowit("parse", log(tmp_path, count=2))
        assert done.status == 0
        assert done.rows[1] == {
            "@timestamp": "2020-02-27T10:00:01Z", "event.dataset": "squid", "event.kind": "proxy",
            "source.ip": "10.0.0.7", "user.name": "u1", "url.domain": HOST, "url.full": f"http://{HOST}/1",
            "http.request.method": "GET", "http.response.status_code": 200, "http.response.bytes": 5120,
            "event.type": "allowed", "log.file.path": f"{tmp_path}/a.log", "log.offset": len(line(0)), "log.line": 2,
        }  # fmt: skip
        assert set(done.rows[0]) <= {column.value for column in Col} | {"event.dataset", "event.kind"}
        assert done.err == f"shadowit: {tmp_path}/a.log: squid, 2 lines, 2 events, 0 unparsed\n"
        assert shadowit("parse", tmp_path / "a.log", "-q").err == ""

    def test_refused_lines_are_counted_and_written_as_they_are(self, shadowit, tmp_path):
        path = log(tmp_path, count=3)
        path.write_bytes(path.read_bytes() + b"\xffbad\x1b[31m\n" + line(9).encode() + b"cut")
        refused = tmp_path / "refused"
        done = shadowit("parse", path, "--unparsed", refused)
        assert (done.status, len(done.rows)) == (0, 4)
        assert "6 lines, 4 events, 2 unparsed" in done.err
        assert refused.read_bytes() == b"\xffbad\x1b[31m\ncut\n"
        assert "2 × " in done.err
        assert ESC.decode() not in done.err

    def test_a_place_for_refused_lines_that_cannot_be_written_is_wrong_usage(self, shadowit, tmp_path):
        done = shadowit("parse", log(tmp_path), "--unparsed", tmp_path / "none" / "x")
        assert (done.status, done.out) == (2, "")
        assert "cannot be written: No such file or directory" in done.err

    def test_what_cannot_be_read_is_4_and_told_even_when_quiet(self, shadowit, tmp_path):
        broken = tmp_path / "b.log.gz"
        broken.write_bytes(gzip.compress("".join(line(number) for number in range(3000)).encode())[:-200])
        done = shadowit("parse", log(tmp_path), broken, tmp_path / "missing", "-q")
        assert done.status == 4
        assert len(done.rows) > 1000
        assert "compressed data is cut off" in done.err
        assert "missing: no such file or folder" in done.err

    def test_an_empty_log_is_no_fault(self, shadowit, tmp_path):
        done = shadowit("parse", log(tmp_path, count=0))
        assert (done.status, done.out) == (0, "")
        assert "empty, 0 lines" in done.err

    def test_transactions_are_joined(self, shadowit, tmp_path):
        path = tmp_path / "mail.log"
        event = {
            Col.AT: 1_582_797_600_000_000, Col.FROM: "a@b.com", Col.SENDER: "a@b.com", Col.TO: ["u@x.ca"],
            Col.SUBJECT: "Hello", Col.MESSAGE_ID: "1@b.com", Col.DIRECTION: "inbound",
        }  # fmt: skip
        path.write_text(format_named("postfix").example(event) + "\n")
        (row,) = shadowit("parse", path, "--input-format", "postfix").rows
        assert (row["email.to.address"], row["email.subject"]) == (["u@x.ca"], "Hello")
        assert "transaction.id" not in row
        assert row["log.line"] >= 1

    def test_an_oversize_line_is_one_line(self, shadowit, tmp_path):
        path = tmp_path / "a.log"
        path.write_text(line(0) + line(1).replace("/1 ", "/" + "x" * 1_200_000 + " ") + line(2))
        done = shadowit("parse", path)
        assert [row["log.line"] for row in done.rows] == [1, 2, 3]


class TestLookup:
    @pytest.fixture
    def lookup(self, shadowit, signatures):
        return lambda *values, **more: shadowit("lookup", *values, "--signatures", signatures, **more)

    def test_it_prints_exactly_these_keys(self, lookup):
        done = lookup(
            HOST, "https://app.one-service.com/up/x", "noreply@one-service.com", "other.com", "notone-service.com"
        )
        assert (done.status, done.err) == (0, "")
        keys = ["input", "service", "category", "indicator", "stage", "tier"]
        assert all(list(row) == keys for row in done.rows)
        assert [tuple(row.values()) for row in done.rows] == [
            (HOST, "one", "test/kind", "one:suffix:one-service.com", "visited", "direct"),
            (
                "https://app.one-service.com/up/x",
                "one",
                "test/kind",
                "one:url:app.one-service.com/up",
                "uploaded",
                "direct",
            ),
            ("noreply@one-service.com", "one", "test/kind", "one:mail:one-service.com", "contacted", "direct"),
            ("other.com", None, None, None, None, None),
            ("notone-service.com", None, None, None, None, None),
        ]

    def test_a_name_behind_a_session_proxy_is_proxied(self, lookup):
        assert lookup("www.one-service.com.mcas.ms").rows[0]["tier"] == "proxied"

    @pytest.mark.parametrize("arguments", [(), ("-",)])
    def test_lines_of_standard_input_are_values(self, lookup, arguments):
        done = lookup(*arguments, stdin=f"{HOST}\n\n  other.com \r\n\xff\x1b\n".encode("latin-1"))
        assert [row["input"] for row in done.rows] == [HOST, "other.com", "\\xff\x1b"]
        assert ESC.decode() not in done.out

    def test_a_value_that_is_no_text_is_no_service(self, lookup):
        assert lookup(os.fsdecode(b"\xff.com")).rows[0] == dict.fromkeys(
            ("service", "category", "indicator", "stage", "tier")
        ) | {"input": "\\xff.com"}

    def test_nothing_to_look_up_on_a_terminal_is_wrong_usage(self, lookup, monkeypatch):
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        assert lookup().status == 2

    def test_mails_are_proven_by_sender_and_subject(self, lookup):
        mail = {
            "direction": "inbound", "header_from": "One <noreply@one-service.com>", "dkim_d": "one-service.com",
            "envelope_from": "bounce@one-service.com", "subject": "Verify your email address",
        }  # fmt: skip
        values = [
            mail,
            mail | {"dkim_d": None, "envelope_from": "x@other.com"},
            mail | {"header_from": "x@other.com", "dkim_d": "other.com"},
            {},
        ]
        done = lookup("--mail", "-", stdin="\n".join(map(json.dumps, values)).encode())
        assert done.rows == [{"service": "one", "stage": "signed_up"}] + [{"service": None, "stage": None}] * 3

    @pytest.mark.parametrize("value", ["{", "[]", "1", "mail"])
    def test_what_is_no_mail_is_wrong_usage(self, lookup, value):
        done = lookup("--mail", "{}", value)
        assert done.status == 2
        assert "mail 2 is not a JSON object" in done.err


class TestExplain:
    @pytest.fixture
    def explain(self, shadowit, signatures):
        return lambda *arguments, **more: shadowit("explain", *arguments, "--signatures", signatures, **more)

    def test_a_line_as_argument_or_from_standard_input(self, explain):
        said = explain(line().strip())
        assert said.status == 0
        assert "u1: stage visited (confirmed), allowed" in said.out
        assert explain("-", stdin=line().encode() * 2).out == said.out

    def test_control_characters_are_spelled_out(self, explain):
        done = explain("x\x1b[31m")
        assert done.status == 0
        assert ESC.decode() not in done.out

    @pytest.mark.parametrize("place", ["a.log", "a.log:", "a.log:x", ":5", "a.log:-1"])
    def test_a_place_is_a_path_and_an_offset(self, explain, place):
        done = explain("--at", place)
        assert done.status == 2
        assert "write PATH:OFFSET" in done.err

    def test_nothing_to_explain_is_wrong_usage(self, explain):
        assert explain().status == 2

    def test_a_place_that_is_none_is_wrong_usage(self, explain, tmp_path):
        assert "no line starts at byte 1" in explain("--at", f"{log(tmp_path)}:1").err


class TestIdentify:
    def test_every_log_with_its_first_events(self, shadowit, tmp_path):
        path = log(tmp_path)
        packed = tmp_path / "b.log.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        done = shadowit("identify", path, packed)
        assert (done.status, done.err) == (0, "")
        assert f"{path}: squid (confidence 1.0)\n" in done.out
        assert f"{packed}: squid (confidence 1.0), in gz\n" in done.out
        assert done.out.count("url.domain") == 6

    def test_as_json_and_json_lines(self, shadowit, tmp_path):
        path = log(tmp_path)
        (row,) = shadowit("identify", path, "-f", "json").json
        assert shadowit("identify", path, "-f", "jsonl").rows == [row]
        assert (row["format"], row["kind"], row["confidence"], len(row["sample"])) == ("squid", "proxy", 1.0, 3)

    def test_formats_that_read_the_same_are_named_with_or(self, shadowit, tmp_path):
        line = "27-Feb-2020 10:00:0{0}.123 client 10.0.0.7#4021{0} (a.example): query: a.example IN A + (192.0.2.53)\n"
        path = tmp_path / "query.log"
        path.write_text("".join(line.format(number) for number in range(4)))
        said = f"{path}: bind_querylog (confidence 0.8), or efficientip_dns, or infoblox_nios_dns\n"
        assert said in shadowit("identify", path).out
        (row,) = shadowit("identify", path, "-f", "json").json
        assert (row["format"], row["confidence"]) == ("bind_querylog", 0.8)
        assert row["or"] == ["efficientip_dns", "infoblox_nios_dns"]
        assert shadowit("identify", log(tmp_path), "-f", "json").json[0]["or"] == []

    def test_a_log_of_no_known_format_is_an_answer_and_one_that_cannot_be_read_is_4(self, shadowit, tmp_path):
        path = tmp_path / "x.txt"
        path.write_text("Dear all,\nnothing\n")
        done = shadowit("identify", path)
        assert done.status == 0
        assert "unknown" in done.out
        done = shadowit("identify", tmp_path / "missing", log(tmp_path, count=0))
        assert done.status == 4
        assert "not read\n  error: no such file or folder" in done.out
        assert "is empty" in done.out

    def test_standard_input(self, shadowit, tmp_path):
        assert shadowit("identify", "-", stdin=log(tmp_path).read_bytes()).out.startswith("-: squid")


class TestLists:
    def test_formats_in_every_way(self, shadowit):
        rows = shadowit("formats", "-f", "json").json
        assert {"name", "kind", "title", "zone", "reference", "columns"} == set(rows[0])
        table, page = shadowit("formats").out, shadowit("formats", "-f", "md").out
        for row in rows:
            assert f"{row['name']} " in table
            assert f"| `{row['name']}` | {row['kind']} |" in page
        assert len(table.splitlines()) == len(rows) == len(page.splitlines()) - 2

    def test_signatures(self, shadowit, signatures):
        (row,) = shadowit("signatures", "list", signatures, "-f", "json").json
        assert (row["id"], row["category"]) == ("one", "test/kind")
        assert "one-service.com" in shadowit("signatures", "list", signatures).out
        assert shadowit("signatures", "list", signatures, "--category", "test", "-f", "json").json == [row]
        assert shadowit("signatures", "list", signatures, "--category", "tes", "-f", "json").json == []

    def test_checking_signatures(self, shadowit, signatures, tmp_path):
        for command in (("signatures", "check"), ("check", "signatures")):
            done = shadowit(*command, signatures)
            assert done.status == 0
            assert "1 service" in done.out + done.err
            (tmp_path / "bad.yaml").write_text("id: [")
            assert shadowit(*command, tmp_path).status == 3
            assert shadowit(*command, tmp_path / "none").status == 2

    def test_testing_signatures(self, shadowit, signatures, tmp_path):
        done = shadowit("signatures", "test", signatures)
        assert (done.status, done.out) == (0, "6 passed, 0 failed\n")
        (tmp_path / "one.yaml").write_text(SIGNATURE.replace("[one-service.com, visited]", "[other.com, visited]"))
        done = shadowit("signatures", "test", tmp_path)
        assert done.status == 3
        assert "one: other.com should be ('one', 'visited'), is None" in done.err

    @pytest.mark.parametrize("name", ["signature", "shared-hosts", "mail-stages", "config"])
    def test_schemas(self, shadowit, name):
        schema = shadowit("schema", name).json
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["properties"]
        assert schema["additionalProperties"] is False

    def test_the_schema_beside_the_signatures_is_the_programs(self, shadowit, root):
        committed = root / "signatures" / "signature.schema.json"
        assert json.loads(committed.read_text()) == shadowit("schema", "signature").json


class TestEnds:
    def test_errors_are_json_where_the_output_is(self, shadowit, audit, tmp_path):
        for arguments in (("-f", "json"), ("--format", "json"), ("--format=json",), ("-fjson",), ("-f", "jsonl")):
            done = audit(tmp_path, "--timezone", "x", *arguments)
            assert done.status == 2
            assert done.error == {
                "exit": 2, "messages": ["'x' is no time zone: write one like America/Edmonton or UTC"],
            }  # fmt: skip
        assert shadowit("audit", "--nope", "-f", "json").error["exit"] == 2
        (tmp_path / "bad.yaml").write_text("id: [\nx")
        done = shadowit("signatures", "list", tmp_path, "-f", "json")
        assert (done.status, done.error["exit"], len(done.error["messages"])) == (3, 3, 1)

    @pytest.mark.parametrize("fault", [KeyboardInterrupt(), click.Abort()])
    def test_interrupted_is_130(self, shadowit, monkeypatch, fault):
        def interrupted(*_):
            raise fault

        monkeypatch.setattr("detector.cli.parse.load_config", interrupted)
        done = shadowit("parse", "x")
        assert (done.status, done.out) == (130, "")
        assert done.err.strip() == "shadowit: interrupted"

    def test_an_interrupt_while_words_are_made_is_130(self, shadowit, monkeypatch):
        monkeypatch.setattr(root, "main", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        assert shadowit("formats").status == 130

    def test_a_bug_is_70_with_its_traceback(self, shadowit, monkeypatch):
        def broken(*_):
            raise ZeroDivisionError("nobody\x1b expected this")

        monkeypatch.setattr("detector.cli.parse.load_config", broken)
        done = shadowit("parse", "x")
        assert (done.status, done.out) == (70, "")
        last = done.err.splitlines()[-1]
        assert last == "shadowit: this is a bug in shadowit: ZeroDivisionError: nobody\\x1b expected this"
        assert "Traceback (most recent call last)" in done.err
        assert "in broken" in done.err
        assert ESC.decode() not in done.err

    def test_a_bug_is_json_where_the_output_is(self, audit, monkeypatch, tmp_path):
        monkeypatch.setattr("detector.cli.asking.load_config", lambda *_: 1 / 0)
        error = audit(tmp_path, "-f", "json").error
        assert error["exit"] == 70
        assert error["messages"][-1] == "this is a bug in shadowit: ZeroDivisionError: division by zero"

    def test_a_pipe_that_breaks_in_the_program_is_141(self, shadowit, monkeypatch):
        monkeypatch.setattr(root, "main", lambda *_, **__: (_ for _ in ()).throw(BrokenPipeError))
        monkeypatch.setattr(os, "dup2", lambda *_: None)
        monkeypatch.setattr(sys.stdout, "fileno", lambda: 1, raising=False)
        assert shadowit("formats").status == 141

    def test_a_status_of_click_is_taken(self, shadowit, monkeypatch):
        monkeypatch.setattr(root, "main", lambda *_, **__: (_ for _ in ()).throw(click.exceptions.Exit(7)))
        assert shadowit("formats").status == 7


class TestMain:
    @staticmethod
    def python(root, *arguments):
        done = subprocess.run([sys.executable, *arguments], check=False, cwd=root, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    @pytest.mark.parametrize(("arguments", "status"), [(("--version",), 0), (("formats",), 0), (("nope",), 2)])
    def test_it_answers_with_the_status(self, monkeypatch, capsys, arguments, status):
        monkeypatch.setattr(sys, "argv", ["shadowit", *arguments])
        assert answer() == status
        assert bool(capsys.readouterr().out) == (status == 0)

    @pytest.mark.parametrize(("arguments", "status"), [(("--version",), 0), (("nope",), 2)])
    def test_the_package_can_be_run(self, root, arguments, status):
        ended, out, error = self.python(root, "-m", "detector", *arguments)
        assert (ended, out, bool(error)) == (status, "" if status else f"shadowit {__version__}\n", bool(status))

    def test_whatever_else_is_done_at_the_end_is_done_before_the_process_leaves(self, root):
        code = """if True:
            import atexit, sys, threading, time
            from detector import __main__ as program
            def answer():
                atexit.register(lambda: print("at the end", file=sys.stderr))
                threading.Thread(target=lambda: (time.sleep(0.1), print("a thread"))).start()
                print("an answer", end="")
                return 3
            program.answer = answer
            program.main()
        """
        assert self.python(root, "-c", code) == (3, "an answera thread\n", "at the end\n")

    @pytest.mark.parametrize("command", ["--version", "formats"])
    def test_a_stream_that_is_closed_is_no_bug(self, root, command):
        script = f'"$0" -m detector {command} >&-'
        done = subprocess.run(["bash", "-c", script, sys.executable], check=True, cwd=root, capture_output=True)
        assert done.stderr == b""

    def test_a_bug_in_the_way_out_is_shown(self, root):
        code = "from detector import __main__ as program; program.answer = lambda: 1 / 0; program.main()"
        status, _, error = self.python(root, "-c", code)
        assert (status, "ZeroDivisionError" in error) == (1, True)


class TestProcess:
    """A few calls as people make them."""

    def test_a_closed_pipe_is_141_without_a_word_and_leaves_nothing_behind(self, root, tmp_path):
        big = log(tmp_path, count=20_000)
        temporary = tmp_path / "tmp"
        temporary.mkdir()
        script = '"$0" -m detector parse - < "$1" | head -1 > /dev/null; echo "${PIPESTATUS[0]}"'
        done = subprocess.run(
            ["bash", "-c", script, sys.executable, big], cwd=root, capture_output=True, text=True, check=True,
            env=os.environ | {"TMPDIR": str(temporary)},
        )  # fmt: skip
        assert (done.stdout, done.stderr) == ("141\n", "")
        assert list(temporary.iterdir()) == []

    @pytest.mark.parametrize("unbuffered", ["", "1"])
    def test_what_is_stopped_in_a_full_pipe_and_goes_on_writes_all(self, root, unbuffered):
        with subprocess.Popen(
            [sys.executable, "-m", "detector", "signatures", "list", "-f", "json"], cwd=root, stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        ) as process:  # fmt: skip
            waiting = bytearray(4)
            while process.poll() is None and int.from_bytes(waiting, sys.byteorder) < 60_000:  # nearly all it holds
                fcntl.ioctl(process.stdout, termios.FIONREAD, waiting)
            process.send_signal(signal.SIGSTOP)
            process.send_signal(signal.SIGCONT)
            told = process.stdout.read()
        assert process.returncode == 0
        assert len(json.loads(told)) > 1000

    def test_ctrl_c_is_130(self, root):
        with subprocess.Popen(
            [sys.executable, "-m", "detector", "lookup", "-"], cwd=root, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
        ) as process:  # fmt: skip
            process.stdin.write("x.example\n" * 200)
            process.stdin.flush()
            assert process.stdout.readline().startswith('{"input"')
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        assert process.returncode == 130
        assert err.strip() == "shadowit: interrupted"

    def test_quiet_on_a_pipe_says_nothing(self, root, signatures, tmp_path):
        done = program(root, "audit", log(tmp_path), "--signatures", signatures, "-q", "-f", "csv")
        assert (done.status, done.err) == (0, "")
        assert done.out.count("\n") >= 2

    def test_a_fault_is_one_line(self, root, signatures, tmp_path):
        done = program(root, "audit", log(tmp_path), "--signatures", signatures, "--timezone", "Mars")
        assert (done.status, done.out) == (2, "")
        assert done.err == "shadowit: 'Mars' is no time zone: write one like America/Edmonton or UTC\n"

    def test_findings_at_fail_on_are_1(self, root, signatures, tmp_path):
        assert program(root, "audit", log(tmp_path), "--signatures", signatures, "--fail-on", "any").status == 1

    @pytest.mark.parametrize("output_format", ["table", "json"])
    def test_a_full_disk_is_told_and_is_no_bug(self, root, signatures, tmp_path, output_format):
        arguments = "audit", log(tmp_path), "--signatures", signatures, "-f", output_format
        with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
            done = program(root, *arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
        told = "output: No space left on device"
        as_json = f'{{"error":{{"exit":5,"messages":["{told}"]}}}}\n'
        assert (done.status, done.err) == (5, as_json if output_format == "json" else f"shadowit: {told}\n")

    def test_a_full_disk_is_told_by_the_shortest_answer_too(self, root):
        with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
            done = program(root, "--version", capture_output=False, stdout=full, stderr=subprocess.PIPE)
        assert (done.status, done.err) == (5, "shadowit: output: No space left on device\n")

    def test_a_full_disk_is_told_behind_what_was_read(self, root, tmp_path):
        with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
            done = program(root, "parse", log(tmp_path), capture_output=False, stdout=full, stderr=subprocess.PIPE)
        told = f"shadowit: {tmp_path / 'a.log'}: squid, 5 lines, 5 events, 0 unparsed\n"
        assert (done.status, done.err) == (5, f"{told}shadowit: output: No space left on device\n")

    def test_a_full_device_that_is_named_is_told(self, root, signatures, tmp_path):
        done = program(root, "audit", log(tmp_path), "--signatures", signatures, "--output", "/dev/full")
        assert (done.status, done.err) == (2, "shadowit: /dev/full: cannot be written: No space left on device\n")
