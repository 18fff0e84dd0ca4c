"""The directory: who has an account or a mailbox at a time, and every fault of the file at once."""

import base64
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import examples

from detector.errors import InvalidFile
from detector.events import from_iso
from detector.identity import Entry, People, Tenure, load
from detector.identity import directory as reading

HEADER = "id,name,mails,accounts,unit,valid_from,valid_until\n"


def ids(tenure, at):
    return [one.id for one in tenure.at(None if at is None else from_iso(at))]


def people(tmp_path, text, zone=None, name="people.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(path) if zone is None else load(path, ZoneInfo(zone))


def faults(tmp_path, text):
    with pytest.raises(InvalidFile) as caught:
        people(tmp_path, text)
    return [(one.line, one.message) for one in caught.value.problems]


class TestValidity:
    def test_somebody_who_left_is_found_for_the_time_when_they_were_there(self, tmp_path):
        found = people(tmp_path, HEADER + "p1,Ann,ann@x.example,u1,patrol,2018-04-01,2020-01-31\n")
        for at, expected in (
            ("2018-03-31T23:59:59Z", []), ("2018-04-01", ["p1"]), ("2020-01-31T23:59:59Z", ["p1"]), ("2020-02-01", []),
        ):  # fmt: skip
            assert ids(found.account("u1"), at) == expected
            assert ids(found.mailbox("ann@x.example"), at) == expected

    def test_a_mailbox_that_was_handed_over_is_each_ones_in_their_time(self, tmp_path):
        found = people(
            tmp_path,
            HEADER + "p1,Ann,desk@x.example,u1,patrol,2018-04-01,2020-01-31\n"
            "p2,Ben,desk@x.example,u2,records,2020-02-01,\n",
        ).mailbox("Desk@X.example")
        assert ids(found, "2020-01-31T20:00:00Z") == ["p1"]
        assert ids(found, "2020-02-01") == ["p2"]
        assert ids(found, None) == ["p1", "p2"]

    def test_changes_of_one_person_follow_each_other(self, tmp_path):
        found = people(
            tmp_path,
            HEADER + "p1,Ann Lee,ann@x.example,u1,patrol,2018-04-01,\n"
            "p1,Ann Ray,ray@x.example;ann.ray@x.example,u1 u1-adm,cyber crime,2020-01-01,\n"
            "p2,Ben,ann@x.example,u2,records,2020-01-01,\n",
        )
        assert [one.unit for one in found.account("u1").at(from_iso("2019-12-31"))] == ["patrol"]
        assert [one.unit for one in found.account("u1").at(from_iso("2020-01-01"))] == ["cyber crime"]
        assert ids(found.mailbox("ann@x.example"), "2019-06-01") == ["p1"]
        assert ids(found.mailbox("ann@x.example"), "2020-06-01") == ["p2"]
        assert ids(found.account("u1-adm"), "2020-06-01") == ["p1"]
        assert found.name("p1") == "Ann Ray"
        assert (len(found), "p1" in found, found.name("nobody")) == (2, True, "nobody")

    def test_two_rows_of_one_time_are_both_valid(self, tmp_path):
        found = people(tmp_path, HEADER + "p1,,,u1,,2018-04-01,\np1,,,u1-adm,,2018-04-01,\n")
        assert ids(found.account("u1"), "2020-01-01") == ids(found.account("u1-adm"), "2020-01-01") == ["p1"]

    def test_days_are_of_the_zone_that_is_given(self, tmp_path):
        row = HEADER + "p1,,,u1,,2020-01-01,2020-01-31\n"
        found = people(tmp_path, row, "America/Edmonton").account("u1")
        assert ids(found, "2020-01-01T06:59:59Z") == []
        assert ids(found, "2020-01-01T07:00:00Z") == ids(found, "2020-02-01T06:59:59Z") == ["p1"]
        assert ids(found, "2020-02-01T07:00:00Z") == []

    def test_an_exact_time_is_taken_as_it_is_written(self, tmp_path):
        found = people(tmp_path, HEADER + "p1,,,u1,,2020-01-01T08:00:00-07:00,2020-01-01T16:00:00Z\n").account("u1")
        assert ids(found, "2020-01-01T15:00:00Z") == ["p1"]
        assert ids(found, "2020-01-01T16:00:00Z") == []

    @settings(deadline=None)
    @given(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 9)), max_size=8),
        st.integers(-1, 10),
        st.integers(-1, 10),
    )
    def test_tenures_say_what_every_entry_says_by_itself(self, rows, at, until):
        entries = [Entry(who, accounts=("x",), since=min(a, b), until=max(a, b) + 1) for who, a, b in rows]
        tenure = People(entries).account("x")
        expected = sorted({one.id for one in entries if one.since <= at < one.until})
        assert [one.id for one in tenure.at(at)] == expected
        spans = list(tenure.spans(at, until))
        assert [(a, b) for a, b, _ in spans] == list(
            zip([at, *(b for _, b, _ in spans)], [b for _, b, _ in spans], strict=False)
        )
        for first, last, holders in spans:
            assert tenure.at(first) == tenure.at(last - 1) == holders


