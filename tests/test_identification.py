"""Telling formats: every sample log is told as its folder, as its equal but never surely, or holds nothing of ours."""

from zoneinfo import ZoneInfo

import orjson
import pytest
import yaml
from golden import SAMPLES, cases

from detector.audit import Site, plan
from detector.audit.plan import Named
from detector.audit.telling import LEAST_CONFIDENCE, Teller
from detector.events import Col, Dialect, Envelope
from detector.formats import Formats, format_names, own_formats
from detector.scan import CERTAIN, identify
from detector.scan.identification import EQUAL, SAMPLE_LINES, UNSURE

MIXED = {
    "dnsmasq_dhcp/questions_of_dns_are_not_leases": "questions and leases of one dnsmasq in one log",
    "proofpoint_pps_syslog/sendmail_lines": "the sendmail in PPS writes what any sendmail writes",
    "olfeo_swg/hostile_fields": "broken lines of Olfeo are common log lines to Squid",
    "zeek_json/json_of_another_product": "objects of four products, one of them Zeek's",
    "windows_dhcp/hostile_cut_and_foreign": "a line of Squid beside cut ones",
}
"""Cases that hold an event of their folder's format and are told as another one or none, each with its reason."""
BIND = "27-Feb-2020 10:00:0{0}.123 client @0x7f0c 10.0.0.7#4021{0} (a{0}.example): query: a{0}.example IN A +"
QUERIES = [BIND.format(number).encode() for number in range(5)]
SQUID = b"1582797600.123 45 10.0.0.7 TCP_MISS/200 5120 GET http://www.example.com/ u1042 HIER_NONE/- text/html"
FORMATS = Formats()


def site_of(case):
    """What a site would configure for a case, but for the format's name."""
    path = case.path.with_name(case.path.stem + ".dialect.yml")
    said = yaml.safe_load(path.read_text()) if path.exists() else {}
    zone = ZoneInfo(said["timezone"]) if "timezone" in said else None
    return Site(zone=zone, date_order=said.get("date_order", ""), options=said.get("options", {}))


def events_of(case):
    rows = [orjson.loads(line) for line in case.expected_path.read_bytes().splitlines()]
    return [row for row in rows if "unparsed" not in row]


def lines_of(case):
    return sum(bool(line.strip()) for line in case.path.read_bytes().split(b"\n"))


def is_mostly_broken(case, events):
    """Whether somebody broke it so that fewer than half of its lines are events with a time."""
    timed = sum(Col.AT.value in row for row in events)
    return case.path.stem.startswith("hostile_") and timed * 2 < lines_of(case)


def fault_of(case, format_name):
    """What is wrong about how a case is told, empty where nothing is."""
    (one,) = plan([Named([str(case.path)], site_of(case))], FORMATS)
    told = one.log_format.name if one.log_format is not None and not one.unread else "unknown"
    if told == format_name:
        return ""
    if format_name in one.rivals and one.confidence <= EQUAL:
        return ""
    events = events_of(case)
    if not events:  # nothing of the format: whose lines they are is told by the case's name
        return ""
    if told == "unknown" and is_mostly_broken(case, events):
        return ""
    if f"{format_name}/{case.path.stem}" in MIXED and one.confidence <= CERTAIN:
        return ""
    return f"{case.path.name}: told as {told} ({one.confidence})"


@pytest.mark.repeats
@pytest.mark.parametrize("format_name", format_names())
def test_every_sample_is_told_as_its_folder_or_as_its_equal_or_holds_nothing_of_it(format_name):
    assert [fault for case in cases(format_name) if (fault := fault_of(case, format_name))] == []


def test_the_list_of_mixed_cases_is_short_and_names_cases_that_there_are():
    assert all((SAMPLES / f"{name}.expected.jsonl").exists() for name in MIXED)
    assert len(MIXED) == 5


def guesses(lines, names=()):
    return identify(lines, Dialect(), [own_formats()[name] for name in names] or own_formats().values())


