"""Who was where when: events of leases and logins become stays, stays of all logs the occupants of an address."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import examples

from detector.events import Action, Col, Kind
from detector.identity import Occupancies, Reader, Span
from detector.identity.reading import LEASE_STAY, LOGIN_STAY, SESSION_REACH, TUNNEL_REACH
from detector.identity.stays import RENEWAL_REACH, Client, client_of

HOUR = 3_600_000_000
DAY = 24 * HOUR
IP, OTHER_IP = "10.0.0.7", "10.0.0.8"
MAC, OTHER_MAC = "00:00:5e:00:53:07", "00:00:5e:00:53:08"


def lease(at, mac=MAC, host="", ip=IP, denied=False, **more):
    row = {Col.AT: at, Col.SOURCE_IP: ip, Col.ACTION: Action.DENIED if denied else Action.ALLOWED}
    cells = {Col.SOURCE_MAC: mac, Col.HOST_NAME: host, Col.START: more.get("start"), Col.END: more.get("end")}
    return Kind.LEASE, row | {name: cell for name, cell in cells.items() if cell or cell == 0}


def login(at, user="u1", ip="", action=Action.ALLOWED, **more):
    cells = {
        Col.AT: at, Col.USER: user, Col.SOURCE_IP: ip, Col.ACTION: action,
        Col.HOST_NAME: more.get("host"), Col.SOURCE_MAC: more.get("mac"),
        Col.START: more.get("start"), Col.END: more.get("end"),
    }  # fmt: skip
    return Kind.LOGIN, {name: cell for name, cell in cells.items() if cell or cell == 0}


def stays(*events):
    reader = Reader()
    for kind, row in events:
        reader.take(kind, row)
    return reader.stays()


def known(*logs):
    return Occupancies(stays(*log) for log in logs)


def machines(*logs, ip=IP):
    return [
        (client_of(one.who).mac or client_of(one.who).host, one.first, one.until) for one in known(*logs).machines(ip)
    ]


def accounts(*logs, ip=IP):
    return [tuple(one) for one in known(*logs).accounts(ip)]


class TestLeases:
    def test_a_lease_lasts_as_long_as_it_says(self):
        assert machines([lease(0, end=HOUR)]) == [(MAC, 0, HOUR)]
        assert machines([lease(HOUR, start=0, end=2 * HOUR)]) == [(MAC, 0, 2 * HOUR)]

    def test_one_that_does_not_say_lasts_a_stated_time(self):
        assert machines([lease(0)]) == [(MAC, 0, LEASE_STAY)]

    def test_renewals_make_one_stay(self):
        events = [lease(n * HOUR, end=(n + 2) * HOUR) for n in range(1000)]
        assert machines(events) == [(MAC, 0, 1001 * HOUR)]
        assert len(known(events)) == 1

    def test_a_renewal_may_make_the_lease_shorter(self):
        assert machines([lease(0, end=9 * HOUR), lease(HOUR, end=2 * HOUR)]) == [(MAC, 0, 2 * HOUR)]

    def test_a_release_ends_it(self):
        assert machines([lease(0, end=9 * HOUR), lease(HOUR, denied=True)]) == [(MAC, 0, HOUR)]
        assert machines([lease(0, end=9 * HOUR), lease(HOUR, denied=True, end=HOUR)]) == [(MAC, 0, HOUR)]

    def test_an_expiry_that_names_no_client_ends_whosoever_it_was(self):
        assert machines([lease(0, end=9 * HOUR), lease(HOUR, mac="", denied=True)]) == [(MAC, 0, HOUR)]

    def test_the_release_of_another_machine_says_nothing(self):
        events = [lease(0, end=9 * HOUR), lease(HOUR, OTHER_MAC, denied=True, start=0)]
        assert machines(events) == [(MAC, 0, 9 * HOUR)]

    def test_a_release_of_which_only_the_beginning_is_known_is_a_stay(self):
        assert machines([lease(HOUR, denied=True, start=0)]) == [(MAC, 0, HOUR)]
        assert machines([lease(HOUR, denied=True)]) == []
        assert machines([lease(HOUR, mac="", denied=True, start=0)]) == []

    def test_a_late_release_makes_the_stay_longer(self):
        assert machines([lease(0, end=HOUR), lease(DAY, denied=True)]) == [(MAC, 0, DAY)]
        long_ago = [lease(0, end=HOUR), lease(RENEWAL_REACH + HOUR, denied=True)]
        assert machines(long_ago) == [(MAC, 0, HOUR)]

    def test_without_a_release_the_next_machine_ends_it(self):
        events = [lease(0, end=9 * HOUR), lease(HOUR, OTHER_MAC, end=3 * HOUR)]
        assert machines(events) == [(MAC, 0, HOUR), (OTHER_MAC, HOUR, 3 * HOUR)]

    def test_the_same_machine_again_kept_its_address_unless_long_ago(self):
        assert machines([lease(0), lease(3 * DAY)]) == [(MAC, 0, 3 * DAY + LEASE_STAY)]
        far = RENEWAL_REACH + HOUR
        assert machines([lease(0), lease(far)]) == [(MAC, 0, LEASE_STAY), (MAC, far, far + LEASE_STAY)]

    def test_two_machines_in_turn_have_it_in_turn(self):
        events = [lease(n * HOUR, OTHER_MAC if n % 2 else MAC) for n in range(4)]
        assert machines(events) == [
            (MAC, 0, HOUR), (OTHER_MAC, HOUR, 2 * HOUR), (MAC, 2 * HOUR, 3 * HOUR),
            (OTHER_MAC, 3 * HOUR, 3 * HOUR + DAY),
        ]  # fmt: skip

    def test_lines_out_of_order_make_no_overlap(self):
        assert machines([lease(2 * HOUR), lease(HOUR, OTHER_MAC)]) == [
            (OTHER_MAC, HOUR, 2 * HOUR), (MAC, 2 * HOUR, 2 * HOUR + DAY),
        ]  # fmt: skip
        assert machines([lease(0), lease(4 * HOUR), lease(HOUR, OTHER_MAC)]) == [
            (MAC, 0, 4 * HOUR), (OTHER_MAC, 4 * HOUR, HOUR + DAY),
        ]  # fmt: skip

    def test_a_name_alone_is_a_machine_and_another_name_another(self):
        assert machines([lease(0, "", "ws-1.x.example"), lease(HOUR, "", "WS-1")]) == [("ws-1", 0, HOUR + DAY)]
        assert len(machines([lease(0, MAC, "ws-1"), lease(HOUR, MAC, "ws-2")])) == 2
        assert [one.who for one in known([lease(0), lease(HOUR, MAC, "ws-1")]).machines(IP)] == [f"{MAC}|ws-1"]

    def test_what_names_no_machine_no_address_or_no_time_says_nothing(self):
        row = lease(0)[1]
        assert machines([lease(0, "")]) == []
        for name in (Col.AT, Col.SOURCE_IP):
            assert len(known([(Kind.LEASE, {key: row[key] for key in row if key is not name})])) == 0
        assert len(known([(Kind.PROXY, row)])) == 0

    def test_two_servers_of_one_net_tell_one_story(self):
        mine, theirs = [lease(0), lease(2 * HOUR)], [lease(HOUR), lease(3 * HOUR)]
        assert machines(mine, theirs) == [(MAC, 0, 3 * HOUR + LEASE_STAY)]

    def test_a_rotated_log_goes_on(self):
        assert machines([lease(5 * HOUR, OTHER_MAC)], [lease(0), lease(HOUR)]) == [
            (MAC, 0, 5 * HOUR), (OTHER_MAC, 5 * HOUR, 5 * HOUR + DAY),
        ]  # fmt: skip

    def test_servers_that_contradict_each_other_give_two_machines(self):
        assert machines([lease(0), lease(4 * HOUR)], [lease(HOUR, OTHER_MAC), lease(3 * HOUR, OTHER_MAC)]) == [
            (MAC, 0, 4 * HOUR + DAY), (OTHER_MAC, HOUR, 4 * HOUR),
        ]  # fmt: skip


class TestSameness:
    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            (("m", ""), ("m", "h"), True), (("m", "h"), ("m", "i"), False), (("m", "h"), ("n", "h"), False),
            (("", "h"), ("n", "h"), True), (("m", ""), ("", "h"), False), (("m", "h"), ("m", "h"), True),
        ],
    )  # fmt: skip
    def test_machines_are_one_where_something_says_so_and_nothing_against(self, one, other, same):
        assert Client(*one).is_same(Client(*other)) is Client(*other).is_same(Client(*one)) is same


class TestLogins:
    def test_a_login_lasts_a_stated_time_and_another_makes_it_longer(self):
        assert accounts([login(0, ip=IP)]) == [(0, LOGIN_STAY, "u1", "medium")]
        assert accounts([login(0, ip=IP), login(5 * HOUR, "U1", ip=IP)]) == [(0, 5 * HOUR + LOGIN_STAY, "u1", "medium")]
        far = 2 * LOGIN_STAY
        assert accounts([login(0, ip=IP), login(far, ip=IP)]) == [
            (0, LOGIN_STAY, "u1", "medium"), (far, far + LOGIN_STAY, "u1", "medium"),
        ]  # fmt: skip

    def test_an_end_ends_it_sooner_or_later(self):
        assert accounts([login(0, ip=IP), login(HOUR, ip=IP, end=HOUR)]) == [(0, HOUR, "u1", "medium")]
        assert accounts([login(0, ip=IP), login(DAY, ip=IP, end=DAY)]) == [(0, DAY, "u1", "medium")]
        late = SESSION_REACH + HOUR
        assert accounts([login(0, ip=IP), login(late, ip=IP, end=late)]) == [(0, LOGIN_STAY, "u1", "medium")]

    def test_bounds_that_the_log_gives_count(self):
        assert accounts([login(HOUR, ip=IP, start=0)]) == [(0, HOUR + LOGIN_STAY, "u1", "medium")]
        assert accounts([login(HOUR, ip=IP, start=0, end=HOUR)]) == [(0, HOUR, "u1", "medium")]
        assert accounts([login(HOUR, ip=IP, end=HOUR)]) == []

    def test_what_failed_is_no_login(self):
        assert accounts([login(0, ip=IP, action=Action.DENIED)]) == []
        assert accounts([login(0, "", ip=IP)]) == []

    def test_lines_out_of_order_are_one_login(self):
        assert accounts([login(HOUR, ip=IP), login(0, ip=IP)]) == [(0, HOUR + LOGIN_STAY, "u1", "medium")]

    def test_several_at_one_address_stay_several(self):
        events = [login(0, ip=IP), login(HOUR, "u2", ip=IP)]
        assert accounts(events) == [(0, LOGIN_STAY, "u1", "medium"), (HOUR, HOUR + LOGIN_STAY, "u2", "medium")]

    def test_a_lease_that_names_its_user_is_a_login(self):
        kind, row = lease(0, end=HOUR)
        assert accounts([(kind, row | {Col.USER: "CORP\\U1"})]) == [
            (0, HOUR, "corp\\u1", "medium"), (0, HOUR, "corp\\u1", "medium"),
        ]  # fmt: skip

    def test_a_row_of_another_kind_is_what_it_says_it_is(self):
        row = login(0, ip=IP)[1]
        assert accounts([(Kind.MAIL, row | {Col.KIND: "login"})]) == [(0, LOGIN_STAY, "u1", "medium")]
        assert accounts([(Kind.LOGIN, row | {Col.KIND: "mail"})]) == []

    def test_a_vpn_writes_the_end_at_the_outer_address_only(self):
        outer = "203.0.113.5"
        events = [login(0, ip=outer), login(HOUR // 3600, ip=IP), login(HOUR, ip=outer, end=HOUR)]
        assert accounts(events) == [(1_000_000, HOUR, "u1", "medium")]
        assert accounts(events, ip=outer) == [(0, HOUR, "u1", "medium")]
        apart = [login(0, ip=outer), login(2 * TUNNEL_REACH, ip=IP), login(HOUR, ip=outer, end=HOUR)]
        assert accounts(apart) == [(2 * TUNNEL_REACH, 2 * TUNNEL_REACH + LOGIN_STAY, "u1", "medium")]

    def test_the_end_of_one_device_is_not_the_end_of_another(self):
        events = [login(0, ip=IP, mac=MAC), login(1, ip=OTHER_IP, mac=OTHER_MAC), login(HOUR, ip=IP, mac=MAC, end=HOUR)]
        assert accounts(events, ip=OTHER_IP) == [(1, 1 + LOGIN_STAY, "u1", "medium")]


class TestMachinesWithPeople:
    def test_who_logs_in_on_a_machine_is_at_its_addresses_while_it_lasts(self):
        moves = [lease(0, MAC, "ws-1", end=9 * HOUR), lease(2 * HOUR, MAC, "ws-1", OTHER_IP, end=9 * HOUR)]
        logins = [login(HOUR, host="WS-1.x.example"), login(5 * HOUR, host="ws-1", end=5 * HOUR)]
        assert accounts(moves, logins) == [(HOUR, 5 * HOUR, "u1", "low")]
        assert accounts(moves, logins, ip=OTHER_IP) == [(2 * HOUR, 5 * HOUR, "u1", "low")]

    def test_a_hardware_address_says_more_than_a_name(self):
        logins = [login(HOUR, mac=MAC, end=None)]
        assert accounts([lease(0, end=2 * HOUR)], logins) == [(HOUR, 2 * HOUR, "u1", "medium")]

    def test_another_machines_lease_ends_a_login_from_the_address(self):
        leases = [lease(0, end=9 * HOUR), lease(2 * HOUR, OTHER_MAC)]
        assert accounts(leases, [login(HOUR, ip=IP)]) == [(HOUR, 2 * HOUR, "u1", "medium")]
        assert accounts([lease(2 * HOUR, OTHER_MAC)], [login(HOUR, ip=IP)]) == [
            (HOUR, HOUR + LOGIN_STAY, "u1", "medium")
        ]
        assert accounts([lease(0), lease(2 * HOUR)], [login(HOUR, ip=IP)]) == [
            (HOUR, HOUR + LOGIN_STAY, "u1", "medium")
        ]

    def test_a_lease_that_is_given_back_ends_a_login_and_one_that_runs_out_does_not(self):
        given_back = [lease(0, end=9 * HOUR), lease(2 * HOUR, denied=True)]
        assert accounts(given_back, [login(HOUR, ip=IP)]) == [(HOUR, 2 * HOUR, "u1", "medium")]
        ran_out = [lease(0, end=2 * HOUR), lease(7 * HOUR, OTHER_MAC)]
        assert accounts(ran_out[:1], [login(HOUR, ip=IP)]) == [(HOUR, HOUR + LOGIN_STAY, "u1", "medium")]
        assert accounts(ran_out, [login(3 * HOUR, ip=IP)]) == [(3 * HOUR, 7 * HOUR, "u1", "medium")]
        assert accounts(given_back, [login(3 * HOUR, ip=IP)]) == [(3 * HOUR, 3 * HOUR + LOGIN_STAY, "u1", "medium")]

    def test_somebody_on_another_machine_of_the_house_is_not_there(self):
        assert accounts([lease(0, OTHER_MAC, "ws-2")], [login(0, host="ws-1"), login(0, "u2", mac=MAC)]) == []


class TestDevices:
    def test_a_machine_is_known_by_its_name_while_it_has_the_address(self):
        edges, names = known([lease(0, MAC, "WS-1.x.example", end=HOUR), lease(HOUR, OTHER_MAC, "ws-2")]).devices(IP)
        assert (edges, names) == ((0, HOUR, HOUR + DAY), ("", "ws-1", "ws-2", ""))

    def test_a_name_that_two_machines_gave_themselves_is_nobodys(self):
        log = [lease(0, MAC, "sandbox-1", end=HOUR), lease(9 * DAY, OTHER_MAC, "sandbox-1", OTHER_IP)]
        assert set(known(log).devices(IP)[1]) == {""}
        assert set(known(log[:1]).devices(IP)[1]) == {"", "sandbox-1"}

    def test_a_name_without_hardware_and_one_of_two_machines_are_not_known(self):
        assert set(known([lease(0, "", "sandbox-1")]).devices(IP)[1]) == {""}
        both = known(
            [lease(0, MAC, "ws-1"), lease(4 * HOUR, MAC, "ws-1")], [lease(HOUR, OTHER_MAC, "ws-2", end=2 * HOUR)]
        )
        edges, names = both.devices(IP)
        assert dict(zip(edges, names[1:], strict=True))[HOUR] == ""
        assert known().devices(IP) == ((), ("",))


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 30 * 24).map(lambda hour: hour * HOUR), st.sampled_from((MAC, OTHER_MAC)), st.booleans(),
        st.none() | st.integers(1, 12 * 24),
    ),
    max_size=12,
    unique_by=lambda event: event[0],
).map(sorted)  # fmt: skip


def holder(events, at):
    """Who had the address, looked up in every event: the slow and plain way."""
    past = [event for event in events if event[0] <= at]
    while past and past[-1][2] and past[-1][1] != had(past[:-1]):
        past.pop()  # somebody gives back what they do not have
    if not past or past[-1][2]:
        return None
    since, mac, _, hours = past[-1]
    until = since + (DAY if hours is None else hours * HOUR)
    later = [one for one in events if one[0] > at and (not one[2] or one[1] == mac)]
    if later and later[0][1] == mac:  # it renews, or gives back, what it kept
        until = max(until, later[0][0]) if later[0][0] <= max(until, since + RENEWAL_REACH) else until
    return mac if at < until else None


def had(events):
    """Whose lease was the last, over or not."""
    mine = None
    for at, mac, denied, hours in events:
        if not denied:
            mine = (mac, at, at + (DAY if hours is None else hours * HOUR))
        elif mine and mine[0] == mac and at <= max(mine[2], mine[1] + RENEWAL_REACH):
            mine = None
    return mine[0] if mine else None


@settings(deadline=None, max_examples=examples(300))
@given(EVENTS, st.integers(0, 45 * 24 * 2).map(lambda half: half * HOUR // 2 + 1))
def test_leases_are_what_every_event_by_itself_says(events, at):
    log = [lease(time, mac, denied=denied, end=None if denied or hours is None else time + hours * HOUR)
           for time, mac, denied, hours in events]  # fmt: skip
    found = [mac for mac, since, until in machines(log) if since <= at < until]
    expected = holder(events, at)
    assert found == ([expected] if expected else [])


FORGED = st.sampled_from((0, -1, 10**30, -(10**30), 1 << 62, -(1 << 62), (1 << 63) - 1)) | st.integers()


@settings(deadline=None)
@given(FORGED, st.none() | FORGED, st.none() | FORGED, st.booleans())
def test_forged_times_end_nothing(at, start, end, denied):
    log = [lease(0), lease(at, OTHER_MAC, start=start, end=end, denied=denied), login(at, ip=IP, start=start, end=end)]
    assert all(one.first <= one.until for one in known(log).machines(IP))
    assert all(one.since < one.until for one in known(log).accounts(IP))


LOGS = st.lists(
    st.builds(
        lambda kind, at, who, place, ended: (
            lease(at, *(("", place) if who else (MAC, "")), ip=IP, denied=ended)
            if kind
            else login(at, f"u{who}", **place_of(place), end=at if ended else None)
        ),
        st.booleans(), st.integers(0, 99).map(lambda hour: hour * HOUR), st.integers(0, 2),
        st.sampled_from(("ws-1", "ws-2", IP)), st.booleans(),
    ),
    max_size=20,
)  # fmt: skip


def place_of(place):
    return {"ip": place} if place == IP else {"host": place}


@settings(deadline=None)
@given(LOGS, LOGS, LOGS)
def test_logs_may_come_in_any_order(one, two, three):
    assert accounts(one, two, three) == accounts(three, one, two)
    assert machines(one, two, three) == machines(three, two, one)


@settings(deadline=None)
@given(LOGS)
def test_stays_are_in_turn_and_have_an_extent(log):
    spans = known(log).accounts(IP)
    assert spans == sorted(spans)
    assert all(one.since < one.until for one in spans)
    assert all(isinstance(one, Span) for one in spans)
