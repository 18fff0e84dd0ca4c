"""Logs that somebody made to break this: nothing crashes, nothing is swallowed, nothing is forged."""

import gzip
import json
import os
import re
import resource
import socket
import subprocess
import sys
import time
import zlib
from collections import Counter
from pathlib import Path

import pytest
from machine import audited, content_of, planned, small_ruleset

from detector.audit.events import Parsed, events_of
from detector.events import Col, Dialect, Line, read_lines
from detector.formats import own_formats
from detector.sources import Limits

ROOT = Path(__file__).parent.parent
CORPUS = Path(__file__).parent / "hostile"
EXPECTED = json.loads((CORPUS / "expected.json").read_text())
RULESET = small_ruleset()
GOOD = b"1582797600.000     45 10.0.0.7 TCP_MISS/200 0 CONNECT clearview.ai:443 u1042 HIER_DIRECT/192.0.2.1 -\n"
MAIL = (
    "From a@clearview.ai Thu Feb 27 10:00:00 2020\nFrom: a@clearview.ai\nTo: u1042@example.org\n"
    "Subject: Verify your email\nDate: Thu, 27 Feb 2020 10:00:00 +0000\n\n"
)
OTHER = GOOD.replace(b"clearview.ai", b"www.example.org")
LOGS = [name for name in EXPECTED if not name.startswith("files/")]
FILES = [name for name in EXPECTED if name.startswith("files/")]
NAMES = (
    b"new\nline.log", b"esc\x1b[31m.log", b"surrogate\xff\xfe.log", "bidi\u202e.log".encode(), b" ", b"-rf",
    b"[a*?.log", b"a!b", b"20200231.log", b"x" * 255,
)  # fmt: skip
RSS_LIMIT_KB = 400 * 1024


def places(report):
    """(offset, service) of everything that was sighted."""
    return {(row.offset, one.service) for one in report.findings for row in one.evidence}


def check_accounts(source, content):
    """Every line and byte that could be read is accounted for."""
    assert source.parsed + source.filtered + source.unparsed + source.oversize == source.lines
    if not source.unread:
        assert source.lines == content.count(b"\n") + (content[-1:] not in (b"", b"\n"))
        assert source.bytes == len(content)


def test_the_corpus_is_large_and_small_enough():
    sizes = [path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()]
    assert len(EXPECTED) >= 200
    assert sum(sizes) < 3_000_000


@pytest.mark.parametrize("name", LOGS)
def test_good_lines_around_a_fault_are_sighted_and_nothing_is_forged(name):
    said = EXPECTED[name]
    path = CORPUS / name
    report = audited([path], RULESET, said["format"])
    found = places(report)
    must = {(offset, service) for offset, service in said["must"]}
    may = {(offset, service) for offset, service in said["may"]}
    assert must <= found
    assert found <= must | may
    assert report.sources[0].unread == ""
    content = content_of(planned([path], said["format"])[0])
    check_accounts(report.sources[0], content)
    starts = {0, *(found.end() for found in re.finditer(rb"\n\0*", content))}
    assert {offset for offset, _ in found} <= starts


@pytest.mark.parametrize("name", LOGS)
def test_every_event_of_a_hostile_log_is_printed_or_its_line_counted(name):
    one = planned([CORPUS / name], EXPECTED[name]["format"])[0]
    parsed = Parsed(refusals=Counter())
    events = list(events_of(one, parsed))
    assert parsed.unread == ""
    assert parsed.events == len(events)
    content = content_of(one)
    assert parsed.lines == content.count(b"\n") + (content[-1:] not in (b"", b"\n"))
    assert all(1 <= event["log.line"] <= parsed.lines for event in events)
    json.dumps(events).encode()


@pytest.mark.repeats
@pytest.mark.parametrize("name", LOGS)
def test_a_hostile_log_is_told_by_its_content_or_said_to_be_unread(name):
    report = audited([CORPUS / name], RULESET)
    source = report.sources[0]
    assert source.format or source.unread
    assert source.parsed + source.filtered + source.unparsed + source.oversize == source.lines