def told(lines):
    return guesses(lines)[0]


class TestRivals:
    def test_formats_that_read_the_same_lines_to_the_same_events_are_told_together_and_never_surely(self):
        best = told(QUERIES)
        assert (best.log_format.name, best.confidence) == ("bind_querylog", EQUAL)
        assert best.rivals == ("efficientip_dns", "infoblox_nios_dns")
        assert best.is_plain
        assert EQUAL < CERTAIN

    def test_a_line_that_only_one_of_them_reads_decides(self):
        response = QUERIES[0].replace(b"@0x7f0c ", b"").replace(b" (a0.example): query:", b": UDP: query:")
        best = told([*QUERIES, response.replace(b"IN A +", b"IN A response: NOERROR + ")])
        assert (best.log_format.name, best.rivals, best.confidence) == ("infoblox_nios_dns", (), 1.0)

    def test_who_is_tried_alone_has_no_rivals(self):
        (only,) = guesses(QUERIES, ["efficientip_dns"])
        assert (only.confidence, only.rivals) == (1.0, ())

    def test_formats_of_objects_that_are_no_events_are_not_each_others_rivals(self):
        flow = b'{"timestamp":"2020-02-27T10:00:00.1+0000","flow_id":1,"event_type":"flow","src_ip":"10.0.0.7"}'
        best = told([flow] * 3)
        assert (best.log_format.name, best.confidence, best.rivals) == ("suricata_eve", UNSURE, ())


class TestFewLinesOfMany:
    def test_lines_that_nobody_reads_are_no_evidence_against_a_format(self):
        junk = [b"what this says is nothing to anybody"] * 8
        best = told([SQUID, SQUID, *junk])
        assert (best.log_format.name, best.is_plain) == ("squid", False)
        assert LEAST_CONFIDENCE <= best.confidence <= UNSURE

    def test_one_line_in_many_may_be_chance(self):
        junk = [b"what this says is nothing to anybody"] * 50
        assert told([SQUID, *junk]).confidence < LEAST_CONFIDENCE

    def test_a_mixture_of_many_logs_is_none_of_them(self):
        unbound = b"[1582797600] unbound[811:0] info: 10.0.0.7 www.example.com. A IN"
        junk = [b"what this says is nothing to anybody"] * 6
        assert told([SQUID, unbound, QUERIES[0], *junk]).confidence < LEAST_CONFIDENCE

    def test_a_service_that_has_much_to_say_when_it_starts_is_told_by_what_comes_then(self):
        chatter = [b"[1582797600] unbound[811:0] info: start of service (unbound 1.17.1)."] * SAMPLE_LINES
        asked = [b"[1582797600] unbound[811:0] info: 10.0.0.7 www.example.com. A IN"] * SAMPLE_LINES
        assert guesses(chatter) == []
        assert (told(chatter + asked).log_format.name, told(chatter + asked).confidence) == ("unbound", 1.0)

    def test_nothing_is_no_format(self):
        assert guesses([b"", b"\0\0", b" \t\r"]) == []


@pytest.mark.parametrize(("format_name", "line"), [
    ("postfix", "mx1 postfix/smtp 42 - - 4F3A12B1C2: to=<u@x.ca>, relay=none, delay=1, dsn=2.0.0, status=sent (ok)"),
    ("sendmail", "mx1 sendmail 42 - - 01RA00Ab001234: to=<u@x.ca>, delay=00:00:01, mailer=local, dsn=2.0.0, stat=Sent"),
    ("dnsmasq_dhcp", "gw dnsmasq-dhcp 42 - - DHCPACK(eth0) 10.0.0.7 00:00:5e:00:53:07 ws-0317"),
    ("isc_dhcpd", "gw dhcpd 42 - - DHCPACK on 10.0.0.7 to 00:00:5e:00:53:07 (ws-0317) via eth0"),
    ("unbound", "gw unbound 42 - - [42:0] info: 10.0.0.7 www.example.com. A IN"),
])  # fmt: skip
def test_a_program_is_known_also_by_the_header_of_rfc_5424(format_name, line):
    lines = [f"<22>1 2020-02-27T10:00:0{number}Z {line}".encode() for number in range(3)]
    assert (told(lines).log_format.name, told(lines).confidence) == (format_name, 1.0)


