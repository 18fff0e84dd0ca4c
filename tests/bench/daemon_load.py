"""``python tests/bench/daemon_load.py [SECONDS] [LINES_PER_S]``: a daemon beside a steady writer.

Its CPU and memory, what it lost, and how long after a new person's first line was written their alert lay in the file.
"""

import json
import os
import signal
import sys
import tempfile
import threading
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


class Watcher(threading.Thread):
    """Notes when the alert about each new person reached its file, by the second of the person's first event."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.seen, self.ended = path, {}, threading.Event()

    def run(self):
        at = 0
        while not self.ended.wait(0.01):
            if not self.path.exists():
                continue
            with self.path.open("rb") as file:
                file.seek(at)
                data = file.read()
            at += data.rfind(b"\n") + 1
            for line in data[: data.rfind(b"\n") + 1].splitlines():
                alert = json.loads(line)
                if "new-person" in alert["finding_info"]["types"]:
                    self.seen[alert["unmapped"]["first_seen"]] = time.time()


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
        highest, sightings, written = 0.0, 0, {}
        watcher = Watcher(site / "alerts.jsonl")
        watcher.start()
        with log.open("ab") as file:
            for second in range(seconds):
                lines = []
                for number in range(second * per_s + 1, (second + 1) * per_s + 1):
                    is_sighting = number % 1000 == 0
                    sightings += is_sighting
                    host = "www.clearview.ai" if is_sighting else f"host{number % 997}.example.org"
                    is_new = is_sighting and number - second * per_s <= 1000
                    if is_new:
                        written[kills.iso(number)] = 0.0
                    lines.append(kills.squid_line(number, f"v{second}" if is_new else f"u{number % 500}", host))
                file.write(b"\n".join(lines) + b"\n")
                file.flush()
                written = {first: at or time.time() for first, at in written.items()}
                highest = max(highest, spent(daemon.pid)[1])
                time.sleep(max(began + second + 1 - time.monotonic(), 0))
        time.sleep(3)
        watcher.ended.set()
        waits = sorted(watcher.seen[first] - at for first, at in written.items() if first in watcher.seen)
        elapsed, (after, resident) = time.monotonic() - began, spent(daemon.pid)
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)
        lost, doubled = kills.compared(site, [line for line in log.read_bytes().splitlines() if b"clearview" in line])
        print(f"{per_s} lines/s for {seconds} s ({log.stat().st_size / 1024**2:.0f} MiB), {sightings} sightings: "
              f"{100 * (after - cpu) / elapsed:.1f} % of a core, memory at most {highest:.0f} MiB, at the end {resident:.0f} MiB; "
              f"lost {lost}, doubled {doubled}; {len(waits)} of {len(written)} new people alerted, "
              f"after {waits[len(waits) // 2]:.2f} s in the middle, {waits[-1]:.2f} s at most")  # fmt: skip
        return 1 if lost or doubled or len(waits) < len(written) else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 600, int(sys.argv[2]) if len(sys.argv) > 2 else 10_000))
