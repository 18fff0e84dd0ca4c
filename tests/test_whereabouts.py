"""The daemon knows who was at an address: from logs of leases and logins, as they grow, rotate and go."""

import gzip
import os
from datetime import UTC, datetime

import pytest
from house import House
from kills import CONFIG

from detector.daemon.whereabouts import Whereabouts
from detector.identity import Resolver, attribute, pseudonym
from detector.match import Actor, ActorKind

PEOPLE = (
    "id,name,mails,accounts,unit,valid_from,valid_until\n"
    "p1,Ann Lee,ann@x.example,u1042,cyber crime,2018-04-01,\np2,Ben Ray,ben@x.example,u1043,patrol,2018-04-01,\n"
)
SITE = (
    CONFIG.replace(
        "sources:\n",
        'people: people.csv\nsources:\n  - {name: leases, format: isc_dhcpd, paths: ["leases/dhcpd*"]}\n'
        '  - {name: logins, paths: ["logins/*"]}\n',
    )
)  # fmt: skip
HEAD = '"TimeCreated","Id","TargetUserName","TargetDomainName","IpAddress","LogonType","WorkstationName"\n'


APPROVAL = """\
version: 1
services:
  clearview-ai: restricted
approvals:
  - id: trial
    services: clearview-ai
    WHO
    max_stage: uploaded
    valid_from: 2020-01-01
    valid_until: 2021-01-01
    approver: Chief
    statement: A trial.
"""


def login(clock, user, ip="10.0.0.7"):
    return f'"2020-02-27 {clock}","4624","{user}","EXAMPLE","{ip}","3","WS-0317"\n'


def lease(clock, mac="00:00:5e:00:53:07", ip="10.0.0.7"):
    return f"2020-02-27T{clock}Z gw dhcpd[42]: DHCPACK on {ip} to {mac} (ws-0317) via eth0\n"


def access(clock, ip="10.0.0.7"):
    at = datetime.fromisoformat(f"2020-02-27T{clock}").replace(tzinfo=UTC).timestamp()
    return f"{at:.3f} 5 {ip} TCP_MISS/200 512 GET http://clearview.ai/ - DIRECT/192.0.2.1 text/html\n"


class Site(House):
    """A site with leases, logins and people."""

    def start(self):
        for name in ("leases", "logins"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "people.csv").write_text(PEOPLE)
        super().start()

    def add(self, name, text):
        with (self.folder / name).open("a") as file:
            file.write(text)

    def attribute(self):
        return self.crew.whereabouts.attribute(self.force, lambda: self.beats.append(1))

    def who(self, clock, ip="10.0.0.7"):
        """Names of actors of the sightings that a line gives now, as in the store."""
        before = {one.id for one in self.store.sightings()}
        self.add("logs/access.log", access(clock, ip))
        self.run()
        (one,) = [one for one in self.store.sightings() if one.id not in before]
        return one

    def shown(self, kind, name):
        return pseudonym(Actor(kind, name), self.force.key)


@pytest.fixture
def house(tmp_path):
    house = Site(tmp_path / "site", SITE)
    yield house
    house.store.close()