@pytest.mark.parametrize("name", FILES)
def test_what_is_wrong_with_a_file_is_told_and_the_rest_is_found(name):
    said = EXPECTED[name]
    report = audited([CORPUS / name], RULESET)
    assert {(offset, service) for offset, service in said["must"]} <= places(report)
    assert {service for _, service in places(report)} <= {"clearview", "sub"}
    unread = [source.unread for source in report.sources if source.unread]
    assert bool(unread) == bool(said["unread"]), unread
    for one in planned([CORPUS / name]):
        list(events_of(one, Parsed(refusals=Counter())))


@pytest.mark.repeats
def test_the_whole_corpus_at_once_in_any_order():
    paths = [CORPUS / name for name in LOGS]
    report = audited(paths, RULESET)
    assert len(report.sources) == len(paths)
    assert audited(paths[::-1], RULESET).sources == report.sources


@pytest.fixture
def run(private_cache):  # noqa: ARG001 - children use the same cache
    def call(*arguments, status=frozenset({0, 1, 4}), stdin=subprocess.DEVNULL, timeout=60):
        done = subprocess.run(
            [sys.executable, "-m", "detector", *map(os.fspath, arguments)],
            capture_output=True, cwd=ROOT, timeout=timeout, stdin=stdin, check=False,
        )  # fmt: skip
        assert done.returncode in status, (done.returncode, done.stderr[-2000:])
        assert b"Traceback" not in done.stderr
        return done

    return call


@pytest.mark.outside
def test_the_command_line_survives_the_whole_corpus(run):
    done = run("audit", CORPUS, "-f", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 4
    assert len(report["sources"]) >= len(EXPECTED)
    assert b"\x1b" not in done.stderr
    assert b"\x1b" not in run("audit", CORPUS).stdout


@pytest.mark.outside
@pytest.mark.parametrize("family", sorted({name.partition("/")[0] for name in EXPECTED}))
def test_the_command_line_parses_every_family(run, family):
    done = run("parse", CORPUS / family)
    assert all(json.loads(line) for line in done.stdout.split(b"\n") if line)


class TestPlaces:
    """What lies in a folder besides logs."""

    def test_links_pipes_sockets_and_devices_are_told_and_never_opened(self, tmp_path):
        root = tmp_path / "logs"
        root.mkdir()
        outside = tmp_path / "outside.log"
        outside.write_bytes(GOOD)
        (root / "good.log").write_bytes(GOOD)
        (root / "link_in.log").symlink_to("good.log")
        (root / "link_out.log").symlink_to(outside)
        (root / "loop_a").symlink_to("loop_b")
        (root / "loop_b").symlink_to("loop_a")
        (root / "dangling").symlink_to("nowhere")
        (root / "zero").symlink_to("/dev/zero")
        (root / "folder_out").symlink_to("/etc")
        (root / "folder_loop").symlink_to(root)
        os.mkfifo(root / "fifo")
        with socket.socket(socket.AF_UNIX) as one:
            here = Path.cwd()
            os.chdir(root)
            one.bind("socket")
            os.chdir(here)
            report = audited([root], RULESET)
        told = {Path(source.path).name: source.unread for source in report.sources if source.unread}
        assert set(told) == {"link_out.log", "loop_a", "loop_b", "dangling", "zero", "fifo", "socket"}
        assert places(report) == {(0, "clearview")}
        copies = [source.path for source in report.sources if source.copy_of]
        assert len(copies) == 1

    @pytest.mark.parametrize("name", ["fifo", "zero", "missing", "folder"])
    def test_what_is_named_and_no_file_never_blocks(self, name, tmp_path):
        os.mkfifo(tmp_path / "fifo")
        (tmp_path / "zero").symlink_to("/dev/zero")
        (tmp_path / "folder").mkdir()
        report = audited([tmp_path / name], RULESET)
        assert [bool(source.unread) for source in report.sources] == ([] if name == "folder" else [True])

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_folder_without_permission_is_told(self, tmp_path):
        closed = tmp_path / "closed"
        closed.mkdir(mode=0)
        report = audited([tmp_path], RULESET)
        assert [source.path for source in report.sources if source.unread] == [str(closed)]

    def test_an_unreadable_folder_is_told(self, tmp_path, monkeypatch):
        def walk(name, onerror):
            onerror(PermissionError(13, "Permission denied", str(tmp_path / "closed")))
            yield name, [], []

        monkeypatch.setattr("detector.sources.files.os.walk", walk)
        report = audited([tmp_path], RULESET)
        assert [(source.path, source.unread) for source in report.sources] == [
            (str(tmp_path / "closed"), "Permission denied")
        ]

    @pytest.mark.parametrize("name", NAMES)
    def test_file_names_are_only_names(self, name, tmp_path):
        path = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118
        Path(os.fsdecode(path)).write_bytes(OTHER * 12 + GOOD)
        report = audited([os.fsdecode(path)], RULESET)
        assert places(report) == {(len(OTHER) * 12, "clearview")}

    @pytest.mark.outside
    def test_file_names_are_only_names_to_the_command_line(self, tmp_path, run):
        paths = [os.path.join(os.fsencode(tmp_path), name) for name in NAMES]  # noqa: PTH118
        for number, path in enumerate(paths):
            Path(os.fsdecode(path)).write_bytes(OTHER * (12 + number) + GOOD)
        for kind in ("json", "table", "csv", "md", "html"):
            done = run("audit", tmp_path, "-f", kind)
            assert b"\x1b" not in done.stdout + done.stderr
            assert kind != "json" or len(json.loads(done.stdout)["sources"]) == len(NAMES)
        for number, path in enumerate(paths):
            numbers = [json.loads(line)["log.line"] for line in run("parse", path).stdout.splitlines()]
            assert numbers == list(range(1, 14 + number))

    def test_two_logs_with_the_same_head_and_hostile_names_are_two_logs(self, tmp_path):
        for name, tail in ((b"a\xff.log", GOOD), (b"b\xff.log", OTHER + GOOD)):
            Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(OTHER * 12 + tail)  # noqa: PTH118
        report = audited([tmp_path], RULESET)
        assert sorted(places(report)) == [(len(OTHER) * 12, "clearview"), (len(OTHER) * 13, "clearview")]


def child(path, tmp_path, *, limit_s, log_format="squid"):
    """An audit in a process of its own: its report, and whether it kept to memory and time."""
    code = (
        "import sys, json, re; sys.path[:0] = sys.argv[1:3]\n"
        "from machine import audited, small_ruleset\n"
        "report = audited([sys.argv[3]], small_ruleset(), sys.argv[4])\n"
        "one = report.sources[0]\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1]\n"  # not that of who started it
        "print(json.dumps({'rss': int(peak), 'lines': one.lines, "
        "'bytes': one.bytes, 'oversize': one.oversize, 'unread': one.unread, "
        "'sum': one.parsed + one.filtered + one.unparsed + one.oversize, "
        "'offsets': [row.offset for finding in report.findings for row in finding.evidence]}))\n"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT), str(ROOT / "tests"), str(path), log_format],
        capture_output=True, timeout=60, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    assert said["rss"] <= RSS_LIMIT_KB
    assert said["sum"] == said["lines"]
    assert time.monotonic() - started < limit_s
    return said


