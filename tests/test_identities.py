"""An audit with a directory, leases and logins: evidence of all logs meets in people, at any engine and chunk size."""

import gzip
import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from machine import facts, planned, small_ruleset

from detector.audit import Terms, audit, audited
from detector.audit import identities as reading
from detector.audit.identities import attribute_of, device_of, occupancies_of, stays_of
from detector.cli import root
from detector.errors import InvalidFile
from detector.identity import load
from detector.policy import load as load_policy
from detector.scan import Settings

ANN_MAC, BEN_MAC, DESK_MAC = "00:00:5e:00:53:07", "00:00:5e:00:53:08", "00:00:5e:00:53:09"
PEOPLE = (
    "id,name,mails,accounts,unit,valid_from,valid_until\n"
    "p1,Ann Lee,ann@x.example,u1042,cyber crime,2018-04-01,\n"
    "p2,Ben Ray,ben@x.example;b.ray@x.example,u1043,patrol,2018-04-01,2020-02-28\n"
    "p3,Cleo Day,ben@x.example,u1044,records,2020-02-29,\n"
)
DHCP = (
    f"Feb 27 09:00:00 gw dhcpd[42]: DHCPACK on 10.0.0.7 to {ANN_MAC} (ws-0317) via eth0\n"
    f"Feb 27 09:00:05 gw dhcpd[42]: DHCPACK on 10.0.0.8 to {BEN_MAC} (lt-0021) via eth0\n"
    f"Feb 27 09:00:07 gw dhcpd[42]: DHCPACK on 10.0.0.9 to {DESK_MAC} (desk-1) via eth0\n"
    f"Feb 27 12:00:00 gw dhcpd[42]: DHCPRELEASE of 10.0.0.8 from {BEN_MAC} (lt-0021) via eth0 (found)\n"
    f"Feb 27 12:30:00 gw dhcpd[42]: DHCPACK on 10.0.0.8 to {ANN_MAC} (ws-0317) via eth0\n"
)
LOGINS = '"TimeCreated","Id","TargetUserName","TargetDomainName","IpAddress","LogonType","WorkstationName"\n' + "".join(
    f'"2020-02-27 {clock}","4624","{user}","EXAMPLE","{ip}","3","{host}"\n'
    for clock, user, ip, host in (
        ("09:10:00", "u1042", "10.0.0.7", "WS-0317"), ("09:11:00", "U1043", "10.0.0.8", "-"),
        ("09:12:00", "u1044", "-", "DESK-1"), ("09:30:00", "u1043", "-", "DESK-1"),
        ("09:31:00", "u9", "10.0.0.66", "-"),
    )
)  # fmt: skip


def access(clock, ip, user="-", path="/", host="clearview.ai"):
    at = datetime.fromisoformat(f"2020-02-27T{clock}").replace(tzinfo=UTC).timestamp()
    return f"{at:.3f} 5 {ip} TCP_MISS/200 512 GET http://{host}{path} {user} DIRECT/192.0.2.1 text/html\n"


ACCESS = (
    access("10:00:00", "10.0.0.7") + access("10:01:00", "10.0.0.7", "EXAMPLE\\u1042", "/uploads") +
    access("10:02:00", "10.0.0.8") + access("12:15:00", "10.0.0.8") + access("13:00:00", "10.0.0.8") +
    access("10:03:00", "10.0.0.9") + access("10:04:00", "10.0.0.66") + access("10:05:00", "192.0.2.9")
)  # fmt: skip


@pytest.fixture(scope="module")
def ruleset():
    return small_ruleset()


@pytest.fixture
def house(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "access.log").write_text(ACCESS)
    (folder / "dhcpd-20200228.log").write_text(DHCP)
    (folder / "security-20200228.csv").write_text(LOGINS)
    (folder / "mail-20200303.log").write_text(postfix())
    (tmp_path / "people.csv").write_text(PEOPLE)
    return tmp_path


def postfix():
    """Invitations to one mailbox before and after it was handed over."""
    return "".join(
        f"{at} mx postfix/smtpd[1]: {key}: client=mail.clearview.ai[192.0.2.5]\n"
        f"{at} mx postfix/cleanup[2]: {key}: message-id=<{key}@clearview.ai>\n"
        f"{at} mx postfix/cleanup[2]: {key}: warning: header Subject: You were invited from mail.clearview.ai"
        f"[192.0.2.5]; from=<team@clearview.ai> to=<{to}> proto=ESMTP helo=<mail.clearview.ai>\n"
        f"{at} mx postfix/qmgr[3]: {key}: from=<team@clearview.ai>, size=900, nrcpt=1 (queue active)\n"
        f"{at} mx postfix/lmtp[4]: {key}: to=<{to}>, relay=local, delay=1, status=sent (250 OK)\n"
        f"{at} mx postfix/qmgr[3]: {key}: removed\n"
        for at, key, to in (
            ("Feb 26 10:00:00", "3F1A2B3C4D01", "ann@x.example"), ("Feb 28 23:00:00", "3F1A2B3C4D02", "ben@x.example"),
            ("Feb 29 01:00:00", "3F1A2B3C4D03", "ben@x.example"),
        )
    )  # fmt: skip


