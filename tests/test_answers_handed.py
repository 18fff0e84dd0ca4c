"""Lists that others hand in: a vendor's accounts and people's statements, read strictly, put beside what was found."""

import pytest

from detector.answers import HandedIn, Question, parties, statements, vendor
from detector.coverage import HOUR, Window
from detector.errors import InvalidFile
from detector.events import Kind, Stage, from_iso
from detector.findings import Attributed
from detector.match import Actor, ActorKind, Confidence
from detector.policy import Verdict
from detector.signatures import Thresholds

THRESHOLDS = Thresholds(5, 10, 30_000, frozenset())
WINDOW = Window(from_iso("2020-01-01"), from_iso("2020-03-01"))
QUESTION = Question("s", WINDOW, frozenset({Kind.PROXY}))


def seen(who, at="2020-02-01", stage=Stage.USED, kind=ActorKind.PERSON, **said):
    fields = {
        "id": f"{who}{at}{stage}", "service": "s", "indicator": "i", "stage": stage,
        "confidence": Confidence.CONFIRMED, "at": from_iso(at), "denied": False, "actor": Actor(kind, who),
        "grade": "high", "one_of": 1, "unit": "", "host": "", "bytes_sent": 1, "counterpart": "", "kind": Kind.PROXY,
        "dataset": "squid", "source": "", "path": "a.log", "stream": "s", "offset": 0, "part": 0, "length": 1,
        "sha256": "00", "verdict": Verdict.UNREVIEWED, "ruling": "",
    } | said  # fmt: skip
    return Attributed(**fields)


def account(mail, **said):
    return vendor.Account(mail, **said)


class TestVendorsList:
    def test_it_is_read_whatever_its_columns_are_called(self):
        text = "\ufeffOrg;User e-mail;Signed up;Login count;Searches;Last login;Last search;Plan\n"
        text += "Police;U1@Example.org;2020-01-02T10:00:00Z;1,204;9;2020-02-01;;trial\n\n"
        (one,) = vendor.read(text, "v.csv")
        assert one == account(
            "u1@example.org", organisation="Police", created=from_iso("2020-01-02T10:00:00Z"), logins=1204, searches=9,
            last_login=from_iso("2020-02-01"),
        )  # fmt: skip

    def test_rows_of_one_address_are_one_account(self):
        text = "E-mail,Created,Logins,Last login\na@x,2020-02-01,2,2020-02-03\nA@X,2020-01-01,3,2020-02-02\nb@x,,,\n"
        one, other = vendor.read(text, "v.csv")
        assert (one.mail, one.created, one.logins) == ("a@x", from_iso("2020-01-01"), 5)
        assert one.last_login == from_iso("2020-02-03")
        assert other == account("b@x")

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "v.csv:1:0: no column is called e-mail"),
            ("name\nx\n", "v.csv:1:0: no column is called e-mail"),
            ("e-mail,created\na@x,10/3/2019\n", "v.csv:2:0: created '10/3/2019' is no time"),
            ("e-mail,logins\na@x,many\n", "v.csv:2:0: logins 'many' is no number"),
            ("e-mail,logins\na@x,99999999999999999999\n", "is no number"),
            ("e-mail,logins\n,3\n", "v.csv:2:0: has no e-mail"),
            ('e-mail\n"a\n', "a"),
        ],
    )
    def test_every_fault_has_its_line(self, text, told):
        if told == "a":
            assert vendor.read(text, "v.csv")[0].mail == "a"
            return
        with pytest.raises(InvalidFile) as fault:
            vendor.read(text, "v.csv")
        assert told in str(fault.value)

    def test_all_faults_are_told_at_once(self):
        with pytest.raises(InvalidFile) as fault:
            vendor.read("e-mail,logins\n,1\na@x,x\n", "v.csv")
        assert len(fault.value.problems) == 2

    def test_matched_vendor_only_ours_only(self):
        rows = [seen("u1"), seen("u2@x", kind=ActorKind.MAILBOX), seen("u3"), seen("u9", stage=Stage.VISITED)]
        found = [one for one in parties(rows, THRESHOLDS) if one.has_reached(Stage.SIGNED_UP)]
        listed = [account("u1@x"), account("u2@x"), account("u7@x"), account("old@x", last_login=0)]

        def who(name, _at):
            return frozenset({name, name.partition("@")[0]})

        done = vendor.reconcile(listed, found, who, WINDOW)
        assert [(one.account.mail, one.party.actor.name) for one in done.matched] == [("u1@x", "u1"), ("u2@x", "u2@x")]
        assert [one.mail for one in done.vendor_only] == ["u7@x"]
        assert [one.actor.name for one in done.ours_only] == ["u3"]
        assert done.seen_share == pytest.approx(2 / 3)
        assert vendor.reconcile([], found, who, WINDOW).seen_share == 1.0

    @pytest.mark.parametrize(
        ("one", "lies"),
        [
            (account("a"), True),
            (account("a", created=WINDOW.until), False),
            (account("a", created=WINDOW.until - 1), True),
            (account("a", last_login=WINDOW.since - 1), False),
            (account("a", last_login=WINDOW.since - 1, last_search=WINDOW.since), True),
        ],
    )
    def test_only_accounts_of_the_time_count(self, one, lies):
        assert one.lies_in(WINDOW) == lies


class TestStatements:
    def test_they_are_read(self):
        (one,) = statements.read("Who,Answer,Date\nu1,I never used it,2020-02-21\n", "s.csv")
        assert one == statements.Statement("u1", "I never used it", from_iso("2020-02-21"))

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("id,statement,date\nu1,no,yesterday\n", "s.csv:2:0: date 'yesterday' is no time"),
            ("id,statement,date\nu1,,2020-01-01\n", "s.csv:2:0: needs a person and a statement"),
            ("id,statement\nu1,no\n", "s.csv:2:0: date '' is no time"),
        ],
    )
    def test_every_fault_has_its_line(self, text, told):
        with pytest.raises(InvalidFile) as fault:
            statements.read(text, "s.csv")
        assert told in str(fault.value)

    @pytest.mark.parametrize(
        ("text", "denies"),
        [("I never used it", True), ("No", True), ("I didn't", True), ("I used it once", False), ("Notable", False)],
    )
    def test_a_denial_is_told_by_its_words(self, text, denies):
        assert statements.Statement("u1", text, 0).denies == denies

    def test_only_what_was_done_before_is_held_beside_them(self):
        rows = [seen("u1", "2020-02-01"), seen("u1", "2020-02-03"), seen("u1", "2020-02-25"),
                seen("u2", "2020-02-01", Stage.VISITED), seen("u3", "2020-02-25"), seen("u4", denied=True)]  # fmt: skip
        said = tuple(statements.Statement(f"U{number}", "never", from_iso("2020-02-21")) for number in range(1, 6))
        handed = HandedIn((account("u2"),), said)
        found = statements.check(handed, rows, QUESTION, THRESHOLDS)
        assert [(one.days, one.stage, one.contradicted) for one in found] == [
            (2, "used", True), (1, "visited", False), (0, "", False), (0, "used", False), (0, "", False),
        ]  # fmt: skip
        assert [one.is_listed for one in found] == [False, True, False, False, False]
        assert found[2].actor is None

    def test_the_window_is_a_stretch_of_hours(self):
        assert len(WINDOW.hours) == (WINDOW.until - WINDOW.since) // HOUR
