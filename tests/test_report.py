"""Reports: six ways out of one hand-made audit, none of which a log line can take over."""

import csv
import dataclasses
import doctest
import io
import json
import re
import subprocess
import sys
import time
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt
from rich.cells import cell_len

from detector.events import from_iso
from detector.report import (
    SCHEMA,
    ActorRow,
    EvidenceRow,
    FindingRow,
    Report,
    SourceRow,
    axis,
    html,
    limits,
    markdown,
    text,
    wording,
    writer_named,
    writer_names,
)
from detector.report import csv as csv_writer
from detector.report import json as json_writer
from detector.report.html import command
from detector.report.overview import highest
from detector.report.stagechart import stage_chart
from detector.report.text import cut_middle, visible
from detector.report.timeline import timeline
from detector.report.wording import rung

PROXY, OLD_PROXY, DNS, MAIL = (
    "/var/log/squid/access.log",
    "/var/log/squid/access.log.2.gz",
    "/var/log/dns.log",
    "mail.log",
)


def replace(value, **changes):
    """The same row or value with other fields."""
    return value._replace(**changes) if isinstance(value, tuple) else dataclasses.replace(value, **changes)


def at(text):
    return from_iso(text)


def evidence(path, offset, stage, when):
    digest = f"{offset:064x}"
    instant = None if when is None else at(when)
    indicator = "clearview-ai:suffix:clearview.ai"
    return EvidenceRow(path, offset, 180, digest, indicator, stage, instant, stage == "resolved", digest[:32])


def finding(actor, stage, rows, **changes):
    """A finding from (stage, day, count) rows; every day is one row of ``per_day``."""
    by_stage = {}
    for name, day, count in rows:
        by_stage.setdefault(name, []).append((at(day), count))
    stages = tuple((name, min(d)[0], max(d)[0], sum(n for _, n in d)) for name, d in by_stage.items())
    days = [at(day) for _, day, _ in rows]
    plain = FindingRow(
        service="clearview-ai",
        service_name="Clearview AI",
        category="facial-recognition/investigative-platform",
        actor=actor,
        stage=stage,
        confidence="confirmed",
        verdict="unreviewed",
        first_seen=min(days),
        last_seen=max(days),
        days=len(set(days)),
        sightings=sum(count for _, _, count in rows),
        bytes_sent=0,
        denied=0,
        sources=(PROXY,),
        stages=stages,
        per_day=tuple(sorted((at(day), name, count) for name, day, count in rows)),
        evidence=tuple(evidence(PROXY, 1000 * place, name, day) for place, (name, day, _) in enumerate(rows)),
        data_location="US",
    )
    return replace(plain, **changes)


JANE = ActorRow("jane.doe@agency.example", "person", "jane.doe@agency.example", "Major crimes", "high")
SAM = ActorRow("sam.field", "account", "sam.field", "", "high")
BOX = ActorRow("tips@agency.example", "mailbox", "tips@agency.example", "", "medium")
HOST = ActorRow("10.20.30.40", "address", "10.20.30.40", "", "low")


