"""``python tests/bench/daemon_load.py [SECONDS] [LINES_PER_S]``: a daemon beside a steady writer: its CPU and memory."""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import kills

TICK = os.sysconf("SC_CLK_TCK")


def spent(pid):
    """Seconds of CPU, and MiB of memory, of a process."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return (int(stat[11]) + int(stat[12])) / TICK, resident / 1024**2


def main(seconds, per_s):
    with tempfile.TemporaryDirectory() as folder:
        site = kills.site(Path(folder) / "site", kills.CONFIG.replace("signatures: [signatures]\n", ""))
        log = site / "logs" / "access.log"
        log.write_bytes(kills.squid_line(0, host="www.example.org") + b"\n")
        manager = kills.Manager(site)
        daemon = kills.started(site, notify=manager.path)
        assert manager.wait_for("READY=1", 120)
        time.sleep(5)
        began, (cpu, _) = time.monotonic(), spent(daemon.pid)
        highest, sightings = 0.0, 0
        with log.open("ab") as file:
            for second in range(seconds):
                lines = []
                for number in range(second * per_s + 1, (second + 1) * per_s + 1):
                    is_sighting = number % 1000 == 0
                    sightings += is_sighting
                    host = "www.clearview.ai" if is_sighting else f"host{number % 997}.example.org"
                    lines.append(kills.squid_line(number, f"u{number % 500}", host))
                file.write(b"\n".join(lines) + b"\n")
                file.flush()
                highest = max(highest, spent(daemon.pid)[1])
                time.sleep(max(began + second + 1 - time.monotonic(), 0))
        time.sleep(3)
        elapsed, (after, resident) = time.monotonic() - began, spent(daemon.pid)
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)
        lost, doubled = kills.compared(site, [line for line in log.read_bytes().splitlines() if b"clearview" in line])
        print(f"{per_s} lines/s for {seconds} s ({log.stat().st_size / 1024**2:.0f} MiB), {sightings} sightings: "
              f"{100 * (after - cpu) / elapsed:.1f} % of a core, memory at most {highest:.0f} MiB, at the end {resident:.0f} MiB; "
              f"lost {lost}, doubled {doubled}")  # fmt: skip
        return 1 if lost or doubled else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 600, int(sys.argv[2]) if len(sys.argv) > 2 else 10_000))
