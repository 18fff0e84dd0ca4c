"""What was read and when a log was silent: merging in any order gives one answer."""

import gzip
import operator
import os
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import planned

from detector.audit import Terms, audited
from detector.audit.ledger import ledger_of, with_roster
from detector.coverage import HOUR as AN_HOUR
from detector.coverage import (
    Coverage,
    Hour,
    Kept,
    Ledger,
    Sampled,
    Source,
    Unread,
    Window,
    covered_share,
    hours_of,
    ledger_of_hours,
    merged,
    signs,
    window_of,
)
from detector.events import Col, Dialect, Kind
from detector.events.batch import batch_of
from detector.identity import Entry, People
from detector.scan import Counts, Sample, ScanResult, Spans
from detector.scan.sample import sample_of
from detector.sources import Gap

HOUR = 3_600_000_000
GAP_S = 3_600


def result(start, lines=1, unparsed=0, **said):
    before, behind = said.get("header", ("", ""))
    return ScanResult(
        counts=Counts(bytes=10 * lines, lines=lines, parsed=lines - unparsed, unparsed=unparsed),
        spans=Spans(GAP_S).union([(start, start + 1)]),
        sightings=(),
        refusals=said.get("refusals", {}),
        gaps=tuple(said.get("gaps", ())),
        keys=frozenset(),
        entered=Dialect(separator=before),
        left=Dialect(separator=behind),
        sample=Sample(events=lines, accounts=frozenset({f"u{start % 3}"}), backward=start % 7),
    )


RESULTS = st.builds(
    result,
    st.integers(0, 200 * HOUR),
    lines=st.integers(1, 9),
    unparsed=st.integers(0, 1),
    refusals=st.dictionaries(st.sampled_from("ab"), st.integers(1, 3)),
    gaps=st.lists(st.builds(Gap, st.just("a.log"), st.integers(0, 9), st.none(), st.just("cut")), max_size=2),
)


def covered(results):
    coverage = Coverage(Spans(GAP_S))
    for one in results:
        coverage.add(one)
    return coverage


def plain(coverage):
    gaps = sorted((gap.start, gap.reason) for gap in coverage.gaps)
    return coverage.spans, coverage.counts, coverage.refusals, gaps, coverage.unparsed_share, coverage.sample


@settings(deadline=None)
@given(st.lists(RESULTS, max_size=20), st.randoms(use_true_random=False), st.integers(0, 20))
def test_order_and_splits_never_matter(results, random, cut):
    whole = plain(covered(results))
    mixed = results[:]
    random.shuffle(mixed)
    assert plain(covered(mixed)) == whole
    one, other = covered(mixed[:cut]), covered(mixed[cut:])
    one.merge(other)
    assert plain(one) == whole


def test_a_part_adds_all_that_it_knows():
    coverage = covered([
        result(0, lines=4, unparsed=1, refusals={"x": 1}, header=",;"),
        result(9 * HOUR, gaps=[Gap("a.log", 7, None, "cut")], header=";|"),
    ])  # fmt: skip
    assert coverage.counts == Counts(bytes=50, lines=5, parsed=4, unparsed=1)
    assert coverage.spans.gaps == ((1, 9 * HOUR),)
    assert coverage.refusals == Counter(x=1)
    assert coverage.gaps == [Gap("a.log", 7, None, "cut")]
    assert [(one.separator, other.separator) for one, other in coverage.dialects] == [(",", ";"), (";", "|")]
    other = covered([result(1, header="||")])
    coverage.merge(other)
    assert len(coverage.dialects) == 3


def test_unparsed_lines_are_a_share_of_those_that_were_looked_at():
    assert Coverage(Spans(1), Counts(lines=100, parsed=3, filtered=96, unparsed=1)).unparsed_share == 0.25
    assert Coverage(Spans(1)).unparsed_share == 0.0
    assert Coverage(Spans(1), Counts(lines=9, filtered=9)).unparsed_share == 0.0