def sources():
    return (
        SourceRow(
            PROXY,
            "squid",
            "proxy",
            48_211_002,
            310_442,
            512,
            parsed=311,
            filtered=310_117,
            unparsed=14,
            first_event=at("2019-10-01T00:00:04"),
            last_event=at("2020-02-29T23:59:51"),
            spans=(
                (at("2019-10-01T00:00:04"), at("2019-12-20T18:00:00")),
                (at("2019-12-27T06:12:00"), at("2020-02-29T23:59:51")),
            ),
            gaps=((at("2019-12-20T18:00:00"), at("2019-12-27T06:12:00")),),
            refusals=(("too few fields", 9), ("not a number: 'abc'", 5)),
        ),
        SourceRow(
            OLD_PROXY,
            "squid",
            "proxy",
            9_120_331,
            60_120,
            88,
            parsed=88,
            filtered=60_032,
            first_event=at("2019-07-02T00:00:00"),
            last_event=at("2019-09-14T11:02:13"),
            spans=((at("2019-07-02T00:00:00"), at("2019-09-14T11:02:13")),),
            unread="gzip data ends early after 9,120,331 bytes: the lines before it were read",
        ),
        SourceRow(
            "/var/log/squid/copy-of-access.log",
            "squid",
            "proxy",
            48_211_002,
            310_442,
            512,
            parsed=311,
            filtered=310_131,
            first_event=at("2019-10-01T00:00:04"),
            last_event=at("2020-02-29T23:59:51"),
            spans=((at("2019-10-01T00:00:04"), at("2020-02-29T23:59:51")),),
            copy_of=PROXY,
        ),
        SourceRow(
            DNS,
            "unbound",
            "dns",
            120_400_118,
            1_402_331,
            2_210,
            parsed=2_210,
            filtered=1_400_119,
            oversize=2,
            first_event=at("2019-08-01T05:00:00"),
            last_event=at("2020-03-02T08:00:00"),
            spans=(
                (at("2019-08-01T05:00:00"), at("2019-11-02T00:00:00")),
                (at("2019-11-05T00:00:00"), at("2020-01-10T00:00:00")),
                (at("2020-01-12T00:00:00"), at("2020-03-02T08:00:00")),
            ),
            gaps=(
                (at("2019-11-02T00:00:00"), at("2019-11-05T00:00:00")),
                (at("2020-01-10T00:00:00"), at("2020-01-12T00:00:00")),
            ),
            notes=("no time zone in the lines: read as UTC",),
        ),
        SourceRow(
            MAIL,
            "postfix",
            "mail",
            2_020_000,
            20_118,
            40,
            parsed=40,
            filtered=20_078,
            first_event=at("2020-02-01T00:00:00"),
            last_event=at("2020-02-28T00:00:00"),
            spans=((at("2020-02-01T00:00:00"), at("2020-02-28T00:00:00")),),
        ),
        SourceRow("/var/log/vpn/secret.log", unread="permission denied"),
    )


def findings():
    return (
        finding(
            HOST,
            "resolved",
            [("resolved", "2019-09-03", 3), ("resolved", "2019-10-02", 1)],
            denied=4,
            days=0,
            sources=(DNS,),
        ),
        finding(
            JANE,
            "uploaded",
            [
                ("solicited", "2019-09-30", 1),
                ("visited", "2019-10-07", 12),
                ("signed_up", "2019-10-07", 1),
                ("signed_in", "2019-10-09", 7),
                ("used", "2019-11-19", 42),
                ("used", "2020-01-08", 31),
                ("uploaded", "2020-02-20", 9),
            ],
            confidence="probable",
            bytes_sent=18_221_044,
            verdict="unapproved",
            denied=2,
            sources=(PROXY, OLD_PROXY),
        ),
        finding(SAM, "visited", [("visited", "2020-02-27", 2)], bytes_sent=1_911),
        finding(
            BOX,
            "invited",
            [("invited", "2020-02-11", 1)],
            service="pimeyes",
            service_name="PimEyes",
            category="facial-recognition/public-search",
            data_location="",
            sources=(MAIL,),
            first_seen=None,
            evidence=(evidence(MAIL, 77, "invited", None),),
        ),
    )


def report(**changes):
    plain = Report(
        "0.1.0",
        "9f2c" * 16,
        112,
        at("2019-07-01"),
        at("2020-03-03"),
        sources(),
        findings(),
        names=True,
        canaries=(("postfix", True), ("squid", True), ("unbound", False)),
    )
    return replace(plain, **changes)


def render(name, value=None, *, colour=False, width=80):
    return writer_named(name).render(value or report(), colour=colour, width=width)


# What every way out keeps


def empty(**changes):
    return report(findings=(), **changes)


def test_every_writer_is_found_by_its_file():
    assert writer_names() == ["csv", "html", "json", "jsonl", "md", "table"]
    assert all(writer_named(name).name == name for name in writer_names())


@pytest.mark.parametrize("name", writer_names())
def test_the_same_report_gives_the_same_text(name):
    assert render(name) == render(name)
    assert render(name).endswith("\n")


@pytest.mark.parametrize("name", writer_names())
def test_names_are_left_out_when_they_are_not_shown(name):
    hidden = ActorRow("p-7f3a9c", "person", "SECRET NAME", "", "high")
    text = render(name, report(names=False, findings=(replace(findings()[1], actor=hidden),)), width=200)
    assert "p-7f3a9c" in text
    assert "SECRET NAME" not in text


@pytest.mark.parametrize("name", ["table", "md", "html"])
def test_no_finding_is_said_with_what_was_read(name):
    text = render(name, empty())
    assert "No sighting in what was read." in text
    assert "1,793,011 lines" in text
    assert "permission denied" in text
    assert "not used" not in text.lower()


