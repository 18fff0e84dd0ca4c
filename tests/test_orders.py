"""Orders to cease use: before, grace, after; by a person or by a program; followed, broken or not to be told."""

import csv
import io
import json
import re
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from storied import audited_story

from detector.answers.clockwork import BEATS, background
from detector.answers.orders import Compliance, Deletion, Phase, covered_behind, followed
from detector.cli import run
from detector.coverage import Hour, Ledger, Source, Window
from detector.events import Kind, Stage, from_iso, to_iso
from detector.findings import Attributed
from detector.identity import pseudonym
from detector.match import Actor, ActorKind, Confidence
from detector.policy import Duty, Group, Order, Policy, Subject, Verdict
from detector.policy.decisions import Scope
from detector.policy.words import Act
from detector.report.orders import as_text
from detector.store import Store

HOUR = 3_600_000_000
DAY = 24 * HOUR
ORDER = from_iso("2020-02-28T17:00:00Z")
UNTIL = ORDER + 30 * DAY
THE_ORDER = Order(
    "stop", Scope(frozenset({"clearview-ai"})), ORDER, ORDER + DAY, None, Group(), (Duty.STOP, Duty.DELETE_ACCOUNT),
    "", "",
)  # fmt: skip
AT = from_iso("2020-02-27T00:00:00Z")
numbers = count()


@pytest.fixture
def shadowit(capsysbinary):
    def call(*arguments):
        status = run([str(one) for one in arguments])
        out, err = capsysbinary.readouterr()
        return status, out.decode(), err.decode()

    return call


def seen(at, stage=Stage.USED, who="u1", order=THE_ORDER, **others):
    """A sighting, judged by a policy that holds the order."""
    denied = others.pop("denied", False)
    unit = others.pop("unit", "robbery")
    number = next(numbers)
    ruling = Policy("d", orders=(order,)).judge(
        Act("clearview-ai", "x", stage, at, denied, ""), Subject(frozenset({who}), unit)
    )
    whole = Attributed(
        id=f"s{number}", service="clearview-ai", indicator="i", stage=stage, confidence=Confidence.CONFIRMED, at=at,
        denied=denied, actor=Actor(ActorKind.PERSON, who), grade="high", one_of=1, unit=unit, host="app.clearview.ai",
        bytes_sent=0, counterpart="", kind=Kind.PROXY, dataset="squid", source="", path="a.log", stream="s",
        offset=number, part=0, length=1, sha256="", verdict=ruling.verdict, ruling=ruling.by,
    )  # fmt: skip
    return whole._replace(**others)


def one(*sightings, order=THE_ORDER, covered=1.0):
    (follower,) = followed(order, sightings, until=UNTIL, covered=covered).followers
    return follower


class TestPhases:
    def test_before_grace_and_after(self):
        found = one(
            seen(ORDER - 2 * DAY), seen(ORDER - 1), seen(ORDER), seen(ORDER + DAY - 1), seen(ORDER + DAY),
            seen(ORDER + 2 * DAY, denied=True, stage=Stage.RESOLVED), seen(ORDER + 2 * DAY, stage=Stage.RESOLVED),
        )  # fmt: skip
        assert found.before == Phase(used=2, days=2)
        assert found.grace == Phase(used=2, days=2)
        assert found.after == Phase(used=1, blocked=1, looked_up=1, days=1)
        assert (found.last_before, found.first_after, found.last_use) == (ORDER - 1, ORDER + DAY, ORDER + DAY)
        assert (found.compliance, found.reason) == (Compliance.BREACH, "1 use after the grace period")

    def test_what_was_behind_the_end_is_not_looked_at(self):
        assert one(seen(ORDER - 1), seen(UNTIL)).compliance is Compliance.COMPLIANT

    def test_who_only_got_mail_or_looked_up_is_nobody_to_be_told_of(self):
        rows = [seen(ORDER, stage) for stage in (Stage.SOLICITED, Stage.INVITED, Stage.RESOLVED, Stage.CONTACTED)]
        assert followed(THE_ORDER, rows, until=UNTIL, covered=1.0).followers == ()

    def test_units_grade_and_number_of_people_are_told(self):
        found = one(
            seen(ORDER - 1, grade="low", one_of=9, unit="b"), seen(ORDER - 2, grade="medium", one_of=3, unit="a"),
            seen(ORDER - 3, unit="", grade="low"),
        )  # fmt: skip
        assert (found.grade, found.one_of, found.units) == ("medium", 1, ("a", "b"))