def test_a_header_alone_is_no_event_of_a_format_that_reads_without_one():
    names = (
        "user_id username source_ip http_action received sent host path result virus epoch time scheme category media"
    )
    header = ",".join(f'"{name}"' for name in (*names.split(), *(f"column_{letter}" for letter in "abcdefghijklmn")))
    assert guesses([header.encode()]) == []


class TestTeller:
    def test_rivals_and_confidence_are_remembered_between_runs(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        head = b"\n".join([*QUERIES, b""])
        first = Teller(FORMATS)
        before = first.tell("query.log", head, Dialect(), None)
        first.keep()
        after = Teller(FORMATS).tell("query.log", head, Dialect(), None)
        assert after == before
        assert (after.confidence, len(after.rivals)) == (EQUAL, 2)

    def test_another_rotation_is_as_sure_as_the_first_one(self):
        teller = Teller(FORMATS)
        first = teller.tell("query.log", b"\n".join(QUERIES), Dialect(), None)
        second = teller.tell("query.log.1", b"\n".join(QUERIES[1:]), Dialect(), None)
        assert (second.confidence, second.rivals) == (first.confidence, first.rivals)
        other = teller.tell("query.log.2", SQUID, Dialect(), None)
        assert (other.log_format.name, other.rivals) == ("squid", ())

    def test_where_the_events_are_the_same_nobody_is_asked_to_name_one(self, tmp_path):
        path = tmp_path / "query.log"
        path.write_bytes(b"\n".join(QUERIES))
        (one,) = plan([Named([str(path)], Site(zone=ZoneInfo("UTC")))], FORMATS)
        assert (one.notes, one.rivals) == ((), ("efficientip_dns", "infoblox_nios_dns"))


def test_the_time_of_a_syslog_header_is_no_time_of_what_reads_the_line_by_chance():
    line = (
        b'<134>1 2020-02-27T10:00:00Z gw CheckPoint 10024 - [action:"Accept"; conn_direction:"Incoming"; flags:"86"; '
        b'ifdir:"inbound"; ifname:"eth1"; loguid:"{0x1,0x2,0x3,0x4}"; origin:"10.0.0.254"; '
        b'product:"VPN-1 & FireWall-1"; proto:"6"; s_port:"40211"; service:"443"; service_id:"https"; src:"10.0.0.7"; '
        b'dst:"192.0.2.9"; time:"1582797600"]'
    )
    assert told([line]).log_format.name == "checkpoint"


def test_a_tag_that_hides_the_time_of_the_lines_is_peeled_off():
    line = (
        b'"2020-02-27 10:00:00","u1042@example.org","10.0.0.7","198.51.100.7","192.0.2.1","text/html","BLOCKED",'
        b'"https://www.example.com/","","Mozilla/5.0","403","700","900","880","","Software","","","","","","AD Users",'
        b'"","u1042@example.org,HQ","AD Users,Networks","POST"'
    )
    guess = told([b"Feb 27 12:30:00 gw1 logger[12]: " + line] * 3)
    assert (guess.log_format.name, guess.dialect.envelope) == ("cisco_umbrella_proxy", Envelope.TAGGED)


@pytest.mark.parametrize("head", [
    b"<134>", b"Feb 27 10:00:01 relay <134>Feb 27 10:00:00 gw1 squid: ", b"<134>squid: ",
    b"2020 Feb 27 10:00:00 (gw1) 192.0.2.1->/var/log/squid/access.log ",
])  # fmt: skip
def test_headers_of_relays_and_mere_priorities_are_peeled_off(head):
    guess = told([head + SQUID] * 3)
    assert guess.log_format.name == "squid"
