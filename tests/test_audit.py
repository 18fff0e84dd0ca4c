"""The use case: every log is looked at, read once, under the right header, in the window that was asked for."""

import gzip
import hashlib
import io
import os
import pickle
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from machine import audited, facts, planned, sightings, small_ruleset

from detector.audit import Site, Terms, audit, plan, sighted
from detector.audit import run as audit_runs
from detector.audit.canary import event_for, mail_event_for, proves
from detector.audit.explain import explain_at, explain_line
from detector.audit.plan import Named
from detector.audit.telling import Teller
from detector.errors import UsageError
from detector.events import Col, Dialect, from_iso
from detector.formats import Formats, format_named
from detector.policy import Verdict
from detector.policy import load as load_policy
from detector.scan import Scanner, Settings, scan
from detector.sources import Compression, Framing, segments_of

START = 1_582_797_600  # 2020-02-27T10:00:00Z


DNS_ROW = format_named("adguard_home").example(
    {Col.AT: START * 1_000_000, Col.SOURCE_IP: "10.0.0.7", Col.QUESTION: "www.clearview.ai"}
)


def squid(count=40, start=START, user="u1", host="www.clearview.ai", step=60):
    lines = [
        f"{start + number * step}.000    120 10.0.0.7 TCP_MISS/200 5120 GET http://{host}/{number} {user} "
        "HIER_DIRECT/1.2.3.4 text/html\n"
        for number in range(count)
    ]
    return "".join(lines).encode()