class TestCompliance:
    def test_no_use_after_is_compliant_where_the_logs_cover_it(self):
        assert one(seen(ORDER - 1)).compliance is Compliance.COMPLIANT
        short = one(seen(ORDER - 1), covered=0.9)
        assert (short.compliance, short.reason) == (Compliance.UNPROVEN, "the logs cover 90.0 % of the time after it")

    def test_a_breach_is_one_whatever_the_logs_cover(self):
        assert one(seen(ORDER + DAY), covered=0.0).compliance is Compliance.BREACH

    @pytest.mark.parametrize("stage", [Stage.RESOLVED, Stage.CLOSED, Stage.SOLICITED, Stage.CONTACTED])
    def test_what_is_no_use_is_no_breach(self, stage):
        assert one(seen(ORDER - 1), seen(ORDER + 2 * DAY, stage)).compliance is Compliance.COMPLIANT
        assert one(seen(ORDER - 1), seen(ORDER + 2 * DAY, denied=True)).compliance is Compliance.COMPLIANT

    def test_a_use_without_a_time_proves_nothing(self):
        found = one(seen(None), seen(ORDER - 1))
        assert (found.compliance, found.reason) == (Compliance.UNPROVEN, "1 use whose time cannot be read")

    def test_what_a_later_approval_allows_is_no_breach(self):
        found = one(seen(ORDER - 1), seen(ORDER + 2 * DAY, verdict=Verdict.APPROVED, ruling="later"))
        assert (found.compliance, found.allowed_after, found.first_after) == (Compliance.COMPLIANT, 1, None)

    def test_who_is_not_bound_cannot_break_it(self):
        narrow = THE_ORDER._replace(addressees=Group(frozenset({"homicide"})))
        found = one(seen(ORDER + 2 * DAY, order=narrow), order=narrow, covered=0.0)
        assert (found.is_bound, found.compliance, found.allowed_after) == (False, Compliance.COMPLIANT, 1)
        mine = one(seen(ORDER - 1, order=narrow, unit="homicide"), order=narrow, covered=0.0)
        assert (mine.is_bound, mine.compliance) == (True, Compliance.UNPROVEN)

    def test_of_all_together(self):
        rows = [seen(ORDER - 1, who="a"), seen(ORDER - 1, who="b"), seen(ORDER + 2 * DAY, who="b")]
        whole = followed(THE_ORDER, rows, until=UNTIL, covered=1.0)
        assert [one.actor.name for one in whole.followers] == ["b", "a"]
        assert whole.compliance is Compliance.BREACH
        assert followed(THE_ORDER, rows[:1], until=UNTIL, covered=1.0).compliance is Compliance.COMPLIANT
        assert followed(THE_ORDER, rows[:1], until=UNTIL, covered=0.5).compliance is Compliance.UNPROVEN
        assert followed(THE_ORDER, [], until=UNTIL, covered=0.5).compliance is Compliance.UNPROVEN
        assert followed(THE_ORDER, [], until=UNTIL, covered=0.5, required=0.5).compliance is Compliance.COMPLIANT


