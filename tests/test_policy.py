"""The policy: a strict file, and verdicts as of an act's own time."""

import inspect
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.cli import run
from detector.errors import InvalidFile
from detector.events import Stage, from_iso
from detector.policy import (
    EMPTY,
    MUTED,
    OBSERVED,
    Act,
    Approval,
    Duty,
    Group,
    Order,
    Policy,
    Ruling,
    Status,
    Subject,
    Verdict,
    is_use,
    load,
    loader,
)
from detector.policy.decisions import Entry, Mute, Scope, Tenant
from detector.policy.schema import PARTS
from detector.report import ActorRow, FindingRow, Report, writer_named

FACES = "facial-recognition/investigative-platform"
HOUR = 3_600_000_000
DAY = 24 * HOUR

WHOLE = """\
version: 1
timezone: America/Edmonton
defaults: {facial-recognition: prohibited, meeting: approved}
services:
  nec-neoface:
    status: restricted
    since: 2014-01-01
    purpose: Compare mugshots.
    information: [photographs, names]
    mitigations: Two people look at each result.
    assessment: PIA-2014-3
    owner: Forensics
    retention: 2 years
  clearview-ai: prohibited
approvals:
  - id: neoface-mugshots
    services: nec-neoface
    units: [Forensics]
    people: [U1042, boss@example.org]
    hosts: [WS-0317]
    purposes: [mugshots]
    needs_reference: true
    max_stage: used
    given: 2013-12-01
    valid_from: 2014-01-01
    valid_until: 2021-01-01T00:00:00-07:00
    reference: D-14
    approver: the chief
    statement: We compare mugshots.
orders:
  - id: stop-2020
    services: [clearview-ai]
    effective: 2020-02-28T17:00:00-07:00
    grace_h: 24
    lifted: 2024-01-01
    addressees: {units: [Robbery]}
    duties: [stop, delete_account]
    reference: O-20
    statement: Use has ceased.
observers:
  - {people: sec1, hosts: [sandbox-1], reason: security staff}
tenants:
  - {service: axon-evidence, domains: evidence.com, own: [ours], common: [www]}
mutes:
  - {indicator: "x:suffix:x.com", reason: wrong here, until: 2021-01-01}
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "policy.yml"
        path.write_text(text)
        return path

    return write


def problems(path):
    with pytest.raises(InvalidFile) as caught:
        load(path)
    return [str(one).removeprefix(f"{path}:") for one in caught.value.problems]


class TestFile:
    def test_every_key_is_read(self, file):
        policy = load(file(WHOLE))
        (approval,) = policy.approvals
        assert approval == Approval(
            id="neoface-mugshots", scope=Scope(frozenset({"nec-neoface"})),
            group=Group(frozenset({"forensics"}), frozenset({"u1042", "boss@example.org"}), frozenset({"ws-0317"})),
            purposes=("mugshots",), needs_reference=True, max_stage=Stage.USED,
            given=from_iso("2013-12-01T07:00:00Z"), valid_from=from_iso("2014-01-01T07:00:00Z"),
            valid_until=from_iso("2021-01-01T07:00:00Z"), reference="D-14", approver="the chief",
            statement="We compare mugshots.",
        )  # fmt: skip
        effective = from_iso("2020-02-29T00:00:00Z")
        assert policy.orders == (
            Order(
                id="stop-2020", scope=Scope(frozenset({"clearview-ai"})), effective=effective,
                breach_from=effective + DAY, lifted=from_iso("2024-01-01T07:00:00Z"),
                addressees=Group(frozenset({"robbery"})), duties=(Duty.STOP, Duty.DELETE_ACCOUNT), reference="O-20",
                statement="Use has ceased.",
            ),
        )  # fmt: skip
        assert policy.entry_of("nec-neoface") == Entry(
            "nec-neoface", Status.RESTRICTED, from_iso("2014-01-01T07:00:00Z"), "Compare mugshots.",
            ("photographs", "names"), ("Two people look at each result.",), "PIA-2014-3", "Forensics", "2 years",
        )  # fmt: skip
        assert policy.entry_of("other") is None
        assert policy.observers == (Group(people=frozenset({"sec1"}), hosts=frozenset({"sandbox-1"})),)
        assert policy.tenants == (Tenant("axon-evidence", ("evidence.com",), frozenset({"ours"}), frozenset({"www"})),)
        assert policy.mutes == (Mute("x:suffix:x.com", "wrong here", from_iso("2021-01-02T07:00:00Z")),)

    def test_a_day_as_an_end_is_the_last_one_and_days_are_those_of_the_zone(self, file):
        text = WHOLE.replace("2021-01-01T00:00:00-07:00", "2021-03-13")  # the clock goes forward on the 14th
        (approval,) = load(file(text)).approvals
        assert approval.valid_until == from_iso("2021-03-14T07:00:00Z")
        (approval,) = load(file(text.replace("2021-03-13", "2021-03-14"))).approvals
        assert approval.valid_until == from_iso("2021-03-15T06:00:00Z")

    def test_of_a_device_the_first_label_counts_or_the_address(self, file):
        text = WHOLE.replace("hosts: [WS-0317]", 'hosts: [WS-0317.example.org, 10.0.0.1, "2001:DB8::0001"]')
        (approval,) = load(file(text)).approvals
        assert approval.group.hosts == {"ws-0317", "10.0.0.1", "2001:db8::1"}
        assert load(file(text)).devices == {*approval.group.hosts, "sandbox-1"}

    @pytest.mark.parametrize("text", ["version: 1", "{version: 1, approvals: []}"])
    def test_every_key_but_the_version_is_optional(self, file, text):
        policy = load(file(text))
        assert replace(policy, digest="") == EMPTY
        assert len(policy.digest) == 64

    def test_the_digest_is_of_the_content(self, file):
        first = load(file(WHOLE)).digest
        assert load(file("# a comment\n" + WHOLE.replace("[Forensics]", "forensics"))).digest == first
        moved = WHOLE.replace("[U1042, boss@example.org]", "[boss@example.org, u1042]")
        assert load(file(moved)).digest == first
        assert load(file(WHOLE.replace("grace_h: 24", "grace_h: 25"))).digest != first

    @pytest.mark.parametrize(
        ("old", "new", "found"),
        [
            ("version: 1", "version: 2", "1:1: version: Input should be '1'"),
            ("timezone: America/Edmonton", "timezone: Edmonton", "2:1: timezone: 'Edmonton' is no time zone: write on"),
            ("meeting: approved", "meeting: allowed", "3:44: defaults.meeting: Input should be 'unreviewed', 'under"),
            ("clearview-ai: prohibited", "clearview-ai: no", "14:3: services.clearview-ai.status: Input should be 'un"),
            ("clearview-ai: prohibited", "Clearview: approved", "14:3: services.Clearview.[key]: String should match"),
            ("    since:", "    sinse:", "7:5: services.nec-neoface.sinse: no such key; did you mean 'since'?"),
            ("    owner:", "    zzz:", "12:5: services.nec-neoface.zzz: no such key"),
            ("max_stage: used", "max_stage: paid", "23:5: approvals.0.max_stage: paid stands beside the ladder: write"),
            ("max_stage: used", "max_stage: most", "23:5: approvals.0.max_stage: Input should be 'resolved', "),
            ("    statement: We compare mugshots.\n", "", "16:5: approvals.0.statement: Field required"),
            ("    valid_until: 2021-01-01T00:00:00-07:00\n", "", "16:5: approvals.0.valid_until: Field required"),
            ("2021-01-01T00:00:00-07:00", "2021-01-01T00:00:00", "26:5: approvals.0.valid_until: '2021-01-01T00:00:00"),
            ("2021-01-01T00:00:00-07:00", "soon", "26:5: approvals.0.valid_until: 'soon' is no time: write 2020-"),
            ("2021-01-01T00:00:00-07:00", "2013-12-31", "26:5: approvals.0.valid_until: must not be before valid_"),
            ("    services: nec-neoface\n", "", "16:5: approvals.0: needs services or a category, one of the two"),
            ("services: nec-neoface", "services: [a]\n    category: x", "16:5: approvals.0: needs services or a categ"),
            ("[Forensics]", "['*']", "18:13: approvals.0.units.0: '*' holds *: name units, people and hosts, a pat"),
            ("2020-02-28T17:00:00-07:00", "2020-02-28", "33:5: orders.0.effective: '2020-02-28' is a day: an order ne"),
            ("2020-02-28T17:00:00-07:00", "2020-02-28T17:00:00", "33:5: orders.0.effective: '2020-02-28T17:00:00' has"),
            ("lifted: 2024-01-01", "lifted: 2020-01-01", "35:5: orders.0.lifted: must be after effective"),
            ("grace_h: 24", "grace_h: -1", "34:5: orders.0.grace_h: Input should be greater than or equal to 0"),
            ("[stop, delete_account]", "[]", "37:5: orders.0.duties: List should have at least 1 item after validati"),
            ("[stop, delete_account]", "[halt]", "37:14: orders.0.duties.0: Input should be 'stop', 'delete_account'"),
            ("id: stop-2020", "id: neoface-mugshots", "31:5: orders.0.id: 'neoface-mugshots' is already the id of ap"),
            ("people: sec1, hosts: [sandbox-1], ", "", "41:5: observers.0: names nobody: write units, people or host"),
            (", own: [ours]", "", "43:5: tenants.0.own: Field required"),
            ("reason: wrong here, ", "", "45:5: mutes.0.reason: Field required"),
        ],
    )  # fmt: skip
    def test_a_fault_is_told_with_its_place(self, file, old, new, found):
        assert old in WHOLE
        (problem,) = problems(file(WHOLE.replace(old, new, 1)))
        assert problem.startswith(found)

    def test_an_approval_of_everybody_is_refused(self, file):
        text = WHOLE.replace(
            "    units: [Forensics]\n    people: [U1042, boss@example.org]\n    hosts: [WS-0317]\n", ""
        )
        assert problems(file(text)) == [
            "16:5: approvals.0: approves everybody: name units, people or hosts (or give the service a status)"
        ]

    def test_all_faults_come_at_once_in_order(self, file):
        text = "version: 1\nordres: []\napprovals:\n  - {id: A}\norders:\n  - {id: a, grace_h: x}\n"
        assert [one.partition(": ")[0] for one in problems(file(text))] == [
            "2:1", "4:5", "4:5", "4:5", "4:6", "6:5", "6:13"
        ]  # fmt: skip

    @pytest.mark.parametrize("text", ["", "[]", "text"])
    def test_what_is_no_policy_is_a_fault(self, file, text):
        assert problems(file(text))

    def test_a_file_that_is_not_there_is_a_fault(self, tmp_path):
        assert problems(tmp_path / "none.yml") == ["0:0: cannot be read: No such file or directory"]

    def test_every_key_is_documented(self):
        for part in PARTS:
            for name in part.model_fields:
                assert f"\n    {name}: " in inspect.cleandoc(part.__doc__), f"{part.__name__}.{name}"


NOON = from_iso("2020-03-02T12:00:00Z")
PERSON = Subject(frozenset({"u1042", "u1042@example.org"}), "Robbery", "WS-0317")


def act(stage=Stage.USED, at=NOON, **others):
    values = {"denied": False, "host": "app.clearview.ai", "reference": "", "indicator": "", **others}
    return Act("clearview-ai", FACES, stage, at, **values)


def approval(**changes):
    whole = Approval(
        "ok", Scope(frozenset({"clearview-ai"})), Group(frozenset({"robbery"})), (), False, None,
        NOON - DAY, NOON - DAY, NOON + DAY, "", "", "said",
    )  # fmt: skip
    return whole._replace(**changes)


def order(**changes):
    whole = Order(
        "stop", Scope(category="facial-recognition"), NOON - HOUR, NOON - HOUR, None, Group(), (Duty.STOP,), "", ""
    )
    return whole._replace(**changes)


def policy(status=None, since=None, **parts):
    entries = (Entry("clearview-ai", status, since),) if status else ()
    return Policy(digest="d", entries=entries, **parts)


def verdict(a_policy, an_act=None, subject=PERSON):
    return a_policy.judge(an_act or act(), subject).verdict.value


class TestStatus:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (None, "unreviewed"),
            (Status.UNREVIEWED, "unreviewed"),
            (Status.UNDER_REVIEW, "unreviewed"),
            (Status.APPROVED, "approved"),
            (Status.RESTRICTED, "unapproved"),
            (Status.PROHIBITED, "unapproved"),
        ],
    )
    def test_alone(self, status, expected):
        assert verdict(policy(status)) == expected
        assert policy(status).status_of("clearview-ai", FACES) is (status or Status.UNREVIEWED)

    def test_of_a_category_counts_without_an_own_one_and_the_closest_wins(self):
        defaults = (("facial-recognition", Status.PROHIBITED), (FACES, Status.APPROVED), ("facial", Status.RESTRICTED))
        assert verdict(policy(defaults=defaults)) == "approved"
        assert verdict(policy(defaults=defaults[:1])) == "unapproved"
        assert verdict(policy(defaults=defaults[2:])) == "unreviewed"
        assert verdict(policy(Status.UNREVIEWED, defaults=defaults)) == "unreviewed"

    def test_before_it_was_decided_the_category_counts(self):
        dated = policy(Status.PROHIBITED, NOON)
        assert [verdict(dated, act(at=at)) for at in (NOON - 1, NOON, None)] == [
            "unreviewed", "unapproved", "unreviewed"
        ]  # fmt: skip
        assert dated.status_of("clearview-ai", FACES) is Status.PROHIBITED

    @pytest.mark.parametrize("stage", [Stage.SOLICITED, Stage.INVITED, Stage.CONTACTED, Stage.CLOSED])
    def test_what_is_no_use_accuses_nobody(self, stage):
        prohibited = policy(Status.PROHIBITED, orders=(order(),))
        assert verdict(prohibited, act(stage)) == "unreviewed"
        assert verdict(prohibited, act(Stage.UPLOADED, denied=True)) == "unreviewed"

    def test_a_look_up_is_judged_but_breaches_no_order(self):
        prohibited = policy(Status.PROHIBITED, orders=(order(),))
        assert verdict(prohibited, act(Stage.RESOLVED)) == "unapproved"
        assert verdict(policy(orders=(order(),)), act(Stage.RESOLVED)) == "unreviewed"


class TestApprovals:
    @pytest.mark.parametrize("status", list(Status))
    def test_allow_what_is_within(self, status):
        found = policy(status, approvals=(approval(),)).judge(act(), PERSON)
        assert found == Ruling(Verdict.APPROVED, "ok", "within an approval")

    @pytest.mark.parametrize(
        "changes",
        [
            {"valid_until": NOON},
            {"group": Group(frozenset({"forensics"}))},
            {"group": Group(frozenset({"robbery"}), hosts=frozenset({"ws-2"}))},
            {"group": Group()},
            {"max_stage": Stage.SIGNED_IN},
        ],
    )
    @pytest.mark.parametrize("status", [None, Status.UNDER_REVIEW, Status.RESTRICTED, Status.PROHIBITED])
    def test_leave_out_what_is_outside(self, changes, status):
        assert verdict(policy(status, approvals=(approval(**changes),))) == "unapproved"

    def test_a_later_one_does_not_whitewash_and_an_ended_one_does_not_accuse_backwards(self):
        later = policy(Status.RESTRICTED, approvals=(approval(valid_from=NOON + 1, given=NOON + 1),))
        assert verdict(later) == "unapproved"
        assert verdict(later, act(at=NOON + 1)) == "approved"
        ended = policy(Status.RESTRICTED, approvals=(approval(valid_until=NOON + 1),))
        assert verdict(ended) == "approved"
        assert verdict(ended, act(at=NOON + 1)) == "unapproved"

    def test_before_the_first_one_nobody_had_decided(self):
        assert verdict(policy(approvals=(approval(valid_from=NOON + 1, given=NOON + 1),))) == "unreviewed"

    def test_an_unknown_unit_or_time_is_not_within(self):
        given_to_a_unit = policy(Status.RESTRICTED, approvals=(approval(),))
        assert verdict(given_to_a_unit, subject=Subject(frozenset({"10.0.0.7"}))) == "unapproved"
        assert verdict(given_to_a_unit, act(at=None)) == "unapproved"
        assert verdict(policy(approvals=(approval(),)), act(at=None)) == "unreviewed"

    @pytest.mark.parametrize(
        "group",
        [
            Group(people=frozenset({"u1042"})),
            Group(frozenset({"other"}), frozenset({"u1042@example.org"})),
            Group(hosts=frozenset({"ws-0317"})),
            Group(frozenset({"robbery"}), hosts=frozenset({"ws-0317", "ws-2"})),
        ],
    )
    def test_are_given_to_people_units_and_devices(self, group):
        assert verdict(policy(Status.RESTRICTED, approvals=(approval(group=group),))) == "approved"

    def test_a_device_may_be_an_address(self):
        group = Group(hosts=frozenset({"10.0.0.7"}))
        found = policy(Status.RESTRICTED, approvals=(approval(group=group),))
        assert verdict(found, subject=Subject(frozenset({"10.0.0.7"}))) == "approved"

    def test_may_need_a_reference(self):
        needing = policy(Status.RESTRICTED, approvals=(approval(needs_reference=True),))
        assert needing.judge(act(), PERSON)[:2] == (Verdict.NEEDS_REFERENCE, "ok")
        assert verdict(needing, act(reference="2020-1")) == "approved"
        assert verdict(needing, act(Stage.RESOLVED)) == "approved"

    def test_one_without_conditions_goes_first(self):
        both = (approval(id="a", needs_reference=True), approval(id="b"))
        assert policy(Status.RESTRICTED, approvals=both).judge(act(), PERSON).by == "b"

    def test_of_a_category_does_not_lift_a_prohibition(self):
        broad = (approval(scope=Scope(category="facial-recognition")),)
        assert verdict(policy(Status.RESTRICTED, approvals=broad)) == "approved"
        assert verdict(policy(Status.PROHIBITED, approvals=broad)) == "unapproved"
        assert verdict(policy(Status.PROHIBITED, NOON + 1, approvals=broad)) == "approved"

    def test_those_for_a_service_are_told(self):
        found = policy(approvals=(approval(), approval(id="x", scope=Scope(frozenset({"x"})))))
        assert [one.id for one in found.approvals_for("clearview-ai", FACES)] == ["ok"]


class TestOrders:
    def test_split_use_into_before_grace_and_after(self):
        ordered = policy(Status.PROHIBITED, orders=(order(effective=NOON, breach_from=NOON + DAY),))
        found = [verdict(ordered, act(at=at)) for at in (NOON - 1, NOON, NOON + DAY - 1, NOON + DAY)]
        assert found == ["unapproved"] * 3 + ["after-order"]
        assert ordered.judge(act(at=NOON + DAY), PERSON).by == "stop"

    def test_bind_those_whom_they_were_given_to(self):
        ordered = policy(orders=(order(addressees=Group(frozenset({"robbery"}))),))
        assert verdict(ordered) == "after-order"
        assert verdict(ordered, subject=Subject(frozenset({"u1"}), "Forensics")) == "unreviewed"
        assert verdict(ordered, subject=Subject(frozenset({"u1042"}))) == "unreviewed"

    def test_end_when_they_are_lifted(self):
        assert verdict(policy(orders=(order(lifted=NOON),))) == "unreviewed"
        assert verdict(policy(orders=(order(lifted=NOON + 1),))) == "after-order"

    def test_outrank_approvals_that_were_given_before(self):
        assert verdict(policy(orders=(order(),), approvals=(approval(),))) == "after-order"
        late = approval(given=NOON - HOUR // 2, valid_from=NOON - HOUR // 2)
        assert verdict(policy(orders=(order(),), approvals=(late,))) == "approved"
        assert verdict(policy(orders=(order(),), approvals=(late._replace(needs_reference=True),))) == "needs-reference"
        newer = order(id="again", effective=NOON - HOUR // 4, breach_from=NOON - HOUR // 4)
        assert verdict(policy(orders=(order(), newer), approvals=(late,))) == "after-order"

    def test_outrank_a_status_that_was_decided_before(self):
        assert verdict(policy(Status.APPROVED, orders=(order(),))) == "after-order"
        assert verdict(policy(Status.APPROVED, NOON - DAY, orders=(order(),))) == "after-order"
        assert verdict(policy(Status.APPROVED, NOON - 1, orders=(order(),))) == "approved"
        assert verdict(policy(orders=(order(),), defaults=((FACES, Status.APPROVED),))) == "after-order"

    def test_an_unknown_time_breaches_none(self):
        assert verdict(policy(orders=(order(),)), act(at=None)) == "unreviewed"

    def test_those_for_a_service_are_told(self):
        found = policy(orders=(order(), order(id="x", scope=Scope(category="meeting"))))
        assert [one.id for one in found.orders_for("clearview-ai", FACES)] == ["stop"]


class TestTheRest:
    def test_observers_use_nothing(self):
        watched = policy(Status.PROHIBITED, orders=(order(),), observers=(Group(people=frozenset({"u1042"})),))
        assert watched.judge(act(), PERSON)[:2] == (Verdict.APPROVED, OBSERVED)
        assert verdict(watched, subject=Subject(frozenset({"u1"}))) == "after-order"

    def test_mutes_end(self):
        muted = policy(Status.PROHIBITED, mutes=(Mute("i", "wrong", NOON + 1),))
        assert muted.judge(act(indicator="i"), PERSON)[:2] == (Verdict.APPROVED, MUTED)
        assert [verdict(muted, act(indicator=one, at=at)) for one, at in (("j", NOON), ("i", NOON + 1), ("i", None))] \
            == ["unapproved"] * 3  # fmt: skip

    @pytest.mark.parametrize(
        ("host", "expected"),
        [
            ("ours.app.clearview.ai", "approved"),
            ("x.ours.app.clearview.ai", "approved"),
            ("www.app.clearview.ai", "approved"),
            ("theirs.app.clearview.ai", "unapproved"),
            ("app.clearview.ai", "approved"),
            ("", "approved"),
        ],
    )
    def test_another_customers_part_is_not_the_organisations(self, host, expected):
        tenant = Tenant("clearview-ai", ("app.clearview.ai",), frozenset({"ours"}), frozenset({"www"}))
        assert verdict(policy(Status.APPROVED, tenants=(tenant,)), act(host=host)) == expected
        assert verdict(policy(approvals=(approval(),), tenants=(tenant,)), act(host=host)) == expected

    def test_a_foreign_tenant_is_no_open_question(self):
        tenant = Tenant("clearview-ai", ("clearview.ai",), frozenset({"ours"}), frozenset())
        assert policy(tenants=(tenant,)).judge(act(), PERSON).reason == "another customer's part of the service"

    def test_no_policy_decides_nothing(self):
        assert EMPTY.judge(act(), PERSON) == Ruling(Verdict.UNREVIEWED, "", "nobody has decided about the service")
        assert EMPTY.digest == ""

    def test_verdicts_have_weights(self):
        assert sorted(Verdict, key=lambda one: one.weight) == list(Verdict)


instants = st.integers(NOON - 5 * DAY, NOON + 5 * DAY)
groups = st.builds(
    Group,
    st.frozensets(st.sampled_from(["robbery", "forensics"])),
    st.frozensets(st.sampled_from(["u1", "u2", "a@x"])),
    st.frozensets(st.sampled_from(["ws-1", "10.0.0.1"])),
)
scopes = st.sampled_from([Scope(frozenset({"clearview-ai"})), Scope(category="facial-recognition"), Scope()])
approvals = st.builds(
    approval, id=st.sampled_from("abc"), scope=scopes, group=groups, needs_reference=st.booleans(),
    max_stage=st.sampled_from([None, Stage.VISITED, Stage.USED]), given=instants, valid_from=instants,
    valid_until=instants,
).map(lambda one: one._replace(valid_from=max(one.valid_from, one.given)))  # fmt: skip
orders = st.builds(
    order, id=st.sampled_from("xyz"), scope=scopes, effective=instants, lifted=st.none() | instants, addressees=groups
).flatmap(lambda one: instants.map(lambda at: one._replace(breach_from=max(at, one.effective))))
policies = st.builds(
    policy, st.none() | st.sampled_from(list(Status)), st.none() | instants,
    approvals=st.lists(approvals, max_size=3).map(tuple), orders=st.lists(orders, max_size=2).map(tuple),
    observers=st.lists(groups, max_size=1).map(tuple),
)  # fmt: skip
acts = st.builds(
    act, st.sampled_from(list(Stage)), st.none() | instants, denied=st.booleans(), reference=st.sampled_from(["", "7"])
)
subjects = st.builds(
    Subject,
    st.frozensets(st.sampled_from(["u1", "u2", "a@x", "10.0.0.1"])),
    st.sampled_from(["", "Robbery", "forensics"]),
    st.sampled_from(["", "ws-1"]),
)


class TestProperties:
    @given(policies, acts, subjects)
    def test_what_is_no_use_is_never_a_breach(self, a_policy, an_act, subject):
        if not is_use(an_act.stage, denied=an_act.denied):
            assert a_policy.judge(an_act, subject).verdict not in (Verdict.AFTER_ORDER, Verdict.NEEDS_REFERENCE)

    @given(policies, acts, subjects, approvals)
    def test_an_approval_from_later_on_changes_nothing_about_earlier_acts(self, a_policy, an_act, subject, later):
        if an_act.at is not None:
            later = later._replace(given=an_act.at + 1, valid_from=an_act.at + 1)
        more = replace(a_policy, approvals=(*a_policy.approvals, later))
        assert more.judge(an_act, subject) == a_policy.judge(an_act, subject)

    @given(policies, acts, subjects, orders)
    def test_a_later_order_changes_nothing_about_earlier_acts(self, a_policy, an_act, subject, later):
        if an_act.at is not None:
            later = later._replace(effective=an_act.at + 1, breach_from=an_act.at + 1)
        more = replace(a_policy, orders=(*a_policy.orders, later))
        assert more.judge(an_act, subject) == a_policy.judge(an_act, subject)

    @given(policies, acts, subjects, instants)
    def test_revoking_an_approval_accuses_nobody_backwards(self, a_policy, an_act, subject, revoked):
        cut = tuple(one._replace(valid_until=min(one.valid_until, revoked)) for one in a_policy.approvals)
        if an_act.at is not None and an_act.at < revoked:
            assert replace(a_policy, approvals=cut).judge(an_act, subject) == a_policy.judge(an_act, subject)

    @given(policies, acts, subjects)
    def test_knowing_less_of_the_subject_never_approves_more(self, a_policy, an_act, subject):
        a_policy = replace(a_policy, observers=(), orders=())
        less = a_policy.judge(an_act, Subject(frozenset()))
        assert less.verdict.weight >= a_policy.judge(an_act, subject).verdict.weight

    @given(policies, acts, subjects)
    def test_the_order_of_approvals_and_orders_never_matters_for_the_verdict(self, a_policy, an_act, subject):
        turned = replace(a_policy, approvals=a_policy.approvals[::-1], orders=a_policy.orders[::-1])
        assert turned.judge(an_act, subject).verdict is a_policy.judge(an_act, subject).verdict

    @given(policies, acts, subjects)
    def test_pseudonyms_are_judged_as_names_are(self, a_policy, an_act, subject):
        hidden = a_policy.pseudonymised(lambda name: frozenset({f"p-{name}", f"q-{name}"}))
        known = subject._replace(ids=frozenset(f"q-{one}" for one in subject.ids))
        assert hidden.judge(an_act, known) == a_policy.judge(an_act, subject)
        assert hidden.digest == a_policy.digest


SOUND = """\
version: 1
defaults: {facial-recognition: prohibited}
services:
  nec-neoface: restricted
  zoom: {status: approved, since: 2019-01-01, assessment: A-1}
