"""A policy asked about sightings: by any name of a person at that time, with cases, and again by pseudonym."""

import pytest

from detector.audit.identities import device_of
from detector.audit.judging import Aliases, hidden_of, judge_of, named_of, rejudge_of
from detector.events import Kind, Stage, from_iso
from detector.findings import Attributed
from detector.identity import Occupancies, People, Resolver, attribute, pseudonym
from detector.identity.people import Entry
from detector.identity.references import Case, References
from detector.match import Actor, ActorKind, Attribution, Confidence, Sighting
from detector.policy import EMPTY, Approval, Group, Policy, Status
from detector.policy.decisions import Entry as Decision
from detector.policy.decisions import Scope
from detector.signatures import load

KEY = b"0123456789abcdef"
NOW = from_iso("2020-03-01")
DAY = 86_400_000_000
PEOPLE = People(
    [
        Entry("U1", "One", ("one@x.org",), ("CORP\\one",), "robbery", None, NOW),
        Entry("U2", "Two", ("two@x.org",), ("one",), "homicide", NOW, None),
    ]
)


@pytest.fixture(scope="module")
def ruleset():
    return load()


def policy(*people, **changes):
    approval = Approval(
        "ok", Scope(frozenset({"clearview-ai"})), Group(people=frozenset(people)), (), False, None, 0, 0,
        NOW + 99 * DAY, "", "", "said",
    )  # fmt: skip
    return Policy("d", (approval._replace(**changes),), entries=(Decision("clearview-ai", Status.RESTRICTED),))


def sighting(at=NOW - DAY, account="", mailbox="", address=""):
    return Sighting(
        service="clearview-ai", indicator="i", stage=Stage.USED, confidence=Confidence.CONFIRMED, at=at, denied=False,
        account=account, address=address, mailbox=mailbox, host="app.clearview.ai", bytes_sent=0, offset=0, part=0,
        line=b"", counterpart="",
    )  # fmt: skip


def person(name, unit=""):
    return Attribution(Actor(ActorKind.PERSON, name), "high", unit)


def test_no_policy_judges_nothing(ruleset):
    assert judge_of(EMPTY, ruleset) is None


class TestNames:
    @pytest.mark.parametrize("name", ["u1", "one@x.org", "corp\\one", "one", "corp\\ONE"])
    def test_a_person_is_meant_by_any_of_their_names(self, ruleset, name):
        judge = judge_of(policy(name.lower()), ruleset, PEOPLE)
        assert judge(sighting(address="10.0.0.1"), person("U1")).by == "ok"

    def test_only_at_the_time_when_the_name_was_theirs(self, ruleset):
        judge = judge_of(policy("one"), ruleset, PEOPLE)
        found = [judge(sighting(at=at), person(who)).by for who in ("U1", "U2") for at in (NOW - 1, NOW, None)]
        assert found == ["ok", "", "", "", "ok", ""]

    def test_without_a_directory_names_are_what_logs_say(self, ruleset):
        judge = judge_of(policy("one@x.org"), ruleset)
        plain = Attribution(Actor(ActorKind.MAILBOX, "one@x.org"), "medium")
        assert judge(sighting(mailbox="One@X.org"), plain).by == "ok"
        assert judge(sighting(account="one"), Attribution(Actor(ActorKind.ACCOUNT, "one"), "high")).by == ""

    def test_of_a_name_everybody_who_ever_had_it(self):
        aliases = Aliases({"one"}, PEOPLE)
        assert aliases.people("one") == {"U1", "U2"}
        assert aliases.people("u1") == {"U1"}
        assert aliases.people("x") == Aliases({"one"}, None).people("one") == frozenset()

    def test_a_policy_may_be_told_by_ids(self):
        assert named_of(policy("two@x.org"), PEOPLE).people == {"two@x.org", "u2"}
        assert named_of(policy("one@x.org"), None).people == {"one@x.org"}


class TestCases:
    def test_a_case_is_found_by_any_name(self, ruleset):
        needing = policy("u1", needs_reference=True)
        for who in ("u1", "one@x.org", "one"):
            cases = References([Case(who, NOW - 2 * DAY, NOW, "7")])
            judge = judge_of(needing, ruleset, PEOPLE, cases)
            assert [judge(sighting(at=at), person("U1")).verdict.value for at in (NOW - DAY, NOW - 3 * DAY)] == [
                "approved", "needs-reference"
            ]  # fmt: skip

    def test_cases_are_told_by_person_too(self):
        named = References([Case("one", NOW - DAY, NOW + DAY, "7"), Case("nobody", 0, 1, "8")]).named_by(PEOPLE)
        told = [named.at(who, at) for who in ("U1", "U2", "one") for at in (NOW - 1, NOW)]
        assert told == ["7", "", "", "7", "7", "7"]
        assert named.people == {"one", "u1", "u2", "nobody"}


