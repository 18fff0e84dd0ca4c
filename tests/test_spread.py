"""Who brought whom: what counts as an edge, who was first, and what is no evidence of anything."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from detector.answers.spread import UNKNOWN, Edge, Mail, spread
from detector.audit.mails import who_is_of
from detector.cli import root as command_line
from detector.events import Kind, Stage, from_iso, to_iso
from detector.findings import Attributed
from detector.identity import Entry, People
from detector.match import Actor, ActorKind, Confidence
from detector.policy import Verdict
from detector.report import spreading

SVG = "{http://www.w3.org/2000/svg}"
STORIES = Path(__file__).parent.parent / "sample_logs" / "stories"
START = from_iso("2020-01-06T10:00:00Z")
HOUR = 3_600_000_000
DAY = 24 * HOUR
UNITS = {"ann": "theft", "bob": "theft", "cid": "cyber", "dan": "cyber"}
FULL = {"ann": "Ann Lee", "bob": "Bob Roy", "cid": "Cid Fox", "dan": "Dan Poe"}
PEOPLE = People(Entry(one, FULL[one], (f"{one}@x.ca",), (one,), unit) for one, unit in UNITS.items())
WHO = who_is_of(PEOPLE)
NAMES = ("Clearview AI", "Clearview")
INVITED = "{} has invited you to Clearview AI"


def person(name):
    return Actor(ActorKind.PERSON, name)


def mail(to, subject, **said):
    return Mail(START, "noreply@clearview.ai", "", (f"{to}@x.ca",), subject, None)._replace(**said)


def invitation(to, who, at=START):
    return mail(to, INVITED.format(who), at=at, stage=Stage.INVITED)


def seen(name, at=START, stage=Stage.SIGNED_UP, **said):
    row = Attributed(
        "id", "clearview-ai", "i", stage, Confidence.CONFIRMED, at, False, person(name), "high", 1,
        UNITS[name], "app.clearview.ai", 0, "", Kind.PROXY, "squid", "", "a.log", "s", 0, 0,
        1, "", Verdict.UNREVIEWED, "",
    )  # fmt: skip
    return row._replace(**said)


def found(mails=(), sightings=(), names=NAMES):
    return spread(mails, sightings, WHO, names)


def ends(result):
    return [(edge.inviter.name, edge.invitee.name, edge.by) for edge in result.edges]


class TestEdges:
    @pytest.mark.parametrize(
        ("subject", "name", "inviter"),
        [
            (INVITED.format("ann@x.ca"), "", person("ann")),
            (INVITED.format("Ann Lee"), "", person("ann")),
            ("Ann Lee invites you to join Clearview", "", person("ann")),
            ("Vous avez une invitation", "bob@x.ca via Clearview", person("bob")),
            (INVITED.format("chief@other.ca"), "", Actor(ActorKind.MAILBOX, "chief@other.ca")),
            (INVITED.format("Somebody Else"), "", UNKNOWN),
            ("You have been invited", "", UNKNOWN),
        ],
    )
    def test_an_invitation_tells_who_invited(self, subject, name, inviter):
        result = found([mail("cid", subject, stage=Stage.INVITED, name=name)])
        assert result.edges == (Edge(inviter, person("cid"), START, "invitation"),)

    def test_a_forwarded_mail_of_the_vendor_is_an_edge_in_any_language(self):
        first = invitation("ann", "chief@other.ca")
        for prefix in ("FW: ", "Fwd: ", "TR : ", "WG: ", "RV:", "fw: FW: "):
            passed = mail("bob", prefix + first.subject, author="ann@x.ca", at=START + HOUR)
            assert ends(found([first, passed]))[1:] == [("ann", "bob", "forward")], prefix

    def test_an_answer_or_news_is_none(self):
        first = invitation("ann", "chief@other.ca")
        others = [
            mail("bob", f"RE: {first.subject}", author="ann@x.ca", at=START + HOUR),
            mail("bob", "FW: Clearview in the news", author="cid@x.ca", at=START + HOUR),
            mail("bob", "Your Clearview order 20311", author="orders@clearview-eyewear.example", at=START + HOUR),
            mail("bob", "How to solve crimes with Clearview", stage=Stage.SOLICITED),
        ]
        assert ends(found([first, *others])) == [("chief@other.ca", "ann", "invitation")]

    def test_a_mention_counts_when_its_reader_came_soon_and_its_author_knew(self):
        told = mail("bob", "try Clearview", author="ann@x.ca", at=START + DAY)
        came = seen("bob", START + 2 * DAY, Stage.VISITED)
        knew = seen("ann", START)
        assert ends(found([told], [knew, came])) == [("ann", "bob", "mention")]
        assert ends(found([told], [came])) == []
        assert ends(found([told], [knew])) == []
        assert ends(found([told], [knew, came._replace(at=START + 40 * DAY)])) == []
        assert ends(found([told], [knew, came._replace(at=START + HOUR)])) == []
        assert ends(found([told._replace(at=None)], [knew, came])) == []
        assert ends(found([told._replace(subject="clearviewing a road")], [knew, came])) == []
        assert ends(found([told], [knew, came], ())) == []

    def test_one_mail_in_many_lines_is_one_edge_and_nobody_invites_themselves(self):
        one = invitation("bob", "ann@x.ca")
        again = one._replace(at=START + HOUR)
        own = mail("ann", f"FW: {one.subject}", author="ann@x.ca", at=START + HOUR)
        assert found([again, one, own]).edges == (Edge(person("ann"), person("bob"), START, "invitation"),)


class TestShape:
    CHAIN = (
        invitation("ann", "chief@other.ca", START),
        invitation("bob", "ann@x.ca", START + 2 * DAY),
        invitation("cid", "bob@x.ca", START + 4 * DAY),
    )
    CAME = (seen("ann", START + DAY), seen("bob", START + 3 * DAY), seen("cid", START + 5 * DAY))

    def test_patient_zero_generations_and_units(self):
        result = found(self.CHAIN, self.CAME)
        assert result.first == (person("ann"),)
        assert result.generations == {person("ann"): 0, person("bob"): 1, person("cid"): 2}
        assert result.crossings == {("theft", "cyber"): 1}

    def test_who_was_invited_and_never_came_is_an_edge_but_no_generation(self):
        result = found(self.CHAIN, self.CAME[:2])
        assert person("cid") not in result.generations
        assert ends(result)[-1] == ("bob", "cid", "invitation")

    def test_two_who_invite_each_other_make_no_ring(self):
        mails = [invitation("bob", "ann@x.ca"), invitation("ann", "bob@x.ca", START + HOUR)]
        result = found(mails, [seen("ann"), seen("bob", START + DAY)])
        assert sorted(result.generations.values()) == [1, 1]

    def test_sign_ups_within_hours_are_a_cluster(self):
        together = [seen(name, START + number * HOUR) for number, name in enumerate(("ann", "bob", "cid"))]
        assert found((), together).clusters == ((person("ann"), person("bob"), person("cid")),)
        assert found((), together[:2]).clusters == ()
        apart = [*together, seen("dan", START + 9 * HOUR)]
        assert found((), apart).clusters == ((person("ann"), person("bob"), person("cid")),)
        assert found((), [one._replace(denied=True) for one in together]).clusters == ()

    def test_the_same_minutes_on_two_days_are_told(self):
        days = [seen(name, START + day * DAY, Stage.USED) for day in (0, 1) for name in ("ann", "bob")]
        assert found((), days).together == {(person("ann"), person("bob")): 2}
        assert found((), days[:2]).together == {}
        assert found((), [one._replace(at=None) for one in days]).together == {}

    @given(st.permutations(list(CHAIN)), st.permutations(list(CAME)))
    def test_the_order_of_the_evidence_never_matters(self, mails, sightings):
        assert found(mails, sightings) == found(self.CHAIN, self.CAME)


class TestShown:
    RESULT = found(TestShape.CHAIN, TestShape.CAME)

    def test_json(self):
        shown = spreading.as_json(self.RESULT, lambda actor: actor.name)
        assert shown["patient_zero"] == "ann"
        assert [one["generation"] for one in shown["people"]] == [0, 1, 2]
        assert shown["units_crossed"] == [{"from": "theft", "to": "cyber", "edges": 1}]
        assert json.loads(json.dumps(shown)) == shown

    def test_dot_and_text_hold_every_edge(self):
        dot = spreading.as_dot(self.RESULT, lambda actor: actor.name)
        assert '"ann" -> "bob" [label="invitation 2020-01-08"];' in dot
        assert spreading.as_text(self.RESULT, lambda actor: actor.name).count("→") == 3

    def test_the_drawing_is_xml_with_everybody_in_it_once(self):
        tree = ET.fromstring(spreading.as_svg(self.RESULT, lambda actor: actor.name))
        texts = [node.text for node in tree.iter(f"{SVG}text")]
        assert sorted(texts) == ["ann (first)", "bob", "chief@other.ca", "cid"]
        assert len(list(tree.iter(f"{SVG}path"))) == 3

    def test_names_from_logs_are_harmless(self):
        result = found([invitation("bob", '"><script>"@x.ca'), invitation("cid", "a\x1b[31m@x.ca")])
        evil = 'x"><script>\x1b'
        for text in (spreading.as_dot, spreading.as_svg, spreading.as_text):
            shown = text(result, lambda _actor: evil)
            assert "\x1b" not in shown
        assert "<script>" not in spreading.as_svg(result, lambda _actor: evil)

    def test_nothing_is_said_to_be_nothing(self):
        empty = found()
        assert "No invitation" in spreading.as_text(empty, lambda actor: actor.name)
        assert spreading.as_svg(empty, lambda actor: actor.name) == ""
        assert spreading.as_json(empty, lambda actor: actor.name)["patient_zero"] is None

    def test_clusters_and_pairs_are_in_every_text(self):
        sightings = [
            seen(name, START + day * DAY + number * 60_000_000)
            for day in (0, 1)
            for number, name in enumerate(("ann", "bob", "cid"))
        ]
        result = found([mail("dan", INVITED.format("ann@x.ca"), at=None, stage=Stage.INVITED)], sightings)
        text = spreading.as_text(result, lambda actor: actor.name)
        assert "signed up within hours of each other: ann, bob, cid" in text
        assert "at the same time on 2 days: ann, bob" in text
        assert "at an unknown time  ann → dan" in text
        assert len(spreading.as_json(result, lambda actor: actor.name)["together"]) == 3


TWINS = ("advertised", "lookalikes", "visits-only")
"""The graphs of the other stories are proven by ``test_stories``, with the program."""


@pytest.mark.parametrize("name", ["halifax", *(pytest.param(one, marks=pytest.mark.repeats) for one in TWINS)])
def test_the_stories_edges_are_found_and_no_other(name):
    folder = STORIES / name
    command = ["spread", "clearview-ai", str(folder / "logs"), "--people", str(folder / "people.csv"), "-f", "json"]
    done = CliRunner().invoke(command_line, command, catch_exceptions=False)
    edges = json.loads(done.stdout)["edges"]
    wanted = json.loads((folder / "expected.json").read_text()).get("edges") or []
    assert edges == wanted


class TestCommand:
    LOGS = str(STORIES / "halifax" / "logs")

    def run(self, *arguments):
        return CliRunner().invoke(command_line, ["spread", *arguments], catch_exceptions=False)

    def test_dot_svg_and_text_go_where_they_should(self, tmp_path):
        path = tmp_path / "spread.svg"
        assert self.run("clearview-ai", self.LOGS, "-f", "svg", "-o", str(path)).exit_code == 0
        assert path.read_text().startswith("<svg ")
        assert self.run("clearview-ai", self.LOGS, "-f", "dot").stdout.startswith("digraph spread {")
        assert "→" in self.run("clearview-ai", self.LOGS).stdout

    def test_the_window_counts(self):
        said = self.run("clearview-ai", self.LOGS, "--until", "2020-01-01", "-f", "json").stdout
        assert json.loads(said)["edges"] == []
        assert to_iso(START) not in said

    def test_joined_mail_logs_are_read_too(self, tmp_path):
        head = "Feb 10 10:00:00 mx1 postfix"
        ends = "from=<noreply@clearview.ai> to=<bob@x.ca> proto=ESMTP helo=<x>"
        subject = "ann@x.ca has invited you to Clearview AI from mail.clearview.ai[203.0.113.9]"
        lines = [
            f"{head}/cleanup[2]: 4F3A: message-id=<1@clearview.ai>",
            f"{head}/cleanup[2]: 4F3A: warning: header Subject: {subject}; {ends}",
            f"{head}/qmgr[3]: 4F3A: from=<noreply@clearview.ai>, size=900, nrcpt=1 (queue active)",
            f"{head}/lmtp[4]: 4F3A: to=<bob@x.ca>, relay=local, delay=1, status=sent (250 ok)",
            f"{head}/qmgr[3]: 4F3A: removed",
        ]
        (tmp_path / "mail.log").write_text("\n".join(lines) + "\n")
        (edge,) = json.loads(self.run("clearview-ai", str(tmp_path / "mail.log"), "-f", "json").stdout)["edges"]
        assert (edge["inviter"], edge["invitee"]) == ("ann@x.ca", "bob@x.ca")

    def test_an_unknown_service_is_said(self):
        done = CliRunner().invoke(command_line, ["spread", "nobody", self.LOGS])
        assert "no service is called 'nobody'" in str(done.exception)


def bare(label):
    """The id in a label: ``u1175``, or ``Jane Doe (u1175)``."""
    return label.rpartition("(")[2].rstrip(")")


class TestInAnswers:
    FOLDER = STORIES / "edmonton"

    def answer(self, *arguments):
        story = (str(self.FOLDER / "logs"), "--people", str(self.FOLDER / "people.csv"), "-q")
        command = ["answer", "clearview-ai", *story, *arguments]
        return CliRunner().invoke(command_line, command, catch_exceptions=False, standalone_mode=False).stdout

    def test_the_internal_reader_sees_who_brought_whom_by_name_only_where_asked(self):
        named = json.loads(self.answer("--names", "--purpose", "case 12", "-f", "json"))["spread"]
        wanted = json.loads((self.FOLDER / "expected.json").read_text())["edges"]
        ids = [(one["inviter"], one["invitee"], one["at"], one["by"]) for one in wanted]
        edges = [(bare(one["inviter"]), bare(one["invitee"]), one["at"], one["by"]) for one in named["edges"]]
        assert edges == ids
        numbered = self.answer("-f", "json")
        assert json.loads(numbered)["spread"]["patient_zero"] == "person 1"
        assert "u1175" not in numbered
        assert "neighbour-police.example" not in numbered

    def test_the_page_draws_it(self):
        page = self.answer("-f", "html")
        assert "How it spread" in page
        (drawing,) = re.findall(r"<svg xmlns.*?</svg>", page)
        assert {node.text for node in ET.fromstring(drawing).iter(f"{SVG}text")} >= {"person 1 (first)", "other 1"}

    @pytest.mark.parametrize("reader", [pytest.param("leadership", marks=pytest.mark.repeats), "public"])
    def test_other_readers_do_not(self, reader):
        assert json.loads(self.answer("--for", reader, "-f", "json"))["spread"] is None
        assert "How it spread" not in self.answer("--for", reader, "-f", "html")
