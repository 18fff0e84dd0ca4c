"""How fast every format reads, and how fast a log without a single sighting is scanned.

    python tests/bench/formats.py [--only squid,zeek_tsv] [--scan 200] [--rounds 5] [--record NAME]

Lines are varied: the same host, user, address and second rarely come twice in a row, as in a real log. `example` lines
come from the format's own `example()`, `golden` lines from its golden cases (real layouts, some of them long) with the
names, addresses and clocks drawn anew, `syslog` is `example` inside an RFC 3164 header. Best of some rounds, CPU time
of one core; `scan` too. `two cores` is wall time: two processes at once, each reading its half of the lines, or scanning
a log of that size. With `--record` the figures go to tests/bench/runs/NAME.json, beside those of earlier calls with the
same name: a shared machine is measured in pieces.
"""

import argparse
import datetime as dt
import json
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from golden import SAMPLES, cases

from detector.events import Col, Dialect, Envelope, Kind, Layout, Line, from_iso, read_lines
from detector.formats import own_formats
from detector.scan import Scanner, Settings, scan
from detector.signatures import load
from detector.sources import Compression, Segment, framing_of, laid_out

LINES = 20_000
START = from_iso("2020-02-27T08:00:00Z")
UNTIL = from_iso("2020-03-31T00:00:00Z")
KINDS = {"zeek_tsv": (Kind.PROXY, Kind.DNS, Kind.MAIL), "zeek_json": (Kind.PROXY, Kind.DNS, Kind.MAIL)}
SCANS = ("scan_mb_s", "scan_two_cores_mb_s")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
NAME = re.compile(r"(?<![\w.])[a-z0-9-]+(?=\.example\.(?:com|net|org))")
USER = re.compile(r"\bu1\d{3}\b")
ADDRESS = re.compile(r"\b(10|192|198|203)\.(\d+)\.(\d+)\.\d+\b")
CLOCK = re.compile(r":\d\d:\d\d(?=\D)")
EPOCH = re.compile(r"\b(15[78]\d{4})\d{4}\b")


class Population:
    """Who and what a log is of: some thousand people, addresses and hosts."""

    def __init__(self, seed):
        rng = self.rng = random.Random(seed)
        self.hosts = [f"{self.word()}.{self.word()}.{rng.choice(('com', 'net', 'org', 'co.uk'))}" for _ in range(4000)]
        self.users = [f"u{number}" for number in range(1000, 3000)]
        self.addresses = [f"10.{rng.randint(0, 9)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}" for _ in range(3000)]

    def word(self):
        return "".join(self.rng.choices(LETTERS, k=self.rng.randint(3, 12)))

    def event(self, kind, at):
        rng, host, user = self.rng, self.rng.choice(self.hosts), self.rng.choice(self.users)
        row = {Col.AT: at, Col.SOURCE_IP: rng.choice(self.addresses)}
        if kind is Kind.DNS:
            return row | {Col.QUESTION: host, Col.QUESTION_TYPE: rng.choice(("A", "AAAA", "HTTPS"))}
        if kind is Kind.MAIL:
            sender = f"{self.word()}@{host}"
            return row | {
                Col.FROM: sender, Col.SENDER: sender, Col.TO: [f"{user}@example.org"], Col.DIRECTION: "inbound",
                Col.SUBJECT: f"{self.word()} {self.word()} {self.word()}",
                Col.MESSAGE_ID: f"{rng.getrandbits(64):x}@{host}",
            }  # fmt: skip
        row |= {Col.USER: user, Col.BYTES_RECEIVED: rng.randint(100, 90_000), Col.BYTES_SENT: rng.randint(100, 5000)}
        if rng.random() < 0.6:
            return row | {Col.DOMAIN: host}
        path = "/".join(self.word() for _ in range(rng.randint(1, 5)))
        return row | {Col.DOMAIN: host, Col.URL: f"http://{host}/{path}?id={rng.randint(1, 10**6)}", Col.METHOD: "GET"}

    def vary(self, text):
        """A golden line with other names, addresses and clocks."""
        rng = self.rng
        text = NAME.sub(lambda _: f"{self.word()}.{self.word()}", text)
        text = USER.sub(lambda _: rng.choice(self.users), text)
        text = ADDRESS.sub(lambda found: f"{found[1]}.{found[2]}.{found[3]}.{rng.randint(1, 254)}", text)
        text = EPOCH.sub(lambda found: f"{found[1]}{rng.randint(0, 9999):04d}", text)
        return CLOCK.sub(lambda _: f":{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}", text)


