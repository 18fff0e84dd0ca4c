"""Laws of the machine, on generated logs: what is found depends on the bytes alone, never on how they were read."""

import bz2
import gzip
import hashlib
import io
import lzma
import re
import zipfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import pytest
import zstandard
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from machine import audited, content_of, coverage, facts, planned, sightings, small_ruleset, small_sizes

from detector.audit.run import segments_of
from detector.coverage import Coverage
from detector.events import Col, Stage
from detector.findings import Findings
from detector.formats import own_formats
from detector.identity import attribute
from detector.match import Confidence, Sighting, SightingBatch
from detector.scan import Counts, Scanner, Settings, Spans, scan

FORMATS = own_formats()
RULESET = small_ruleset()
SCANNER = Scanner(RULESET)
NETWORK = ["squid", "squid_common", "zeek_json", "zeek_tsv", "bluecoat_proxysg", "bind_querylog", "unbound", "dnsmasq"]
MAIL = ["postfix", "exchange_message_tracking", "m365_message_trace", "mail_headers"]
RUN = re.compile(rb"(.)\1{40,}", re.DOTALL)
AT = 1_582_797_600_000_000
few = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=12, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip

SPELLINGS = {
    "plain": str,
    "upper": str.upper,
    "final dot": lambda host: host + ".",
    "percent": lambda host: f"%{ord(host[0]):02X}" + host[1:],
    "percent dot": lambda host: host.replace(".", "%2e", 1),
    "full width": lambda host: chr(ord(host[0]) + 0xFEE0) + host[1:],
    "percent full width": lambda host: "%EF%BD%" + f"{ord(host[0]) - 0x20 + 0x60 - 0x20:02X}" + host[1:],
    "ideographic dot": lambda host: host.replace(".", "\u3002", 1),
    "percent ideographic dot": lambda host: host.replace(".", "%E3%80%82", 1),
    "session proxy": lambda host: host + ".mcas.ms",
    "translator": lambda host: host.replace(".", "-") + ".translate.goog",
    "below": "www.{}".format,
    "user": "someone@{}".format,
    "look-alike in front": "not{}".format,
    "look-alike behind": "{}.example.org".format,
    "kelvin": lambda host: host.replace("c", "\u212a", 1),
}
HOSTS = [
    "clearview.ai", "app.clearview.ai", "deep.clearview.ai", "rekognition.eu-west-1.amazonaws.com", "dated.example",
    "xn--bcher-kva.example", "b\u00fccher.example", "b%C3%BCcher.example", "shared.example", "x.shared.example",
    "example.org", "amazonaws.com",
]  # fmt: skip
PATHS = ["", "/", "/app/signup", "/app/x", "/uploads", "/face/1?id=2", "/put", "/app%2Fsignup?u=clearview.ai"]

hosts = st.builds(
    lambda host, spell: SPELLINGS[spell](host), st.sampled_from(HOSTS), st.sampled_from(sorted(SPELLINGS))
)


@dataclass(frozen=True)
class Log:
    """A generated log; long runs are shown short."""

    name: str
    data: bytes

    def __repr__(self):
        return f"Log({self.name!r}, {RUN.sub(lambda run: run[1] + b'*%d' % len(run[0]), self.data)[:6000]!r})"


@st.composite
def good_lines(draw, name):
    """The example of a format with a host, a URL or a mail in it."""
    log_format = FORMATS[name]
    at = AT + draw(st.integers(0, 3 * 86_400)) * 1_000_000
    event = {Col.AT: at, Col.SOURCE_IP: f"10.0.0.{draw(st.integers(1, 9))}"}
    if name in MAIL:
        sender = draw(st.sampled_from([
            "noreply@clearview.ai", "a@Mail.Clearview.AI", "x@sendgrid.net", "x@example.org",
            "SRS0=h=t=clearview.ai=a@fwd.example", "noreply=clearview.ai@lists.example", "b@not\u212alearview.ai",
        ]))  # fmt: skip
        subject = draw(
            st.sampled_from(["Verify your email", "Re: Verify your email", "You were invited", "Sub receipt"])
        )
        number = draw(st.integers(1, 10**6))
        to = draw(
            st.lists(st.sampled_from(["u1@example.org", "u2@example.org", "info@clearview.ai"]), min_size=1, max_size=1)
        )
        event |= {Col.FROM: sender, Col.SENDER: sender, Col.TO: to, Col.SUBJECT: subject}
        event |= {Col.MESSAGE_ID: f"{number}@{sender.rpartition('@')[2]}", Col.DIRECTION: "inbound"}
        return log_format.example(event).encode("utf-8", "replace")
    host = draw(hosts)
    if Col.QUESTION in log_format.columns and not name.startswith("zeek"):
        return log_format.example(event | {Col.QUESTION: "example.net"}).encode().replace(b"example.net", host.encode())
    event |= {Col.USER: f"u{draw(st.integers(1, 3))}", Col.STATUS: draw(st.sampled_from([200, 302, 404, 407, 503]))}
    event |= {Col.DOMAIN: "example.net", Col.BYTES_SENT: draw(st.sampled_from([0, 99, 2000, 50_000]))}
    if path := draw(st.sampled_from(PATHS)):
        event |= {Col.URL: f"http://example.net{path}", Col.METHOD: draw(st.sampled_from(["GET", "POST"]))}
    return log_format.example(event).encode().replace(b"example.net", host.encode())


