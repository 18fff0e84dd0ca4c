"""``shadowit answer``: the stories' answers exactly, three readers without a leak, the same bytes every time."""

import itertools
import json
import re
from dataclasses import replace

import pytest
from kept import sighting

from detector import policy
from detector.answers import (
    Compliance,
    Evidence,
    HandedIn,
    Outcome,
    Question,
    answer,
    kinds_of,
    statements,
    vendor,
)
from detector.audit import Site, Terms, plan
from detector.audit.plan import Named
from detector.cli import run
from detector.cli.evidence import Asked, of_logs, who_of
from detector.coverage import Hour, Unread, Window
from detector.events import Kind, Stage, from_iso
from detector.formats import Formats
from detector.identity import References, pseudonym
from detector.identity import load as load_people
from detector.identity import references as cases
from detector.match import Actor, ActorKind
from detector.report.answer import FORMATS, Reader, Showing, render
from detector.store import Store

STORIES = ("edmonton", "rcmp", "visits-only")
MORE = ("calgary", "halifax", "opp", "advertised", "lookalikes", "shared-infra")
SERVICE = "clearview-ai"
KEY = b"k" * 32
POSITIONS = ("within", "needs_reference", "outside")


def expected(root, story):
    return json.loads((root / "sample_logs" / "stories" / story / "expected.json").read_text())


def made_from(root, catalogue, story, logs=("logs",), service=SERVICE, **window):
    """The evidence of some logs of a story, and what it was made with."""
    folder = root / "sample_logs" / "stories" / story
    terms = Terms(
        version="0", services=frozenset({service}), people=load_people(folder / "people.csv"),
        policy=policy.load(folder / "policy.yml"), keep=True,
    )  # fmt: skip
    known = folder / "cases.csv"
    references = cases.read(known.read_text(), known.name) if known.exists() else References()
    inputs = plan([Named([str(folder / one) for one in logs], Site())], Formats())
    asked = Asked(window.get("since"), window.get("until"), catalogue, terms, references, shows_progress=False)
    return of_logs(inputs, asked)


@pytest.fixture(scope="module")
def made(root, catalogue):
    """The evidence of a story, read when it is first asked for."""
    known = {}

    def of(story, service=SERVICE):
        if (story, service) not in known:
            known[story, service] = made_from(root, catalogue, story, service=service)
        return known[story, service]

    return of


def answered(catalogue, made, service=SERVICE, **said):
    evidence, origin = made
    signature = catalogue[service]
    question = Question(service, evidence.ledger.window, kinds_of(signature), **said)
    return answer(question, signature, evidence, origin)


@pytest.fixture(scope="module")
def told(catalogue, made):
    """The answer of each story."""
    return lambda story: answered(catalogue, made(story))


def text_of(given, showing, form):
    """What is written, without the style sheet of a page."""
    return re.sub(r"<style>.*?</style>", "", render(given, showing, form), flags=re.DOTALL)


def document(given, **showing):
    shown = Showing(**{"reader": Reader.INTERNAL, "names": True, "purpose": "a test"} | showing)
    return json.loads(render(given, shown, "json"))


