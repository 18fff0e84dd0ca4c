"""How well and how fast the big corpus is answered: recall, false accusations, time, memory.

    python tests/bench/corpus_900.py /data/corpus            # once: 10^8 lines, 17 GB that pack to 3.2 GB, two minutes
    python tests/bench/answer_900.py /data/corpus            # the whole answer in one command, measured

Leaves with status 1 where a planted person is missed, or anybody else is found at signed_up or above.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SERVICE = "clearview-ai"
HIGH = ("signed_up", "signed_in", "used", "uploaded")
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


def found(report):
    """Ids of those whom a report finds at signed_up or above: accounts and mailboxes are named after people here."""
    return {
        one["actor"]["id"].partition("@")[0]
        for one in report["findings"]
        if one["service"] == SERVICE and one["stage"] in HIGH
    }


def compare(truth, people):
    """(missed, falsely accused) ids."""
    planted = {one["person"] for one in truth["people"]}
    return sorted(planted - people), sorted(people - planted)
