"""Approvals: every use within, outside, before, or in need of a case; every approval with the use that it got."""

import csv
import io
import json
import re
from collections import Counter
from itertools import count

import pytest
from storied import audited_story

from detector.answers.approvals import Position, State, approved
from detector.cli import run
from detector.errors import InvalidFile
from detector.events import Kind, Stage, from_iso
from detector.findings import Attributed
from detector.identity.references import Case, References, read
from detector.match import Actor, ActorKind, Confidence
from detector.policy import Approval, Duty, Group, Order, Policy, Status, Subject, Verdict
from detector.policy.decisions import Entry, Scope
from detector.policy.words import Act
from detector.report.approvals import as_text

DAY = 86_400_000_000
START = from_iso("2020-03-01")
END = from_iso("2020-07-01")
NOW = from_iso("2020-04-01")
CATEGORIES = {"clearview-ai": "facial-recognition/x", "zoom": "meeting"}
SPECIALISTS = Approval(
    "exigent", Scope(frozenset({"clearview-ai"})), Group(frozenset({"specialists"})), (), False, None, START, START,
    END, "", "chief", "said",
)  # fmt: skip
numbers = count()


def policy(*approvals, **parts):
    return Policy("d", approvals, entries=(Entry("clearview-ai", Status.RESTRICTED),), **parts)


def seen(a_policy, at=NOW, who="u1", unit="specialists", stage=Stage.USED, **others):
    denied, service = others.pop("denied", False), others.pop("service", "clearview-ai")
    ruling = a_policy.judge(Act(service, CATEGORIES[service], stage, at, denied, ""), Subject(frozenset({who}), unit))
    number = next(numbers)
    return Attributed(
        id=f"s{number}", service=service, indicator="i", stage=stage, confidence=Confidence.CONFIRMED, at=at,
        denied=denied, actor=Actor(ActorKind.PERSON, who), grade="high", one_of=1, unit=unit, host="app.clearview.ai",
        bytes_sent=0, counterpart="", kind=Kind.PROXY, dataset="squid", source="", path="a.log", stream="s",
        offset=number, part=0, length=1, sha256="", verdict=ruling.verdict, ruling=ruling.by,
    )  # fmt: skip


def told(a_policy, *rows, references=None, now=NOW):
    return approved(rows, a_policy, CATEGORIES, references or References(), now)


def position(a_policy, **row):
    (use,) = told(a_policy, seen(a_policy, **row)).uses
    return use.position.value, use.approval, use.reason


class TestUses:
    def test_within(self):
        assert position(policy(SPECIALISTS)) == ("within", "exigent", "")

    @pytest.mark.parametrize(
        ("changes", "row", "expected"),
        [
            ({}, {"at": START - 1}, ("before", "", "no approval had begun")),
            ({}, {"at": END}, ("outside", "", "exigent: it had ended")),
            ({}, {"unit": "border"}, ("outside", "", "exigent: another unit")),
            ({}, {"unit": ""}, ("outside", "", "exigent: the unit is not known")),
            ({"max_stage": Stage.SIGNED_IN}, {}, ("outside", "", "exigent: used is above signed_in")),
            (
                {"group": Group(people=frozenset({"u9"}))},
                {},
                ("outside", "", "exigent: not among its people or devices"),
            ),
            (
                {"group": Group(frozenset({"specialists"}), hosts=frozenset({"ws-1"}))},
                {},
                ("outside", "", "exigent: another device, or another customer's part of the service"),
            ),
            ({}, {"at": None}, ("outside", "", "its time cannot be read")),
        ],
    )
    def test_outside_with_the_reason(self, changes, row, expected):
        assert position(policy(SPECIALISTS._replace(**changes)), **row) == expected

    def test_the_closest_approval_is_the_one_in_force(self):
        ended = SPECIALISTS._replace(id="older", valid_from=START - DAY, valid_until=START)
        assert position(policy(SPECIALISTS, ended), unit="border")[2] == "exigent: another unit"

    def test_against_an_order(self):
        stop = Order(
            "stop", Scope(frozenset({"clearview-ai"})), NOW - DAY, NOW - DAY, None, Group(), (Duty.STOP,), "", ""
        )
        assert position(policy(SPECIALISTS, orders=(stop,))) == ("outside", "", "against order 'stop'")

    def test_what_is_no_use_and_what_no_approval_is_about_is_left_out(self):
        one = policy(SPECIALISTS)
        rows = [
            seen(one, denied=True), seen(one, stage=Stage.RESOLVED), seen(one, stage=Stage.INVITED),
            seen(one, service="zoom"),
        ]  # fmt: skip
        assert told(one, *rows).uses == ()

    def test_a_service_that_everybody_may_use_is_within(self):
        everybody = Policy("d", (SPECIALISTS,), entries=(Entry("clearview-ai", Status.APPROVED, START - DAY),))
        assert position(everybody, unit="border") == ("within", "", "")

    def test_a_reference_makes_it_within(self):
        one = policy(SPECIALISTS._replace(needs_reference=True))
        rows = [seen(one, at=NOW), seen(one, at=NOW + 2 * DAY)]
        cases = References([Case("u1", NOW - DAY, NOW + DAY, "2020-30118")])
        found = told(one, *rows, references=cases)
        assert [(use.position.value, use.reference, use.reason) for use in found.uses] == [
            ("within", "2020-30118", ""), ("needs-reference", "", "no case reference is known")
        ]  # fmt: skip
        assert rows[0].verdict is Verdict.NEEDS_REFERENCE

    def test_uses_come_by_time_and_people_are_added_up(self):
        one = policy(SPECIALISTS)
        rows = [
            seen(one, at=NOW + 2), seen(one, at=NOW + 1, unit="border"), seen(one, at=NOW, unit=""),
            seen(one, at=NOW + 3, unit=""), seen(one, at=START - DAY), seen(one, at=None), seen(one, who="a"),
        ]  # fmt: skip
        found = told(one, *rows)
        assert [use.sighting.at for use in found.uses] == [START - DAY, NOW, NOW, NOW + 1, NOW + 2, NOW + 3, None]
        first, second = found.users
        assert (first.actor.name, first.within, first.outside) == ("a", 1, 0)
        assert (second.within, second.needs_reference, second.outside, second.before) == (1, 0, 4, 1)
        assert second.units == ("border", "specialists")
        assert second.reasons == ("exigent: the unit is not known", "exigent: another unit", "its time cannot be read")


