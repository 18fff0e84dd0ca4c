"""A daemon that is killed again and again while a writer rotates its log in every style; the writer knows all lines."""

import contextlib
import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from detector.events import to_iso
from detector.findings import AlertKind
from detector.store import Store

ROOT = Path(__file__).parent.parent
KEY = b"k" * 32
CONFIG = """\
interval_s: 1
listen: ""
signatures: [signatures]
sources:
  - {name: proxy, format: squid, paths: ["logs/access*"]}
sinks:
  - {type: jsonl, path: alerts.jsonl}
"""


def site(folder, config=CONFIG, services="*"):
    """A folder with everything that a daemon needs, with the signatures of some services."""
    (folder / "logs").mkdir(parents=True)
    (folder / "signatures" / "facial-recognition").mkdir(parents=True)
    for one in (ROOT / "signatures" / "facial-recognition").glob(f"{services}.yaml"):
        shutil.copy(one, folder / "signatures" / "facial-recognition")
    for shared in (ROOT / "signatures").glob("*.yml"):
        shutil.copy(shared, folder / "signatures")
    (folder / "shadowit.yml").write_text(config)
    key = folder / "pseudonym.key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    return folder


def command(folder, *options):
    return [sys.executable, "-m", "detector", "run", "-c", str(folder / "shadowit.yml"), *options]


def started(folder, *options, notify="", **environment):
    with (folder / "stderr").open("ab") as errors:
        return subprocess.Popen(
            command(folder, *options), cwd=ROOT, stderr=errors, stdout=subprocess.DEVNULL,
            env=os.environ | {"NOTIFY_SOCKET": notify} | environment,
        )  # fmt: skip


def once(folder, *options):
    return subprocess.run(
        command(folder, "--once", *options), cwd=ROOT, capture_output=True, text=True, check=False, timeout=900
    )


START_S = 1_582_797_600


def iso(number):
    """The time of a line, as alerts spell it."""
    return to_iso((START_S + number) * 1_000_000)


def squid_line(number, user="u0", host="www.clearview.ai"):
    at = START_S + number
    return (
        f"{at}.000    120 10.0.0.7 TCP_MISS/200 5120 GET http://{host}/{number} {user} HIER_DIRECT/1.2.3.4 text/html"
    ).encode()


class Writer(threading.Thread):
    """Writes lines, one in three of them a sighting, and rotates its log in every style."""

    def __init__(self, folder, seed, pause_s=0.004):
        super().__init__()
        self.folder, self.rng, self.pause_s = folder, random.Random(seed), pause_s
        self.path = folder / "access.log"
        self.count, self.rotations, self.lines, self.users = 0, Counter(), [], set()
        self.ended = threading.Event()
        self.styles = [self.renamed, self.copied, self.dated, self.zipped, self.renamed_in_mid_line, self.compressed]

    def run(self):
        while not self.ended.is_set():
            self.write(self.rng.choice((1, 2, 5, 20, 200)))
            if self.rng.random() < 0.03:
                style = self.rng.choice(self.styles)
                style()
                self.rotations[style.__name__] += 1
            time.sleep(self.rng.random() * 2 * self.pause_s)

    def stop(self):
        self.ended.set()
        self.join()

    def line(self):
        self.count += 1
        if self.count % 3:
            return squid_line(self.count, host="www.example.org")
        user = f"u{self.rng.randrange(40)}"
        self.users.add(user)
        line = squid_line(self.count, user)
        self.lines.append(line)
        return line

    def write(self, count):
        with self.path.open("ab", buffering=0) as file:
            data = b"".join(self.line() + b"\n" for _ in range(count))
            half = self.rng.randrange(len(data))
            file.write(data[:half])
            if self.rng.random() < 0.2:
                time.sleep(self.rng.random() * 0.02)
            file.write(data[half:])

    def target(self):
        return self.folder / f"access.log.{self.count}"

    def renamed(self):
        self.path.rename(self.target())

    def dated(self):
        self.path.rename(self.folder / f"access-{20200000 + self.count}.log")

    def copied(self):
        shutil.copy(self.path, self.target())
        os.truncate(self.path, 0)

    def zipped(self):
        target = self.target()
        self.path.rename(target)
        self.compress(target)

    def renamed_in_mid_line(self):
        with self.path.open("ab", buffering=0) as file:
            line = self.line() + b"\n"
            file.write(line[:40])
            self.path.rename(self.target())
            self.write(3)
            time.sleep(0.02)
            file.write(line[40:])

    def compressed(self):
        plain = [one for one in self.folder.iterdir() if one != self.path and one.suffix != ".gz"]
        if plain:
            self.compress(self.rng.choice(plain))

    def compress(self, path):
        data = gzip.compress(path.read_bytes(), 1)
        with path.with_name(f"{path.name}.gz").open("wb", buffering=0) as file:
            for start in range(0, len(data), 4096):
                file.write(data[start : start + 4096])
                time.sleep(0.001)
        path.unlink()


class Manager:
    """Listens as systemd does, to know when a daemon has begun to work."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.channel.bind(self.path)
        self.words = []

    def wait_for(self, word, timeout_s):
        """Whether something was told within a time."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            self.channel.settimeout(left)
            try:
                said = self.channel.recv(4096).decode().splitlines()
            except TimeoutError:
                break
            self.words += said
            if word in said:
                return True
        return False

    def close(self):
        self.channel.close()
        Path(self.path).unlink()


def killed(folder, kills, seed, told=lambda _: None):
    """Kill a daemon so many times while a writer writes, most times while it is at work; the writer."""
    rng = random.Random(seed)
    writer, manager = Writer(folder / "logs", seed), Manager(folder)
    writer.write(100)
    writer.start()
    try:
        for turn in range(kills):
            daemon = started(folder, notify=manager.path)
            if rng.random() < 0.1 or manager.wait_for("READY=1", 60):
                time.sleep(rng.random() * 1.5)
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()
            told(turn)
    finally:
        writer.stop()
        manager.close()
    return writer


def compared(folder, lines):
    """(lost, doubled) lines: what a store holds against what was written."""
    with contextlib.closing(Store.open(f"sqlite:///{folder}/shadowit.db", writable=False, key=KEY)) as store:
        found = Counter(one.sha256 for one in store.sightings())
    wanted = Counter(hashlib.sha256(line).hexdigest() for line in lines)
    return sum((wanted - found).values()), sum((found - wanted).values())


def alerts(folder):
    """How many first uses were put into the outbox."""
    with contextlib.closing(sqlite3.connect(folder / "shadowit.db")) as store:
        bodies = [json.loads(body) for (body,) in store.execute("SELECT body FROM outbox WHERE sink = 'jsonl'")]
    return sum(one["kind"] == AlertKind.NEW_PERSON for one in bodies)
