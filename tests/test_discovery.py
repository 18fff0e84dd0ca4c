import csv
import gzip
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import takewhile

import pytest
from click.testing import CliRunner
from machine import content_of, planned

from detector import documents
from detector.cli.discover import command
from detector.discovery import Log, Terms, discover, looking, render
from detector.discovery.inventory import Inventory, Presence, Window
from detector.discovery.leaving import Leaving, load_left_out, suffixes_named
from detector.discovery.mails import SignUps
from detector.discovery.outcome import Row
from detector.discovery.stub import stub_of
from detector.discovery.sweep import FirstLook, Looker
from detector.errors import InvalidFile
from detector.events import Dialect, Envelope, Line, from_iso, read_lines
from detector.formats import Formats
from detector.match import Actor, ActorKind
from detector.match.embedded import failures
from detector.signatures import load
from detector.sources import Compression, segments_of

SECOND = 1_577_880_000
DAY = 86_400
GLANCED = ("bind_querylog", "bluecoat_proxysg", "dnsmasq", "squid", "unbound", "zeek_tsv")


def squid(at, host, user="u1", address="10.0.0.7", method="GET", result="TCP_MISS/200", url=None):  # noqa: PLR0913 - a line has that many fields
    target = url or (f"{host}:443" if method == "CONNECT" else f"http://{host}/a")
    return f"{at}.000     45 {address} {result} 900 {method} {target} {user} HIER_DIRECT/192.0.2.1 text/html"


def elff(day, host, user, sent, method="POST"):
    return (
        f"2020-01-{day:02d} 10:00:00 45 10.0.0.7 {user} - OBSERVED - - 200 TCP_MISS {method} text/html http {host} "
        f'80 /a - - "curl/7" 192.0.2.1 100 {sent} -'
    )


ELFF_HEAD = (
    "#Fields: date time time-taken c-ip cs-username cs-auth-group sc-filter-result cs-categories cs(Referer) sc-status "
    "s-action cs-method rs(Content-Type) cs-uri-scheme cs-host cs-uri-port cs-uri-path cs-uri-query cs-uri-extension "
    "cs(User-Agent) s-ip sc-bytes cs-bytes x-virus-id"
)


@pytest.fixture
def leaving(ruleset):
    return Leaving(ruleset, load_left_out(), frozenset({"own.org"}))


@pytest.fixture
def write(tmp_path):
    def writing(lines, name="access.log"):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return writing


def logs_of(paths, log_format="", *, is_baseline=False):
    return [
        Log(one.segment, one.size, one.log_format, one.dialect, one.unread, one.copy_of, is_baseline)
        for one in planned(paths, log_format)
    ]


def below_the_header(log, path):
    """The log without its header lines, as in all its chunks but the first."""
    lines = content_of(log).split(b"\n")
    path.write_bytes(b"\n".join(line for line in lines if not line.startswith(b"#")))
    head = [Line(0, line) for line in takewhile(lambda line: line.startswith(b"#"), lines)]
    dialect = read_lines(log.log_format, log.dialect, head).dialect
    plain = log.segment._replace(path=str(path), compression=Compression.NONE, member="")
    return replace(log, segment=plain, dialect=dialect)


@pytest.fixture
def found(ruleset, leaving):
    def finding(*paths, log_format="squid", baseline=(), **order):
        logs = [*logs_of(paths, log_format), *logs_of(baseline, log_format, is_baseline=True)]
        return discover(logs, ruleset, leaving, Terms(**order))

    return finding


def domains(discovery):
    return [row.domain for row in discovery.rows]


def background(count=60):
    """Many people, so that few are rare; everybody asks for one popular domain."""
    return [squid(SECOND + at, "www.popular.com", f"p{at}") for at in range(count)]