@st.composite
def damaged(draw, line):
    """A line as the world hands it over."""
    kind = draw(st.sampled_from(["", "", "", "crlf", "nul front", "nul inside", "bytes", "cut", "long", "cr", "quote"]))
    at = draw(st.integers(0, len(line)))
    if kind == "crlf":
        return line.replace(b"\n", b"\r\n") + b"\r"
    if kind == "nul front":
        return b"\0" * draw(st.sampled_from([1, 7, 600, 5000])) + line
    if kind == "cut":
        return line[:at]
    inserted = {
        "nul inside": b"\0" * draw(st.integers(1, 3)), "bytes": draw(st.binary(min_size=1, max_size=4)).replace(b"\n", b""),  # noqa: E501
        "long": b"x" * draw(st.sampled_from([300, 1000, 4096, 5000])), "cr": b"\r", "quote": b'"',
    }  # fmt: skip
    return line[:at] + inserted.get(kind, b"") + line[at:]


@st.composite
def logs(draw, names):
    """(format name, bytes): good lines, damaged ones, blank ones, headers that change in mid-file."""
    name = draw(st.sampled_from(names))
    lines = [FORMATS[name].preamble.encode()] if FORMATS[name].preamble else []
    lines.append(draw(good_lines(name)).replace(b"\r", b""))
    for _ in range(draw(st.integers(1, 15))):
        what = draw(st.integers(0, 9))
        if what == 0:
            lines.append(draw(st.sampled_from([b"", b"\r", b" ", b"\0\0", b"# a comment", b"\xff\xfe\xff"])))
        elif what == 1:
            lines.append(draw(headers(name)))
        else:
            lines.append(draw(damaged(draw(good_lines(name)))))
    return Log(name, b"\n".join(lines) + draw(st.sampled_from([b"\n", b"\n", b"", b"\0\0", b"\n\0" * 2])))


def headers(name):
    """Header lines with their columns in another order; an unknown one among them."""
    preamble = FORMATS[name].preamble.encode()
    if name == "zeek_tsv":
        head, _, fields = preamble.rpartition(b"#fields\t")
        shuffled = st.permutations(fields.split(b"\n")[0].split(b"\t")).map(
            lambda one: head + b"#fields\t" + b"\t".join(one)
        )
        return shuffled | st.just(b"#path\tnobody") | st.just(preamble)
    if name == "bluecoat_proxysg":
        shuffled = st.permutations(
            [b"date", b"time", b"c-ip", b"cs-username", b"cs-host", b"sc-status", b"cs-uri-path"]
        )
        return shuffled.map(lambda one: b"#Fields: " + b" ".join(one)) | st.just(b"#Fields:") | st.just(preamble)
    return st.just(preamble or b"# nothing")


@contextmanager
def written(data, folder, name="a.log"):
    path = folder / name
    path.write_bytes(data)
    yield path


@contextmanager
def small(**sizes):
    with ExitStack() as stack:
        for one in small_sizes(**sizes):
            stack.enter_context(one)
        yield


def scanned(path, name, *, segments=None, **said):
    """Sightings and coverage of one log by ``scan`` alone, range after range."""
    one = planned([path], name)[0]
    log_format = FORMATS[name]
    found, total, dialect = [], Coverage(Spans(86_400)), one.dialect
    for segment in segments(one) if segments else [one.segment]:
        for part in scan(segment, log_format, dialect, SCANNER, Settings(**said)):
            found += part.sightings
            total.add(part)
            dialect = part.left
    return found, total