@pytest.mark.parametrize(
    ("logs", "since", "until", "shares"),
    [
        ([], 0, 100, {}),
        ([("dns", [])], 0, 100, {"dns": 0.0}),
        ([("dns", [])], None, None, {"dns": 0.0}),
        ([("dns", [(5, 5)])], None, None, {"dns": 1.0}),
        ([("dns", [(0, 100)])], None, None, {"dns": 1.0}),
        ([("dns", [(0, 60), (80, 100)])], None, None, {"dns": 0.8}),
        ([("dns", [(0, 60)]), ("dns", [(40, 90)])], 0, 100, {"dns": 0.9}),
        ([("dns", [(-50, 150)])], 0, 100, {"dns": 1.0}),
        ([("dns", [(-50, 0)]), ("mail", [(100, 150)])], 0, 100, {"dns": 0.0, "mail": 0.0}),
        ([("proxy", [(0, 50)]), ("dns", [(50, 100)])], None, None, {"dns": 0.5, "proxy": 0.5}),
        ([("dns", [(50, 150)])], None, 100, {"dns": 1.0}),
        ([("dns", [(50, 150)])], 0, None, {"dns": 100 / 150}),
    ],
)
def test_the_share_of_a_window_in_which_logs_of_a_kind_were_written(logs, since, until, shares):
    assert covered_share(logs, since, until) == pytest.approx(shares)


SPANS = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 20)).map(lambda pair: (pair[0], sum(pair))), max_size=6)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(("dns", "proxy")), SPANS), max_size=6), st.integers(0, 60), st.integers(1, 60)
)
def test_a_share_is_what_counting_every_instant_gives(logs, since, length):
    window = range(since, since + length)
    shares = covered_share(logs, since, since + length)
    assert list(shares) == sorted({kind for kind, _ in logs})
    for kind, share in shares.items():
        spans = [span for one, parts in logs if one == kind for span in parts]
        inside = sum(any(first <= instant < last for first, last in spans) for instant in window)
        assert share == pytest.approx(inside / length)


def batch(*rows, kind=Kind.PROXY):
    return batch_of(rows, dataset="x", kind=kind, offsets=range(len(rows)), lines=[b""] * len(rows))


class TestSample:
    def test_it_knows_the_columns_that_are_filled_and_the_accounts(self):
        rows = ({Col.USER: "U1", Col.DOMAIN: "a.example"}, {Col.USER: "u1", Col.URL: ""}, {Col.USER: "u2"})
        found = sample_of(batch(*rows), ())
        assert found.columns == {Col.USER, Col.DOMAIN}
        assert found.accounts == {"u1", "u2"}
        assert (found.events, found.kinds, found.flows, found.nameless) == (3, {Kind.PROXY}, 3, 2)

    @pytest.mark.parametrize(
        ("row", "nameless"),
        [
            ({Col.DOMAIN: "example.org"}, 0),
            ({Col.DOMAIN: "192.0.2.7"}, 1),
            ({Col.DOMAIN: "[2001:db8::1]"}, 1),
            ({Col.DOMAIN: "2001:db8::1"}, 1),
            ({Col.DOMAIN: "192.0.2.7", Col.SERVER_NAME: "example.org"}, 0),
            ({Col.SERVER_NAME: ""}, 1),
            ({Col.DOMAIN: "cafe"}, 0),
            ({Col.KIND: "dns", Col.QUESTION: ""}, 0),
        ],
    )
    def test_a_flow_to_a_bare_address_has_no_name(self, row, nameless):
        assert sample_of(batch(row), ()).nameless == nameless

    def test_resolvers_over_https_and_hidden_names_are_counted(self):
        rows = [{Col.QUESTION: name} for name in ("Dns.Google", "mask.icloud.com", "cloudflare-ech.com", "example.org")]
        found = sample_of(batch(*rows, kind=Kind.DNS), ())
        assert (found.resolvers, found.hidden, found.flows) == (2, 1, 0)

    def test_behind_the_head_only_the_first_line_of_a_cell_belongs_to_it(self):
        found = batch({Col.USER: "u1"}, {Col.USER: "u2"})
        assert sample_of(found, ()).events == 2
        far = batch_of([{Col.USER: "u1"}], dataset="x", kind=Kind.PROXY, offsets=[1 << 20], lines=[b""])
        assert sample_of(far, {1 << 20}).events == 1
        assert sample_of(far, ()) == Sample()
        assert sample_of(far, {(1 << 20) - 5}) == Sample()
        assert sample_of(batch(), {1 << 20}) == Sample()