class TestGlance:
    @pytest.mark.parametrize("name", GLANCED)
    def test_what_is_read_at_a_glance_is_what_parsing_gives(self, root, ruleset, leaving, name, tmp_path):
        paths = [path for path in sorted((root / "sample_logs" / name).iterdir()) if ".expected." not in path.name]
        sign_ups, glanced = SignUps(ruleset, leaving), 0
        for number, log in enumerate(logs_of(paths, name)):
            looks = []
            for fast in (True, False):
                one = below_the_header(log, tmp_path / f"{number}.log")
                looks.append(FirstLook(one, one.dialect, Looker(leaving, sign_ups, Window(), 5, glances=fast)))
                looks[-1].run(lambda _bytes: None)
            fast, slow = looks
            assert fast.inventory == slow.inventory, log.segment.path
            assert (fast.lines, fast.unparsed) == (slow.lines, slow.unparsed)
            glanced += slow.parsed - fast.parsed
        assert glanced > 0

    @pytest.mark.parametrize("line", [
        squid(SECOND, "a.new.com", "-", result="TCP_DENIED/407"),
        squid(SECOND, "a.new.com", "none"),
        squid(SECOND, "a.new.com", "CORP%5cu1"),
        squid(SECOND, "", url="http://u@a.new.com/x?u=http://b.other.com/"),
        squid(SECOND, "", url="http://a.new.com/x y z"),
        squid(SECOND, "", url="error:transaction-end-before-headers"),
        squid(SECOND, "A.NEW.COM.", "U1", method="CONNECT"),
        squid(SECOND, "a.new.com", address="2001:DB8::7", user="-"),
        squid(SECOND, "a..new.com"),
        "squid[7]: " + squid(SECOND, "a.new.com"),
        "garbage " * 9,
        squid(SECOND, "a.new.com") + "\r",
    ])  # fmt: skip
    def test_odd_lines_are_read_as_parsing_reads_them(self, write, found, line):
        path = write([*background(3), line, *background(2)])
        fast, slow = (found(path, glances=glances) for glances in (True, False))
        assert (fast.rows, fast.people, fast.domains) == (slow.rows, slow.people, slow.domains)
        assert slow.sources[0].parsed >= fast.sources[0].parsed

    def test_columns_come_from_the_header_in_force(self, write, found):
        lines = [ELFF_HEAD] + [elff(1, f"www.{word}.com", f"u{at}", 10) for at, word in enumerate(("abc", "def"))]
        path = write([*lines, "#Fields: date time c-ip cs-username cs-host sc-status",
                      "2020-01-02 10:00:00 10.0.0.9 u9 www.ghi.com 200"])  # fmt: skip
        result = found(path, log_format="bluecoat_proxysg")
        assert sorted(domains(result)) == ["abc.com", "def.com", "ghi.com"]

    def test_chunks_below_the_header_are_read_at_a_glance(self, write, found):
        lines = [elff(1, f"www.d{at % 40}.com", f"u{at % 7}", 10) for at in range(9000)]
        result = found(write([ELFF_HEAD, *lines]), log_format="bluecoat_proxysg", max_people=7)
        assert result.sources[0].parsed < result.sources[0].lines
        slow = found(write([ELFF_HEAD, *lines]), log_format="bluecoat_proxysg", max_people=7, glances=False)
        assert result.rows == slow.rows
        assert len(result.rows) == 40

    def test_zeek_and_site_settings_without_a_pattern_are_parsed(self):
        formats = Formats()
        settings = Dialect(options={"a": "b"})
        assert all(formats[name].glance(settings) is None for name in ("squid", "unbound", "zeek_tsv"))
        assert formats["bluecoat_proxysg"].glance(settings) is None
        odd = Dialect(columns=("c-ip", "cs-host", "sc-status", "cs-username", "cs-uri"))
        assert formats["bluecoat_proxysg"].glance(odd) is None
        assert formats["zeek_tsv"].glance(Dialect(columns=("ts", "uid"))) is None
        assert formats["postfix"].glance(Dialect()) is None
        syslog = Dialect(envelope=Envelope.SYSLOG)
        assert all(formats[name].glance(syslog) for name in ("unbound", "dnsmasq", "bind_querylog"))