class TestDevices:
    GROUP = Group(people=frozenset({"u1"}), hosts=frozenset({"ws-1"}))

    def judged(self, ruleset, attribute, a_policy=None):
        judge = judge_of(a_policy or policy(group=self.GROUP), ruleset, None, None, device_of(attribute))
        return judge(sighting(account="u1", address="10.0.0.1"), person("u1")).by

    def test_a_device_is_meant_by_its_name_or_address(self, ruleset):
        class Known(Resolver):
            def device(self, address, at):
                assert at == NOW - DAY
                return {"10.0.0.1": "ws-1"}.get(address, "")

        known = Known(PEOPLE, Occupancies())
        assert self.judged(ruleset, known) == "ok"
        assert self.judged(ruleset, Resolver(PEOPLE, Occupancies())) == ""
        assert self.judged(ruleset, attribute) == ""
        by_address = policy(group=self.GROUP._replace(hosts=frozenset({"10.0.0.1"})))
        assert self.judged(ruleset, attribute, by_address) == "ok"

    def test_nobody_asks_for_devices_that_no_decision_names(self, ruleset):
        class Never(Resolver):
            def device(self, *_):
                raise AssertionError

        assert self.judged(ruleset, Never(PEOPLE, Occupancies()), policy("u1")) == "ok"


class TestAgain:
    def kept(self, actor, at=NOW - DAY, unit="", service="clearview-ai"):
        hidden = Actor(actor.kind, pseudonym(actor, KEY))
        return Attributed(
            id="s", service=service, indicator="i", stage=Stage.USED, confidence=Confidence.CONFIRMED, at=at,
            denied=False, actor=hidden, grade="high", one_of=1, unit=unit, host="app.clearview.ai", bytes_sent=0,
            counterpart="", kind=Kind.PROXY, dataset="squid", source="", path="a", stream="s", offset=0, part=0,
            length=0, sha256="", verdict="unreviewed", ruling="",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("actor", "names", "people", "by"),
        [
            (Actor(ActorKind.PERSON, "U1"), ("u1",), PEOPLE, "ok"),
            (Actor(ActorKind.PERSON, "U1"), ("one@x.org",), PEOPLE, "ok"),
            (Actor(ActorKind.PERSON, "U1"), ("two@x.org",), PEOPLE, ""),
            (Actor(ActorKind.ACCOUNT, "one"), ("one",), None, "ok"),
            (Actor(ActorKind.MAILBOX, "one@x.org"), ("one@x.org",), None, "ok"),
            (Actor(ActorKind.ADDRESS, "10.0.0.1"), ("10.0.0.1",), None, "ok"),
            (Actor(ActorKind.ACCOUNT, "two"), ("one",), None, ""),
        ],
    )
    def test_what_a_store_keeps_is_judged_by_pseudonym(self, ruleset, actor, names, people, by):
        judge = rejudge_of(hidden_of(policy(*names), KEY, people), ruleset)
        assert judge(self.kept(actor)).by == by
        other = rejudge_of(hidden_of(policy(*names), b"another key 4242", people), ruleset)
        assert other(self.kept(actor)).by == ""

    def test_by_unit_too(self, ruleset):
        by_unit = policy(group=Group(frozenset({"robbery"})))
        judge = rejudge_of(hidden_of(by_unit, KEY), ruleset)
        actor = Actor(ActorKind.PERSON, "U1")
        assert [judge(self.kept(actor, unit=unit)).by for unit in ("Robbery", "", "x")] == ["ok", "", ""]

    def test_what_was_on_a_device_of_an_approval_still_is(self, ruleset):
        actor = Actor(ActorKind.PERSON, "U1")
        on_a_device = policy("u1", group=Group(people=frozenset({"u1"}), hosts=frozenset({"ws-1"})))
        judge = rejudge_of(hidden_of(on_a_device, KEY, PEOPLE), ruleset)
        kept = self.kept(actor)
        assert [judge(kept._replace(ruling=ruling)).by for ruling in ("ok", "", "x")] == ["ok", "", ""]
        assert judge(kept._replace(ruling="ok", at=NOW + 100 * DAY)).by == ""

    def test_a_service_that_is_gone_is_unreviewed(self, ruleset):
        judge = rejudge_of(hidden_of(policy("u1"), KEY), ruleset)
        assert judge(self.kept(Actor(ActorKind.PERSON, "U1"), service="gone")).verdict.value == "unreviewed"