@pytest.mark.parametrize("name", ["table", "md", "html"])
def test_nothing_read_is_never_called_no_sighting(name):
    text = render(name, empty(sources=sources()[-1:], canaries=(), since=None, until=None))
    assert "Nothing was read" in text
    assert "No sighting" not in text


@pytest.mark.parametrize("name", ["table", "md", "html"])
def test_a_complete_audit_says_so(name):
    text = render(name, empty(sources=sources()[4:5], canaries=(("postfix", True),)))
    assert "Complete: everything that was asked for was read" in text
    assert "Not complete" not in text


@pytest.mark.parametrize("name", ["table", "md", "html"])
def test_everything_that_was_not_read_is_named(name):
    text = re.sub(r"\\(?=[:|])", "", " ".join(render(name, width=200).split()))
    for part in (
        "gzip data ends early after 9,120,331 bytes",
        "no line 2019-12-20 18:00:00 to 2019-12-27 06:12:00 (6 d 12 h)",
        "too few fields (9)",
        "2 lines longer than the limit",
        "compared, not counted",
        "no time zone in the lines",
        "the synthetic line of this format was not sighted",
    ):
        assert part in text.replace("&#39;", "'")


# JSON


KEYS = {
    "": "schema tool ruleset window totals sources findings",
    "tool": "name version",
    "ruleset": "digest services",
    "window": "since until",
    "totals": "files bytes lines candidates sightings unparsed unread_files",
    "sources": "path format bytes lines candidates unparsed first_event last_event gaps error",
    "findings": "service category actor stage confidence verdict first_seen last_seen days sightings bytes_sent denied "
    "sources evidence",
    "actor": "id kind name unit confidence",
    "evidence": "path offset length sha256 indicator stage at",
}


def test_json_has_the_documented_keys():
    found = json.loads(render("json"))
    assert found["schema"] == SCHEMA == "shadowit.report/1"
    first = found["findings"][0]
    parts = {"": found, "actor": first["actor"], "evidence": first["evidence"][0]}
    parts |= {key: found[key] for key in ("tool", "ruleset", "window", "totals")}
    parts |= {key: found[key][0] for key in ("sources", "findings")}
    for part, keys in KEYS.items():
        assert set(keys.split()) <= set(parts[part]), part
    assert found["tool"] == {"name": "shadowit", "version": "0.1.0"}
    assert found["window"] == {"since": "2019-07-01T00:00:00Z", "until": "2020-03-03T00:00:00Z"}


@pytest.mark.parametrize("name", ["json", "jsonl", "csv"])
def test_pieces_are_the_whole(name):
    empty = replace(report(), findings=())
    for one in (report(), empty):
        assert "".join(writer_named(name).pieces(one, colour=False, width=80)) == render(name, one)
    assert json.loads(render("json", empty))["findings"] == []
    assert render("json") == json.dumps(json.loads(render("json")), indent=2, ensure_ascii=False) + "\n"


def test_json_totals_do_not_count_a_copy_twice():
    totals = json.loads(render("json"))["totals"]
    assert totals["files"] == 6
    assert totals["unread_files"] == 2
    assert totals["lines"] == 310_442 + 60_120 + 1_402_331 + 20_118
    assert totals["lines"] == totals["parsed"] + totals["filtered"] + totals["unparsed"] + totals["oversize"]
    assert totals["sightings"] == 110


def test_json_errors_and_gaps_per_source():
    found = {source["path"]: source for source in json.loads(render("json"))["sources"]}
    assert found[PROXY]["error"] is None
    assert found[PROXY]["gaps"] == [{"from": "2019-12-20T18:00:00Z", "to": "2019-12-27T06:12:00Z"}]
    assert found["/var/log/vpn/secret.log"]["error"] == "permission denied"
    assert found["/var/log/vpn/secret.log"]["first_event"] is None
    assert found["/var/log/squid/copy-of-access.log"]["copy_of"] == PROXY


def test_json_name_is_absent_without_names_and_location_only_where_known():
    shown, hidden = (json.loads(render("json", report(names=names)))["findings"] for names in (True, False))
    assert shown[1]["actor"]["name"] == "jane.doe@agency.example"
    assert all("name" not in one["actor"] for one in hidden)
    assert shown[0]["data_location"] == "US"
    assert "data_location" not in shown[3]