class TestLeftOut:
    def test_the_shared_file_is_what_its_schema_says(self):
        assert {"windowsupdate.com", "cloudfront.net", "doubleclick.net", "arpa"} <= load_left_out()

    def test_the_shared_file_hides_no_signature_from_itself(self, root):
        document = documents.read(root / "signatures" / "left_out.yml")
        names = [name for group in document.data["groups"] for name in group["domains"]]
        assert len(names) == len(set(names))

    def test_a_faulty_file_is_told_by_place(self, tmp_path):
        (tmp_path / "left_out.yml").write_text("schema_version: 1\ngroups: []\n")
        with pytest.raises(InvalidFile, match=r"left_out\.yml:1:1: endings"):
            load_left_out([tmp_path])

    @pytest.mark.parametrize("host", [
        "www.clearview.ai", "other.clearview.ai", "sub-mail.example", "x.rekognition.eu.amazonaws.com",
        "a.shared.example",
        "ads.doubleclick.net", "7.0.0.10.in-addr.arpa", "printer.local", "10.0.0.7", "localhost", "co.uk", "..", "",
        "intranet.own.org", "fe2.update.windowsupdate.com",
    ])  # fmt: skip
    def test_no_news(self, leaving, host):
        assert leaving.news(host) is None

    @pytest.mark.parametrize(("host", "domain"), [
        ("WWW.New.com.", "new.com"), ("a.b.new.co.uk", "new.co.uk"), ("vendor.github.io", "vendor.github.io"),
        ("notclearview.ai", "notclearview.ai"), ("myown.org", "myown.org"),
    ])  # fmt: skip
    def test_news(self, leaving, host, domain):
        assert leaving.news(host) == domain == leaving.news(host)

    def test_memory_does_not_grow_with_the_log(self, leaving, monkeypatch, write, found):
        monkeypatch.setattr("detector.discovery.leaving.MEMORY_LIMIT", 3)
        monkeypatch.setattr("detector.discovery.vocabulary.MEMORY_LIMIT", 2)
        monkeypatch.setattr("detector.discovery.patterns.MEMORY_LIMIT", 2)
        for number in range(9):
            assert leaving.news(f"www.d{number}.com") == f"d{number}.com"
        result = found(write([squid(SECOND, f"www.d{at}.com", f"u{at}") for at in range(6)]))
        assert (len(result.rows), result.people) == (6, 6)
        asked = [f"[{SECOND}] unbound[811:0] info: 10.0.0.{at} www.d{at}.com. A IN" for at in range(6)]
        result = found(write(asked), log_format="unbound")
        assert (len(result.rows), result.people) == (6, 6)

    def test_questions_before_the_window_are_old(self, write, found):
        asked = [f"[{at}] unbound[811:0] info: 10.0.0.7 www.d{at}.com. A IN" for at in range(SECOND, SECOND + 9)]
        baseline, path = write(asked[:5], "old"), write(asked)
        result = found(baseline, path, log_format="unbound", window=Window(since=(SECOND + 5) * 1_000_000))
        assert sorted(domains(result)) == [f"d{at}.com" for at in range(SECOND + 5, SECOND + 9)]

    def test_own_domains_as_people_write_them(self):
        assert suffixes_named([".Own.ORG", " a.example ", "?"]) == {"own.org", "a.example"}