class TestWhereabouts:
    def test_a_sighting_is_the_persons_who_had_logged_in(self, house):
        house.add("leases/dhcpd.log", lease("08:00:00"))
        house.add("logins/dc1.csv", HEAD + login("09:00:00", "u1042") * 3)
        one = house.who("10:00:00")
        assert one.actor == Actor(ActorKind.PERSON, house.shown(ActorKind.PERSON, "p1"))
        assert (one.grade, one.unit, one.one_of) == ("medium", "cyber crime", 1)
        assert b"u1042" not in (house.folder / "shadowit.db").read_bytes()

    def test_a_log_that_grows_is_read_on(self, house):
        house.add("logins/dc1.csv", HEAD + login("09:00:00", "u1042") * 3)
        assert house.who("10:00:00").actor.name == house.shown(ActorKind.PERSON, "p1")
        house.add("logins/dc1.csv", login("10:30:00", "u1043"))
        assert (house.who("11:00:00").actor.kind, house.who("11:00:01").one_of) == (ActorKind.ADDRESS, 2)

    def test_half_a_line_waits_for_its_other_half(self, house):
        line = login("10:30:00", "u1042")
        house.add("logins/dc1.csv", HEAD + login("09:00:00", "u1043", "10.0.0.9") * 3 + line[:30])
        assert house.who("11:00:00").actor.kind is ActorKind.ADDRESS
        house.add("logins/dc1.csv", line[30:])
        assert house.who("11:00:01").actor.name == house.shown(ActorKind.PERSON, "p1")

    def test_what_was_told_stays_told_when_the_log_rotates(self, house):
        house.add("logins/dc1.csv", HEAD + login("09:00:00", "u1042") * 3)
        house.run()
        (house.folder / "logins/dc1.csv").rename(house.folder / "logins/dc1.csv.1")
        house.add("logins/dc1.csv", HEAD + login("10:00:00", "u1043", "10.0.0.8") * 3)
        assert house.who("10:30:00").actor.name == house.shown(ActorKind.PERSON, "p1")
        assert house.who("10:30:00", "10.0.0.8").actor.name == house.shown(ActorKind.PERSON, "p2")
        data = gzip.compress((house.folder / "logins/dc1.csv.1").read_bytes())
        (house.folder / "logins/dc1.csv.2.gz").write_bytes(data)
        (house.folder / "logins/dc1.csv.1").unlink()
        assert house.who("10:31:00").actor.name == house.shown(ActorKind.PERSON, "p1")

    def test_a_log_that_was_written_anew_is_read_anew(self, house):
        path = house.folder / "logins/dc1.csv"
        house.add("logins/dc1.csv", HEAD + login("09:00:00", "u1042") * 3)
        house.run()
        path.write_text(HEAD.replace("TimeCreated", "timecreated") + login("09:00:00", "u1043") * 9)
        assert house.who("10:00:00").actor.name == house.shown(ActorKind.PERSON, "p2")
        path.write_text(HEAD + login("09:00:00", "u1042"))
        assert house.who("10:00:01").actor.name == house.shown(ActorKind.PERSON, "p1")

    def test_a_new_program_knows_it_again(self, house):
        house.add("leases/dhcpd.log", lease("08:00:00"))
        house.add("logins/dc1.csv", HEAD + login("09:00:00", "u1042") * 3)
        house.run()
        house.restart()
        assert house.who("10:00:00").actor.name == house.shown(ActorKind.PERSON, "p1")

    def test_nothing_new_is_nothing_to_do(self, house):
        house.add("logins/dc1.csv", HEAD + login("09:00:00", "u1042") * 3)
        first = house.attribute()
        beats = len(house.beats)
        assert beats > 0
        assert house.attribute() is first
        assert len(house.beats) == beats
        os.utime(house.folder / "logins/dc1.csv", ns=(0, 0))
        assert house.attribute() is not first

    def test_a_log_that_is_gone_is_forgotten_and_one_that_cannot_be_told_is_passed(self, house):
        house.add("logins/dc1.csv", HEAD + login("09:00:00", "u1042") * 3)
        house.add("logins/notes.txt", "nothing that any log would say\n" * 3)
        assert len(house.attribute()._occupancies) > 0  # noqa: SLF001 - what it knows shows nowhere else
        (house.folder / "logins/dc1.csv").unlink()
        assert len(house.attribute()._occupancies) == 0  # noqa: SLF001 - as above

    def test_sources_of_other_kinds_are_not_read(self, tmp_path):
        house = Site(tmp_path / "plain", CONFIG.replace("format: squid, ", ""))
        house.add("logs/access.log", access("10:00:00") * 5)
        assert house.crew.whereabouts.attribute(house.force, lambda: None) is attribute
        assert house.attribute() is attribute
        house.store.close()

    @pytest.mark.parametrize(("who", "verdict"), [
        ("people: [u1042]", "approved"), ("hosts: [ws-0317]", "approved"), ("units: [cyber crime]", "approved"),
        ("people: [u1043]", "unapproved"), ("hosts: [ws-9]", "unapproved"),
    ])  # fmt: skip
    def test_a_policy_names_people_by_account_unit_or_machine(self, tmp_path, who, verdict):
        folder = tmp_path / "judged"
        folder.mkdir()
        (folder / "p.yml").write_text(APPROVAL.replace("WHO", who))
        house = Site(folder, SITE.replace("people: people.csv\n", "people: people.csv\npolicy: p.yml\n"))
        house.add("leases/dhcpd.log", lease("08:00:00"))
        house.add("logins/dc1.csv", HEAD + login("09:00:00", "u1042") * 3)
        assert house.who("10:00:00").verdict == verdict
        house.store.close()

    def test_a_directory_alone_is_enough(self, tmp_path):
        house = Site(tmp_path / "people", CONFIG.replace("sources:\n", "people: people.csv\nsources:\n"))
        assert isinstance(Whereabouts().attribute(house.force, lambda: None), Resolver)
        house.store.close()