class TestBig:
    """What would eat memory or time."""

    @pytest.mark.outside
    def test_a_line_of_100_mb_is_passed_and_counted(self, tmp_path):
        path = tmp_path / "a.log"
        with path.open("wb") as file:
            file.write(GOOD)
            for _ in range(100):
                file.write(b"x" * 1_000_000)
            file.write(b"\n" + GOOD)
        said = child(path, tmp_path, limit_s=10)
        assert said["offsets"] == [0, len(GOOD) + 100_000_001]
        assert (said["lines"], said["oversize"], said["bytes"]) == (3, 1, path.stat().st_size)

    @pytest.mark.outside
    def test_a_line_of_20_mb_with_the_name_in_front_is_sighted(self, tmp_path):
        path = tmp_path / "a.log"
        path.write_bytes(OTHER + GOOD[:-1].replace(b":443", b":443/" + b"x" * 20_000_000) + b"\n" + GOOD)
        said = child(path, tmp_path, limit_s=10)
        assert said["offsets"] == [len(OTHER), len(OTHER) + len(GOOD) + 20_000_001]
        assert (said["lines"], said["oversize"]) == (3, 1)

    @pytest.mark.outside
    def test_a_body_line_of_100_mb_is_passed_and_the_mail_behind_it_sighted(self, tmp_path):
        path, mail = tmp_path / "a.mbox", MAIL.encode()
        with path.open("wb") as file:
            file.write(mail)
            for _ in range(100):
                file.write(b"x" * 1_000_000)
            file.write(b"\n\n" + mail)
        said = child(path, tmp_path, limit_s=10, log_format="mail_headers")
        assert said["offsets"] == [0, len(mail) + 100_000_002]
        assert (said["oversize"], said["bytes"]) == (0, path.stat().st_size)

    @pytest.mark.outside
    def test_mails_made_to_be_slow_are_passed_in_time(self, tmp_path):
        path, mail = tmp_path / "a.mbox", MAIL.encode()
        head = mail.partition(b"\n\n")[0] + b"\n"
        bodies = b"\n\nFrom x\n" * 200_000 + b"\n" + b"From y at 10:00 2020\nA: b\n\n" * 20_000
        heads = (
            b"A:\n" * 300_000, b" \n" * 300_000, b"To: " + b'<("a@b,' * 100_000,
            b"Subject: " + b"=?a?q?=?b?b?" * 70_000,
            b"Authentication-Results: " + b"dkim=pass(;" * 80_000, b"Received: " + b"(by [1" * 120_000,
            b"Date: " + b"1 Feb " * 120_000, b"From: " + b'"(<' * 200_000,
        )  # fmt: skip
        path.write_bytes(mail + bodies + b"".join(head + one + b"\n\n\n" for one in heads) + mail)
        said = child(path, tmp_path, limit_s=20, log_format="mail_headers")
        assert {0, path.stat().st_size - len(mail)} <= set(said["offsets"])

    @pytest.mark.outside
    def test_a_line_behind_a_hole_of_64_mb_is_sighted(self, tmp_path):
        path = tmp_path / "a.log"
        with path.open("wb") as file:
            file.write(GOOD)
            file.seek(64 << 20, os.SEEK_CUR)
            file.write(GOOD)
        said = child(path, tmp_path, limit_s=10)
        assert said["offsets"] == [0, (64 << 20) + len(GOOD)]
        assert (said["lines"], said["bytes"]) == (2, path.stat().st_size)

    @pytest.mark.outside
    def test_two_million_empty_lines_are_counted(self, tmp_path):
        path = tmp_path / "a.log"
        path.write_bytes(GOOD + b"\n" * 2_000_000 + GOOD)
        said = child(path, tmp_path, limit_s=10)
        assert said["offsets"] == [0, len(GOOD) + 2_000_000]
        assert said["lines"] == 2_000_002

    @pytest.mark.outside
    def test_a_bomb_of_2_gb_is_refused_and_what_stood_before_it_found(self, tmp_path):
        path = tmp_path / "a.log.gz"
        member = gzip.compress(b"x" * (16 << 20))
        path.write_bytes(gzip.compress(GOOD) + member * 128)
        said = child(path, tmp_path, limit_s=30)
        assert said["offsets"] == [0]
        assert "decompression bomb" in said["unread"]

    def test_a_small_bomb_is_refused_where_the_limits_say(self, tmp_path):
        path = tmp_path / "a.log.gz"
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        path.write_bytes(packer.compress(GOOD + b"\n" * 30_000_000) + packer.flush())
        report = audited([path], RULESET, "squid", limits=Limits(ratio=200, output_bytes=1 << 40, small_bytes=1 << 20))
        assert "decompression bomb" in report.sources[0].unread
        assert places(report) == {(0, "clearview")}
        assert report.sources[0].bytes < 10_000_000

    def test_this_process_stayed_small(self):
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 * RSS_LIMIT_KB


DEEP = 1020
"""Levels of an object: as many as the JSON reader takes, and more than Python functions may call one another."""

JSON_EXAMPLES = {
    name: text
    for name, one in own_formats().items()
    if (text := one.example({Col.AT: 1_582_797_600_000_000, Col.DOMAIN: "www.example.com"})).startswith("{")
}


@pytest.mark.parametrize("name", JSON_EXAMPLES)
def test_no_depth_of_an_object_is_too_much(name):
    log_format = own_formats()[name]
    deep = '{"a":' * DEEP + "1" + "}" * DEEP
    whole = json.loads(JSON_EXAMPLES[name])
    lines = [
        Line(0, json.dumps(whole | {key: "here"}).replace('"here"', deep).encode())
        for key in (*whole, "EventData", "x")
    ]
    reading = read_lines(log_format, Dialect(), lines)
    assert len(reading.batch) + reading.passed + len(reading.refusals) == len(lines)