class TestChoice:
    def test_new_rare_domains_with_their_people(self, write, found):
        lines = [*background(), squid(SECOND + DAY, "app.rare.com", "U7"), squid(SECOND + 2 * DAY, "rare.com", "u8")]
        result = found(write(lines))
        assert domains(result) == ["rare.com"]
        row = result.rows[0]
        assert (row.people, row.hosts, row.requests, row.days) == (("u7", "u8"), ("app.rare.com", "rare.com"), 2, 2)
        assert row.reasons == ("2 of 62 people", "on 2 days")
        assert (result.people, result.domains, result.rare, result.looked) == (62, 2, 1, 1)

    def test_what_was_before_the_window_is_not_new(self, write, found):
        lines = [squid(SECOND, "www.old.com"), squid(SECOND + DAY, "www.old.com"), squid(SECOND + DAY, "www.new.com")]
        since = (SECOND + DAY) * 1_000_000
        result = found(write(lines), window=Window(since=since))
        assert domains(result) == ["new.com"]
        assert result.rows[0].reasons[0] == "new since 2020-01-02"

    def test_what_is_behind_the_window_does_not_count(self, write, found):
        lines = [squid(SECOND, "www.one.com"), squid(SECOND + DAY, "www.two.com", "u2")]
        result = found(write(lines), window=Window(until=(SECOND + 5) * 1_000_000))
        assert (domains(result), result.people) == (["one.com"], 1)

    @pytest.mark.parametrize("split", [False, True])
    def test_whole_chunks_before_and_behind_the_window(self, write, found, split):
        old = [squid(SECOND + at, f"www.a{at % 50}.com", f"u{at % 9}") for at in range(12_000)]
        new = [squid(SECOND + DAY + at, f"www.b{at % 50}.com", f"u{at % 9}") for at in range(12_000)]
        late = [squid(SECOND + 2 * DAY + at, f"www.c{at % 50}.com") for at in range(12_000)]
        window = Window((SECOND + DAY) * 1_000_000, (SECOND + 2 * DAY) * 1_000_000)
        paths = [write(old, "a"), write(new, "b"), write(late, "c")] if split else [write(old + new + late)]
        fast, slow = (found(*paths, window=window, top=99, glances=one) for one in (True, False))
        assert fast.rows == slow.rows
        assert sorted(domains(fast)) == sorted(f"b{number}.com" for number in range(50))
        assert sum(one.parsed for one in fast.sources) < sum(one.parsed for one in slow.sources)

    def test_a_baseline_tells_what_is_old(self, write, found):
        baseline = write([squid(SECOND - DAY, "www.old.com")], "old.log")
        path = write([squid(SECOND, "www.old.com"), squid(SECOND, "www.new.com")])
        result = found(path, baseline=[baseline])
        assert domains(result) == ["new.com"]
        assert [one.is_baseline for one in result.sources] == [False, True]

    def test_many_people_make_a_domain_no_news(self, write, found):
        lines = [squid(SECOND + at, "www.some.com", f"u{at}") for at in range(4)]
        assert domains(found(write(lines), max_people=4)) == ["some.com"]
        assert domains(found(write(lines), max_people=3)) == []

    def test_only_so_many_are_looked_at(self, write, found, monkeypatch):
        monkeypatch.setattr(looking, "LOOKED_AT", 2)
        result = found(write([squid(SECOND, f"www.d{at}.com") for at in range(5)]))
        assert (len(result.rows), result.rare, result.looked) == (2, 5, 2)
        assert len(found(write([squid(SECOND, f"www.d{at}.com") for at in range(5)]), top=1).rows) == 1

    def test_two_processes_find_the_same(self, write, found, monkeypatch):
        monkeypatch.setattr(looking, "SEVERAL_BYTES", 0)
        paths = [write([*background(), squid(SECOND, f"www.d{at}.com")], f"{at}.log") for at in range(3)]
        assert found(*paths, jobs=2).rows == found(*paths, jobs=1).rows

    def test_a_header_that_changes_at_a_border_is_in_force_behind_it(self, write, found, monkeypatch):
        monkeypatch.setattr(looking, "segments_of", lambda whole, size, _part: segments_of(whole, size, 1024 * 1024))
        lines = [elff(1, "www.before.com", "u1", 10)] * 5000
        other = ["#Fields: date time c-ip cs-username cs-host sc-status"]
        other += ["2020-01-02 10:00:00 10.0.0.9 u9 www.after.com 200"] * 30_000
        result = found(write([ELFF_HEAD, *lines, *other]), log_format="bluecoat_proxysg")
        assert sorted(domains(result)) == ["after.com", "before.com"]
        assert {row.domain: row.requests for row in result.rows} == {"before.com": 5000, "after.com": 30_000}

    def test_merging_parts_saturates(self):
        people = [Actor(ActorKind.ACCOUNT, f"u{number}") for number in range(3)]
        total = Inventory()
        for one in people:
            total.merge(Inventory({"a.com": Presence({one}, 1)}, people={one}), 2)
        assert total == Inventory(many={"a.com"}, people=set(people))
        total.merge(Inventory({"b.com": Presence({people[0]}, 1)}, many={"c.com"}), 2)
        total.merge(Inventory({"b.com": Presence({people[1]}, 9), "c.com": Presence({people[0]}, 1)}), 2)
        assert total == Inventory({"b.com": Presence({*people[:2]}, 10)}, many={"a.com", "c.com"}, people=set(people))