approvals:
  - id: mugshots
    services: nec-neoface
    units: forensics
    hosts: ws-1
    max_stage: used
    valid_from: 2014-01-01
    valid_until: 2021-01-01
    approver: chief
    statement: Mugshots.
orders:
  - id: stop
    services: clearview-ai
    effective: 2020-02-28T17:00:00-07:00
    addressees: {units: robbery}
observers: [{people: sec1, reason: security}]
tenants: [{service: axon-evidence, domains: evidence.com, own: ours}]
mutes: [{indicator: "clearview-ai:suffix:clearview.ai", reason: r, until: 2021-01-01}]
"""


@pytest.fixture
def shadowit(capsys):
    def call(*arguments):
        status = run([str(one) for one in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def check(shadowit, file):
    def call(text, *options):
        path = file(text)
        status, out, err = shadowit("check", "policy", "--at", "2020-03-01", *options, path)
        return status, out, err.replace(f"{path}:", "")

    return call


class TestCheck:
    def test_what_is_sound_is_shown_as_tables(self, check):
        status, out, err = check(SOUND)
        assert (status, err.partition(": ")[0]) == (0, " sound")
        assert [line.split("  ")[0] for line in out.splitlines() if line and line[0] != " "] == [
            "Status", "Approvals (UTC; the end is not included)", "Orders", "Observers", "Tenants", "Mutes"
        ]  # fmt: skip
        assert "  mugshots  nec-neoface  unit forensics on ws-1  used   2014-01-01  2021-01-02\n" in out
        assert "  stop  clearview-ai  2020-02-29T00:00:00Z  2020-02-29T00:00:00Z          unit robbery  stop\n" in out

    def test_as_json(self, check, file):
        status, out, err = check(WHOLE, "-f", "json")
        found = json.loads(out)
        assert (status, json.loads(err.splitlines()[-1])["error"]["exit"]) == (3, 3)
        assert found["digest"] == load(file(WHOLE)).digest
        assert found["approvals"][0]["hosts"] == ["ws-0317"]
        assert found["orders"][0]["breach_from"] == "2020-03-01T00:00:00Z"
        assert set(found) == {
            "digest", "defaults", "services", "approvals", "orders", "observers", "tenants", "mutes"
        }  # fmt: skip

    def test_an_empty_one_is_sound(self, check):
        assert check("version: 1")[:2] == (0, "")

    @pytest.mark.parametrize(
        ("old", "new", "found"),
        [
            ("  zoom:", "  zom:", "services.zom: no signature is called 'zom'; did you mean 'zoom'?"),
            ("{facial-recognition:", "{facial:", "defaults.facial: no signature has the category 'facial'"),
            ("2021-01-01\n    appr", "2020-02-29\n    appr", "ended 2020-03-01T00:00:00Z: kept for what was before"),
            (
                "2021-01-01\n    appr",
                "2020-03-30\n    appr",
                "valid_until: ends 2020-03-31T00:00:00Z: soon",
            ),
            ("    approver: chief\n", "", "approvals.0: has no approver: say who gave it"),
            (", since: 2019-01-01", "", "services.zoom: is approved without since: what was before the decision"),
            ("    addressees: {units: robbery}\n", "", "orders.0: has no addressees: it binds everybody, and names"),
            ("people: sec1", "units: [it]", "observers.0.units: leaves out whole units: name people or devices"),
            ("until: 2021-01-01}", "until: 2020-01-01}", "mutes.0.until: ended 2020-01-02T00:00:00Z: kept for"),
            ("services: nec-neoface", "services: zoom", "approvals.0: narrows nothing: the status approved allows"),
            (
                "    services: nec-neoface\n",
                "    category: facial-recognition\n",
                "approvals.0: does not lift the prohibition of ",
            ),
            (
                "  nec-neoface: restricted\n",
                "  clearview-ai: restricted\n  nec-neoface: restricted\n",
                "",
            ),
            (
                "services: clearview-ai\n    effective: 2020-02-28T17:00:00-07:00\n    addressees: {units: robbery}",
                "services: nec-neoface\n    effective: 2020-02-28T17:00:00-07:00\n    addressees: {units: forensics}",
                "approvals.0: was given before order 'stop', which ends it for those that it binds",
            ),
        ],
    )
    def test_doubts_are_warnings(self, check, old, new, found):
        assert old in SOUND
        status, _, err = check(SOUND.replace(old, new, 1))
        assert (status, found in err, "warning: " in err) == (0, True, bool(found)), err
        assert check(SOUND.replace(old, new, 1), "--strict")[0] == (3 if found else 0)

    @pytest.mark.parametrize(
        ("old", "new", "found"),
        [
            ("services: nec-neoface", "services: nec-neofase", "8:5: approvals.0.services.0: no signature is called"),
            (
                "services: nec-neoface",
                "category: facial",
                "8:5: approvals.0.category: no signature has the category",
            ),
            ("services: clearview-ai", "services: clearview", "18:5: orders.0.services.0: no signature is called 'cle"),
            ("service: axon-evidence", "service: axon", "22:12: tenants.0.service: no signature is called 'axon'; did"),
            ("suffix:clearview.ai", "suffix:clearview.com", "23:10: mutes.0.indicator: no signature has it; did you m"),
        ],
    )
    def test_decisions_that_do_nothing_are_errors(self, check, old, new, found):
        assert old in SOUND
        status, _, err = check(SOUND.replace(old, new, 1))
        assert status == 3
        assert f"shadowit: {found}" in err

    @pytest.mark.parametrize(
        ("more", "is_told"),
        [
            ("services: clearview-ai\n    addressees: {units: robbery}", True),
            ("services: clearview-ai", True),
            ("category: facial-recognition\n    addressees: {people: u1}", True),
            ("services: clearview-ai\n    addressees: {units: forensics}", False),
            ("services: nec-neoface\n    addressees: {units: robbery}", False),
        ],
    )
    def test_orders_that_overlap_are_told(self, check, more, is_told):
        order = f"  - id: again\n    effective: 2020-03-01T00:00:00Z\n    {more}\nobservers:"
        _, _, err = check(SOUND.replace("observers:", order))
        assert ("orders.1: overlaps with order 'stop': the same people, service and time" in err) == is_told
        lifted = SOUND.replace("effective: 2020-02-28T", "lifted: 2020-02-29T12:00:00Z\n    effective: 2020-02-28T")
        assert "overlaps" not in check(lifted.replace("observers:", order))[2]

    def test_an_approval_of_every_service_is_an_error(self, check, tmp_path):
        for name in ("one", "two"):
            (tmp_path / f"{name}.yaml").write_text(SIGNATURE.replace("one", name))
        text = "version: 1\napprovals: [{id: a, category: test, people: u1, valid_from: 2020-01-01, approver: b,"
        text += " valid_until: 2030-01-01, statement: s}]"
        status, _, err = check(text, "--signatures", tmp_path)
        assert (status, "approvals.0: approves every service there is: name those that are meant" in err) == (3, True)

    def test_faults_of_the_file_are_3_with_places(self, check):
        status, out, err = check("version: 1\nordres: []")
        assert (status, out) == (3, "")
        assert err == "shadowit: 2:1: ordres: no such key; did you mean 'orders'?\n"

    def test_the_committed_schema_is_the_programs(self, shadowit):
        committed = Path(loader.__file__).with_name("policy.schema.json")
        assert json.loads(committed.read_text()) == json.loads(shadowit("schema", "policy")[1])

    def test_the_example_of_the_readme_is_sound(self, check):
        page = (Path(loader.__file__).parents[2] / "README.md").read_text()
        (example,) = re.findall(r"^```yml\n(version: .*?)^```", page, re.DOTALL | re.MULTILINE)
        assert check(example)[0] == 0


SIGNATURE = """\
schema_version: 1
id: one
name: One
vendor: One Ltd
category: test/kind
attribution: dedicated
description: A service.
indicators:
  - {kind: suffix, value: one-service.com, sources: [its own site]}