def test_json_lines_are_the_findings_of_the_json_report():
    lines = render("jsonl").splitlines()
    assert [json.loads(line) for line in lines] == json.loads(render("json"))["findings"]
    assert render("jsonl", empty()) == ""


def test_json_takes_sums_larger_than_64_bits():
    large = replace(findings()[0], bytes_sent=10**30)
    assert json.loads(render("json", report(findings=(large,))))["findings"][0]["bytes_sent"] == 2**63 - 1


def test_json_needs_none_of_the_heavy_libraries():
    script = (
        "import sys; from detector.report import *\n"
        "writer_named('json').render(Report('v', 'd', 0, None, None, (), (), True), colour=False, width=80)\n"
        "print(sorted({'pandas', 'jinja2', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# CSV


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_one_row_per_finding_with_plain_numbers():
    text = render("csv")
    assert text.count("\r\n") == text.count("\n") == 5
    first, second, *_ = rows(text)
    assert first["stages"] == "resolved=4"
    assert second["bytes_sent"] == "18221044"
    assert second["first_seen"] == "2019-09-30T00:00:00Z"
    assert second["evidence_offset"] == "6000"
    assert rows(text)[3]["first_seen"] == rows(text)[3]["evidence_at"] == ""


def test_csv_of_a_finding_without_evidence():
    bare = replace(findings()[0], evidence=())
    assert rows(render("csv", report(findings=(bare,))))[0]["evidence_sha256"] == ""


@pytest.mark.parametrize(
    "cell",
    ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n1", "\t1", " =1", '"=1', "'=1", "＝1", "＋1", "－1", "＠x", "\xa0=1"],
)
def test_csv_formulas_are_text(cell):
    actor = replace(JANE, id=cell, name=cell, unit=cell)
    row = rows(render("csv", report(findings=(replace(findings()[0], actor=actor),))))[0]
    assert row["actor"].startswith("'")
    assert row["actor_name"] == row["actor_unit"] == row["actor"]


def test_csv_formula_behind_a_semicolon_is_text_too():
    actor = replace(JANE, id="a; =1")
    assert (
        rows(render("csv", report(names=False, findings=(replace(findings()[0], actor=actor),))))[0]["actor"]
        == "a;' =1"
    )


# Table


@pytest.mark.parametrize("width", [40, 80, 81, 103, 104, 200])
def test_table_stays_inside_its_width(width):
    longest = replace(JANE, id="x" * 300, name="名" * 150)
    value = report(findings=(*findings(), replace(findings()[0], actor=longest, service_name="L" * 250)))
    lines = render("table", value, width=width).split("\n")
    assert max(cell_len(line) for line in lines) <= max(width, 64)
    assert any("…" in line for line in lines)


def test_table_shows_doubt_denials_and_the_foot():
    text = render("table")
    assert re.search(r"jane\.doe.*~uploaded 2019-09-30 2020-02-20 +6 +103 +2 +17 MiB", text)
    assert "~ probable" in text
    assert "6 files (1 copy, not counted twice), 1,793,011 lines, 171 MiB" in text
    assert "asked for: from 2019-07-01 00:00:00 UTC to 2020-03-03 00:00:00 UTC" in text


def test_table_says_open_windows_and_plain_services():
    certain = replace(findings()[2], service_name="", category="")
    text = render("table", report(findings=(certain,), since=None, canaries=()))
    assert "from the beginning to" in text
    assert "\nclearview-ai\n" in text
    assert "~" not in text
    assert "asked for" not in render("table", report(since=None, until=None))
    assert "to the end" in render("table", report(until=None))


def test_table_counts_gaps_it_does_not_list():
    many = tuple((at("2020-01-01") + n * 10**12, at("2020-01-02") + n * 10**12) for n in range(9))
    text = render("table", report(sources=(replace(sources()[0], gaps=many),)), width=120)
    assert text.count("no line 20") == 5
    assert "more gaps: 4, 4 d in all" in text


def test_table_has_colours_only_when_asked():
    assert "\x1b" not in render("table")
    assert "\x1b[" in render("table", colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", render("table", colour=True)).split() == render("table").split()


# Hostile text in every field


PAYLOADS = [
    "=cmd|'/C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1:9)",
    '\t=HYPERLINK("http://evil.example")',
    "＝1+1",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></svg><script>alert(1)</script>",
    "{{7*7}}{% raw %}",
    "%s%n{0}",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "a\u202egnp.exe\u2066",
    "a\u2028b\u2029c\x85d\x0be",
    "nul\x00byte\r\nforged,row",
    "javascript:alert(1)",
    "[click](http://evil.example) ![x](http://evil.example/x.png) <http://evil.example> www.evil.example",
    "a|b`c``d|e\\|f <b>x</b> user@evil.example http://evil.example",
    "bytes\udcff\udc80 &amp; &#60; \U000e0041",
    "x" * 5000,
    "[red]rich[/red] [link=http://evil.example]x[/link] :smile:",
]
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")


def poison(value, payload):
    """The same value with every text in it replaced."""
    if isinstance(value, str):
        return payload
    if isinstance(value, tuple):
        return getattr(value, "_make", tuple)(poison(one, payload) for one in value)
    return value


@pytest.fixture(params=PAYLOADS, ids=range(len(PAYLOADS)))
def payload(request):
    return request.param


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("name", writer_names())
def test_nothing_unseen_passes(name, names, payload):
    text = render(name, replace(poison(report(), payload), names=names), width=120)
    assert not _UNSEEN.search(text.replace("\r\n", "\n") if name == "csv" else text)


def test_hostile_json_keeps_the_exact_text(payload):
    found = json.loads(render("json", poison(report(), payload)))
    exact = re.sub("[\udc80-\udcff]", lambda one: f"\\x{ord(one[0]) - 0xDC00:02x}", payload)
    assert found["findings"][0]["actor"]["id"] == found["sources"][0]["path"] == exact
    assert len(render("jsonl", poison(report(), payload)).splitlines()) == 4


def test_hostile_csv_has_no_formula_and_no_forged_row(payload):
    found = rows(render("csv", poison(report(), payload)))
    assert len(found) == 4
    cells = [cell for row in found for cell in row.values()]
    assert not any(cell.lstrip(" \"'").startswith(tuple("=+-@＝＋－＠")) for cell in cells if not cell.startswith("'"))
    assert not any(None in row for row in found)


def test_hostile_table_forges_no_line(payload):
    lines = render("table", poison(report(), payload), width=100).split("\n")
    assert max(cell_len(line) for line in lines) <= 100
    assert not any(line.startswith("forged") for line in lines)


def test_hostile_markdown_is_neither_html_nor_link(payload):
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(render("md", poison(report(), payload)))
    kinds = {child.type for token in tokens for child in (token.children or [token])}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "em_open", "s_open"}
    tables = [
        len(re.findall("<t[hd]", row)) for row in re.findall("<tr>.*?</tr>", parser.render(render("md")), re.DOTALL)
    ]
    hostile = parser.render(render("md", poison(report(), payload)))
    found = [len(re.findall("<t[hd]", row)) for row in re.findall("<tr>.*?</tr>", hostile, re.DOTALL)]
    assert set(found) <= set(tables)


def test_markdown_prose_never_links_by_itself():
    text = render("md", report(sources=(replace(sources()[5], unread="see http://evil.example or www.evil.example"),)))
    assert "http\\://" in text
    assert "www\\.evil" in text


# The page


class Page(HTMLParser):
    """What a browser would see: tags with attributes, texts by the tags around them."""

    VOID = frozenset({"meta", "br", "rect", "line", "path", "circle", "use"})

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag == "rect":  # the only drawing element with a title inside
            return
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        self.texts.append((tuple(tag for tag, _ in self.open), data))

    def text_in(self, tag, *, outside=""):
        return [data for around, data in self.texts if tag in around and outside not in around]


TAGS = """
html head meta title style body header main footer section article h1 h2 h3 h4 p a ul li dl div dt dd span
strong em small code time table caption thead tbody tr th td details summary figure figcaption br svg g defs
pattern symbol use rect line path circle text desc
"""


def check_page(text):
    page = Page(text)
    assert {tag for tag, _ in page.tags} <= set(TAGS.split())
    for tag, attributes in page.tags:
        assert not any(
            name.startswith("on") or name in ("src", "srcset", "action", "style", "xlink:href") for name in attributes
        )
        assert attributes.get("href", "#").startswith("#"), tag
    assert page.open == []
    styles = "".join(page.text_in("style"))
    assert set(re.findall(r"url\((.)", styles)) == {"#"}
    assert "@import" not in styles
    assert text.startswith("<!DOCTYPE html>")
    return page


def test_page_is_self_contained():
    page = check_page(render("html"))
    policy = next(found["content"] for tag, found in page.tags if tag == "meta" and "http-equiv" in found)
    assert policy.startswith("default-src 'none'; script-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert "http://" not in render("html")
    assert "https://" not in render("html")


def test_hostile_page_holds_only_text(payload):
    page = check_page(render("html", poison(report(), payload)))
    assert any(visible(payload) in data for _, data in page.texts)


def test_page_can_be_read_by_everybody():
    page = check_page(render("html"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in found for tag, found in page.tags if tag == "th")
    ids = [found["id"] for _, found in page.tags if "id" in found]
    assert len(ids) == len(set(ids))
    for _, found in page.tags:
        assert found.get("href", "#")[1:] in {"", *ids}
        assert set(found.get("aria-labelledby", "").split()) <= set(ids)
    drawings = [found for tag, found in page.tags if tag == "svg" and found.get("role") == "img"]
    assert len(drawings) == 2
    assert all("aria-labelledby" in found for found in drawings)


def number(text):
    return int(text.replace(",", ""))


def stages_table(text):
    table = re.search(r'<table id="stages-table">.*?</table>', text, re.DOTALL)[0]
    heads, *lines = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    stages = re.findall(r">([^<]+)</th>", heads)[1:]
    numbers = {}
    for line in lines:
        start = re.search(r"<th[^>]*>([^<]+)", line)[1]
        numbers |= {
            (start, stage): number(cell) for stage, cell in zip(stages, re.findall(r">([\d,]+)<", line), strict=True)
        }
    return numbers


@pytest.mark.parametrize("days", [1, 40, 200, 2_000, 9_000])
def test_every_number_of_the_drawing_is_in_its_table(days):
    stages = ("resolved", "used", "uploaded", "invited")
    step = max(days // 50, 1) * 86_400_000_000
    per_day = tuple((at("2001-02-03") + n * step, stages[n % 4], n + 1) for n in range(min(days, 50)))
    one = replace(findings()[0], per_day=per_day, sightings=sum(count for *_, count in per_day) + 1)
    text = render("html", report(findings=(one, findings()[2])))
    table = stages_table(text)
    drawn = re.findall(r"<title>(\d{4}-\d\d-\d\d) (\w+): ([\d,]+)</title>", text)
    assert {(start, stage): number(count) for start, stage, count in drawn} == {
        place: count for place, count in table.items() if count and place[1] != "All"
    }
    for start in {start for start, _ in table}:
        assert table[start, "All"] == sum(n for place, n in table.items() if place[0] == start and place[1] != "All")
    assert sum(number(count) for *_, count in drawn) == sum(count for *_, count in per_day) + 2
    assert "1 sighting without a known time is not drawn" in text


def test_every_time_of_the_timeline_is_in_a_table():
    page = check_page(render("html"))
    tables = " ".join(page.text_in("table", outside="svg"))
    titles = [title for title in page.text_in("title") if " to " in title and "audit" not in title]
    assert len(titles) == 11
    for title in titles:
        assert all(moment in tables for moment in re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", title))


def test_many_logs_share_lanes_by_folder():
    day = 86_400_000_000
    logs = tuple(
        SourceRow(f"/logs/access-{n:03}.log", "squid", lines=9, first_event=n * day, last_event=(n + 1) * day - 1)
        for n in range(60)
        if n not in (20, 21, 22)
    )
    drawing = timeline(report(sources=(*logs, SourceRow("x.log", lines=3)), since=None, until=None))
    assert [lane.label for lane in drawing.lanes] == ["./ unknown format, 1 file", "/logs/ squid, 57 files"]
    assert [lane.state for lane in drawing.lanes] == ["no times", "read"]
    assert len(drawing.lanes[1].spans) == 2
    assert [bar.text[:4] for bar in drawing.lanes[1].gaps] == ["gap:"]


def test_silence_between_rotated_files_is_a_gap():
    assert json.loads(render("json"))["gaps_between_files"] == [
        {"folder": "/var/log/squid/", "format": "squid", "from": "2019-09-14T11:02:13Z", "to": "2019-10-01T00:00:04Z"}
    ]
    assert "4 gaps" in render("table")
    assert "no line in any of them 2019-09-14 11:02:13 to 2019-10-01 00:00:04" in render("html")
    held = replace(sources()[1], gaps=((at("2019-09-14T11:02:13"), at("2019-10-01T00:00:04")),))
    assert json.loads(render("json", report(sources=(sources()[0], held))))["gaps_between_files"] == []


def test_timeline_of_a_window_shows_only_what_lies_inside():
    value = report(since=at("2020-01-01"), until=at("2020-02-01"))
    lanes = timeline(value).lanes
    assert [len(lane.spans) for lane in lanes] == [1, 0, 1, 2, 1, 0]
    assert timeline(report(sources=sources()[5:], since=None)) is None
    short = timeline(report(since=at("2020-01-01"), until=at("2020-01-02")))
    assert [tick.text for tick in short.ticks][1] == "01-01 06:00"
    assert "2020-01-01 00:00" in short.description


def test_forged_years_end_the_drawing():
    last = 253_402_300_799_000_000
    one = replace(
        findings()[0], per_day=((at("9998-05-01"), "used", 1), (last, "used", 2), (at("9999-02-01"), "odd", 3))
    )
    chart = stage_chart(report(findings=(one,)))
    assert chart.unit == "week"
    assert chart.stages == ("used", "odd")
    assert chart.buckets[-1].counts == {"used": 2}
    assert stage_chart(report(findings=(replace(one, per_day=((last, "used", 2),)),))).unit == "day"


def test_page_without_times_or_windows_or_names():
    odd = replace(findings()[3], per_day=(), stage="unheard_of", service_name="", confidence="confirmed")
    text = render("html", report(findings=(odd,), since=None, until=None, names=False, canaries=()))
    check_page(text)
    assert "No sighting carries a time that could be read." in text
    assert "pseudonyms" in text
    assert "from the first event to 2020" in render("html", report(since=None))
    assert "to the last event (UTC)" in render("html", report(until=None))
    assert "Nothing: every file was read to its end" in render("html", empty(sources=sources()[4:5], canaries=()))


@pytest.mark.parametrize(
    "path", ["access.log", "a b.zip!in ner.log", "it's.log", "-o", "x\n$(reboot)\udcff\u202e'\\!.log"]
)
def test_the_command_names_exactly_the_line(path):
    script = f"shadowit() {{ printf '%s\\0' \"$@\"; }}; {command(path, 120)}"
    done = subprocess.run(["bash", "-c", script.encode()], capture_output=True, check=True)
    assert done.stdout.split(b"\0")[:-1] == [b"explain", b"--at", f"{path}:120".encode(errors="surrogateescape")]
    assert visible(command(path, 120)) == command(path, 120)


def test_a_large_page_costs_no_more_a_finding_than_a_small_one():
    one = findings()[1]
    proofs = tuple(evidence(PROXY, n, "used", "2020-01-01") for n in range(14))

    def written(count):
        """The page of so many findings, and the least processor time of two tries."""
        many = tuple(
            replace(one, actor=replace(JANE, id=f"user{n:05}", name=""), evidence=proofs) for n in range(count)
        )
        seconds = []
        for _ in range(2):
            before = time.process_time()
            text = render("html", report(findings=many))
            seconds.append(time.process_time() - before)
        return text, min(seconds)

    _, small = written(150)
    text, large = written(600)
    assert large < 2 * 4 * small
    assert text.count("shadowit explain --at") == 600 * 14


# Words


@pytest.mark.parametrize("module", [json_writer, limits, markdown, axis, csv_writer, html, text, wording])
def test_examples_in_the_docstrings(module):
    assert doctest.testmod(module).failed == 0


def test_durations_and_lengths_in_two_units():
    said = [wording.duration(seconds * 1_000_000) for seconds in (5, 60, 3_600, 3_660, 86_400, 90_000)]
    assert said == ["5 s", "1 min", "1 h", "1 h 1 min", "1 d", "1 d 1 h"]
    assert wording.size(10**40).endswith(" EiB")
    assert report().is_complete is False


def test_the_highest_stage_is_confirmed_before_probable_then_latest():
    sure, likely = replace(findings()[1], confidence="confirmed"), findings()[1]
    assert highest([likely, sure]) is sure
    assert highest([*findings()]) == findings()[1]
    assert rung("unheard_of") == 0


def test_an_unknown_kind_of_actor_is_counted():
    odd = replace(findings()[0], actor=replace(JANE, kind="robot"))
    assert "1 finding at 1 service: 1 other." in render("md", report(findings=(odd,)))


def test_cut_middle_leaves_short_text_alone():
    assert cut_middle("abc", 3) == "abc"
    assert cut_middle("abcdefg", 4) == "ab…g"