class TestHours:
    def test_lines_are_spread_over_the_time_in_which_they_were_written(self):
        counts = Counts(bytes=100, lines=10, parsed=3, unparsed=1)
        hours = hours_of("proxy", Kind.PROXY, [(AN_HOUR // 2, AN_HOUR * 2 - 1)], counts)
        assert [(one.hour, one.lines) for one in hours] == [(0, 3), (1, 7)]
        assert hours_of("proxy", Kind.PROXY, [], counts) == []
        assert hours_of("proxy", Kind.PROXY, [(5, 5)], counts) == [Hour("proxy", Kind.PROXY, 0, 10, 3, 1, 100)]

    @settings(deadline=None)
    @given(SPANS, st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 99))
    def test_no_line_is_lost_and_none_is_counted_twice(self, spans, lines, parsed, unparsed):
        spans = [(first * AN_HOUR // 4, last * AN_HOUR // 4) for first, last in spans]
        hours = hours_of("s", Kind.DNS, spans, Counts(7 * lines, lines, 0, parsed, 0, unparsed))
        assert {one.hour for one in hours} == {
            hour for first, last in spans for hour in range(first // AN_HOUR, last // AN_HOUR + 1)
        }
        if spans:
            assert [sum(column) for column in zip(*(one[3:] for one in hours), strict=True)] == [
                lines, parsed, unparsed, 7 * lines
            ]  # fmt: skip

    @settings(deadline=None)
    @given(st.lists(st.builds(Hour, st.sampled_from("ab"), st.sampled_from(list(Kind)[:2]), st.integers(0, 4),
                              *[st.integers(0, 9)] * 4), max_size=12), st.randoms(use_true_random=False))  # fmt: skip
    def test_hours_merge_in_any_order(self, hours, random):
        mixed = hours[:]
        random.shuffle(mixed)
        assert merged(mixed) == merged(merged(mixed[:5]) + mixed[5:]) == merged(hours)
        assert len(merged(hours)) == len({one[:3] for one in hours})


class TestSources:
    def test_a_usual_silence_is_covered_and_a_longer_one_is_not(self):
        rows = tuple(Hour("s", Kind.DNS, hour, 1, 1, 0, 9) for hour in (0, 3, 9))
        window = Window(0, 10 * AN_HOUR)
        assert Source("s", Kind.DNS, rows, 3 * 3600).covered(window) == {0, 1, 2, 3, 9}
        assert Source("s", Kind.DNS, rows, 3 * 3600).gaps(window) == ((4 * AN_HOUR, 9 * AN_HOUR),)
        assert Source("s", Kind.DNS, rows, 60).covered(Window(AN_HOUR, 5 * AN_HOUR)) == {3}

    def test_a_silence_is_judged_by_its_ends_outside_of_the_window(self):
        rows = tuple(Hour("s", Kind.DNS, hour, 1, 1, 0, 9) for hour in (0, 9))
        assert Source("s", Kind.DNS, rows, 86_400).covered(Window(4 * AN_HOUR, 6 * AN_HOUR)) == {4, 5}

    def test_sums(self):
        source = Source("s", Kind.DNS, (Hour("s", Kind.DNS, 0, 9, 3, 1, 9), Hour("s", Kind.DNS, 1, 4, 0, 0, 9)))
        window = Window(0, AN_HOUR)
        assert (source.lines(window), source.unparsed_share, source.readable(window)) == (9, 0.25, 1)
        assert Source("s", Kind.DNS).unparsed_share == 0.0


class TestLedger:
    def test_a_kind_is_covered_as_far_as_its_least_covered_source(self):
        window = Window(0, 4 * AN_HOUR)
        hours = [Hour(name, Kind.PROXY, hour, 1, 1, 0, 9) for name, hour in (("a", 0), ("a", 1), ("b", 0))]
        gaps = [
            Unread("a", "x.log", None, None, "cut"),
            Unread("c", "y.log", AN_HOUR, 2 * AN_HOUR, "gone"),
            Unread("a", "old.log", 9 * AN_HOUR, 10 * AN_HOUR, "gone"),
        ]
        known = {"a": (Kind.PROXY, 60), "b": (Kind.PROXY, 60), "d": (Kind.MAIL, 60)}
        samples = [
            Sampled("b", "squid", 0, Sample(kinds=frozenset({Kind.PROXY}), columns=frozenset({Col.AT, Col.DOMAIN})))
        ]
        kept = Kept(hours, gaps, samples, known, {"squid": Kind.PROXY}, {"squid": False})
        ledger = ledger_of_hours(window, kept)
        assert [(one.name, one.kind, one.sighted) for one in ledger.sources] == [
            ("d", Kind.MAIL, True), ("a", Kind.PROXY, True), ("b", Kind.PROXY, False),
        ]  # fmt: skip
        assert ledger.share(Kind.PROXY) == ledger.share(Kind.MAIL) == ledger.share(Kind.DNS) == 0.0
        assert [one.path for one in ledger.unread] == ["y.log", "x.log"]
        assert [one.path for one in ledger.unplaced] == ["y.log", "x.log"]
        assert ledger.kinds == (Kind.MAIL, Kind.PROXY)
        assert ledger_of_hours(window, Kept(hours, declared=known)).share(Kind.PROXY) == 0.25

    def test_kept_samples_are_those_of_the_window_and_the_last_before_it(self):
        kinds = frozenset({Kind.PROXY})
        rows = [
            Sampled("s", "squid", day, Sample(events=10**day, kinds=kinds, columns=frozenset({column})), files=1)
            for day, column in enumerate((Col.URL, Col.AT, Col.DOMAIN, Col.USER))
        ]
        hours = [Hour("s", Kind.PROXY, 24 * day, 1, 1, 0, 9) for day in range(4)]
        a_day = 24 * AN_HOUR

        def source(*window):
            return ledger_of_hours(Window(*window), Kept(hours, samples=rows)).sources[0]

        assert source(2 * a_day, 3 * a_day).sample.events == 110
        assert source(2 * a_day, 3 * a_day).fields == {Col.AT, Col.DOMAIN}
        assert source(0, 4 * a_day).sample.events == 1111
        assert source(9 * a_day, 10 * a_day).fields == {Col.USER}
        assert ledger_of_hours(Window(-9, 0), Kept(hours, samples=rows)).sources[0].files == 4
        assert source(3 * a_day + 1, 4 * a_day).missing == (frozenset({Col.AT}),)

    def test_a_kept_source_of_another_kind_covers_nothing_and_is_no_gap(self):
        kept = Kept(
            [Hour("dhcp", Kind.LEASE, 0, 1, 1, 0, 9)],
            samples=[Sampled("logins", "windows_security", 0, Sample(kinds=frozenset({Kind.LOGIN})))],
            declared=dict.fromkeys(("dhcp", "logins", "odd", "broken"), (None, 60)) | {"more": (Kind.LEASE, 60)},
            gaps=[Unread("broken", "b.log", None, None, "permission denied")],
        )
        ledger = ledger_of_hours(Window(0, AN_HOUR), kept)
        assert ledger.sources == ()
        assert [(one.path, one.reason) for one in ledger.stray] == [
            ("b.log", "permission denied"), ("odd", "no hour of it was ever read"),
        ]  # fmt: skip

    def test_samples_add_up_without_names(self):
        one = Sampled("s", "squid", 1, Sample(events=1, accounts=frozenset({"jane"})), 1, 0, 1, ("a", "b"))
        other = Sampled("s", "squid", 2, Sample(events=2), 1, 1, 0, ("b", "c"))
        both = one + other
        assert (both.day, both.sample.events, both[4:]) == (1, 3, (2, 1, 1, ("a", "b", "c")))
        assert both.unnamed.sample.accounts == frozenset()
        with pytest.raises(TypeError):
            operator.add(one, ("x",))

    def test_the_window_of_logs_is_from_their_first_to_their_last_hour(self):
        rows = tuple(Hour("s", Kind.DNS, hour, 1, 1, 0, 9) for hour in (3, 9))
        assert window_of([Source("s", Kind.DNS, rows), Source("t", Kind.MAIL)]) == Window(3 * AN_HOUR, 10 * AN_HOUR)
        assert window_of([Source("t", Kind.MAIL)]) is None

    def test_signs_of_what_no_line_says(self):
        sample = Sample(events=100, flows=20, nameless=1, resolvers=2, hidden=3, backward=3600 * 1_000_000)
        source = Source("s", Kind.PROXY, sample=sample, files=4, late=1, ahead=2)
        quiet = Source("q", Kind.PROXY, sample=Sample(events=100, flows=100, nameless=4))
        found = signs(Ledger(Window(0, AN_HOUR), (source, quiet), people=10, seen=4))
        assert [tuple(one) for one in found] == [
            ("nameless", "s", 1, 20), ("resolvers", "s", 2, 100), ("hidden", "s", 3, 100), ("backward", "s", 3600, 0),
            ("ahead", "s", 2, 4), ("late", "s", 1, 4), ("people", "", 4, 10),
        ]  # fmt: skip
        assert signs(Ledger(Window(0, AN_HOUR), (quiet,), people=4, seen=4)) == ()
        assert Ledger(Window(0, 1), (source, quiet)).sample.events == 200


def packed(path, text, stamp):
    path.write_bytes(gzip.compress(text.encode(), mtime=stamp))


def squid(start, count, step=600):
    return "".join(
        f"{start + number * step}.000 3 10.0.0.1 TCP_TUNNEL/200 9 CONNECT example.org:443 u1 HIER_DIRECT/192.0.2.1 -\n"
        for number in range(count)
    )


class TestLedgerOfAnAudit:
    START = 1_582_000_000

    def ledger(self, ruleset, *paths, window=None):
        inputs = planned(paths)
        done = audited(inputs, ruleset, Terms(version="0"))
        return ledger_of(inputs, done.coverage, done.report.canaries, window)

    def test_logs_of_one_folder_and_format_are_one_source(self, tmp_path, ruleset):
        (tmp_path / "a.log").write_text(squid(self.START, 50))
        (tmp_path / "b.log").write_text(squid(self.START + 30_000, 50))
        ledger = self.ledger(ruleset, tmp_path)
        (source,) = ledger.sources
        assert (source.name, source.kind, source.files) == (f"{tmp_path}/ squid", Kind.PROXY, 2)
        assert source.lines(ledger.window) == 100
        assert source.covered(ledger.window) == set(ledger.window.hours)
        assert source.can_show
        assert source.sample.accounts == {"u1"}

    def test_a_copy_counts_once_and_a_log_that_breaks_off_is_said(self, tmp_path, ruleset):
        text = squid(self.START, 400)
        (tmp_path / "a.log").write_text(text)
        packed(tmp_path / "a.log.gz", text, 0)
        other = squid(self.START + 900_000, 4000, 7)
        whole = gzip.compress(other.encode(), mtime=0)
        (tmp_path / "c.log.gz").write_bytes(whole[: len(whole) // 2])
        (source,) = self.ledger(ruleset, tmp_path).sources
        window = Window(self.START * 1_000_000, (self.START + 400 * 600) * 1_000_000)
        assert source.lines(window) == 400
        (gap,) = source.unread
        assert gap.path.endswith("c.log.gz")
        assert gap.since is not None
        assert gap.until is None

    def test_a_log_that_was_finished_late_and_one_from_the_future(self, tmp_path, ruleset):
        packed(tmp_path / "late.log.gz", squid(self.START, 9), self.START + 30 * 86_400)
        early = tmp_path / "early.log"
        early.write_text(squid(self.START, 8, 60))
        os.utime(early, (self.START - 86_400, self.START - 86_400))
        (source,) = self.ledger(ruleset, tmp_path).sources
        assert (source.late, source.ahead, source.files) == (1, 1, 2)

    def test_what_is_no_log_is_stray_and_leases_are_no_evidence(self, tmp_path, ruleset):
        (tmp_path / "notes.txt").write_text("nothing that anybody logs\n" * 5)
        (tmp_path / "dhcpd.log").write_text(
            "Feb 18 10:00:00 srv dhcpd[1]: DHCPACK on 10.0.0.7 to 00:00:5e:00:53:01 (ws-1) via eth0\n" * 3
        )
        (tmp_path / "empty.log").write_text("")
        assert self.ledger(ruleset, tmp_path) is None
        ledger = self.ledger(ruleset, tmp_path, window=Window(0, AN_HOUR))
        assert ledger.sources == ()
        assert [gap.path.rpartition("/")[2] for gap in ledger.stray] == ["notes.txt"]
        assert ledger.unplaced == ledger.unread == ledger.stray

    def test_a_log_that_is_gone_by_then_does_not_end_it(self, tmp_path, ruleset):
        packed(tmp_path / "a.log.gz", squid(self.START, 9), 0)
        inputs = planned([tmp_path])
        done = audited(inputs, ruleset, Terms(version="0"))
        (tmp_path / "a.log.gz").unlink()
        (source,) = ledger_of(inputs, done.coverage, done.report.canaries).sources
        assert source.late == 0

    def test_a_directory_is_put_beside_what_was_seen(self, tmp_path, ruleset):
        (tmp_path / "a.log").write_text(squid(self.START, 50))
        people = People([Entry("p1", accounts=("u1",)), Entry("p2", accounts=("u2",)), Entry("p0", until=0)])
        ledger = with_roster(self.ledger(ruleset, tmp_path), people, ())
        assert (ledger.people, ledger.seen) == (2, 1)