def seen(total):
    return total.counts, total.spans, dict(total.refusals), total.gaps, total.sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


class TestLaws:
    @few
    @given(log=logs(NETWORK))
    def test_prefilter_on_and_off_give_the_same_sightings(self, log, folder):
        name, data = log.name, log.data
        with written(data, folder) as path, small(head=0):
            on, one = scanned(path, name, chunk_bytes=4096)
            off, other = scanned(path, name, chunk_bytes=4096, prefilter=False)
        assert on == off
        assert (one.counts.bytes, one.counts.lines) == (other.counts.bytes, other.counts.lines)
        assert one.spans == other.spans
        assert one.sample == other.sample

    @few
    @given(log=logs(MAIL))
    def test_prefilter_on_and_off_give_the_same_findings_in_mail(self, log, folder):
        name, data = log.name, log.data
        with written(data, folder) as path, small(head=0):
            on = audited([path], RULESET, name, chunk_bytes=4096)
            off = audited([path], RULESET, name, chunk_bytes=4096, prefilter=False)
        assert on.findings == off.findings

    @few
    @given(log=logs(NETWORK))
    def test_the_size_of_chunks_never_matters(self, log, folder):
        name, data = log.name, log.data
        with written(data, folder) as path, small(head=512):
            expected, total = scanned(path, name, chunk_bytes=4096)
            for size in (256, 512, 1024, 2048):
                found, other = scanned(path, name, chunk_bytes=size)
                assert found == expected
                assert seen(other) == seen(total)

    @few
    @given(log=logs(MAIL))
    def test_the_size_of_chunks_never_matters_in_mail(self, log, folder):
        name, data = log.name, log.data
        with written(data, folder) as path, small(head=512):
            expected = audited([path], RULESET, name, chunk_bytes=4096)
            for size in (256, 1024):
                report = audited([path], RULESET, name, chunk_bytes=size)
                assert report.findings == expected.findings
                assert report.sources == expected.sources

    @few
    @given(log=logs(NETWORK), size=st.sampled_from([256, 1024, 4096]), step=st.integers(1, 5))
    def test_segments_never_matter(self, log, size, step, folder):
        name, data = log.name, log.data

        def cut(one):
            starts = range(0, max(len(data), 1), size * step)
            stops = [*starts[1:], None]
            return [one.segment._replace(start=start, stop=stop) for start, stop in zip(starts, stops, strict=True)]

        with written(data, folder) as path, small(head=512):
            expected, total = scanned(path, name, chunk_bytes=size)
            found, other = scanned(path, name, chunk_bytes=size, segments=cut)
        assert found == expected
        assert (other.counts.bytes, other.counts.lines) == (total.counts.bytes, total.counts.lines)
        assert other.counts.oversize == total.counts.oversize
        if size * step % 4096 == 0:  # ranges that end where cells end
            assert seen(other) == seen(total)

    @few
    @given(log=logs(NETWORK + MAIL))
    def test_every_line_is_accounted_for(self, log, folder):
        name, data = log.name, log.data
        with written(data, folder) as path, small(head=256):
            inputs = planned([path], name)
            (source,) = audited([path], RULESET, name, chunk_bytes=1024).sources
            content = content_of(inputs[0])
        assert source.parsed + source.filtered + source.unparsed + source.oversize == source.lines
        assert source.lines == content.count(b"\n") + bool(content and not content.endswith(b"\n"))
        assert source.bytes == len(content)

    @few
    @given(log=logs(NETWORK + MAIL))
    def test_every_piece_of_evidence_opens_again(self, log, folder):
        name, data = log.name, log.data
        with written(data, folder) as path, small(head=256):
            inputs = planned([path], name)
            report = audited([path], RULESET, name, chunk_bytes=1024)
            content = content_of(inputs[0])
        for finding in report.findings:
            for row in finding.evidence:
                assert hashlib.sha256(content[row.offset : row.offset + row.length]).hexdigest() == row.sha256
                assert row.offset == 0 or content[: row.offset].rstrip(b"\0").endswith((b"\n", b""))

    @few
    @given(log=logs(NETWORK + MAIL))
    def test_auditing_twice_gives_the_same_report(self, log, folder):
        name, data = log.name, log.data
        with written(data, folder) as path:
            assert audited([path], RULESET, name) == audited([path], RULESET, name)

    @few
    @given(log=logs(NETWORK + MAIL))
    def test_compression_never_matters(self, log, folder):
        name, data = log.name, log.data
        with written(data, folder, "plain.log") as path:
            expected = audited([path], RULESET, name)
            same = planned([path], name)[0].dialect.written_until
        for ending, packed in compressed(data):
            with written(packed, folder, f"log.{ending}") as path:
                with patch("detector.audit.plan.written_until", return_value=same):
                    report = audited([path], RULESET, name)
                assert facts(report) == facts(expected), ending
                assert sightings(report) == sightings(expected), ending
                assert [coverage(one) for one in report.sources] == [coverage(one) for one in expected.sources], ending

    @few
    @given(parts=st.lists(logs(["squid", "unbound", "zeek_json"]), min_size=2, max_size=4), order=st.randoms())
    def test_the_order_of_inputs_never_matters(self, parts, order, folder):
        paths = []
        for number, log in enumerate(parts):
            path = folder / f"{number}.{log.name}.log"
            path.write_bytes(log.data)
            paths.append(path)
        expected = audited(paths, RULESET)
        order.shuffle(paths)
        report = audited(paths, RULESET)
        assert report.findings == expected.findings
        assert report.sources == expected.sources

    @settings(few, max_examples=4)
    @given(log=logs(NETWORK + MAIL))
    def test_the_engine_never_matters(self, log, folder):
        name, data = log.name, log.data
        with written(data * 4, folder) as path, small(head=512), small_segments():
            expected = audited([path], RULESET, name, chunk_bytes=1024)
            report = audited([path], RULESET, name, engine="processes", jobs=2, chunk_bytes=1024)
        assert report == expected

    @few
    @given(log=logs([*NETWORK, "postfix"]))
    def test_an_audit_in_ranges_gives_the_report_of_an_audit_in_one(self, log, folder):
        name, data = log.name, log.data
        with written(data, folder) as path, small(head=512):
            expected = audited([path], RULESET, name, chunk_bytes=1024)
            with small_segments():
                report = audited([path], RULESET, name, chunk_bytes=1024, jobs=2)
        assert report == expected

    @few
    @given(log=logs(NETWORK), part=st.sampled_from([1, 5000, 20_000]))
    def test_the_size_of_parts_never_matters(self, log, part, folder):
        name, data = log.name, log.data
        with written(data * 3, folder) as path, small(head=512):
            expected = audited([path], RULESET, name, chunk_bytes=1024)
            report = audited([path], RULESET, name, chunk_bytes=1024, part_bytes=part)
        assert report == expected