@pytest.mark.parametrize("story", [*STORIES, *(pytest.param(one, marks=pytest.mark.repeats) for one in MORE)])
class TestStories:
    def test_the_answer_is_what_a_security_team_should_have_given(self, told, root, story):
        wanted, given = expected(root, story)["answer"], document(told(story))
        assert given["question"]["service"] == wanted["service"]
        if told(story).outcome is Outcome.FOUND:
            assert wanted["verdict"] == "FOUND"
        else:
            assert given["verdict"] == wanted["verdict"]
        assert sorted(one["id"] for one in given["people"]) == wanted["people"]
        assert [one["unit"] for one in given["units"]] == wanted["units"]
        assert given["question"]["data_location"] == wanted["data_location"]

    def test_who_followed_the_order(self, told, root, story):
        wanted = expected(root, story).get("order")
        given = document(told(story))["orders"]
        if wanted is None:
            assert given == []
            return
        (order,) = given
        assert (order["effective"], order["duties"]) == (wanted["effective"], wanted["duties"])
        found = {one["id"]: one for one in order["people"]}
        assert sorted(found) == [one["person"] for one in wanted["people"]]
        for one in wanted["people"]:
            mine = found[one["person"]]
            assert mine["compliance"].upper() == one["verdict"]
            assert (mine["days_before"], mine["days_after"]) == (one["days_before"], one["days_after"])
            assert mine["last_before"] == one["last_before"]
            assert (mine["first_after"] or "") == one["first_after"]
            assert mine["attempts_after"] == one["attempts_after"]
            assert mine["deletion"] == one.get("deletion", "not-asked")

    def test_what_lay_within_an_approval(self, root, catalogue, made, story):
        wanted = expected(root, story).get("approvals", [])
        for service in sorted({one["service"] for one in wanted}):
            given = document(answered(catalogue, made(story, service), service))
            mine = [
                {"service": service, "person": one["id"], **{key: one[key] for key in POSITIONS}}
                for one in given["approvals"]["people"]
                if any(one[key] for key in POSITIONS)
            ]
            keys = ("service", "person", *POSITIONS)
            theirs = [{key: one[key] for key in keys} for one in wanted if one["service"] == service]
            assert sorted(mine, key=str) == sorted(theirs, key=str)

    def test_no_reader_is_ever_told_that_something_was_not_used(self, told, story):
        for reader, form in itertools.product(Reader, FORMATS):
            text = render(told(story), Showing(reader), form)
            assert not re.search(r"not\W+used", text, re.IGNORECASE)

    def test_only_the_internal_reader_with_names_sees_who_and_where(self, told, root, story):
        given = told(story)
        rows = (root / "sample_logs" / "stories" / story / "people.csv").read_text().splitlines()[1:]
        ids = {row.split(",")[0] for row in rows}
        secret = re.compile(r"\bu\d{4}\b|@service|10\.\d+\.\d+\.\d+|sample_logs|\.log\b|ws-\d")
        for reader, form in itertools.product((Reader.LEADERSHIP, Reader.PUBLIC), FORMATS):
            text = text_of(given, Showing(reader, key=KEY), form)
            assert not secret.search(text), (reader, form, secret.search(text))
        inside = render(given, Showing(Reader.INTERNAL), "md")
        assert not ids & set(re.findall(r"\bu\d{4}\b", inside))
        named = render(given, Showing(Reader.INTERNAL, names=True, purpose="x"), "md")
        assert {party.actor.name for party in given.found} <= set(re.findall(r"\bu\d{4}\b", named))

    def test_the_public_is_told_no_small_number_and_no_small_unit(self, told, story):
        given = told(story)
        for form in FORMATS:
            text = text_of(given, Showing(Reader.PUBLIC), form)
            units = {unit for party in given.found for unit in party.units}
            for unit in units:
                count = sum(unit in party.units for party in given.found)
                assert (unit in text) <= (count >= 5), unit
            assert not re.search(r"\b[1-4] (?:people|person)\b", text)
            assert "person 1" not in text
        public = document(given, reader=Reader.PUBLIC, names=False)
        assert public["people"] == public["traces"] == []
        assert public["found"] is None or public["found"] not in range(1, 5)
        assert all(one["people"] is None for one in public["orders"])


def handed(root, story):
    """What others say in a story."""
    folder = root / "sample_logs" / "stories" / story
    people = load_people(folder / "people.csv")
    listed, said = folder / "vendor.csv", folder / "statements.csv"
    return HandedIn(
        vendor.read(listed.read_text(), "vendor.csv") if listed.exists() else None,
        statements.read(said.read_text(), "statements.csv") if said.exists() else (),
        who_of(people, None, is_store=False),
    )