class TestAccounts:
    ONE = People([Entry("p1", mails=("ann.lee@corp.example",), accounts=("CORP\\U1042",))])

    @pytest.mark.parametrize(
        "name", ["u1042", "U1042", "CORP\\u1042", "other\\u1042", "u1042@corp.example", "u1042@ad.corp.example",
                 "ann.lee@corp.example", "u1042@EXAMPLE"],
    )  # fmt: skip
    def test_match_without_directory_and_realm(self, name):
        assert [(one.id, one.is_sure) for one in self.ONE.account(name).at(0)] == [("p1", True)]

    def test_a_realm_that_the_directory_does_not_know_is_not_sure(self):
        assert [(one.id, one.is_sure) for one in self.ONE.account("u1042@elsewhere.example").at(0)] == [("p1", False)]

    def test_without_any_domain_in_the_directory_every_realm_may_be_ours(self):
        assert People([Entry("p1", accounts=("u1042",))]).account("u1042@corp.example").at(0)[0].is_sure

    def test_the_name_as_it_is_written_counts_more_than_without_its_directory(self):
        both = People([Entry("p1", accounts=("CORP\\admin",)), Entry("p2", accounts=("LAB\\admin",))])
        assert ids(both.account("corp\\admin"), "2020-01-01") == ["p1"]
        assert ids(both.account("lab\\admin"), "2020-01-01") == ["p2"]
        assert ids(both.account("admin"), "2020-01-01") == ["p1", "p2"]

    def test_an_old_spelling_does_not_hide_who_has_the_account_now(self):
        found = People([
            Entry("p1", accounts=("CORP\\u1",), until=from_iso("2020-01-01")),
            Entry("p2", accounts=("u1",), since=from_iso("2020-01-01")),
        ]).account("corp\\u1")  # fmt: skip
        assert ids(found, "2019-01-01") == ["p1"]
        assert ids(found, "2021-01-01") == ["p2"]

    @pytest.mark.parametrize("name", ["u1043", "", "@corp.example", "\\", "u1042x", "xu1042"])
    def test_a_name_that_nobody_has_is_nobodys(self, name):
        assert not self.ONE.account(name).is_anybodys
        assert not self.ONE.mailbox(name).is_anybodys


class TestMailboxes:
    def test_aliases_and_tags_lead_to_the_mailbox(self):
        found = People([Entry("p1", mails=("Ann@x.example", "a.lee@x.example"))])
        for address in ("ann@x.example", "A.Lee@X.Example", "ann+trial@x.example"):
            assert ids(found.mailbox(address), "2020-01-01") == ["p1"]
        assert ids(found.mailbox("ann@y.example"), "2020-01-01") == []

    def test_a_shared_mailbox_is_everybodys_who_has_it(self):
        found = People([Entry("p2", mails=("info@x.example",)), Entry("p1", mails=("info@x.example",))])
        assert ids(found.mailbox("info@x.example"), "2020-01-01") == ["p1", "p2"]


class TestHosts:
    def test_a_computer_is_known_by_its_first_label(self, tmp_path):
        found = people(tmp_path, "id,computers\np1,WS-0317 LT-2.example.org\n")
        assert ids(found.host("ws-0317.example.org"), "2020-01-01") == ids(found.host("lt-2"), "2020-01-01") == ["p1"]
        assert not found.host("").is_anybodys


