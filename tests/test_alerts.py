"""Alerts: what is new is told once, with a reason, without a name."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.events import Kind, Stage, from_iso
from detector.findings import (
    SILENT_STAGES,
    Alert,
    AlertKind,
    Attributed,
    Known,
    Severity,
    Telling,
    canary_missed,
    changes,
    coverage_gap,
    look_back_finished,
    reminder,
    silent_source,
)
from detector.match import Actor, ActorKind, Confidence
from detector.policy import Verdict

NOW = from_iso("2026-03-02T10:00:00Z")
DAY = 86_400_000_000
ANN, BOB = Actor(ActorKind.ACCOUNT, "p-ann"), Actor(ActorKind.ADDRESS, "p-bob")


class Ruleset(dict):
    """As much of a ruleset as alerts look at."""


RULESET = Ruleset(
    {"clearview-ai": SimpleNamespace(name="Clearview AI", category="facial-recognition"),
     "pimeyes": SimpleNamespace(name="PimEyes", category="facial-recognition")}
)  # fmt: skip


def seen(actor=ANN, stage=Stage.USED, **more):
    fields = {
        "id": "x", "service": "clearview-ai", "indicator": "i", "stage": stage, "confidence": Confidence.CONFIRMED,
        "at": NOW - DAY, "denied": False, "actor": actor, "grade": "high", "one_of": 1, "unit": "",
        "host": "clearview.ai", "bytes_sent": 5, "counterpart": "", "kind": Kind.PROXY, "dataset": "squid",
        "source": "proxy", "path": "/l/a.log", "stream": "s", "offset": 0, "part": 0, "length": 1, "sha256": "",
        "verdict": Verdict.UNREVIEWED, "ruling": "",
    }  # fmt: skip
    return Attributed(**fields | more)


def told(*new, known=None, **telling):
    return changes(RULESET, lambda _service: known or Known(), new, NOW, Telling(**telling))


def kinds(alerts):
    return [alert.kind.value for alert in alerts]


class TestChanges:
    def test_first_use_by_one_person_is_an_alert(self):
        (alert,) = told(seen())
        assert alert == Alert(
            key=alert.key, incident="service:clearview-ai", kind=AlertKind.NEW_PERSON, severity=Severity.MEDIUM,
            service="clearview-ai", category="facial-recognition", at=NOW,
            reason="p-ann (account) was seen at Clearview AI for the first time: used.",
            facts={"actor": "p-ann", "actor_kind": "account", "grade": "high", "stage": "used",
                   "confidence": "confirmed", "verdict": "unreviewed", "sightings": 1, "bytes_sent": 5,
                   "first_seen": "2026-03-01T10:00:00Z", "last_seen": "2026-03-01T10:00:00Z", "source": "proxy"},
        )  # fmt: skip

    def test_the_same_person_again_is_none(self):
        assert told(seen(), known=Known({ANN: Stage.USED})) == []

    def test_every_person_is_one(self):
        assert {one.facts["actor"]: one.facts["sightings"] for one in told(seen(), seen(BOB), seen())} == {
            "p-ann": 2,
            "p-bob": 1,
        }

    def test_a_higher_stage_is_one(self):
        (alert,) = told(seen(stage=Stage.UPLOADED), known=Known({ANN: Stage.VISITED}))
        assert (alert.kind, alert.severity) == (AlertKind.HIGHER_STAGE, Severity.HIGH)
        assert alert.reason == "p-ann (account) went further at Clearview AI: from visited to uploaded."

    @pytest.mark.parametrize("stage", [Stage.RESOLVED, Stage.VISITED, Stage.INVITED])
    def test_a_lower_stage_is_none(self, stage):
        assert told(seen(stage=stage), known=Known({ANN: Stage.USED})) == []

    def test_use_after_an_order_is_critical(self):
        alerts = told(seen(verdict=Verdict.AFTER_ORDER, ruling="order-1"), known=Known({ANN: Stage.USED}))
        assert [(one.kind, one.severity) for one in alerts] == [(AlertKind.USE_AFTER_ORDER, Severity.CRITICAL)]
        assert alerts[0].reason.endswith("after the order to cease, by order-1.")
        assert alerts[0].facts["ruling"] == "order-1"

    def test_use_after_an_order_is_told_once_of_each_person(self):
        known = Known({ANN: Stage.USED}, after_order=frozenset({ANN}))
        assert told(seen(verdict=Verdict.AFTER_ORDER), known=known) == []

    @pytest.mark.parametrize(
        ("verdict", "severity", "said"),
        [(Verdict.UNAPPROVED, Severity.HIGH, "outside an approval, by a-1."),
         (Verdict.NEEDS_REFERENCE, Severity.MEDIUM, "the reference that it asks for is missing")],
    )  # fmt: skip
    def test_outside_an_approval(self, verdict, severity, said):
        known = Known({ANN: Stage.USED})
        (alert,) = told(seen(verdict=verdict, ruling="a-1"), known=known)
        assert (alert.kind, alert.severity) == (AlertKind.OUTSIDE_APPROVAL, severity)
        assert said in alert.reason
        assert told(seen(verdict=verdict), known=Known({ANN: Stage.USED}, outside=frozenset({ANN}))) == []

    def test_within_an_approval_nobody_is_alerted(self):
        assert told(seen(verdict=Verdict.APPROVED)) == []

    def test_what_was_refused_is_no_use(self):
        assert told(seen(denied=True), seen(denied=True, verdict=Verdict.AFTER_ORDER)) == []

    @pytest.mark.parametrize("stage", sorted(SILENT_STAGES))
    def test_advertising_alerts_nobody_and_does_not_hide_a_first_visit(self, stage):
        assert told(seen(stage=stage)) == []
        assert kinds(told(seen(), known=Known({ANN: stage}))) == ["new-person"]

    def test_every_other_stage_has_a_severity(self):
        for stage in set(Stage) - SILENT_STAGES:
            assert kinds(told(seen(stage=stage))) == ["new-person"]

    def test_the_gravest_come_first(self):
        alerts = told(seen(BOB, Stage.RESOLVED), seen(verdict=Verdict.AFTER_ORDER), seen(BOB, service="pimeyes"))
        assert kinds(alerts) == ["use-after-order", "new-person", "new-person", "new-person"]
        assert [one.service for one in alerts] == ["clearview-ai"] * 3 + ["pimeyes"]

    def test_a_service_that_left_the_catalogue_is_told_by_its_id(self):
        (alert,) = told(seen(service="gone"))
        assert (alert.category, alert.incident) == ("", "service:gone")

    def test_an_unknown_time_is_left_out(self):
        (alert,) = told(seen(at=None))
        assert "first_seen" not in alert.facts


class TestUnits:
    def test_a_new_unit_of_enough_people_is_named(self):
        alerts = told(seen(unit="Fraud"), unit_sizes={"Fraud": 5})
        (unit,) = [one for one in alerts if one.kind is AlertKind.NEW_UNIT]
        assert unit.reason == "Fraud was seen at Clearview AI for the first time."
        assert (unit.severity, unit.facts) == (Severity.LOW, {"unit": "Fraud", "sightings": 1})
        assert next(one for one in alerts if one.kind is AlertKind.NEW_PERSON).facts["unit"] == "Fraud"

    def test_a_small_unit_is_not_named_anywhere(self):
        alerts = told(seen(unit="Covert"), unit_sizes={"Covert": 4})
        assert kinds(alerts) == ["new-person", "new-unit"]
        assert all("overt" not in repr(one) for one in alerts)
        assert alerts[1].reason.startswith("A unit of fewer than 5 people was seen")

    def test_a_known_unit_is_none(self):
        assert kinds(told(seen(unit="Fraud"), known=Known(units=frozenset({"Fraud"})))) == ["new-person"]

    def test_only_a_look_up_is_not_more_than_information(self):
        assert {one.severity for one in told(seen(unit="U", stage=Stage.RESOLVED))} == {Severity.INFO}


class TestNames:
    def test_no_name_unless_somebody_decided_so(self):
        assert "name" not in told(seen())[0].facts

    def test_a_name_where_somebody_did(self):
        assert told(seen(), name_of=lambda actor: f"name of {actor.name}")[0].facts["name"] == "name of p-ann"


class TestKeys:
    def test_the_same_change_has_the_same_key_at_another_time(self):
        first = changes(RULESET, lambda _: Known(), [seen()], NOW, Telling())
        again = changes(RULESET, lambda _: Known(), [seen(at=None)], NOW + DAY, Telling())
        assert [one.key for one in first] == [one.key for one in again]

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([ANN, BOB]),
                st.sampled_from(list(Stage)),
                st.sampled_from(list(Verdict)),
                st.sampled_from(["", "U", "V"]),
                st.sampled_from(["clearview-ai", "pimeyes"]),
            )
        )
    )
    def test_no_two_alerts_share_one_and_order_never_matters(self, rows):
        new = [seen(actor, stage, verdict=verdict, unit=unit, service=service)
               for actor, stage, verdict, unit, service in rows]  # fmt: skip
        alerts, reverse = told(*new), told(*reversed(new))
        assert len({one.key for one in alerts}) == len(alerts)
        assert [(one.key, one.severity) for one in alerts] == [(one.key, one.severity) for one in reverse]

    @given(st.integers(1, 40), st.integers(1, 10))
    def test_nothing_is_lost_by_the_limit(self, people, limit):
        new = [seen(Actor(ActorKind.ACCOUNT, f"p-{n}")) for n in range(people)]
        alerts = told(*new, limit=limit)
        digests = [one for one in alerts if one.kind is AlertKind.DIGEST]
        assert len(alerts) - len(digests) + sum(one.facts["alerts"] for one in digests) == people
        assert len(alerts) <= limit + 1
        assert all(one.incident == "service:clearview-ai" for one in alerts)


class TestFaults:
    def test_a_silence_is_known_by_the_record_behind_which_it_began(self):
        first, later = (silent_source("dns", NOW - DAY, 3600, NOW + more) for more in (0, DAY))
        assert first.key == later.key != silent_source("dns", NOW, 3600, NOW + DAY).key
        assert (first.source, first.incident) == ("dns", "source:dns:silent-source")
        assert first.reason == (
            "Source dns is silent: its newest record is of 2026-03-01T10:00:00Z, and 3600 s without one are a fault."
        )

    def test_a_source_that_never_spoke(self):
        assert "nothing was ever read" in silent_source("dns", None, 3600, NOW).reason

    def test_a_gap(self):
        alert = coverage_gap("dns", "/l/a.gz", NOW - DAY, None, "damaged", NOW)
        assert alert.reason == (
            "A part of /l/a.gz could not be read (damaged): of 2026-03-01T10:00:00Z to an unknown time nothing can be "
            "said about source dns."
        )

    def test_a_canary(self):
        assert "none ever arrived" in canary_missed("dns", None, 3600, NOW).reason
        assert canary_missed("dns", NOW - DAY, 3600, NOW).facts["newest"] == "2026-03-01T10:00:00Z"

    def test_a_look_back_with_findings(self):
        alert = look_back_finished("abc", {"pimeyes": 2, "clearview-ai": 0}, NOW - DAY, NOW)
        assert "reached 2026-03-01T10:00:00Z and found actors of: pimeyes (2)." in alert.reason
        assert look_back_finished("abc", {"pimeyes": 0}, None, NOW) is None

    def test_an_open_incident_is_told_again_at_most_daily(self):
        def incident(told):
            return SimpleNamespace(id="service:x", service="x", category="c", severity="high", opened=NOW, told=told)

        assert reminder(incident(NOW), NOW + DAY - 1) is None
        first = reminder(incident(NOW), NOW + DAY)
        second = reminder(incident(NOW + DAY), NOW + 2 * DAY)
        assert first.key == reminder(incident(NOW), NOW + DAY + 5).key != second.key
        assert (first.severity, first.kind) == (Severity.HIGH, AlertKind.STILL_OPEN)

    def test_what_is_over_has_a_key_of_its_own_and_the_same_labels(self):
        alert = silent_source("dns", NOW, 3600, NOW)
        over = alert.ended(NOW + 1, "It speaks again.")
        assert (over.key, over.resolved, over.kind, over.source) == (f"{alert.key}/resolved", True, alert.kind, "dns")

    def test_facts_are_plain(self):
        assert json.dumps(dict(silent_source("dns", NOW, 3600, NOW).facts))
