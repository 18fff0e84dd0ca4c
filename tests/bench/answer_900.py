"""How well and how fast the big corpus is answered: recall, false accusations, time, memory.

    python tests/bench/corpus_900.py /data/corpus            # once: 10^8 lines, 17 GB that pack to 3.3 GB
    python tests/bench/answer_900.py /data/corpus            # the whole answer in one command, measured

Leaves with status 1 where a planted person is missed, or anybody else is found at signed_up or above.
"""

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SERVICE = "clearview-ai"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """What one run of a command took.

    Attributes:
        status: its exit status.
        output: of the command.
        errors: of the command.
        seconds: by the clock.
        peak_mb: of its largest process.
    """

    status: int
    output: bytes
    errors: bytes
    seconds: float
    peak_mb: float


def run(*arguments):
    """Run the program once, with its output in a file."""
    command = [sys.executable, "-m", "detector", *map(str, arguments)]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        return Run(process.returncode, output.read(), errors.read(), seconds, usage.ru_maxrss / 1024)


def answered(corpus):
    """The whole answer in one command: logs of all kinds, directory and policy to people, stages, units, orders."""
    papers = ("--people", corpus / "people.csv", "--policy", corpus / "policy.yml")
    shown = ("--names", "--purpose", "benchmark", "-f", "json", "-q")
    return run("answer", SERVICE, corpus / "logs", *papers, *shown)


def spread(corpus):
    """The graph of invitations."""
    return run("spread", SERVICE, corpus / "logs", "--people", corpus / "people.csv", "-f", "json")


def compare(truth, answer):
    """What of the people is wrong: missed, falsely found, found with another stage, unit or date."""
    planted = {one["person"]: one for one in truth["people"]}
    found = {one["id"]: one for one in answer["people"]}
    keys = ("stage", "first_seen", "last_seen")
    other = [
        who
        for who in planted.keys() & found.keys()
        if [found[who][key] for key in keys] != [planted[who][key] for key in keys]
        or found[who]["units"] != [planted[who]["unit"]]
    ]
    return {
        "missed": sorted(planted.keys() - found.keys()),
        "false": sorted(found.keys() - planted.keys()),
        "other": sorted(other),
    }


def edges_of(document):
    """(inviter, invitee, how) of edges whose inviter is known."""
    return {(one["inviter"], one["invitee"], one["by"]) for one in document["edges"] if one["inviter"] != "unknown"}


def measure(corpus):
    """Everything that is reported, as plain values."""
    truth = json.loads((corpus / "truth.json").read_text())
    whole = answered(corpus)
    if whole.status not in (0, 4):  # 4: coverage is short, which is told
        raise SystemExit(whole.errors.decode())
    answer = json.loads(whole.output)
    graph = spread(corpus)
    planted, told = edges_of(truth), edges_of(json.loads(graph.output))
    wrong = compare(truth, answer)
    return {
        "lines": truth["lines"],
        "bytes": truth["bytes"],
        "packed_bytes": truth["packed_bytes"],
        "verdict": answer["verdict"],
        "planted_people": len(truth["people"]),
        "recall_people": 1 - len(wrong["missed"]) / len(truth["people"]),
        **wrong,
        "planted_edges": len(planted),
        "recall_edges": len(planted & told) / len(planted),
        "false_edges": len(told - planted),
        "answer_seconds": round(whole.seconds, 1),
        "answer_peak_mb": round(whole.peak_mb),
        "spread_seconds": round(graph.seconds, 1),
        "spread_peak_mb": round(graph.peak_mb),
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("corpus", type=Path)
    options.add_argument("--output", type=Path, help="write the figures there, as JSON")
    given = options.parse_args()
    figures = measure(given.corpus.absolute())
    for name, value in figures.items():
        print(f"{name:15} {value}")
    if given.output:
        machine = {
            "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        }
        given.output.write_text(json.dumps(machine | figures, indent=1) + "\n")
    return 1 if figures["missed"] or figures["false"] else 0


if __name__ == "__main__":
    sys.exit(main())