def report(house, ruleset, **terms):
    inputs = planned([house / "logs"])
    return audit(inputs, ruleset, Terms("0", people=load(house / "people.csv"), **terms))


def actors(report, service="clearview"):
    return {one.actor.id: one for one in report.findings if one.service == service}


class TestEndToEnd:
    def test_proxy_leases_logins_and_mail_meet_in_people(self, house, ruleset):
        found = actors(report(house, ruleset))
        assert set(found) == {"p1", "p2", "p3", "10.0.0.8", "10.0.0.9", "u9", "192.0.2.9"}
        ann = found["p1"]
        assert (ann.actor.kind, ann.actor.name, ann.actor.unit) == ("person", "Ann Lee", "cyber crime")
        assert (ann.actor.confidence, ann.actor.one_of) == ("high", 1)
        assert sorted(path.rpartition("/")[2] for path in ann.sources) == ["access.log", "mail-20200303.log"]
        assert {stage: count for stage, _, _, count in ann.stages} == {"visited": 3, "invited": 1}

    def test_a_lease_that_was_given_back_is_nobodys(self, house, ruleset):
        lost = actors(report(house, ruleset))["10.0.0.8"]
        assert (lost.actor.kind, lost.actor.confidence, lost.sightings) == ("address", "low", 1)

    def test_a_shared_machine_is_one_of_two(self, house, ruleset):
        desk = actors(report(house, ruleset))["10.0.0.9"].actor
        assert (desk.kind, desk.confidence, desk.one_of, desk.unit) == ("address", "low", 2, "")

    def test_a_mailbox_that_was_handed_over_is_each_ones(self, house, ruleset):
        found = actors(report(house, ruleset))
        assert {stage for stage, *_ in found["p2"].stages} == {"visited", "invited"}
        assert found["p2"].actor.confidence == "medium"
        assert [stage for stage, *_ in found["p3"].stages] == ["invited"]

    def test_somebody_unknown_stays_an_account(self, house, ruleset):
        assert actors(report(house, ruleset))["u9"].actor.kind == "account"

    def test_logs_of_identity_are_sources_like_others(self, house, ruleset):
        kinds = {
            one.path.rpartition("/")[2]: (one.kind, one.lines, one.unparsed) for one in report(house, ruleset).sources
        }
        assert kinds["dhcpd-20200228.log"] == ("lease", 5, 0)
        assert kinds["security-20200228.csv"] == ("login", 6, 0)

    def test_with_a_key_only_pseudonyms_show_and_they_are_of_the_person(self, house, ruleset):
        shown = report(house, ruleset, key=b"0123456789abcdef")
        assert len(shown.findings) == len(report(house, ruleset).findings)
        text = repr(shown.findings)
        assert not any(name in text for name in ("Ann", "p1'", "u1042", "u9'"))

    @pytest.mark.parametrize("engine", ["serial", "processes"])
    @pytest.mark.parametrize("chunk_bytes", [64, 4096, 1 << 20])
    def test_engine_and_chunks_never_matter(self, house, ruleset, engine, chunk_bytes):
        said = report(house, ruleset, engine=engine, jobs=2, settings=Settings(chunk_bytes=chunk_bytes))
        assert facts(said) == facts(report(house, ruleset))

    def test_single_sightings_carry_person_grade_and_unit(self, house, ruleset):
        terms = Terms("0", people=load(house / "people.csv"), keep=True)
        rows = audited(planned([house / "logs"]), ruleset, terms).sightings
        assert {(one.grade, one.unit) for one in rows if one.actor.name == "p1"} == {
            ("high", "cyber crime"), ("medium", "cyber crime"), ("low", "cyber crime"),
        }  # fmt: skip
        assert {one.one_of for one in rows if one.actor.name == "10.0.0.9"} == {2}

    def test_without_a_directory_logins_still_name_accounts(self, house, ruleset):
        found = actors(audit(planned([house / "logs"]), ruleset, Terms("0")))
        assert found["u1042"].actor.confidence == "medium"
        assert found["ann@x.example"].actor.kind == "mailbox"

    def test_with_a_directory_alone_accounts_and_mailboxes_have_people(self, house, ruleset):
        for path in (house / "logs").glob("*-20200228.*"):
            path.unlink()
        found = actors(report(house, ruleset))
        assert {"p1", "p2", "p3", "10.0.0.7"} <= set(found)

    def test_the_leases_zone_counts(self, house, ruleset):
        inputs = planned([house / "logs"], zone=ZoneInfo("America/Edmonton"))
        found = actors(audit(inputs, ruleset, Terms("0", people=load(house / "people.csv"))))
        assert "10.0.0.7" in found  # the leases came seven hours after it was asked


POLICY = """\
version: 1
observers:
  - {hosts: [ws-0317], reason: opens links of mail}
"""