class TestReasons:
    def test_uploads_outrank_visits(self, write, found):
        lines = [ELFF_HEAD, elff(1, "up.sends.com", "u1", 2_000_000), elff(2, "up.sends.com", "u1", 1_000_000, "PUT"),
                 elff(1, "www.reads.com", "u1", 300, "GET")]  # fmt: skip
        rows = found(write(lines), log_format="bluecoat_proxysg").rows
        assert [row.domain for row in rows] == ["sends.com", "reads.com"]
        assert rows[0].reasons == ("2.9 MiB sent", "POST and PUT requests", "1 of 1 person", "on 2 days")
        assert (rows[0].bytes_sent, rows[0].methods, rows[0].formats) == (
            3_000_000,
            ("POST", "PUT"),
            ("bluecoat_proxysg",),
        )

    def test_refused_requests_are_said(self, write, found):
        rows = found(write([squid(SECOND, "www.no.com", result="TCP_DENIED/403")])).rows
        assert (rows[0].reasons, rows[0].denied) == (("1 of 1 person", "every request refused"), 1)

    def test_questions_alone_are_said(self, write, found):
        path = write([f"[{SECOND}] unbound[811:0] info: 10.0.0.7 www.asked.com. A IN"])
        rows = found(path, log_format="unbound").rows
        assert rows[0].reasons == ("1 of 1 person", "only looked up (DNS)")
        assert rows[0].people == ("10.0.0.7",)


MAIL_CASES = {
    "a": ("noreply@brandnew.com", "noreply@brandnew.com", "Verify your email address", "u1@own.org"),
    "b": ("noreply@brandnew.com", "bounce@m.sendgrid.net", "Verify your email address", "u2@own.org"),
    "c": ("news@chatty.com", "news@chatty.com", "Our newsletter", "u1@own.org"),
    "d": ("noreply@forged.com", "x@elsewhere.net", "Verify your email address", "u1@own.org"),
    "e": ("noreply@clearview.ai", "noreply@clearview.ai", "Verify your email address", "u1@own.org"),
    "f": ("noreply@sendgrid.net", "noreply@sendgrid.net", "Verify your email address", "u1@own.org"),
    "g": ("it@own.org", "it@own.org", "Verify your email address", "u1@own.org"),
}


def zeek_mail():
    names = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p trans_depth helo mailfrom rcptto from to subject msg_id"
    lines = ["#separator \\x09", "#path\tsmtp", "#fields\t" + names.replace(" ", "\t") + "\tlast_reply"]
    for key, (header, envelope, subject, to) in MAIL_CASES.items():
        lines.append("\t".join((
            f"{SECOND}.000000", key, "192.0.2.9", "1", "10.0.0.1", "25", "1", "mx", envelope, to, header, to, subject,
            key, "250 ok",
        )))  # fmt: skip
    return lines


class TestMail:
    def test_sign_up_mail_of_unknown_senders(self, write, found):
        result = found(write(zeek_mail()), log_format="zeek_tsv")
        assert domains(result) == ["brandnew.com"]
        row = result.rows[0]
        assert row.reasons == ("sign-up mail to 2 mailboxes",)
        assert (row.mailboxes, row.people, row.days, row.formats) == (
            ("u1@own.org", "u2@own.org"),
            (),
            1,
            ("zeek_tsv",),
        )

    def test_mail_before_the_window_or_to_many_is_no_news(self, write, found):
        path = write(zeek_mail())
        assert found(path, log_format="zeek_tsv", window=Window(since=(SECOND + DAY) * 1_000_000)).rows == ()
        assert found(path, log_format="zeek_tsv", max_people=1).rows == ()

    def test_transactions_that_span_lines_are_put_together(self, write, found):
        head = "Feb 27 10:00:00 mx1 postfix"
        lines = [
            f"{head}/smtpd[7]: 4F3A1B2C3D: client=mail.brandnew.com[192.0.2.9]",
            f"{head}/cleanup[8]: 4F3A1B2C3D: warning: header Subject: Verify your email address from x.com[192.0.2.9]; "  # noqa: ISC004
            "from=<noreply@brandnew.com> to=<u1@own.org> proto=ESMTP helo=<mail.brandnew.com>",
            f"{head}/qmgr[9]: 4F3A1B2C3D: from=<noreply@brandnew.com>, size=1000, nrcpt=1 (queue active)",
            f"{head}/local[9]: 4F3A1B2C3D: to=<u1@own.org>, relay=local, delay=1, dsn=2.0.0, status=sent (ok)",
            f"{head}/qmgr[9]: 4F3A1B2C3D: removed",
        ]
        result = found(write(lines, "maillog-20200301"), log_format="postfix")
        assert domains(result) == ["brandnew.com"]
        assert result.rows[0].mailboxes == ("u1@own.org",)