added: 2026-01-01
reviewed: 2026-01-02
tests:
  positive: [[one-service.com, visited], [app.one-service.com, visited]]
  negative: [other.com, service.org, notone-service.net]
"""


JUDGING = """\
version: 1
services: {one: restricted}
approvals:
  - {id: ok, services: one, people: u1, valid_from: 2020-02-01, valid_until: 2020-03-01, approver: b, statement: s}
orders: [{id: stop, services: one, effective: 2020-03-01T00:00:00Z, addressees: {people: u3}}]
observers: [{people: sec, reason: security}]
mutes: [{indicator: "one:suffix:one-service.com", reason: r, until: 2020-01-01}]
"""


class TestAudit:
    @pytest.fixture
    def audit(self, shadowit, tmp_path, file):
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "one.yaml").write_text(SIGNATURE)

        def call(users, *options, text=JUDGING):
            lines = [
                f"{from_iso(day) // 1_000_000}.000 1 10.0.0.1 TCP_MISS/200 9 GET http://one-service.com/ {user} "
                "HIER_DIRECT/1.2.3.4 text/html\n"
                for user, day in users
            ]
            (tmp_path / "a.log").write_text("".join(lines))
            named = ["--policy", file(text)] if text else []
            return shadowit("audit", tmp_path / "a.log", "--signatures", tmp_path / "own", *named, *options)

        return call

    USERS = (
        ("sec", "2020-02-01"), ("sec", "2020-02-02"), ("u1", "2020-02-03"), ("u2", "2020-02-03"),
        ("u3", "2020-03-02"), ("u4", "2019-12-03"),
    )  # fmt: skip

    def test_each_finding_is_judged_and_what_is_left_out_is_counted(self, audit, file):
        status, out, _ = audit(self.USERS, "-f", "json")
        report = json.loads(out)
        assert status == 0
        assert {one["actor"]["id"]: one["verdict"] for one in report["findings"]} == {
            "u1": "approved", "u2": "unapproved", "u3": "after-order"
        }  # fmt: skip
        assert report["policy"] == {"digest": load(file(JUDGING)).digest, "left_out": {"mutes": 1, "observers": 2}}

    SAID = "By the policy 1 after-order, 1 unapproved, 1 approved; 1 sighting of muted indicators and 2 sightings by "

    @pytest.mark.parametrize("name", ["table", "md", "html"])
    def test_people_are_told_too(self, audit, name):
        for text, said in ((JUDGING, self.SAID), (None, "")):
            _, out, _ = audit(self.USERS, "-f", name, text=text)
            told = " ".join(out.replace("\\", "").split())
            assert (said in told, "By the policy" in told) == (True, bool(said))
        only = audit([("sec", "2020-02-01")], "-f", name)[1]
        assert "By the policy nothing is to be said; 1 sighting by observers left out" in only.replace("\\", "")

    def test_a_narrow_table_keeps_the_verdict_of_a_policy(self):
        actor = ActorRow("u1", "account", "u1", "", "high")
        row = FindingRow(
            "one", "One", "x", actor, "used", "confirmed", "after-order", None, None, 1, 1, 0, 0, (), (), (), ()
        )
        for policy_digest, heads in (("d", "stage first seen last seen sightings verdict"), ("", "sightings denied")):
            report = Report("1", "r", 1, None, None, (), (row,), names=True, policy=policy_digest)
            text = writer_named("table").render(report, width=80)
            assert heads in " ".join(text.split())
            assert text.count("after-order") == (2 if policy_digest else 0)

    @pytest.mark.parametrize(
        ("users", "expected"),
        [
            ([("u1", "2020-02-03")], [0, 0, 1]),
            ([("sec", "2020-02-03")], [0, 0, 0]),
            ([("u1", "2020-02-03"), ("u2", "2020-02-03")], [0, 1, 1]),
            ([("u3", "2020-03-02")], [0, 1, 1]),
        ],
    )
    def test_fail_on_means_what_it_says(self, audit, users, expected):
        assert [audit(users, "--fail-on", one)[0] for one in ("never", "unapproved", "any")] == expected
        assert audit(users, "--fail-on", "unapproved", text=None)[0] == 1

    def test_cases_make_a_use_within_an_approval_that_needs_one(self, audit, tmp_path):
        text = JUDGING.replace("people: u1,", "people: u1, needs_reference: true,")
        cases = tmp_path / "cases.csv"
        cases.write_text("who,from,until,reference\nU1,2020-02-03,2020-02-03,2020-7\n")
        users = [("u1", "2020-02-03")]
        found = [json.loads(audit(users, "-f", "json", *more, text=text)[1])["findings"][0]["verdict"]
                 for more in ((), ("--cases", cases))]  # fmt: skip
        assert found == ["needs-reference", "approved"]
        cases.write_text("who,from\n")
        assert audit(users, "--cases", cases)[0] == 3
        cases.write_bytes(b"\xff")
        assert audit(users, "--cases", cases)[2].endswith("cases.csv: cannot be read: is not UTF-8\n")
        assert audit(users, "--cases", tmp_path / "x")[0] == 2

    def test_nobody_has_decided_is_not_unapproved(self, audit):
        assert audit([("u1", "2020-02-03")], "--fail-on", "unapproved", text="version: 1")[0] == 0

    def test_it_may_stand_in_the_configuration(self, shadowit, audit, tmp_path, file):
        audit([("u1", "2020-02-03")])
        config = tmp_path / "shadowit.yml"
        config.write_text("policy: policy.yml\nsignatures: [own]\n")
        found = json.loads(shadowit("audit", tmp_path / "a.log", "-c", config, "-f", "json")[1])["findings"]
        assert [one["verdict"] for one in found] == ["approved"]
        assert shadowit("check", "config", config)[0] == 0
        file("version: 3")
        for call in (("audit", tmp_path / "a.log", "-c", config), ("check", "config", config)):
            status, _, err = shadowit(*call)
            assert (status, err) == (3, f"shadowit: {tmp_path}/policy.yml:1:1: version: Input should be '1'\n")