class TestHandedIn:
    @pytest.mark.parametrize("story", ["edmonton", "rcmp"])
    def test_statements_stand_beside_what_the_logs_show(self, root, catalogue, made, story):
        evidence, origin = made(story)
        given = answered(catalogue, (replace(evidence, handed_in=handed(root, story)), origin))
        mine = [
            {key: one[key] for key in ("person", "statement", "days_of_use_before", "contradicted")}
            | {"date": one["date"][:10]}
            for one in document(given)["statements"]
        ]
        assert mine == expected(root, story)["statements"]
        for reader, form in itertools.product((Reader.LEADERSHIP, Reader.PUBLIC), FORMATS):
            text = text_of(given, Showing(reader), form)
            assert "I never used it" not in text
            assert not re.search(r"u\d{4}\b", text)

    def test_the_vendor_knows_accounts_that_the_logs_do_not_show(self, root, catalogue, made):
        evidence, origin = made("rcmp")
        given = answered(catalogue, (replace(evidence, handed_in=handed(root, "rcmp")), origin))
        wanted, mine = expected(root, "rcmp")["vendor"], document(given)["vendor"]
        assert mine["accounts"] == wanted["accounts"]
        assert sorted(mine["matched_people"]) == wanted["matched"]
        assert sorted(one["account"] for one in mine["vendor_only_accounts"]) == wanted["vendor_only"]
        assert sorted(mine["ours_only_people"]) == wanted["ours_only"]
        assert not given.is_covered
        assert "the vendor's own list names accounts" in render(given, Showing(Reader.INTERNAL), "table")
        listed = [one["in_vendor_list"] for one in document(given)["statements"]]
        assert listed == [True, True, False, True]
        for form in FORMATS:
            inside = render(given, Showing(Reader.INTERNAL), form)
            assert "private-mail" not in inside
            public = render(given, Showing(Reader.PUBLIC), form)
            assert "names 6 accounts that these records do not show" in re.sub(r"\s+", " ", public).replace(
                "&#39;", "'"
            )

    def test_a_vendors_list_makes_a_no_weaker(self, catalogue, made):
        evidence, origin = made("shared-infra")
        assert answered(catalogue, (evidence, origin)).outcome is Outcome.NOT_OBSERVED
        for text, outcome in (
            ("e-mail\nu1@service.example\n", Outcome.NOT_OBSERVED_SHORT),
            ("e-mail\n", Outcome.NOT_OBSERVED),
            ("e-mail,created\nu1@service.example,2021-01-01\n", Outcome.NOT_OBSERVED),
            ("e-mail,last login\nu1@service.example,2019-01-01\n", Outcome.NOT_OBSERVED),
        ):
            listed = HandedIn(vendor.read(text, "v.csv"))
            assert answered(catalogue, (replace(evidence, handed_in=listed), origin)).outcome is outcome


class TestHalifax:
    """What could have been said on the 21st, and on the 28th."""

    @pytest.mark.parametrize("name", ["proxy log, 21 February", "all sources, 28 February"])
    def test_a_part_of_the_logs_gives_the_answer_of_that_part(self, root, catalogue, name):
        (wanted,) = [one for one in expected(root, "halifax")["cutouts"] if one["name"] == name]
        logs = [f"logs/{one}" for one in wanted["inputs"]]
        window = {"since": from_iso(wanted["since"]), "until": from_iso(wanted["until"])}
        given = document(answered(catalogue, made_from(root, catalogue, "halifax", logs, **window)))
        assert given["verdict"] == wanted["verdict"]
        assert [one["id"] for one in given["people"]] == wanted["people"]
        if "not_read" in wanted:
            lacking = {one["place"] for one in given["coverage"]["lacking"] if one["kind"] == "not-read"}
            assert sorted(lacking) == wanted["not_read"]
            gaps = [{"kind": one["kind"], **gap} for one in given["coverage"]["sources"] for gap in one["gaps"]]
            assert gaps == wanted["gaps"]


def test_a_kind_of_log_that_is_missing_makes_the_answer_weaker(catalogue, made):
    whole = made("visits-only")
    assert answered(catalogue, whole).outcome is Outcome.NOT_OBSERVED
    for kind, outcome in (("dns", Outcome.NOT_OBSERVED_SHORT), ("mail", Outcome.NOT_OBSERVED_SHORT)):
        evidence, origin = whole
        rest = tuple(one for one in evidence.ledger.sources if one.kind != kind)
        less = replace(evidence, ledger=evidence.ledger._replace(sources=rest))
        assert answered(catalogue, (less, origin)).outcome is outcome


def test_an_order_that_logs_do_not_cover_is_unproven(catalogue, made):
    evidence, origin = made("calgary")
    bare = replace(evidence, ledger=evidence.ledger._replace(sources=()))
    given = answered(catalogue, (bare, origin))
    assert given.outcome is Outcome.FOUND
    assert {one.compliance for one in given.followed[0].followers} == {Compliance.UNPROVEN}
    text = render(given, Showing(Reader.PUBLIC), "md")
    assert "does not prove that there was none" in text


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "access.log"
    path.write_text("".join(
        f"{1_582_000_000 + 1800 * step}.000 300 10.0.0.{step % 9} TCP_TUNNEL/200 9 CONNECT example.org:443 u{step % 9} "
        "HIER_DIRECT/192.0.2.1 -\n"
        for step in range(100)
    ))  # fmt: skip
    return path


def called(capfd, *arguments):
    status = run(["answer", *map(str, arguments), "--no-progress"])
    return status, *capfd.readouterr()


