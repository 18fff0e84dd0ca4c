"""Applications that people let act for them: by client id surely, by their whole name probably, and never by a part."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import audited, small_ruleset

from detector.events import Action, Col, Kind, Stage, from_iso
from detector.events.batch import batch_of
from detector.formats import format_named
from detector.match import Confidence, Matcher
from detector.scan import Scanner
from detector.signatures import Ruleset
from detector.signatures.applications import application_names, literal_of, literals_of, normal
from detector.signatures.model import OauthRules

AT = from_iso("2020-02-27T10:00:00Z")
PLAIN = small_ruleset()
CLIENT = "4242-ABC.apps.example"


def ruleset():
    first, *others = PLAIN.signatures
    oauth = OauthRules(names=("Face Finder",), client_ids=(CLIENT,))
    return Ruleset(digest="g", signatures=(replace(first, oauth=oauth), *others))


RULES = ruleset()
MATCHER = Matcher(RULES)


def grant(name="", client="", activity="authorize", **more):
    row = {Col.AT: AT, Col.USER: "u1@x.ca", Col.ACTIVITY: activity} | more
    row |= {Col.APPLICATION: name} if name else {}
    return row | ({Col.CLIENT_ID: client} if client else {})


def proven(row, kind=Kind.LOGIN):
    batch = batch_of([row], dataset="test", kind=kind, offsets=[0], lines=[b"line"])
    found = MATCHER.match(batch)
    return [(one.service, one.stage, one.confidence, one.denied) for one in found]


@pytest.mark.parametrize("name", ["Clearview", "CLEARVIEW ai", " clearview   AI ", "Face finder"])
def test_the_whole_name_counts_whatever_its_case(name):
    assert proven(grant(name)) == [("clearview", Stage.SIGNED_UP, Confidence.PROBABLE, False)]


@pytest.mark.parametrize("name", ["Clearview Eyewear", "My Clearview AI", "", "clear view", "Clearview\u200b"])
def test_another_name_does_not(name):
    assert proven(grant(name, client="other-client")) == []


def test_the_client_id_is_certain_whatever_the_name_says():
    assert proven(grant("Calendar", CLIENT.lower())) == [("clearview", Stage.SIGNED_UP, Confidence.CONFIRMED, False)]


@pytest.mark.parametrize(
    ("activity", "stage"),
    [
        ("authorize", Stage.SIGNED_UP),
        ("Consent to application.", Stage.SIGNED_UP),
        ("Add OAuth2PermissionGrant.", Stage.SIGNED_UP),
        ("EVENT_CATEGORY_LOGIN", Stage.SIGNED_IN),
        ("revoke", Stage.CLOSED),
    ],
)
def test_the_activity_says_what_is_proven(activity, stage):
    assert [one[1] for one in proven(grant("Clearview", activity=activity))] == [stage]


def test_other_activities_prove_nothing():
    assert proven(grant("Clearview", activity="Update user.")) == []
    assert proven(grant("Clearview", activity="")) == []


def test_a_refused_grant_is_an_attempt():
    refused = grant("Clearview", **{Col.ACTION: Action.DENIED.value})
    assert proven(refused) == [("clearview", Stage.RESOLVED, Confidence.PROBABLE, True)]


def test_a_name_that_two_services_share_counts_for_neither():
    first, second, *others = RULES.signatures
    shared = Ruleset(digest="s", signatures=(first, replace(second, name="Face finder"), *others))
    batch = batch_of([grant("Face Finder")], dataset="t", kind=Kind.LOGIN, offsets=[0], lines=[b"l"])
    assert Matcher(shared).match(batch) == ()


def test_only_identity_logs_tell_of_grants():
    assert proven(grant("Clearview"), Kind.PROXY) == []
    assert proven(grant("Clearview", **{Col.KIND: Kind.LOGIN.value}), Kind.PROXY) != []
    assert proven({Col.AT: AT, Col.USER: "u1"}) == []


def test_the_actor_is_the_user(tmp_path):
    log_format = format_named("google_workspace_activity")
    path = tmp_path / "token.json"
    path.write_text(log_format.example(grant("Clearview AI", **{Col.SOURCE_IP: "10.0.0.7"})) + "\n")
    (finding,) = audited([path], RULES, "google_workspace_activity").findings
    assert (finding.actor.id, finding.stage, finding.confidence) == ("u1@x.ca", "signed_up", "probable")


@given(st.text(min_size=1, max_size=30))
def test_what_the_prefilter_looks_for_stands_in_every_spelling(name):
    literal = literal_of(normal(name))
    assert literal in normal(name)
    assert literal in orjson.dumps({"name": normal(name)}).decode()


def test_the_prefilter_never_misses_a_grant():
    log_format = format_named("m365_audit_exchange")
    scanner = Scanner(RULES)
    for name in ("Clearview", "FACE FINDER"):
        data = bytearray(log_format.example(grant(name, activity="Consent to application.")).encode())
        assert scanner.prefilter(log_format).candidates(data, len(data))
    assert {"clearview", "finder"} <= literals_of(RULES)
    assert application_names(replace(RULES.signatures[0], name="\u767e\u5ea6")) == {"clearview ai", "face finder"}
    assert application_names(RULES.signatures[0]) == {"clearview", "clearview ai", "face finder"}
