"""OCSF Detection Findings, one JSON object on each line of a file, each durable before it counts as delivered.

::

    sinks:
      - {type: jsonl, path: alerts.jsonl}

A line that an earlier stop left without its end is ended first; a write that fails half-way is taken back.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from detector.errors import UsageError
from detector.findings.alert import Alert
from detector.outward import Options, Outcome, Result, Sink
from detector.outward.wording import as_json, ocsf

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class JsonlOptions(Options):
    """Options of ``jsonl``.

    Attributes:
        path: the file; made readable by its owner only.
    """

    path: Path


def deliver(alert: Alert, options: JsonlOptions, now: int) -> Outcome:  # noqa: ARG001 - a file needs no time
    """Append an alert."""
    line = as_json(ocsf(alert)) + b"\n"
    file = os.open(options.path, _FLAGS, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise UsageError(f"{options.path}: not a regular file")
        _append(file, line)
    finally:
        os.close(file)
    return Outcome(Result.DELIVERED, f"written to {options.path}")


def _append(file: int, line: bytes) -> None:
    before = os.fstat(file).st_size
    if before and os.pread(file, 1, before - 1) != b"\n":
        line = b"\n" + line
    try:
        view = memoryview(line)
        while view:
            view = view[os.write(file, view) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, before)
        raise


SINK = Sink(type="jsonl", options=JsonlOptions, deliver=deliver, is_digestible=False)
