"""``python tests/bench/scrape.py [SERVICES] [SCRAPES]``: how long Prometheus waits for a daemon; the limit is 100 ms."""

import gzip
import socket
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

import corpus
import kills

SEEN = 100
"""Services with sightings, of 40 people each."""


def main(services, scrapes):
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        site = kills.site(Path(folder) / "site", kills.CONFIG.replace('listen: ""', f"listen: {address}"))
        free.close()
        names = corpus.domains(services)
        (site / "signatures" / "many").mkdir()
        corpus.signatures(site / "signatures" / "many", names[: services - 1])
        for path in (site / "signatures" / "facial-recognition").glob("*.yaml"):
            path.unlink()
        lines = [kills.squid_line(at, f"u{at % 40}", names[at // 40]) for at in range(SEEN * 40)]
        (site / "logs" / "access.log").write_bytes(b"\n".join(lines) + b"\n")
        manager = kills.Manager(site)
        daemon = kills.started(site, notify=manager.path)
        assert manager.wait_for("READY=1", 120)
        asked = urllib.request.Request(f"http://{address}/metrics", headers={"Accept-Encoding": "gzip"})
        took = []
        for _ in range(scrapes):
            begun = time.perf_counter()
            with urllib.request.urlopen(asked, timeout=10) as answer:
                packed = answer.read()
            took.append(1000 * (time.perf_counter() - begun))
            time.sleep(1.1)  # what was made a second ago is not made anew
        text = gzip.decompress(packed)
        daemon.terminate()
        daemon.wait(60)
        first = took[0]
        took.sort()
        print(f"{services} services, {text.count(b'sightings_total{')} series of sightings, {len(text)} bytes, "
              f"{scrapes} scrapes: median {statistics.median(took):.1f} ms, 99th of 100 {took[len(took) * 99 // 100]:.1f} ms, "
              f"slowest {took[-1]:.1f} ms, the first one {first:.1f} ms")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3500, int(sys.argv[2]) if len(sys.argv) > 2 else 60)