class TestRoster:
    FOUND = People([
        Entry("p1", mails=("a@x.example",), accounts=("u1",), until=from_iso("2020-02-01")),
        Entry("p2", mails=("b@x.example",), accounts=("u2",)),
        Entry("p3", mails=("a@x.example",), accounts=("u3",), since=from_iso("2020-02-01")),
    ])  # fmt: skip

    def test_those_who_were_there_in_the_window(self):
        january = (from_iso("2020-01-01"), from_iso("2020-02-01"))
        assert self.FOUND.present(*january) == {"p1", "p2"}
        assert self.FOUND.present(from_iso("2020-02-01"), None) == {"p2", "p3"}
        assert self.FOUND.present(None, None) == {"p1", "p2", "p3"}

    def test_those_whom_logs_show(self):
        january = (from_iso("2020-01-01"), from_iso("2020-02-01"))
        assert self.FOUND.seen(["U1", "nobody"], [], *january) == {"p1"}
        assert self.FOUND.seen([], ["a@x.example", "b@x.example"], *january) == {"p1", "p2"}
        assert self.FOUND.seen(["u3"], [], *january) == set()
        assert self.FOUND.seen([], ["a@x.example"], None, None) == set()  # one of two


class TestFile:
    def test_header_names_have_aliases_and_other_columns_are_passed(self, tmp_path):
        found = people(
            tmp_path,
            "Employee-ID;Display Name;E-Mail Addresses;sAMAccountName;UPN;Shoe size;Department;Start Date;End Date\r\n"
            "7;Ann;smtp:ann@x.example;u1;u1@corp.example;41;patrol;2020-01-01;\r\n",
        )
        (entry,) = found.entries
        assert entry == Entry(
            "7", "Ann", ("ann@x.example",), ("u1", "u1@corp.example"), "patrol", from_iso("2020-01-01")
        )

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_it_is_read_as_spreadsheets_write_it(self, tmp_path, encoding):
        found = people(tmp_path, 'id\tname\n1\t"Zoë ""Z"" Ray"\n\n'.encode(encoding))
        assert found.name("1") == 'Zoë "Z" Ray'

    def test_the_stories_own_directories_are_read(self):
        from test_house import ROOT  # noqa: PLC0415

        files = sorted((ROOT / "sample_logs" / "stories").glob("*/people.csv"))
        assert len(files) >= 5
        for file in files:
            found = load(file)
            assert len(found) > 20
            assert all(found.account(name).is_anybodys for one in found.entries for name in one.accounts)

    def test_every_fault_is_told_with_its_line_and_what_to_do(self, tmp_path):
        told = faults(
            tmp_path,
            HEADER
            + "\n,Ann,,,,,\np2,Ben,ben,,,,\np3,C,,,,27.02.2020,\np4,D,,,,2020-02-02,2020-01-01\np5,E\n"
            + 'p6,"F\nG",,,,,\np7,H,h@x.example,u7,,,\n',
        )
        assert [line for line, _ in told] == [3, 4, 5, 6, 7, 8]
        for (_, message), part in zip(
            told, ["names no id", "'ben' is no mail address", "'27.02.2020' is no day", "is before valid_from",
                   "has 2 cells, the header has 7", "over several lines"], strict=True,
        ):  # fmt: skip
            assert part in message

    @pytest.mark.parametrize(
        ("text", "line", "part"),
        [
            ("name,mails\nAnn,a@x.example\n", 1, "no column is called id"),
            ("id,name,valid_untill\n1,Ann,\n", 1, "did you mean 'valid_until'?"),
            ("id,employee_id\n1,2\n", 1, "two columns mean id"),
            ('id,name\n1,"Ann\n2,Ben\n', 2, "close every quote"),
            (b"id,name\n1,Ann\n2,\xff\n", 3, "is not UTF-8"),
            ("", 0, "names nobody"),
            ("id,name\n", 0, "names nobody"),
        ],
    )
    def test_what_cannot_be_read_is_a_fault(self, tmp_path, text, line, part):
        told = faults(tmp_path, text)
        assert told[0][0] == line
        assert part in told[0][1]

    def test_a_file_that_is_not_there_or_too_large_is_a_fault(self, tmp_path, monkeypatch):
        with pytest.raises(InvalidFile, match=r"none\.csv:0:0: cannot be read: No such file"):
            load(tmp_path / "none.csv")
        monkeypatch.setattr(reading, "SIZE_LIMIT_BYTES", 10)
        assert faults(tmp_path, HEADER)[0][1] == "is larger than 10 bytes"

    def test_faults_without_end_are_told_up_to_a_limit(self, tmp_path):
        assert len(faults(tmp_path, HEADER + ",,,,,,x\n" * 5000)) == reading.SHOWN_PROBLEMS


