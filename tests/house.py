"""One site with its store and crew, run in this process, by a clock that goes as it is told."""

import os

from kills import CONFIG, KEY, site, squid_line

from detector.daemon import Health, inforce
from detector.daemon.crew import Crew
from detector.store import Store

NOW = 1_700_000_000_000_000


class Now:
    """The clock."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        self.now += 1
        return self.now


class House:
    """The site."""

    def __init__(self, folder, config=CONFIG):
        self.folder, self.clock, self.told, self.beats = site(folder, config, "c*"), Now(), [], []
        self.logs = folder / "logs"
        self.start()

    def start(self):
        self.force = inforce.load(self.folder / "shadowit.yml")
        self.store = Store.open(self.force.config.store, writable=True, key=KEY)
        self.health = Health(NOW)
        self.crew = Crew(self.force, self.store, self.health, self.clock, self.told.append, lambda: False,
                         lambda: self.beats.append(1))  # fmt: skip

    def restart(self):
        self.store.close()
        self.start()

    def run(self):
        return self.crew.run(list(self.crew.readers))

    def write(self, numbers, name="access.log", user="u0", ending=b"\n"):
        lines = [squid_line(number, user) for number in numbers]
        with (self.logs / name).open("ab") as file:
            file.write(b"\n".join(lines) + ending)
        return lines

    def digests(self):
        return sorted(one.sha256 for one in self.store.sightings())

    def gaps(self):
        return [(os.path.relpath(one.path, self.folder), one.reason) for one in self.store.gaps()]