@pytest.mark.parametrize("prefilter", [True, False])
def test_a_click_in_a_mail_is_a_visit_of_who_clicked(prefilter, tmp_path):
    click = (
        '{"clickTime":"2020-02-27T10:00:00Z","recipient":"u1@example.org","clickIP":"10.0.0.7","url":"https://%s/a"}'
    )
    hosts = ("clearview.ai", "example.net", "clearvie%77.ai")
    with written("\n".join(click % host for host in hosts).encode(), tmp_path) as path, small(head=0):
        (finding,) = audited([path], RULESET, "proofpoint_event", prefilter=prefilter).findings
    assert (finding.stage, finding.actor.id, finding.sightings) == (Stage.VISITED, "u1@example.org", 2)


def small_segments():
    return patch("detector.audit.run.segments_of", lambda whole, size: segments_of(whole, size, 4096))


def compressed(data):
    """The same bytes in everything that may be around them."""
    half = len(data) // 2
    yield "gz", gzip.compress(data)
    yield "members.gz", gzip.compress(data[:half]) + gzip.compress(b"") + gzip.compress(data[half:]) + b"\0" * 100
    yield "zst", zstandard.compress(data[:half]) + zstandard.compress(data[half:])
    yield "bz2", bz2.compress(data[:half]) + bz2.compress(data[half:])
    yield "xz", lzma.compress(data[:half]) + lzma.compress(data[half:])
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", method) as file:
            file.writestr("folder/plain.log", data)
        yield f"{method}.zip", archive.getvalue()