def examples(log_format, kind, people):
    """The header and some thousand events of one kind, as the format writes them."""
    head, events, at = log_format.preamble.split("\n") if log_format.preamble else [], [], START
    while len(events) < LINES:
        at += people.rng.randint(0, 300_000)
        text = log_format.example(people.event(kind, at))
        written = [text + "\n"] if log_format.layout is Layout.MAILS else text.split("\n")
        if not events and written[0].startswith("#"):
            head = list(takewhile(lambda line: line.startswith("#"), written))
        events += [line for line in written if not line.startswith("#")]
    return head, events


def records(log_format, texts):
    """The same as records on lines of their own."""
    if log_format.layout is not Layout.MAILS:
        return texts
    return [laid_out(text.encode(), log_format.layout).decode().partition("\n")[0] for text in texts]


def lines_of(texts):
    return [Line(number, text.encode()) for number, text in enumerate(texts)]


def started(log_format, dialect, head):
    return read_lines(log_format, dialect, lines_of(head)).dialect


def at_once(works, rounds):
    """Seconds of wall time of one process for each work, started together: the best of some rounds."""
    context = multiprocessing.get_context("fork")
    start, spans = context.Barrier(len(works)), context.SimpleQueue()

    def run(work):
        for turn in range(rounds):
            start.wait()
            begin = time.perf_counter()
            work()
            spans.put((turn, begin, time.perf_counter()))

    processes = [context.Process(target=run, args=(work,)) for work in works]
    for process in processes:
        process.start()
    found = [spans.get() for _ in range(rounds * len(works))]
    for process in processes:
        process.join()
    turns = [[span[1:] for span in found if span[0] == turn] for turn in range(rounds)]
    return min(max(end for _, end in turn) - min(begin for begin, _ in turn) for turn in turns)


def speed(log_format, logs, rounds, refusable=0.01):
    """Figures of some (dialect, texts) read one after the other; ends the program where too many lines are refused."""
    logs = [(dialect, lines_of(texts)) for dialect, texts in logs]
    best = 0
    for dialect, lines in logs:
        seconds = []
        for _ in range(rounds):
            begin = time.process_time()
            reading = read_lines(log_format, dialect, lines)
            seconds.append(time.process_time() - begin)
        if len(reading.refusals) > refusable * len(lines):
            raise SystemExit(
                f"{log_format.name}: {reading.refusals[0].reason}: {lines[reading.refusals[0].offset].raw}"
            )
        best += min(seconds)
    count = sum(len(lines) for _, lines in logs)
    if not count:
        return {"lines_s": 0, "bytes_line": 0, "two_cores_lines_s": 0}

    def half(which):
        for dialect, lines in logs:
            middle = len(lines) // 2
            read_lines(log_format, dialect, lines[:middle] if which == 0 else lines[middle:])

    both = at_once([lambda: half(0), lambda: half(1)], rounds)
    size = sum(len(line.raw) for _, lines in logs for line in lines)
    return {
        "lines_s": round(count / best), "bytes_line": round(size / count), "two_cores_lines_s": round(count / both),
    }  # fmt: skip


