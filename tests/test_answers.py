"""Answers: the table of outcomes, who is found, and the law that less evidence never says more."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machine import examples, planned, small_ruleset

from detector.answers import Evidence, Origin, Outcome, Question, answer, conclude, kinds_of, parties
from detector.audit import Terms, audited
from detector.audit.ledger import ledger_of
from detector.coverage import HOUR, Hour, Ledger, Source, Unread, Window
from detector.coverage.sources import NEEDED
from detector.events import Col, Kind, Stage
from detector.findings import Attributed
from detector.match import Actor, ActorKind, Confidence
from detector.policy import EMPTY, Approval, Duty, Group, Order, Policy, Verdict
from detector.policy.decisions import Scope
from detector.report.answer import Reader, Showing, render
from detector.scan import Sample

SERVICE = small_ruleset()["clearview"]
LENGTH = 100
WINDOW = Window(0, LENGTH * HOUR)
ALL = frozenset({Kind.PROXY, Kind.DNS, Kind.MAIL})
FIELDS = frozenset(Col)
ORIGIN = Origin("0", "0" * 64)


def sighting(at=0, who="u1", stage=Stage.USED, **said):
    fields = {
        "id": f"{at}{who}{stage}", "service": SERVICE.id, "indicator": "i", "stage": stage,
        "confidence": Confidence.CONFIRMED, "at": at, "denied": False, "actor": Actor(ActorKind.ACCOUNT, who),
        "grade": "high", "one_of": 1, "unit": "", "host": "", "bytes_sent": 1, "counterpart": "", "kind": Kind.PROXY,
        "dataset": "squid", "source": "proxy", "path": "a.log", "stream": "s", "offset": 0, "part": 0, "length": 1,
        "sha256": "00", "verdict": Verdict.UNREVIEWED, "ruling": "",
    } | said  # fmt: skip
    return Attributed(**fields)


def hours(name, kind, which, **said):
    numbers = {"lines": 10, "parsed": 4, "unparsed": 0, "bytes": 100} | said
    return tuple(Hour(name, kind, hour, *numbers.values()) for hour in which)


def source(kind, which=range(LENGTH), name="", **said):
    name = name or kind.value
    return Source(name, kind, hours(name, kind, which), **{"silence_s": 3600, "fields": FIELDS} | said)


def ledger(*sources, **said):
    return Ledger(WINDOW, sources, **said)


def asked(**said):
    return Question(**{"service": SERVICE.id, "window": WINDOW, "needed": ALL} | said)


def outcome(ledger, *sightings, **said):
    found, lacking = conclude(asked(**said), parties(sightings, SERVICE.thresholds), ledger)
    return found, [(one.kind, one.place) for one in lacking]


PROXY, DNS, MAIL = source(Kind.PROXY), source(Kind.DNS), source(Kind.MAIL)


class TestOutcomes:
    @pytest.mark.parametrize(
        ("sources", "expected", "lacking"),
        [
            ((PROXY, DNS, MAIL), Outcome.NOT_OBSERVED, []),
            ((PROXY, DNS), Outcome.NOT_OBSERVED_SHORT, [("not-read", "mail")]),
            ((MAIL,), Outcome.NOT_OBSERVED_SHORT, [("not-read", "proxy"), ("not-read", "dns")]),
            ((DNS,), Outcome.CANNOT_SAY, [("nothing", "mail, proxy"), ("not-read", "proxy"), ("not-read", "mail")]),
            ((), Outcome.CANNOT_SAY,
             [("nothing", "mail, proxy"), ("not-read", "proxy"), ("not-read", "dns"), ("not-read", "mail")]),
            ((source(Kind.PROXY, range(94)), DNS, MAIL), Outcome.NOT_OBSERVED_SHORT, [("short", "proxy")]),
            ((source(Kind.PROXY, range(95)), DNS, MAIL), Outcome.NOT_OBSERVED, []),
            ((PROXY, source(Kind.PROXY, range(9), "east"), DNS, MAIL), Outcome.NOT_OBSERVED, []),
            ((PROXY, source(Kind.PROXY, range(9), "east", is_declared=True), DNS, MAIL), Outcome.NOT_OBSERVED_SHORT,
             [("short", "east")]),
            ((source(Kind.PROXY, range(50), "w"), source(Kind.PROXY, range(40, 100), "e"), DNS, MAIL),
             Outcome.NOT_OBSERVED, []),
            ((source(Kind.PROXY, range(50), "w"), source(Kind.PROXY, range(60, 100), "e"), DNS, MAIL),
             Outcome.NOT_OBSERVED_SHORT, [("short", "proxy")]),
            ((replace(PROXY, sighted=False), DNS, MAIL), Outcome.CANNOT_SAY, [("canary", "proxy"), ("short", "proxy")]),
        ],
    )  # fmt: skip
    def test_what_is_read_decides(self, sources, expected, lacking):
        assert outcome(ledger(*sources)) == (expected, lacking)

    def test_a_log_that_is_not_what_its_format_says_is_no_evidence(self):
        broken = replace(PROXY, hours=hours("proxy", Kind.PROXY, range(LENGTH), parsed=1, unparsed=9))
        assert outcome(ledger(broken, DNS), needed=frozenset({Kind.PROXY, Kind.DNS}))[0] is Outcome.CANNOT_SAY
        doubtful = replace(PROXY, hours=hours("proxy", Kind.PROXY, range(LENGTH), parsed=6, unparsed=4))
        assert outcome(ledger(doubtful, DNS, MAIL)) == (Outcome.NOT_OBSERVED_SHORT, [("short", "proxy")])

    @pytest.mark.parametrize("kind", [Kind.PROXY, Kind.MAIL])
    def test_a_log_without_names_or_times_covers_nothing(self, kind):
        for group in NEEDED[kind]:
            blind = replace(source(kind), fields=FIELDS - group)
            others = [one for one in (PROXY, DNS, MAIL) if one.kind is not kind]
            assert outcome(ledger(blind, *others))[0] is Outcome.NOT_OBSERVED_SHORT
            assert outcome(ledger(blind), needed=frozenset({kind}))[0] is Outcome.CANNOT_SAY

    def test_a_format_that_nobody_sampled_is_trusted(self):
        assert outcome(ledger(replace(PROXY, fields=None), DNS, MAIL))[0] is Outcome.NOT_OBSERVED

    def test_what_was_not_read_at_an_unknown_time_is_a_but(self):
        gap = Unread("proxy", "b.gz", 5 * HOUR, None, "cut")
        assert outcome(ledger(replace(PROXY, unread=(gap,)), DNS, MAIL)) == (
            Outcome.NOT_OBSERVED_SHORT, [("unplaced", "b.gz")],
        )  # fmt: skip
        later = Unread("proxy", "b.gz", LENGTH * HOUR, None, "cut")
        assert outcome(ledger(replace(PROXY, unread=(later,)), DNS, MAIL)) == (Outcome.NOT_OBSERVED, [])
        stray = Unread("", "notes.txt", None, None, "no log format reads its lines")
        assert outcome(ledger(PROXY, DNS, MAIL, stray=(stray,)))[1] == [("unplaced", "notes.txt")]

    def test_what_was_not_read_at_a_known_time_is_taken_off(self):
        gap = Unread("proxy", "b.log", 5 * HOUR, 30 * HOUR, "removed")
        read = ledger(replace(PROXY, unread=(gap,)), DNS, MAIL)
        assert outcome(read) == (Outcome.NOT_OBSERVED_SHORT, [("short", "proxy")])
        assert read.sources[0].gaps(WINDOW) == ((5 * HOUR, 31 * HOUR),)

    def test_look_ups_answer_a_question_about_look_ups(self):
        assert outcome(ledger(DNS), stage=Stage.RESOLVED, needed=frozenset({Kind.DNS}))[0] is Outcome.NOT_OBSERVED

    @pytest.mark.parametrize(
        ("row", "found"),
        [
            (sighting(stage=Stage.SIGNED_UP), True),
            (sighting(stage=Stage.UPLOADED, at=None), True),
            (sighting(stage=Stage.VISITED), False),
            (sighting(stage=Stage.USED, denied=True), False),
            (sighting(stage=Stage.SOLICITED), False),
            (sighting(stage=Stage.CLOSED), True),
            (sighting(stage=Stage.PAID), True),
        ],
    )
    def test_somebody_at_the_stage_is_found_whatever_was_read(self, row, found):
        assert (outcome(ledger(), row)[0] is Outcome.FOUND) == found
        assert outcome(ledger(PROXY, DNS, MAIL), row)[0] is (Outcome.FOUND if found else Outcome.NOT_OBSERVED)

    def test_many_requests_to_the_product_are_probably_a_use(self):
        rows = [sighting(at=at, stage=Stage.VISITED, host="app.clearview.ai") for at in range(5)]
        (party,) = parties(rows, SERVICE.thresholds)
        assert (party.stage, party.confidence) == (Stage.USED, Confidence.PROBABLE)
        assert outcome(ledger(), *rows)[0] is Outcome.FOUND
        assert outcome(ledger(), *rows[:4])[0] is Outcome.CANNOT_SAY


class TestParties:
    def test_one_row_for_each_actor_highest_stage_first(self):
        rows = [
            sighting(at=9, who="u2", stage=Stage.VISITED),
            sighting(at=5, who="u1", stage=Stage.SIGNED_UP),
            sighting(at=86_400_000_000, who="u1", stage=Stage.UPLOADED, unit="Cyber", verdict=Verdict.AFTER_ORDER,
                     ruling="stop", confidence=Confidence.PROBABLE),
            sighting(at=None, who="u3", stage=Stage.RESOLVED, denied=True, grade="low", one_of=4),
        ]  # fmt: skip
        for order in (rows, rows[::-1]):
            one, two, three = parties(order, SERVICE.thresholds)
            assert (one.actor.name, one.stage, one.confidence) == ("u1", Stage.UPLOADED, Confidence.PROBABLE)
            assert (one.first, one.last, one.days, one.sightings) == (5, 86_400_000_000, 2, 2)
            assert one.units == ("Cyber",)
            assert one.verdicts == ((Verdict.AFTER_ORDER, 1), (Verdict.UNREVIEWED, 1))
            assert one.rulings == ("stop",)
            assert [row.stage for row in one.stages] == [Stage.UPLOADED, Stage.SIGNED_UP]
            assert one.per_day == ((0, Stage.SIGNED_UP, 1), (1, Stage.UPLOADED, 1))
            assert (two.actor.name, two.is_attempt) == ("u2", False)
            assert (three.first, three.days, three.attempts, three.grade, three.one_of) == (None, 0, 1, "low", 4)
            assert three.is_attempt

    def test_only_the_earliest_and_the_latest_are_shown_as_evidence(self):
        rows = [sighting(at=at, offset=at) for at in range(20)]
        (party,) = parties(rows, SERVICE.thresholds)
        assert [one.at for one in party.evidence] == [0, 1, 2, 17, 18, 19]


def test_the_answer_knows_found_and_traces_and_leaves_out_what_is_not_asked():
    rows = [
        sighting(at=1), sighting(at=2, who="u2", stage=Stage.VISITED), sighting(at=LENGTH * HOUR, who="u3"),
        sighting(at=3, who="u4", service="other"), sighting(at=None, who="u5"),
    ]  # fmt: skip
    given_ = answer(asked(), SERVICE, Evidence(rows, ledger(PROXY)), ORIGIN)
    assert given_.outcome is Outcome.FOUND
    assert not given_.is_covered
    assert [one.actor.name for one in given_.found] == ["u1", "u5"]
    assert [one.actor.name for one in given_.traces] == ["u2"]


def test_a_service_shows_in_the_kinds_of_log_that_its_signature_speaks_of():
    assert kinds_of(SERVICE) == ALL
    assert kinds_of(small_ruleset()["cloud"]) == {Kind.PROXY, Kind.DNS}


def test_strength_has_one_order():
    assert [one.strength for one in Outcome] == [3, 2, 1, 0]
    assert len({one.words for one in Outcome}) == len(Outcome)


@st.composite
def evidence(draw):
    """(sources, sightings): small windows, so that every case of the table comes."""
    sources = []
    for number in range(draw(st.integers(0, 4))):
        kind, name = draw(st.sampled_from(sorted(ALL))), f"s{number}"
        missing = draw(st.sets(st.integers(0, LENGTH - 1), max_size=8)) | set(range(draw(st.integers(0, LENGTH))))
        bad = draw(st.sets(st.integers(0, LENGTH - 1), max_size=4))
        rows = [
            Hour(name, kind, hour, 9, *((1, 8) if hour in bad else (8, 1)), 90)
            for hour in range(LENGTH)
            if hour not in missing
        ]
        fields = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=3)).symmetric_difference(FIELDS)
        silence = draw(st.sampled_from([3600, 4 * 3600, 86_400]))
        sources.append(
            Source(
                name, kind, tuple(rows), silence, frozenset(fields), draw(st.integers(0, 9)) > 0,
                is_declared=draw(st.booleans()),
            )
        )  # fmt: skip
    rows = st.builds(
        sighting, st.integers(0, LENGTH * HOUR), st.sampled_from(["u1", "u2", "u3"]),
        st.sampled_from([Stage.RESOLVED, Stage.VISITED, Stage.SIGNED_UP, Stage.USED, Stage.CLOSED]),
        denied=st.booleans(), host=st.sampled_from(["", "app.clearview.ai"]), source=st.sampled_from(["s0", "s1"]),
    )  # fmt: skip
    return tuple(sources), tuple(draw(st.lists(rows, max_size=8)))


def strength(sources, sightings):
    given_ = answer(asked(), SERVICE, Evidence(sightings, Ledger(WINDOW, sources)), ORIGIN)
    return given_.outcome.strength, given_.is_covered


class TestLessEvidenceNeverSaysMore:
    @settings(deadline=None, max_examples=examples(300))
    @given(evidence(), st.integers(0, 3), st.integers(0, LENGTH - 1))
    def test_without_an_hour_of_a_log(self, known, place, hour):
        sources, sightings = known
        if place >= len(sources):
            return
        lost = sources[place]
        fewer = replace(lost, hours=tuple(one for one in lost.hours if one.hour != hour))
        rest = tuple(one for one in sightings if one.source != lost.name or one.at // HOUR != hour)
        assert strength((*sources[:place], fewer, *sources[place + 1 :]), rest) <= strength(*known)

    @settings(deadline=None, max_examples=examples(300))
    @given(evidence(), st.integers(0, 3), st.sampled_from(sorted(FIELDS)))
    def test_without_a_column_of_a_source(self, known, place, column):
        sources, sightings = known
        if place >= len(sources):
            return
        fewer = replace(sources[place], fields=sources[place].fields - {column})
        assert strength((*sources[:place], fewer, *sources[place + 1 :]), sightings) <= strength(*known)

    @settings(deadline=None, max_examples=examples(300))
    @given(evidence(), st.sampled_from(["u1", "u2", "u3"]))
    def test_without_a_person(self, known, who):
        sources, sightings = known
        assert strength(sources, tuple(one for one in sightings if one.actor.name != who)) <= strength(*known)

    def test_the_cases_that_the_law_is_tried_on_are_not_all_alike(self):
        seen = set()

        @settings(deadline=None, max_examples=400, database=None)
        @given(evidence())
        def look(known):
            seen.add(strength(*known))

        look()
        assert {one for one, _ in seen} >= {0, 1, 3}


def told(*rows, reader=Reader.PUBLIC, form="md", given_policy=EMPTY, **said):
    """What a reader is told of some sightings."""
    read = said.pop("read", ledger(PROXY, DNS, MAIL))
    origin = Origin("0", "0" * 64, said.pop("canaries", (("squid", True),)))
    given_ = answer(asked(**said), SERVICE, Evidence(rows, read, given_policy), origin)
    return re.sub(r"\s+", " ", render(given_, Showing(reader), form))


ORDER = Order(
    id="stop", scope=Scope(frozenset({SERVICE.id})), effective=50 * HOUR, breach_from=60 * HOUR, lifted=None,
    addressees=Group(), duties=(Duty.STOP, Duty.DELETE_ACCOUNT), reference="", statement="It is not used.",
)  # fmt: skip
APPROVAL = Approval(
    id="trial", scope=Scope(frozenset({SERVICE.id})), group=Group(units=frozenset({"lab"})), purposes=("tests",),
    needs_reference=False, max_stage=None, given=0, valid_from=0, valid_until=90 * HOUR, reference="", approver="x",
    statement="",
)  # fmt: skip
AFTER = {"verdict": Verdict.AFTER_ORDER, "ruling": "stop"}


class TestWords:
    def test_a_use_at_an_unknown_time_is_said_to_be_one(self):
        assert "The time of these records cannot be read" in told(sighting(at=None))
        assert "at a time that cannot be read" in told(sighting(at=None), reader=Reader.INTERNAL)

    def test_what_was_found_in_small_numbers_is_dated_by_the_month(self):
        assert "These records are from 1970-01." in told(sighting(at=5))
        many = [sighting(at=5, who=f"u{number}") for number in range(5)]
        assert "These records are from 1970-01-01." in told(*many)
        late = sighting(at=50 * HOUR, who="u9")
        assert "The first of these records is from 1970-01-01, the last from 1970-01-03." in told(*many, late)
        assert "5 accounts or addresses" in told(*many)
        people = [one._replace(actor=Actor(ActorKind.PERSON, one.actor.name)) for one in many]
        assert "5 people signed up" in told(*people)

    def test_days_are_not_broken_on_a_page_and_nothing_else_is_markup(self):
        page = told(sighting(at=5), reader=Reader.INTERNAL, form="html")
        assert 'first seen on <span class="d">1970-01-01</span>, last on <span class="d">1970-01-01</span>.' in page
        assert "&lt;span" not in page
        hostile = SERVICE._replace(name="<b>2020-01-01</b>")
        given_ = answer(asked(), hostile, Evidence((), ledger(PROXY)), Origin("0", ""))
        page = render(given_, Showing(Reader.INTERNAL), "html")
        assert '&lt;b&gt;<span class="d">2020-01-01</span>&lt;/b&gt;' in page

    def test_what_was_sent_is_no_zero_where_no_log_says_it(self):
        silent = replace(PROXY, fields=frozenset({Col.AT, Col.DOMAIN}))
        quiet = [replace(one, fields=frozenset({Col.AT})) for one in (DNS, MAIL)]
        text = told(sighting(bytes_sent=0), reader=Reader.INTERNAL, read=ledger(silent, *quiet))
        assert "| not logged |" in text
        assert "| 0 B |" not in text
        loud = replace(silent, fields=frozenset({Col.AT, Col.DOMAIN, Col.BYTES_SENT}))
        assert "| 0 B |" in told(sighting(bytes_sent=0), reader=Reader.INTERNAL, read=ledger(loud, *quiet))
        assert "| 7 B |" in told(sighting(bytes_sent=7), reader=Reader.INTERNAL, read=ledger(silent, *quiet))

    def test_traces_stand_behind_what_was_read_and_prove_nothing(self):
        text = told(sighting(), sighting(who="u2", stage=Stage.VISITED), reader=Reader.INTERNAL)
        assert "1 other left traces below that stage: these prove neither an account nor a use." in text
        assert "it is no proof against a person" in text
        places = [text.index(f"## {one}") for one in ("Who", "What was read", "Traces below that stage", "Evidence")]
        assert places == sorted(places)
        assert "no proof against a person" not in told(reader=Reader.INTERNAL)

    def test_a_canary_that_failed_is_told_to_everybody(self):
        for reader in Reader:
            text = told(
                reader=reader, read=ledger(replace(PROXY, sighted=False), DNS, MAIL), canaries=(("squid", False),)
            )
            assert "synthetic" in text, reader
        assert "it cannot be relied on here" in told(canaries=(("squid", False),))

    def test_nothing_read_is_said(self):
        assert "No log could be read" in told(read=ledger(), canaries=())
        assert "do not allow us to say" in told(read=ledger(), canaries=())

    def test_many_gaps_are_cut_short(self):
        holes = source(Kind.PROXY, range(0, LENGTH, 3))
        assert "other stretches" in told(read=ledger(holes, DNS, MAIL))
        text = told(reader=Reader.INTERNAL, read=ledger(source(Kind.PROXY, range(0, LENGTH, 2)), DNS, MAIL))
        assert "The longest 40 of 50" in text

    def test_columns_that_are_missing_are_named(self):
        blind = replace(PROXY, fields=FIELDS - {Col.DOMAIN, Col.URL, Col.SERVER_NAME})
        text = told(reader=Reader.INTERNAL, form="json", read=ledger(blind, DNS, MAIL))
        assert '"can_show": false' in text
        assert "MISSING" in told(reader=Reader.INTERNAL, read=ledger(blind, DNS, MAIL))
        assert "not sampled" in told(reader=Reader.INTERNAL, read=ledger(replace(PROXY, fields=None), DNS, MAIL))

    def test_a_source_with_logs_of_two_kinds_is_two_by_name(self):
        both = (source(Kind.DNS, name="zeek"), source(Kind.PROXY, range(9), name="zeek", is_declared=True))
        text = told(reader=Reader.INTERNAL, form="json", read=ledger(*both, MAIL))
        assert '"name": "zeek (web proxy)"' in text
        assert '"name": "zeek (name look-up (DNS))"' in text
        text = told(reader=Reader.LEADERSHIP, form="json", read=ledger(*both, MAIL))
        assert [row["name"] for row in json.loads(text)["coverage"]["sources"]] == [
            "name look-up (DNS) 1", "web proxy 1", "mail 1",
        ]  # fmt: skip
        assert "zeek" not in text

    def test_signs_are_said(self):
        sample = Sample(events=100, flows=20, nameless=2, resolvers=2, hidden=3, backward=3600 * 1_000_000)
        odd = replace(PROXY, sample=sample, files=4, late=1, ahead=2)
        text = told(reader=Reader.INTERNAL, form="json", read=ledger(odd, DNS, MAIL, people=10, seen=4))
        for words in ("10 % of the sampled requests", "public resolver", "ECH", "step back by up to 1 h",
                      "a clock is wrong", "finished more than a week", "4 of 10 people"):  # fmt: skip
            assert words in text

    def test_one_of_several_and_refused_attempts_are_told(self):
        text = told(sighting(one_of=3, grade="low"), sighting(who="u2", denied=True), reader=Reader.INTERNAL)
        assert "account, low confidence, one of 3" in text
        assert "used, refused" in text.replace("\\_", "_")
        assert "1 other left traces" in told(sighting(), sighting(who="u2", denied=True), reader=Reader.LEADERSHIP)
        assert "Nobody is seen" in told(reader=Reader.LEADERSHIP)

    def test_an_order_with_a_grace_period(self):
        policy = Policy(digest="d", orders=(ORDER,))
        rows = [sighting(at=10 * HOUR, stage=Stage.SIGNED_UP), sighting(at=55 * HOUR), sighting(at=70 * HOUR, **AFTER),
                sighting(at=71 * HOUR, denied=True)]  # fmt: skip
        text = told(*rows, reader=Reader.INTERNAL, given_policy=policy)
        assert "a use is a breach from 1970-01-03 12\\:00" in text or "a use is a breach from 1970-01-03 12:00" in text
        assert "BREACH" in text
        assert "1 use (1 day), 1 refused" in text
        assert "still open" in text
        assert "After it, use by fewer than 5 people is seen" in told(*rows, given_policy=policy)
        assert "It is not used" not in text

    def test_background_requests_are_told_apart(self):
        policy = Policy(digest="d", orders=(ORDER,))
        requests = {"stage": Stage.VISITED, "host": "app.clearview.ai", **AFTER}
        beats = [
            sighting(at=70 * HOUR + number * 600_000_000, offset=number, id=f"b{number}", **requests)
            for number in range(8)
        ]
        text = told(sighting(at=HOUR), *beats, reader=Reader.INTERNAL, given_policy=policy)
        assert "8 background" in text
        assert "UNPROVEN" in text
        assert "does not prove that there was none" in told(sighting(at=HOUR), *beats, given_policy=policy)

    def test_approvals(self):
        policy = Policy(digest="d", approvals=(APPROVAL,))
        within = {"verdict": Verdict.APPROVED, "ruling": "trial", "unit": "lab"}
        assert "All of it lies within approvals" in told(sighting(**within), given_policy=policy)
        mixed = (sighting(**within), sighting(who="u2", verdict=Verdict.UNAPPROVED))
        assert "Some of it lies within an approval" in told(*mixed, given_policy=policy)
        assert "None of it is shown to lie" in told(mixed[1], given_policy=policy)
        text = told(*mixed, reader=Reader.INTERNAL, given_policy=policy)
        assert "1 within and 1 outside" in text
        assert "No use was seen" in told(reader=Reader.INTERNAL, given_policy=policy)


START = 1_582_000_000 // 3600 * 3600
HOSTS = ["example.org", "example.org", "clearview.ai", "app.clearview.ai"]


def written(path, lines):
    path.write_text("".join(
        f"{START + 3600 * hour + minute}.000 3 10.0.0.1 TCP_TUNNEL/200 9 CONNECT {host}:443 {who} HIER_DIRECT/- -\n"
        for hour, minute, host, who in sorted(lines)
    ))  # fmt: skip
    return path


def strength_of(path, catalogue):
    """Of the answer that an audit of one log gives about a fixed window."""
    window = Window(START * 1_000_000, (START + 40 * 3600) * 1_000_000)
    inputs = planned([path], "squid", gap_s=2 * 3600)
    done = audited(inputs, catalogue, Terms(version="0", services=frozenset({SERVICE.id}), keep=True))
    read = ledger_of(inputs, done.coverage, done.report.canaries, window)
    question = Question(SERVICE.id, window, frozenset({Kind.PROXY}))
    return answer(question, SERVICE, Evidence(done.sightings, read), ORIGIN).outcome.strength


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.tuples(st.integers(0, 39), st.integers(0, 3599), st.sampled_from(HOSTS), st.sampled_from(["u1", "u2"])),
        min_size=1, max_size=120,
    ),
    lost=st.integers(0, 39),
    who=st.sampled_from(["u1", "u2"]),
)  # fmt: skip
def test_less_of_a_real_log_never_says_more(lines, lost, who, tmp_path, ruleset):
    whole = strength_of(written(tmp_path / "a.log", lines), ruleset)
    fewer = [line for line in lines if line[0] != lost]
    assert strength_of(written(tmp_path / "a.log", fewer), ruleset) <= whole
    assert strength_of(written(tmp_path / "a.log", [line for line in lines if line[3] != who]), ruleset) <= whole