class TestCommand:
    def test_coverage_that_is_short_ends_with_4(self, log, capfd):
        status, out, _ = called(capfd, SERVICE, log)
        assert status == 4
        assert out.startswith("NOT OBSERVED (coverage short): nobody is seen in what was read to have signed up")
        assert "Mail logs were not read" in out

    def test_coverage_of_what_is_asked_for_ends_with_0(self, log, capfd):
        status, out, _ = called(capfd, SERVICE, log, "--kinds", "proxy", "-f", "json")
        given = json.loads(out)
        assert status == 0
        assert given["outcome"] == "not-observed"
        assert given["question"] | {"needed": ["proxy"], "window_given": False} == given["question"]

    def test_two_runs_give_the_same_bytes(self, log, capfd):
        for form, reader in zip(FORMATS, ("internal", "leadership", "public", "internal"), strict=True):
            words = (SERVICE, log, "-f", form, "--for", reader)
            assert called(capfd, *words) == called(capfd, *words, "--jobs", "2", "--engine", "processes")

    def test_a_page_is_written_whole_and_runs_nothing(self, log, tmp_path, capfd):
        page = tmp_path / "a.html"
        status, out, err = called(capfd, SERVICE, log, "-f", "html", "-o", page)
        assert (status, out, err) == (4, "", f"shadowit: wrote {page}\n")
        text = page.read_text()
        assert "default-src 'none'" in text
        assert not re.search(r"<script|javascript:|\son\w+=|https?://(?!www\.w3\.org)", text)

    def test_what_comes_from_logs_is_shown_harmless(self, tmp_path, capfd):
        path = tmp_path / "b\x1b[31m<b>\u202e.log"
        line = (
            "1582000000.000 300 10.0.0.1 TCP_TUNNEL/200 9 CONNECT app.clearview.ai:443 <script>x</script> DIRECT/- -\n"
        )
        path.write_text(line * 9)
        for form in FORMATS:
            _, out, _ = called(capfd, SERVICE, path, "-f", form, "--names", "--purpose", "<i>x</i>\x1b")
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out), form
            assert ("<script>" in out) <= (form in ("json", "table", "md"))

    @pytest.mark.parametrize(
        ("words", "said", "status"),
        [
            (("clearview",), "no service is called", 2),
            ((SERVICE, "--names"), "--purpose", 2),
            ((SERVICE, "--names", "--purpose", "x", "--for", "public"), "hold no names", 2),
            ((SERVICE, "--kinds", "proxy,phone"), "'phone' is none of", 2),
            ((SERVICE, "--since", "2020-03-01", "--until", "2020-02-01"), "must be before", 2),
            ((SERVICE, "--since", "2021-03-01"), "nothing was read in the time", 2),
            ((SERVICE, "--cases", "nowhere.csv"), "cannot be read", 2),
            ((SERVICE, "--vendor-list", "nowhere.csv"), "cannot be read", 2),
            ((SERVICE, "--statements", "pyproject.toml"), "pyproject.toml:1:0: no column is called person", 3),
        ],
    )
    def test_what_cannot_be_done_is_said(self, log, capfd, words, said, status):
        got, out, err = called(capfd, *words, log)
        assert (got, out) == (status, "")
        assert said in err

    def test_logs_without_a_time_need_a_window(self, tmp_path, capfd):
        path = tmp_path / "empty.log"
        path.write_text("")
        status, _, err = called(capfd, SERVICE, path)
        assert status == 2
        assert "say which time is meant" in err
        status, out, _ = called(capfd, SERVICE, path, "--since", "2020-01-01", "--until", "2020-02-01")
        assert status == 4
        assert out.startswith("CANNOT SAY")

    @pytest.mark.usefixtures("log")
    def test_a_log_that_cannot_be_read_is_told_to_each_reader_as_far_as_they_may_know(self, tmp_path, capfd):
        (tmp_path / "secret-notes.txt").write_text("nothing that is a log\n" * 9)
        for reader, sees in (("internal", True), ("leadership", False), ("public", False)):
            for form in ("json", "html"):
                _, out, _ = called(capfd, SERVICE, tmp_path, "--for", reader, "-f", form)
                flat = re.sub(r"\s+", "", out)
                assert ("secret-notes" in flat) == sees, (reader, form)

    def test_actors_have_pseudonyms_where_there_is_a_key_and_numbers_where_there_is_none(self, told):
        given = told("edmonton")
        assert [one["id"] for one in document(given, names=False)["people"]] == ["person 1", "person 2", "person 3"]
        keyed = document(given, names=False, key=KEY)["people"]
        assert all(re.fullmatch(r"p-[0-9a-f]{16}", one["id"]) for one in keyed)
        assert keyed[0]["name"] is None

    def test_its_schema_is_that_of_what_it_prints(self, log, capfd):
        assert run(["schema", "answer"]) == 0
        schema = json.loads(capfd.readouterr().out)
        _, out, _ = called(capfd, SERVICE, log, "-f", "json")
        given = json.loads(out)
        assert given["schema"] == "shadowit.answer/1" == schema["properties"]["schema"]["const"]
        assert set(given) == set(schema["properties"]) == set(schema["required"])
        described = schema["$defs"]["SourceOfLogs"]["properties"]
        assert set(given["coverage"]["sources"][0]) == set(described)


