"""Applications that people let act for them: by client id surely, by their whole name probably, and never by a part."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import audited, examples, small_ruleset

from detector.events import Action, Col, Dialect, Kind, Line, Stage, from_iso, read_lines
from detector.events.batch import batch_of
from detector.formats import format_named
from detector.match import Confidence, Matcher
from detector.prefilter import prefilter_of
from detector.signatures import Ruleset
from detector.signatures.applications import FOLDED, RARE_BLANKS, application_names, normal, phrase_of, phrases_of
from detector.signatures.model import OauthRules

AT = from_iso("2020-02-27T10:00:00Z")
PLAIN = small_ruleset()
CLIENT = "4242-ABC.apps.example"


def ruleset():
    first, *others = PLAIN.signatures
    oauth = OauthRules(names=("Face Finder",), client_ids=(CLIENT,))
    return Ruleset(digest="g", signatures=(first._replace(oauth=oauth), *others))


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
    shared = Ruleset(digest="s", signatures=(first, second._replace(name="Face finder"), *others))
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


NAMES = ("Face Finder", "Kiosk of Staff Offices", "at&t eyes", "tl;dv", "Q", "stra\u00dfe 7", "c++ [beta] i")
SPELLED = Ruleset(
    digest="s",
    signatures=tuple(
        PLAIN.signatures[0]._replace(id=f"s{number}", name=name, oauth=OauthRules((), (f"{number}-{CLIENT}",)))
        for number, name in enumerate(NAMES)
    ),
)
FORMATS = ("m365_audit_exchange", "google_workspace_activity", "microsoft_mcas")
ACTIVITIES = dict(zip(FORMATS, ("Consent to application.", "authorize", "EVENT_CATEGORY_LOGIN"), strict=True))
SCANNERS = {name: prefilter_of(SPELLED, format_named(name)) for name in FORMATS}
BLANKS = [one for one in map(chr, range(0x3001)) if one.isspace()]
FOLDS = {
    "ss": "\u00df\u1e9e",
    "k": "\u212a",
    "s": "\u017f",
    "ff": "\ufb00",
    "fi": "\ufb01",
    "ffi": "\ufb03",
    "st": "\ufb06",
}


@st.composite
def spellings(draw):
    """A name as somebody may write it who wants it to be read as that name."""
    name = draw(st.sampled_from(NAMES)).casefold()
    for plain, others in FOLDS.items():
        if plain in name and draw(st.booleans()):
            name = name.replace(plain, draw(st.sampled_from(others)), draw(st.integers(1, 2)))
    blank = st.text(st.sampled_from(BLANKS), min_size=1, max_size=3) if draw(st.booleans()) else st.just(" ")
    words = [word.upper() if draw(st.booleans()) else word for word in name.split(" ")]
    edge = draw(st.sampled_from(["", " ", "\t", "\u00a0"]))
    return edge + "".join(word + draw(blank) for word in words[:-1]) + words[-1]


@st.composite
def lines(draw):
    """A grant in one of the formats that tell of them; JSON with any of its letters escaped."""
    name = draw(st.sampled_from(FORMATS))
    said = {"client": f"{draw(st.integers(0, 6))}-{CLIENT}"} if draw(st.booleans()) else {"name": draw(spellings())}
    line = format_named(name).example(grant(activity=ACTIVITIES[name], **said))
    for cell in said.values():
        written = orjson.dumps(cell).decode()[1:-1]
        chosen = draw(st.sets(st.integers(0, len(written) - 1), max_size=2))
        if line[:1] == "{" and "\\" not in written and written.isascii():
            hidden = "".join(f"\\u{ord(one):04x}" if at in chosen else one for at, one in enumerate(written))
            line = line.replace(written, hidden)
    return name, line.replace("\n", " ").encode()


def sighted(name, line):
    reading = read_lines(format_named(name), Dialect(), [Line(0, line)])
    return bool(Matcher(SPELLED).match(reading.batch))


@settings(max_examples=examples(300))
@given(lines())
def test_the_prefilter_never_misses_a_grant(said):
    name, line = said
    if sighted(name, line):
        assert SCANNERS[name].candidates(bytearray(line), len(line)) == [(0, len(line))], line


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "application", [*NAMES, "face  finder", "FACE\u00a0FINDER", "\u212aiosk of sta\ufb00 o\ufb03ces"]
)
def test_these_spellings_are_sighted_and_candidates(name, application):
    line = format_named(name).example(grant(application, activity=ACTIVITIES[name])).encode()
    assert sighted(name, line)
    assert SCANNERS[name].candidates(bytearray(line), len(line))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("application", ["Face Lift", "Kiosk", "Office of Staff", "eyes", "Gamma", "tl-dv", "42"])
def test_words_of_a_name_are_no_candidates(name, application):
    line = format_named(name).example(grant(application, activity="Update user.")).encode()
    assert SCANNERS[name].candidates(bytearray(line), len(line)) == []


def test_what_the_prefilter_knows_of_letters_is_what_this_interpreter_knows():
    beyond = [chr(code) for code in range(0x80, 0x10000)]
    assert [one for one in beyond if any(part.isascii() for part in one.casefold() + one.lower())] == list(FOLDED)
    blanks = [chr(code) for code in range(0x110000) if chr(code).isspace()]
    assert [one for one in blanks if one not in " \t\n\r"] == list(RARE_BLANKS)
    assert not any(part.isascii() for code in range(0x10000, 0x110000) for part in chr(code).casefold())


def test_phrases_are_whole_names_and_client_ids():
    assert {"clearview", "clearview ai", "face finder", CLIENT.lower()} <= phrases_of(RULES)
    assert application_names(RULES.signatures[0]._replace(name="\u767e\u5ea6")) == {"clearview ai", "face finder"}
    assert application_names(RULES.signatures[0]) == {"clearview", "clearview ai", "face finder"}
    assert phrase_of("...") == ""
    assert normal(" Face\u3000 FINDER") == "face finder"