class TestReading:
    def test_a_broken_log_gives_what_lies_before_the_break(self, found, tmp_path):
        text = "".join(f"{squid(SECOND + at, f'www.d{at % 30}.com', f'u{at}')}\n" for at in range(40_000)).encode()
        path = tmp_path / "broken.log.gz"
        path.write_bytes(gzip.compress(text)[:-3000])
        result = found(path)
        assert result.sources[0].unread
        assert result.sources[0].lines > 1000

    def test_an_oversize_line_is_parsed(self, tmp_path, found):
        path = tmp_path / "long.log"
        path.write_text(
            f"{squid(SECOND, 'www.a.com')}\n" + squid(SECOND, "", url="http://www.b.com/" + "x" * 1_200_000)
        )
        assert domains(found(path)) == ["a.com", "b.com"]

    def test_what_no_format_reads_is_said(self, tmp_path, ruleset, leaving):
        path = tmp_path / "noise.txt"
        path.write_text("what is this\n" * 9)
        result = discover(logs_of([path]), ruleset, leaving, Terms())
        assert result.sources[0].unread.startswith("no log format")

    def test_a_vanished_log_is_no_end(self, write, ruleset, leaving):
        path = write([squid(SECOND, "www.a.com")])
        logs = logs_of([path], "squid")
        path.unlink()
        assert discover(logs, ruleset, leaving, Terms()).sources[0].unread


class TestWriting:
    @pytest.fixture
    def result(self, write, found):
        return found(
            write([*background(), squid(SECOND, "www.rare.com", "=u7")]), window=Window(until=from_iso("2030-01-01"))
        )

    def test_json_is_what_the_rows_say(self, result):
        read = json.loads(render(result, "json", "1"))
        assert read["schema"] == "shadowit.discovery/1"
        assert read["rows"][0]["domain"] == "rare.com"
        assert read["rows"][0]["first_seen"] == "2020-01-01T12:00:00Z"
        assert read["totals"] == {"people": 61, "domains": 2, "rare": 1, "looked": 1}
        assert read["sources"][0]["error"] is None

    def test_csv_is_safe_in_a_spreadsheet(self, result):
        read = list(csv.DictReader(io.StringIO(render(result, "csv", "1"))))
        assert [row["domain"] for row in read] == ["rare.com"]
        assert read[0]["people"] == "'=u7"

    def test_the_table_says_what_was_read(self, result, write, found, tmp_path):
        text = render(result, "table", "1")
        assert "1 unknown domain worth a look" in text
        assert "window: from the beginning to 2030-01-01" in text
        assert "2 domains that no signature names, asked for by 61 people; 1 of them rare" in text
        empty = found(write([]), tmp_path / "missing", window=Window(since=0))
        assert "not read: " in render(empty, "table", "1")
        assert "to the end" in render(empty, "table", "1")
        assert render(found(write(background())), "table", "1").startswith("0 unknown domains")
        assert "1 of them new and rare" in render(found(write(background(3)), window=Window(since=0)), "table", "1")
        assert "nobody is named" in render(found(write([squid(SECOND, "a.rare.com", "-", "-")])), "table", "1")

    def test_many_logs_are_told_by_format_and_reason(self, write, found, tmp_path, monkeypatch):
        paths = [write([squid(SECOND, f"www.rare{at}.com")] * at, f"{at}.log") for at in range(4)]
        gone = [tmp_path / "gone1", tmp_path / "gone2"]
        result = found(*paths, *gone, baseline=[write(background(3), "old")])
        text = render(result, "table", "1")
        assert f"read: {paths[0]}: squid, empty\n" in text
        assert f"read: {paths[1]}: squid, 110 B, 1 line\n" in text
        assert f"not read: {gone[1]}: no such file" in text
        monkeypatch.setattr("detector.discovery.writing.LISTED", 1)
        text = render(result, "table", "1")
        assert "read: 4 logs: squid, 660 B, 6 lines\nread: 1 log (baseline): squid, 336 B, 3 lines\n" in text
        assert f"not read: 2 logs, the first is {gone[0]}: no such file" in text