def test_an_answer_without_evidence_is_no_answer(told):
    given = told("edmonton")
    empty = given.ledger._replace(sources=())
    bare = answer(given.question, given.service, Evidence((), empty), given.origin)
    assert bare.outcome is Outcome.CANNOT_SAY
    for reader, form in itertools.product(Reader, FORMATS):
        assert render(bare, Showing(reader), form)


PSEUDONYM = pseudonym(Actor(ActorKind.PERSON, "u1"), KEY)
WEEK = Window(from_iso("2020-02-10"), from_iso("2020-02-17"))
TIMES = ("--since", "2020-02-10", "--until", "2020-02-17")


@pytest.fixture
def site(tmp_path):
    """A configuration with a store that has kept a week of three sources."""
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "people.csv").write_text(
        "id,mails,accounts,unit\nu1,u1@x.example,u1,Cyber\n"
        + "".join(f"u{number},u{number}@x.example,u{number},Patrol\n" for number in range(2, 8))
    )
    (tmp_path / "shadowit.yml").write_text(
        "store: sqlite:///kept/shadowit.db\npeople: people.csv\nprivacy: {key_file: key}\nsources:\n"
        "  - {name: hq, format: squid, paths: [a.log], max_silence_s: 7200}\n"
        "  - {name: names, format: unbound, paths: [b.log]}\n"
        "  - {name: post, paths: [c.log]}\n"
    )
    with Store.open(f"sqlite:///{tmp_path}/kept/shadowit.db", writable=True, key=KEY) as store, store.batch(0) as batch:
        for name, kind in (("hq", Kind.PROXY), ("names", Kind.DNS), ("post", Kind.MAIL)):
            batch.cover([Hour(name, kind, hour, 9, 3, 0, 900) for hour in WEEK.hours])
    return tmp_path


def keep(site, *rows):
    with Store.open(f"sqlite:///{site}/kept/shadowit.db", writable=True, key=KEY) as store, store.batch(1) as batch:
        batch.add(rows)


def used(**said):
    actor = Actor(ActorKind.PERSON, PSEUDONYM)
    return sighting(1, actor=1)._replace(actor=actor, stage=Stage.USED, at=WEEK.since + 5, unit="Cyber", **said)