class TestCoverage:
    def ledger(self, since, hours):
        rows = tuple(Hour("proxy", Kind.PROXY, ORDER // HOUR + place, 9, 9, 0, 99) for place in range(hours))
        return Ledger(Window(since, ORDER + 100 * HOUR), (Source("proxy", Kind.PROXY, rows, 3600),))

    def test_only_the_time_behind_the_grace_period_counts(self):
        kinds = (Kind.PROXY,)
        whole = self.ledger(ORDER - 100 * HOUR, 100)
        assert covered_behind(THE_ORDER, kinds, whole) == pytest.approx(1.0, abs=0.02)
        assert covered_behind(THE_ORDER._replace(breach_from=ORDER - 900 * HOUR), kinds, whole) < 0.6
        half = covered_behind(THE_ORDER._replace(breach_from=ORDER), kinds, self.ledger(ORDER, 50))
        assert half == pytest.approx(0.5, abs=0.02)

    def test_of_several_kinds_the_least_counts(self):
        assert covered_behind(THE_ORDER, (Kind.PROXY, Kind.MAIL), self.ledger(ORDER, 100)) == 0.0
        assert covered_behind(THE_ORDER, (), self.ledger(ORDER, 100)) == 0.0

    def test_where_nothing_lies_behind_the_whole_window_counts(self):
        late = THE_ORDER._replace(breach_from=ORDER + 900 * HOUR)
        assert covered_behind(late, (Kind.PROXY,), self.ledger(ORDER, 100)) == pytest.approx(1.0, abs=0.02)


class TestBackground:
    def beats(self, number=BEATS, step=HOUR, start=ORDER + 2 * DAY, **others):
        return [seen(start + place * step, Stage.VISITED, **others) for place in range(number)]

    def test_requests_by_the_clock_are_a_programs(self):
        rows = self.beats()
        assert background(rows) == {one.id for one in rows}
        found = one(*rows)
        assert (found.compliance, found.after.background) == (Compliance.UNPROVEN, BEATS)
        assert found.reason == "6 background requests: a program was left running"

    def test_beats_may_be_missed_and_shake(self):
        rows = self.beats(20)
        del rows[7], rows[11:13]
        shaken = [one._replace(at=one.at + (place % 3) * HOUR // 40) for place, one in enumerate(rows)]
        assert background(shaken) == {one.id for one in rows}

    @pytest.mark.parametrize(
        "rows",
        [
            lambda self: self.beats(BEATS - 1),
            lambda self: self.beats(bytes_sent=4096),
            lambda self: self.beats(step=1_000_000),
            lambda self: self.beats(step=0),
            lambda self: self.beats(host=""),
            lambda _: [seen(ORDER + 2 * DAY + at * HOUR, Stage.VISITED) for at in (0, 1, 1, 4, 9, 11, 30, 31)],
            lambda _: [seen(ORDER + 2 * DAY + at * HOUR, Stage.USED) for at in range(9)],
            lambda _: [seen(None, Stage.VISITED) for _ in range(9)],
        ],
    )
    def test_others_are_a_persons(self, rows):
        assert background(rows(self)) == frozenset()

    def test_one_request_by_hand_is_a_breach(self):
        found = one(*self.beats(), seen(ORDER + 3 * DAY, Stage.SIGNED_IN))
        assert (found.compliance, found.reason) == (Compliance.BREACH, "1 use after the grace period")

    @given(st.integers(BEATS, 40), st.integers(5_000_000, 10 * HOUR), st.randoms(use_true_random=False))
    def test_the_order_of_the_rows_never_matters(self, number, step, random):
        rows = self.beats(number, step)
        mixed = rows.copy()
        random.shuffle(mixed)
        assert background(mixed) == background(rows) == {one.id for one in rows}


class TestDeletion:
    @pytest.mark.parametrize(
        ("stages", "expected"),
        [
            ([Stage.VISITED], Deletion.NO_ACCOUNT),
            ([Stage.SIGNED_UP], Deletion.OPEN),
            ([Stage.PAID], Deletion.OPEN),
            ([Stage.SIGNED_UP, Stage.CLOSED], Deletion.SEEN),
            ([Stage.CLOSED], Deletion.SEEN),
            ([Stage.SIGNED_UP, Stage.CLOSED, Stage.SIGNED_UP], Deletion.OPEN),
            ([Stage.SIGNED_UP, Stage.CLOSED, Stage.VISITED], Deletion.SEEN),
        ],
    )
    def test_is_seen_or_open(self, stages, expected):
        rows = [seen(ORDER + place * HOUR, stage) for place, stage in enumerate(stages)]
        found = one(*rows)
        assert found.deletion is expected
        closed = [row.at for row in rows if row.stage is Stage.CLOSED]
        assert found.deleted == (closed[0] if closed else None)

    def test_is_not_asked_for_by_every_order(self):
        order = THE_ORDER._replace(duties=(Duty.STOP,))
        assert one(seen(ORDER, Stage.SIGNED_UP), order=order).deletion is Deletion.NOT_ASKED

    def test_all_are_counted(self):
        rows = [
            seen(ORDER, Stage.SIGNED_UP, "a"),
            seen(ORDER, Stage.SIGNED_UP, "b"),
            seen(ORDER + 1, Stage.CLOSED, "b"),
        ]
        whole = followed(THE_ORDER, rows, until=UNTIL, covered=1.0)
        assert whole.deletions == {Deletion.OPEN: 1, Deletion.SEEN: 1}


stages = st.sampled_from([Stage.RESOLVED, Stage.VISITED, Stage.SIGNED_UP, Stage.USED, Stage.CLOSED, Stage.SOLICITED])
rows = st.lists(
    st.builds(
        lambda at, stage, denied: seen(at, stage, denied=denied),
        st.none() | st.integers(ORDER - 5 * DAY, ORDER + 5 * DAY), stages, st.booleans(),
    ),
    max_size=8,
)  # fmt: skip


class TestProperties:
    STRENGTH = (Compliance.UNPROVEN, Compliance.COMPLIANT, Compliance.BREACH)

    @given(rows, st.data())
    def test_less_evidence_never_makes_a_breach(self, everything, data):
        kept = data.draw(st.lists(st.sampled_from(everything), unique=True)) if everything else []
        whole = followed(THE_ORDER, everything, until=UNTIL, covered=1.0).compliance
        less = followed(THE_ORDER, kept, until=UNTIL, covered=1.0).compliance
        assert not (less is Compliance.BREACH and whole is not Compliance.BREACH)

    @given(rows, st.floats(0, 1), st.floats(0, 1))
    def test_less_coverage_never_clears_anybody(self, everything, covered, less):
        covered, less = max(covered, less), min(covered, less)
        before = followed(THE_ORDER, everything, until=UNTIL, covered=covered)
        after = followed(THE_ORDER, everything, until=UNTIL, covered=less)
        if before.compliance is Compliance.UNPROVEN:
            assert after.compliance is Compliance.UNPROVEN
        if before.compliance is Compliance.BREACH:
            assert after.compliance is Compliance.BREACH

    @given(rows, st.randoms(use_true_random=False))
    def test_the_order_of_the_rows_never_matters(self, everything, random):
        mixed = everything.copy()
        random.shuffle(mixed)
        assert followed(THE_ORDER, mixed, until=UNTIL, covered=1.0) == followed(
            THE_ORDER, everything, until=UNTIL, covered=1.0
        )


class TestCommand:
    """The story of a police service in which one of three came back after the order."""

    @pytest.fixture
    def orders(self, shadowit, root):
        story = root / "sample_logs" / "stories" / "edmonton"

        def call(*options, policy=story / "policy.yml"):
            named = ["--policy", policy] if policy else []
            return shadowit("orders", story / "logs", *named, "--people", story / "people.csv", *options)

        return call

    @pytest.fixture
    def returned(self, root):
        wanted = json.loads((root / "sample_logs" / "stories" / "edmonton" / "expected.json").read_text())
        (one,) = [one for one in wanted["order"]["people"] if one["verdict"] == "BREACH"]
        return one["person"]

    def test_as_table_json_and_csv(self, orders, tmp_path, returned):
        status, out, err = orders("--require-coverage", "0")
        assert (status, err) == (0, "")
        assert out.startswith("cease-use: BREACH\n  about clearview-ai; duties: stop\n")
        assert re.search(rf"^  {returned} +auto theft +4 days +0 days +1 day +0 ", out, re.MULTILINE)
        status, out, _ = orders("--require-coverage", "0", "-f", "json")
        (found,) = json.loads(out)["orders"]
        breach = found["people"][0]
        assert (found["id"], found["compliance"], found["deletions"]["not-asked"]) == (
            "cease-use", "breach", len(found["people"])
        )  # fmt: skip
        assert (breach["actor"]["id"], breach["compliance"], breach["first_after"]) == (
            returned, "breach", "2020-03-02T18:22:00Z"
        )  # fmt: skip
        path = tmp_path / "orders.csv"
        assert orders("--require-coverage", "0", "-f", "csv", "-o", path)[0] == 0
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        assert [one["actor"] for one in rows if one["compliance"] == "breach"] == [returned]
        assert len(rows) == len(found["people"])

    def test_coverage_that_is_short_is_4_and_clears_nobody(self, orders):
        status, out, _ = orders("--until", "2020-04-20")
        assert status == 4
        assert "95 % are required" in out
        assert "COMPLIANT" not in out

    @pytest.mark.repeats
    def test_an_order_about_several_services(self, orders, root, tmp_path, returned):
        text = (root / "sample_logs" / "stories" / "edmonton" / "policy.yml").read_text()
        policy = tmp_path / "several.yml"
        policy.write_text(text.replace("services: clearview-ai\n", "services: [clearview-ai, pimeyes]\n"))
        assert policy.read_text() != text
        status, out, err = orders("--require-coverage", "0", policy=policy)
        assert (status, err) == (0, "")
        assert out.startswith("cease-use: BREACH\n  about clearview-ai, pimeyes;")
        assert re.search(rf"^  {returned} +auto theft +4 days +0 days +1 day +0 ", out, re.MULTILINE)

    def test_pseudonyms(self, orders, tmp_path, returned):
        key = tmp_path / "key"
        key.write_text("0123456789abcdef")
        key.chmod(0o600)
        (tmp_path / "shadowit.yml").write_text("privacy: {names: false, key_file: key}\n")
        for name in ("table", "csv"):
            out = orders("--order", "cease-use", "-c", tmp_path / "shadowit.yml", "-f", name)[1]
            assert (returned in out, "p-" in out) == (False, True)

    def test_what_cannot_be_done_is_2_with_what_to_do(self, orders, tmp_path):
        said = orders(policy=None)
        assert (said[0], "no policy: name one with --policy FILE" in said[2]) == (2, True)
        said = orders("--order", "x")
        assert said[2] == "shadowit: the policy holds no order 'x': it holds cease-use\n"
        (tmp_path / "p.yml").write_text("version: 1")
        said = orders(policy=tmp_path / "p.yml")
        assert (said[0], "the policy decides nothing here about a service" in said[2]) == (2, True)


class TestStore:
    """What the daemon has kept is judged again where another policy is asked with."""

    POLICY = """\
version: 1
orders: [{id: stop, services: clearview-ai, effective: "2020-02-27T00:00:00Z", addressees: {people: u1}}]
observers: [{people: u3, reason: security}]
"""

    @pytest.fixture
    def orders(self, shadowit, tmp_path):
        for name in ("key", "pseudonym.key"):
            (tmp_path / name).write_text("0123456789abcdef")
            (tmp_path / name).chmod(0o600)
        (tmp_path / "policy.yml").write_text(self.POLICY)
        rows = [
            seen(AT + at, who=who)._replace(
                actor=Actor(ActorKind.ACCOUNT, kept_actor(ActorKind.ACCOUNT, who)),
                verdict=Verdict.UNREVIEWED,
                ruling="",
                sha256="ab" * 32,
            )
            for who, at in (("u1", 0), ("u2", 1), ("u3", 2), ("u1", -DAY))
        ]
        hours = [Hour("proxy", Kind.PROXY, (AT - DAY) // HOUR + place, 9, 9, 0, 99) for place in range(48)]
        with Store.open(f"sqlite:///{tmp_path}/kept.db", writable=True) as store, store.batch(AT) as batch:
            batch.add(rows)
            batch.cover(hours)
        config = tmp_path / "shadowit.yml"

        def call(*options, more="privacy: {key_file: key}\n"):
            config.write_text(f"store: sqlite:///kept.db\npolicy: policy.yml\n{more}")
            status, out, _ = shadowit("orders", "-c", config, "-f", "json", *options)
            return status, {one["actor"]["id"]: one for one in json.loads(out)["orders"][0]["people"]}

        return call

    @pytest.mark.parametrize("more", ["privacy: {key_file: key}\n", ""])
    def test_by_pseudonym(self, orders, more):
        status, people = orders(more=more)
        assert status == 4  # neither DNS nor mail were read
        one, two = (kept_actor(ActorKind.ACCOUNT, who) for who in ("u1", "u2"))
        assert set(people) == {one, two}  # the observer is left out
        assert (people[one]["compliance"], people[one]["bound"], people[one]["before"]["days"]) == ("breach", True, 1)
        assert (people[two]["compliance"], people[two]["bound"]) == ("compliant", False)

    def test_without_the_key_what_was_said_then_counts(self, orders, tmp_path):
        (tmp_path / "pseudonym.key").unlink()
        _, people = orders(more="")
        assert len(people) == 3
        assert {one["compliance"] for one in people.values()} == {"compliant"}


def test_nobody_and_no_order_are_told():
    whole = followed(THE_ORDER, [], until=UNTIL, covered=0.5)
    assert "nobody was seen using it" in as_text([whole], str)
    assert as_text([], str) == "The policy holds no order.\n"
    broad = replace(whole, order=THE_ORDER._replace(scope=Scope(category="meeting")))
    assert "about everything in meeting;" in as_text([broad], str)


def test_doubts_stand_beside_the_person():
    narrow = THE_ORDER._replace(addressees=Group(frozenset({"homicide"})))
    rows = [seen(ORDER + DAY + place * HOUR, Stage.VISITED, "a", one_of=3) for place in range(BEATS)]
    rows.append(seen(ORDER - 1, who="b", order=narrow))
    found = [followed(one, of, until=UNTIL, covered=1.0) for one, of in ((THE_ORDER, rows), (narrow, rows[-1:]))]
    text = as_text(found, lambda actor: actor.name)
    assert "a (one of 3)" in text
    assert f"1 day ({BEATS} by a program)" in text
    assert text.count("(not bound)") == 1


def kept_actor(kind, name):
    return pseudonym(Actor(kind, name), b"0123456789abcdef")


@pytest.mark.parametrize("name", [pytest.param("calgary", marks=pytest.mark.repeats), "edmonton"])
def test_a_story_told_as_its_author_knows_it(root, name):
    story = root / "sample_logs" / "stories" / name
    wanted = json.loads((story / "expected.json").read_text())["order"]
    a_policy, found = audited_story(story)
    (order,) = a_policy.orders
    whole = followed(order, found, until=UNTIL, covered=1.0)
    rows = {one.actor.name: one for one in whole.followers}
    for one in wanted["people"]:
        mine = rows[one["person"]]
        assert mine.compliance.name == one["verdict"]
        assert (mine.before.days, mine.after.days) == (one["days_before"], one["days_after"])
        assert (told_at(mine.last_before), told_at(mine.first_after)) == (one["last_before"], one["first_after"])
        assert (mine.after.blocked, mine.deletion.value) == (one["attempts_after"], one.get("deletion", "not-asked"))
    others = [one for one in whole.followers if one.actor.name not in {each["person"] for each in wanted["people"]}]
    assert {one.compliance for one in others} <= {Compliance.COMPLIANT}


def told_at(instant):
    return "" if instant is None else to_iso(instant)
