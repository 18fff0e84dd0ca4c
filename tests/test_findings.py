"""Folding sightings: any order and any split give one result, in memory that grows with people and not with logs."""

import hashlib
import pickle
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import SUFFIX, indicator, signature

from detector.audit.ranges import PACKED_FINDINGS, Found
from detector.events import Kind, Stage
from detector.findings import EVIDENCE_EACH_SIDE, Finding, Findings, StageCount, attributed, several
from detector.findings.evidence import in_order
from detector.identity import attribute
from detector.match import Actor, ActorKind, Attribution, Confidence, Sighting, SightingBatch, sighting_id
from detector.policy import MUTED, OBSERVED, Ruling, Verdict
from detector.signatures import Ruleset, Thresholds

MINUTE = 60_000_000
DAY = 86_400_000_000
RULES = Ruleset(
    digest="",
    signatures=(
        signature("one", indicator("one", SUFFIX, "one.com"), opaque=("app.one.com",)),
        signature("two", indicator("two", SUFFIX, "two.com")),
    ),
)
THRESHOLDS = RULES["one"].thresholds


def sighting(at=0, stage=Stage.VISITED, **said):
    row = Sighting(
        service="one", indicator="one:suffix:one.com", stage=stage, confidence=Confidence.CONFIRMED, at=at,
        denied=False, account="u1", address="", mailbox="", host="www.one.com", bytes_sent=0, offset=0, part=0,
        line=b"line",
    )  # fmt: skip
    return row._replace(**said)


def batch(*rows, path="a.log", stream="s"):
    return SightingBatch(stream, path, "squid", Kind.PROXY, tuple(rows))


def folded(*batches):
    findings = Findings(RULES, attribute)
    for one in batches:
        findings.fold(one)
    return findings


def found(*rows):
    (finding,) = folded(batch(*rows)).all()
    return finding


def plain(findings):
    """All that findings say, evidence in its order."""
    return [
        (one.service, one.actor, one.denied, one.bytes_sent, one.sources, one.used_days, one.sessions, one.first_seen,
         one.last_seen, one.sightings,
         {stage: (count.count, count.confirmed, count.first, count.last, count.days, sorted(count.evidence))
          for stage, count in one.stages.items()})
        for one in findings.all()
    ]  # fmt: skip