class TestStore:
    def test_it_answers_from_what_the_daemon_kept(self, site, capfd):
        status, out, _ = called(capfd, SERVICE, "-c", site / "shadowit.yml", *TIMES, "-f", "json")
        given = json.loads(out)
        assert (status, given["outcome"]) == (0, "not-observed")
        assert [(one["name"], one["share_pct"], one["fields"]) for one in given["coverage"]["sources"]] == [
            ("names", 100.0, None), ("post", 100.0, None), ("hq", 100.0, None),
        ]  # fmt: skip
        assert {one["format"]: one["sighted"] for one in given["coverage"]["canaries"]} == {
            "squid": True,
            "unbound": True,
        }

    def test_the_window_is_that_of_the_store_where_none_is_asked_for(self, site, capfd):
        _, out, _ = called(capfd, SERVICE, "-c", site / "shadowit.yml", "-f", "json")
        question = json.loads(out)["question"]
        assert (question["since"], question["until"]) == ("2020-02-10T00:00:00Z", "2020-02-17T00:00:00Z")
        assert not question["window_given"]

    def test_a_source_that_was_never_read_is_no_source_that_covers(self, site, capfd):
        config = site / "shadowit.yml"
        config.write_text(config.read_text() + "  - {name: east, format: squid, paths: [d.log]}\n")
        status, out, _ = called(capfd, SERVICE, "-c", config, *TIMES, "-f", "json")
        assert status == 4
        assert [(one["kind"], one["place"]) for one in json.loads(out)["coverage"]["lacking"]] == [("short", "east")]

    def test_a_source_that_nobody_knows_anything_of_is_said(self, site, capfd):
        config = site / "shadowit.yml"
        config.write_text(config.read_text() + "  - {name: odd, paths: [d.log]}\n")
        status, out, _ = called(capfd, SERVICE, "-c", config, *TIMES, "-f", "json")
        assert status == 4
        (lacking,) = json.loads(out)["coverage"]["lacking"]
        assert lacking["kind"] == "unplaced"
        assert "no hour of it was ever read" in lacking["text"]

    def test_what_could_not_be_read_is_in_the_ledger(self, site, capfd):
        with Store.open(f"sqlite:///{site}/kept/shadowit.db", writable=True) as store, store.batch(2) as batch:
            batch.gap(Unread("hq", "/logs/a.log.1", WEEK.since, WEEK.since + 30 * 3_600_000_000, "removed"))
        status, out, _ = called(capfd, SERVICE, "-c", site / "shadowit.yml", *TIMES, "-f", "json")
        assert status == 4
        (lacking,) = json.loads(out)["coverage"]["lacking"]
        assert (lacking["kind"], lacking["place"]) == ("short", "hq")
        assert "/logs/a.log.1" in out

    def test_actors_are_pseudonyms_and_small_units_do_not_stand_beside_them(self, site, capfd):
        keep(site, used())
        config = site / "shadowit.yml"
        status, out, _ = called(capfd, SERVICE, "-c", config, *TIMES, "-f", "json")
        given = json.loads(out)
        assert (status, given["outcome"], given["units"]) == (0, "found", [])
        assert [(one["id"], one["units"]) for one in given["people"]] == [(PSEUDONYM, [])]
        keep(site, used(id="s2", offset=7)._replace(unit="Patrol"))
        _, out, _ = called(capfd, SERVICE, "-c", config, *TIMES, "-f", "json")
        assert json.loads(out)["units"] == [{"unit": "Patrol", "people": 1}]
        status, _, err = called(capfd, SERVICE, "-c", config, "--names", "--purpose", "x")
        assert status == 2
        assert "shadowit reveal" in err

    def test_lists_find_people_by_the_key(self, site, capfd):
        keep(site, used())
        (site / "v.csv").write_text("e-mail\nU1@x.example\nu3@x.example\n")
        (site / "s.csv").write_text("person,statement,date\nu1,never,2020-03-01\n")
        words = (SERVICE, "-c", site / "shadowit.yml", *TIMES, "-f", "json")
        _, out, _ = called(capfd, *words, "--vendor-list", site / "v.csv", "--statements", site / "s.csv")
        given = json.loads(out)
        assert given["vendor"]["matched_people"] == [PSEUDONYM]
        assert [one["account"] for one in given["vendor"]["vendor_only_accounts"]] == ["vendor's account 1"]
        assert [(one["person"], one["contradicted"]) for one in given["statements"]] == [(PSEUDONYM, True)]
        config = site / "shadowit.yml"
        config.write_text(config.read_text().replace("privacy: {key_file: key}\n", ""))
        status, _, err = called(capfd, *words, "--vendor-list", site / "v.csv")
        assert status == 2
        assert "its key is needed" in err

    def test_paths_are_read_in_spite_of_a_store(self, site, log, capfd):
        _, out, _ = called(capfd, SERVICE, log, "-c", site / "shadowit.yml", "-f", "json")
        assert [one["formats"] for one in json.loads(out)["coverage"]["sources"]] == [["squid"]]

    def test_without_a_store_the_sources_are_read(self, site, log, capfd):
        config = site / "shadowit.yml"
        config.write_text(f"store: sqlite:///none.db\nsources:\n  - {{name: hq, format: squid, paths: [{log}]}}\n")
        _, out, _ = called(capfd, SERVICE, "-c", config, "-f", "json")
        assert [one["name"] for one in json.loads(out)["coverage"]["sources"]] == ["hq"]

    def test_an_empty_store_needs_a_window(self, site, capfd):
        config = site / "shadowit.yml"
        config.write_text("store: sqlite:///empty.db\nsources:\n  - {name: hq, format: squid, paths: [a.log]}\n")
        Store.open(f"sqlite:///{site}/empty.db", writable=True).close()
        status, _, err = called(capfd, SERVICE, "-c", config)
        assert status == 2
        assert "holds no hour of any log" in err
        status, out, _ = called(capfd, SERVICE, "-c", config, *TIMES)
        assert status == 4
        assert out.startswith("CANNOT SAY")