def golden(log_format, people):
    """The lines of all golden cases that are not hostile, each under its own dialect, varied."""
    folder = cases(log_format.name) if (SAMPLES / log_format.name).is_dir() else []
    found = [case for case in folder if not case.path.stem.startswith("hostile_")]
    logs = []
    for case in found:
        texts = [line.raw.decode("utf-8", "replace").removeprefix("\ufeff") for line in case.lines(log_format)]
        dialect = log_format.head(texts[0], case.dialect) or case.dialect
        heads = [text for text in texts if log_format.head(text, dialect)]
        body = [text for text in texts if text and text not in heads]
        if len(heads) > 1 and log_format.name != "zeek_tsv":
            continue  # another header in mid-file: its lines cannot be shuffled
        dialect = started(log_format, dialect, heads)
        logs.append((dialect, [people.vary(text) for text in body * (LINES // len(found) // len(body) + 1)]))
    return logs


def scanned(log_format, head, events, megabytes, scanner):
    """MB a second of the scan of a log in which nothing is found: on one core, on two."""
    dialect, settings, best = Dialect(written_until=UNTIL), Settings(ahead=False), float("inf")
    with tempfile.NamedTemporaryFile() as file:
        file.write("\n".join((*head, "")).encode())
        block = ("\n".join(events) + "\n").encode()
        for _ in range(megabytes * 1_000_000 // len(block) + 1):
            file.write(block)
        file.flush()
        segment = Segment("", file.name, "", Compression.NONE, framing=framing_of(block[:4096], log_format.layout))

        def read():
            return list(scan(segment, log_format, dialect, scanner, settings))

        for _ in range(2):
            begin = time.process_time()
            parts = read()
            best = min(best, time.process_time() - begin)
        both = at_once([read, read], 2)
        size = file.tell()
    if sum(len(part.sightings) for part in parts):
        raise SystemExit(f"{log_format.name}: the log was to hold no sighting")
    return {"scan_mb_s": round(size / best / 1e6), "scan_two_cores_mb_s": round(2 * size / both / 1e6)}


def figures(log_format, kind, options, scanner):
    """The figures of one kind of event of one format: lines and MB a second, bytes a line; 0 where there are none."""
    people = Population(seed=7)
    head, events = examples(log_format, kind, people)
    dialect = started(log_format, Dialect(written_until=UNTIL), head)
    texts = records(log_format, events)
    clocks = (f"10:{n // 400 % 60:02d}:{n // 7 % 60:02d}" for n in range(len(events)))
    wrapped = [f"<134>Feb 27 {at} gw1 product[7]: {text}" for at, text in zip(clocks, texts, strict=True)]
    inside = replace(dialect, envelope=Envelope.TAGGED)
    lines = golden(log_format, people) if kind is log_format.kind else []
    found = {
        "example": speed(log_format, [(dialect, texts)], options.rounds),
        "golden": speed(log_format, lines, options.rounds, refusable=1),
        "syslog": speed(log_format, [(inside, wrapped)], options.rounds, refusable=1),
    }
    shown = {f"{name}_{what}": figure for name, told in found.items() for what, figure in told.items()}
    return shown | (scanned(log_format, head, events, options.scan, scanner) if scanner else dict.fromkeys(SCANS, 0))


def keep(name, label, row):
    """Add one row to the record of a name."""
    target = Path(__file__).parent / "runs" / f"{name}.json"
    record = json.loads(target.read_text()) if target.exists() else {"date": "", "cores": os.cpu_count(), "formats": {}}
    record["date"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    record["formats"][label] = row
    target.write_text(json.dumps(record, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="names of formats, comma-separated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scan", type=int, default=0, help="MB of the log that is scanned, 0: none")
    parser.add_argument("--record", default="", help="name of a record in tests/bench/runs/")
    options = parser.parse_args()
    only = set(options.only.split(",")) - {""}
    scanner = Scanner(load()) if options.scan else None
    print(
        f"{'format':34}{'lines/s':>10}{'two cores':>11}{'bytes':>7}{'golden':>10}{'two cores':>11}{'bytes':>7}"
        f"{'syslog':>10}{'scan MB/s':>11}{'two cores':>11}"
    )
    for name, log_format in own_formats().items():
        for kind in KINDS.get(name, (log_format.kind,)) if not only or name in only else ():
            label = f"{name} {kind}" if name in KINDS else name
            row = figures(log_format, kind, options, scanner)
            print(
                f"{label:34}{row['example_lines_s']:10,}{row['example_two_cores_lines_s']:11,}"
                f"{row['example_bytes_line']:7}{row['golden_lines_s']:10,}{row['golden_two_cores_lines_s']:11,}"
                f"{row['golden_bytes_line']:7}{row['syslog_lines_s']:10,}{row['scan_mb_s']:11,}"
                f"{row['scan_two_cores_mb_s']:11,}",
                flush=True,
            )
            if options.record:
                keep(options.record, label, row)


if __name__ == "__main__":
    main()
