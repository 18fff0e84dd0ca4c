"""What was read and when a log was silent: merging in any order gives one answer."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.coverage import Coverage, covered_share
from detector.events import Dialect
from detector.scan import Counts, ScanResult, Spans
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
    return coverage.spans, coverage.counts, coverage.refusals, gaps, coverage.unparsed_share


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