class TestCommand:
    @pytest.fixture
    def log(self, write):
        return write([*background(), squid(SECOND, "app.face-search.com", "u7"), squid(SECOND, "www.own.net", "u8")])

    def run(self, *arguments, status=0):
        done = CliRunner().invoke(command, [str(one) for one in arguments], standalone_mode=False)
        if done.exception:
            raise done.exception
        assert done.return_value == status, done.output
        return done.stdout

    def test_own_domains_of_the_command_and_of_the_configuration(self, log, tmp_path):
        assert [row["domain"] for row in json.loads(self.run(log, "-f", "json"))["rows"]] == [
            "face-search.com",
            "own.net",
        ]
        assert "own.net" not in self.run(log, "--own", "own.net")
        config = tmp_path / "shadowit.yml"
        config.write_text("own_domains: [own.net]\n")
        assert "own.net" not in self.run(log, "-c", config)

    def test_a_stub_passes_the_check_and_its_tests(self, log, tmp_path):
        self.run(log, "--stub", "face-search.com", "--stub-folder", tmp_path / "mine")
        path = tmp_path / "mine" / "unreviewed" / "face-search-com.yaml"
        ruleset = load([tmp_path / "mine"])
        assert [one.id for one in ruleset.signatures] == ["face-search-com"]
        assert ruleset.indicators()[0].confidence == "low"
        assert failures(ruleset) == ([], 5)
        text = path.read_text()
        assert "u7" not in text
        assert "1 request by 1 person" in text
        assert f"added: {datetime.now(UTC):%Y-%m}" in text
        with pytest.raises(Exception, match="is there already"):
            self.run(log, "--stub", "face-search.com", "--stub-folder", tmp_path / "mine")
        with pytest.raises(Exception, match="is not among the 2 listed domains"):
            self.run(log, "--stub", "popular.com", "--stub-folder", tmp_path / "mine")

    def test_a_stub_of_mail_and_uploads_says_so(self):
        row = Row("a.com", 1, (), mailboxes=("x",), bytes_sent=2048, first_seen=0, last_seen=0)
        assert "2.0 KiB sent, sign-up mail to 1 mailbox" in stub_of(row, "2020-01-01")

    def test_output_goes_to_a_file(self, log, tmp_path):
        assert self.run(log, "-o", tmp_path / "out.csv", "-f", "csv") == ""
        assert (tmp_path / "out.csv").read_text().startswith("domain,score")

    def test_pseudonyms(self, log, tmp_path):
        key = tmp_path / "key"
        key.write_text("k" * 32)
        key.chmod(0o600)
        config = tmp_path / "shadowit.yml"
        config.write_text("privacy: {key_file: key}\n")
        text = self.run(log, "-c", config, "--no-names")
        assert "u7" not in text
        assert "p-" in text
        with pytest.raises(Exception, match="pseudonyms need a key"):
            self.run(log, "--no-names")

    def test_incomplete_evidence(self, log, tmp_path):
        self.run(log, tmp_path / "missing", status=4)
        self.run(log, "--baseline", tmp_path / "missing", status=4)
        copy = tmp_path / "copy.log"
        copy.write_bytes(log.read_bytes())
        self.run(log, copy)

    def test_a_window_that_holds_nothing_is_refused(self, log):
        with pytest.raises(Exception, match="--since must be before --until"):
            self.run(log, "--since", "2020-02-01", "--until", "2020-01-01")

    def test_progress_on_a_terminal(self, log, monkeypatch):
        monkeypatch.setattr("detector.cli.discover._Run.shows_progress", lambda _self: True)
        assert "face-search.com" in self.run(log)