ROWS = st.builds(
    sighting,
    at=st.none() | st.integers(0, 3 * DAY // MINUTE).map(lambda minute: minute * MINUTE),
    stage=st.sampled_from((Stage.VISITED, Stage.USED, Stage.INVITED)),
    service=st.sampled_from(("one", "two")),
    confidence=st.sampled_from(Confidence),
    denied=st.booleans(),
    account=st.sampled_from(("u1", "U1", "u2", "")),
    host=st.sampled_from(("www.one.com", "app.one.com")),
    bytes_sent=st.integers(0, 1000),
    offset=st.integers(0, 200),
)


class TestLaws:
    @settings(deadline=None)
    @given(st.lists(ROWS, max_size=120), st.randoms(use_true_random=False), st.lists(st.integers(0, 120), max_size=4))
    def test_order_and_splits_never_matter(self, rows, random, cuts):
        whole = plain(folded(batch(*rows)))
        mixed = rows[:]
        random.shuffle(mixed)
        assert plain(folded(batch(*mixed))) == whole
        edges = [0, *sorted(cuts), len(rows)]
        parts = [folded(batch(*mixed[start:stop])) for start, stop in pairwise(edges)]
        random.shuffle(parts)
        merged = Findings(RULES, attribute)
        for part in parts:
            merged.merge(part.all())
        assert plain(merged) == whole

    @settings(deadline=None)
    @given(st.lists(ROWS, max_size=40), st.lists(ROWS, max_size=40), st.lists(ROWS, max_size=40))
    def test_merging_is_associative(self, one, two, three):
        def merged(*parts):
            result = Findings(RULES, attribute)
            for part in parts:
                result.merge(part.all())
            return result

        def part(rows):
            return folded(batch(*rows))

        left = merged(merged(part(one), part(two)), part(three))
        right = merged(part(one), merged(part(two), part(three)))
        assert plain(left) == plain(right)

    @settings(deadline=None)
    @given(st.lists(ROWS, max_size=120))
    def test_every_sighting_counts_once(self, rows):
        findings = folded(batch(*rows)).all()
        assert sum(one.sightings for one in findings) == len(rows)
        assert sum(one.bytes_sent for one in findings) == sum(row.bytes_sent for row in rows)
        assert sum(one.denied for one in findings) == sum(row.denied for row in rows)
        assert [(one.service, one.actor) for one in findings] == sorted((one.service, one.actor) for one in findings)

    @settings(deadline=None)
    @given(st.lists(ROWS, max_size=60))
    def test_evidence_is_the_earliest_and_the_latest_lines_of_each_stage(self, rows):
        for finding in folded(batch(*rows)).all():
            for stage, count in finding.stages.items():
                key = (finding.service, stage, finding.actor.name)
                mine = sorted(
                    (-(1 << 62) if row.at is None else row.at, row.offset)
                    for row in rows
                    if (row.service, row.stage, row.account.lower() or "unknown") == key
                )
                kept = [(one.at, one.offset) for one in sorted(count.evidence)]
                limit = EVIDENCE_EACH_SIDE
                assert kept == (mine if len(mine) <= 2 * limit else mine[:limit] + mine[-limit:])


class TestEvidence:
    def test_it_can_be_opened_again(self):
        row = sighting(5, offset=7, part=2, line=b"GET one.com", denied=True)
        (evidence,) = found(row).stages[Stage.VISITED].evidence
        assert (evidence.path, evidence.offset, evidence.length) == ("a.log", 7, 11)
        assert evidence.sha256 == hashlib.sha256(b"GET one.com").hexdigest()
        assert evidence.sighting == sighting_id("s", 7, row.indicator, 2)
        assert (evidence.instant, evidence.denied, evidence.stage) == (5, True, Stage.VISITED)

    def test_a_hundred_thousand_lines_keep_ten(self):
        findings = Findings(RULES, attribute)
        for start in range(0, 100_000, 20_000):
            findings.fold(batch(*(sighting(at, offset=at) for at in range(start, start + 20_000))))
        (finding,) = findings.all()
        count = finding.stages[Stage.VISITED]
        assert count.count == 100_000
        assert sorted(one.offset for one in count.evidence) == [*range(5), *range(99_995, 100_000)]

    def test_an_unknown_time_is_kept_as_the_earliest(self):
        finding = found(sighting(None), sighting(5))
        assert [one.instant for one in sorted(finding.stages[Stage.VISITED].evidence)] == [None, 5]

    @pytest.mark.parametrize("at", [(1 << 80), -(1 << 80)])
    def test_a_forged_instant_is_kept_at_the_edge_of_what_can_be(self, at):
        (evidence,) = found(sighting(at)).stages[Stage.VISITED].evidence
        assert abs(evidence.at) < 1 << 62
        assert evidence.instant is not None
        assert (evidence.at > 0) is (at > 0)
        assert found(sighting(at)).first_seen == evidence.at

    def test_evidence_is_told_by_time_then_log_then_place(self):
        rows = [batch(sighting(7, offset=9), sighting(7, offset=1), path=path) for path in ("b.log", "a.log")]
        (finding,) = folded(*rows).all()
        told = [(one.path, one.offset) for one in in_order(finding.stages[Stage.VISITED].kept)]
        assert told == [("a.log", 1), ("a.log", 9), ("b.log", 1), ("b.log", 9)]

    def test_findings_are_given_away_once(self):
        findings = folded(batch(sighting(), sighting(service="two")))
        assert [one.service for one in findings.given_away()] == ["one", "two"]
        assert findings.all() == []

    def test_findings_go_from_process_to_process(self):
        whole = folded(batch(sighting(5), sighting(5 + DAY, Stage.USED), sighting(None, service="two"))).all()
        assert pickle.loads(pickle.dumps(whole)) == whole

    def test_many_findings_go_in_pieces_and_are_gone_through_once(self):
        rows = [sighting(number, account=f"u{number}") for number in range(2 * PACKED_FINDINGS + 1)]
        whole = folded(batch(*rows)).all()
        there = pickle.loads(pickle.dumps(Found(whole, {"mutes": 1}, [])))
        assert list(there.findings) == whole
        assert list(there.findings) == []
        assert there.left_out == {"mutes": 1}

    def test_evidence_of_several_logs_is_the_same_in_any_order(self):
        parts = [folded(batch(sighting(at, offset=at), path=path)) for at in range(7) for path in ("b.log", "a.log")]
        wholes = []
        for ordered in (parts, parts[::-1], parts[1::2] + parts[::2]):
            whole = folded()
            for part in ordered:
                whole.merge(pickle.loads(pickle.dumps(part.all())))
            wholes.append(whole.all())
        assert wholes[0] == wholes[1] == wholes[2]
        evidence = wholes[0][0].stages[Stage.VISITED].evidence
        told = [(at, path) for at in range(7) for path in ("a.log", "b.log")]
        assert [(one.at, one.path) for one in evidence] == told[:5] + told[-5:]


class TestTimes:
    def test_unknown_times_give_no_day_and_no_first_or_last(self):
        finding = found(sighting(None), sighting(None))
        assert (finding.first_seen, finding.last_seen, finding.used_days, finding.sessions) == (None, None, set(), {})
        assert finding.sightings == 2

    def test_first_and_last_are_over_all_stages(self):
        finding = found(sighting(9), sighting(3, Stage.INVITED), sighting(None, Stage.USED))
        assert (finding.first_seen, finding.last_seen) == (3, 9)

    def test_days_are_utc_days_also_before_the_epoch(self):
        finding = found(sighting(-1), sighting(0), sighting(DAY - 1), sighting(DAY))
        assert finding.used_days == {-1, 0, 1}
        assert finding.stages[Stage.VISITED].days == {-1: 1, 0: 2, 1: 1}


class TestDenied:
    def test_an_attempt_is_counted_and_is_no_day_of_use(self):
        finding = found(sighting(0, denied=True), sighting(DAY))
        assert (finding.denied, finding.sightings, finding.used_days) == (1, 2, {1})

    def test_attempts_make_no_session(self):
        rows = [sighting(at, denied=True, host="app.one.com") for at in range(10)]
        assert found(*rows).reached(THRESHOLDS) == (Stage.VISITED, Confidence.CONFIRMED)


def sessions(*minutes, **more):
    return found(*(sighting(minute * MINUTE, host="app.one.com", **more) for minute in minutes))


class TestReached:
    def test_many_requests_to_the_product_on_one_day_are_probably_a_use(self):
        assert sessions(0, 1, 2, 3).reached(THRESHOLDS) == (Stage.VISITED, Confidence.CONFIRMED)
        assert sessions(0, 1, 2, 3, 4).reached(THRESHOLDS) == (Stage.USED, Confidence.PROBABLE)

    def test_so_are_requests_over_many_minutes(self):
        assert sessions(0, 9).reached(THRESHOLDS) == (Stage.VISITED, Confidence.CONFIRMED)
        assert sessions(0, 10).reached(THRESHOLDS) == (Stage.USED, Confidence.PROBABLE)

    def test_a_new_day_is_a_new_session(self):
        night = 24 * 60
        assert sessions(night - 9, night + 9).reached(THRESHOLDS)[0] is Stage.VISITED
        assert sessions(*range(night - 4, night + 4)).reached(THRESHOLDS)[0] is Stage.VISITED

    def test_the_public_site_is_no_product(self):
        rows = [sighting(minute * MINUTE) for minute in range(30)]
        assert found(*rows).reached(THRESHOLDS) == (Stage.VISITED, Confidence.CONFIRMED)

    def test_a_name_that_was_only_resolved_makes_no_session(self):
        rows = [sighting(minute * MINUTE, Stage.RESOLVED, host="app.one.com") for minute in range(30)]
        assert found(*rows).reached(THRESHOLDS) == (Stage.RESOLVED, Confidence.CONFIRMED)

    def test_what_is_proven_to_be_more_stays(self):
        rows = [sighting(minute * MINUTE, host="app.one.com") for minute in range(30)]
        assert found(*rows, sighting(0, Stage.UPLOADED)).reached(THRESHOLDS) == (Stage.UPLOADED, Confidence.CONFIRMED)
        assert found(*rows, sighting(0, Stage.USED)).reached(THRESHOLDS) == (Stage.USED, Confidence.CONFIRMED)

    def test_one_confirmed_sighting_of_a_stage_confirms_it(self):
        probable = sighting(0, Stage.USED, confidence=Confidence.PROBABLE)
        assert found(probable).reached(THRESHOLDS) == (Stage.USED, Confidence.PROBABLE)
        assert found(probable, sighting(1, Stage.USED)).reached(THRESHOLDS) == (Stage.USED, Confidence.CONFIRMED)

    def test_what_stands_beside_the_ladder_never_raises_it(self):
        assert found(sighting(0, Stage.PAID), sighting(0, Stage.RESOLVED)).reached(THRESHOLDS)[0] is Stage.RESOLVED
        assert found(sighting(0, Stage.PAID), sighting(0, Stage.SOLICITED)).reached(THRESHOLDS)[0] is Stage.PAID

    @pytest.mark.parametrize(("requests", "minutes", "stage"), [(1, 1000, Stage.USED), (1000, 1, Stage.VISITED)])
    def test_thresholds_are_the_signatures_own(self, requests, minutes, stage):
        assert sessions(0).reached(Thresholds(requests, minutes, 1, frozenset()))[0] is stage


class TestWho:
    def test_one_account_in_two_spellings_is_one_actor(self):
        (finding,) = folded(batch(sighting(account="U1")), batch(sighting(account="u1"), path="b.log")).all()
        assert finding.actor == Actor(ActorKind.ACCOUNT, "u1")
        assert finding.sources == {"a.log", "b.log"}

    def test_two_services_are_two_findings_in_order(self):
        findings = folded(batch(sighting(service="two"), sighting(account="z"), sighting(account="a"))).all()
        assert [(one.service, one.actor.name) for one in findings] == [("one", "a"), ("one", "z"), ("two", "u1")]

    def test_no_sightings_are_no_findings(self):
        assert folded(batch()).all() == []

    def test_merging_leaves_what_was_merged_as_it_was(self):
        part = folded(batch(sighting(3)))
        before = plain(part)
        merged = folded(batch(sighting(1)))
        merged.merge(part.all())
        merged.merge(part.all())
        assert plain(part) == before


def test_an_empty_count_and_an_empty_finding_have_no_times():
    assert StageCount() == StageCount()
    finding = Finding("one", Actor(ActorKind.UNKNOWN, "unknown"))
    assert (finding.first_seen, finding.last_seen, finding.sightings) == (None, None, 0)


class TestAttribution:
    def attribution(self, name, grade="high", unit="", one_of=1):
        return Attribution(Actor(ActorKind.PERSON, name), grade, unit, one_of)

    def test_evidence_of_several_kinds_meets_in_one_actor(self):
        said = {"u1": self.attribution("ann", "high", "Homicide"), "": self.attribution("ann", "medium", "Cyber", 2)}
        findings = Findings(RULES, lambda one: said[one.account])
        findings.fold(batch(sighting(), sighting(account="", mailbox="ann@x.ca", offset=9)))
        (finding,) = findings.all()
        assert (finding.sightings, finding.grade, finding.units, finding.one_of) == (
            2,
            "high",
            ("Cyber", "Homicide"),
            1,
        )

    def test_an_address_that_was_once_one_of_three_is_not_surely_one(self):
        actor = Actor(ActorKind.ADDRESS, "10.0.0.7")
        said = [Attribution(actor, "low", "", count) for count in (1, 3, 2)]
        assert several(actor, said) == 3
        assert several(Actor(ActorKind.PERSON, "p1"), said) == 1
        findings = Findings(RULES, lambda one: said[one.offset])
        findings.fold(batch(*(sighting(offset=offset) for offset in range(3))))
        assert findings.all()[0].one_of == 3

    def test_the_heaviest_verdict_counts_and_observers_are_left_out(self):
        rulings = {0: Verdict.APPROVED, 1: Verdict.AFTER_ORDER, 2: Verdict.UNAPPROVED}

        def judge(one, _attribution):
            return Ruling(Verdict.APPROVED, OBSERVED) if one.at is None else Ruling(rulings[one.at])

        parts = []
        for instants in ([0, 1, None], [2, None]):
            findings = Findings(RULES, attribute, judge)
            findings.fold(batch(*(sighting(at=at, offset=index) for index, at in enumerate(instants))))
            parts.append(findings)
        merged = Findings(RULES, attribute, judge)
        for part in parts:
            merged.merge(part.all(), part.left_out)
        (finding,) = merged.all()
        assert finding.verdict is Verdict.AFTER_ORDER
        assert finding.verdicts == {Verdict.APPROVED: 1, Verdict.AFTER_ORDER: 1, Verdict.UNAPPROVED: 1}
        assert merged.left_out == {OBSERVED: 2}

    def test_without_a_policy_everything_is_unreviewed(self):
        assert found(sighting()).verdict is Verdict.UNREVIEWED


class TestAttributed:
    def test_a_sighting_keeps_its_place_and_no_text(self):
        row = sighting(line=b"a line", offset=7, part=1, counterpart="x@one.com")
        (one,) = attributed(batch(row, path="b.log", stream="t"), attribute, source="proxy")
        assert one.id == sighting_id("t", 7, row.indicator, 1)
        assert (one.path, one.stream, one.offset, one.part, one.length) == ("b.log", "t", 7, 1, 6)
        assert one.sha256 == hashlib.sha256(b"a line").hexdigest()
        assert (one.actor, one.grade, one.source, one.counterpart) == (
            Actor(ActorKind.ACCOUNT, "u1"), "high", "proxy", "x@one.com",
        )  # fmt: skip
        assert (one.verdict, one.ruling) == (Verdict.UNREVIEWED, "")
        assert b"a line" not in repr(one).encode()

    def test_the_policy_judges_each_and_leaves_out_what_is_muted(self):
        def judge(one, _attribution):
            return Ruling(Verdict.APPROVED, MUTED) if one.denied else Ruling(Verdict.UNAPPROVED, "a-1")

        rows = list(attributed(batch(sighting(), sighting(denied=True, offset=9)), attribute, judge))
        assert [(one.verdict, one.ruling) for one in rows] == [(Verdict.UNAPPROVED, "a-1")]
