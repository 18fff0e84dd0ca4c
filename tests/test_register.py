"""The register of technologies: facts, decisions and use of each service, nobody named."""

import csv
import io
import json
from dataclasses import replace

import pytest

from detector.answers.register import Found, register
from detector.cli import run
from detector.events import Stage, from_iso
from detector.policy import EMPTY, Approval, Duty, Group, Order, Policy, Status, Verdict
from detector.policy.decisions import Entry, Scope
from detector.report.register import COLUMNS, Head, render

NOW = from_iso("2020-03-01")
DAY = 86_400_000_000
SIGNATURE = """\
schema_version: 1
id: {id}
name: "{name}"
vendor: One Ltd
category: {category}
attribution: dedicated
description: A service.
risk: {{vendor_country: US, data_location: US, factors: [scraped-data]}}
indicators:
  - {{kind: suffix, value: {id}-service.com, sources: [its own site]}}
added: 2026-01-01
reviewed: 2026-01-02
tests:
  positive: [[{id}-service.com, visited], [app.{id}-service.com, visited]]
  negative: [other.com, service.org, notone-service.net]
"""
POLICY = """\
version: 1
services:
  one: {status: restricted, since: 2020-01-01, purpose: faces, information: [photographs, names], assessment: PIA-1,
        mitigations: training, owner: Forensics, retention: 2 years}
  gone: prohibited
approvals:
  - {id: ok, services: one, units: [Forensics, Robbery], people: [u1], hosts: [ws-1, ws-2], needs_reference: true,
     valid_from: 2020-01-01, valid_until: 2020-12-31, approver: chief, statement: "=Used | for faces", reference: D-1}
orders:
  - {id: stop, services: gone, effective: 2020-02-01T00:00:00Z, statement: Ceased.}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own").mkdir()
    for name, title, category in (("one", "One <b>", "z/kind"), ("two", "Two", "a/kind")):
        (tmp_path / "own" / f"{name}.yaml").write_text(SIGNATURE.format(id=name, name=title, category=category))
    (tmp_path / "policy.yml").write_text(POLICY)
    return tmp_path


@pytest.fixture
def shadowit(capsysbinary, folder):
    def call(*arguments, policy=True):
        named = ["--policy", folder / "policy.yml"] if policy else []
        words = ["register", "--signatures", folder / "own", "--at", "2020-03-01", *named, *arguments]
        status = run([str(one) for one in words])
        out, err = capsysbinary.readouterr()
        return status, out.decode(), err.decode()

    return call


def finding(**changes):
    whole = {
        "service": "two", "actor": {"id": "u1042", "unit": "Robbery, Homicide", "kind": "person"}, "stage": "uploaded",
        "confidence": "confirmed", "verdict": "unapproved", "first_seen": "2020-02-01T00:00:00Z",
        "last_seen": "2020-02-03T00:00:00Z", "days": 2, "sightings": 7, "denied": 1, "bytes_sent": 2048,
        "sources": ["a.log", "b.log"], "evidence": [],
    }  # fmt: skip
    return {**whole, **changes}


FINDINGS = [
    finding(),
    finding(actor={"id": "u7", "unit": ""}, stage="visited", verdict="unreviewed", first_seen=None, last_seen=None),
]


def rows_of(text):
    return {row["service"]: row for row in csv.DictReader(io.StringIO(text))}


class TestCommand:
    def test_what_was_decided_is_in_it(self, shadowit):
        status, out, err = shadowit()
        rows = rows_of(out)
        assert (status, err, list(rows)) == (0, "", ["gone", "one"])
        assert rows["one"] == {
            **dict.fromkeys(COLUMNS, ""), "service": "one", "name": "One <b>", "vendor": "One Ltd",
            "vendor_country": "US", "data_location": "US", "category": "z/kind", "description": "A service.",
            "risks": "scraped-data", "status": "restricted", "since": "2020-01-01", "owner": "Forensics",
            "purpose": "faces", "information": "photographs; names", "mitigations": "training",
            "authorised_users": "unit forensics, unit robbery, 1 person by name on 2 devices, with the reference of a "
                                "case",
            "retention": "2 years", "assessment": "PIA-1",
            "approvals": "ok (2020-01-01 to 2020-12-31): =Used | for faces",
        }  # fmt: skip
        assert (rows["gone"]["name"], rows["gone"]["status"], rows["gone"]["authorised_users"]) == (
            "", "prohibited", "nobody"
        )  # fmt: skip
        assert rows["gone"]["orders"] == "stop (2020-02-01T00:00:00Z) Ceased."

    def test_what_was_seen_is_in_it_and_nobody_is_named(self, shadowit, folder):
        path = folder / "report.json"
        path.write_text(json.dumps({"findings": FINDINGS, "policy": {"digest": ""}}))
        for name in ("csv", "json", "md", "html"):
            status, out, _ = shadowit("--findings", path, "-f", name)
            assert (status, "u1042" in out, "u1" in out) == (0, False, False)
        two = rows_of(shadowit("--findings", path)[1])["two"]
        assert {key: two[key] for key in ("what", "when", "how", "who", "how_long", "result")} == {
            "what": "uploaded by 1 actor, visited by 1 actor", "when": "2020-02-01 to 2020-02-03",
            "how": "14 sightings in 2 logs, 2 refused, 4.0 KiB sent", "who": "2 actors in Homicide, Robbery",
            "how_long": "4 days of all actors", "result": "1 unapproved, 1 unreviewed",
        }  # fmt: skip

    def test_findings_may_be_lines_and_come_from_standard_input(self, shadowit, monkeypatch):
        text = "\n".join(map(json.dumps, FINDINGS)) + "\n"
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert rows_of(shadowit("--findings", "-")[1])["two"]["who"] == "2 actors in Homicide, Robbery"
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
        assert "two" not in rows_of(shadowit("--findings", "-")[1])

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[]", "the file: Input should be an object"),
            ("no json", "the file: Invalid JSON: expected"),
            (json.dumps(finding(stage="bad")), "stage: Input should be 'resolved'"),
            (json.dumps(finding(first_seen="2020-02-01")), "first_seen: Input should have timezone info"),
        ],
    )
    def test_what_holds_no_findings_is_wrong_usage(self, shadowit, folder, text, said):
        (folder / "x").write_text(text)
        status, out, err = shadowit("--findings", folder / "x")
        assert (status, out) == (2, "")
        assert f"{folder}/x: holds neither a report of `shadowit audit -f json` nor findings as JSON lines: " in err
        assert said in err
        assert shadowit("--findings", folder / "none")[2].endswith("none: cannot be read: No such file or directory\n")

    def test_another_policy_is_told(self, shadowit, folder):
        (folder / "x").write_text(json.dumps({"findings": [], "policy": {"digest": "other"}}))
        status, _, err = shadowit("--findings", folder / "x")
        assert (status, "was judged by another policy" in err) == (0, True)

    def test_all_services_when_asked(self, shadowit):
        assert list(rows_of(shadowit("--all")[1])) == ["gone", "two", "one"]
        assert list(rows_of(shadowit("--all", policy=False)[1])) == ["two", "one"]
        assert shadowit(policy=False)[1].count("\n") == 1

    def test_as_json(self, shadowit, folder):
        (folder / "x").write_text(json.dumps({"findings": FINDINGS}))
        found = json.loads(shadowit("--findings", folder / "x", "-f", "json")[1])
        assert set(found) == {"schema", "tool", "ruleset", "policy", "as_of", "technologies"}
        assert (found["schema"], found["as_of"]) == ("shadowit.register/1", "2020-03-01T00:00:00Z")
        gone, two, one = found["technologies"]
        assert gone["orders"] == [
            {"id": "stop", "effective": "2020-02-01T00:00:00Z", "duties": ["stop"], "statement": "Ceased."}
        ]
        assert one["approvals"] == [
            {
                "id": "ok", "valid_from": "2020-01-01T00:00:00Z", "valid_until": "2021-01-01T00:00:00Z",
                "purposes": [], "needs_reference": True, "reference": "D-1", "approver": "chief",
                "statement": "=Used | for faces",
            }
        ]  # fmt: skip
        assert (one["usage"], one["since"], one["information"]) == (
            None, "2020-01-01T00:00:00Z", ["photographs", "names"]
        )  # fmt: skip
        assert two["usage"] == {
            "what": {"uploaded": 1, "visited": 1},
            "when": {"first": "2020-02-01T00:00:00Z", "last": "2020-02-03T00:00:00Z"},
            "how": {"sightings": 14, "logs": 2, "denied": 2, "bytes_sent": 4096},
            "who": {"actors": 2, "units": ["Homicide", "Robbery"]},
            "how_long": {"actor_days": 4},
            "result": {"unapproved": 1, "unreviewed": 1},
        }

    def test_as_markdown_and_page_nothing_is_markup(self, shadowit, folder):
        status, out, _ = shadowit("-f", "md")
        assert (status, "\n## One \\<b\\>\n" in out) == (0, True)
        assert "| Approvals | ok (2020-01-01 to 2020-12-31): =Used \\| for faces |" in out
        status, _, _ = shadowit("-f", "html", "-o", folder / "register.html")
        page = (folder / "register.html").read_text()
        assert '<h2 id="t2">One &lt;b&gt;</h2>' in page
        assert "<script" not in page
        assert page.count("<section") == 3

    def test_the_same_gives_the_same_bytes(self, shadowit):
        assert [shadowit("-f", name) for name in ("html", "json")] == [
            shadowit("-f", name) for name in ("html", "json")
        ]


def found(**changes):
    whole = Found("one", "u1", (), Stage.USED, Verdict.APPROVED, None, None, 1, 1, 0, 0, ())
    return whole._replace(**changes)


APPROVAL = Approval(
    "ok", Scope(frozenset({"one"})), Group(people=frozenset({"a", "b"})), ("faces", "plates"), False, None, NOW - DAY,
    NOW - DAY, NOW + DAY, "", "", "said",
)  # fmt: skip
STOP = Order("stop", Scope(frozenset({"one"})), NOW - DAY, NOW - DAY, None, Group(), (Duty.STOP,), "", "")


def one(policy, *seen):
    (row,) = register({}, policy, seen)
    return row


class TestRows:
    def test_a_service_without_a_signature_is_a_row_too(self):
        row = one(EMPTY, found())
        assert (row.service, row.name, row.status, row.usage.what) == ("one", "", Status.UNREVIEWED, ((Stage.USED, 1),))
        assert row.lacking == ()

    def test_who_is_authorised(self):
        approved = Policy("d", entries=(Entry("one", Status.APPROVED),))
        assert one(approved).authorised(NOW) == "everybody"
        assert one(replace(approved, orders=(STOP,))).authorised(NOW) == "nobody"
        given = Policy("d", (APPROVAL,))
        assert one(given).authorised(NOW) == "2 people by name"
        assert one(given).authorised(NOW + DAY) == one(given).authorised(NOW - DAY - 1) == "nobody"
        assert one(replace(given, orders=(STOP,))).authorised(NOW) == "nobody"
        later = APPROVAL._replace(given=NOW - DAY + 1, group=Group(hosts=frozenset({"ws-1"})))
        assert one(Policy("d", (later,), (STOP,))).authorised(NOW) == "anybody on 1 device"

    def test_purposes_come_from_approvals_where_no_entry_says_any(self):
        assert one(Policy("d", (APPROVAL,))).purpose == "faces; plates"
        entry = Entry("one", Status.RESTRICTED, purpose="written")
        assert one(Policy("d", (APPROVAL,), entries=(entry,))).purpose == "written"

    @pytest.mark.parametrize("status", list(Status))
    def test_what_is_lacking(self, status):
        row = one(Policy("d", entries=(Entry("one", status, purpose="p"),)))
        needed = status in (Status.APPROVED, Status.RESTRICTED, Status.UNDER_REVIEW)
        assert row.lacking == (("information", "mitigations", "assessment") if needed else ())

    def test_unknown_times_are_told(self):
        text = render([one(EMPTY, found())], Head("1", "r", "", NOW), "csv")
        assert rows_of(text)["one"]["when"] == "unknown to unknown"
        data = json.loads(render([one(EMPTY, found())], Head("1", "r", "", NOW), "json"))
        assert data["technologies"][0]["usage"]["when"] == {"first": None, "last": None}