def written(folder, name, data):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def zipped(members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def copies(report, folder):
    return {
        row.path.removeprefix(f"{folder}/"): row.copy_of.removeprefix(f"{folder}/")
        for row in report.sources
        if row.copy_of
    }


def total(report):
    return sum(finding.sightings for finding in report.findings)


class TestCopies:
    def test_a_rotated_and_packed_copy_counts_once(self, tmp_path, ruleset):
        data = squid()
        written(tmp_path, "access.log.1", data)
        written(tmp_path, "access.log.1.gz", gzip.compress(data))
        report = audited([tmp_path], ruleset)
        assert copies(report, tmp_path) == {"access.log.1.gz": "access.log.1"}
        assert total(report) == 40
        assert all(row.unread == "" for row in report.sources)

    @pytest.mark.parametrize("length", [150, 700, 1024, 2000])
    @pytest.mark.parametrize("names", [("a.log", "b.log"), ("b.log", "a.log")])
    def test_the_beginning_of_a_log_is_a_copy_of_it_however_short(self, tmp_path, ruleset, length, names):
        written(tmp_path, names[0], squid())
        written(tmp_path, names[1], squid()[:length])
        report = audited([tmp_path], ruleset)
        assert copies(report, tmp_path) == {names[1]: names[0]}
        assert total(report) == 40

    def test_copies_of_copies_name_the_log_that_was_read(self, tmp_path, ruleset):
        data = squid()
        for name, part in (("a", data[:150]), ("b", data[:500]), ("c", data[:3000]), ("d", data), ("e", data[:150])):
            written(tmp_path, f"{name}.log", part)
        report = audited([tmp_path], ruleset)
        assert copies(report, tmp_path) == dict.fromkeys(("a.log", "b.log", "c.log", "e.log"), "d.log")
        assert total(report) == 40

    def test_a_broken_copy_counts_once_and_is_told(self, tmp_path, ruleset):
        data = squid(4000)
        packed = gzip.compress(data)
        written(tmp_path, "a.log.gz", packed[: len(packed) // 2])
        written(tmp_path, "b.log", data)
        written(tmp_path, "c.log.gz", packed[: len(packed) // 3])
        report = audited([tmp_path], ruleset)
        assert copies(report, tmp_path) == {"a.log.gz": "b.log", "c.log.gz": "b.log"}
        assert total(report) == 4000
        unread = {row.path[-8:]: row.unread for row in report.sources}
        assert unread["a.log.gz"].startswith("from byte ")
        assert unread["a.log.gz"].endswith(": compressed data is cut off")
        assert unread["c.log.gz"]
        assert not unread["le/b.log"[-8:]] if "le/b.log" in unread else True
        assert report.unread_files == 2

    def test_logs_that_begin_alike_and_go_on_differently_are_two(self, tmp_path, ruleset):
        written(tmp_path, "a.log", squid(20) + squid(5, START + 90_000, "u2"))
        written(tmp_path, "b.log", squid(20) + squid(5, START + 90_000, "u3"))
        report = audited([tmp_path], ruleset)
        assert copies(report, tmp_path) == {}
        assert total(report) == 50
        ids = {row.sighting for finding in report.findings for row in finding.evidence}
        assert len(ids) == sum(len(finding.evidence) for finding in report.findings)

    def test_empty_logs_are_no_copies(self, tmp_path, ruleset):
        for name, data in (("a.log", b""), ("b.log", b""), ("c.gz", gzip.compress(b"")), ("d.log", squid())):
            written(tmp_path, name, data)
        report = audited([tmp_path], ruleset)
        assert copies(report, tmp_path) == {}
        assert {row.notes for row in report.sources} == {("is empty",), ()}

    def test_one_file_named_in_two_ways_counts_once(self, tmp_path, ruleset, monkeypatch):
        written(tmp_path, "a.log", squid())
        monkeypatch.chdir(tmp_path)
        report = audited(["a.log", "./a.log", tmp_path / "a.log", "a.log"], ruleset)
        assert len(report.sources) == 3
        assert total(report) == 40

    def test_a_name_that_is_no_text_has_an_identity_too(self, tmp_path, ruleset):
        (tmp_path / os.fsdecode(b"\xff.log")).write_bytes(squid(20) + squid(5, START + 90_000, "u2"))
        (tmp_path / os.fsdecode(b"\xfe.log")).write_bytes(squid(20) + squid(5, START + 90_000, "u3"))
        assert total(audited([tmp_path], ruleset)) == 50


class TestArchives:
    def test_members_are_logs_of_their_own_and_copies_are_found_among_them(self, tmp_path, ruleset):
        data = squid()
        written(tmp_path, "a.zip", zipped({"x/one.log": data, "two.log": squid(10, START + 90_000), "empty/": b""}))
        written(tmp_path, "b.log", data)
        report = audited([tmp_path], ruleset)
        assert [row.path.removeprefix(f"{tmp_path}/") for row in report.sources] == [
            "a.zip!two.log", "a.zip!x/one.log", "b.log",
        ]  # fmt: skip
        assert copies(report, tmp_path) == {"b.log": "a.zip!x/one.log"}
        assert total(report) == 50

    def test_a_damaged_archive_is_told(self, tmp_path, ruleset):
        written(tmp_path, "a.zip", zipped({"one.log": squid()})[:-30])
        (row,) = audited([tmp_path], ruleset).sources
        assert "damaged zip archive" in row.unread

    @pytest.mark.parametrize("count", [20, 5000])
    def test_lines_before_the_damage_are_found_however_early_it_comes(self, tmp_path, ruleset, count):
        packed = gzip.compress(squid(count))
        path = written(tmp_path, "a.log.gz", packed[: len(packed) * 3 // 4])
        report = audited([path], ruleset)
        (row,) = report.sources
        assert 0 < total(report) == row.lines < count
        assert row.unread.endswith("compressed data is cut off")

    def test_nothing_before_the_damage_is_nothing(self, tmp_path, ruleset):
        path = written(tmp_path, "a.log.gz", gzip.compress(squid())[:12])
        (row,) = audited([path], ruleset).sources
        assert (row.lines, row.unread) == (0, "compressed data is cut off")


class TestPlan:
    def test_what_cannot_be_read_is_there_with_its_reason(self, tmp_path, ruleset):
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "out").symlink_to("/etc/hostname")
        (tmp_path / "loop").symlink_to("loop")
        written(tmp_path, "a.log", squid())
        written(tmp_path, "b.txt", b"Dear all,\nthis is no log.\nRegards\n")
        report = audited([tmp_path, tmp_path / "missing", tmp_path / "*.none"], ruleset)
        reasons = {row.path.removeprefix(f"{tmp_path}/"): row.unread for row in report.sources}
        assert reasons == {
            "a.log": "", "pipe": "is not a regular file", "out": "is a link that leads out of its folder",
            "loop": reasons["loop"], "missing": "no such file or folder", "*.none": "no file matches",
            "b.txt": "no log format reads its lines: name one with --input-format",
        }  # fmt: skip
        assert reasons["loop"]
        assert total(report) == 40

    @pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
    def test_a_file_that_may_not_be_read_is_told(self, tmp_path, ruleset):
        written(tmp_path, "a.log", squid()).chmod(0)
        assert audited([tmp_path], ruleset).sources[0].unread == "Permission denied"

    @pytest.mark.parametrize("name", ["open_stream", "detect"])
    def test_a_file_that_breaks_meanwhile_is_told(self, tmp_path, ruleset, monkeypatch, name):
        def broken(*_):
            raise OSError(5, "Input/output error")

        path = written(tmp_path, "a.log", squid())
        monkeypatch.setattr(sys.modules["detector.audit.plan"], name, broken)
        assert "Input/output error" in audited([path], ruleset).sources[0].unread

    def test_folders_are_walked_by_name_and_hidden_files_count(self, tmp_path):
        for name in ("b/2.log", "b/10.log", "a.log", "b/.hidden.log", "c/d/e/f.log"):
            written(tmp_path, name, squid(start=START + 90_000 * len(name)))
        assert [one.segment.path.removeprefix(f"{tmp_path}/") for one in planned([tmp_path])] == [
            "a.log", "b/.hidden.log", "b/10.log", "b/2.log", "c/d/e/f.log",
        ]  # fmt: skip

    def test_what_came_by_standard_input_is_called_by_its_label(self, tmp_path, ruleset):
        path = written(tmp_path, "xyz", squid())
        inputs = plan([Named([str(path)], Site(), label="-")], Formats())
        assert inputs[0].segment.name == "-"
        report = audit(inputs, ruleset, Terms("0"))
        assert report.sources[0].path == "-"
        assert {row.path for finding in report.findings for row in finding.evidence} == {"-"}

    def test_assumptions_are_noted(self, tmp_path):
        line = "Feb 27 10:00:00 dnsmasq[7]: query[A] www.clearview.ai from 10.0.0.7\n"
        path = written(tmp_path, "dns.log", (line * 5).encode())
        (one,) = planned([path])
        assert one.log_format.name == "dnsmasq"
        assert any(note.startswith("times carry no zone: read as UTC") for note in one.notes)
        (said,) = planned([path], zone=ZoneInfo("America/Edmonton"))
        assert not any("zone" in note for note in said.notes)
        mixed = written(tmp_path, "mixed.log", squid(5) + b"something else\n" * 5)
        unsure = "its first lines do not surely tell its format"
        assert any(note.startswith(unsure) for note in planned([mixed])[0].notes)
        assert not any(note.startswith(unsure) for note in one.notes)

    def test_a_format_that_is_named_is_taken_even_when_it_reads_nothing(self, tmp_path):
        path = written(tmp_path, "a.log", b"nothing that squid writes\n" * 3)
        (one,) = planned([path], "squid")
        assert (one.log_format.name, one.confidence, one.unread) == ("squid", 0.0, "")
        (empty,) = planned([written(tmp_path, "b.log", b"\n\0\n")], "squid")
        assert (empty.log_format.name, empty.notes) == ("squid", ("is empty",))

    def test_a_json_document_is_laid_out_only_for_formats_that_read_json(self, tmp_path):
        rows = ",\n".join([DNS_ROW] * 4)
        path = written(tmp_path, "dns.log", f"[{rows}]".encode())
        (one,) = planned([path])
        assert one.log_format.name == "adguard_home"
        assert one.segment.framing is not Framing.LINES
        (other,) = planned([path], "squid")
        assert other.segment.framing is Framing.LINES

    def test_objects_that_are_no_events_tell_their_format_where_it_is_the_only_one_that_knows_them(self, tmp_path):
        flow = b'{"timestamp":"2020-02-27T10:00:00.1+0000","flow_id":1,"event_type":"flow","src_ip":"10.0.0.7"}\n'
        (one,) = planned([written(tmp_path, "eve.json", flow * 3)])
        assert (one.log_format.name, one.confidence, one.unread) == ("suricata_eve", 0.5, "")
        (other,) = planned(
            [written(tmp_path, "other.json", b'{"ts":1582797600.1,"src":"10.0.0.7","what":"else"}\n' * 3)]
        )
        assert other.unread

    def test_a_mail_is_laid_out_only_for_the_format_of_mails(self, tmp_path):
        path = written(tmp_path, "a.eml", b"From: a@example.org\r\nDate: 27 Feb 2020 10:00 GMT\r\n\r\nTo: body\r\n")
        (one,) = planned([path])
        assert (one.log_format.name, one.segment.framing, one.confidence) == ("mail_headers", Framing.MAIL, 1.0)
        (other,) = planned([path], "squid")
        assert other.segment.framing is Framing.LINES
        prose = written(tmp_path, "a.txt", b"To everybody: read this\nDate: today\n\n1 2 3\n")
        assert planned([prose])[0].unread

    def test_a_maildir_is_a_folder_of_mails(self, tmp_path):
        for folder in ("cur", "new", "tmp"):
            (tmp_path / folder).mkdir()
            mail = f"Return-Path: <a@clearview.ai>\nFrom: a@clearview.ai\nTo: u{folder}@example.org\nSubject: x\n\n"
            written(tmp_path / folder, "1582797600.M1P2.mx1,S=99:2,S", mail.encode())
        inputs = planned([tmp_path])
        assert [one.log_format.name for one in inputs] == ["mail_headers"] * 3
        assert len({one.segment.stream for one in inputs}) == 3


class TestYear:
    """Stamps without a year get it from what is known about the file."""

    def until(self, path):
        (one,) = planned([path], "squid")
        return datetime.fromtimestamp(one.dialect.written_until / 1e6, UTC).isoformat()

    def test_a_date_in_the_name_counts_first_and_the_last_of_several(self, tmp_path):
        assert self.until(written(tmp_path, "mail.log-20200227", squid())) == "2020-02-28T00:00:00+00:00"
        name = "2019-12-31_to_2020-01-31.log.gz"
        assert self.until(written(tmp_path, name, gzip.compress(squid(), mtime=5))) == "2020-02-01T00:00:00+00:00"
        path = written(tmp_path, "20180101.zip", zipped({"x-2020.02.29.log": squid()}))
        assert self.until(path) == "2020-03-01T00:00:00+00:00"

    @pytest.mark.parametrize("name", ["20200231.log", "mail.120200227.log", "2020.log", "log.20201301", "19000229"])
    def test_digits_that_are_no_date_do_not_count(self, tmp_path, name):
        path = written(tmp_path, name, squid())
        os.utime(path, (1_600_000_000, 1_600_000_000))
        assert self.until(path) == "2020-09-13T12:26:40+00:00"

    def test_then_the_time_in_the_head_of_a_gzip_file(self, tmp_path):
        path = written(tmp_path, "a.log.gz", gzip.compress(squid(), mtime=1_500_000_000))
        assert self.until(path) == "2017-07-14T02:40:00+00:00"
        path = written(tmp_path, "b.log.gz", gzip.compress(squid(), mtime=0))
        os.utime(path, (1_600_000_000, 1_600_000_000))
        assert self.until(path) == "2020-09-13T12:26:40+00:00"

    def test_it_gives_the_year(self, tmp_path, ruleset):
        line = b"Dec 31 23:59:59 gw dnsmasq[7]: query[A] www.clearview.ai from 10.0.0.7\n"
        report = audited([written(tmp_path, "dnsmasq.log-20200101", line * 4)], ruleset)
        assert report.findings[0].first_seen == from_iso("2019-12-31T23:59:59")


@pytest.fixture
def small_segments(monkeypatch):
    """Plain logs are cut every 16 KiB."""
    seen = []

    def cut(whole, size):
        parts = segments_of(whole, size, 16 * 1024)
        seen.extend(parts)
        return parts

    monkeypatch.setattr(sys.modules["detector.audit.run"], "segments_of", cut)
    return seen


def in_segments(paths, ruleset, log_format="", engine="serial"):
    terms = Terms("0", Settings(chunk_bytes=4096), jobs=2, engine=engine)
    return audit(planned(paths, log_format), ruleset, terms)


FIRST = (
    "#Fields: date time c-ip cs-username s-action cs-method cs-uri-scheme cs-host cs-uri-port cs-uri-path sc-status\n"
)
SECOND = (
    "#Fields: cs-host sc-status c-ip cs-username date time cs-method cs-uri-scheme cs-uri-port cs-uri-path s-action\n"
)


def elff(header, count, host="www.clearview.ai"):
    cells = {
        "date": "2020-02-27", "time": "10:00:00", "c-ip": "10.0.0.7", "s-action": "TCP_MISS", "cs-method": "GET",
        "cs-uri-scheme": "http", "cs-host": host, "cs-uri-port": "80", "cs-uri-path": "/x", "sc-status": "200",
    }  # fmt: skip
    names = header.split()[1:]
    return "".join(
        " ".join((cells | {"cs-username": f"u{number % 3}"})[name] for name in names) + "\n" for number in range(count)
    )


TRACKING_FIRST = (
    "#Fields: date-time,source,event-id,message-id,recipient-address,message-subject,sender-address,directionality\n"
)
TRACKING_SECOND = (
    "#Fields: message-id,date-time,source,event-id,sender-address,message-subject,recipient-address,directionality\n"
)


def tracking(header, start, count):
    names = header.split(" ")[1].strip().split(",")
    lines = []
    for number in range(start, start + count):
        cells = {
            "date-time": "2020-02-27T10:00:00Z", "source": "SMTP", "event-id": "RECEIVE",
            "message-id": f"<{number}@clearview.ai>", "recipient-address": f"u{number}@example.org",
            "message-subject": "Verify your email", "sender-address": "noreply@clearview.ai",
            "directionality": "Incoming",
        }  # fmt: skip
        lines.append(",".join(cells[name] for name in names) + "\n")
    return "".join(lines)


class TestSegments:
    @pytest.mark.parametrize("engine", ["serial", "processes"])
    @pytest.mark.parametrize("first_lines", [3, 100, 190, 230, 400])
    def test_a_header_in_an_earlier_segment_counts_in_the_later_ones(
        self, tmp_path, ruleset, small_segments, engine, first_lines
    ):
        text = FIRST + elff(FIRST, first_lines) + SECOND + elff(SECOND, 700 - first_lines)
        path = written(tmp_path, "proxy.log", text.encode())
        whole = audited([path], ruleset, "bluecoat_proxysg")
        assert total(whole) == 700
        assert {one.actor.id for one in whole.findings} == {"u0", "u1", "u2"}
        small_segments.clear()
        report = in_segments([path], ruleset, "bluecoat_proxysg", engine)
        assert len(small_segments) > 2
        assert facts(report) == facts(whole)
        assert sightings(report) == sightings(whole)
        assert report.sources[0].unparsed == 0

    @pytest.mark.parametrize("name", ["postfix", "cisco_esa", "coredns"])
    def test_a_format_need_not_go_from_process_to_process(self, root, ruleset, name):
        with pytest.raises((pickle.PicklingError, AttributeError)):
            pickle.dumps(format_named(name))
        logs = sorted((root / "sample_logs" / name).glob("*.log"))
        reports = [audited(logs, ruleset, name, engine=engine, jobs=2) for engine in ("serial", "processes")]
        assert facts(reports[0]) == facts(reports[1])
        assert sightings(reports[0]) == sightings(reports[1])

    @pytest.mark.parametrize("engine", ["serial", "processes"])
    def test_so_it_does_when_transactions_are_gathered(self, tmp_path, ruleset, small_segments, engine):
        text = TRACKING_FIRST + tracking(TRACKING_FIRST, 0, 20) + TRACKING_SECOND + tracking(TRACKING_SECOND, 20, 400)
        path = written(tmp_path, "tracking.log", text.encode())
        report = in_segments([path], ruleset, "exchange_message_tracking", engine)
        assert len(small_segments) > 2
        assert total(report) == 420
        assert len(report.findings) == 420

    def test_many_segments_and_engines_give_one_report(self, tmp_path, ruleset, small_segments):
        paths = [written(tmp_path, f"{n}.log", squid(600, START + n * 90_000, f"u{n % 2}")) for n in range(3)]
        serial, several = (in_segments(paths, ruleset, "", engine) for engine in ("serial", "processes"))
        assert len(small_segments) > 6
        assert serial == several
        assert total(serial) == 1800

    @pytest.mark.usefixtures("small_segments")
    @pytest.mark.parametrize("held", [0, 100, 10_000])
    def test_how_much_a_worker_holds_changes_nothing(self, tmp_path, ruleset, monkeypatch, held):
        paths = [written(tmp_path, f"{n}.log", squid(600, START + n * 90_000, f"u{n % 2}")) for n in range(3)]
        whole = in_segments(paths, ruleset)
        monkeypatch.setattr(sys.modules["detector.audit.run"], "HELD_CANDIDATES", held)
        for engine in ("serial", "processes"):
            assert in_segments(paths, ruleset, "", engine) == whole
        assert total(whole) == 1800

    def test_small_logs_are_read_by_one_process_whatever_is_asked_for(self, tmp_path, ruleset, monkeypatch):
        names = []
        monkeypatch.setattr(
            sys.modules["detector.audit.run"], "engine_named", lambda name: names.append(name) or _serial()
        )
        paths = [written(tmp_path, f"{n}.log", squid(20, START + n * 90_000)) for n in range(2)]
        audited(paths, ruleset, engine="", jobs=4)
        assert set(names) == {"serial"}
        monkeypatch.setattr(sys.modules["detector.audit.run"], "SEVERAL_BYTES", 10)
        names.clear()
        audited(paths, ruleset, engine="", jobs=4)
        assert names[0] == "processes"


def _serial():
    from detector.engines.serial import ENGINE  # noqa: PLC0415 - as the engines are found

    return ENGINE


def mail(domain="clearview.ai"):
    return format_named("postfix").example(mail_event_for(domain)).splitlines(keepends=True)


class TestTransactions:
    @pytest.mark.parametrize("cut", [1, 3, 5])
    @pytest.mark.parametrize("packed", [False, True])
    def test_one_transaction_may_lie_in_two_rotated_logs(self, tmp_path, ruleset, cut, packed):
        lines = [line if line.endswith("\n") else line + "\n" for line in mail()]
        fill = "2020-02-2{day}T0{day}:00:00Z mx1 postfix/smtpd[1]: connect from x[10.0.0.{day}]\n"
        old = (fill.format(day=6) * 30 + "".join(lines[:cut])).encode()
        new = ("".join(lines[cut:]) + fill.format(day=8) * 30).encode()
        written(tmp_path, "mail.log.1.gz" if packed else "mail.log.1", gzip.compress(old) if packed else old)
        written(tmp_path, "mail.log", new)
        (finding,) = audited([tmp_path], ruleset).findings
        assert (finding.actor.id, finding.stage, finding.sightings) == ("u1042@example.org", "signed_up", 1)

    def test_the_window_and_the_services_count_for_them_too(self, tmp_path, ruleset):
        path = written(tmp_path, "mail.log", "".join(mail()).encode() + b"\n")
        assert len(audited([path], ruleset, "postfix").findings) == 1
        assert audited([path], ruleset, "postfix", since=from_iso("2020-02-28")).findings == ()
        terms = Terms("0", services=frozenset({"cloud"}))
        assert audit(planned([path], "postfix"), ruleset, terms).findings == ()


class TestTerms:
    def test_the_window_takes_its_start_and_leaves_its_end(self, tmp_path, ruleset):
        path = written(tmp_path, "a.log", squid(10))
        since, until = (START + 2 * 60) * 1_000_000, (START + 5 * 60) * 1_000_000
        report = audited([path], ruleset, since=since, until=until)
        assert total(report) == 3
        assert (report.since, report.until) == (since, until)
        assert report.findings[0].first_seen == since

    def test_only_the_services_that_are_asked_for(self, tmp_path, ruleset):
        path = written(tmp_path, "a.log", squid(3) + squid(4, host="rekognition.us-east-1.amazonaws.com"))
        assert {one.service for one in audited([path], ruleset).findings} == {"clearview", "cloud"}
        report = audit(planned([path]), ruleset, Terms("0", services=frozenset({"cloud"})))
        assert [(one.service, one.sightings) for one in report.findings] == [("cloud", 4)]
        assert report.services == len(ruleset.signatures)

    def test_a_service_or_an_engine_that_does_not_exist_is_wrong_usage(self, tmp_path, ruleset):
        inputs = planned([written(tmp_path, "a.log", squid(3))])
        with pytest.raises(UsageError, match="no service is called 'nobody'"):
            audit(inputs, ruleset, Terms("0", services=frozenset({"nobody", "cloud"})))
        with pytest.raises(UsageError, match="no engine is called 'steam'"):
            audit(inputs, ruleset, Terms("0", engine="steam"))

    def test_pseudonyms_stand_for_names_and_nothing_else_changes(self, tmp_path, ruleset):
        path = written(tmp_path, "a.log", squid(5) + squid(5, user="u2"))
        named = audited([path], ruleset)
        hidden = audit(planned([path]), ruleset, Terms("0", key=b"0123456789abcdef"))
        assert named.names
        assert not hidden.names
        assert {one.actor.id for one in named.findings} == {"u1", "u2"}
        ids = [one.actor.id for one in hidden.findings]
        assert ids == sorted(ids)
        assert all(one.startswith("p-") for one in ids)
        assert "u1" not in str([one._replace(sources=(), evidence=()) for one in hidden.findings])
        assert sorted(row.sha256 for one in hidden.findings for row in one.evidence) == sorted(
            row.sha256 for one in named.findings for row in one.evidence
        )

    def test_progress_is_told_every_byte_once(self, tmp_path, ruleset):
        paths = [written(tmp_path, f"{n}.log", squid(50, START + n * 90_000)) for n in range(2)]
        told = []
        audit(planned(paths), ruleset, Terms("0"), told.append)
        assert sum(told) == sum(path.stat().st_size for path in paths)

    def test_no_logs_are_an_empty_report(self, ruleset):
        report = audit([], ruleset, Terms("0"))
        assert (report.sources, report.findings, report.canaries) == ((), (), ())

    def test_every_format_that_was_read_is_proven(self, tmp_path, ruleset):
        paths = [written(tmp_path, "a.log", squid(5)), written(tmp_path, "m.log", "".join(mail()).encode())]
        report = audit(planned(paths[:1]) + planned(paths[1:], "postfix"), ruleset, Terms("0"))
        assert report.canaries == (("postfix", True), ("squid", True))


class TestCanary:
    def test_a_ruleset_that_nothing_can_prove_is_no_failure(self, ruleset):
        bare = replace(ruleset, signatures=tuple(one for one in ruleset.signatures if one.id in ("cloud", "shared")))
        scanner = Scanner(bare)
        assert proves(scanner, format_named("squid"), bare)
        assert proves(scanner, format_named("postfix"), bare)

    def test_a_prefilter_that_is_blind_is_seen(self, ruleset, monkeypatch):
        scanner = Scanner(ruleset)
        assert proves(scanner, format_named("squid"), ruleset)
        monkeypatch.setattr(Scanner, "prefilter", lambda *_: type("Blind", (), {"candidates": lambda *_: []})())
        assert not proves(scanner, format_named("squid"), ruleset)
        assert not proves(scanner, format_named("postfix"), ruleset)

    def test_an_event_is_made_for_what_a_format_can_carry(self, ruleset):
        squid_format, dns = format_named("squid"), format_named("unbound")
        signup = next(one for one in ruleset.indicators() if one.path == "/app/signup")
        assert event_for(signup, dns) is None
        assert event_for(signup, format_named("postfix")) is None
        assert event_for(signup, replace(squid_format, columns=frozenset())) is None
        event = event_for(signup, squid_format)
        assert event[Col.URL] == "http://app.clearview.ai/app/signup"
        dated = ruleset["dated"].indicators[0]
        assert dated.is_valid_at(event_for(dated, dns)[Col.AT])
        assert sighted(Scanner(ruleset), dns, event_for(dated, dns), Dialect())


def digest_said(explanation):
    return explanation[0][1].rpartition(" ")[2]


class TestExplain:
    def steps(self, explanation, room):
        return [says for one, says in explanation if one == room]

    def test_a_line_goes_through_every_room(self, ruleset):
        line = squid(1).rstrip(b"\n")
        steps = explain_line(line, Site(), Formats(), ruleset)
        assert [room for room, _ in steps] == [
            "sources", "sources", "formats", "prefilter", "formats", "match", "match",
        ]  # fmt: skip
        assert digest_said(steps) == hashlib.sha256(line).hexdigest()
        assert self.steps(steps, "match") == [
            "Clearview by clearview:suffix:clearview.ai", "u1: stage visited (confirmed), allowed",
        ]  # fmt: skip

    def test_a_named_format_may_refuse_it(self, ruleset):
        site = Site(log_format=format_named("squid"))
        steps = explain_line(b"no squid line", site, Formats(), ruleset)
        assert steps[-1][1].startswith("refused: ")
        assert "no candidate" in self.steps(steps, "prefilter")[0]

    def test_a_line_of_no_format_is_told(self, ruleset):
        assert "no log format reads this line" in explain_line(b"hello", Site(), Formats(), ruleset)[-1][1]

    def test_a_line_that_is_no_event_is_told(self, ruleset):
        site = Site(log_format=format_named("bluecoat_proxysg"))
        assert explain_line(b"#Software: x", site, Formats(), ruleset)[-1][1].startswith("no event: ")

    def test_an_event_of_nobody_and_one_of_no_service(self, ruleset):
        site = Site(log_format=format_named("squid"))
        nobody = squid(1).replace(b"10.0.0.7", b"-").replace(b" u1 ", b" - ")
        assert "nobody known" in explain_line(nobody.strip(), site, Formats(), ruleset)[-1][1]
        other = squid(1, host="other.example").strip()
        assert explain_line(other, site, Formats(), ruleset)[-1][1].startswith("no service")

    def test_a_refused_request_is_an_attempt(self, ruleset):
        line = squid(1).replace(b"TCP_MISS/200", b"TCP_DENIED/403").strip()
        assert explain_line(line, Site(), Formats(), ruleset)[-1][1].endswith("refused: an attempt, not a use")

    def test_a_long_line_is_cut_for_people(self, ruleset):
        line = squid(1).strip().replace(b"/0 ", b"/" + b"x" * 5000 + b" ")
        assert explain_line(line, Site(), Formats(), ruleset)[1][1].endswith("…")

    def test_one_line_of_a_transaction_alone(self, ruleset):
        (line,) = [one for one in mail() if "message-id" in one]
        steps = explain_line(line.strip().encode(), Site(log_format=format_named("postfix")), Formats(), ruleset)
        assert steps[2][0] == "formats"

    def test_a_line_of_a_log_is_explained_with_its_whole_transaction(self, tmp_path, ruleset):
        path = written(tmp_path, "mail.log", "".join(mail()).encode() + b"\n")
        steps = explain_at(str(path), 0, Site(log_format=format_named("postfix")), Formats(), ruleset)
        assert "u1042@example.org: stage signed_up (probable), allowed" in self.steps(steps, "match")

    def test_the_header_in_force_counts(self, tmp_path, ruleset):
        text = FIRST + elff(FIRST, 3) + SECOND + elff(SECOND, 3)
        path = written(tmp_path, "proxy.log", text.encode())
        steps = explain_at(str(path), len((FIRST + elff(FIRST, 3) + SECOND).encode()), Site(), Formats(), ruleset)
        assert "u0: stage visited (confirmed), allowed" in self.steps(steps, "match")

    @pytest.mark.parametrize(("offset", "reason"), [(1, "no line starts at byte 1"), (10**9, "no line starts at byte")])
    def test_an_offset_where_no_line_starts_is_wrong_usage(self, tmp_path, ruleset, offset, reason):
        path = written(tmp_path, "a.log", squid())
        with pytest.raises(UsageError, match=reason):
            explain_at(str(path), offset, Site(), Formats(), ruleset)

    def test_a_log_that_cannot_be_read_is_wrong_usage(self, tmp_path, ruleset):
        archive = written(tmp_path, "a.zip", zipped({"one.log": squid()}))
        broken = written(tmp_path, "b.log.gz", gzip.compress(squid(5000))[:-400])
        for place, reason in (
            (f"{tmp_path}/none.log", "no such file or folder"),
            (f"{archive}!two.log", "has no such member"),
            (f"{written(tmp_path, 'empty.log', b'')}", "holds no line"),
            (str(broken), "compressed data is cut off"),
        ):
            with pytest.raises(UsageError, match=reason):
                explain_at(place, 10**8, Site(), Formats(), ruleset)


def hostile_logs(folder):
    """Logs whose evidence is hard to open again: packed, in archives, odd names, NUL holes, long lines, UTF-16."""
    long = squid(1).replace(b"/0 ", b"/" + b"x" * 1_200_000 + b" ")
    written(folder, "plain.log", squid(30))
    written(folder, "packed.log.gz", gzip.compress(squid(30, START + 90_000)))
    written(folder, "wow!/odd!name.log", squid(5, START + 180_000))
    written(folder, "a.zip", zipped({"x/in!side.log": squid(5, START + 270_000), "b.log": squid(5, START + 360_000)}))
    written(folder, "hole.log", squid(3, START + 450_000) + b"\0" * 5000 + squid(3, START + 460_000))
    written(folder, "crlf.log", squid(5, START + 540_000).replace(b"\n", b"\r\n"))
    written(folder, "bom.log", b"\xef\xbb\xbf" + squid(5, START + 550_000))
    written(folder, "wide.log", b"\xff\xfe" + squid(5, START + 630_000).decode().encode("utf-16-le"))
    written(folder, "long.log", squid(2, START + 720_000) + long + squid(2, START + 730_000))
    written(folder, "open.log", squid(3, START + 810_000).rstrip(b"\n"))
    written(folder, "proxy.log", (FIRST + elff(FIRST, 3) + SECOND + elff(SECOND, 3)).encode())
    rows = ",\n".join([DNS_ROW] * 4)
    written(folder, "dns.json", f"[{rows}]".encode())
    written(folder, "mail.log", "".join(mail()).encode() + b"\n")


def test_every_line_of_evidence_can_be_opened_again(tmp_path, ruleset):
    hostile_logs(tmp_path)
    for path in sorted(one for one in tmp_path.rglob("*") if one.is_file()):
        report = audited([path], ruleset)
        assert report.unread_files == 0, path
        rows = [row for finding in report.findings for row in finding.evidence]
        assert {row.path for row in rows} == {row.path for row in report.sources}
        assert [row for one in report.findings for row in (*one.evidence[:2], *one.evidence[2:])] == rows
        assert report.findings == audited([path], ruleset).findings
        assert len({hash(one) for one in report.findings}) == len(report.findings)
        for row in rows[:6] + rows[-6:]:
            steps = explain_at(row.path, row.offset, Site(), Formats(), ruleset)
            assert digest_said(steps) == row.sha256, row.path
            assert steps[0][1].startswith(f"{row.length} bytes at offset {row.offset}")
            assert any(row.indicator in says for room, says in steps if room == "match"), row.path


class TestTeller:
    def test_what_was_told_is_remembered_between_runs(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        path = written(tmp_path, "a.log", squid())
        assert planned([path])[0].log_format.name == "squid"
        tried = []
        from detector.audit import telling  # noqa: PLC0415 - patched here

        identify = telling.identify
        monkeypatch.setattr(telling, "identify", lambda lines, dialect, formats: identify(
            lines, dialect, [tried.append(one.name) or one for one in formats]
        ))  # fmt: skip
        assert planned([path])[0].log_format.name == "squid"
        assert tried == ["squid"]

    def test_a_damaged_memory_counts_as_none(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        path = written(tmp_path, "a.log", squid())
        planned([path])
        (entry,) = (tmp_path / "cache" / "shadowit").iterdir()
        for garbage in (b"{", b"[]", b"\0" * 99, b""):
            entry.write_bytes(garbage)
            assert planned([path])[0].log_format.name == "squid"

    def test_a_site_with_formats_of_its_own_is_never_remembered(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        own = replace(format_named("squid"), name="ours")
        teller = Teller(Formats({"ours": own}))
        assert teller.tell("access.log", squid(), Dialect(), None) is not None
        teller.keep()
        assert not (tmp_path / "cache").exists()

    def test_the_format_of_the_log_before_is_tried_first_and_left_when_it_does_not_fit(self, tmp_path):
        paths = [written(tmp_path, "1.log", squid()), written(tmp_path, "2.log", squid(start=START + 90_000))]
        paths.append(written(tmp_path, "3.log", (FIRST + elff(FIRST, 5)).encode()))
        assert [one.log_format.name for one in planned(paths)] == ["squid", "squid", "bluecoat_proxysg"]

    def test_a_head_that_is_full_may_end_in_a_cut_line(self, tmp_path):
        (one,) = planned([written(tmp_path, "a.log", squid(2000))])
        assert (one.confidence, one.segment.compression) == (1.0, Compression.NONE)


class TestKept:
    def test_every_sighting_is_kept_when_the_terms_ask_for_it(self, tmp_path, ruleset):
        paths = [
            written(tmp_path, "a.log", squid(20)),
            written(tmp_path, "mail.log", "".join(mail()).encode() + b"\n"),
        ]
        kept = audit_runs.audited(planned(paths), ruleset, Terms("0", keep=True))
        assert kept.report == audit(planned(paths), ruleset, Terms("0"))
        assert len(kept.sightings) == total(kept.report) == 21
        assert [one.at for one in kept.sightings] == sorted(one.at for one in kept.sightings)
        assert len({one.id for one in kept.sightings}) == 21
        assert len(kept.coverage) == 2
        for one in kept.sightings:
            raw = (tmp_path / one.path).read_bytes()[one.offset : one.offset + one.length]
            assert hashlib.sha256(raw).hexdigest() == one.sha256
        assert audit_runs.audited(planned(paths), ruleset, Terms("0")).sightings == ()

    def test_the_policy_judges_findings_and_sightings_alike(self, tmp_path, ruleset):
        path = tmp_path / "policy.yml"
        path.write_text(
            "version: 1\nservices: {clearview: prohibited}\nobservers: [{people: u2, reason: security staff}]\n"
        )
        log = written(tmp_path, "a.log", squid(3) + squid(4, user="U2"))
        terms = Terms("0", keep=True, policy=load_policy(path))
        result = audit_runs.audited(planned([log]), ruleset, terms)
        (finding,) = result.report.findings
        assert (finding.actor.id, finding.verdict, finding.sightings) == ("u1", "unapproved", 3)
        assert [one.verdict for one in result.sightings] == [Verdict.UNAPPROVED] * 3
        assert result.report.left_out == (("observers", 4),)
        assert result.report.policy == terms.policy.digest


def test_the_places_of_refused_lines_are_kept_and_lead_to_their_bytes(tmp_path):
    broken = [b"not a line of squid %d" % number for number in range(150)]
    path = written(tmp_path, "access.log", squid() + b"\0\0" + b"\n".join(broken) + b"\n")
    (log,) = planned([path], "squid")
    (part,) = scan(log.segment, log.log_format, log.dialect, Scanner(small_ruleset()), Settings())
    assert (part.counts.unparsed, sum(part.refusals.values()), len(part.refused)) == (150, 150, 100)
    data = path.read_bytes()
    for place, line in zip(part.refused, broken, strict=False):
        assert data[place.offset : place.offset + place.length] == line
        assert place.sha256 == hashlib.sha256(line).hexdigest()
        assert place.reason in part.refusals
