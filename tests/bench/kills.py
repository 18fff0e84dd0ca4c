"""``python tests/bench/kills.py [KILLS] [SEED]``: a daemon killed so many times while its log rotates in every style.

Prints what was lost and what was doubled against the writer's own list; both must be 0.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import kills


def main(count, seed):
    with tempfile.TemporaryDirectory() as folder:
        site = kills.site(Path(folder) / "site")
        began = time.monotonic()
        writer = kills.killed(site, count, seed, lambda turn: turn % 50 or print(f"{turn} kills", flush=True))
        last = kills.once(site)
        lost, doubled = kills.compared(site, writer.lines)
        alerts = kills.alerts(site)
        print(f"{count} kills, seed {seed}, {time.monotonic() - began:.0f} s: {writer.count} lines written, "
              f"{len(writer.lines)} of them sightings, rotations {dict(writer.rotations)}")  # fmt: skip
        print(f"lost {lost}, doubled {doubled}; {alerts} first-use alerts for {len(writer.users)} people; "
              f"last pass: exit {last.returncode}")  # fmt: skip
        return 1 if lost or doubled or alerts != len(writer.users) or last.returncode else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500, int(sys.argv[2]) if len(sys.argv) > 2 else 1))