class TestGranted:
    @pytest.mark.parametrize(
        ("now", "state"),
        [
            (START - 1, State.UPCOMING),
            (START, State.IN_FORCE),
            (END - 31 * DAY, State.IN_FORCE),
            (END - 30 * DAY, State.ENDS_SOON),
            (END, State.ENDED),
        ],
    )
    def test_its_state(self, now, state):
        (found,) = told(policy(SPECIALISTS), now=now).granted
        assert (found.state, found.is_unused) == (state, True)

    def test_its_use(self):
        one = policy(SPECIALISTS._replace(needs_reference=True), SPECIALISTS._replace(id="never", scope=Scope()))
        rows = [seen(one, at=NOW), seen(one, at=NOW + DAY), seen(one, who="u2"), seen(one, unit="border")]
        cases = References([Case("u1", NOW, NOW + 9 * DAY, "7"), Case("u1", NOW + DAY, NOW + 2 * DAY, "8")])
        used, never = told(one, *rows, references=cases).granted
        assert (used.within, used.needs_reference, used.people, used.references) == (2, 1, 2, 2)
        assert (used.first, used.last, used.is_unused) == (NOW, NOW + DAY, False)
        assert (never.is_unused, never.first) == (True, None)


class TestReferences:
    def test_a_file_is_read(self):
        found = read(
            "\ufeffReference;WHO;from;until\n7; CORP-U1 ;2020-03-01;2020-03-02\n\n"
            "8;corp-u1;2020-03-02T12:00:00+01:00;2020-03-02T13:00Z\n",
            "cases.csv",
        )
        assert [found.at("Corp-U1", from_iso(time)) for time in (
            "2020-02-29T23:59", "2020-03-01", "2020-03-02T11:00", "2020-03-02T13:00", "2020-03-02T23:59", "2020-03-03",
        )] == ["", "7", "8", "7", "7", ""]  # fmt: skip
        assert found.at("corp-u1", None) == found.at("u2", from_iso("2020-03-02")) == ""

    @pytest.mark.parametrize("who", ["who", "person", "account", "mail"])
    def test_columns_may_be_named_otherwise(self, who):
        found = read(f"{who},since,to,case\nu1,2020-03-01,2020-03-01,7\n", "x")
        assert found.at("u1", from_iso("2020-03-01T12:00")) == "7"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", [f"x:1:0: no column is called {name}: the header is who,from,until,reference"
                  for name in ("from", "reference", "until", "who")]),
            ("who,from,until\nu1,a,b\n",
             ["x:1:0: no column is called reference: the header is who,from,until,reference"]),
            ("who,from,until,reference\nu1,2020-03-01\n,2020-03-01,2020-03-02,7\nu1,2020-03-01,2020-03-02,\n",
             ["x:2:0: has 2 cells: write who,from,until,reference", "x:3:0: needs who and a reference",
              "x:4:0: needs who and a reference"]),
            ("who,from,until,reference\nu1,soon,2020-03-02,7\nu1,2020-03-02,2020-03-01,7\nu1,2020-03-02,,7\n",
             ["x:2:0: 'soon' or '2020-03-02' is no time: write 2020-02-27 or 2020-02-27T10:00:00Z",
              "x:3:0: until '2020-03-01' must not be before from '2020-03-02'",
              "x:4:0: '2020-03-02' or '' is no time: write 2020-02-27 or 2020-02-27T10:00:00Z"]),
            ("who,from,until,reference\nu1," + "9" * 200_000,
             ["x:2:0: is no CSV: field larger than field limit (131072)"]),
        ],
    )  # fmt: skip
    def test_every_fault_is_told_with_its_line(self, text, expected):
        with pytest.raises(InvalidFile) as caught:
            read(text, "x")
        assert list(map(str, caught.value.problems)) == expected