class TestDevices:
    def test_a_machine_that_a_policy_names_is_known_by_its_lease(self, house, ruleset):
        (house / "policy.yml").write_text(POLICY)
        policy = load_policy(house / "policy.yml")
        plain, judged = report(house, ruleset), report(house, ruleset, policy=policy)
        assert actors(plain)["p1"].sightings == 4
        (ann,) = (one for one in judged.findings if one.actor.id == "p1")
        assert [stage for stage, *_ in ann.stages] == ["invited"]
        assert sum(dict(judged.left_out).values()) == 3

    def test_without_leases_no_machine_is_known(self, house):
        inputs = planned([house / "logs" / "access.log"])
        people = load(house / "people.csv")
        for known in (None, people):
            device = device_of(attribute_of(inputs, known, Settings(), "serial", 1))
            assert device("10.0.0.7", NINE) == ""

    def test_a_machine_is_known_at_known_times_only(self, house):
        inputs = planned([house / "logs"])
        device = device_of(attribute_of(inputs, None, Settings(), "serial", 1))
        assert (device("10.0.0.7", NINE), device("10.0.0.7", None), device("", NINE)) == ("ws-0317", "", "")


RADIUS = (
    "Thu Feb 27 09:00:00 2020\n"
    '\tUser-Name = "u1042"\n\tFramed-IP-Address = 10.0.0.7\n\tAcct-Status-Type = Start\n\tTimestamp = 1582794000\n\n'
    "Thu Feb 27 11:00:00 2020\n"
    '\tUser-Name = "u1042"\n\tFramed-IP-Address = 10.0.0.7\n\tAcct-Status-Type = Stop\n\tTimestamp = 1582801200\n\n'
)
HOUR = 3_600_000_000
NINE = 1_582_794_000_000_000


class TestReading:
    @pytest.mark.parametrize("chunk_bytes", [64, 128, 256, 1 << 20])
    def test_records_over_many_lines_are_whole_at_any_chunk_size(self, tmp_path, chunk_bytes):
        (tmp_path / "detail").write_text(RADIUS * 3)
        (one,) = planned([tmp_path / "detail"], "freeradius_detail")
        stays = stays_of(one, Settings(chunk_bytes=chunk_bytes))
        assert list(stays.logins.places) == ["10.0.0.7"]
        assert list(stays.logins.places["10.0.0.7"])[1:4] == [NINE, NINE, NINE + 2 * HOUR]

    def test_a_log_that_breaks_off_says_what_lies_before_the_break(self, tmp_path):
        packed = gzip.compress(DHCP.encode() * 2000)
        (tmp_path / "dhcpd-20200228.log.gz").write_bytes(packed[: len(packed) // 2])
        (one,) = planned([tmp_path / "dhcpd-20200228.log.gz"], "isc_dhcpd")
        assert "10.0.0.7" in stays_of(one, Settings()).leases.places

    def test_a_log_that_vanished_says_nothing(self, tmp_path):
        path = tmp_path / "dhcpd.log"
        path.write_text(DHCP)
        (one,) = planned([path], "isc_dhcpd")
        path.unlink()
        assert len(stays_of(one, Settings()).leases) == 0

    def test_nothing_is_read_where_no_log_shows_addresses(self, house, monkeypatch):
        monkeypatch.setattr(reading, "stays_of", None)
        lone = planned([house / "logs" / "dhcpd-20200228.log", house / "logs" / "mail-20200303.log"])
        assert len(occupancies_of(lone, Settings(), "serial", 1)) == 0
        assert len(occupancies_of(planned([house / "logs" / "access.log"]), Settings(), "serial", 1)) == 0


class TestCommand:
    def run(self, *arguments):
        return CliRunner().invoke(root, [str(one) for one in arguments], standalone_mode=False)

    def test_people_are_named_by_option_or_configuration(self, house):
        (house / "shadowit.yml").write_text("people: people.csv\n")
        asked = ("audit", house / "logs", "--service", "clearview-ai", "-f", "json", "--no-progress")
        by_option = self.run(*asked, "--people", house / "people.csv")
        by_config = self.run(*asked, "-c", house / "shadowit.yml")
        assert by_option.stdout == by_config.stdout
        found = {one["actor"]["id"]: one["actor"] for one in json.loads(by_option.stdout)["findings"]}
        assert found["p1"] == {
            "id": "p1", "kind": "person", "name": "Ann Lee", "unit": "cyber crime", "confidence": "high",
        }  # fmt: skip
        assert found["10.0.0.9"]["one_of"] == 2

    def test_a_faulty_directory_ends_it_with_every_fault(self, house):
        (house / "people.csv").write_text(PEOPLE + "p4,D,d,,,,\n,E,,,,,\n")
        for arguments in (("audit", house / "logs", "--people", house / "people.csv"),):
            result = self.run(*arguments)
            assert isinstance(result.exception, InvalidFile)
            assert [one.line for one in result.exception.problems] == [5, 6]