LDIF = """\
# extended LDIF
version: 1

dn: CN=Ann Lee,OU=Cyber,DC=corp,DC=example
objectClass: top
objectClass: person
objectClass: user
cn: Ann Lee
displayName:: {name}
employeeID: 17
sAMAccountName: u1042
userPrincipalName: u1042@corp.example
mail: Ann.Lee@x.exa
 mple
proxyAddresses: SMTP:Ann.Lee@x.example
proxyAddresses: smtp:alee@x.example
proxyAddresses: x500:/o=Corp/cn=ann
proxyAddresses: sip:ann.lee@x.example
jpegPhoto:< file:///tmp/ann.jpg
department: cyber crime
whenCreated: 20180401000000.0Z
accountExpires: 132249024000000000

dn: CN=WS-0317,OU=Computers,DC=corp,DC=example
objectClass: user
objectClass: computer
sAMAccountName: WS-0317$

dn: CN=Everybody,DC=corp,DC=example
objectClass: group
sAMAccountName: everybody

dn: uid=u7,ou=people,dc=x,dc=example
objectClass: inetOrgPerson
objectClass: posixAccount
uid: u7
mail: ben@x.example
ou: records
shadowExpire: -1

dn: cn=staff,dc=x,dc=example
cn: staff
uid: staff
memberUid: u7

dn: uid=u8,dc=x,dc=example
uid: u8
accountExpires: 9223372036854775807
"""


class TestLdif:
    def test_an_export_gives_people_and_passes_what_is_none(self, tmp_path):
        name = base64.b64encode("Ann Müller-Lee".encode()).decode()
        found = people(tmp_path, LDIF.format(name=name).replace("\n", "\r\n"), name="export.ldif")
        assert [one.id for one in found.entries] == ["17", "u7", "u8"]
        assert found.entries[0] == Entry(
            "17", "Ann Müller-Lee", ("Ann.Lee@x.example", "alee@x.example"), ("u1042", "u1042@corp.example"),
            "cyber crime", from_iso("2018-04-01"), from_iso("2020-01-31"),
        )  # fmt: skip
        assert found.entries[1] == Entry("u7", "", ("ben@x.example",), ("u7",), "records")
        assert ids(found.account("CORP\\u1042"), "2020-01-30") == ["17"]

    def test_every_fault_is_told_with_its_line(self, tmp_path):
        told = faults(
            tmp_path,
            "dn: uid=a\nuid: a\nnonsense\n\ndn: uid=b\nuid: b\ncn:: !!\n\ndn: uid=c\nuid: c\nwhenCreated: 2018\n\n"
            "dn: uid=d\nuid: d\naccountExpires: soon\n\ndn: uid=e\nchangetype: modify\nuid: e\n\n"
            "dn: uid=f\nuid: f\nwhenCreated: 20181399000000.0Z\n",
        )
        assert [line for line, _ in told] == [3, 7, 9, 13, 17, 21]
        for (_, message), part in zip(
            told, ["is no attribute", "is no base64", "'2018'", "'soon'", "is a change", "time that cannot be read"],
            strict=True,
        ):  # fmt: skip
            assert part in message

    def test_days_of_posix_accounts_end_them(self, tmp_path):
        found = people(tmp_path, "dn: uid=a\nuid: a\nshadowExpire: 18293\n")
        assert found.entries[0].until == from_iso("2020-02-01")


@settings(deadline=None, max_examples=examples(200))
@given(st.one_of(st.binary(max_size=300), st.text(alphabet=',;"\n\r\t id:dn<=#@x', max_size=120).map(str.encode)))
def test_any_file_gives_people_or_faults(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "people"
    path.write_bytes(data)
    try:
        assert len(load(path)) > 0
    except InvalidFile as fault:
        assert fault.problems  # noqa: PT017 - either is right


def test_a_name_without_holders_has_one_time():
    assert Tenure((), ((),)).at(5) == ()