def test_positions_have_the_words_of_the_table():
    assert [one.value for one in Position] == ["within", "needs-reference", "outside", "before"]


class TestCommand:
    @pytest.fixture
    def approvals(self, capsysbinary, root):
        story = root / "sample_logs" / "stories" / "rcmp"

        def call(*options, cases=story / "cases.csv"):
            words = [
                "approvals", story / "logs", "--policy", story / "policy.yml",
                "--people", story / "people.csv", "--cases", cases, *options,
            ]  # fmt: skip
            status = run([str(one) for one in words])
            out, err = capsysbinary.readouterr()
            return status, out.decode(), err.decode()

        return call

    @pytest.fixture
    def expected(self, root):
        return json.loads((root / "sample_logs" / "stories" / "rcmp" / "expected.json").read_text())["approvals"]

    def test_as_table_json_and_csv(self, approvals, tmp_path, expected):
        status, out, err = approvals("--at", "2020-06-15")
        assert (status, err) == (0, "")
        needing = sum(one["needs_reference"] for one in expected)
        within = sum(one["within"] for one in expected)
        assert re.search(
            rf"^exigent-circumstances  2020-03-01  2020-07-01  ENDS SOON  \d +{within} +{needing} ", out, re.MULTILINE
        )
        found = json.loads(approvals("-f", "json")[1])
        assert found["approvals"][0]["state"] == "ended"
        users = {one["actor"]["id"]: one for one in found["people"]}
        for one in expected:
            mine = users[one["person"]]
            assert (mine["within"], mine["needs_reference"], mine["outside"]) == (
                one["within"], one["needs_reference"], one["outside"]
            )  # fmt: skip
            assert mine["reasons"] == (["exigent-circumstances: another unit"] if one["outside"] else [])
        (tmp_path / "cases.csv").write_text("who,from,until,reference\n")
        path = tmp_path / "uses.csv"
        assert approvals("-f", "csv", "-o", path, cases=tmp_path / "cases.csv")[0] == 0
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        assert len(rows) == len(found["uses"])
        assert Counter(one["position"] for one in rows)["within"] == 0
        by_place = {(one["path"], one["offset"]): one for one in found["uses"]}
        assert all(by_place[one["path"], int(one["offset"])]["sha256"] == one["sha256"] for one in rows)

    def test_a_policy_without_approvals_has_nothing_to_tell(self):
        assert as_text(told(Policy("d")), str) == "The policy holds no approval.\n"
        never = as_text(told(policy(SPECIALISTS)), str)
        assert "nobody: NEVER USED" in never


def test_a_story_told_as_its_author_knows_it(root):
    """The national police: approved from March on for one unit, with the reference of a case."""
    story = root / "sample_logs" / "stories" / "rcmp"
    wanted = json.loads((story / "expected.json").read_text())["approvals"]
    a_policy, found = audited_story(story, references=read((story / "cases.csv").read_text(), "cases.csv"))
    (granted,) = a_policy.approvals
    inside = [one for one in found if one.at is not None and granted.valid_from <= one.at < granted.valid_until]
    users = told_of(inside, a_policy).users
    assert [
        {"service": one.service, "person": one.actor.name, "unit": ", ".join(one.units), "within": one.within,
         "needs_reference": one.needs_reference, "outside": one.outside}
        for one in users
    ] == wanted  # fmt: skip
    everything = told_of(found, a_policy)
    assert {one.position for one in everything.uses} == set(Position)
    assert everything.granted[0].within == sum(one["within"] for one in wanted)


def told_of(rows, a_policy):
    return approved(rows, a_policy, {"clearview-ai": "facial-recognition/investigative-platform"}, References(), NOW)
