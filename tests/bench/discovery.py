"""Discovery on a big squid log: MB/s of the whole command and its peak memory.

python tests/bench/discovery.py [MEGABYTES]
"""

import random
import resource
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


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "access.log"
        size = write(log, megabytes * 1_000_000, random.Random(5))
        command = [
            str(Path(sys.executable).parent / "shadowit"),
            "discover",
            str(log),
            "-f",
            "csv",
            "-o",
            f"{folder}/out",
        ]
        subprocess.run([*command, "--help"], check=True, capture_output=True)
        start = time.perf_counter()
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
            peak = 0
            while running.poll() is None:
                peak = max(peak, resident(running.pid))
                time.sleep(0.02)
        took = time.perf_counter() - start
        rows = len(Path(folder, "out").read_text().splitlines()) - 1
    speed, cpu = size / took / 1e6, resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{size / 1e6:.0f} MB in {took:.2f} s: {speed:.0f} MB/s (wanted {WANTED_MB_S}), "
        f"cpu {cpu.ru_utime + cpu.ru_stime:.1f} s, "
        f"peak {peak / 1e6:.0f} MB of all processes (wanted {WANTED_MB}), {rows} rows"
    )


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


if __name__ == "__main__":
    main()