@pytest.mark.parametrize("size", [1 << power for power in range(8, 21, 2)])
def test_real_sizes_give_one_answer_too(size, tmp_path):
    example = FORMATS["squid"].example
    lines = [
        example({Col.AT: AT + n * 1_000_000, Col.SOURCE_IP: "10.0.0.7", Col.DOMAIN: host}).encode()
        for n, host in enumerate(["example.org", "app.clearview.ai", *["example.net"] * 400] * 45)
    ]
    lines[500] = lines[500].replace(b"example", b"x" * 1_200_000)
    lines[900] = b"\0" * 1_300_000 + lines[900]
    lines[1] = b"\0" * 100_000 + lines[1].replace(b" - ", b" " + b"y" * 1_048_000 + b" ")
    data = b"\n".join(lines)
    with written(data, tmp_path) as path:
        found, total = scanned(path, "squid", chunk_bytes=size)
        expected, whole = scanned(path, "squid")
        halves, cut = scanned(path, "squid", chunk_bytes=size, segments=lambda one: [
            one.segment._replace(stop=2 << 20), one.segment._replace(start=2 << 20, stop=3 << 20),
            one.segment._replace(start=3 << 20),
        ])  # fmt: skip
    assert found == expected == halves
    assert len(found) == 45
    assert seen(total) == seen(whole) == seen(cut)
    assert total.counts.bytes == len(data)
    assert total.counts.oversize == 1


instants = st.integers(0, 10**13)
spans = st.lists(st.tuples(instants, st.integers(0, 10**10)).map(lambda one: (one[0], sum(one))), max_size=8)


class TestMerging:
    @settings(deadline=None, derandomize=True)
    @given(one=spans, other=spans, third=spans, gap=st.integers(0, 100_000))
    def test_spans_merge_in_any_order(self, one, other, third, gap):
        left = Spans(gap).union(one).union(other).union(third)
        right = Spans(gap).union(Spans(gap).union(third).union(other).parts).union(one)
        assert left == right == Spans(gap).union([*other, *one, *third])
        assert left.union(one) == left
        assert all(
            before[1] + gap * 1_000_000 < after[0] for before, after in zip(left.parts, left.parts[1:], strict=False)
        )

    @settings(deadline=None, derandomize=True)
    @given(counts=st.lists(st.builds(Counts, *[st.integers(0, 10**6)] * 7), min_size=3, max_size=3))
    def test_counts_add_in_any_order(self, counts):
        one, other, third = counts
        assert (one + other) + third == third + (other + one)

    @settings(deadline=None, derandomize=True, max_examples=40)
    @given(data=st.data())
    def test_findings_merge_in_any_order(self, data):
        rows = data.draw(st.lists(st.builds(
            Sighting,
            service=st.sampled_from(["clearview", "cloud"]), indicator=st.just("i"), confidence=st.sampled_from(Confidence),  # noqa: E501
            stage=st.sampled_from(["resolved", "visited", "used", "invited"]).map(lambda one: STAGES[one]),
            at=st.none() | st.integers(0, 10**12), denied=st.booleans(), account=st.sampled_from(["", "u1", "U1"]),
            address=st.sampled_from(["", "10.0.0.7"]), mailbox=st.sampled_from(["", "a@b.example"]),
            host=st.sampled_from(["app.clearview.ai", "x"]), bytes_sent=st.integers(0, 99),
            offset=st.integers(0, 10**6), part=st.just(0), line=st.binary(max_size=3),
        ), max_size=150))  # fmt: skip
        whole = folded(rows)
        marks = data.draw(st.lists(st.integers(0, len(rows)), min_size=2, max_size=4).map(sorted))
        pieces = [rows[start:stop] for start, stop in zip([0, *marks], [*marks, len(rows)], strict=True)]
        parts = [folded(piece).all() for piece in data.draw(st.permutations(pieces))]
        merged = Findings(RULESET, attribute)
        for part in parts:
            merged.merge(part)
        assert shape(merged) == shape(whole)


STAGES = {stage.value: stage for stage in Stage}


def folded(rows):
    findings = Findings(RULESET, attribute)
    findings.fold(SightingBatch("s", "a.log", "squid", FORMATS["squid"].kind, tuple(rows)))
    return findings


def shape(findings):
    return [
        (one.service, one.actor, one.denied, one.bytes_sent, one.sources, one.used_days, one.sessions,
         {stage: (c.count, c.confirmed, c.first, c.last, c.days, sorted(c.evidence)) for stage, c in one.stages.items()})  # noqa: E501
        for one in findings.all()
    ]  # fmt: skip
