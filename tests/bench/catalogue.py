"""The price of a large catalogue: loading it, looking up a million hosts, looking for ten times as many names.

    python tests/bench/catalogue.py

Processor seconds, medians of seven rounds; few and many names side by side, each round by itself, for the machine
drifts. Each run is written to tests/bench/runs/.
"""

import compileall
import datetime as dt
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import corpus

from detector.formats import Formats
from detector.match import Index
from detector.match.lookup import Lookup
from detector.prefilter import prefilter_of
from detector.signatures import load

ROUNDS = 7
FEW, MANY = 350, 3500
SCANNED = 100_000_000
HOSTS = 1_000_000
LIMITS = {
    "load_s": 1.0,
    "load_cached_s": 1.0,
    "million_hosts_s": 1.5,
    "million_values_s": 1.5,
    "ten_times_the_names": 1.3,
}
LOADING = "from detector.signatures import load; load()"


def hosts(count, seed=4):
    """Unique hosts that nobody knows, but for one in a thousand."""
    rng, found = random.Random(seed), set()
    known = [one.host for one in load().indicators() if "*" not in one.host]
    while len(found) < count:
        front = rng.choice(("www.", "api.", "", "a.b.", f"{corpus.word(rng, 3, 9)}."))
        name = f"{corpus.word(rng, 5, 14)}.{rng.choice(('com', 'net', 'org', 'io', 'co.uk', 'de', 'ai'))}"
        found.add(front + (rng.choice(known) if rng.random() < 0.001 else name))
    return list(found)


def loading(folder, *, cached):
    """Processor seconds of a process that loads the whole catalogue, less those of one that does nothing."""

    def spent(code):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        home = folder if cached else tempfile.mkdtemp(dir=folder)
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "XDG_CACHE_HOME": str(home)})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    spent(LOADING)
    return statistics.median(spent(LOADING) - spent("pass") for _ in range(ROUNDS))


def looking_up(asked, make):
    """Processor seconds in which something new answers for all hosts."""
    spent = []
    for _ in range(ROUNDS):
        answer = make()
        start = time.process_time()
        for host in asked:
            answer(host)
        spent.append(time.process_time() - start)
    return statistics.median(spent)


def scanning(folder):
    """Processor seconds of the prefilter on one log with few and with many names, round by round."""
    log, scanners = folder / "squid.log", {}
    corpus.write(log, corpus.LAYOUTS["squid"], SCANNED, corpus.domains(60), 0.0005)
    for count in (FEW, MANY):
        rules = folder / str(count)
        rules.mkdir()
        corpus.signatures(rules, corpus.domains(count))
        scanners[count] = prefilter_of(load([rules]), Formats()["squid"])
    with log.open("rb") as file:
        chunks = [bytearray(b"".join(lines)) for lines in iter(lambda: file.readlines(1_000_000), [])]
    spent = {count: [] for count in scanners}
    for _ in range(ROUNDS):
        for count, scanner in scanners.items():
            start = time.process_time()
            for chunk in chunks:
                scanner.candidates(chunk, len(chunk))
            spent[count].append(time.process_time() - start)
    return spent


def main():
    compileall.compile_dir(Path(__file__).parents[2] / "detector", quiet=1)  # as it is in an installed package
    with tempfile.TemporaryDirectory() as name:
        folder, ruleset, asked = Path(name), load(), hosts(HOSTS)
        found = {
            "load_s": loading(folder, cached=False),
            "load_cached_s": loading(folder, cached=True),
            "million_hosts_s": looking_up(asked, lambda: Index(ruleset).candidates),
            "million_values_s": looking_up(asked, lambda: Lookup(ruleset).of),
        }
        scanned = scanning(folder)
        pairs = zip(scanned[MANY], scanned[FEW], strict=True)
        found["ten_times_the_names"] = statistics.median(many / few for many, few in pairs)
    record = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "case": "catalogue",
        "services": len(ruleset.signatures),
        "indicators": len(ruleset.indicators()),
        "rounds": ROUNDS,
        "scan_s": {str(count): [round(one, 4) for one in spent] for count, spent in scanned.items()},
        **{key: round(value, 3) for key, value in found.items()},
        "kept": {f"{key} <= {limit}": found[key] <= limit for key, limit in LIMITS.items()},
    }
    target = Path(__file__).parent / "runs" / f"{record['date'].replace(':', '')}-catalogue.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
