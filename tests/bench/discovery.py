"""Discovery on a big squid log: MB/s of the whole command and its peak memory; each run is written to tests/bench/runs/.

    python tests/bench/discovery.py [MEGABYTES] [--rounds N] [--keep DIR]

With --keep the log stays in that folder, and is taken from there by the next run. The machine is shared and drifts: the best round says what the program can, the median what it did.
"""

import argparse
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

WANTED_MB_S = 150
WANTED_MB = 500
PART_BYTES = 50_000_000
RARE = 40
SHADOWIT = str(Path(sys.executable).with_name("shadowit"))


def write(target, size_bytes, rng):
    """A log with a long tail: after every part come lines of domains that one to three people ask for."""
    rare = corpus.domains(100_000, seed=3)
    written, part = 0, Path(f"{target}.part")
    with Path(target).open("wb") as whole:
        while written < size_bytes:
            size = min(PART_BYTES, size_bytes - written)
            corpus.write(part, corpus.LAYOUTS["squid"], size, ["catalogued.example"], 0.0, seed=rng.randint(0, 99))
            written += whole.write(part.read_bytes())
            for _ in range(RARE):
                domain = rare.pop()
                for user in rng.sample(corpus.USERS, rng.randint(1, 3)):
                    line = corpus.squid(rng, f"app.{domain}", user).replace(corpus.SECOND, str(corpus.START + 86_400))
                    written += whole.write(f"{line}\n".encode())
    part.unlink()
    return written


def measured(log, folder):
    """Seconds, processor seconds and peak bytes of one run."""
    command = [SHADOWIT, "discover", str(log), "-f", "csv", "-o", f"{folder}/out"]
    before, start, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None:
            peak = max(peak, resident(running.pid))
            time.sleep(0.02)
    took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if running.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {running.returncode}")
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak


def resident(pid):
    """Proportional resident memory of a process and its children: pages that forked processes share count once."""
    total = 0
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
        return total + sum(resident(int(child)) for child in children)
    except OSError:
        return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("megabytes", nargs="?", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", default="", help="folder in which the log stays for the next run")
    options = parser.parse_args()
    compileall.compile_dir(Path(__file__).parents[2] / "detector", quiet=1)  # as it is in an installed package
    with tempfile.TemporaryDirectory() as folder:
        log = Path(options.keep or folder) / f"discovery-{options.megabytes}.log"
        if not log.exists():
            write(log, options.megabytes * 1_000_000, random.Random(5))
        size = log.stat().st_size
        rounds = [measured(log, folder) for _ in range(options.rounds)]
        rows = len(Path(folder, "out").read_text().splitlines()) - 1
    speeds = [size / took / 1e6 for took, _, _ in rounds]
    record = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "case": "discovery",
        "bytes": size,
        "rows": rows,
        "mb_s": [round(speed) for speed in speeds],
        "median_mb_s": round(statistics.median(speeds)),
        "cpu_s": round(statistics.median(cpu for _, cpu, _ in rounds), 1),
        "peak_mb": round(max(peak for _, _, peak in rounds) / 1e6),
    }
    record["kept"] = {
        f">= {WANTED_MB_S} MB/s": record["median_mb_s"] >= WANTED_MB_S,
        f"<= {WANTED_MB} MB": record["peak_mb"] <= WANTED_MB,
    }
    target = Path(__file__).parent / "runs" / f"{record['date'].replace(':', '')}-discovery.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(record, indent=1) + "\n")
    print(
        f"{size / 1e6:.0f} MB at {record['median_mb_s']} MB/s (best {max(record['mb_s'])}, wanted {WANTED_MB_S}), "
        f"cpu {record['cpu_s']} s, peak {record['peak_mb']} MB of all processes (wanted {WANTED_MB}), {rows} rows; "
        f"kept as {target.name}"
    )


if __name__ == "__main__":
    main()
